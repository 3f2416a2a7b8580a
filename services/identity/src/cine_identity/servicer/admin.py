"""IdentityAdminService: accounts as administrators see them, and the audit log."""

from __future__ import annotations

import datetime as dt
from typing import Any, TypeVar

from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp

from cine.identity.v1 import admin_pb2, admin_pb2_grpc
from cine_identity.flows.administration import Administration
from cine_identity.servicer.visits import visit_of
from cine_identity.store.administration import AccountFilter, AuditEntry, AuditFilter, ManagedAccount
from cinemesh import context as calls
from cinemesh.errors import InvalidArgument
from cinemesh.paging import PageTokens, page_size
from cinemesh.plain_text import searchable

M = TypeVar("M", bound=Message)


class AdminServicer(admin_pb2_grpc.IdentityAdminServiceServicer):
    """Turns administrators' calls into flows and back.

    Args:
        administration: what they do.
        pages: makes and reads page tokens.
    """

    def __init__(self, administration: Administration, pages: PageTokens) -> None:
        self._administration = administration
        self._pages = pages

    async def ListUsers(self, request: admin_pb2.ListUsersRequest, _: Any) -> admin_pb2.ListUsersResponse:
        """Lists and finds accounts."""
        wanted = AccountFilter(
            text=searchable(request.query.strip(), "query"),
            role=request.role,
            state=request.state,
            order=request.order_by or "newest",
        )
        found, following, total = await self._administration.find(
            calls.current().principal, wanted, page_size(request.page_size), self._pages.decode(request)
        )
        return admin_pb2.ListUsersResponse(
            users=[_managed(admin_pb2.ManagedUser, one) for one in found],
            next_page_token=self._pages.encode(following, request) if following else "",
            total_size=total,
        )

    async def GetUser(self, request: admin_pb2.GetUserRequest, _: Any) -> admin_pb2.GetUserResponse:
        """Gives one account."""
        found = await self._administration.get(calls.current().principal, request.user_id)
        return _managed(admin_pb2.GetUserResponse, found)

    async def SetRoles(self, request: admin_pb2.SetRolesRequest, call: Any) -> admin_pb2.SetRolesResponse:
        """Sets the roles of an account."""
        changed = await self._administration.set_roles(
            calls.current().principal,
            request.user_id,
            tuple(request.roles),
            reason=request.reason,
            etag=request.etag,
            visit=visit_of(call),
        )
        return _managed(admin_pb2.SetRolesResponse, changed)

    async def DisableUser(self, request: admin_pb2.DisableUserRequest, call: Any) -> admin_pb2.DisableUserResponse:
        """Closes an account to its owner."""
        changed = await self._administration.disable(
            calls.current().principal, request.user_id, reason=request.reason, visit=visit_of(call)
        )
        return _managed(admin_pb2.DisableUserResponse, changed)

    async def EnableUser(self, request: admin_pb2.EnableUserRequest, call: Any) -> admin_pb2.EnableUserResponse:
        """Opens a disabled account again."""
        changed = await self._administration.enable(
            calls.current().principal, request.user_id, reason=request.reason, visit=visit_of(call)
        )
        return _managed(admin_pb2.EnableUserResponse, changed)

    async def ResetSecondFactor(
        self, request: admin_pb2.ResetSecondFactorRequest, call: Any
    ) -> admin_pb2.ResetSecondFactorResponse:
        """Takes the second factor off an account whose owner has lost it."""
        changed = await self._administration.reset_second_factor(
            calls.current().principal, request.user_id, reason=request.reason, visit=visit_of(call)
        )
        return _managed(admin_pb2.ResetSecondFactorResponse, changed)

    async def EndSessions(self, request: admin_pb2.EndSessionsRequest, call: Any) -> admin_pb2.EndSessionsResponse:
        """Ends every session of an account."""
        changed = await self._administration.end_sessions(
            calls.current().principal, request.user_id, reason=request.reason, visit=visit_of(call)
        )
        return _managed(admin_pb2.EndSessionsResponse, changed)

    async def ListAuditEntries(
        self, request: admin_pb2.ListAuditEntriesRequest, _: Any
    ) -> admin_pb2.ListAuditEntriesResponse:
        """Lists what was done, latest first."""
        wanted = AuditFilter(
            actor_id=searchable(request.actor_id, "actor_id"),
            user_id=searchable(request.user_id, "user_id"),
            action=searchable(request.action, "action"),
            since=_moment(request.since, "since") if request.HasField("since") else None,
            until=_moment(request.until, "until") if request.HasField("until") else None,
        )
        found, following = await self._administration.log(
            calls.current().principal, wanted, page_size(request.page_size), self._pages.decode(request)
        )
        return admin_pb2.ListAuditEntriesResponse(
            entries=[_entry(one) for one in found],
            next_page_token=self._pages.encode(following, request) if following else "",
        )


def _moment(stamp: Timestamp, field: str) -> dt.datetime:
    try:
        return stamp.ToDatetime(dt.UTC)
    except (ValueError, OverflowError):
        problem = "must be a moment of the years 1 to 9999"
        raise InvalidArgument(f"{field} {problem}", violations=[(field, problem)]) from None


def _managed(kind: type[M], one: ManagedAccount) -> M:
    account = one.account
    answer: Any = kind()
    for name in ("user_id", "username", "email", "email_verified", "disabled_reason", "etag"):
        setattr(answer, name, getattr(account, name))
    answer.roles.extend(account.roles)
    answer.state = account.state.value
    answer.created_at.FromDatetime(account.created_at)
    if account.last_login_at is not None:
        answer.last_login_at.FromDatetime(account.last_login_at)
    answer.second_factor_enabled = one.second_factor
    answer.session_count = one.live_sessions
    return answer  # type: ignore[no-any-return]


def _entry(one: AuditEntry) -> admin_pb2.AuditEntry:
    answer = admin_pb2.AuditEntry()
    for name in (
        *("audit_id", "actor_id", "actor_username", "action", "user_id"),
        *("outcome", "detail", "ip_address", "call_id"),
    ):
        setattr(answer, name, getattr(one, name))
    answer.at.FromDatetime(one.at)
    return answer
