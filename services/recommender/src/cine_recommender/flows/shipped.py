"""The last rung: films that came with the program, shown while there is no model at all."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, Final, Protocol

import grpc

from cine.catalog.v1 import catalog_pb2, catalog_pb2_grpc
from cine.common.v1 import film_card_pb2
from cine_recommender.domain.filters import Filters
from cinemesh.cards import film_card
from cinemesh.client import channel
from cinemesh.errors import Unavailable
from cinemesh.settings import ServiceSettings

NAME: Final = "shipped-list"
_DEADLINE_SECONDS: Final = 1.0
_FILE: Final = "shipped_list.json"


class Cards(Protocol):
    """Finds cards of films."""

    async def cards(self, movie_ids: Collection[int]) -> dict[int, film_card_pb2.FilmCard]:
        """Returns the cards of those films that exist, by id.

        Raises:
            Unavailable: nobody can tell at present.
        """
        ...


class CatalogueCards:
    """Asks the catalogue over the mesh.

    Args:
        settings: where it is.
    """

    def __init__(self, settings: ServiceSettings) -> None:
        self._settings = settings

    async def cards(self, movie_ids: Collection[int]) -> dict[int, film_card_pb2.FilmCard]:
        """Returns the cards of those of at most 200 films that exist, by id.

        Raises:
            Unavailable: the catalogue does not answer.
        """
        stub: Any = catalog_pb2_grpc.CatalogServiceStub(channel("catalog", self._settings, deadline=_DEADLINE_SECONDS))
        try:
            answer = await stub.BatchGetMovies(catalog_pb2.BatchGetMoviesRequest(movie_ids=sorted(set(movie_ids))))
        except grpc.aio.AioRpcError:
            raise Unavailable("the catalogue does not answer", retry_after=2.0) from None
        return {card.movie_id: card for card in answer.movies}


@dataclass(frozen=True, slots=True)
class _Shipped:
    movie_ids: tuple[int, ...]  # in MovieLens, and in the starter catalogue
    languages: frozenset[str]
    card: film_card_pb2.FilmCard


@cache
def _shipped() -> tuple[_Shipped, ...]:
    text = files("cine_recommender.flows").joinpath(_FILE).read_text(encoding="utf-8")
    return tuple(_read(entry) for entry in json.loads(text))


def _read(entry: dict[str, Any]) -> _Shipped:
    blank = {"poster_url": "", "streaming_services": [], "streaming_source": "", "tmdb_id": 0}
    none = {"average_rating": 0.0, "rating_count": 0}
    card = film_card({**blank, **none, **entry, "movie_id": entry["movie_ids"][0]})
    return _Shipped(tuple(entry["movie_ids"]), frozenset(entry["languages"]), card)


async def shipped_films(
    cards: Cards, filters: Filters, hidden: Collection[int]
) -> tuple[Sequence[film_card_pb2.FilmCard], str]:
    """Returns the films of the list that may be shown, best first, and what is missing besides a model; empty when nothing is.

    Films are shown as the catalogue tells them, and only those it has; while it does not answer, as the list tells them.
    """
    films, missing = _shipped(), ""
    try:
        found = await cards.cards([movie_id for film in films for movie_id in film.movie_ids])
        known = [(film, found[one]) for film in films for one in film.movie_ids if one in found]
    except Unavailable:
        known, missing = [(film, film.card) for film in films], "the catalogue does not answer"
    hidden_ids = frozenset(hidden)
    kept = [
        card for film, card in known if hidden_ids.isdisjoint(film.movie_ids) and _passes(card, film.languages, filters)
    ]
    return kept, missing


def _passes(card: film_card_pb2.FilmCard, languages: Collection[str], filters: Filters) -> bool:
    genres, people = set(card.genres), {*card.directors, *card.cast}
    return (
        genres.issuperset(filters.genres)
        and genres.isdisjoint(filters.excluded_genres)
        and (not filters.services or not set(filters.services).isdisjoint(card.streaming_services))
        and (not filters.languages or not set(filters.languages).isdisjoint(languages))
        and (not filters.people or not people.isdisjoint(filters.people))
        and filters.year_min <= card.year <= (filters.year_max or card.year)
        and filters.runtime_min <= card.runtime_minutes <= (filters.runtime_max or card.runtime_minutes)
        and card.average_rating >= filters.rating_min
    )
