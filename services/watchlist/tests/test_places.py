"""Places in an order that people arrange by hand."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from cine_watchlist.domain.places import GAP, between, first, fresh_start, last

PLACES = st.integers(-(2**62), 2**62)


def test_an_order_begins_somewhere() -> None:
    assert first(None) == last(None) == between(None, None) == 0


@given(place=PLACES)
def test_ends_are_beyond_what_is_there(place: int) -> None:
    assert first(place) == between(None, place) == place - GAP
    assert last(place) == between(place, None) == place + GAP


@given(lower=PLACES, distance=st.integers(1, 2**40))
def test_what_lies_between_does_so_and_only_neighbours_have_no_room(lower: int, distance: int) -> None:
    found = between(lower, lower + distance)
    assert (found is None) == (distance == 1)
    assert found is None or lower < found < lower + distance


def test_a_gap_takes_thirty_two_moves_at_least() -> None:
    lower, upper, moves = 0, GAP, 0
    while (found := between(lower, upper)) is not None:
        upper, moves = found, moves + 1
    assert moves == 32


@given(old=st.lists(PLACES, min_size=1, max_size=20, unique=True))
def test_new_places_meet_none_of_the_old_ones(old: list[int]) -> None:
    start = fresh_start(min(old), max(old), len(old))
    new = [start + number * GAP for number in range(len(old))]
    assert max(new) < min(old) or min(new) > max(old)


@given(count=st.integers(1, 50_000), times=st.integers(1, 50))
def test_places_stay_small_however_often_they_are_written_anew(count: int, times: int) -> None:
    lowest, highest = 0, (count - 1) * GAP
    for _ in range(times):
        lowest = fresh_start(lowest, highest, count)
        highest = lowest + (count - 1) * GAP
    assert abs(lowest) <= 2 * count * GAP < 2**50 and abs(highest) <= 2 * count * GAP
