"""The hybrid: true reasons, shares that sum, only what is allowed, and the same after it was kept."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cine_recommender.domain.reranking import Reranking
from cine_recommender.domain.taste import COMPONENTS
from cine_recommender.evaluation.shown import Shown
from cine_recommender.fusion import kept, training
from cine_recommender.fusion.hybrid import PROFILES, Hybrid
from cine_recommender.fusion.options import HybridOptions
from cine_recommender.interactions import History, Interactions
from cine_recommender.signals.context import Situation
from cine_recommender.signals.signal import FilmFacts

from ..signals.conftest import FILMS, UNRATED, film_facts, history, ratings_log

NOW = 1_020_000_000
OPTIONS = {"ease_reg": 20.0, "ease_all_reg": 20.0, "candidates": 30, "additive": {"trees": 40, "rounds": 1}}
profiles = st.sampled_from(PROFILES)
waits = st.sampled_from([0, 3_600, 90_000, 10_000_000])  # after the last film: in its session twice, and later
stars = st.sampled_from([0.5, 1, 2, 2.5, 3, 3.5, 4, 4.5, 5])
rated = st.dictionaries(st.integers(0, FILMS - 1), stars, min_size=1, max_size=15).map(
    lambda them: history(*them.items())
)


@pytest.fixture(scope="module")
def log() -> Interactions:
    return ratings_log(people=240)


@pytest.fixture(scope="module")
def facts() -> FilmFacts:
    bare = film_facts()
    named = {"genre_names": ("Drama", "Comedy", "Horror", "Western"), "keyword_names": tuple("abcdef")}
    return FilmFacts(**{**bare.__dict__, **named})


@pytest.fixture(scope="module")
def hybrid(log: Interactions, facts: FilmFacts) -> Hybrid:
    return training.fit(log, facts, OPTIONS, seed=4)


@given(mine=rated, film=st.integers(0, FILMS - 1), profile=profiles, wait=waits)
@settings(max_examples=120, deadline=None)
def test_without_the_film_named_the_score_is_lower_by_what_was_stated(
    hybrid: Hybrid, mine: History, film: int, profile: str, wait: int
) -> None:
    rows, now = np.array([film], dtype=np.int32), int(mine.times[-1]) + wait
    whole = hybrid.scored(mine, rows, now=now, profile=profile).sum()
    for reason in hybrid.reasons(mine, rows, now=now, profile=profile)[0]:
        assert reason.amount > 0
        less = hybrid.scored(mine.without(reason.film), rows, now=now, profile=profile).sum()
        assert whole - less == pytest.approx(reason.amount, abs=2e-6)


@given(mine=rated, profile=profiles, wait=waits)
@settings(max_examples=60, deadline=None)
def test_a_ranking_is_ordered_scored_and_what_scoring_single_films_gives(
    hybrid: Hybrid, mine: History, profile: str, wait: int
) -> None:
    now = int(mine.times[-1]) + wait
    found = hybrid.rank(mine, now=now, profile=profile)
    assert len(np.unique(found.rows)) == len(found.rows) > 0
    assert (found.scores >= 0).all()
    assert (found.scores <= 1).all()
    assert (np.diff(found.scores) <= 1e-6).all()
    np.testing.assert_allclose(found.shares.sum(axis=1), found.scores, atol=1e-6)
    assert found.shares.shape == (len(found.rows), len(COMPONENTS))
    alone = hybrid.scored(mine, found.rows, now=now, profile=profile)
    np.testing.assert_allclose(alone, found.shares, atol=3e-5)


@given(mine=rated, shut=st.sets(st.integers(0, FILMS - 1)), depth=st.integers(1, 50))
@settings(max_examples=40, deadline=None)
def test_only_films_allowed_are_ranked_and_no_more_than_asked_for(
    hybrid: Hybrid, mine: History, shut: set[int], depth: int
) -> None:
    allowed = ~np.isin(np.arange(FILMS), list(shut))
    found = hybrid.rank(mine, now=NOW, allowed=allowed, depth=depth)
    assert not set(found.rows.tolist()) & shut
    assert len(found.rows) <= depth


def test_people_are_given_films_of_their_taste(hybrid: Hybrid) -> None:
    mine = history((0, 5), (3, 5), (6, 4.5), (9, 5), (1, 1))
    allowed = ~np.isin(np.arange(FILMS), mine.films)
    for profile in PROFILES:
        best = hybrid.rank(mine, now=NOW, allowed=allowed, profile=profile).rows[:6]
        assert (best % 3 == 0).sum() >= 5, profile


def test_somebody_without_a_history_gets_what_people_watch(hybrid: Hybrid) -> None:
    for profile in PROFILES:
        found = hybrid.rank(history(), now=NOW, profile=profile)
        assert len(found.rows)
        assert np.isfinite(found.scores).all()
        assert hybrid.reasons(history(), found.rows[:3], now=NOW, profile=profile) == [(), (), ()]


def test_an_occasion_raises_what_suits_it(hybrid: Hybrid) -> None:
    assert hybrid.context is not None
    mine = history((0, 5), (4, 4))
    situation = Situation(mood=hybrid.context.moods()[0], time_of_day="night")
    suits = hybrid.context.suiting(situation)
    rows = np.arange(FILMS, dtype=np.int32)
    for profile in PROFILES:
        plain = hybrid.scored(mine, rows, now=NOW, profile=profile)
        suited = hybrid.scored(mine, rows, now=NOW, profile=profile, situation=situation)
        change = suited.sum(axis=1) - plain.sum(axis=1)
        assert (change[suits > 0] > 0).all()
        assert (change[suits < 0] < 0).all()
        assert suited[suits > 0, COMPONENTS.index("context")].max() > 0


def test_a_film_nobody_rated_is_scored_like_any_other(hybrid: Hybrid) -> None:
    found = hybrid.scored(history((0, 5)), np.array([UNRATED], dtype=np.int32), now=NOW)
    assert 0 < found.sum() < 1


def test_an_unknown_profile_is_refused(hybrid: Hybrid) -> None:
    with pytest.raises(ValueError, match="tuned, default"):
        hybrid.rank(history((0, 5)), now=NOW, profile="magic")


def test_it_is_the_same_after_it_was_kept(hybrid: Hybrid, tmp_path: Path) -> None:
    kept.save(hybrid, tmp_path)
    again = kept.load(tmp_path)
    mine = history((0, 5), (3, 2), (7, 4.5))
    for profile in PROFILES:
        first, second = (one.rank(mine, now=NOW, profile=profile) for one in (hybrid, again))
        np.testing.assert_array_equal(first.rows, second.rows)
        np.testing.assert_array_equal(first.scores, second.scores)


def test_files_of_another_version_are_refused(hybrid: Hybrid, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kept.save(hybrid, tmp_path)
    monkeypatch.setattr(kept, "VERSION", 999)
    with pytest.raises(kept.OtherVersion, match="999"):
        kept.load(tmp_path)


def test_equal_input_gives_an_equal_hybrid(log: Interactions, facts: FilmFacts, hybrid: Hybrid) -> None:
    again = training.fit(log, facts, OPTIONS, seed=4)
    for first, second in (
        (again.sessions.going_on, hybrid.sessions.going_on),
        (again.sessions.later, hybrid.sessions.later),
    ):
        np.testing.assert_array_equal(first.curves.curves, second.curves.curves)
        assert first.calibration == second.calibration


def test_too_few_ratings_are_told_in_words(facts: FilmFacts, log: Interactions) -> None:
    with pytest.raises(training.TooFewRatings, match="enough films"):
        training.learned(log.take(log.people < 0), facts, HybridOptions(), 0)
    with pytest.raises(ValueError, match="facts"):
        training.learned(log, None, HybridOptions(), 0)


@given(mine=rated)
@settings(max_examples=30, deadline=None)
def test_what_is_judged_as_shown_is_the_ranking_arranged_as_answers_are(
    hybrid: Hybrid, facts: FilmFacts, mine: History
) -> None:
    by_score = hybrid.scores([mine])
    np.testing.assert_array_equal(Shown.of(hybrid, facts, Reranking(0, 0)).scores([mine]), by_score)
    first = np.argsort(-by_score[0])[:20]
    varied = Shown.of(hybrid, facts, Reranking(diversity=1.0, calibration=0.0)).scores([mine])
    shown = np.argsort(-varied[0])[:20]
    assert shown[0] == first[0]
    np.testing.assert_array_equal(np.sort(varied), np.sort(by_score))
    alike = (Shown.of(hybrid, facts).content @ Shown.of(hybrid, facts).content.T).toarray()
    # each is the least like those before it, so the second is no more like the first than what the score alone would put there
    assert alike[shown[1], shown[0]] <= alike[first[1], first[0]] + 1e-6


@given(mine=rated, profile=profiles)
@settings(max_examples=30, deadline=None)
def test_what_each_signal_makes_of_a_film_comes_with_the_ranking(hybrid: Hybrid, mine: History, profile: str) -> None:
    found = hybrid.rank(mine, now=NOW, profile=profile)
    signals = found.signals
    assert found.views is not None
    assert found.views.shape == (len(found.rows), len(signals))
    assert ((found.views >= 0) & (found.views <= 1)).all()
    assert sum(one.weight for one in signals) == pytest.approx(1)
    assert {one.component for one in signals} == set(COMPONENTS)
    neutral = [one.name for one in signals].index("sentiment")
    assert (found.views[:, neutral] == 0.5).all(), "nobody told what reviews feel"
    assert {one.learner for one in signals if one.component == "graph"} == {"rp3beta"}


def test_what_follows_what_counts_in_a_session_and_not_after_it(facts: FilmFacts) -> None:
    draw = np.random.default_rng(9)
    # everybody goes through a few stretches of neighbouring films within one sitting
    stretches = [draw.choice(np.arange(0, FILMS - 6, 5), 4, replace=False)[:, None] + np.arange(5) for _ in range(240)]
    close = Interactions(
        np.repeat(np.arange(240, dtype=np.int32), 20), np.concatenate(stretches).ravel().astype(np.int32),
        draw.choice([3.0, 4.0, 5.0], 240 * 20).astype(np.float32), 1_000_000_000 + np.tile(np.arange(20) * 60, 240),
        np.arange(240, dtype=np.int64), np.arange(FILMS, dtype=np.int32),
    )  # fmt: skip
    hybrid = training.fit(close, facts, OPTIONS, seed=4)
    mine = history((0, 5), (3, 5), (7, 4.5))
    rows, last = np.arange(FILMS, dtype=np.int32), int(mine.times[-1])
    found = {wait: hybrid.rank(mine, now=last + wait) for wait in (3_600, 7 * 3_600)}
    names = [one.name for one in found[3_600].signals]
    weights = [one.signals[names.index("succession")].weight for one in found.values()]
    assert weights[0] > 0 == weights[1]
    assert all(sum(one.weight for one in each.signals) == pytest.approx(1) for each in found.values())
    views = [one.views[:, names.index("succession")] for one in found.values() if one.views is not None]
    assert views[0].std() > 0
    assert (views[1] == 0.5).all()
    # reasons are as true on either side of its end, where a film less ends it
    for wait in (3_600, 7 * 3_600):
        whole = hybrid.scored(mine, rows, now=last + wait).sum(axis=1)
        for film, reasons in enumerate(hybrid.reasons(mine, rows, now=last + wait)):
            for reason in reasons:
                less = hybrid.scored(mine.without(reason.film), rows[film : film + 1], now=last + wait).sum()
                assert whole[film] - less == pytest.approx(reason.amount, abs=2e-6)
