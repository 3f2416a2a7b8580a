"""The calls of whoever is signed in, for the stub of Identity."""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable
from typing import Any

from tests.e2e.explorer.stub_people import (
    CODE,
    NOW,
    OAUTH_COOKIE,
    PROFILE,
    REFRESH_COOKIE,
    Body,
    Call,
    People,
    Refusal,
    Session,
    wrong,
)

SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"


class OwnCalls(People):
    """Profile, preferences, ways to sign in, sessions, export and deletion."""

    def _me(self, call: Call, session: Session) -> Body:
        account, withheld = session.account, self.withheld(session)
        return self._account(account) | {
            "display_name": account.profile.get("display_name", ""),
            "created_at": NOW,
            "second_factor_enabled": account.totp or bool(account.passkeys and self.wanted(account)),
            "second_factor_missing": bool(withheld),
            "roles": [role for role in account.roles if role not in withheld],
            "withheld_roles": withheld,
            "has_password": True,
        }

    def _change_password(self, call: Call, session: Session) -> Body:
        if call.body["current_password"] != session.account.password:
            raise wrong("is not the password", "current_password", reason="CREDENTIALS_INVALID")
        self._strong(call.body["new_password"], session.account.username, "new_password")
        session.account.password = call.body["new_password"]
        return {"sessions_revoked": self.end_all(session.account, but=session.session_id)}

    def _profile(self, call: Call, session: Session) -> Body:
        kept = session.account.profile
        if call.method == "PUT":
            if not re.fullmatch(r"(https://.+)?", call.body.get("website_url", "")):
                raise wrong("must be an https address", "website_url")
            kept.update({key: value for key, value in call.body.items() if key not in {"update_mask", "etag"}})
        empty: Body = dict.fromkeys(PROFILE, "") | {"favourite_movie_ids": [], "public_fields": []}
        return empty | kept | {"username": session.account.username, "created_at": NOW, "etag": "1"}

    def _preferences(self, call: Call, session: Session) -> Body:
        kept = session.account.preferences
        if call.method == "PUT":
            for i, genre in enumerate(call.body.get("preferred_genres", [])):
                if genre == "polka":
                    raise wrong('unknown genre "polka"', f"preferred_genres[{i}]", reason="UNKNOWN_GENRE")
            if 0 < call.body.get("year_max", 0) < call.body.get("year_min", 0):
                raise wrong("year_max must not be before year_min", "year_max")
            kept.update({key: value for key, value in call.body.items() if key not in {"update_mask", "etag"}})
        lists: Body = {key: [] for key in ("preferred_genres", "excluded_genres", "services", "languages")}
        return lists | {"year_min": 0, "year_max": 0, "runtime_max": 0, "region": ""} | kept | {"etag": "1"}

    def _export(self, call: Call, session: Session) -> Body:
        return {"account": self._account(session.account)}

    def _delete(self, call: Call, session: Session) -> Body:
        if call.body["confirm_username"] != session.account.username:
            raise wrong("is not your user name", "confirm_username")
        if call.body["password"] != session.account.password:
            raise wrong("is not the password", "password", reason="CREDENTIALS_INVALID")
        self.end_all(session.account)
        del self.accounts[session.account.user_id]
        call.set_cookie(REFRESH_COOKIE, "")
        return {"deleted_at": NOW}

    def _factor(self, call: Call, session: Session) -> Body:
        account = session.account
        return {
            "totp_enabled": account.totp,
            "recovery_codes_left": len(account.codes),
            "passkey_count": len(account.passkeys),
        }

    def _enrol(self, call: Call, session: Session) -> Body:
        if call.body["password"] != session.account.password:
            raise wrong("is not the password", "password", reason="CREDENTIALS_INVALID")
        uri = f"otpauth://totp/CineAesthete:{session.account.username}?secret={SECRET}&issuer=CineAesthete"
        return {"secret": SECRET, "otpauth_uri": uri, "expires_in": 600}

    def _confirm(self, call: Call, session: Session) -> Body:
        if call.body["code"] != CODE:
            raise wrong("is not the code of the app", "code", reason="SECOND_FACTOR_INVALID")
        session.account.totp = True
        session.account.codes = [f"{i}abcd-{i}efgh" for i in range(10)]
        return {"recovery_codes": session.account.codes}

    def _disable(self, call: Call, session: Session) -> Body:
        if call.body.get("code") != CODE and call.body.get("recovery_code") not in session.account.codes:
            raise wrong("is not right", "code", reason="SECOND_FACTOR_INVALID")
        session.account.totp = False
        session.account.codes = []
        return {}

    def _list_sessions(self, call: Call, session: Session) -> Body:
        own = [one for one in self.sessions.values() if one.account is session.account]
        listed = [
            {
                "session_id": one.session_id,
                "device_name": one.device,
                "ip_address": "127.0.0.1",
                "place": "",
                "method": one.method,
                "created_at": NOW,
                "last_used_at": NOW,
                "expires_at": NOW,
                "current": one is session,
            }
            for one in reversed(own)
        ]
        return {"sessions": listed, "next_page_token": "", "total_size": len(own)}

    def _end_sessions(self, call: Call, session: Session) -> Body:
        kept = session.session_id if call.param("keep_current") == "true" else ""
        return {"sessions_revoked": self.end_all(session.account, but=kept)}

    def _new_passkey(self, call: Call, session: Session) -> Body:
        challenge = secrets.token_urlsafe(16)
        self.tickets[challenge] = "passkey", session.account
        return {
            "ceremony_id": challenge,
            "public_key": {
                "challenge": challenge,
                "rp": {"id": "localhost", "name": "CineAesthete"},
                "user": {"id": "YWRh", "name": session.account.username, "displayName": session.account.username},
                "pubKeyCredParams": [{"type": "public-key", "alg": -7.0}],
                "authenticatorSelection": {"residentKey": "required", "userVerification": "preferred"},
            },
        }

    def _made_passkey(self, call: Call, session: Session) -> Body:
        self._use("passkey", call.body["ceremony_id"])
        made = {"passkey_id": f"p{next(self._count)}", "name": call.body.get("name") or "Chromium", "created_at": NOW}
        session.account.passkeys.append(
            made | {"credential": call.body["credential"]["id"], "last_used_at": None, "synced": False}
        )
        return made

    def _link(self, call: Call, session: Session, provider: str) -> Body:
        answer = self.authorize(call, provider)
        call.cookies.clear()
        call.set_cookie(OAUTH_COOKIE, f"{answer['state']}~{session.account.user_id}", "Lax")
        return answer

    @property
    def _own(self) -> dict[tuple[str, str], Callable[[Call, Session], Any]]:
        auth, me = "/api/v1/auth/", "/api/v1/users/me/"
        return {
            ("GET", auth + "me"): self._me,
            ("POST", auth + "change-password"): self._change_password,
            ("GET", me + "profile"): self._profile,
            ("PUT", me + "profile"): self._profile,
            ("GET", me + "preferences"): self._preferences,
            ("PUT", me + "preferences"): self._preferences,
            ("GET", me + "export"): self._export,
            ("POST", me + "delete"): self._delete,
            ("GET", auth + "second-factor"): self._factor,
            ("POST", auth + "second-factor/totp"): self._enrol,
            ("POST", auth + "second-factor/totp/confirm"): self._confirm,
            ("POST", auth + "second-factor/totp/disable"): self._disable,
            ("POST", auth + "second-factor/recovery-codes"): self._confirm,
            ("GET", auth + "sessions"): self._list_sessions,
            ("DELETE", auth + "sessions"): self._end_sessions,
            ("GET", auth + "passkeys"): lambda _, session: {"passkeys": session.account.passkeys},
            ("POST", auth + "passkeys/register/begin"): self._new_passkey,
            ("POST", auth + "passkeys/register/finish"): self._made_passkey,
            ("GET", auth + "identities"): lambda _, session: {"identities": session.account.identities},
        }

    def _things(self, call: Call, session: Session) -> Body:
        """One session, passkey or identity ends, or a provider is linked."""
        account = session.account
        if call.method == "POST" and (found := re.fullmatch(r"/api/v1/auth/oauth/([a-z]+)/link", call.path)):
            return self._link(call, session, found[1])
        found = re.fullmatch(r"/api/v1/auth/(sessions|passkeys|identities)/(\w+)", call.path)
        if not found or call.method != "DELETE":
            raise Refusal(404, "NOT_FOUND", f"no such path: {call.path}")
        if found[1] != "sessions" and not session.recent:
            problem = "sign in again first: this needs a sign-in within the last 10 minutes"
            raise Refusal(400, "FAILED_PRECONDITION", problem, reason="RECENT_SIGN_IN_REQUIRED")
        if found[1] == "sessions":
            self.sessions.pop(found[2])
        elif found[1] == "passkeys":
            account.passkeys = [one for one in account.passkeys if one["passkey_id"] != found[2]]
        else:
            account.identities = [one for one in account.identities if one["identity_id"] != found[2]]
        return {}
