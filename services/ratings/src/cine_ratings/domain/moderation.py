"""Moderation: what is reported, how a report is settled, and what is kept of the acts of administrators."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Final, Literal

State = Literal["open", "hidden", "dismissed"]
"""How far a report is: not settled, settled by hiding what it names, or found to be none."""

OPEN: Final = "open"
HIDDEN: Final = "hidden"
DISMISSED: Final = "dismissed"
SETTLED: Final[dict[str, State]] = {"hide": HIDDEN, "dismiss": DISMISSED}
"""State of a report by what an administrator does about it."""


@dataclass(frozen=True, slots=True)
class Thing:
    """What a report or an act is about.

    Attributes:
        review_id: the review, or that whose comment it is.
        comment_id: the comment; empty for the review itself.
    """

    review_id: str
    comment_id: str = ""


@dataclass(frozen=True, slots=True)
class Complaint:
    """What one person says is wrong.

    Attributes:
        reason: `spam`, `abuse`, `spoiler`, `off_topic` or `other`.
        detail: more about it, clean plain text; empty for nothing.
    """

    reason: str
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Report:
    """What people reported, once for all of them.

    Attributes:
        report_id: its id, a ULID.
        thing: what is reported.
        complaint: what the first of them said.
        reporter_count: people who reported it.
        state: how far it is.
        created_at: when it was first reported.
        resolved_at: when it was settled; None before.
        body_markdown: the text reported, as it is now.
    """

    report_id: str
    thing: Thing
    complaint: Complaint
    created_at: dt.datetime
    reporter_count: int = 1
    state: State = OPEN
    resolved_at: dt.datetime | None = None
    body_markdown: str = ""


@dataclass(frozen=True, slots=True)
class Act:
    """What an administrator did.

    Attributes:
        actor_id: who.
        action: `review.hide`, `review.show`, `comment.hide`, `comment.show` or `report.dismiss`.
        thing: to what.
        report_id: the report it settled; empty for none.
        reason: why, in their words.
    """

    actor_id: str
    action: str
    thing: Thing
    report_id: str = ""
    reason: str = ""
