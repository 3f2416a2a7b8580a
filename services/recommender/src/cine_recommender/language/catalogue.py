"""The vocabulary of a catalogue: who made its films, what they are called, which genres and services it lists."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from cine.common.v1 import film_card_pb2
from cine_recommender.language.known import NamedFilm, WishVocabulary
from cine_recommender.models.content import ContentModel
from cinemesh.vocabulary import fold

_DOMINANT: Final = 4.0
_ARTICLES: Final = ("the ", "a ", "an ")
_YEAR: Final = re.compile(r"(.*\S)\s*\(?\b((?:18|19|20)\d\d)\)?\s*\Z")


@dataclass(frozen=True, slots=True)
class TitledFilm:
    """A film as far as wishes need it.

    Attributes:
        movie_id: its id.
        title: as people write it.
        year: of first release; 0 when unknown.
        people: who made it or is in it, best known first.
        known: how well known it is, such as its number of ratings; at least 0.
    """

    movie_id: int
    title: str
    year: int = 0
    people: tuple[str, ...] = ()
    known: float = 0.0


class TitleIndex:
    """Finds films by title, with or without case, accents, punctuation and its article; "Heat (1986)" and "Heat 1986" too."""

    def __init__(self, films: Iterable[TitledFilm]) -> None:
        """Takes films; of several with one title the best known is meant."""
        self._by_title: dict[str, TitledFilm] = {}
        self._by_year: dict[tuple[str, int], TitledFilm] = {}
        for film in sorted(films, key=lambda film: (-film.known, film.movie_id)):
            exact = fold(film.title)
            if exact:
                self._by_title.setdefault(exact, film)
                self._by_year.setdefault((exact, film.year), film)
        for film in list(self._by_title.values()):
            # without its article a title yields to one that is just so
            self._by_title.setdefault(fold(_bare(film.title)) or fold(film.title), film)

    def find(self, text: str) -> NamedFilm | None:
        """Returns the film meant; None where none is called that."""
        found = self._exact(text)
        if found is None and (dated := _YEAR.match(text)):
            film = self._exact(dated[1])
            key = fold(film.title) if film else fold(dated[1])
            found = self._by_year.get((key, int(dated[2])))
        if found is None:
            return None
        plain = self._exact(found.title)
        return NamedFilm(found.movie_id, found.title if plain is found else f"{found.title} ({found.year})")

    def _exact(self, text: str) -> TitledFilm | None:
        key = fold(text)
        found = self._by_title.get(key) if key else None
        if found is None and text.casefold().startswith("the "):
            # "the heat"; not "a comedy", which is no title
            found = self._by_title.get(fold(text[4:]))
        return found


class PeopleIndex:
    """Finds people by full name, or by a surname that means one of them far more than any other.

    Args:
        known: name → how well known, such as the ratings of their films. A surname alone leads to its best known bearer where the next
            is not a quarter as well known.
    """

    def __init__(self, known: Mapping[str, float]) -> None:
        self._by_name: dict[str, str] = {}
        bearers: dict[str, list[tuple[float, str]]] = {}
        for name in sorted(known, key=lambda name: (-known[name], name)):
            if not fold(name):
                continue
            self._by_name.setdefault(fold(name), name)
            parts = name.replace("-", " ").split()
            if len(parts) > 1:
                # "Bong Joon-ho" is Bong, "Guillermo del Toro" is del Toro too
                last = [part for part in parts if fold(part) not in ("jr", "sr", "ii", "iii")]
                for surname in {last[-1], " ".join(last[-2:])} if len(last) > 2 else {last[-1]} if last else set():
                    bearers.setdefault(fold(surname), []).append((known[name], name))
        self._by_surname = {
            surname: some[0][1]
            for surname, some in bearers.items()
            if surname and (len(some) == 1 or some[0][0] >= _DOMINANT * some[1][0] > 0)
        }

    def find(self, name: str) -> str | None:
        """Returns the name as the catalogue writes it; None unless one person is meant."""
        key = fold(name)
        return self._by_name.get(key) or self._by_surname.get(key)


def vocabulary_of(films: Iterable[TitledFilm], genres: WishVocabulary) -> WishVocabulary:
    """Returns what films let one wish for.

    Args:
        films: the catalogue.
        genres: the genres, services and moods there are; its people and films are not used.
    """
    films = list(films)
    known: dict[str, float] = {}
    for film in films:
        for place, name in enumerate(film.people):
            known[name] = known.get(name, 0.0) + (film.known + 1) / (1 + place)
    titles = TitleIndex(films)
    return WishVocabulary(genres.genres, genres.services, genres.moods, PeopleIndex(known), titles.find)


def vocabulary_of_model(model: ContentModel) -> WishVocabulary:
    """Returns what a content model's films let one wish for; reads every card, about a second for 60,000: call it off the event loop."""
    read = film_card_pb2.FilmCard.FromString
    cards = (read(model.cards.card(row)) for row in range(len(model)))
    films = (
        TitledFilm(card.movie_id, card.title, card.year, (*card.directors, *card.cast), float(card.rating_count))
        for card in cards
    )
    return vocabulary_of(films, WishVocabulary(model.genre_names, model.service_names))


def _bare(title: str) -> str:
    low = title.casefold()
    return next((title[len(article) :] for article in _ARTICLES if low.startswith(article)), title)
