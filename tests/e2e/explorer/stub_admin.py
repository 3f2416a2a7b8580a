"""The calls of administrators, for the stub of Identity."""

from __future__ import annotations

import json
import re

from tests.e2e.explorer.stub_people import NOW, Account, Body, Call, People, Refusal, Session


class AdminCalls(People):
    """People, their roles and states, and the audit log."""

    def _managed(self, account: Account) -> Body:
        return self._account(account) | {
            "state": account.state,
            "disabled_reason": account.disabled,
            "created_at": NOW,
            "last_login_at": NOW,
            "second_factor_enabled": account.totp,
            "session_count": sum(one.account is account for one in self.sessions.values()),
            "etag": "1",
        }

    def _admin(self, call: Call, session: Session) -> Body:
        if "admin" not in session.account.roles:
            raise Refusal(403, "PERMISSION_DENIED", "this call needs the role admin", reason="ACCESS_DENIED")
        if call.path == "/api/v1/admin/audit-log":
            wanted = call.param("user_id")
            entries = [one for one in reversed(self.audit) if wanted in ("", one["user_id"])]
            return {"entries": entries, "next_page_token": ""}
        if call.path == "/api/v1/admin/users":
            words, role, state = call.param("query").casefold(), call.param("role"), call.param("state")
            users = [
                self._managed(one)
                for one in self.accounts.values()
                if words in f"{one.username} {one.email}" and role in ("", *one.roles) and state in ("", one.state)
            ]
            return {"users": users, "next_page_token": "", "total_size": len(users)}
        found = re.fullmatch(r"/api/v1/admin/users/(\w+)(?:/([\w/-]+))?", call.path)
        account = self.accounts.get(found[1]) if found else None
        if not found or not account:
            raise Refusal(404, "NOT_FOUND", "no such account", reason="NOT_FOUND")
        if found[2] == "roles":
            account.roles = call.body["roles"]
        elif found[2] == "disable":
            account.disabled = call.body["reason"]
            self.end_all(account)
        elif found[2] == "enable":
            account.disabled = ""
        elif found[2] == "sessions/end":
            self.end_all(account)
        elif found[2] == "second-factor/reset":
            account.totp = False
            self.end_all(account)
        if found[2]:
            self.audit.append(
                {
                    "audit_id": str(next(self._count)),
                    "at": NOW,
                    "actor_id": session.account.user_id,
                    "actor_username": session.account.username,
                    "action": f"user.{found[2]}",
                    "user_id": account.user_id,
                    "outcome": "ok",
                    "detail": json.dumps(call.body.get("roles") or call.body.get("reason")),
                    "ip_address": "127.0.0.1",
                }
            )
        return self._managed(account)
