"""A stand-in for Identity behind the stub mesh: what anybody may call, and which call is whose."""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable
from typing import Any

from tests.e2e.explorer.stub_account import OwnCalls
from tests.e2e.explorer.stub_admin import AdminCalls
from tests.e2e.explorer.stub_people import (
    CODE,
    NOW,
    OAUTH_COOKIE,
    PROFILE,
    REFRESH_COOKIE,
    SAME_ANSWER,
    Account,
    Body,
    Call,
    Refusal,
    Session,
    unauthenticated,
    wrong,
)


class StubIdentity(OwnCalls, AdminCalls):
    """All calls of Identity."""

    service = "identity"

    def serves(self, path: str) -> bool:
        """Tells whether a path is Identity's."""
        return bool(re.match(r"/api/v1/(?:auth|users|admin/(?:users|audit-log))(?:/|$)", path))

    def answer(self, call: Call) -> Any:
        """Answers a call."""
        wanted = call.method, call.path
        if wanted in self._public:
            return self._public[wanted](call)
        if found := re.fullmatch(r"/api/v1/auth/oauth/([a-z]+)/(authorize|callback)", call.path):
            return self.authorize(call, found[1]) if found[2] == "authorize" else self._callback(call, found[1])
        if call.method == "GET" and (found := re.fullmatch(r"/api/v1/users/([\w.-]+)", call.path)):
            return self._public_profile(found[1])
        session = self._caller(call)
        if self._closed(call, session):
            raise Refusal(
                403, "PERMISSION_DENIED", "this needs a sign-in with a second factor", reason="SECOND_FACTOR_REQUIRED"
            )
        if call.path.startswith("/api/v1/admin/"):
            return self._admin(call, session)
        if wanted in self._own:
            return self._own[wanted](call, session)
        return self._things(call, session)

    def _closed(self, call: Call, session: Session) -> bool:
        withheld = self.withheld(session)
        if "user" in withheld:
            return not re.match(
                r"/api/v1/auth/(?:me|second-factor(?:/totp(?:/confirm)?)?|passkeys(?:/.*)?)$", call.path
            )
        return bool(withheld) and call.path.startswith("/api/v1/admin/")

    def _register(self, call: Call) -> Body:
        body = call.body
        if (
            not re.fullmatch(r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?", body["username"])
            or len(body["username"]) < 3
        ):
            raise wrong("must be 3 to 32 letters, digits, dots or dashes", "username")
        if "@" not in body["email"]:
            raise wrong("is not an e-mail address", "email")
        self._strong(body["password"], body["username"])
        if self._by(body["username"]):
            raise Refusal(409, "ALREADY_EXISTS", "the name is taken", ["username"], reason="ALREADY_EXISTS")
        account = self.add(body["username"], body["password"], email=body["email"].casefold())
        account.verified = False
        self._mail("verify_email", account)
        return self._account(account)

    def _verify(self, call: Call) -> Body:
        if call.body.get("token"):
            account = self._use("verify_email", call.body["token"])
        else:
            account = self._by(call.body["email"]) or Account("", "", "", "")
            if call.body["code"] != CODE or not account.user_id:
                raise wrong("the code is not right, or no longer", "code", reason="TICKET_INVALID")
        account.verified = True
        return self._account(account)

    def _resend(self, call: Call) -> Body:
        account = self._by(call.body["email"])
        if account and not account.verified:
            self._mail("verify_email", account)
        return {"message": SAME_ANSWER}

    def _login(self, call: Call) -> Body:
        if self.limited:
            raise Refusal(429, "RESOURCE_EXHAUSTED", "too many attempts", reason="RATE_LIMITED", wait=self.limited)
        account = self._by(call.body.get("username") or call.body["email"])
        if not account or account.password != call.body["password"] or account.state != "active":
            raise unauthenticated(
                "CREDENTIALS_INVALID", "the name, address or password is not right, or the account is not open yet"
            )
        methods = ["totp", "recovery_code"] if account.totp else []
        if account.passkeys and (methods or self.wanted(account)):
            methods.append("passkey")
        if methods:
            return {
                "access_token": "",
                "second_factor_required": True,
                "second_factor_token": self._ticket("second_factor", account),
                "second_factor_methods": methods,
            }
        return self._enter(call, account)

    def _second(self, call: Call) -> Body:
        account = self._use("second_factor", call.body["second_factor_token"], keep=True)
        recovery = call.body.get("recovery_code", "")
        if recovery and recovery in account.codes:
            account.codes.remove(recovery)
        elif recovery or call.body.get("code") != CODE:
            raise unauthenticated("SECOND_FACTOR_INVALID", "the code is not right")
        del self.tickets[call.body["second_factor_token"]]
        return self._enter(call, account, factor=True) | {"recovery_codes_left": len(account.codes)}

    def _refresh(self, call: Call) -> Body:
        self.refreshes += 1
        session_id, _, generation = call.cookie(REFRESH_COOKIE).partition(".")
        session = self.sessions.get(session_id)
        if not session or int(generation) not in (session.generation, session.generation - 1):
            raise unauthenticated("TOKEN_INVALID", "the refresh token is not valid")
        if int(generation) == session.generation:
            session.generation += 1
        return self._tokens(call, session)

    def _logout(self, call: Call) -> Body:
        self.sessions.pop(call.cookie(REFRESH_COOKIE).partition(".")[0], None)
        call.set_cookie(REFRESH_COOKIE, "")
        return {}

    def _forgot(self, call: Call) -> Body:
        if account := self._by(call.body["email"]):
            self._mail("reset_password", account)
        return {"message": SAME_ANSWER}

    def _reset(self, call: Call) -> Body:
        account = self._use("reset_password", call.body["token"], keep=True)
        self._strong(call.body["password"], account.username)
        del self.tickets[call.body["token"]]
        account.password = call.body["password"]
        return {"sessions_revoked": self.end_all(account)}

    def _callback(self, call: Call, provider: str) -> Body:
        state, _, link = call.cookie(OAUTH_COOKIE).partition("~")
        if not call.param("state") or call.param("state") != state or call.param("code") != "good":
            raise wrong("the provider's answer does not belong to this browser", reason="PROVIDER_FAILED")
        call.set_cookie(OAUTH_COOKIE, "", "Lax")
        if link:
            account = self.accounts[link]
            account.identities.append(
                {"identity_id": f"i{next(self._count)}", "provider": provider, "label": "ada@elsewhere"}
                | {"linked_at": NOW, "last_used_at": None}
            )
            return {"access_token": "", "linked": True, "created": False, "user_id": link}
        account = self._by("visitor") or self.add("visitor")
        return self._enter(call, account, provider) | {"created": True, "linked": False}

    def _public_profile(self, name: str) -> Body:
        account = self._by(name)
        if not account:
            raise Refusal(404, "NOT_FOUND", "nobody of that name", reason="NOT_FOUND")
        seen = account.profile.get("public_fields", [])
        shown = {name: account.profile.get(name, "") for name in PROFILE if name in seen}
        return {"user_id": account.user_id, "username": account.username, "created_at": NOW} | shown

    def _passkey_begin(self, call: Call) -> Body:
        challenge = secrets.token_urlsafe(16)
        self.tickets[challenge] = "passkey", Account("", "", "", "")
        keys = {"challenge": challenge, "rpId": "localhost", "userVerification": "preferred", "timeout": 60000}
        return {"ceremony_id": challenge, "public_key": keys | {"allowCredentials": []}}

    def _passkey_login(self, call: Call) -> Body:
        self._use("passkey", call.body["ceremony_id"])
        wanted = call.body["credential"]["id"]
        account = next((a for a in self.accounts.values() for key in a.passkeys if key["credential"] == wanted), None)
        if not account:
            raise unauthenticated("CREDENTIALS_INVALID", "the passkey is not known")
        return self._enter(call, account, "passkey")

    @property
    def _public(self) -> dict[tuple[str, str], Callable[[Call], Any]]:
        auth = "/api/v1/auth/"
        return {
            ("POST", auth + "register"): self._register,
            ("POST", auth + "verify-email"): self._verify,
            ("POST", auth + "resend-verification"): self._resend,
            ("POST", auth + "login"): self._login,
            ("POST", auth + "login/second-factor"): self._second,
            ("POST", auth + "refresh"): self._refresh,
            ("POST", auth + "logout"): self._logout,
            ("POST", auth + "forgot-password"): self._forgot,
            ("POST", auth + "reset-password"): self._reset,
            ("POST", auth + "passkeys/login/begin"): self._passkey_begin,
            ("POST", auth + "passkeys/login/finish"): self._passkey_login,
            ("GET", auth + "oauth/providers"): lambda _: {
                "providers": [{"provider": name, "display_name": label} for name, label in self.providers]
            },
        }
