"""When the hour of every night is."""

from __future__ import annotations

import datetime as dt


def last_due(now: dt.datetime, at: dt.time) -> dt.datetime:
    """Returns the latest moment, not after now, at which the clock showed an hour; both in UTC."""
    today = dt.datetime.combine(now.date(), at, tzinfo=dt.UTC)
    return today if today <= now else today - dt.timedelta(days=1)
