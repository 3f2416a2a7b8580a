from __future__ import annotations

import datetime as dt
import secrets
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
import pytest
import sqlalchemy as sa
from ulid import ULID

from cine.identity.v1 import auth_pb2, auth_pb2_grpc, sessions_pb2_grpc
from cine_identity.app import IdentityApplication
from cine_identity.domain.account import Account, ordered_roles
from cine_identity.domain.session import Session
from cine_identity.mail import Sender
from cine_identity.mail.post import Letter
from cine_identity.settings import IdentitySettings
from cine_identity.store import Transaction, accounts, sessions
from cine_identity.store.schema import audit
from cinemesh.errors import CineError
from cinemesh.rpc_status import failure_of
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


@pytest.fixture(autouse=True)
def letters_wait(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Leaves letters in the store, where tests look for them, unless the test is about sending."""
    if request.path.parent.name != "mail":
        monkeypatch.setattr(Sender, "start", lambda _: None)


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

    async def sign_in(self, account: Account, second_factor: str = "totp") -> Person:
        """Returns a person with one more session; `second_factor`: what was shown to open it, beside the password."""
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
            second_factor=second_factor,
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


PASSWORD = "seven quiet meadows"
HOME = (("x-envoy-external-address", "192.0.2.10"), ("x-original-user-agent", "Mozilla/5.0 (X11; Linux) Firefox/130.0"))
"""Where a person usually signs in."""
ELSEWHERE = (("x-envoy-external-address", "198.51.100.7"), ("x-original-user-agent", "curl/8.5.0"))


def bearer(token: str) -> tuple[tuple[str, str], ...]:
    return (("authorization", f"Bearer {token}"),)


class Desk:
    """Where people come in: calls about accounts as clients make them, and the letters that these bring about."""

    password, home, elsewhere = PASSWORD, HOME, ELSEWHERE
    bearer = staticmethod(bearer)

    def __init__(self, identity: Running) -> None:
        self.app: Any = identity.app
        self.auth = identity.stub(auth_pb2_grpc.AuthServiceStub)
        self.sessions = identity.stub(sessions_pb2_grpc.SessionServiceStub)
        self.letters: list[Letter] = []
        queue = self.app.post.queue

        def noted(tx: Transaction, letter: Letter) -> None:
            self.letters.append(letter)
            queue(tx, letter)

        self.app.post.queue = noted

    def letters_of(self, template: str, to: str = "") -> list[Letter]:
        return [one for one in self.letters if one.template == template and to in ("", one.to)]

    @staticmethod
    async def refused(call: Any) -> CineError:
        """Returns why a call was refused."""
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await call
        return failure_of(caught.value)

    async def apply(self, username: str, **fields: Any) -> Any:
        values = {"username": username, "email": f"{username.lower()}@example.org", "password": PASSWORD, **fields}
        return await self.auth.Register(auth_pb2.RegisterRequest(**values))

    async def join(self, username: str, **fields: Any) -> Any:
        """Registers and verifies."""
        await self.apply(username, **fields)
        token = self.letters_of("verify_email")[-1].facts["token"]
        return await self.auth.VerifyEmail(auth_pb2.VerifyEmailRequest(token=token))

    async def login(self, username: str, password: str = PASSWORD, *, at: Any = HOME, **fields: Any) -> Any:
        request = auth_pb2.LoginRequest(username=username, password=password, **fields)
        return await self.auth.Login(request, metadata=at)

    async def refresh(self, token: str) -> Any:
        return await self.auth.RefreshToken(auth_pb2.RefreshTokenRequest(refresh_token=token), metadata=HOME)

    async def me(self, tokens: Any) -> Any:
        return await self.auth.GetMe(auth_pb2.GetMeRequest(), metadata=bearer(tokens.access_token))

    async def answer_wishes(self) -> None:
        """Answers now what is otherwise answered a moment later."""
        await self.app.wishes.answer_some()

    async def account(self, username: str) -> Account | None:
        found: Account | None = await self.app.database.read(lambda tx: accounts.by_username(tx, username))
        return found

    async def audited(self, action: str) -> list[tuple[str, str]]:
        """Returns outcome and detail of the entries of an action in the audit log, first first."""
        wanted = sa.select(audit.c.outcome, audit.c.detail).where(audit.c.action == action).order_by(audit.c.audit_id)
        found: list[tuple[str, str]] = await self.app.database.read(lambda tx: [(*row,) for row in tx.execute(wanted)])
        return found


@pytest.fixture
def desk(identity: Running) -> Desk:
    return Desk(identity)
