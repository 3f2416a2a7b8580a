"""Where a page of a ranking begins and which films are on it, also when the person acted since the first page."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Self

import numpy as np

from cine_recommender.domain.known import Known
from cine_recommender.interactions import Ints


@dataclass(frozen=True, slots=True)
class Position:
    """The beginning of a page after the first, as its token carries it.

    With the ranking at hand the place is all it takes. Without it (another replica, a restart, long ago) the ranking is made again as it
    was: at the same hour, from the history of that moment.

    Attributes:
        ranking: key of the ranking.
        hour: Unix seconds the ranking was made for.
        until: Unix seconds of the first page.
        count: films in the history then.
        offset: place of the page's first film, from 0.
        after: id of the last film of the page before.
    """

    ranking: str
    hour: int
    until: int
    count: int
    offset: int
    after: int

    def stated(self) -> list[str | int]:
        """Returns it as JSON can hold it."""
        return [self.ranking, self.hour, self.until, self.count, self.offset, self.after]

    @classmethod
    def of(cls, stated: list[str | int]) -> Self:
        """Returns the position that was stated."""
        ranking, *numbers = stated
        return cls(str(ranking), *(int(number) for number in numbers))

    def known_then(self, known: Known) -> Known:
        """Returns what was known of the person at the first page; what they refuse counts from whenever they do."""
        then = np.flatnonzero(known.times <= self.until)[: self.count]
        since = np.setdiff1d(known.movie_ids, known.movie_ids[then])
        return replace(
            known,
            movie_ids=known.movie_ids[then],
            ratings=known.ratings[then],
            times=known.times[then],
            seen=np.setdiff1d(known.seen, since),
        )


@dataclass(frozen=True, slots=True)
class Cut:
    """The films of a page.

    Attributes:
        places: places in the ranking, from 0, ascending.
        end: place at which the next page begins; None on the last page.
    """

    places: list[int]
    end: int | None


def cut(movie_ids: Ints, offset: int, size: int, hidden: Ints, total: int) -> Cut:
    """Returns a page: the next films of a ranking that may still be shown.

    Args:
        movie_ids: int32 (n,), the ranking, best first.
        offset: where the page begins.
        size: films wanted.
        hidden: ids of films that may not be shown any more; they leave a gap in the ranks.
        total: films that could be ranked; above n there are more than `movie_ids` has.
    """
    rest = movie_ids[offset:]
    open_ = np.flatnonzero(~np.isin(rest, hidden)) if len(hidden) else np.arange(len(rest))
    places = [offset + int(place) for place in open_[:size]]
    more = len(open_) > size or total > len(movie_ids)
    return Cut(places, places[-1] + 1 if more and places else None)
