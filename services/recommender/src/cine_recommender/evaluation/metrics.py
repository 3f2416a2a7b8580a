"""What a ranking is worth to each person, and what all of them together show of the catalogue.

All films are ranked, none sampled. Of equal scores the lower film number comes first; numbers are drawn by lot (`splits.arranged`), so a
model that scores many films alike gains nothing by it.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from cine_recommender.evaluation.facts import Looks
from cine_recommender.evaluation.splits import RELEVANT, Fold
from cine_recommender.interactions import Floats, History, Ints, Mask

Values = npt.NDArray[np.float64]

SHOWN = 10
LONG = 20
MEASURES = ("ndcg", "recall", "mrr", "popularity", "diversity", "calibration")
"""NDCG@10, Recall@20, MRR@10, mean popularity percentile, intra-list diversity, distance from one's own genres: the columns of figures."""
_SMOOTHING = 0.01
DISCOUNTS = 1 / np.log2(np.arange(2, SHOWN + 2))
"""What a hit counts in each of the first `SHOWN` places."""


class ScoresUnusable(Exception):
    """A model gave scores that cannot be ranked."""


@dataclass(frozen=True)
class Judged:
    """What a model's rankings were worth in one cut.

    Attributes:
        figures: float64 (people, measures), columns as in `MEASURES`. Not a number where a measure says nothing of somebody: nothing is
            known of the films, or fewer than two were shown.
        shown: int32 (people, 10): films recommended, best first; -1 beyond the end of a list.
        coverage: 0 to 1: share of the films in the fit set that were recommended to somebody.
        seconds: wall clock of scoring and ranking, without the measures.
    """

    figures: Values
    shown: Ints
    coverage: float
    seconds: float


class Judge:
    """Holds what one cut asks for, for all models."""

    def __init__(self, fold: Fold, looks: Looks) -> None:
        self.fold = fold
        self._looks = looks
        fit = fold.fit
        counts = np.bincount(fit.films, minlength=len(fit.film_ids))
        self.candidates: Mask = counts > 0
        self.popularity = _percentiles(counts, self.candidates)
        wanted = fold.held.ratings >= RELEVANT
        self._wanted = fold.held.take(wanted)

    @property
    def ceiling(self) -> Values:
        """float64 (people,): NDCG@10 of a ranking that knows what was held out, but only films in the fit set."""
        found = np.empty(len(self.fold.people))
        for row, person in enumerate(self.fold.people):
            films = self._relevant(person)
            found[row] = dcg_of_first(int(self.candidates[films].sum())) / dcg_of_first(len(films))
        return found

    def judge(self, scores: Callable[[list[History], npt.NDArray[np.int64]], Floats], batch: int = 256) -> Judged:
        """Ranks all films for everybody and compares with what was held out.

        Args:
            scores: gives each film a score for each history, float32 (histories, films), at these moments.
            batch: how many people are scored at a time.

        Raises:
            ScoresUnusable: scores of another shape, or not finite.
        """
        people = len(self.fold.people)
        figures = np.empty((people, len(MEASURES)))
        shown = np.full((people, SHOWN), -1, np.int32)
        seconds = 0.0
        for first in range(0, people, batch):
            histories = self.fold.histories(first, min(first + batch, people))
            began = time.perf_counter()
            given = scores(histories, self.fold.now[first : first + batch])
            seconds += time.perf_counter() - began
            if given.shape != (len(histories), len(self.candidates)):
                wanted = (len(histories), len(self.candidates))
                raise ScoresUnusable(f"scores have the shape {given.shape}, not {wanted}")
            if not np.isfinite(given).all():
                raise ScoresUnusable("scores are not all finite numbers")
            for row, history in enumerate(histories, start=first):
                began = time.perf_counter()
                allowed = self.candidates.copy()
                allowed[history.films] = False
                ranked = best(given[row - first], allowed, LONG)
                seconds += time.perf_counter() - began
                shown[row, : len(ranked[:SHOWN])] = ranked[:SHOWN]
                figures[row] = self._figures(row, ranked, history)
        figures[:, MEASURES.index("diversity")] = self._diversity(shown)
        recommended = np.unique(shown[shown >= 0])
        return Judged(figures, shown, len(recommended) / max(1, int(self.candidates.sum())), seconds)

    def _relevant(self, person: int) -> Ints:
        starts = self._wanted.starts
        return self._wanted.films[starts[person] : starts[person + 1]]

    def _figures(self, row: int, ranked: Ints, history: History) -> tuple[float, ...]:
        relevant = self._relevant(self.fold.people[row])
        hits = np.isin(ranked, relevant)
        short, films = hits[:SHOWN], ranked[:SHOWN]
        return (
            float(DISCOUNTS[: len(short)] @ short) / dcg_of_first(len(relevant)),
            int(hits.sum()) / len(relevant),
            1 / (1 + int(short.argmax())) if short.any() else 0.0,
            float(self.popularity[films].mean()) if len(films) else np.nan,
            np.nan,  # diversity, of all people at once
            self._miscalibration(films, history),
        )

    def _diversity(self, shown: Ints) -> Values:
        """Returns 1 minus the mean cosine of all pairs of films of each list (people, 10), 0 to 1.

        Films of which nothing is known are like no other. Not a number where there is no pair, or nothing is known of any film.
        """
        content, many = self._looks.content, (shown >= 0).sum(axis=1)
        if not content.nnz:
            return np.full(len(shown), np.nan)
        rows, _ = np.nonzero(shown >= 0)
        ones = np.ones(len(rows))
        lists = sp.csr_matrix((ones, (rows, shown[shown >= 0])), shape=(len(shown), content.shape[0]))
        total = lists @ content
        # the square of a sum of vectors holds each pair twice, and each film with itself
        whole = np.asarray(total.multiply(total).sum(axis=1)).ravel()
        own = lists @ np.asarray(content.multiply(content).sum(axis=1)).ravel()
        pairs = many * (many - 1.0)
        return np.where(pairs > 0, 1 - (whole - own) / np.maximum(pairs, 1), np.nan)

    def _miscalibration(self, films: Ints, history: History) -> float:
        """Returns how far the genres shown lie from those of films that the person rated well, 0 for equal (Steck 2018, C_KL)."""
        liked = history.films[history.ratings >= RELEVANT]
        own = _mixture(self._looks.genres[liked if len(liked) else history.films])
        given = _mixture(self._looks.genres[films])
        if own is None or given is None:
            return np.nan
        held = own > 0
        smooth = (1 - _SMOOTHING) * given[held] + _SMOOTHING * own[held]
        return float(own[held] @ np.log(own[held] / smooth))


def best(scores: Floats, allowed: Mask, many: int) -> Ints:
    """Returns the films with the highest scores among those allowed, best first, of equal ones the lower number first.

    Args:
        scores: (films,).
        allowed: bool (films,).
        many: how many at most; there are fewer when fewer are allowed.
    """
    films = np.flatnonzero(allowed)
    found = scores[films]
    if len(films) > many:
        kept = found >= np.partition(found, len(found) - many)[len(found) - many]
        films, found = films[kept], found[kept]
    return films[np.argsort(-found, kind="stable")[:many]].astype(np.int32)


def dcg_of_first(hits: int) -> float:
    """Returns the gain of so many hits in the first places."""
    return float(DISCOUNTS[: min(hits, SHOWN)].sum())


def _percentiles(counts: npt.NDArray[np.int64], candidates: Mask) -> Values:
    """Returns for each film the share of candidates rated less often than it, 0 to 1; of those rated as often, half count."""
    among = np.sort(counts[candidates])
    below = np.searchsorted(among, counts, side="left")
    upto = np.searchsorted(among, counts, side="right")
    return (below + upto) / (2 * max(1, len(among)))


def _mixture(genres: Floats) -> Values | None:
    """Returns the mean distribution of genres over films (films, genres), None when none of them has a genre."""
    total: Values = genres.sum(axis=0, dtype=np.float64)
    return total / total.sum() if total.sum() else None
