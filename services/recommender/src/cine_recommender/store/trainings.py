"""Trainings in the store: one waits or runs at a time, and belongs to the process that holds its lease."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from ulid import ULID

from cine_recommender.store import Transaction
from cine_recommender.store.schema import metadata
from cinemesh.db import StringList, UtcDateTime

LEASE: Final = dt.timedelta(seconds=30)
"""How long a training is left to the process that runs it after its last sign of life."""
_NEVER: Final = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_TRIES: Final = 5

trainings = sa.Table(
    "trainings",
    metadata,
    sa.Column("training_id", sa.String(26), primary_key=True),  # sorts by time
    sa.Column("slot", sa.SmallInteger, nullable=True, unique=True),  # 1 until all is done: so there is one at most
    sa.Column("night", sa.String(16), nullable=True, unique=True),  # which night it is for; NULL when somebody asked
    sa.Column("kinds", StringList, nullable=False),
    sa.Column("force", sa.Boolean, nullable=False),
    sa.Column("actor_id", sa.String(64), nullable=False),  # who asked; empty for the night
    sa.Column("state", sa.String(12), nullable=False),
    sa.Column("detail", sa.Text, nullable=False),  # what it is doing, or why it ended so
    sa.Column("percent", sa.SmallInteger, nullable=False),
    sa.Column("outcomes", sa.Text, nullable=False),  # JSON list, see `training.outcome`
    sa.Column("switching", sa.Boolean, nullable=False),  # promoted here, and perhaps not served yet
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.Column("started_at", UtcDateTime, nullable=True),
    sa.Column("ended_at", UtcDateTime, nullable=True),
    sa.Column("holder", sa.String(26), nullable=False),  # process at work on it; empty for none
    sa.Column("held_until", UtcDateTime, nullable=False),
)


class State(StrEnum):
    """How far a training is; see `GetTrainingResponse.state`."""

    QUEUED = "queued"
    RUNNING = "running"
    EVALUATING = "evaluating"
    PROMOTED = "promoted"
    REJECTED = "rejected"
    UNCHANGED = "unchanged"
    INTERRUPTED = "interrupted"
    FAILED = "failed"


_AT_WORK: Final = trainings.c.state.in_([State.RUNNING, State.EVALUATING])


class LeaseLost(Exception):
    """Another process took the training over, or it has ended; what the transaction would have written is undone."""


@dataclass(frozen=True, slots=True)
class Training:
    """A training.

    Attributes:
        training_id: its id.
        night: the night it is for; empty when somebody asked.
        kinds: of model.
        force: whether also what is up to date is trained.
        actor_id: who asked; empty for nobody.
        state: how far it is.
        detail: what it is doing, or why it ended so.
        percent: how far it is, 0 to 100.
        outcomes: what came of each kind, as JSON.
        switching: whether models are promoted and perhaps not served yet.
        created_at: when it was asked for.
        started_at: when it began; None until then.
        ended_at: when it ended; None until then.
        held_until: when whoever runs it counts as gone.
    """

    training_id: str
    night: str
    kinds: tuple[str, ...]
    force: bool
    actor_id: str
    state: State
    detail: str
    percent: int
    outcomes: list[dict[str, Any]]
    switching: bool
    created_at: dt.datetime
    started_at: dt.datetime | None
    ended_at: dt.datetime | None
    held_until: dt.datetime

    @property
    def at_work(self) -> bool:
        """Whether a process is at work on it, or was when it last said so."""
        return self.state in (State.RUNNING, State.EVALUATING) or self.switching


def ask(
    tx: Transaction, kinds: Iterable[str], now: dt.datetime, *, actor_id: str = "", force: bool = False, night: str = ""
) -> Training:
    """Adds a training, and returns it; while another one waits or runs, or was added for that night, returns that one.

    Args:
        tx: the transaction.
        kinds: of model.
        now: the present moment.
        actor_id: who asks; empty for nobody.
        force: train also what is up to date.
        night: the night it is for; empty when somebody asks.
    """
    made = {
        "training_id": str(ULID.from_datetime(now)),
        "slot": 1,
        "night": night or None,
        "kinds": list(kinds),
        "force": force,
        "actor_id": actor_id,
        "state": State.QUEUED,
        "detail": "",
        "percent": 0,
        "outcomes": "[]",
        "switching": False,
        "created_at": now,
        "holder": "",
        "held_until": _NEVER,
    }
    insert: Any = postgresql.insert if tx.get_bind().dialect.name == "postgresql" else sqlite.insert
    statement = insert(trainings).values(made).on_conflict_do_nothing()
    this_night = trainings.c.night == night
    in_the_way = sa.select(trainings).where(sa.or_(trainings.c.slot == 1, this_night))
    in_the_way = in_the_way.order_by(sa.case((this_night, 0), else_=1))
    for _ in range(_TRIES):  # the one in the way may end between the two statements
        tx.execute(statement)
        found = _first(tx, in_the_way)
        if found is not None:
            return found
    raise LeaseLost


def get(tx: Transaction, training_id: str) -> Training | None:
    """Returns a training; None when there is none."""
    return _first(tx, sa.select(trainings).where(trainings.c.training_id == training_id))


def newest(tx: Transaction, limit: int) -> list[Training]:
    """Returns the latest trainings, newest first."""
    rows = tx.execute(sa.select(trainings).order_by(trainings.c.training_id.desc()).limit(limit)).mappings()
    return [_training(row) for row in rows.all()]


def in_hand(tx: Transaction) -> Training | None:
    """Returns the training that waits or runs; None when there is none."""
    return _first(tx, sa.select(trainings).where(trainings.c.slot == 1))


def claim(tx: Transaction, training_id: str, holder: str, now: dt.datetime) -> bool:
    """Takes on a training that waits, or one that was promoted and left by who ran it. Returns False when somebody else was faster."""
    waiting = trainings.c.state == State.QUEUED
    left = sa.and_(trainings.c.switching, trainings.c.held_until < now)
    statement = sa.update(trainings).where(
        trainings.c.training_id == training_id, trainings.c.slot == 1, sa.or_(waiting, left)
    )
    taken = statement.values(
        holder=holder,
        held_until=now + LEASE,
        started_at=sa.func.coalesce(trainings.c.started_at, now),
        state=sa.case((waiting, State.RUNNING.value), else_=trainings.c.state),
    )
    return tx.execute(taken.returning(trainings.c.training_id)).first() is not None


def hold(tx: Transaction, training_id: str, holder: str, now: dt.datetime, **values: Any) -> None:
    """Says that a process is still at work, and sets columns.

    Raises:
        LeaseLost: the training is not its own any more, or has ended.
    """
    mine = (trainings.c.training_id == training_id, trainings.c.slot == 1, trainings.c.holder == holder)
    kept = sa.update(trainings).where(*mine, _AT_WORK).values(held_until=now + LEASE, **values)
    if tx.execute(kept.returning(trainings.c.training_id)).first() is None:
        raise LeaseLost


def end(
    tx: Transaction,
    training_id: str,
    holder: str,
    now: dt.datetime,
    *,
    state: State,
    detail: str,
    outcomes: list[dict[str, Any]],
    switching: bool = False,
) -> None:
    """Writes what came of a training.

    Args:
        tx: the transaction.
        training_id: which.
        holder: the process at work on it.
        now: the present moment.
        state: how it ended.
        detail: why.
        outcomes: what came of each kind.
        switching: whether the models have yet to be switched to; it is done once `close` says so.

    Raises:
        LeaseLost: the training is not its own any more, or has ended.
    """
    values = {"state": state, "detail": detail, "outcomes": json.dumps(outcomes), "ended_at": now, "percent": 100}
    hold(tx, training_id, holder, now, **values, switching=switching, slot=1 if switching else None)


def close(tx: Transaction, training_id: str) -> None:
    """Says that everything promoted by a training serves: another one may begin."""
    statement = sa.update(trainings).where(trainings.c.training_id == training_id)
    tx.execute(statement.values(switching=False, slot=None, holder=""))


def interrupt_left(tx: Transaction, now: dt.datetime, detail: str, holder: str | None = None) -> int:
    """Ends the training that was at work when its process went away. Returns how many: one or none.

    Args:
        tx: the transaction.
        now: the present moment.
        detail: what to say of it.
        holder: the process; None for any that has not been heard of for too long.
    """
    whose = trainings.c.held_until < now if holder is None else trainings.c.holder == holder
    statement = sa.update(trainings).where(trainings.c.slot == 1, _AT_WORK, whose)
    ended: Any = tx.execute(
        statement.values(state=State.INTERRUPTED, detail=detail, ended_at=now, slot=None, holder="")
    )
    return int(ended.rowcount)


def release_all(tx: Transaction) -> None:
    """Lets go of what is held: on SQLite no other process can be at work when a service starts."""
    tx.execute(sa.update(trainings).where(trainings.c.slot == 1).values(held_until=_NEVER))


def prune(tx: Transaction, before: dt.datetime) -> int:
    """Forgets trainings that ended before a moment. Returns how many."""
    gone: Any = tx.execute(sa.delete(trainings).where(trainings.c.slot.is_(None), trainings.c.ended_at < before))
    return int(gone.rowcount)


def _first(tx: Transaction, query: sa.Select[Any]) -> Training | None:
    row = tx.execute(query.limit(1)).mappings().one_or_none()
    return _training(row) if row is not None else None


def _training(row: Mapping[Any, Any]) -> Training:
    same = ("training_id", "force", "actor_id", "detail", "percent", "switching")
    moments = ("created_at", "started_at", "ended_at", "held_until")
    return Training(
        **{name: row[name] for name in (*same, *moments)},
        night=row["night"] or "",
        kinds=tuple(row["kinds"]),
        state=State(row["state"]),
        outcomes=json.loads(row["outcomes"]),
    )
