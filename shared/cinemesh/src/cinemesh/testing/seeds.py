"""Fills the tables of projections, for tests of stores that read from them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import SimpleNamespace
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from cinemesh.projections import film_rows, person_rows


def seed_films(session: Session, table: sa.Table, films: Iterable[Any]) -> None:
    """Puts films made by `cinemesh.testing.catalogue.film` into a table "film"."""
    film_rows.put(session, table, [film_rows.row_of(film) for film in films])


def seed_people(session: Session, table: sa.Table, usernames: Mapping[str, str]) -> None:
    """Puts people, user id to user name, into a table "person"."""
    people = [
        SimpleNamespace(user_id=user_id, username=username, display_name=username.title())
        for user_id, username in usernames.items()
    ]
    person_rows.add_missing(session, table, people)
