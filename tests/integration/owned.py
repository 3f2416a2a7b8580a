"""Things that belong to somebody, for the access table: one of each kind that a call with the access level "owner" acts on."""

from __future__ import annotations

import datetime as dt
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from ulid import ULID

from cine.identity.v1 import oauth_pb2, passkeys_pb2, sessions_pb2
from cine_identity.domain.account import Account, ordered_roles
from cine_identity.domain.granted import granted
from cine_identity.domain.oauth import Identity
from cine_identity.domain.passkeys import Passkey
from cine_identity.domain.session import Session
from cine_identity.store import accounts, identities, passkeys, sessions
from cinemesh.testing.tokens import TokenFactory

from .owned_film_nights import OWNED_FILM_NIGHTS
from .owned_imports import OWNED_IMPORTS
from .owned_ratings import OWNED_RATINGS
from .owned_recommender import OWNED_RECOMMENDER
from .owned_reviews import OWNED_REVIEWS
from .owned_things import Owned
from .owned_watchlist import OWNED_WATCHLIST

Metadata: TypeAlias = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Caller:
    """Somebody who calls.

    Attributes:
        metadata: what the calls carry.
        user_id: whose account it is; empty for nobody and for a service.
    """

    metadata: Metadata
    user_id: str = ""


async def join(app: Any, tokens: TokenFactory, username: str, *roles: str, second_factor: str = "totp") -> Caller:
    """Puts an account and a session into Identity's store, and returns who it is, with a token such as Identity would make.

    Args:
        app: Identity.
        tokens: makes the token.
        username: name of the account.
        roles: beside "user".
        second_factor: what was shown to open the session, beside the password; empty for nothing.
    """
    now = dt.datetime.now(dt.UTC)
    account = Account(
        user_id=str(ULID()),
        username=username,
        roles=ordered_roles(roles),
        email=f"{username}@example.org",
        email_verified=True,
        password_hash="$2b$04$" + "x" * 53,
        display_name=username,
        locale="en",
        created_at=now,
    )
    await app.database.write(lambda tx: accounts.insert(tx, account))
    session = await _session(app, account.user_id, second_factor)
    opened = granted(app.settings.second_factor, account.roles, session)
    times = {"sid": session.session_id, "auth_time": int(now.timestamp())}
    token = tokens.user(account.user_id, opened.roles, withheld=list(opened.withheld), **times)
    return Caller(tokens.metadata(token), account.user_id)


async def _session(app: Any, user_id: str, second_factor: str = "totp") -> Session:
    now = dt.datetime.now(dt.UTC)
    session = Session(
        session_id=str(ULID()),
        user_id=user_id,
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
    await app.database.write(lambda tx: sessions.insert(tx, session))
    return session


async def _a_session(app: Any, user_id: str) -> Owned:
    session = await _session(app, user_id)

    async def remains() -> bool:
        found: Session | None = await app.database.read(lambda tx: sessions.by_id(tx, session.session_id))
        return found is not None and found.revoked_at is None

    return Owned(sessions_pb2.RevokeSessionRequest(session_id=session.session_id), remains)


async def _a_passkey(app: Any, user_id: str) -> Owned:
    now = dt.datetime.now(dt.UTC)
    credential = secrets.token_bytes(16)
    passkey = Passkey(str(ULID()), user_id, credential, b"key", 0, ("internal",), True, "phone", now)
    await app.database.write(lambda tx: passkeys.insert(tx, passkey))

    async def remains() -> bool:
        return await app.database.read(lambda tx: passkeys.by_credential(tx, credential)) is not None

    return Owned(passkeys_pb2.DeletePasskeyRequest(passkey_id=passkey.passkey_id), remains)


async def _an_identity(app: Any, user_id: str) -> Owned:
    now = dt.datetime.now(dt.UTC)
    subject = secrets.token_hex(8)
    identity = Identity(str(ULID()), user_id, "google", "https://accounts.example.org", subject, "ada", now)
    await app.database.write(lambda tx: identities.insert(tx, identity))

    async def remains() -> bool:
        return await app.database.read(lambda tx: identities.find(tx, identity.issuer, subject)) is not None

    return Owned(oauth_pb2.UnlinkIdentityRequest(identity_id=identity.identity_id), remains)


OWNED: Final[dict[str, Callable[[Any, str], Awaitable[Owned]]]] = {
    "/cine.identity.v1.SessionService/RevokeSession": _a_session,
    "/cine.identity.v1.PasskeyService/DeletePasskey": _a_passkey,
    "/cine.identity.v1.OAuthService/UnlinkIdentity": _an_identity,
    **OWNED_RATINGS,
    **OWNED_REVIEWS,
    **OWNED_IMPORTS,
    **OWNED_FILM_NIGHTS,
    **OWNED_WATCHLIST,
    **OWNED_RECOMMENDER,
}
"""How to make what a call acts on, of the application that answers it and the user it belongs to."""
