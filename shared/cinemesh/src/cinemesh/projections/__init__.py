"""A service's own copy of what it needs of another one's facts, kept by following that one's feed; see ADR 0013."""

from __future__ import annotations

from cinemesh.projections.films import Cards, Films, FindCards
from cinemesh.projections.people import People
from cinemesh.projections.tables import create_film_table, create_person_table, film_table, person_table

__all__ = [
    "Cards",
    "Films",
    "FindCards",
    "People",
    "create_film_table",
    "create_person_table",
    "film_table",
    "person_table",
]
