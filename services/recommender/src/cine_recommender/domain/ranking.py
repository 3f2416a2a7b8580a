"""The best films for a taste, exactly, without looking at most of them.

A film's score is the mean of its scores for the genres asked for. Rankings for small sets of genres are known in
advance, down to some depth, for every streaming service. For a larger set the rankings of its parts are joined: whatever
stands in none of them scores at most the sum of their last scores (Fagin's threshold), so every film above that sum is
certain to be ranked right. When too few films are certain, for example because of a narrow range of years, all films
that pass the filters are scored instead. Both ways give the same answer, ties included; a test holds them together.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from cine_recommender.domain.variety import Variety

Rows = npt.NDArray[np.int32]
Floats = npt.NDArray[np.float32]
Booleans = npt.NDArray[np.bool_]

NO_ROWS: Rows = np.empty(0, dtype=np.int32)
_BLOCK = 3
"""Most genres a ranking known in advance can have."""
_ROUNDING = 1e-4
"""Sums of up to 20 scores in another order differ by less: only a film further above the threshold is certain."""


@dataclass(frozen=True, slots=True)
class RankingTables:
    """What the training knows in advance. Rows are films by year then id, films without a year (0) first.

    Attributes:
        scores: float32 (genres + 1, films), 0 to 1; the last row is for no genre.
        years: int32 (films), ascending, 0 unknown.
        on_service: bool (services + 1, films); the last row is all true.
        rankings: int32 (sets, services + 1, depth), best first, -1 pads; equal scores: the later row first.
        sets: Genre set (sorted) → its place in `rankings`; () is no genre.
        groups: int32 (2, films): director and series, -1 for none.
    """

    scores: Floats
    years: Rows
    on_service: Booleans
    rankings: Rows
    sets: dict[tuple[int, ...], int]
    groups: Rows


@dataclass(frozen=True, slots=True)
class Liking:
    """Films like those the person likes: `rows` ascending, `likeness` 0 to 1; it makes up `share` of a score."""

    rows: Rows
    likeness: Floats
    share: float


@dataclass(frozen=True, slots=True)
class Wanted:
    """A taste in numbers: indices of genres and services (sorted, none repeated) and rows to leave out (sorted)."""

    genres: tuple[int, ...] = ()
    services: tuple[int, ...] = ()
    limit: int = 20
    year_min: int = 0
    year_max: int = 0
    liking: Liking | None = None
    excluded: Rows = field(default_factory=lambda: NO_ROWS)


@dataclass(frozen=True, slots=True)
class Ranked:
    """Films, best first: `rows` and `scores` (0 to 1); `pruned` says whether the rankings known in advance sufficed."""

    rows: Rows
    scores: Floats
    pruned: bool


class Ranker:
    """Answers tastes from one model. Immutable: threads may share it."""

    def __init__(self, tables: RankingTables, variety: Variety) -> None:
        """Prepare the thresholds of the rankings known in advance."""
        self._tables, self._variety = tables, variety
        self._everything = tables.on_service.shape[0] - 1
        self._first_dated = int(np.searchsorted(tables.years, 1))
        self._lengths = (tables.rankings >= 0).sum(axis=2)
        self._thresholds = _thresholds(tables, self._lengths)

    def rank(self, wanted: Wanted) -> Ranked:
        """Return up to `wanted.limit` films; fewer only when fewer pass the filters."""
        start, end = self._range(wanted)
        known, floor = self._from_rankings(wanted, start, end)
        return known if known is not None else self._from_everything(wanted, start, end, floor)

    def _range(self, wanted: Wanted) -> tuple[int, int]:
        """Rows of the years asked for; a film without a year passes only when no year is asked for."""
        years, start, end = self._tables.years, 0, len(self._tables.years)
        if wanted.year_min or wanted.year_max:
            start = int(np.searchsorted(years, wanted.year_min)) if wanted.year_min else self._first_dated
            end = int(np.searchsorted(years, wanted.year_max, side="right")) if wanted.year_max else end
        return start, end

    def _from_rankings(self, wanted: Wanted, start: int, end: int) -> tuple[Ranked | None, float]:
        """Answer from the rankings known in advance.

        Returns:
            The answer, None when the rankings do not prove enough films; and a score that enough films reach for
            everything below it to be left aside, -inf when too few are known.
        """
        rankings, lengths = self._tables.rankings, self._lengths
        parts = self._parts(wanted.genres)
        threshold, lists = -np.inf, []
        for place in wanted.services or (self._everything,):
            bound = 0.0
            for part in parts:
                lists.append(rankings[part, place, : lengths[part, place]])
                bound += self._thresholds[part][place]
            threshold = max(threshold, bound)
        liking = wanted.liking
        if len(lists) == 1 and liking is None:
            return self._from_one_ranking(wanted, lists[0], threshold, start, end)
        if liking is not None:
            threshold *= _weight(wanted)
            lists.append(liking.rows[self._available(wanted, liking.rows)])
        # The later row first among equals: the sort by score is stable.
        rows = np.unique(np.concatenate(lists))[::-1]
        rows = _passing(rows, start, end, len(self._tables.years), wanted.excluded)
        total = self._scores(wanted, rows)
        order = np.argsort(-total, kind="stable")
        rows, total = rows[order], total[order]
        # `total` falls: films above the threshold come first.
        certain = int(np.searchsorted(-total, -(threshold + _ROUNDING)))
        chosen = self._variety.choose(self._tables.groups, rows[:certain], wanted.limit)
        if len(chosen) < wanted.limit:
            enough = 2 * wanted.limit
            return None, float(total[enough - 1]) if len(total) >= enough else -np.inf
        return _ranked(wanted, rows[chosen], total[chosen], pruned=True), -np.inf

    def _from_one_ranking(
        self, wanted: Wanted, ranking: Rows, threshold: float, start: int, end: int
    ) -> tuple[Ranked | None, float]:
        """Answer from a single ranking, which is in order already: only the films chosen need a score."""
        rows = _passing(ranking, start, end, len(self._tables.years), wanted.excluded)
        chosen = self._variety.choose(self._tables.groups, rows, wanted.limit)
        if len(chosen) == wanted.limit:
            rows = rows[chosen]
            total = self._scores(wanted, rows)
            if total[-1] > threshold + _ROUNDING:
                return _ranked(wanted, rows, total, pruned=True), -np.inf
        enough = 2 * wanted.limit
        return None, float(self._scores(wanted, rows[enough - 1 : enough])[0]) if len(rows) >= enough else -np.inf

    def _from_everything(self, wanted: Wanted, start: int, end: int, floor: float) -> Ranked:
        """Score all films that pass the filters; those below the floor are only looked at when they must be."""
        rows = np.arange(start, end, dtype=np.int32)
        if wanted.services:
            rows = rows[np.logical_or.reduce([self._tables.on_service[place, start:end] for place in wanted.services])]
        rows = _passing(rows, start, end, len(self._tables.years), wanted.excluded)
        # A slice is read several times quicker than the same rows one by one.
        total = self._scores(wanted, rows, slice(start, end) if len(rows) == end - start else None)
        depth = 4 * wanted.limit
        above = np.flatnonzero(total >= floor) if floor > -np.inf else None
        while True:
            if above is not None:
                best, scores = _top(rows[above], total[above], len(above))
            else:
                best, scores = _top(rows, total, depth)
            chosen = self._variety.choose(self._tables.groups, best, wanted.limit)
            if len(chosen) == wanted.limit:
                break
            if len(best) == len(rows):
                chosen = self._variety.fill(len(best), chosen, wanted.limit)
                break
            above, depth = None, depth * 8
        return _ranked(wanted, best[chosen], scores[chosen], pruned=False)

    def _scores(self, wanted: Wanted, rows: Rows, run: slice | None = None) -> Floats:
        """Score some rows: the sum over the genres, or with liked films the final score.

        `run` is the same rows as a slice, when they are one. The order of additions is always the same, here and in
        training, so that equal films tie exactly.
        """
        scores = self._tables.scores
        genres = wanted.genres or (-1,)
        part = rows if run is None else run
        total: Floats = scores[genres[0]][part].copy()
        for genre in genres[1:]:
            total += scores[genre][part]
        liking = wanted.liking
        if liking is not None:
            total *= np.float32(_weight(wanted))
        if liking is not None and len(liking.rows) and len(rows):
            place = np.minimum(np.searchsorted(liking.rows, rows), len(liking.rows) - 1)
            near = liking.rows[place] == rows
            total += np.where(near, liking.likeness[place], np.float32(0)) * np.float32(liking.share)
        return total

    def _parts(self, genres: tuple[int, ...]) -> list[int]:
        """Cut a set of genres into sets that have rankings."""
        sets = self._tables.sets
        known = sets.get(genres)
        if known is not None:
            return [known]
        parts: list[int] = []
        for begin in range(0, len(genres), _BLOCK):
            block = genres[begin : begin + _BLOCK]
            whole = sets.get(block)
            parts += [whole] if whole is not None else [sets[(genre,)] for genre in block]
        return parts

    def _available(self, wanted: Wanted, rows: Rows) -> Booleans:
        places: Sequence[int] = wanted.services or (self._everything,)
        available = np.zeros(len(rows), dtype=bool)
        for place in places:
            available |= self._tables.on_service[place][rows]
        return available


def _ranked(wanted: Wanted, rows: Rows, total: Floats, *, pruned: bool) -> Ranked:
    return Ranked(rows, total if wanted.liking is not None else total * np.float32(_weight(wanted)), pruned)


def _weight(wanted: Wanted) -> float:
    """What the sum over the genres is multiplied by."""
    share = wanted.liking.share if wanted.liking is not None else 0.0
    return (1 - share) / max(1, len(wanted.genres))


def _passing(rows: Rows, start: int, end: int, films: int, excluded: Rows) -> Rows:
    if start > 0 or end < films:
        rows = rows[(rows >= start) & (rows < end)]
    if len(excluded) and len(rows):
        place = np.minimum(np.searchsorted(excluded, rows), len(excluded) - 1)
        rows = rows[excluded[place] != rows]
    return rows


def _top(rows: Rows, total: Floats, depth: int) -> tuple[Rows, Floats]:
    """Return the best `depth` of some ascending rows, best first, the later row first among equals."""
    if len(rows) > depth:
        least = np.partition(total, len(total) - depth)[len(total) - depth]
        kept = np.flatnonzero(total >= least)
        rows, total = rows[kept], total[kept]
    order = np.argsort(-total[::-1], kind="stable")[:depth]
    return rows[::-1][order], total[::-1][order]


def _thresholds(tables: RankingTables, lengths: npt.NDArray[np.int64]) -> list[list[float]]:
    """Most that a film can score for a set without being in its ranking; -inf when the ranking holds all films."""
    sizes = tables.on_service.sum(axis=1)
    thresholds: list[list[float]] = [[]] * len(tables.sets)
    for group, number in tables.sets.items():
        last = np.take_along_axis(tables.rankings[number], np.maximum(lengths[number] - 1, 0)[:, None], axis=1)[:, 0]
        scores = tables.scores[list(group or (-1,))][:, last].sum(axis=0)
        thresholds[number] = np.where(lengths[number] >= sizes, -np.inf, scores).tolist()
    return thresholds
