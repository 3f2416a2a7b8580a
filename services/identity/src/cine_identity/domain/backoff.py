"""Back-off: how long sign-ins wait after wrong ones in a row."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

LONGEST_WAIT = dt.timedelta(minutes=15)
_FIRST_WAIT = dt.timedelta(seconds=5)


@dataclass(frozen=True, slots=True)
class BackOff:
    """How one kind of counter waits.

    Attributes:
        free: failures in a row up to which nothing waits; this one is the first that does.
        forgotten_after: time without a failure after which counting starts anew.
    """

    free: int
    forgotten_after: dt.timedelta

    def wait(self, failures: int) -> dt.timedelta:
        """Returns the wait after a number of failures in a row: nothing at first, then 5 s, doubling up to 15 minutes."""
        if failures < self.free:
            return dt.timedelta()
        # the exponent is bounded, so that any count can be asked for
        return min(LONGEST_WAIT, _FIRST_WAIT * (1 << min(failures - self.free, 10)))


ACCOUNT = BackOff(free=5, forgotten_after=dt.timedelta(days=1))
DEVICE = ACCOUNT
"""A known device is let past the other two, so that it needs a counter of its own: who shares its address would guess for ever."""
ADDRESS = BackOff(free=20, forgotten_after=dt.timedelta(hours=1))
"""Behind one address may be a whole office, and no success forgives it (an attacker would sign in to an own account in between)."""
