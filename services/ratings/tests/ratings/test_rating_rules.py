"""What a rating is, and how one follows on another."""

from __future__ import annotations

import datetime as dt
import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cine_ratings.domain.counts import DAMPING, FilmCounts, deltas, film_counts, histogram
from cine_ratings.domain.rating import (
    DIMENSIONS,
    Rating,
    RatingChange,
    RatingWish,
    Score,
    halves_of,
    rated,
    restored,
    score_of,
    stars_of,
)
from cinemesh.errors import Aborted, InvalidArgument, Reason

NOW = dt.datetime(2026, 3, 14, tzinfo=dt.UTC)
HALVES = st.integers(0, 10)
SCORES = st.builds(Score, HALVES, *[st.none() | HALVES] * 4)


@given(HALVES)
def test_half_stars_come_back_as_they_went(halves: int) -> None:
    assert halves_of(stars_of(halves)) == halves


@pytest.mark.parametrize("stars", [-0.5, 5.5, 3.3, 0.25, math.nan, math.inf, -math.inf])
def test_what_is_no_half_between_0_and_5_is_refused_by_name(stars: float) -> None:
    with pytest.raises(InvalidArgument) as refused:
        halves_of(stars, "plot")
    assert refused.value.violations[0][0] == "plot"


def test_overall_is_required_and_other_dimensions_are_not() -> None:
    assert score_of({"overall": 0.0, "plot": None}) == Score(0)
    assert score_of({"overall": 3.5, "soundtrack": 5.0}) == Score(7, soundtrack=10)
    with pytest.raises(InvalidArgument):
        score_of({"plot": 3.0})


def a_rating() -> Rating:
    return Rating("01ARZ3NDEKTSV4RRFFQ69G5FAV", "ada", 603, Score(7), NOW, NOW, 1)


def again(before: Rating | None, wish: RatingWish, now: dt.datetime = NOW) -> Rating:
    return rated(before, wish, user_id="ada", rating_id="01ARZ3NDEKTSV4RRFFQ69G5FZZ", now=now)


@given(SCORES, SCORES)
def test_a_change_that_is_undone_leaves_what_was_said_before(first: Score, second: Score) -> None:
    before = again(None, RatingWish(603, first))
    later = NOW + dt.timedelta(days=1)
    change = RatingChange(before, again(before, RatingWish(603, second), later))
    assert change.changed == (first != second)
    assert change.after.score == second
    back = restored(change.after, change.undo)
    assert back is not None
    assert (back.score, back.created_at, back.updated_at) == (first, NOW, NOW)
    assert back.version > change.after.version
    assert restored(before, RatingChange(None, before).undo) is None


def test_the_same_again_changes_nothing() -> None:
    before = a_rating()
    assert again(before, RatingWish(603, Score(7)), NOW + dt.timedelta(days=1)) is before


def test_a_rating_from_elsewhere_has_the_time_it_had_there() -> None:
    long_ago = NOW - dt.timedelta(days=400)
    new = again(None, RatingWish(603, Score(4), rated_at=long_ago))
    assert (new.created_at, new.updated_at) == (long_ago, long_ago)
    changed = again(a_rating(), RatingWish(603, Score(4), rated_at=long_ago))
    assert (changed.created_at, changed.updated_at) == (long_ago, long_ago)
    later = NOW + dt.timedelta(days=1)
    assert again(a_rating(), RatingWish(603, Score(4), rated_at=later)).created_at == NOW


def test_an_etag_is_good_for_one_state_of_one_rating() -> None:
    before = a_rating()
    changed = again(before, RatingWish(603, Score(1), etag=before.etag))
    for now, etag in (
        (changed, before.etag),
        (replace(before, rating_id="01ARZ3NDEKTSV4RRFFQ69G5FBB"), before.etag),
        (None, before.etag),
    ):
        with pytest.raises(Aborted) as refused:
            again(now, RatingWish(603, Score(2), etag=etag))
        assert refused.value.reason is Reason.ETAG_MISMATCH


@given(st.lists(st.tuples(st.integers(1, 3), st.none() | SCORES, st.none() | SCORES)))
def test_deltas_are_the_difference_of_what_is_counted(changes: list[tuple[int, Score | None, Score | None]]) -> None:
    expected: dict[tuple[int, int, int], int] = {}
    for movie_id, before, after in changes:
        for sign, score in ((-1, before), (1, after)):
            for place, name in enumerate(DIMENSIONS):
                halves = getattr(score, name) if score is not None else None
                if halves is not None:
                    key = (movie_id, place, halves)
                    expected[key] = expected.get(key, 0) + sign
    found = deltas(changes)
    assert found == {cell: change for cell, change in expected.items() if change}
    assert list(found) == sorted(found)


@given(st.lists(HALVES))
def test_a_histogram_counts_and_has_the_mean_of_its_ratings(ratings: list[int]) -> None:
    found = histogram(ratings)
    assert found.count == len(ratings)
    assert found.mean == pytest.approx(sum(ratings) / len(ratings) / 2 if ratings else 0.0)


def test_few_ratings_are_drawn_towards_the_mean_of_all_films() -> None:
    one = film_counts(1, {(0, 10): 1}, 0, 0)
    many = film_counts(1, {(0, 10): 5000}, 0, 0)
    assert one.damped_mean(3.0) == pytest.approx((5.0 + DAMPING * 3.0) / (1 + DAMPING))
    assert 3.0 < one.damped_mean(3.0) < 3.1 < 4.9 < many.damped_mean(3.0) < 5.0
    assert FilmCounts(1).damped_mean(3.0) == 3.0
    assert FilmCounts(1).empty and not one.empty
