"""Somebody new is asked about films that they know, that people differ on, and that stand for many others."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cine.common.v1 import film_card_pb2
from cine_recommender.domain.onboarding import information, most_telling
from cine_recommender.domain.preferences import Preferences
from cine_recommender.flows.onboarding import Onboarding

from .conftest import Served
from .doubles import known


def test_a_film_nobody_knows_or_everybody_loves_says_little() -> None:
    told = information(np.array([1000, 1000, 10, 0], dtype=np.int32), np.array([2.75, 4.9, 2.75, 0], dtype=np.float32))
    assert told[0] == pytest.approx(1)
    assert told[0] > told[2] > told[1] > told[3] == 0


def test_of_two_films_alike_one_is_asked_about() -> None:
    told = np.array([1.0, 0.95, 0.5], dtype=np.float32)
    likeness = np.array([[1, 0.9, 0], [0.9, 1, 0], [0, 0, 1]], dtype=np.float32)
    assert most_telling(told, likeness, 3) == [0, 2, 1]


def test_a_film_that_stands_for_many_goes_before_one_that_stands_for_itself() -> None:
    told = np.full(10, 0.5, dtype=np.float32)
    likeness = np.eye(10, dtype=np.float32)
    likeness[3, 4:] = likeness[4:, 3] = 0.8
    assert most_telling(told, likeness, 1) == [3]


@given(films=st.integers(0, 30), count=st.integers(0, 40), seed=st.integers(0, 100))
def test_no_film_is_picked_twice(films: int, count: int, seed: int) -> None:
    draw = np.random.default_rng(seed)
    picked = most_telling(draw.random(films).astype(np.float32), draw.random((films, films)).astype(np.float32), count)
    assert len(picked) == len(set(picked)) == min(films, count)


async def picked(served: Served, *exclude: int, limit: int = 12) -> list[film_card_pb2.FilmCard]:
    found = await Onboarding(served.asking(), served.executor).picks("ann", limit, exclude)
    return [film_card_pb2.FilmCard.FromString(card) for card in found.cards]


async def test_films_known_refused_or_asked_about_are_not_asked_about_again(served: Served) -> None:
    first = [card.movie_id for card in await picked(served)]
    assert len(set(first)) == 12
    served.people.known["ann"] = known([(first[0], 4.0)], seen=[first[1]], refused=[first[2]])
    again = {card.movie_id for card in await picked(served, first[3])}
    assert not again & set(first[:4])
    asked: list[int] = []
    while more := [card.movie_id for card in await picked(served, *asked, limit=50)]:
        assert not set(more) & set(asked)
        asked += more
    rated = np.count_nonzero(served.content.rating_counts)
    assert len(asked) == rated - 3, "films without a rating are never asked about"
    assert (await Onboarding(served.asking(), served.executor).picks("ann", 5, ())).rating_count == 1


async def test_genres_never_wanted_are_not_asked_about(served: Served) -> None:
    served.people.preferences["ann"] = Preferences(excluded_genres=("Drama",))
    assert all("Drama" not in card.genres for card in await picked(served, limit=50))


async def test_picks_are_not_all_of_one_kind(served: Served) -> None:
    genres = {genre for card in await picked(served, limit=12) for genre in card.genres}
    assert len(genres) >= 8
