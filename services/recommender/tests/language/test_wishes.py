"""What the grammar makes of wishes, one by one."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from cine_recommender.language.wish import Wish, understand
from cinemesh.vocabulary import genres, streaming_services

from .shelf import NOW, SHELF
from .wishes import WISHES


def parsed(text: str) -> dict[str, Any]:
    wish = understand(text, SHELF, NOW)
    assert wish.parsed_by == "grammar"
    assert len(wish.like_titles) == len(wish.like_movie_ids)
    found = {
        "genres": list(wish.genres),
        "not": list(wish.excluded_genres),
        "years": (wish.year_min, wish.year_max),
        "minutes": (wish.runtime_min, wish.runtime_max),
        "services": list(wish.services),
        "languages": list(wish.languages),
        "mood": wish.mood,
        "people": list(wish.people),
        "like": list(wish.like_movie_ids),
        "about": wish.about,
    }
    return {name: value for name, value in found.items() if value not in ([], (0, 0), "")}


@pytest.mark.parametrize(("text", "expected"), WISHES, ids=[text or "empty" for text, _ in WISHES])
def test_a_wish_is_understood(text: str, expected: dict[str, Any]) -> None:
    assert parsed(text) == {name: value for name, value in expected.items() if value != ""}


def test_there_are_many_of_them_and_none_twice() -> None:
    assert len({text for text, _ in WISHES}) == len(WISHES) >= 120


def test_a_genre_or_service_the_catalogue_lacks_stays_in_words() -> None:
    small = replace(SHELF, genres=genres(["Drama"]), services=streaming_services(["Hulu"]), moods=("sad",))
    wish = understand("funny horror drama on Netflix or Hulu", small, NOW)
    assert wish == Wish(genres=("Drama",), services=("Hulu",), about="funny horror Netflix")


def test_what_is_too_long_is_cut_not_refused() -> None:
    wish = understand("robots " * 2000, SHELF, NOW)
    assert 0 < len(wish.about) <= 500
