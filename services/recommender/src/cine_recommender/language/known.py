"""What a catalogue lets one wish for: genres, services, moods, people, films."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from cine_recommender.signals.context import stated_rules
from cinemesh.vocabulary import MOVIELENS_GENRES, STREAMING_SERVICES, Vocabulary, genres, streaming_services


@dataclass(frozen=True, slots=True)
class NamedFilm:
    """A film that a title led to.

    Attributes:
        movie_id: id of the film.
        title: words that lead to it again: its title, with its year where a better known film is called the same.
    """

    movie_id: int
    title: str


class KnownPeople(Protocol):
    """Names of people who made films."""

    def find(self, name: str) -> str | None:
        """Returns the name as the catalogue writes it; None unless exactly one person is meant."""
        ...


class Nobody:
    """Knows no one."""

    def find(self, name: str) -> str | None:  # noqa: ARG002
        """Returns None."""
        return None


def no_film(_: str) -> NamedFilm | None:
    """Returns None: where no titles are known."""
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
    moods: tuple[str, ...] = field(default_factory=lambda: tuple(stated_rules().mood))
    people: KnownPeople = field(default_factory=Nobody)
    film: Callable[[str], NamedFilm | None] = no_film
