"""The export: everything identity holds about a person, as one JSON file, without secrets."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import AsyncIterator
from typing import Any

from cine_identity.domain.account import Account
from cine_identity.domain.session import Visit
from cine_identity.flows.callers import Callers
from cine_identity.store import Transaction, administration, audit, leaving, preferences, profiles
from cine_identity.store.administration import AuditEntry, AuditFilter, Position
from cinemesh.clock import Clock, utc_now
from cinemesh.context import Principal
from cinemesh.db import Database

FORMAT = "cine-identity-export/1"
_ENTRIES_AT_ONCE = 500
_PIECE_BYTES = 64 * 1024


class AccountExport:
    """Writes the file.

    Args:
        database: store of the accounts.
        callers: who calls.
        clock: tells the time.
    """

    def __init__(self, database: Database, callers: Callers, clock: Clock = utc_now) -> None:
        self._database = database
        self._callers = callers
        self._clock = clock

    async def write(self, principal: Principal, visit: Visit) -> AsyncIterator[bytes]:
        """Yields the file in pieces of at most 64 KiB: UTF-8 JSON, the log of what happened to the account last.

        Raises:
            Unauthenticated: the session has ended.
        """
        now = self._clock()

        def collect(tx: Transaction) -> dict[str, Any]:
            account = self._callers.require(tx, principal).account
            document = {
                "format": FORMAT,
                "exported_at": now,
                "account": _account(account),
                "profile": _profile(tx, account),
                "preferences": _preferences(tx, account),
                **leaving.belongings(tx, account.user_id),
            }
            # who took a copy of everything is worth knowing
            audit.record(
                tx, action="account.export", now=now, user_id=account.user_id, actor_id=account.user_id, visit=visit
            )
            return document

        document = await self._database.write(collect)
        head = json.dumps(document, default=_plain, ensure_ascii=False, indent=1)
        for piece in _cut(head.rpartition("\n}")[0] + ',\n "audit_entries": ['):
            yield piece
        separator = "\n  "
        async for entry in self._entries(principal.user_id, now):
            yield (separator + json.dumps(entry, default=_plain, ensure_ascii=False)).encode()
            separator = ",\n  "
        yield b"\n ]\n}\n"

    async def _entries(self, user_id: str, now: dt.datetime) -> AsyncIterator[dict[str, Any]]:
        wanted = AuditFilter(about=user_id, until=now + dt.timedelta(microseconds=1))
        after: Position | None = None
        while True:
            start = after
            found = await self._database.read(
                lambda tx, start=start: administration.entries(tx, wanted, _ENTRIES_AT_ONCE, start)  # type: ignore[misc]
            )
            for entry in found:
                yield _entry(entry, user_id)
            if len(found) < _ENTRIES_AT_ONCE:
                return
            after = found[-1].position


def _account(account: Account) -> dict[str, Any]:
    return {
        "user_id": account.user_id,
        "username": account.username,
        "email": account.email,
        "email_verified": account.email_verified,
        "has_password": account.password_hash is not None,
        "password_changed_at": account.password_changed_at,
        "roles": account.roles,
        "state": account.state.value,
        "display_name": account.display_name,
        "locale": account.locale,
        "created_at": account.created_at,
        "last_login_at": account.last_login_at,
    }


def _profile(tx: Transaction, account: Account) -> dict[str, Any]:
    profile = profiles.of(tx, account)
    names = ("display_name", "bio", "avatar_url", "location", "website_url", "favourite_movie_ids", "public_fields")
    return {**{name: getattr(profile, name) for name in names}, "updated_at": profile.updated_at}


def _preferences(tx: Transaction, account: Account) -> dict[str, Any]:
    kept = preferences.of(tx, account)
    return {**kept.taste.document(), "updated_at": kept.updated_at}


def _entry(entry: AuditEntry, user_id: str) -> dict[str, Any]:
    shown: dict[str, Any] = {"at": entry.at, "action": entry.action, "outcome": entry.outcome, "detail": entry.detail}
    if entry.actor_id in ("", user_id):
        by = "you" if entry.actor_id else "nobody signed in"
        return {**shown, "by": by, "ip_address": entry.ip_address, "call_id": entry.call_id}
    return {**shown, "by": "an administrator"}  # who it was and where they sat is theirs


def _plain(value: Any) -> Any:
    if isinstance(value, dt.datetime):
        return value.astimezone(dt.UTC).isoformat().replace("+00:00", "Z")
    raise TypeError(f"an export cannot hold {type(value).__name__}")


def _cut(text: str) -> list[bytes]:
    data = text.encode()
    return [data[start : start + _PIECE_BYTES] for start in range(0, len(data), _PIECE_BYTES)]
