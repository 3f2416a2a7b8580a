"""The check itself: it accepts what could have happened, and finds what could not."""

from __future__ import annotations

import random

import pytest

from tests.chaos.linearizability import NEVER, Operation, anomalies, explained
from tests.chaos.models import Kept, step


def write(value: float, id_: str, began: float, ended: float) -> Operation:
    return Operation("k", "write", value, (id_, value), began, ended)


def lost(value: float, began: float) -> Operation:
    return Operation("k", "write", value, None, began, NEVER)


def add(value: float, id_: str, began: float, ended: float) -> Operation:
    return Operation("k", "add", value, (id_, value), began, ended)


def clash(id_: str, began: float, ended: float) -> Operation:
    return Operation("k", "add", 7, (id_, None), began, ended)


def change(value: float, id_: str, began: float, ended: float, *, absent: bool = False) -> Operation:
    return Operation("k", "change", (id_, value), "absent" if absent else (id_, value), began, ended)


def read(got: object, began: float, ended: float) -> Operation:
    return Operation("k", "read", None, got, began, ended)


def delete(id_: str, got: str, began: float, ended: float) -> Operation:
    return Operation("k", "delete", id_, got, began, ended)


@pytest.mark.parametrize(
    "history",
    [
        [write(1, "a", 0, 1), read(("a", 1), 2, 3)],
        # at the same time: either order
        [write(1, "a", 0, 5), write(2, "a", 0, 5), read(("a", 1), 6, 7)],
        [write(1, "a", 0, 5), read("absent", 1, 2), read(("a", 1), 3, 4)],
        [write(1, "a", 0, 1), delete("a", "deleted", 2, 3), read("absent", 4, 5), write(2, "b", 6, 7)],
        [write(1, "a", 0, 1), delete("a", "deleted", 2, 3), delete("a", "absent", 4, 5)],
        # without an answer: it happened, or it did not, or later
        [lost(1, 0), read(("a", 1), 1, 2)],
        [lost(1, 0), read("absent", 1, 2), read(("a", 1), 3, 4)],
        [write(1, "a", 0, 1), lost(2, 2), read(("a", 1), 3, 4)],
        [lost(1, 0), lost(2, 0), write(3, "a", 1, 2), read(("a", 3), 3, 4)],
        # added once; who adds again is told of it, and may change it
        [add(1, "a", 0, 1), clash("a", 2, 3), change(2, "a", 4, 5), read(("a", 2), 6, 7)],
        [add(1, "a", 0, 5), clash("a", 1, 4), delete("a", "deleted", 2, 6), change(2, "a", 5, 7, absent=True)],
        [Operation("k", "add", 1, None, 0, NEVER), clash("a", 2, 3), read(("a", 1), 4, 5)],
        [
            add(1, "a", 0, 1),
            Operation("k", "change", ("a", 2), None, 2, NEVER),
            read(("a", 1), 3, 4),
            read(("a", 2), 5, 6),
        ],
    ],
)
def test_what_could_have_happened_is_accepted(history: list[Operation]) -> None:
    assert explained(sorted(history, key=lambda o: o.began), step)


@pytest.mark.parametrize(
    "history",
    [
        # an acknowledged write is lost
        [write(1, "a", 0, 1), read("absent", 2, 3)],
        # a write is seen and then not seen
        [write(1, "a", 0, 1), write(2, "a", 2, 9), read(("a", 2), 3, 4), read(("a", 1), 5, 6)],
        # two rows of one thing
        [write(1, "a", 0, 5), write(2, "b", 0, 5)],
        # a deletion that came back
        [write(1, "a", 0, 1), delete("a", "deleted", 2, 3), read(("a", 1), 4, 5)],
        # deleted twice
        [write(1, "a", 0, 1), delete("a", "deleted", 2, 5), delete("a", "deleted", 2, 5)],
        # a value nobody wrote
        [write(1, "a", 0, 1), read(("a", 3), 2, 3)],
        # two of one thing
        [add(1, "a", 0, 1), add(2, "b", 2, 3)],
        # told of what is gone, of another one, of none
        [add(1, "a", 0, 1), delete("a", "deleted", 2, 3), clash("a", 4, 5)],
        [add(1, "a", 0, 1), clash("b", 2, 3)],
        [add(1, "a", 0, 1), clash("", 2, 3)],
        # changed and not changed, absent and there, changed to something else
        [add(1, "a", 0, 1), change(2, "a", 2, 3), read(("a", 1), 4, 5)],
        [add(1, "a", 0, 1), change(2, "a", 2, 3, absent=True)],
        [add(1, "a", 0, 1), delete("a", "deleted", 2, 3), change(2, "a", 4, 5)],
        [add(1, "a", 0, 1), Operation("k", "change", ("a", 2), ("a", 3), 2, 3)],
        # one without an answer happened twice
        [lost(1, 0), read(("a", 1), 1, 2), write(2, "a", 3, 4), read(("a", 1), 5, 6)],
    ],
)
def test_what_could_not_is_found(history: list[Operation]) -> None:
    found = list(anomalies(history, step))
    assert [one.key for one in found] == ["k"]
    assert "no order explains" in str(found[0])


def test_a_real_register_under_races_is_accepted_and_a_broken_one_is_not() -> None:
    chooser = random.Random(3)
    for broken in (False, True):
        found = 0
        for _ in range(60):
            history = _simulated(chooser, broken=broken)
            found += sum(1 for _ in anomalies(history, step))
        assert (found > 0) is broken


def _simulated(chooser: random.Random, *, broken: bool) -> list[Operation]:
    """Returns a history of calls that overlap and take effect at a random moment; a broken register forgets some writes."""
    state: Kept | None = None
    calls = []
    for _ in range(24):
        began = chooser.uniform(0, 10)
        effect = began + chooser.uniform(0, 1)
        calls.append((effect, began, effect + chooser.uniform(0, 1)))
    history, made = [], 0
    for _, began, ended in sorted(calls):
        kind = chooser.choice(["write", "write", "read", "delete"])
        if kind == "write":
            value = float(chooser.randrange(10))
            made += state is None
            id_ = state.id if state else f"id{made}"
            history.append(Operation("k", kind, value, (id_, value), began, ended))
            if not broken or chooser.random() < 0.7:
                state = Kept(id_, value)
        elif kind == "read":
            history.append(Operation("k", kind, None, (state.id, state.value) if state else "absent", began, ended))
        else:
            id_ = state.id if state else "id0"
            history.append(Operation("k", kind, id_, "deleted" if state else "absent", began, ended))
            state = None
    return history
