"""People, their sessions, tokens and tickets in memory: what the stub of Identity works on.

It proves what the explorer does, not what Identity does: codes are fixed, passwords lie open, signatures are not checked.
"""

from __future__ import annotations

import itertools
import re
import secrets
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

CODE = "123456"
NOW = "2026-11-20T10:30:00Z"
REFRESH_COOKIE = "__Host-cine_refresh"
OAUTH_COOKIE = "__Host-cine_oauth"
SAME_ANSWER = "if the address has an account, a mail was sent"
PROFILE = ("display_name", "bio", "avatar_url", "location", "website_url", "favourite_movie_ids")

Body = dict[str, Any]


class Refusal(Exception):
    """An answer other than 200, with the body that the gateway would give; `wait` becomes its Retry-After."""

    def __init__(
        self, http: int, status: str, message: str, fields: Iterable[str] = (), *, reason: str = "", wait: int = 0
    ) -> None:
        super().__init__(message)
        self.http = http
        self.wait = wait
        violations = [{"field": field, "description": message} for field in fields]
        details: list[dict[str, Any]] = []
        if reason:
            details.append({"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": reason})
        if violations:
            details.append({"@type": "type.googleapis.com/google.rpc.BadRequest", "fieldViolations": violations})
        self.body = {"code": http, "message": message, "status": status, "details": details}


@dataclass
class Account:
    """A person."""

    user_id: str
    username: str
    email: str
    password: str
    verified: bool = False
    roles: list[str] = field(default_factory=lambda: ["user"])
    profile: Body = field(default_factory=dict)
    preferences: Body = field(default_factory=dict)
    totp: bool = False
    codes: list[str] = field(default_factory=list)
    passkeys: list[Body] = field(default_factory=list)
    identities: list[Body] = field(default_factory=list)
    disabled: str = ""

    @property
    def state(self) -> str:
        return "disabled" if self.disabled else "active" if self.verified else "unverified"


@dataclass
class Session:
    """A place where somebody is signed in."""

    session_id: str
    account: Account
    device: str
    method: str = "password"
    generation: int = 0
    recent: bool = True
    factor: bool = False


@dataclass
class Call:
    """One request, and what its answer carries beside the body."""

    method: str
    path: str
    query: dict[str, list[str]]
    body: Body
    headers: Any
    cookies: list[str] = field(default_factory=list)
    raw: bytes = b""

    def cookie(self, name: str) -> str:
        found = re.search(rf"(?:^|; ){re.escape(name)}=([^;]*)", self.headers.get("Cookie", ""))
        return found[1] if found else ""

    def set_cookie(self, name: str, value: str, same_site: str = "Strict") -> None:
        life = "; Max-Age=0" if not value else ""
        self.cookies.append(f"{name}={value}; Secure; HttpOnly; SameSite={same_site}; Path=/{life}")

    def param(self, name: str) -> str:
        return self.query.get(name, [""])[0]


def wrong(message: str, *fields: str, reason: str = "INVALID_FIELD") -> Refusal:
    return Refusal(400, "INVALID_ARGUMENT", message, fields, reason=reason)


def unauthenticated(reason: str, message: str) -> Refusal:
    return Refusal(401, "UNAUTHENTICATED", message, reason=reason)


class People:
    """Who has an account, and who is signed in.

    Attributes:
        mails: what was mailed, as (kind, address, token), latest last.
        access_seconds: life of access tokens.
        second_factor: who must sign in with a second factor: "optional", "administrators" or "everyone".
        limited: seconds to wait that sign-ins are refused with; 0 for none.
        providers: other providers, as (name, label).
    """

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Nobody has an account."""
        self.accounts: dict[str, Account] = {}
        self.sessions: dict[str, Session] = {}
        self.tokens: dict[str, tuple[str, float]] = {}
        self.tickets: dict[str, tuple[str, Account]] = {}
        self.mails: list[tuple[str, str, str]] = []
        self.audit: list[Body] = []
        self.access_seconds = 600
        self.second_factor = "optional"
        self.limited = 0
        self.providers: list[tuple[str, str]] = []
        self.refreshes = 0
        self.oauth_cookie = False
        self._count = itertools.count(1)

    def add(self, username: str, password: str = "correct horse 7", **more: Any) -> Account:
        """Opens a verified account."""
        number = f"01J{next(self._count):023d}"
        account = Account(number, username, more.pop("email", f"{username}@example.org"), password, True, **more)
        account.profile = {"display_name": username.title(), "public_fields": ["display_name"]}
        self.accounts[number] = account
        return account

    def sign_in(self, account: Account, device: str, method: str = "password") -> Session:
        """Starts a session elsewhere."""
        session = Session(f"s{next(self._count)}", account, device, method)
        self.sessions[session.session_id] = session
        return session

    def withheld(self, session: Session) -> list[str]:
        """Returns the roles that a session lacks, because it was opened without the second factor that there must be."""
        if not self.wanted(session.account) or session.factor or session.method == "passkey":
            return []
        return list(session.account.roles) if self.second_factor == "everyone" else ["admin"]

    def wanted(self, account: Account) -> bool:
        """Returns whether an account must have a second factor."""
        return self.second_factor == "everyone" or (self.second_factor == "administrators" and "admin" in account.roles)

    def end_all(self, account: Account, but: str = "") -> int:
        """Ends sessions and returns how many."""
        ended = [key for key, one in self.sessions.items() if one.account is account and key != but]
        for key in ended:
            del self.sessions[key]
        return len(ended)

    def _caller(self, call: Call) -> Session:
        token = call.headers.get("Authorization", "").removeprefix("Bearer ")
        if not token:
            raise unauthenticated("TOKEN_MISSING", "this call needs a token")
        session_id, until = self.tokens.get(token, ("", 0.0))
        if time.monotonic() > until:
            raise unauthenticated("TOKEN_EXPIRED", "the token has expired")
        if session_id not in self.sessions:
            raise unauthenticated("TOKEN_REVOKED", "the session has ended")
        return self.sessions[session_id]

    def _tokens(self, call: Call, session: Session, cookie: bool = True) -> Body:
        token = secrets.token_urlsafe(12)
        self.tokens[token] = session.session_id, time.monotonic() + self.access_seconds
        refresh = f"{session.session_id}.{session.generation}"
        if cookie:
            call.set_cookie(REFRESH_COOKIE, refresh)
        return {
            "access_token": token,
            "refresh_token": "" if cookie else refresh,
            "token_type": "bearer",
            "expires_in": self.access_seconds,
            "refresh_expires_in": 2592000,
            "session_id": session.session_id,
            "user_id": session.account.user_id,
        }

    def _enter(self, call: Call, account: Account, method: str = "password", *, factor: bool = False) -> Body:
        cookie = call.body.get("use_cookie", False) or self.oauth_cookie
        session = self.sign_in(account, "Chromium on Linux", method)
        session.factor = factor
        return self._tokens(call, session, cookie) | {
            "second_factor_missing": bool(self.withheld(session)),
            "second_factor_required": False,
            "second_factor_token": "",
            "second_factor_methods": [],
        }

    def _ticket(self, kind: str, account: Account) -> str:
        token = secrets.token_urlsafe(24)
        self.tickets[token] = kind, account
        return token

    def _use(self, kind: str, token: str, keep: bool = False) -> Account:
        found = self.tickets.get(token)
        if not found or found[0] != kind:
            raise wrong("the link is not valid any more", "token", reason="TICKET_INVALID")
        if not keep:
            del self.tickets[token]
        return found[1]

    def _mail(self, kind: str, account: Account) -> None:
        self.mails.append((kind, account.email, self._ticket(kind, account)))

    def _by(self, name: str) -> Account | None:
        return next((a for a in self.accounts.values() if name.casefold() in (a.username.casefold(), a.email)), None)

    @staticmethod
    def _strong(password: str, name: str = "", where: str = "password") -> None:
        if len(password) < 8:
            raise wrong("must have at least 8 characters", where)
        if password in {"password", "12345678", "iloveyou"} or (name and name.casefold() in password.casefold()):
            raise wrong("is too easy to guess: add a few unrelated words", where, reason="PASSWORD_WEAK")

    @staticmethod
    def _account(account: Account) -> Body:
        return {
            "user_id": account.user_id,
            "username": account.username,
            "email": account.email,
            "email_verified": account.verified,
            "roles": account.roles,
        }

    def authorize(self, call: Call, provider: str) -> Body:
        """Binds an attempt to the browser, and names the provider's page."""
        state = secrets.token_urlsafe(8)
        call.set_cookie(OAUTH_COOKIE, state, "Lax")
        self.oauth_cookie = call.param("use_cookie") == "true"
        host = call.headers["Host"]
        return {"authorization_url": f"http://{host}/provider/{provider}?state={state}", "state": state}
