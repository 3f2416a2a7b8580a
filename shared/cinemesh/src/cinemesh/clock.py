"""The time, in one place, so that tests can move it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable

Clock = Callable[[], dt.datetime]


def utc_now() -> dt.datetime:
    """Returns the present moment in UTC."""
    return dt.datetime.now(dt.UTC)
