"""The order in which good films are shown: good ones first, unlike those before, in the genre mix of the person, no maker twice too often.

Pure functions on arrays, used by serving and by evaluation alike.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from cine_recommender.domain.calibration import Mix

Floats = npt.NDArray[np.float32]
Places = npt.NDArray[np.int64]
_PUSHED = 200


class Alike(Protocol):
    """Films to each other: `alike[place]` is float32 (n,), 0 to 1. An array float32 (n, n) is one."""

    def __getitem__(self, place: int, /) -> Any: ...


@dataclass(frozen=True, slots=True)
class Reranking:
    """How much else than the score decides the order.

    Attributes:
        diversity: 0 for the best first, 1 for films unlike those before (maximal marginal relevance).
        calibration: 0 to 1, how much the genre mix of the list must be that of the history.
        per_director: films of one director in a window, as long as there are others.
        per_series: films of one series in a window, likewise.
        window: places that the two counts hold for; then they begin anew.
        places: places decided in this way; behind them the score alone decides. More places do not change the order of the first ones.
    """

    diversity: float = 0.1
    calibration: float = 0.1
    per_director: int = 2
    per_series: int = 2
    window: int = 20
    places: int = 20


def rerank(
    scores: Floats,
    how: Reranking,
    *,
    likeness: Alike | None = None,
    shares: Floats | None = None,
    wanted: Floats | None = None,
    groups: npt.NDArray[np.int32] | None = None,
) -> Places:
    """Returns the order in which to show some films: places in the arrays given, int64 (n,).

    The first film stays the best one unless calibration or a count moves it. Scores count in relation to each other: the best is 1 and the
    worst 0, so that a balance means the same for every model.

    Args:
        scores: float32 (n,), descending.
        how: what else decides.
        likeness: films to each other; None where diversity is of no matter.
        shares: float32 (n, genres), of `calibration.genre_shares`.
        wanted: float32 (genres,), of `calibration.genre_mix`; None or zeros where nothing is known of the person.
        groups: int32 (2, n), director and series, -1 for none.
    """
    films = len(scores)
    unlike = likeness if how.diversity > 0 else None
    calibrated = how.calibration > 0 and shares is not None and wanted is not None and bool(wanted.any())
    mix = Mix(wanted, shares) if calibrated and wanted is not None and shares is not None else None
    counts = _Counts(groups, how) if groups is not None else None
    if unlike is None and mix is None and counts is None:
        return np.arange(films)
    weight = (1 - how.diversity if unlike is not None else 1) * (1 - how.calibration if mix is not None else 1)
    base: Floats = np.float32(weight) * _between_0_and_1(scores)
    nearest = np.zeros(films, dtype=np.float32)
    left = np.ones(films, dtype=bool)
    chosen: list[int] = []
    for _ in range(min(how.places, films)):
        gain = base if unlike is None else base - np.float32(how.diversity) * nearest
        if mix is not None:
            # times the length of the list: one film moves the mix of a long list little, and its score as much as ever
            gain = gain - np.float32(how.calibration * (len(chosen) + 1)) * mix.divergence_with_each()
        best = int(np.argmax(np.where(left if counts is None else counts.open(left), gain, np.float32(-np.inf))))
        left[best] = False
        chosen.append(best)
        if unlike is not None:
            nearest = np.maximum(nearest, unlike[best])
        if mix is not None:
            mix.take(best)
        if counts is not None:
            counts.take(best)
    return np.concatenate([np.array(chosen, dtype=np.int64), np.flatnonzero(left)])


def push_down(lateness: Floats) -> Places:
    """Returns the order of films of which some were put aside, best first: places, int64 (n,).

    Args:
        lateness: float32 (n,), 0 to 1, films best first: how fresh it is that each was put aside, 0 for one that was not. One put aside a
            moment ago goes back by 200 places.
    """
    return np.argsort(np.arange(len(lateness)) + _PUSHED * lateness, kind="stable")


class _Counts:
    """Which films are still open, by how many of their director and series are in the window."""

    def __init__(self, groups: npt.NDArray[np.int32], how: Reranking) -> None:
        self._groups = groups
        self._most = (how.per_director, how.per_series)
        self._window = how.window
        self._taken = 0
        self._begin()

    def _begin(self) -> None:
        self._found: tuple[dict[int, int], dict[int, int]] = ({}, {})
        self._full = np.zeros(self._groups.shape[1], dtype=bool)
        self._any_full = False

    def open(self, left: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
        if not self._any_full:
            return left
        marks: npt.NDArray[np.bool_] = left & ~self._full
        return marks if marks.any() else left

    def take(self, place: int) -> None:
        self._taken += 1
        if self._taken % self._window == 0:
            self._begin()
            return
        for kind, (found, most) in enumerate(zip(self._found, self._most, strict=True)):
            group = int(self._groups[kind, place])
            if group < 0:
                continue
            found[group] = found.get(group, 0) + 1
            if found[group] >= most:
                self._full |= self._groups[kind] == group
                self._any_full = True


def _between_0_and_1(scores: Floats) -> Floats:
    if not len(scores):
        return scores
    least, most = scores.min(), scores.max()
    return np.asarray((scores - least) / (most - least) if most > least else np.ones_like(scores), dtype=np.float32)
