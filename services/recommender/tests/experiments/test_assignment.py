"""Who gets which variant: sticky, even, independent, and moved as little as a change demands."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import chi2_contingency, chisquare

from cine_recommender.experiments.allocation import Allocation
from cine_recommender.experiments.assignment import Assigner
from cine_recommender.experiments.declaration import Experiment, Profile, Variant

PEOPLE = [f"01J{number:023d}" for number in range(6_000)]
BEGAN = dt.datetime(2026, 12, 1, tzinfo=dt.UTC)
# so seldom by chance that a thousand runs of the suite see it once
UNLIKELY = 1e-6


def experiment(name: str = "one", *shares: float | tuple[float, ...], **more: object) -> Experiment:
    written = [share if isinstance(share, tuple) else (share,) for share in shares or (0.5, 0.5)]
    variants = tuple(Variant(f"v{place}", share) for place, share in enumerate(written))
    return replace(Experiment(name, "", "running", BEGAN, variants), **more)  # type: ignore[arg-type]


def variants_of(*experiments: Experiment) -> dict[str, str]:
    assigner = Assigner(experiments)
    found = {person: assigner.of(person) for person in PEOPLE}
    return {person: f"{one.experiment_id}/{one.variant}" for person, one in found.items() if one is not None}


def moved(before: dict[str, str], after: dict[str, str]) -> Counter[tuple[str | None, str | None]]:
    pairs = ((before.get(person), after.get(person)) for person in PEOPLE)
    return Counter(pair for pair in pairs if pair[0] != pair[1])


names = st.text("abcdefghijkl-0123456789", min_size=1, max_size=20)


@given(name=names, salt=names, weights=st.lists(st.integers(1, 20), min_size=2, max_size=5))
@settings(max_examples=25, deadline=None)
def test_people_are_shared_out_as_declared(name: str, salt: str, weights: list[int]) -> None:
    shares = [weight / sum(weights) for weight in weights]
    counts = Counter(variants_of(experiment(name, *shares, salt=salt)).values())
    seen = [counts[f"{name}/v{place}"] for place in range(len(shares))]
    assert sum(seen) >= len(PEOPLE) - 1  # shares that are no whole parts leave a sliver
    assert chisquare(seen, np.array(shares) * sum(seen)).pvalue > UNLIKELY


@given(first=names, second=names)
@settings(max_examples=25, deadline=None)
def test_what_somebody_gets_here_says_nothing_of_what_they_get_there(first: str, second: str) -> None:
    if first == second:
        second += "x"
    one, other = (Assigner([experiment(name, 0.3, 0.3, 0.4)]) for name in (first, second))
    table = np.zeros((3, 3))
    for person in PEOPLE:
        left, right = one.of(person), other.of(person)
        assert left is not None and right is not None
        table[int(left.variant[1]), int(right.variant[1])] += 1
    assert chi2_contingency(table).pvalue > UNLIKELY


def test_the_part_of_people_and_the_variant_are_independent() -> None:
    halves = [variants_of(experiment("same", people=part)) for part in ((0.0, 0.5), (0.5, 1.0))]
    assert not set(halves[0]) & set(halves[1])
    assert len(halves[0]) + len(halves[1]) == len(PEOPLE)
    table = [[list(half.values()).count(f"same/{name}") for name in ("v0", "v1")] for half in halves]
    assert chi2_contingency(table).pvalue > UNLIKELY


def test_everybody_keeps_their_variant_wherever_it_is_asked() -> None:
    # written down: another answer after an upgrade would give people another variant in the midst of an experiment
    assigner = Assigner([experiment("stays", 0.25, 0.25, 0.25, salt="2026")])
    told = [assigner.of(f"user-{number}") for number in range(8)]
    assert [one.variant if one else None for one in told] == ["v1", None, "v1", None, "v0", "v1", "v2", None]


def test_another_salt_gives_people_anew() -> None:
    table = np.zeros((2, 2))
    before, after = variants_of(experiment(salt="a")), variants_of(experiment(salt="b"))
    for person in PEOPLE:
        table[int(before[person][-1]), int(after[person][-1])] += 1
    assert chi2_contingency(table).pvalue > UNLIKELY


def test_pausing_a_variant_leaves_everybody_else_where_they_are() -> None:
    whole = experiment("one", 0.3, 0.3, 0.4)
    variants = (whole.variants[0], replace(whole.variants[1], paused=True), whole.variants[2])
    before, after = variants_of(whole), variants_of(replace(whole, variants=variants))
    assert set(moved(before, after)) == {("one/v1", None)}
    assert variants_of(replace(whole, variants=whole.variants)) == before


@pytest.mark.parametrize("state", ["paused", "ended"])
def test_an_experiment_that_does_not_run_gives_nobody_anything_and_moves_nobody_else(state: str) -> None:
    one, other = experiment("one", people=(0.0, 0.4)), experiment("other", people=(0.4, 0.8))
    before, after = variants_of(one, other), variants_of(replace(one, state=state), other)  # type: ignore[arg-type]
    assert {pair[1] for pair in moved(before, after)} == {None}
    assert {person: got for person, got in before.items() if got.startswith("other/")} == after


def test_nobody_is_in_two_experiments_and_the_order_does_not_matter() -> None:
    three = [experiment(f"e{place}", people=(place / 4, (place + 1) / 4)) for place in range(3)]
    got = variants_of(*three)
    assert variants_of(*reversed(three)) == got
    sizes = Counter(value.split("/")[0] for value in got.values())
    outside = len(PEOPLE) - len(got)
    assert chisquare([sizes["e0"], sizes["e1"], sizes["e2"], outside]).pvalue > UNLIKELY


def test_more_people_join_and_nobody_who_was_there_moves() -> None:
    change = moved(variants_of(experiment(people=(0.0, 0.2))), variants_of(experiment(people=(0.0, 0.5))))
    assert {before for before, _ in change} == {None}


def test_an_assignment_carries_what_serving_needs() -> None:
    tuned: Profile = "tuned"
    variants = (Variant("a", (0.0,)), Variant("b", (1.0,), tuned, 0.25))
    got = Assigner([experiment(variants=variants)]).of("somebody")
    assert got is not None
    assert (got.experiment_id, got.variant, got.profile, got.diversity) == ("one", "b", "tuned", 0.25)
    assert Assigner().of("somebody") is None


steps = st.integers(2, 5).flatmap(
    lambda count: st.lists(
        st.lists(st.integers(0, 10), min_size=count, max_size=count).map(
            lambda weights: [weight / max(sum(weights), 12) for weight in weights]
        ),
        min_size=2,
        max_size=6,
    )
)
POINTS = (np.arange(2_000) + 0.5) / 2_000


@given(steps)
@settings(deadline=None)
def test_a_change_of_shares_moves_no_more_people_than_it_must(history: list[list[float]]) -> None:
    names = [f"v{place}" for place in range(len(history[0]))]

    def held(upto: int) -> list[str | None]:
        shares = {name: [step[place] for step in history[:upto]] for place, name in enumerate(names)}
        allocation = Allocation(shares)
        return [allocation.holder(point) for point in POINTS]

    before, after = held(len(history) - 1), held(len(history))
    change = {name: history[-1][place] - history[-2][place] for place, name in enumerate(names)}
    gone = sum(left is not None and left != right for left, right in zip(before, after, strict=True)) / len(POINTS)
    come = sum(right is not None and left != right for left, right in zip(before, after, strict=True)) / len(POINTS)
    slack = 0.01  # parts begin and end between the points
    assert gone <= sum(-value for value in change.values() if value < 0) + slack
    assert come <= sum(value for value in change.values() if value > 0) + slack
    for left, right in zip(before, after, strict=True):
        if left != right:
            assert left is None or change[left] < 1e-12
            assert right is None or change[right] > -1e-12
    for place, name in enumerate(names):
        assert abs(after.count(name) / len(POINTS) - history[-1][place]) <= slack


@given(st.lists(st.tuples(st.integers(0, 10), st.integers(0, 10)).filter(lambda pair: sum(pair) <= 10), min_size=1))
@settings(deadline=None)
def test_two_variants_get_the_same_places_with_and_without_their_past(history: list[tuple[int, int]]) -> None:
    past = Allocation({"a": [one / 10 for one, _ in history], "b": [other / 10 for _, other in history]})
    fresh = Allocation({"a": [history[-1][0] / 10], "b": [history[-1][1] / 10]})
    assert [past.holder(point) for point in POINTS] == [fresh.holder(point) for point in POINTS]
