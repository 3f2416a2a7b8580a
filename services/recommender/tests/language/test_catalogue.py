"""Titles and people of a catalogue, found as people write them."""

from __future__ import annotations

import pytest

from cine_recommender.language.catalogue import (
    PeopleIndex,
    TitledFilm,
    TitleIndex,
    vocabulary_of,
    vocabulary_of_model,
)
from cine_recommender.language.known import WishVocabulary
from cine_recommender.language.wish import understand
from cine_recommender.models.content import ContentModel

from .shelf import FILMS, NOW, PEOPLE

TITLES = TitleIndex(FILMS)
NAMES = PeopleIndex(PEOPLE)


@pytest.mark.parametrize(
    ("text", "movie_id"),
    [
        ("heat", 1),
        ("HEAT!", 1),
        ("Heat (1995)", 1),
        ("Heat (1986)", 2),
        ("heat 1986", 2),
        ("amelie", 13),
        ("400 blows", 5),
        ("the 400 blows", 5),
        ("the heat", 1),
        ("good, the bad and the ugly", 4),
        ("Wonder Woman 1984", 21),
        ("1984", 6),
        ("1984 (1984)", 6),
    ],
)
def test_a_title_leads_to_its_film(text: str, movie_id: int) -> None:
    found = TITLES.find(text)
    assert found is not None
    assert found.movie_id == movie_id


@pytest.mark.parametrize("text", ["", " ", "!", "a heat", "Heat (1990)", "Heat and dust", "the", "(1995)", "blows"])
def test_other_words_lead_to_none(text: str) -> None:
    assert TITLES.find(text) is None


def test_the_title_told_leads_to_the_same_film_again() -> None:
    for film in FILMS:
        found = TITLES.find(f"{film.title} ({film.year})")
        assert found is not None
        assert found.movie_id == film.movie_id
        assert TITLES.find(found.title) == found
    other = TITLES.find("Heat (1986)")
    assert other is not None
    assert other.title == "Heat (1986)"


def test_a_title_that_is_just_so_comes_before_one_that_lacks_its_article() -> None:
    titles = TitleIndex([TitledFilm(1, "The Ring", 2002, known=900), TitledFilm(2, "Ring", 1998, known=10)])
    found = titles.find("ring")
    assert found is not None
    assert found.movie_id == 2


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("tom hanks", "Tom Hanks"),
        ("HANKS", "Tom Hanks"),
        ("miyazaki", "Hayao Miyazaki"),
        ("penelope cruz", "Penélope Cruz"),
        ("Cruz", "Penélope Cruz"),
        ("wong kar wai", "Wong Kar-wai"),
        ("del Toro", "Guillermo del Toro"),
        ("Downey", "Robert Downey Jr."),
        ("Lee", None),  # two of them, equally known
        ("Tom", None),
        ("", None),
        ("-", None),
    ],
)
def test_a_name_leads_to_one_person_or_to_nobody(text: str, name: str | None) -> None:
    assert NAMES.find(text) == name


def test_who_is_named_first_on_a_better_known_film_is_better_known() -> None:
    films = [TitledFilm(1, "A", 2000, ("Ann Wu", "Bo Day"), 1000), TitledFilm(2, "B", 2001, ("Cy Wu",), 10)]
    words = vocabulary_of(films, WishVocabulary())
    assert words.people.find("wu") == "Ann Wu"
    assert words.people.find("day") == "Bo Day"


def test_a_model_tells_its_films_people_genres_and_services(model: ContentModel) -> None:
    words = vocabulary_of_model(model)
    assert words.genres is model.genre_names
    assert words.services is model.service_names
    wish = understand("sci-fi like the matrix with Keanu Reeves or audrey tautou, on hulu", words, NOW)
    assert (wish.genres, wish.like_movie_ids, wish.services) == (("Sci-Fi",), (2571,), ("Hulu",))
    assert wish.people == ("Audrey Tautou", "Keanu Reeves")
    assert wish.about == ""
