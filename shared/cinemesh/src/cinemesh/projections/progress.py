"""How far a projection has come, and which replica works on it: one row of the mesh table `projection`."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.orm import Session
from ulid import ULID

from cinemesh.clock import Clock, utc_now
from cinemesh.db import Database, upsert
from cinemesh.db.mesh_tables import projection as table

ANY_VERSION = "*"
_LEASE = dt.timedelta(seconds=30)
_NEVER = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)


class LeaseLost(Exception):
    """Another replica works on the projection; what this transaction would have written is undone."""


@dataclass(frozen=True, slots=True)
class State:
    """What the row says.

    Attributes:
        filled: whether the source was read whole at least once.
        wanted: version that must be read whole, "*" for any; empty for none.
        wanted_at: since when; None when nothing is wanted.
    """

    filled: bool
    wanted: str
    wanted_at: dt.datetime | None


class Progress:
    """The row of one projection.

    Args:
        database: the store of the projection.
        name: of the projection, such as "ratings.films".
        clock: tells the time.
    """

    def __init__(self, database: Database, name: str, clock: Clock = utc_now) -> None:
        self._database = database
        self._mine = table.c.name == name
        self._name = name
        self._clock = clock
        self._holder = str(ULID())

    async def state(self) -> State:
        """Returns what the row says; it is made when there is none."""

        def find(session: Session) -> State | None:
            row = session.execute(sa.select(table).where(self._mine)).one_or_none()
            return None if row is None else State(row.filled_at is not None, row.wanted, row.wanted_at)

        found = await self._database.read(find)
        if found is not None:
            return found
        first = {
            "name": self._name,
            "filled_at": None,
            "wanted": ANY_VERSION,
            "wanted_at": self._clock(),
            "holder": "",
            "held_until": _NEVER,
        }
        await self._database.write(lambda session: upsert(session, table, [first], key=["name"], update=[]))
        return await self.state()

    def want(self, session: Session, version: str = ANY_VERSION, *, since: dt.datetime | None = None) -> None:
        """Notes that the source must be read whole; the newest wish counts.

        Args:
            session: the transaction.
            version: the version to read.
            since: when it came to be; now when None.
        """
        session.execute(sa.update(table).where(self._mine).values(wanted=version, wanted_at=since or self._clock()))

    def filled(self, session: Session, wanted: str) -> None:
        """Notes that the source was read whole, for the wish that was `wanted`; a wish that came meanwhile stays.

        Raises:
            LeaseLost: see `hold`.
        """
        self.hold(session)
        session.execute(sa.update(table).where(self._mine).values(filled_at=self._clock()))
        done = sa.update(table).where(self._mine, table.c.wanted == wanted)
        session.execute(done.values(wanted="", wanted_at=None))

    async def take(self) -> bool:
        """Takes the work on, unless another replica has it; it must `hold` or `take` again within half a minute."""
        now = self._clock()
        free = sa.or_(table.c.holder.in_(["", self._holder]), table.c.held_until < now)
        claim = sa.update(table).where(self._mine, free).values(holder=self._holder, held_until=now + _LEASE)
        return await self._database.write(
            lambda session: session.execute(claim.returning(table.c.name)).first() is not None
        )

    def hold(self, session: Session) -> None:
        """Makes sure, within a transaction that writes what was read, that this replica still has the work.

        Raises:
            LeaseLost: another one took it.
        """
        mine = sa.update(table).where(self._mine, table.c.holder == self._holder)
        kept = session.execute(mine.values(held_until=self._clock() + _LEASE).returning(table.c.name)).first()
        if kept is None:
            raise LeaseLost

    async def give_back(self) -> None:
        """Lets another replica work on it."""
        free = sa.update(table).where(self._mine, table.c.holder == self._holder).values(holder="", held_until=_NEVER)

        def change(session: Session) -> None:
            session.execute(free)

        await self._database.write(change)
