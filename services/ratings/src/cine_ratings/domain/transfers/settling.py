"""What rows of one file say of the same thing: which of them counts."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass

from cine_ratings.domain.transfers.rows import Kind, Part


@dataclass(frozen=True, slots=True)
class Placed:
    """A row whose film is settled.

    Attributes:
        row_number: its number.
        movie_id: the film.
        kind: what it brings first of all.
        brings: what applying it does.
        moment: when it was said, as ISO 8601 text that sorts by time; empty when the file does not say.
        list_name: list it is on.
    """

    row_number: int
    movie_id: int
    kind: Kind
    brings: Part
    moment: str = ""
    list_name: str = ""

    @property
    def _weight(self) -> tuple[bool, str, int]:
        # a list of ratings knows better than what somebody thought on one day; of two the later one, then the one further down
        return self.kind is Kind.RATING, self.moment, self.row_number


def said_at(at: dt.datetime | None, watched_on: dt.date | None) -> str:
    """Returns when a row was said, as text that sorts by time."""
    return max(at.isoformat() if at is not None else "", watched_on.isoformat() if watched_on is not None else "")


def yielding(rows: Iterable[Placed]) -> dict[int, tuple[Part, int]]:
    """Returns what rows must leave to other rows: by number, which parts, and the row that has the last word.

    There is one rating and one review of a film, and a film is on a list once; diary entries stand beside each other.
    """
    last: dict[tuple[Part, int, str], Placed] = {}
    contenders: list[tuple[tuple[Part, int, str], Placed]] = []
    for row in rows:
        for part in (Part.RATING, Part.REVIEW, Part.WATCHLIST):
            if part not in row.brings:
                continue
            thing = (part, row.movie_id, row.list_name if part is Part.WATCHLIST else "")
            contenders.append((thing, row))
            holder = last.get(thing)
            if holder is None or _before(part, holder, row):
                last[thing] = row
    yielded: dict[int, tuple[Part, int]] = {}
    for thing, row in contenders:
        winner = last[thing]
        if winner.row_number != row.row_number:
            parts, _ = yielded.get(row.row_number, (Part.NOTHING, 0))
            yielded[row.row_number] = (parts | thing[0], winner.row_number)
    return yielded


def _before(part: Part, holder: Placed, row: Placed) -> bool:
    # the first place on a list is the one that the person gave it
    return part is not Part.WATCHLIST and holder._weight <= row._weight
