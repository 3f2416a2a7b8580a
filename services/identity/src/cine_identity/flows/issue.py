"""Where every way to sign in ends: a session with its first tokens, or a challenge for the second factor."""

from __future__ import annotations

import datetime as dt
import secrets

from ulid import ULID

from cine_identity.domain import refresh
from cine_identity.domain.account import Account
from cine_identity.domain.devices import describe, device_digests
from cine_identity.domain.granted import granted
from cine_identity.domain.session import Challenge, Session, SignedIn, Visit
from cine_identity.domain.vault import Vault, new_token
from cine_identity.flows.appointments import Appointments
from cine_identity.keys import KeyRing
from cine_identity.keys.ring import TOKEN_TYPE
from cine_identity.settings import IdentitySettings
from cine_identity.store import Transaction, accounts, audit, devices, sessions, tickets
from cinemesh.auth import SETUP_TYPE
from cinemesh.clock import Clock, utc_now

CHALLENGE_LIFETIME = dt.timedelta(minutes=5)
SECOND_FACTOR = "second_factor"


def way_in(method: str, factor: str = "") -> str:
    """Returns how the audit log names a sign-in: its way, and the second factor shown for it.

    Args:
        method: `password`, `passkey` or the name of a provider.
        factor: `totp`, `recovery_code` or `passkey`; `missing` where there must be one and is none; empty for none.
    """
    return f"{method}, second factor: {factor}" if factor else method


class Issuer:
    """Opens sessions and makes their tokens.

    Args:
        settings: lives of tokens and sessions, issuer, audience.
        vault: derives refresh tokens.
        keys: signs access tokens.
        clock: tells the time.
        appointments: administrators whom the settings name; they get the role with their next sign-in at the latest.
    """

    def __init__(
        self,
        settings: IdentitySettings,
        vault: Vault,
        keys: KeyRing,
        clock: Clock = utc_now,
        appointments: Appointments | None = None,
    ) -> None:
        self._settings = settings
        self._vault = vault
        self._keys = keys
        self._clock = clock
        self._appointments = appointments

    def sign_in(self, tx: Transaction, account: Account, method: str, visit: Visit, factor: str = "") -> SignedIn:
        """Opens a session in the caller's transaction, and remembers the device.

        Args:
            tx: the transaction that used up the proof.
            account: who was proven; the caller made sure that it may sign in.
            method: `password`, `passkey` or the name of a provider.
            visit: where from.
            factor: the second factor that was shown; empty for none.
        """
        now = self._clock()
        if self._appointments is not None:
            account = self._appointments.appoint(tx, account, visit)
        session_id, nonce = str(ULID()), secrets.token_hex(16)
        token = refresh.token_of(self._vault, session_id, 0, nonce)
        session = Session(
            session_id=session_id,
            user_id=account.user_id,
            generation=0,
            nonce=nonce,
            refresh_digest=refresh.digest_of(self._vault, token),
            rotated_at=now,
            method=method,
            device_name=visit.device_name or describe(visit.user_agent),
            ip_address=visit.ip_address,
            user_agent=visit.user_agent,
            created_at=now,
            last_used_at=now,
            expires_at=now + dt.timedelta(days=self._settings.refresh_days),
            second_factor=factor,
        )
        sessions.insert(tx, session)
        accounts.seen(tx, account.user_id, now)
        devices.remember(tx, account.user_id, device_digests(self._vault, visit), now)
        tokens = self.tokens(account, session, token, now)
        audit.record(
            tx,
            action="login",
            now=now,
            user_id=account.user_id,
            actor_id=account.user_id,
            detail=way_in(method, "missing" if tokens.lacking else factor),
            visit=visit,
        )
        return tokens

    def tokens(self, account: Account, session: Session, refresh_token: str, now: dt.datetime) -> SignedIn:
        """Returns a fresh access token of a session beside the refresh token given; it names what the session opens by now."""
        seconds = self._settings.access_seconds
        issued = int(now.timestamp())
        if account.tokens_valid_from is not None:  # see `domain.validity`
            issued = max(issued, int(account.tokens_valid_from.timestamp()))
        opened = granted(self._settings.second_factor, account.roles, session)
        claims = {
            "iss": self._settings.issuer,
            "aud": self._settings.audience,
            "sub": account.user_id,
            "sid": session.session_id,
            "roles": list(opened.roles),
            **({"withheld": list(opened.withheld)} if opened.lacking else {}),
            "iat": issued,
            "exp": issued + seconds,
            "auth_time": int(session.created_at.timestamp()),
            "jti": secrets.token_hex(8),
        }
        return SignedIn(
            access_token=self._keys.sign(claims, SETUP_TYPE if opened.setup_only else TOKEN_TYPE),
            refresh_token=refresh_token,
            expires_in=seconds,
            refresh_expires_in=max(0, int(min(session.expires_at - now, self._settings.idle).total_seconds())),
            session_id=session.session_id,
            user_id=account.user_id,
            lacking=opened.lacking,
        )

    def challenge(
        self, tx: Transaction, account: Account, method: str, methods: tuple[str, ...], visit: Visit
    ) -> Challenge:
        """Asks for the second factor: the ticket holds how the first step was done and what the session is to be called."""
        token = new_token()
        tickets.issue(
            tx,
            SECOND_FACTOR,
            token_digest=self._vault.digest(token, SECOND_FACTOR),
            now=self._clock(),
            lifetime=CHALLENGE_LIFETIME,
            user_id=account.user_id,
            data={"method": method, "device_name": visit.device_name},
        )
        return Challenge(token, methods)
