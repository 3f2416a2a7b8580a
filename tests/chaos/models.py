"""What one person's rating of one film, and one film on a watchlist, must do: the models that histories are checked against."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from tests.chaos.linearizability import Operation

#: Id of something that a call without an answer made: nobody has seen it yet.
UNSEEN = "?"


@dataclass(frozen=True, slots=True)
class Kept:
    """Something that exists: its id and its value."""

    id: str
    value: float


#: Kinds of calls that change something, deletions apart.
WRITES = frozenset({"write", "add", "change"})


def effective(kind: str, got: Any) -> bool:
    """Returns whether an answer says that there was something: an effect, or what a read found."""
    return bool(got != "absent" and not (kind == "add" and got[1] is None))


def step(state: Kept | None, operation: Operation) -> Iterator[Kept | None]:
    """One thing that is written, read and deleted. What a kind of call sends, and gets:

    write: a value; (id, value), of what was made or changed.
    add: a value; (id, value) of what was made, or (id, None) of what is there already.
    change: (id, value); (id, value), or "absent".
    read: nothing; (id, value), or "absent".
    delete: an id; "deleted", or "absent".
    """
    yield from _STEPS[operation.kind](state, operation)


def _written(state: Kept | None, operation: Operation) -> Iterator[Kept | None]:
    if not operation.answered:
        yield Kept(state.id if state else UNSEEN, operation.sent)
        return
    id_, value = operation.got
    if value == operation.sent and (state is None or state.id in (id_, UNSEEN)):
        yield Kept(id_, value)


def _added(state: Kept | None, operation: Operation) -> Iterator[Kept | None]:
    if not operation.answered:
        if state is None:
            yield Kept(UNSEEN, operation.sent)
        return
    id_, value = operation.got
    if value is None:
        if state is not None and id_ and state.id in (id_, UNSEEN):
            yield Kept(id_, state.value)
    elif state is None and value == operation.sent:
        yield Kept(id_, value)


def _changed(state: Kept | None, operation: Operation) -> Iterator[Kept | None]:
    matches = state is not None and state.id in (operation.sent[0], UNSEEN)
    if operation.got == "absent":
        if state is None or state.id != operation.sent[0]:
            yield state
    elif matches and (not operation.answered or operation.got == operation.sent):
        yield Kept(*operation.sent)


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


_STEPS: dict[str, Callable[[Kept | None, Operation], Iterator[Kept | None]]] = {
    "write": _written,
    "add": _added,
    "change": _changed,
    "read": _read,
    "delete": _deleted,
}
