"""Preferences of the caller."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cine.identity.v1 import events_pb2
from cine_identity.domain.preferences import Preferences, Taste, edited
from cine_identity.flows.callers import Callers
from cine_identity.store import Transaction, accounts, preferences
from cinemesh.clock import Clock, utc_now
from cinemesh.context import Principal
from cinemesh.db import Database
from cinemesh.errors import NotFound
from cinemesh.etags import check_etag
from cinemesh.outbox import Outbox

# what others in the mesh need to know; how somebody wants their mail is nobody else's business
_TOLD = frozenset(events_pb2.PreferencesChanged.DESCRIPTOR.fields_by_name) - {"user_id"}


class PreferenceKeeping:
    """Reads and changes them.

    Args:
        database: store of the accounts.
        callers: who calls.
        outbox: tells other services.
        clock: tells the time.
    """

    def __init__(self, database: Database, callers: Callers, outbox: Outbox, clock: Clock = utc_now) -> None:
        self._database = database
        self._callers = callers
        self._outbox = outbox
        self._clock = clock

    async def get(self, principal: Principal) -> Preferences:
        """Returns the caller's preferences.

        Raises:
            Unauthenticated: the session has ended.
        """
        return await self._database.read(lambda tx: preferences.of(tx, self._callers.require(tx, principal).account))

    async def update(self, principal: Principal, changes: Mapping[str, Any], etag: str) -> Preferences:
        """Changes the fields given.

        Args:
            principal: who calls.
            changes: new values of fields of `domain.preferences.EDITABLE`.
            etag: the one last read; empty to change whatever is there.

        Raises:
            Unauthenticated: the session has ended.
            InvalidArgument: a name is unknown, or the values contradict each other.
            Aborted: the preferences changed since the etag was read.
        """

        def change(tx: Transaction) -> Preferences:
            account = accounts.by_id(tx, self._callers.require(tx, principal).user_id, lock=True)
            if account is None:
                raise NotFound("the account is gone")
            old = preferences.of(tx, account)
            check_etag(etag, old.version, old.user_id, thing="what you prefer")
            new = edited(old.taste, changes)
            if new == old.taste:
                return old
            preferences.put(tx, account.user_id, new, old.version, self._clock())
            self._tell(tx, account.user_id, old.taste, new)
            return preferences.of(tx, account)

        return await self._database.write(change)

    def _tell(self, tx: Transaction, user_id: str, old: Taste, new: Taste) -> None:
        told = {name: value for name, value in new.document().items() if name in _TOLD}
        if told == {name: value for name, value in old.document().items() if name in _TOLD}:
            return
        event = events_pb2.PreferencesChanged(user_id=user_id, **told)
        self._outbox.append(tx, subject=f"users/{user_id}", data=event, time=self._clock())
