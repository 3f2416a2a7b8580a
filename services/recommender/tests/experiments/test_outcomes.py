"""Which acts follow from which answers."""

from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cine_recommender.experiments.outcomes import NOBODY, WINDOW, Act, Answer, Outcome, joined, tally

BEGAN = dt.datetime(2026, 12, 1, 12, tzinfo=dt.UTC)
VARIANTS = ("stated", "learned")
LIKED, CLICKED, REFUSED = Outcome.LIKED, Outcome.CLICKED, Outcome.REFUSED


def day(number: float) -> dt.datetime:
    return BEGAN + dt.timedelta(days=number)


def counted(answers: list[Answer], acts: list[Act]) -> list[list[int]]:
    return tally(answers, acts, VARIANTS).outcomes.tolist()


SHOWN = Answer("ada", day(0), "stated", [1, 2, 3])


@pytest.mark.parametrize(
    ("act", "row"),
    [
        (Act("ada", 1, day(0), LIKED), [1, 0, 0]),
        (Act("ada", 1, BEGAN + WINDOW, CLICKED), [0, 1, 0]),
        (Act("ada", 3, day(3), REFUSED), [0, 0, 1]),
        (Act("ada", 1, BEGAN + WINDOW + dt.timedelta(microseconds=1), LIKED), [0, 0, 0]),
        (Act("ada", 1, BEGAN - dt.timedelta(microseconds=1), LIKED), [0, 0, 0]),
        (Act("ada", 4, day(1), LIKED), [0, 0, 0]),
        (Act("bob", 1, day(1), LIKED), [0, 0, 0]),
    ],
)
def test_an_act_counts_within_seven_days_for_films_shown_to_its_person(act: Act, row: list[int]) -> None:
    assert counted([SHOWN], [act]) == [row]


def test_a_film_counts_once_however_often_it_was_shown_and_liked() -> None:
    answers = [Answer("ada", day(number), "stated", [1, 2]) for number in range(5)]
    acts = [Act("ada", 1, day(number + 0.5), LIKED) for number in range(5)]
    assert counted(answers, acts) == [[1, 0, 0]]


def test_a_film_shown_again_may_be_liked_later() -> None:
    assert counted([SHOWN, Answer("ada", day(8), "stated", [2])], [Act("ada", 2, day(12), LIKED)]) == [[1, 0, 0]]


def test_whoever_got_two_variants_counts_for_the_first() -> None:
    answers = [Answer("ada", day(1), "learned", [9]), SHOWN]
    found = tally(answers, [Act("ada", 9, day(2), LIKED)], VARIANTS)
    assert (found.variants.tolist(), found.answers.tolist(), found.outcomes.tolist()) == ([0], [2], [[1, 0, 0]])


def test_answers_of_variants_that_are_declared_no_more_are_left_out() -> None:
    assert tally([Answer("ada", day(0), "third", [1])], [Act("ada", 1, day(1), LIKED)], VARIANTS) is NOBODY


def test_the_longest_answer_is_remembered() -> None:
    assert tally([SHOWN, Answer("bob", day(0), "learned", [])], [], VARIANTS).most_shown == 3


answers = st.builds(
    Answer,
    user_id=st.sampled_from("abc"),
    at=st.integers(0, 20).map(day),
    variant=st.sampled_from(VARIANTS),
    movie_ids=st.lists(st.integers(1, 5), max_size=4, unique=True),
)
acts = st.builds(
    Act,
    user_id=st.sampled_from("abcd"),
    movie_id=st.integers(1, 6),
    at=st.integers(0, 30).map(day),
    outcome=st.sampled_from(Outcome),
)


@given(st.lists(answers, max_size=12), st.lists(acts, max_size=20))
@settings(deadline=None)
def test_counts_are_those_of_the_plain_definition(shown: list[Answer], done: list[Act]) -> None:
    people = sorted({one.user_id for one in shown})
    expected = []
    for person in people:
        mine = sorted((one for one in shown if one.user_id == person), key=lambda one: one.at)
        found = {
            (act.movie_id, act.outcome)
            for act in done
            for answer in mine
            if act.user_id == person and act.movie_id in answer.movie_ids and answer.at <= act.at <= answer.at + WINDOW
        }
        row = [sum(outcome is kind for _, outcome in found) for kind in Outcome]
        expected.append((VARIANTS.index(mine[0].variant), len(mine), row))
    got = tally(shown, done, VARIANTS)
    assert list(zip(got.variants.tolist(), got.answers.tolist(), got.outcomes.tolist(), strict=True)) == expected
    # people in parts give the same as all at once
    parts = [tally([one for one in shown if one.user_id == person], done, VARIANTS) for person in people]
    assert joined(parts).outcomes.tolist() == got.outcomes.tolist()
