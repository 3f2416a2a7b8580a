"""What people may do at Ratings and Watchlist, as events, with what must be known of it at the end."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from hypothesis import strategies as st

from cine.common.v1 import feed_pb2
from cine.ratings.v1.events_pb2 import DiaryEntryChanged, DiaryEntryDeleted, RatingChanged, RatingDeleted
from cine.watchlist.v1.events_pb2 import WatchlistItemChanged, WatchlistItemRemoved

from .conftest import ADA, BEN, START, event

MOVIES = range(1, 6)
_NAMES = ("rating_id", "entry_id", "item_id")


@dataclass
class Source:
    """What Ratings and Watchlist hold, and the events they told on the way there, each about one of `things`."""

    ratings: dict[tuple[str, int], tuple[int, int]] = field(default_factory=dict)
    diary: dict[str, tuple[str, int]] = field(default_factory=dict)
    watchlist: dict[tuple[str, int], bool] = field(default_factory=dict)
    events: list[feed_pb2.Event] = field(default_factory=list)
    things: list[str] = field(default_factory=list)

    def do(self, what: str, who: str, movie_id: int, halves: int) -> None:
        """Has somebody do something; what cannot be done is left out."""
        key, now = (who, movie_id), len(self.events)
        number = f"{who}{movie_id}"
        if what == "rate":
            at = int(START.timestamp()) + (now if halves % 2 else -1000 * halves)  # imports bear times of long ago
            self.ratings[key] = (halves, at)
            rated = RatingChanged(rating_id=f"r{number}", user_id=who, movie_id=movie_id, overall=halves / 2)
            rated.rated_at.FromSeconds(at)
            self._tell(rated)
        elif what == "unrate" and self.ratings.pop(key, None):
            self._tell(RatingDeleted(rating_id=f"r{number}", user_id=who, movie_id=movie_id))
        elif what == "watch":
            self.diary[f"d{now}"] = key
            self._tell(DiaryEntryChanged(entry_id=f"d{now}", user_id=who, movie_id=movie_id, watched_on="2026-03-01"))
        elif what == "unwatch" and (entries := [one for one, whose in self.diary.items() if whose == key]):
            del self.diary[entries[0]]
            self._tell(DiaryEntryDeleted(entry_id=entries[0], user_id=who, movie_id=movie_id))
        elif what in ("mark", "unmark"):
            self.watchlist[key] = what == "mark"
            item = WatchlistItemChanged(item_id=f"i{number}", user_id=who, movie_id=movie_id, watched=what == "mark")
            self._tell(item)
        elif what == "remove" and key in self.watchlist:
            del self.watchlist[key]
            self._tell(WatchlistItemRemoved(item_id=f"i{number}", user_id=who, movie_id=movie_id))

    def _tell(self, fact: Any) -> None:
        # two at a time bear the same moment
        self.events.append(event(fact, len(self.events) // 2))
        self.things.append(next(getattr(fact, name) for name in _NAMES if hasattr(fact, name)))

    def is_old(self, place: int) -> bool:
        """Returns whether the last word on what an event is about bears a later moment, so that the event can be told to be older."""
        last = max(at for at, thing in enumerate(self.things) if thing == self.things[place])
        return self.events[place].time.seconds < self.events[last].time.seconds

    def rated_by(self, who: str) -> dict[int, tuple[float, int]]:
        """Returns film → stars and Unix seconds."""
        return {
            movie_id: (halves / 2, at) for (user_id, movie_id), (halves, at) in self.ratings.items() if user_id == who
        }

    def watched_by(self, who: str) -> set[int]:
        """Returns films in the diary or marked as watched."""
        marked = {movie_id for (user_id, movie_id), watched in self.watchlist.items() if watched and user_id == who}
        return marked | {movie_id for user_id, movie_id in self.diary.values() if user_id == who}


ACTS = ("rate", "rate", "unrate", "watch", "unwatch", "mark", "unmark", "remove")


@st.composite
def sources(draw: st.DrawFn) -> Source:
    """Draws what a few people did."""
    source = Source()
    step = st.tuples(st.sampled_from(ACTS), st.sampled_from((ADA, BEN)), st.sampled_from(MOVIES), st.integers(0, 10))
    for what, who, movie_id, halves in draw(st.lists(step, max_size=40)):
        source.do(what, who, movie_id, halves)
    return source


@st.composite
def deliveries(draw: st.DrawFn, source: Source) -> list[list[feed_pb2.Event]]:
    """Draws how events arrive: in batches, some again from an earlier place on, some once more at the end as if parked before."""
    batches, place = list[list[feed_pb2.Event]](), 0
    while place < len(source.events):
        size = draw(st.integers(1, 7))
        batches.append(source.events[place : place + size])
        place += size
        if draw(st.integers(0, 5)) == 0:
            place = draw(st.integers(0, place))
        if len(batches) > 40:
            batches.append(source.events[place:])
            break
    # what was told before the last word on the same thing, tried once more after it
    late = draw(st.lists(st.sampled_from(range(len(source.events))), max_size=5)) if source.events else []
    return [*batches, *([source.events[place]] for place in late if source.is_old(place))]
