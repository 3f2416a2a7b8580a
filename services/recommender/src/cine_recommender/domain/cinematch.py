"""CineMatch: a taste as a person states it, understood and answered."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from cine_recommender.domain.ranking import NO_ROWS, Liking, Ranked, Ranker, Wanted
from cinemesh.errors import InvalidArgument
from cinemesh.vocabulary import Vocabulary

DEFAULT_LIMIT = 20
MAX_LIMIT = 100
_REMEMBERED = 1024
_LIKED_SHARE = 0.5
"""Share of a score that likeness to the films a person likes makes up, when there are any."""

Neighbours = Callable[[int], tuple[npt.NDArray[np.int32], npt.NDArray[np.float32]]]
"""From a row to the rows like it and how like they are, 0 to 1."""


@dataclass(frozen=True, slots=True)
class Taste:
    """What a person asked for, as written. Names are free text; ids and years are checked against the model."""

    genres: Sequence[str] = ()
    services: Sequence[str] = ()
    limit: int = 0
    liked_movie_ids: Sequence[int] = ()
    exclude_movie_ids: Sequence[int] = ()
    year_min: int = 0
    year_max: int = 0


@dataclass(frozen=True, slots=True)
class Match:
    """The films that suit a taste, best first, and which of the liked films the model does not know."""

    ranked: Ranked
    unknown_liked: tuple[int, ...] = ()


class _Numbered:
    """Names as people write them → numbers of the model; what was understood once is remembered."""

    def __init__(self, vocabulary: Vocabulary, names: Sequence[str]) -> None:
        number_of = {name: number for number, name in enumerate(names)}
        self._vocabulary = vocabulary

        @lru_cache(_REMEMBERED)
        def find(text: str) -> int | None:
            name = vocabulary.find(text)
            return None if name is None else number_of[name]

        self._find = find

    def numbers(self, texts: Sequence[str], field: str) -> tuple[int, ...]:
        """Return the numbers, sorted, none repeated.

        Raises:
            InvalidArgument: One is not known; `field[i]` is blamed.
        """
        found = {self._find(text) for text in texts}
        if None in found:
            self._vocabulary.resolve_all(texts, field)  # raises, naming the field and what is accepted
        return tuple(sorted(number for number in found if number is not None))


class CineMatch:
    """Answers tastes from one model. Immutable but for memories of what names mean: threads may share it."""

    def __init__(
        self,
        ranker: Ranker,
        genres: Vocabulary,
        services: Vocabulary,
        genre_names: Sequence[str],
        service_names: Sequence[str],
        movie_ids: npt.NDArray[np.int32],
    ) -> None:
        """Use a ranker whose genres, services and rows are those named here, in that order."""
        self._ranker = ranker
        self._genres = _Numbered(genres, genre_names)
        self._services = _Numbered(services, service_names)
        self._by_id = np.argsort(movie_ids, kind="stable").astype(np.int32)
        self._sorted_ids = movie_ids[self._by_id]

    def match(self, taste: Taste, neighbours: Neighbours) -> Match:
        """Return the films that suit a taste.

        Args:
            taste: What is asked for.
            neighbours: Finds films like a liked one; only called when there are liked films.

        Raises:
            InvalidArgument: A genre or service is unknown, the limit is out of range, or the years are the wrong way
                round; the field is named.
        """
        limit = taste.limit or DEFAULT_LIMIT
        if not 1 <= limit <= MAX_LIMIT:
            raise _invalid("limit", f"limit must be between 1 and {MAX_LIMIT}, or 0 for {DEFAULT_LIMIT}")
        if taste.year_min and taste.year_max and taste.year_min > taste.year_max:
            raise _invalid("year_max", f"year_max {taste.year_max} is before year_min {taste.year_min}")
        liked, unknown = self._rows(taste.liked_movie_ids)
        excluded, _ = self._rows(taste.exclude_movie_ids)
        wanted = Wanted(
            genres=self._genres.numbers(taste.genres, "preferred_genres"),
            services=self._services.numbers(taste.services, "services"),
            limit=limit,
            year_min=taste.year_min,
            year_max=taste.year_max,
            liking=_liking(liked, neighbours) if len(liked) else None,
            excluded=np.unique(np.concatenate([excluded, liked])) if len(liked) else excluded,
        )
        return Match(self._ranker.rank(wanted), unknown)

    def row_of(self, movie_id: int) -> int | None:
        """Return the row of a film, None when the model does not know it."""
        rows, _ = self._rows([movie_id])
        return int(rows[0]) if len(rows) else None

    def _rows(self, movie_ids: Sequence[int]) -> tuple[npt.NDArray[np.int32], tuple[int, ...]]:
        """Rows of the ids that are known (ascending, none twice), and the ids that are not."""
        if not movie_ids:
            return NO_ROWS, ()
        asked = np.unique(np.array(movie_ids, dtype=np.int64))
        place = np.minimum(np.searchsorted(self._sorted_ids, asked), len(self._sorted_ids) - 1)
        known = self._sorted_ids[place] == asked
        return np.sort(self._by_id[place[known]]), tuple(asked[~known].tolist())


def _liking(liked: npt.NDArray[np.int32], neighbours: Neighbours) -> Liking:
    """Films like any of the liked ones; the nearest liked film counts."""
    found = [neighbours(row) for row in liked.tolist()]
    rows, place = np.unique(np.concatenate([rows for rows, _ in found]), return_inverse=True)
    likeness = np.zeros(len(rows), dtype=np.float32)
    np.maximum.at(likeness, place, np.concatenate([likeness for _, likeness in found]))
    return Liking(rows, likeness, _LIKED_SHARE)


def _invalid(field: str, description: str) -> InvalidArgument:
    return InvalidArgument(description, violations=[(field, description)])
