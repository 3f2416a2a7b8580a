"""A wish for films in a person's own words, and what was understood of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, Protocol

from cinemesh.vocabulary import MOVIELENS_GENRES, STREAMING_SERVICES, Vocabulary, genres, streaming_services

MOST_CHARACTERS: Final = 2000
"""Characters that are read; the contract lets 500 through."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What was understood; every field is empty or 0 where nothing was said of it.

    Attributes:
        genres: canonical genres wanted, all of them, sorted.
        excluded_genres: canonical genres not wanted, sorted; none is also in `genres`.
        year_min: first year; never after `year_max` where both are given.
        year_max: last year.
        runtime_min: shortest running time, minutes; never above `runtime_max` where both are given.
        runtime_max: longest running time, minutes.
        services: canonical streaming services, any of them, sorted.
        languages: ISO 639-1, any of them, sorted.
        mood: one of the moods the vocabulary knows.
        people: names as the vocabulary writes them, sorted.
        like_movie_ids: films named by "like …", sorted.
        like_titles: their titles, in the order of `like_movie_ids`.
        about: what is left, to be matched by meaning.
        parsed_by: `grammar`, or the language model, such as "ollama/mistral".
    """

    genres: tuple[str, ...] = ()
    excluded_genres: tuple[str, ...] = ()
    year_min: int = 0
    year_max: int = 0
    runtime_min: int = 0
    runtime_max: int = 0
    services: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()
    mood: str = ""
    people: tuple[str, ...] = ()
    like_movie_ids: tuple[int, ...] = ()
    like_titles: tuple[str, ...] = ()
    about: str = ""
    parsed_by: str = "grammar"


@dataclass(frozen=True, slots=True)
class NamedFilm:
    """A film that a title led to."""

    movie_id: int
    title: str


class KnownPeople(Protocol):
    """Names of people who made films."""

    def find(self, name: str) -> str | None:
        """Returns the name as the catalogue writes it; None unless exactly one person is meant."""
        ...


def _no_film(_: str) -> NamedFilm | None:
    return None


class _Nobody:
    def find(self, name: str) -> str | None:  # noqa: ARG002
        return None


@dataclass(frozen=True)
class WishVocabulary:
    """What words of a wish can mean. `cine_recommender.language.catalogue` makes it from a model's films.

    Attributes:
        genres: of the catalogue.
        services: of the catalogue.
        moods: those that the context signal knows.
        people: who made its films.
        film: finds a film by its title, in any case and with or without accents; None where no film is called that.
    """

    genres: Vocabulary = field(default_factory=lambda: genres(MOVIELENS_GENRES))
    services: Vocabulary = field(default_factory=lambda: streaming_services(STREAMING_SERVICES))
    moods: tuple[str, ...] = ()
    people: KnownPeople = field(default_factory=_Nobody)
    film: Callable[[str], NamedFilm | None] = _no_film


def understand(text: str, vocabulary: WishVocabulary, now_year: int) -> Wish:  # noqa: ARG001
    """Reads a wish. Never raises: what makes no sense is left in `about`.

    Args:
        text: as the person wrote it; what is beyond `MOST_CHARACTERS` is not read.
        vocabulary: what there is to wish for.
        now_year: the year it is, for "recent" and "last ten years".
    """
    return Wish(about=" ".join(text[:500].split()))
