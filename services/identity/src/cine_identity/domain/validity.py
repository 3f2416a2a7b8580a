"""From when on tokens of an account count, after something happened that older ones must not survive."""

from __future__ import annotations

import datetime as dt

_SECOND = dt.timedelta(seconds=1)


def tokens_valid_from(now: dt.datetime) -> dt.datetime:
    """Returns the moment that tokens must not be issued before, for a change made now: the next whole second.

    Tokens tell their time in whole seconds. A token of this very second may be older than the change, so all of them are refused;
    the issuer gives those made after it this moment as their time, so that they pass.
    """
    return now.replace(microsecond=0) + _SECOND
