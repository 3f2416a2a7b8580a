"""What a search asks for and what it answers, in the catalogue's own terms."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum


class Order(StrEnum):
    """Order of the answer, under the names used on the wire."""

    RELEVANCE = "relevance"
    POPULARITY = "popularity"
    RATING = "rating"
    NEWEST = "newest"
    OLDEST = "oldest"
    TITLE = "title"


@dataclass(frozen=True, slots=True)
class Filters:
    """Conditions every film of the answer meets; empty and 0 mean "any".

    `genres` and `services` are canonical names; a film must have all genres and be on one of the services. `cast`, `director` and
    `keyword` match by their words, misspellings forgiven for people.
    """

    genres: tuple[str, ...] = ()
    services: tuple[str, ...] = ()
    cast: str = ""
    director: str = ""
    keyword: str = ""
    year_min: int = 0
    year_max: int = 0
    rating_min: float = 0.0
    runtime_max: int = 0


@dataclass(frozen=True, slots=True)
class SearchQuery:
    """A whole request: words, filters, order and the part of the answer that is wanted."""

    text: str = ""
    filters: Filters = field(default_factory=Filters)
    order: Order | None = None
    offset: int = 0
    limit: int = 20
    facets: bool = False


@dataclass(frozen=True, slots=True)
class SearchAnswer:
    """Ordinals of the films of this page, best first, and what is known of the whole answer.

    `facets` maps "genre", "decade" and "service" to (value, count) pairs, most films first.
    """

    ordinals: list[int]
    total: int
    fuzzy: bool = False
    facets: dict[str, list[tuple[str, int]]] = field(default_factory=dict)
