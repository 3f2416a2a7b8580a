from __future__ import annotations

import datetime as dt
import secrets
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from ulid import ULID

from cine_identity.app import IdentityApplication
from cine_identity.domain.account import Account, ordered_roles
from cine_identity.domain.session import Session
from cine_identity.settings import IdentitySettings
from cine_identity.store import Transaction, accounts, sessions
from cinemesh.testing import Running, running, settings_for
from cinemesh.testing.tokens import TokenFactory


class MovableClock:
    """A clock that tests move."""

    def __init__(self) -> None:
        self.ahead = dt.timedelta()

    def __call__(self) -> dt.datetime:
        return dt.datetime.now(dt.UTC) + self.ahead

    def forward(self, **amount: float) -> None:
        self.ahead += dt.timedelta(**amount)


@pytest.fixture
def clock() -> MovableClock:
    return MovableClock()


@pytest.fixture
def settings(tmp_path: Path) -> IdentitySettings:
    # the lowest cost there is: tests that are about cost say so
    return settings_for(IdentitySettings, tmp_path, bcrypt_cost=4)


@pytest.fixture
async def identity(settings: IdentitySettings, clock: MovableClock) -> AsyncIterator[Running]:
    async with running(IdentityApplication(settings, clock=clock)) as server:
        yield server


@dataclass(frozen=True)
class Person:
    """Somebody with an account and a live session."""

    user_id: str
    username: str
    session_id: str
    metadata: tuple[tuple[str, str], ...]


class People:
    """Accounts put straight into the store, signed in, for tests of what comes after."""

    def __init__(self, identity: Running, clock: MovableClock) -> None:
        self._app: Any = identity.app
        self._clock = clock
        self._tokens = TokenFactory(self._app.settings)

    async def join(self, username: str, *roles: str, **fields: Any) -> Person:
        """Returns a new person; `fields` are those of the account."""
        now = self._clock()
        user_id = str(ULID())
        values: dict[str, Any] = {
            "email": f"{username.lower()}@example.org",
            "email_verified": True,
            "password_hash": None,
            "display_name": username,
            "locale": "en",
            "created_at": now,
            **fields,
        }
        account = Account(user_id=user_id, username=username, roles=ordered_roles(roles), **values)
        await self._app.database.write(lambda tx: accounts.insert(tx, account))
        return await self.sign_in(account)

    async def sign_in(self, account: Account) -> Person:
        """Returns a person with one more session."""
        now = self._clock()
        session_id = str(ULID())
        session = Session(
            session_id=session_id,
            user_id=account.user_id,
            generation=0,
            nonce=secrets.token_hex(16),
            refresh_digest=secrets.token_hex(32),
            rotated_at=now,
            method="password",
            device_name="Firefox on Linux",
            ip_address="192.0.2.7",
            user_agent="Mozilla/5.0",
            created_at=now,
            last_used_at=now,
            expires_at=now + dt.timedelta(days=30),
        )
        await self._app.database.write(lambda tx: sessions.insert(tx, session))
        token = self._tokens.user(account.user_id, account.roles, sid=session_id)
        return Person(account.user_id, account.username, session_id, self._tokens.metadata(token))

    async def account(self, person: Person) -> Account | None:
        """Returns an account as the store has it."""

        def find(tx: Transaction) -> Account | None:
            return accounts.by_id(tx, person.user_id)

        found: Account | None = await self._app.database.read(find)
        return found

    def service(self) -> tuple[tuple[str, str], ...]:
        """Returns the metadata of a call by another service."""
        return self._tokens.metadata(self._tokens.service())


@pytest.fixture
def people(identity: Running, clock: MovableClock) -> People:
    return People(identity, clock)
