"""What one person's rating of one film, and one film on a watchlist, must do: the models that histories are checked against."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from tests.chaos.linearizability import Operation

#: Id of something that a call without an answer made: nobody has seen it yet.
UNSEEN = "?"


@dataclass(frozen=True, slots=True)
class Kept:
    """Something that exists: its id and its value."""

    id: str
    value: float


def step(state: Kept | None, operation: Operation) -> Iterator[Kept | None]:
    """One thing that is written, read and deleted.

    write: sent a value, got (id, value). read: got (id, value) or "absent". delete: sent an id, got "deleted" or "absent".
    """
    if operation.kind == "write":
        yield from _written(state, operation)
    elif operation.kind == "read":
        yield from _read(state, operation)
    else:
        yield from _deleted(state, operation)


def _written(state: Kept | None, operation: Operation) -> Iterator[Kept | None]:
    if not operation.answered:
        yield Kept(state.id if state else UNSEEN, operation.sent)
        return
    id_, value = operation.got
    if value == operation.sent and (state is None or state.id in (id_, UNSEEN)):
        yield Kept(id_, value)


def _read(state: Kept | None, operation: Operation) -> Iterator[Kept | None]:
    if not operation.answered:
        yield state
    elif operation.got == "absent":
        if state is None:
            yield None
    elif state is not None and state.value == operation.got[1] and state.id in (operation.got[0], UNSEEN):
        yield Kept(*operation.got)


def _deleted(state: Kept | None, operation: Operation) -> Iterator[Kept | None]:
    matches = state is not None and state.id in (operation.sent, UNSEEN)
    if not operation.answered:
        if matches:
            yield None
        return
    if operation.got == "deleted":
        if matches:
            yield None
    elif state is None or state.id != operation.sent:
        yield state
