"""What must be known to undo a row, as JSON holds it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from cine_ratings.domain.diary import DiaryEntry
from cine_ratings.domain.rating import Rating, RatingUndo, Score
from cine_ratings.domain.review import Review
from cine_ratings.domain.written import Text

Before = Mapping[str, Any]
"""What was there before."""


def of_rating(before: Rating | None) -> Before | None:
    """Returns what a rating was; None for none."""
    if before is None:
        return None
    return {
        **before.score.values,
        "created_at": before.created_at.isoformat(),
        "updated_at": before.updated_at.isoformat(),
    }


def rating_undo(rating_id: str, version: int, before: Before | None) -> RatingUndo:
    """Returns how to take a change of a rating back."""
    if before is None:
        return RatingUndo(rating_id, version)
    scores = {name: value for name, value in before.items() if not name.endswith("_at")}
    return RatingUndo(rating_id, version, Score(**scores), _moment(before["created_at"]), _moment(before["updated_at"]))


def of_entry(before: DiaryEntry) -> Before:
    """Returns what of a diary entry an import changes."""
    return {
        "rewatch": before.rewatch,
        "overall": before.overall,
        "notes": before.notes,
        "tags": list(before.tags),
        "updated_at": before.updated_at.isoformat(),
    }


def entry_before(entry: DiaryEntry, before: Before) -> DiaryEntry:
    """Returns a diary entry as it was, in a version of its own."""
    return replace(
        entry,
        rewatch=before["rewatch"],
        overall=before["overall"],
        notes=before["notes"],
        tags=tuple(before["tags"]),
        updated_at=_moment(before["updated_at"]),
        version=entry.version + 1,
    )


def of_review(before: Review | None) -> Before | None:
    """Returns what a review said; None for none."""
    if before is None:
        return None
    return {
        "title": before.title,
        "markdown": before.text.markdown,
        "html": before.text.html,
        "contains_spoilers": before.contains_spoilers,
        "revision": before.revision,
        "updated_at": before.updated_at.isoformat(),
    }


def review_before(review: Review, before: Before) -> Review:
    """Returns what a review said before, as a review."""
    return replace(
        review,
        title=before["title"],
        text=Text(before["markdown"], before["html"]),
        contains_spoilers=before["contains_spoilers"],
        revision=before["revision"],
        updated_at=_moment(before["updated_at"]),
    )


def _moment(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text)
