"""Whether a history of concurrent calls could have happened one after another: linearizability, key by key.

Each key (say, one person's rating of one film) is an object of its own, and a history is linearizable exactly when that of every object
is (Herlihy and Wing 1990, locality). The search is Wing and Gong's with Lowe's memory of what was tried: take any call that began before
every other unfinished one ended, see whether the model allows its answer, go on; the state together with the set of calls taken
is never tried twice. A call whose answer never came may have happened at any time after it began, or not at all.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

State = Hashable
#: Takes a state and an operation; yields the states it may leave, none where the answer is impossible.
Step = Callable[[Any, "Operation"], Iterable[Any]]
NEVER = math.inf


@dataclass(frozen=True, slots=True)
class Operation:
    """One call.

    Attributes:
        key: the object it is about.
        kind: what was asked, such as "write".
        sent: what was sent.
        got: what came back; None when nothing did.
        began: when it was sent, in seconds of one clock.
        ended: when the answer was there; NEVER when none came: it may have had its effect at any time, or have none.
    """

    key: Hashable
    kind: str
    sent: Any
    got: Any
    began: float
    ended: float = NEVER

    @property
    def answered(self) -> bool:
        """Whether it is known what happened."""
        return self.ended != NEVER


@dataclass(frozen=True, slots=True)
class Anomaly:
    """A key whose history no order explains."""

    key: Hashable
    history: tuple[Operation, ...]

    def __str__(self) -> str:
        start = self.history[0].began
        lines = [
            f"  {(o.began - start) * 1000:9.2f} to {(o.ended - start) * 1000:9.2f} ms  {o.kind} {o.sent!r} -> {o.got!r}"
            for o in self.history
        ]
        return "\n".join([f"no order explains {self.key!r}:", *lines])


def anomalies(history: Iterable[Operation], step: Step, first: State = None) -> Iterator[Anomaly]:
    """Yields the keys whose history is not linearizable.

    Args:
        history: in any order.
        step: the model.
        first: state of every key before its first call.
    """
    by_key: dict[Hashable, list[Operation]] = defaultdict(list)
    for operation in history:
        by_key[operation.key].append(operation)
    for key, operations in by_key.items():
        ordered = sorted(operations, key=lambda o: o.began)
        if not explained(ordered, step, first):
            yield Anomaly(key, tuple(ordered))


def explained(operations: Sequence[Operation], step: Step, first: State = None) -> bool:
    """Returns whether some order of these calls, ordered by their beginning, explains every answer."""
    everything = sum(1 << i for i, operation in enumerate(operations) if operation.answered)
    tried: set[tuple[int, State]] = set()
    open_: list[tuple[int, State]] = [(0, first)]
    while open_:
        taken, state = open_.pop()
        if taken & everything == everything:
            return True
        if (taken, state) in tried:
            continue
        tried.add((taken, state))
        # nobody may go before a call that had ended when theirs began
        earliest_end = min((o.ended for i, o in enumerate(operations) if not taken >> i & 1), default=NEVER)
        for i, operation in enumerate(operations):
            if operation.began > earliest_end:
                break
            if not taken >> i & 1:
                open_.extend((taken | 1 << i, after) for after in step(state, operation))
    return False
