from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pytest
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st

from cine_recommender.evaluation.facts import Looks
from cine_recommender.evaluation.metrics import MEASURES, Judge, Judged, ScoresUnusable, best
from cine_recommender.evaluation.splits import Fold, arranged, temporal
from cine_recommender.interactions import Floats, History, Interactions

from .logs import log_of, logs

FILMS = 25


def looks_of(seed: int) -> Looks:
    """Some films have genres, some tags, some neither."""
    lots = np.random.default_rng(seed)
    genres = (lots.random((FILMS, 4)) < 0.3).astype(np.float32)
    tags = np.hstack([genres, (lots.random((FILMS, 6)) < 0.3).astype(np.float32)])
    length = np.linalg.norm(tags, axis=1, keepdims=True)
    return Looks(
        genres / np.maximum(genres.sum(axis=1, keepdims=True), 1), sp.csr_matrix(tags / np.where(length, length, 1))
    )


def judged(fold: Fold, looks: Looks, table: Floats, batch: int = 3) -> Judged:
    """Judges a model that gives row `person` of a table to whoever has that many ratings first in the fold."""
    served = iter(range(len(fold.people)))

    def scores(histories: list[History], now: npt.NDArray[np.int64]) -> Floats:
        assert len(histories) == len(now)
        return np.array([table[next(served) % len(table)] for _ in histories], np.float32)

    return Judge(fold, looks).judge(scores, batch)


def plainly(fold: Fold, looks: Looks, table: Floats) -> list[dict[str, float]]:
    """The definitions, word by word."""
    fitted = set(fold.fit.films.tolist())
    counts = {film: int((fold.fit.films == film).sum()) for film in fitted}
    found = []
    for row, person in enumerate(fold.people.tolist()):
        history, after = fold.fit.history(person), fold.held.history(person)
        relevant = [film for film, stars in zip(after.films.tolist(), after.ratings, strict=True) if stars >= 4]
        allowed = fitted - set(history.films.tolist())
        ranked = sorted(allowed, key=lambda film: (-float(table[row % len(table)][film]), film))
        ten = ranked[:10]
        gain = sum(1 / math.log2(place + 2) for place, film in enumerate(ten) if film in relevant)
        ideal = sum(1 / math.log2(place + 2) for place in range(min(10, len(relevant))))
        first = next((place for place, film in enumerate(ten) if film in relevant), None)
        found.append(
            {
                "ndcg": gain / ideal,
                "recall": sum(film in relevant for film in ranked[:20]) / len(relevant),
                "mrr": 0.0 if first is None else 1 / (first + 1),
                "popularity": mean(
                    [
                        mean([0.5 if counts[o] == counts[film] else float(counts[o] < counts[film]) for o in fitted])
                        for film in ten
                    ]
                ),
                "diversity": plain_diversity(ten, looks),
                "calibration": plain_calibration(ten, history, looks),
            }
        )
    return found


def mean(values: Sequence[float]) -> float:
    return sum(values) / len(values) if values else math.nan


def plain_diversity(films: list[int], looks: Looks) -> float:
    rows = looks.content.toarray().astype(np.float64)
    return mean([1 - float(rows[a] @ rows[b]) for a in films for b in films if a < b])


def plain_calibration(films: list[int], history: History, looks: Looks) -> float:
    def mixture(chosen: list[int]) -> list[float] | None:
        known = [looks.genres[film] for film in chosen if looks.genres[film].any()]
        return [mean([float(one[genre]) for one in known]) for genre in range(4)] if known else None

    liked = [film for film, stars in zip(history.films.tolist(), history.ratings, strict=True) if stars >= 4]
    own, given_ = mixture(liked or history.films.tolist()), mixture(films)
    if own is None or given_ is None:
        return math.nan
    return sum(p * math.log(p / (0.99 * q + 0.01 * p)) for p, q in zip(own, given_, strict=True) if p > 0)


@settings(deadline=None, max_examples=30)
@given(logs(films=FILMS), st.integers(0, 10_000), st.sampled_from([1, 3, 100]))
def test_measures_agree_with_their_plain_definitions(log: Interactions, seed: int, levels: int) -> None:
    _, fold = temporal(arranged(log, seed))
    looks = looks_of(seed)
    table = np.random.default_rng(seed).integers(levels, size=(5, FILMS)).astype(np.float32)  # with many ties
    result = judged(fold, looks, table)
    wanted = plainly(fold, looks, table)
    assert result.figures.shape == (len(wanted), len(MEASURES))
    for row, figures in zip(result.figures, wanted, strict=True):
        np.testing.assert_allclose(row, [figures[measure] for measure in MEASURES], atol=1e-5, equal_nan=True)


@settings(deadline=None, max_examples=30)
@given(logs(films=FILMS), st.integers(0, 100))
def test_nobody_is_shown_what_they_rated_or_what_nobody_did(log: Interactions, seed: int) -> None:
    _, fold = temporal(arranged(log, seed))
    result = judged(fold, looks_of(seed), np.random.default_rng(seed).random((7, FILMS)).astype(np.float32))
    fitted = set(fold.fit.films.tolist())
    for person, shown in zip(fold.people, result.shown, strict=True):
        films = {int(film) for film in shown if film >= 0}
        rated = set(fold.fit.history(int(person)).films.tolist())
        assert films <= fitted - rated
        assert len(films) == min(10, len(fitted - rated))
    everything = {int(film) for film in result.shown.ravel() if film >= 0}
    assert result.coverage == pytest.approx(len(everything) / max(1, len(fitted)))


@settings(deadline=None, max_examples=30)
@given(logs(films=FILMS), st.integers(0, 100))
def test_a_ranker_that_knows_the_future_reaches_the_ceiling_and_nobody_more(log: Interactions, seed: int) -> None:
    _, fold = temporal(arranged(log, seed))
    judge = Judge(fold, looks_of(seed))
    table = np.zeros((len(fold.people), FILMS), np.float32)
    for row, person in enumerate(fold.people):
        after = fold.held.history(int(person))
        table[row, after.films[after.ratings >= 4]] = 1
    if len(table):
        result = judged(fold, looks_of(seed), table)
        np.testing.assert_allclose(result.figures[:, 0], judge.ceiling)
        other = judged(fold, looks_of(seed), np.random.default_rng(seed).random(table.shape).astype(np.float32))
        assert (other.figures[:, 0] <= judge.ceiling + 1e-12).all()


def test_a_relevant_film_that_nobody_rated_before_stays_in_the_denominator() -> None:
    shared = [(1, film, 5.0, film) for film in range(12)]
    own = [(0, film, 5.0, film) for film in range(8)] + [(0, 8, 4.0, 50), (0, 20, 5.0, 51)]
    _, fold = temporal(log_of(shared + own, films=FILMS))
    assert fold.held.history(0).films.tolist() == [8, 20]
    table = np.zeros((1, FILMS), np.float32)
    table[0, 8] = 1
    ndcg = 1 / (1 + 1 / math.log2(3))
    result = judged(fold, looks_of(0), table)
    assert result.figures[0, 0] == pytest.approx(ndcg)
    assert result.figures[0, 1] == pytest.approx(0.5)
    assert Judge(fold, looks_of(0)).ceiling[0] == pytest.approx(ndcg)


def test_scores_that_cannot_be_ranked_are_refused() -> None:
    _, fold = temporal(log_of([(0, film, 5.0, film) for film in range(10)], films=FILMS))
    judge = Judge(fold, looks_of(0))
    with pytest.raises(ScoresUnusable, match=r"shape \(1, 3\), not \(1, 25\)"):
        judge.judge(lambda *_: np.zeros((1, 3), np.float32))
    with pytest.raises(ScoresUnusable, match="finite"):
        judge.judge(lambda *_: np.full((1, FILMS), np.nan, np.float32))


@given(st.lists(st.integers(0, 4), min_size=1, max_size=40), st.integers(1, 12), st.integers(0, 99))
def test_the_best_are_those_a_whole_sort_puts_first(levels: list[int], many: int, seed: int) -> None:
    scores = np.array(levels, np.float32)
    allowed = np.random.default_rng(seed).random(len(scores)) < 0.7
    wanted = sorted(np.flatnonzero(allowed).tolist(), key=lambda film: (-scores[film], film))[:many]
    assert best(scores, allowed, many).tolist() == wanted


def test_without_facts_variety_is_unknown_not_zero() -> None:
    _, fold = temporal(
        log_of([(p, film, 5.0, film) for p in range(2) for film in range(5 * p, 12 + 5 * p)], films=FILMS)
    )
    bare = Looks(np.zeros((FILMS, 0), np.float32), sp.csr_matrix((FILMS, 0), dtype=np.float32))
    result = judged(fold, bare, np.ones((1, FILMS), np.float32))
    assert np.isnan(result.figures[:, 4:]).all() and np.isfinite(result.figures[:, :4]).all()
