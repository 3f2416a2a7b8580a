"""What is known of a person when films are chosen for them, put together from what they did and said."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final, TypeVar

import numpy as np
import numpy.typing as npt

from cine_recommender.domain import feedback as said
from cine_recommender.interactions import Floats, Ints

N = TypeVar("N", bound=np.generic)
LIKED_STARS: Final = 4.5
"""What a like by feedback counts as where there is no rating."""
DISLIKED_STARS: Final = 1.5
"""What a dislike by feedback counts as where there is no rating."""
FEWEST_STARS: Final = 0.5
"""The lowest rating of the scale that signals learned on: no stars at all count as half a star."""


def _no_films() -> Ints:
    return np.empty(0, np.int32)


@dataclass(frozen=True, eq=False)
class Known:
    """What is known of one person. Arrays are shared with everybody who asks, and read-only.

    A film liked or disliked by feedback and never rated is in the history, at the time of the feedback: a like counts as 4.5 stars, a
    dislike as 1.5; where there is a rating, the rating counts. Such a film is not among `seen` unless something else says so: whoever
    recommends leaves out the history and `seen` and `refused`.

    Attributes:
        movie_ids: int32 (n,), the history, oldest first, no film twice.
        ratings: float32 (n,), 0.5 to 5 stars.
        times: int64 (n,), Unix seconds.
        seen: int32 (s,), ascending: rated, in the diary, marked as watched, or `seen` by feedback.
        refused: int32 (r,), ascending: `not_interested`, never to be shown again.
        liked: int32, ascending: by feedback that holds.
        disliked: int32, ascending: by feedback that holds.
        dismissed: int32 (d,), ascending: "not now".
        dismissed_at: int64 (d,), Unix seconds, when each was dismissed last.
        rating_count: how many films of the history were rated; the others were liked or disliked.
        version: 0 for somebody of whom nothing was ever known; any change of anything here changes it. Compare for equality alone.
    """

    movie_ids: Ints = field(default_factory=_no_films)
    ratings: Floats = field(default_factory=lambda: np.empty(0, np.float32))
    times: npt.NDArray[np.int64] = field(default_factory=lambda: np.empty(0, np.int64))
    seen: Ints = field(default_factory=_no_films)
    refused: Ints = field(default_factory=_no_films)
    liked: Ints = field(default_factory=_no_films)
    disliked: Ints = field(default_factory=_no_films)
    dismissed: Ints = field(default_factory=_no_films)
    dismissed_at: npt.NDArray[np.int64] = field(default_factory=lambda: np.empty(0, np.int64))
    rating_count: int = 0
    version: int = 0

    def __len__(self) -> int:
        return len(self.movie_ids)


def known_of(
    rated: Mapping[int, tuple[float, int]],
    watched: Iterable[int],
    feedback: Iterable[tuple[str, int, int]],
    version: int,
) -> Known:
    """Puts together what is known of a person.

    Args:
        rated: film → stars, 0 to 5, and Unix seconds.
        watched: films in the diary or marked as watched.
        feedback: kind, film, Unix seconds of all feedback that holds.
        version: of all this.
    """
    by_kind: dict[str, dict[int, int]] = {kind: {} for kind in said.KINDS}
    for kind, movie_id, at in feedback:
        by_kind[kind][movie_id] = at
    history = {movie_id: (at, max(stars, FEWEST_STARS)) for movie_id, (stars, at) in rated.items()}
    for kind, stars in ((said.LIKE, LIKED_STARS), (said.DISLIKE, DISLIKED_STARS)):
        for movie_id, at in by_kind[kind].items():
            history.setdefault(movie_id, (at, stars))
    ordered = sorted((at, movie_id, stars) for movie_id, (at, stars) in history.items())
    dismissed = _ascending(by_kind[said.DISMISSED])
    return Known(
        movie_ids=_fixed([movie_id for _, movie_id, _ in ordered], np.int32),
        ratings=_fixed([stars for _, _, stars in ordered], np.float32),
        times=_fixed([at for at, _, _ in ordered], np.int64),
        seen=_ascending({*rated, *watched, *by_kind[said.SEEN]}),
        refused=_ascending(by_kind[said.NOT_INTERESTED]),
        liked=_ascending(by_kind[said.LIKE]),
        disliked=_ascending(by_kind[said.DISLIKE]),
        dismissed=dismissed,
        dismissed_at=_fixed([by_kind[said.DISMISSED][movie_id] for movie_id in dismissed.tolist()], np.int64),
        rating_count=len(rated),
        version=version,
    )


def _ascending(movie_ids: Iterable[int]) -> Ints:
    return _fixed(sorted(movie_ids), np.int32)


def _fixed(values: list[int] | list[float], kind: type[N]) -> npt.NDArray[N]:
    made = np.array(values, dtype=kind)
    made.flags.writeable = False
    return made
