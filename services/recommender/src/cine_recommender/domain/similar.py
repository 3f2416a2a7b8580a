"""Films like one film: ranked, filtered, and spread out when that is wanted."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Rows = npt.NDArray[np.int32]
Floats = npt.NDArray[np.float32]

PRIOR_SHARE = 0.1
"""Share of quality and fame in the order of similar films: among equally similar ones the known one comes first."""
_SPREAD = 100
"""Films among which diversity may change the order; those behind keep the order of their scores."""


@dataclass(frozen=True, slots=True)
class SimilarFilms:
    """Films like one, best first.

    Attributes:
        rows: int32 (n).
        content: float32 (n): share of the score that likeness makes up.
        fame: float32 (n): share that quality and fame make up; a score is the sum of the two, 0 to 1.
    """

    rows: Rows
    content: Floats
    fame: Floats

    def __len__(self) -> int:
        """Number of films."""
        return len(self.rows)


def rank_similar(
    likeness: Floats,
    prior: Floats,
    passing: npt.NDArray[np.bool_],
    *,
    diversity: float = 0.0,
    among: Callable[[Rows], Floats] | None = None,
) -> SimilarFilms:
    """Rank all films that are like one at all and pass the filters.

    Args:
        likeness: To every film, 0 to 1, 0 to itself.
        prior: Quality and fame of every film, 0 to 1.
        passing: Films that may be shown.
        diversity: 0 for the most similar first, 1 for the most different among the best hundred (maximal marginal
            relevance: each next film is good and unlike those before).
        among: Gives the likeness of some films to each other, (n, n); needed when diversity is above 0.
    """
    rows = np.flatnonzero((likeness > 0) & passing).astype(np.int32)
    content, fame = (1 - PRIOR_SHARE) * likeness[rows], PRIOR_SHARE * prior[rows]
    order = np.lexsort((-rows, -(content + fame)))
    if diversity > 0 and among is not None:
        head = order[:_SPREAD]
        spread = _marginal(content[head] + fame[head], among(rows[head]), diversity)
        order = np.concatenate([head[spread], order[_SPREAD:]])
    return SimilarFilms(rows[order], content[order].astype(np.float32), fame[order].astype(np.float32))


def _marginal(scores: Floats, likeness: Floats, diversity: float) -> npt.NDArray[np.int64]:
    left = np.ones(len(scores), dtype=bool)
    nearest = np.zeros(len(scores), dtype=np.float32)
    order = np.empty(len(scores), dtype=np.int64)
    for place in range(len(scores)):
        gain = np.where(left, (1 - diversity) * scores - diversity * nearest, -np.inf)
        order[place] = best = int(np.argmax(gain))
        left[best] = False
        nearest = np.maximum(nearest, likeness[best])
    return order


def why_similar(source: Facts, film: Facts) -> str:
    """Say in a sentence what two films share; what is said is a fact of both."""
    reasons = []
    if directors := _shared(source.directors, film.directors):
        reasons.append(f"also directed by {_listed(directors)}")
    if cast := _shared(source.cast, film.cast):
        reasons.append(f"with {_listed(cast[:3])} again")
    if keywords := _shared(source.keywords, film.keywords):
        reasons.append(f"both about {_listed(keywords[:3])}")
    if not reasons:
        genres = _shared(source.genres, film.genres)
        reasons.append(f"the same mix of {_listed(genres)}" if genres else "told in similar words")
    text = "; ".join(reasons)
    return f"Like {source.title}: {text}."


@dataclass(frozen=True, slots=True)
class Facts:
    """What of a film an explanation may mention."""

    title: str
    directors: Sequence[str]
    cast: Sequence[str]
    keywords: Sequence[str]
    genres: Sequence[str]


def _shared(left: Sequence[str], right: Sequence[str]) -> list[str]:
    there = set(right)
    return [name for name in left if name in there]


def _listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
