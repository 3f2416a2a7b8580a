"""People as a service needs them: who is behind an id, and who has left."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Collection, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import grpc
import sqlalchemy as sa
from sqlalchemy.orm import Session

from cine.common.v1 import feed_pb2, feed_pb2_grpc
from cinemesh import contracts
from cinemesh.client import channel
from cinemesh.clock import Clock, utc_now
from cinemesh.db import Database
from cinemesh.errors import Reason, Unauthenticated, Unavailable
from cinemesh.feed import Consumer
from cinemesh.idempotency import RequestIds
from cinemesh.projections import person_rows
from cinemesh.settings import ServiceSettings

if TYPE_CHECKING:
    from cine.common.v1.feed_pb2_grpc import FeedServiceAsyncStub

_PACKAGE: Final = "cine.identity.v1"
_REGISTERED: Final = f"{_PACKAGE}.UserRegistered"
_VERIFIED: Final = f"{_PACKAGE}.EmailVerified"
_RENAMED: Final = f"{_PACKAGE}.ProfileChanged"
_DISABLED: Final = f"{_PACKAGE}.UserDisabled"
_ENABLED: Final = f"{_PACKAGE}.UserEnabled"
_DELETED: Final = f"{_PACKAGE}.UserDeleted"
_TYPES: Final = (_REGISTERED, _VERIFIED, _RENAMED, _DISABLED, _ENABLED, _DELETED)
_DEADLINE_SECONDS: Final = 2.0
_AT_ONCE: Final = 500
BURIED_FOR: Final = dt.timedelta(days=30)
"""How long the id of somebody who left is remembered, so that nothing that is late brings them back."""
Forget = Callable[[Session, str], None]


class People:
    """A copy of the names of people, and what must happen when one leaves.

    Identity keeps its events for a month only, so there may be people this copy never heard of: `known` asks for them. Call it before
    the transaction in which a person writes something for the first time, and before names are shown.

    Args:
        owner: name of the service, such as "ratings".
        settings: where Identity is.
        database: the service's store, migrated.
        table: what `person_table` declared.
        forget: drops or anonymises what the service holds of a person, in the transaction that applies their leaving. It may be
            called again for the same person. Answers kept by request id go without it.
        clock: tells the time.
    """

    def __init__(
        self,
        owner: str,
        settings: ServiceSettings,
        database: Database,
        table: sa.Table,
        *,
        forget: Forget,
        clock: Clock = utc_now,
    ) -> None:
        self._settings = settings
        self._database = database
        self._table = table
        self._forget = forget
        self._clock = clock
        self._request_ids = RequestIds(clock)
        self._consumer = Consumer(
            f"{owner}.identity", self._feed, database, self._apply, types=_TYPES, rebuild=self._rebuild
        )

    def _feed(self) -> FeedServiceAsyncStub:
        stub: Any = feed_pb2_grpc.FeedServiceStub
        made: FeedServiceAsyncStub = stub(channel("identity", self._settings))
        return made

    async def start(self) -> None:
        """Begins to follow in the background; Identity need not answer yet."""
        await self._consumer.start()

    async def stop(self) -> None:
        """Stops following."""
        await self._consumer.stop()

    async def probe(self) -> str:
        """Says how the copy is doing: `Probe(people.probe, required=False)`.

        Raises:
            Unavailable: it does not follow.
        """
        return await self._consumer.probe()

    def names(self, session: Session, user_ids: Collection[str]) -> dict[str, str]:
        """Returns user names by id, in one statement. Who left, or was never heard of, is missing: show no name."""
        return person_rows.names(session, self._table, user_ids) if user_ids else {}

    def id_of(self, session: Session, username: str) -> str | None:
        """Returns the id of the open account of that name, in any case; None when this copy knows none. See `find`."""
        return person_rows.id_of(session, self._table, username)

    def require_present(self, session: Session, user_id: str) -> None:
        """Makes sure that a person has not left, and that they cannot before this transaction ends.

        Call it in every transaction that writes something of theirs: a call that was under way while their account was deleted
        would leave something behind otherwise.

        Raises:
            Unauthenticated: the account was deleted, with reason TOKEN_REVOKED.
        """
        if person_rows.is_gone(session, self._table, user_id):
            raise Unauthenticated("the account of this token was deleted", reason=Reason.TOKEN_REVOKED)

    async def known(self, user_ids: Collection[str]) -> None:
        """Asks Identity for those whose names this copy does not have, such as somebody who registered a moment ago.

        While Identity does not answer, their names are shown later: nothing is raised, and nobody waits longer than two seconds.
        """
        if not user_ids:
            return
        missing = await self._database.read(lambda session: person_rows.unnamed(session, self._table, user_ids))
        for start in range(0, len(missing), _AT_ONCE):
            try:
                people = await self._ask(missing[start : start + _AT_ONCE])
            except grpc.aio.AioRpcError:
                return
            await self._database.write(partial(person_rows.add_missing, table=self._table, people=people))

    async def find(self, username: str) -> str | None:
        """Returns the id of the open account of that name, in any case; Identity is asked when this copy knows none.

        Returns:
            The id; None when nobody has that name.

        Raises:
            Unavailable: this copy knows none, and Identity does not answer.
        """
        if not username or "\x00" in username:
            return None
        found = await self._database.read(lambda session: self.id_of(session, username))
        if found is not None:
            return found
        request = contracts.message(f"{_PACKAGE}.GetPublicProfileRequest")(username=username)
        try:
            profile = await self._method("UserService/GetPublicProfile")(request)
        except grpc.aio.AioRpcError as fault:
            if fault.code() in (grpc.StatusCode.NOT_FOUND, grpc.StatusCode.INVALID_ARGUMENT):
                return None
            raise Unavailable(
                "it cannot be told at present whether there is a person of that name", retry_after=2.0
            ) from None
        await self.known([profile.user_id])
        user_id: str = profile.user_id
        return user_id

    async def prune(self) -> int:
        """Forgets the ids of people who left long ago; a job for `Housekeeping`. Returns how many."""
        before = self._clock() - BURIED_FOR
        return await self._database.write(lambda session: person_rows.drop_buried(session, self._table, before))

    async def _ask(self, user_ids: Sequence[str]) -> list[Any]:
        request = contracts.message(f"{_PACKAGE}.BatchGetUsersRequest")(user_ids=user_ids)
        answer = await self._method("UserService/BatchGetUsers")(request)
        return list(answer.users)

    def _method(self, name: str) -> Any:
        answer = contracts.message(f"{_PACKAGE}.{name.rpartition('/')[2]}Response")
        return channel("identity", self._settings, deadline=_DEADLINE_SECONDS).unary_unary(
            f"/{_PACKAGE}.{name}",
            request_serializer=lambda message: message.SerializeToString(),
            response_deserializer=answer.FromString,
        )

    def _apply(self, session: Session, events: Sequence[feed_pb2.Event]) -> None:
        for event in events:
            fact: Any = contracts.message(event.type)()
            event.data.Unpack(fact)
            self._apply_one(session, event.type, fact, event.time.ToDatetime(tzinfo=dt.UTC))

    def _apply_one(self, session: Session, kind: str, fact: Any, at: dt.datetime) -> None:
        table, rows = self._table, person_rows
        if kind == _REGISTERED:
            rows.register(session, table, fact.user_id, fact.username, fact.display_name, at)
        elif kind == _RENAMED:
            rows.rename(session, table, fact.user_id, fact.username, fact.display_name, at)
        elif kind == _VERIFIED:
            rows.set_state(session, table, fact.user_id, rows.ACTIVE, before=[rows.UNVERIFIED])
        elif kind == _DISABLED:
            rows.set_state(session, table, fact.user_id, rows.DISABLED, before=[rows.UNVERIFIED, rows.ACTIVE])
        elif kind == _ENABLED:
            rows.set_state(session, table, fact.user_id, rows.ACTIVE, before=[rows.DISABLED])
        elif kind == _DELETED:
            self._leave(session, fact.user_id, at)

    def _leave(self, session: Session, user_id: str, at: dt.datetime) -> None:
        # first: who writes something of theirs holds this row, and is either before us or refused
        person_rows.bury(session, self._table, user_id, at)
        self._forget(session, user_id)
        self._request_ids.forget(session, user_id)

    async def _rebuild(self) -> None:
        """Asks for everybody again: who left while the feed was not followed must be forgotten here, too."""
        after = ""
        while some := await self._database.read(
            partial(person_rows.page, table=self._table, after=after, limit=_AT_ONCE)
        ):
            try:
                people = await self._ask(some)
            except grpc.aio.AioRpcError as fault:
                raise Unavailable("Identity does not say who is still there") from fault
            await self._database.write(partial(self._compare, asked=some, people=people))
            after = some[-1]

    def _compare(self, session: Session, asked: Sequence[str], people: Sequence[Any]) -> None:
        now = self._clock()
        present = {one.user_id for one in people}
        for one in people:
            person_rows.rename(session, self._table, one.user_id, one.username, one.display_name, now)
        for user_id in asked:
            if user_id not in present:
                self._leave(session, user_id, now)
