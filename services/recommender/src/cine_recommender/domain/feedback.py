"""What people say of films shown to them, and what holds of it.

A person says one thing of a kind about a film: said again, it is the same feedback. Some kinds contradict each other: of those the one
said last holds. What it replaced is not forgotten: when the later one is taken back, it is as if that had never been said.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Final

LIKE: Final = "like"
DISLIKE: Final = "dislike"
NOT_INTERESTED: Final = "not_interested"
SEEN: Final = "seen"
CLICKED: Final = "clicked"
DISMISSED: Final = "dismissed"
KINDS: Final = (LIKE, DISLIKE, NOT_INTERESTED, SEEN, CLICKED, DISMISSED)
"""As the contract names them. `not_interested` holds until it is taken back; `dismissed` means "not now" and fades."""

_CONTRADICTING: Final[Mapping[str, frozenset[str]]] = {
    LIKE: frozenset({DISLIKE, NOT_INTERESTED}),
    DISLIKE: frozenset({LIKE}),
    NOT_INTERESTED: frozenset({LIKE}),
}
_TICK: Final = dt.timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Feedback:
    """What a person said of a film.

    Attributes:
        feedback_id: its id.
        user_id: who said it.
        movie_id: the film.
        kind: one of `KINDS`.
        created_at: when it was given; when it had been replaced and was said anew, since then.
        said_at: when it was said last; of one person and film no two are equal.
        recommendation_request_id: answer the film was shown in; empty for none.
        rank: its place there, from 1; 0 when unknown.
        reason: why, plain text.
        holds: whether nothing said later contradicts it.
    """

    feedback_id: str
    user_id: str
    movie_id: int
    kind: str
    created_at: dt.datetime
    said_at: dt.datetime
    recommendation_request_id: str = ""
    rank: int = 0
    reason: str = ""
    holds: bool = True


@dataclass(frozen=True, slots=True)
class Change:
    """What saying something, or taking it back, does to what was said of one film.

    Attributes:
        kept: feedback that is new or different, as it is to be kept.
        removed: feedback that is to be deleted.
        given: what holds now and did not before.
        undone: what held before and does not any more, as it was.
    """

    kept: tuple[Feedback, ...]
    removed: tuple[Feedback, ...]
    given: tuple[Feedback, ...]
    undone: tuple[Feedback, ...]


def settled(said: Iterable[Feedback]) -> dict[str, Feedback]:
    """Returns by kind what was said of one film by one person, each marked by whether it holds."""
    found = {one.kind: one for one in said}
    return {
        kind: replace(one, holds=not _contradicted(one, found.values())) if kind in _CONTRADICTING else one
        for kind, one in found.items()
    }


def _contradicted(one: Feedback, among: Collection[Feedback]) -> bool:
    against = _CONTRADICTING[one.kind]
    return any(other.kind in against and other.said_at > one.said_at for other in among)


def given(before: Collection[Feedback], new: Feedback) -> tuple[Feedback, Change]:
    """Says something of a film.

    Args:
        before: everything the same person said of the same film, whether it holds or not.
        new: what is said now; its `said_at` is moved behind all that was said before where clocks disagree.

    Returns:
        The feedback as it is kept: the first one of its kind, said once more, where that still held; else the new one, under the id of
        the first one where there was one. And what changes.
    """
    said_at = max([new.said_at, *(one.said_at + _TICK for one in before)])
    first = next((one for one in before if one.kind == new.kind), None)
    if first is None:
        now = replace(new, said_at=said_at, holds=True)
    elif first.holds:
        now = replace(first, said_at=said_at)
    else:
        now = replace(new, feedback_id=first.feedback_id, said_at=said_at, holds=True)
    after = settled([*(one for one in before if one.kind != new.kind), now])
    return now, _change(before, after)


def undone(before: Collection[Feedback], feedback_id: str) -> Change:
    """Takes something back, as if it had never been said.

    Args:
        before: everything the same person said of the same film.
        feedback_id: what is taken back; one of them.
    """
    return _change(before, settled(one for one in before if one.feedback_id != feedback_id))


def _change(before: Collection[Feedback], after: Mapping[str, Feedback]) -> Change:
    was = {one.kind: one for one in before}
    return Change(
        kept=tuple(one for kind, one in after.items() if was.get(kind) != one),
        removed=tuple(one for kind, one in was.items() if kind not in after),
        given=tuple(one for kind, one in after.items() if one.holds and not (kind in was and was[kind].holds)),
        undone=tuple(one for kind, one in was.items() if one.holds and not (kind in after and after[kind].holds)),
    )
