"""Intervals that hold what they promise, effects that are found, shares that are wrong and are noticed: on invented people."""

from __future__ import annotations

import datetime as dt
from collections import Counter

import numpy as np
import pytest
from scipy import stats

from cine_recommender.experiments.inference import ratio_difference, sample_ratio_p_value, share_difference
from cine_recommender.experiments.outcomes import NOBODY, Ints, Outcome, Tally
from cine_recommender.experiments.report import PER_ANSWER, SHARE_WHO_LIKED, Effect, ExperimentReport, report_of

from .audience import declared, lived

NOW = dt.datetime(2026, 12, 20, tzinfo=dt.UTC)
EXPERIMENTS = 1_000
METRICS = (*PER_ANSWER, SHARE_WHO_LIKED)


def shared_out(draw: np.random.Generator, people: int, *shares: float) -> Ints:
    return draw.choice(len(shares), people, p=shares).astype(np.int64)


def against_first(report: ExperimentReport, place: int = 1) -> dict[str, Effect]:
    return {effect.metric: effect for effect in report.effects if effect.variant == f"v{place}"}


@pytest.mark.slow
@pytest.mark.parametrize(("people", "shares"), [(1_000, (0.5, 0.5)), (2_000, (0.6, 0.4))])
def test_intervals_hold_the_truth_as_often_as_they_say(people: int, shares: tuple[float, ...]) -> None:
    draw = np.random.default_rng(20261127)
    experiment = declared(*shares)
    held: Counter[str] = Counter()
    naive = 0
    for _ in range(EXPERIMENTS):
        tally = lived(draw, shared_out(draw, people, *shares))
        for metric, effect in against_first(report_of(experiment, tally, NOW)).items():
            assert effect.difference is not None
            held[metric] += effect.difference.low <= 0 <= effect.difference.high
        naive += _as_if_answers_were_people(tally)
    coverage = {metric: held[metric] / EXPERIMENTS for metric in METRICS}
    assert all(0.93 <= share <= 0.97 for share in coverage.values()), coverage
    # the trap these people set: taking each answer for a draw of its own
    assert naive / EXPERIMENTS < 0.8


def _as_if_answers_were_people(tally: Tally) -> bool:
    sides = []
    for place in (1, 0):
        mine = tally.variants == place
        asked, liked = tally.answers[mine].sum(), tally.outcomes[mine, Outcome.LIKED].sum()
        sides.append((liked / asked, liked / asked**2))  # a Poisson count
    (one, variance), (first, first_variance) = sides
    return bool(abs(one - first) <= 1.96 * (variance + first_variance) ** 0.5)


def test_an_effect_that_is_there_is_found_and_its_size_is_in_the_interval() -> None:
    draw = np.random.default_rng(11)
    experiment = declared(0.5, 0.5)
    found: Counter[str] = Counter()
    inside = 0
    truth = 0.3 * 0.3  # thirty in a hundred more of 0.3 liked an answer
    rounds = 200
    for _ in range(rounds):
        effects = against_first(report_of(experiment, lived(draw, shared_out(draw, 6_000, 0.5, 0.5), 1.3), NOW))
        for metric, effect in effects.items():
            assert effect.difference is not None
            found[metric] += effect.difference.low > 0 or effect.difference.high < 0
        liked = effects["liked_per_answer"].difference
        assert liked is not None
        inside += liked.low <= truth <= liked.high
    assert found["liked_per_answer"] >= 0.9 * rounds
    assert found[SHARE_WHO_LIKED] >= 0.9 * rounds
    assert found["clicked_per_answer"] <= 0.1 * rounds  # nothing was done to these
    assert found["refused_per_answer"] <= 0.1 * rounds
    assert 0.91 * rounds <= inside <= 0.99 * rounds


def test_variants_that_lose_people_are_noticed() -> None:
    draw = np.random.default_rng(3)
    experiment = declared(0.5, 0.5)
    tally = lived(draw, shared_out(draw, 20_000, 0.5, 0.5))
    assert report_of(experiment, tally, NOW).sample_ratio_ok
    kept = (tally.variants == 0) | (draw.random(20_000) > 0.06)  # six in a hundred of the second never got through
    lost = Tally(tally.variants[kept], tally.answers[kept], tally.outcomes[kept], tally.most_shown)
    report = report_of(experiment, lost, NOW)
    assert not report.sample_ratio_ok
    assert report.sample_ratio_p_value < 0.001


def test_shares_as_declared_give_an_alarm_as_seldom_as_they_should() -> None:
    draw = np.random.default_rng(5)
    for shares, people in (((0.5, 0.5), 400), ((0.7, 0.2, 0.1), 1_000), ((0.97, 0.03), 40)):
        values = np.array(
            [
                sample_ratio_p_value(np.bincount(shared_out(draw, people, *shares), minlength=3)[: len(shares)], shares)
                for _ in range(300)
            ]
        )
        assert np.count_nonzero(values < 0.001) <= 3
        # counts are whole numbers: small values may be rarer than they should, never much more frequent
        assert np.count_nonzero(values < 0.05) <= 30


def test_the_check_agrees_with_what_others_compute() -> None:
    assert sample_ratio_p_value([520, 480], [0.5, 0.5]) == pytest.approx(stats.chisquare([520, 480]).pvalue)
    # one person in a variant of one in a hundred is not a sensation, though chi-square's tail calls it one (p < 1e-20)
    assert sample_ratio_p_value([0, 1], [0.99, 0.01]) == pytest.approx(0.01, abs=0.002)
    exact = stats.binomtest(0, 40, 0.1).pvalue
    assert sample_ratio_p_value([40, 0], [0.9, 0.1]) == pytest.approx(exact, abs=0.03)


@pytest.mark.parametrize(
    ("people", "shares", "chance"),
    [([0, 0], [0.5, 0.5], 1.0), ([7], [0.3], 1.0), ([7, 1], [1.0, 0.0], 0.0), ([7, 0], [1.0, 0.0], 1.0)],
)
def test_the_check_has_an_answer_where_there_is_little_to_compare(
    people: list[int], shares: list[float], chance: float
) -> None:
    assert sample_ratio_p_value(people, shares) == chance


def whole(*numbers: int) -> Ints:
    return np.array(numbers, dtype=np.int64)


def test_with_one_answer_each_the_interval_is_welchs() -> None:
    draw = np.random.default_rng(8)
    one, first = draw.poisson(2.0, 40), draw.poisson(1.5, 60)
    welch = stats.ttest_ind(one, first, equal_var=False).confidence_interval(0.95)
    got = ratio_difference(one, np.ones(40, np.int64), first, np.ones(60, np.int64), 20.0)
    assert (got.low, got.high) == pytest.approx((welch.low, welch.high))
    assert got.effect == pytest.approx(one.mean() - first.mean())


def test_the_interval_agrees_with_a_bootstrap_of_people() -> None:
    draw = np.random.default_rng(9)
    tally = lived(draw, shared_out(draw, 3_000, 0.5, 0.5), 1.2)
    sides = [(tally.outcomes[tally.variants == place, 0], tally.answers[tally.variants == place]) for place in (1, 0)]
    got = ratio_difference(*sides[0], *sides[1], 20.0)
    drawn = []
    for _ in range(2_000):
        ratios = []
        for outcomes, answers in sides:
            again = draw.integers(0, len(answers), len(answers))
            ratios.append(outcomes[again].sum() / answers[again].sum())
        drawn.append(ratios[0] - ratios[1])
    low, high = np.quantile(drawn, [0.025, 0.975])
    assert (got.low, got.high) == pytest.approx((low, high), abs=0.15 * (high - low))


def test_where_nothing_can_be_said_the_interval_is_everything_possible() -> None:
    nothing = (whole(0, 0, 0), whole(1, 2, 3))
    assert ratio_difference(*nothing, *nothing, 20.0).low == -20.0
    one = ratio_difference(whole(3), whole(1), whole(1, 2), whole(2, 2), 20.0)
    assert (one.effect, one.low, one.high) == (pytest.approx(2.25), -20.0, 20.0)
    alike = ratio_difference(whole(2, 4), whole(1, 2), whole(1, 1), whole(1, 1), 20.0)
    assert (alike.low, alike.high) == (-20.0, 20.0)


def test_a_variant_without_outcomes_borrows_the_spread_of_the_other() -> None:
    draw = np.random.default_rng(2)
    first, answers = draw.poisson(1.0, 500), np.ones(500, np.int64)
    few = ratio_difference(whole(0, 0, 0, 0), whole(1, 1, 1, 1), first, answers, 20.0)
    assert few.high > 0  # four people without a like prove nothing


def test_shares_of_people_follow_newcombe() -> None:
    # the example of the paper, table II: 56/70 against 48/80, method 10
    got = share_difference(56, 70, 48, 80)
    assert (got.effect, got.low, got.high) == pytest.approx((0.2, 0.0524, 0.3339), abs=5e-5)
    # with nobody to speak of on the other side it is the score interval that others compute
    alone = stats.binomtest(3, 11).proportion_ci(0.95, method="wilson")
    many = share_difference(3, 11, 0, 10**9)
    assert (many.low, many.high) == pytest.approx((alone.low, alone.high), abs=1e-6)
    none = share_difference(0, 5, 0, 5)
    assert none.low < -0.3 and none.high > 0.3
    assert share_difference(0, 0, 1, 2).low == -1.0


def test_a_report_says_what_each_variant_had() -> None:
    variants = whole(0, 0, 1, 1, 2)
    outcomes = np.array([[1, 2, 0], [0, 1, 0], [3, 0, 0], [0, 0, 1], [9, 9, 9]], dtype=np.int64)
    report = report_of(declared(0.4, 0.3, 0.3), Tally(variants, whole(2, 2, 3, 1, 5), outcomes, 20), NOW)
    assert [(one.variant, one.users, one.answers) for one in report.exposures] == [
        ("v0", 2, 4),
        ("v1", 2, 4),
        ("v2", 1, 5),
    ]
    values = {(one.variant, one.metric): one.value for one in report.effects}
    assert values["v0", "liked_per_answer"] == 0.25
    assert values["v1", "liked_per_answer"] == 0.75
    assert values["v0", "clicked_per_answer"] == 0.75
    assert values["v1", "refused_per_answer"] == 0.25
    assert values["v0", SHARE_WHO_LIKED] == values["v1", SHARE_WHO_LIKED] == 0.5
    assert values["v2", "liked_per_answer"] == 1.8
    assert [one.difference is None for one in report.effects] == [True] * 4 + [False] * 8
    assert against_first(report)["liked_per_answer"].difference.effect == 0.5  # type: ignore[union-attr]


def test_a_paused_variant_is_counted_and_not_judged() -> None:
    draw = np.random.default_rng(4)
    tally = lived(draw, shared_out(draw, 3_000, 0.45, 0.1, 0.45))
    report = report_of(declared(0.3, 0.4, 0.3, paused=1), tally, NOW)
    assert report.exposures[1].users > 0
    assert report.sample_ratio_ok  # of those that are judged: one to one
    assert {effect.variant for effect in report.effects} == {"v0", "v2"}


def test_an_experiment_that_nobody_saw_has_a_report() -> None:
    report = report_of(declared(0.5, 0.5), NOBODY, NOW)
    assert [one.users for one in report.exposures] == [0, 0]
    assert report.sample_ratio_ok
    assert all(effect.value == 0 for effect in report.effects)
