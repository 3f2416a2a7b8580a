"""An import on its way: its states, its figures, and what may be done with it when."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from cine_ratings.domain.transfers.rows import Outcome
from cinemesh.errors import FailedPrecondition

READY_FOR: Final = dt.timedelta(days=7)
"""How long a matched import waits to be confirmed."""
UNDONE_WITHIN: Final = dt.timedelta(days=30)
"""How long an applied import can be undone."""
MOST_WAITING: Final = 5
"""Imports of one person that wait to be confirmed; a further one takes the place of the oldest."""
MOST_ATTEMPTS: Final = 6
"""Attempts at one step before the import is given up: a file that kills the process must not do so for ever."""


class State(StrEnum):
    """How far an import has come. The first is not told: its rows are still being written down."""

    RECEIVING = "receiving"
    MATCHING = "matching"
    READY = "ready"
    APPLYING = "applying"
    DONE = "done"
    ROLLING_BACK = "rolling_back"
    ROLLED_BACK = "rolled_back"
    FAILED = "failed"


WORKING: Final = (State.MATCHING, State.APPLYING, State.ROLLING_BACK)
"""States in which there is something to do without being asked."""


@dataclass(frozen=True, slots=True)
class Import:
    """An import.

    Attributes:
        import_id: its id, a ULID.
        user_id: whose it is.
        source: where the file comes from.
        file_name: as the person called the file; empty when they did not.
        state: how far it is.
        rows_total: rows in the file.
        rows_matched: rows that mean one film.
        rows_ambiguous: rows that may mean several.
        rows_unknown: rows that mean none that is known.
        rows_invalid: rows that cannot be read.
        rows_unchanged: rows that are here already.
        rows_applied: rows applied and not undone.
        rows_done: rows done in this state.
        rows_to_do: rows to do in this state.
        error: why it failed; empty unless it did.
        created_at: when the file came.
        updated_at: when something last happened.
        expires_at: until when it can be confirmed or undone.
        attempts: attempts at the present step.
    """

    import_id: str
    user_id: str
    source: str
    file_name: str
    state: State
    rows_total: int
    created_at: dt.datetime
    updated_at: dt.datetime
    expires_at: dt.datetime
    rows_matched: int = 0
    rows_ambiguous: int = 0
    rows_unknown: int = 0
    rows_invalid: int = 0
    rows_unchanged: int = 0
    rows_applied: int = 0
    rows_done: int = 0
    rows_to_do: int = 0
    error: str = ""
    attempts: int = 0

    @property
    def rests(self) -> bool:
        """Whether nothing more happens to it unless somebody asks."""
        return self.state not in (*WORKING, State.RECEIVING)

    @property
    def unsettled(self) -> int:
        """Rows that would be left out if it were applied now."""
        return self.rows_ambiguous + self.rows_unknown + self.rows_invalid


def figures(outcomes: Mapping[str, int]) -> dict[str, int]:
    """Returns the counts an import shows, of how many rows have each outcome."""
    shown = (Outcome.MATCHED, Outcome.AMBIGUOUS, Outcome.UNKNOWN, Outcome.INVALID, Outcome.UNCHANGED)
    return {f"rows_{outcome.value}": outcomes.get(outcome.value, 0) for outcome in shown}


def require_open(found: Import, now: dt.datetime) -> None:
    """Makes sure that the rows of an import may still be told what they mean.

    Raises:
        FailedPrecondition: it is not ready, or too old.
    """
    if found.state is State.MATCHING:
        raise FailedPrecondition("the import is still being matched; wait until it is ready")
    if found.state is not State.READY:
        raise FailedPrecondition(
            f"the import is {found.state.value.replace('_', ' ')}: nothing can be changed any more"
        )
    _require_in_time(found, now, "confirmed")


def require_confirmable(found: Import, now: dt.datetime, *, skip_unsettled: bool) -> bool:
    """Returns whether an import is to be applied now; False when it was confirmed before.

    Raises:
        FailedPrecondition: it is not ready, too old, undone, or has rows without a settled film.
    """
    if found.state in (State.APPLYING, State.DONE):
        return False
    require_open(found, now)
    if found.unsettled and not skip_unsettled:
        raise FailedPrecondition(
            f"{found.unsettled} rows have no settled film ({found.rows_ambiguous} ambiguous, {found.rows_unknown} unknown, "
            f"{found.rows_invalid} invalid): say which films they mean, or confirm with skip_unsettled"
        )
    return True


def require_undoable(found: Import, now: dt.datetime) -> bool:
    """Returns whether an import is to be undone now; False when that was asked before.

    Raises:
        FailedPrecondition: nothing of it was applied, or it is too old.
    """
    if found.state in (State.ROLLING_BACK, State.ROLLED_BACK):
        return False
    if found.state in (State.MATCHING, State.READY) or (found.state is State.FAILED and not found.rows_applied):
        raise FailedPrecondition("nothing of the import was applied: there is nothing to undo")
    _require_in_time(found, now, "undone")
    return True


def _require_in_time(found: Import, now: dt.datetime, done: str) -> None:
    if found.expires_at <= now:
        raise FailedPrecondition(f"the import is too old to be {done}")
