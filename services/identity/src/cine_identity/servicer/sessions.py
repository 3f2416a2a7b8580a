"""SessionService: where a person is signed in."""

from __future__ import annotations

from typing import Any

from cine.identity.v1 import sessions_pb2 as pb
from cine.identity.v1 import sessions_pb2_grpc
from cine_identity.domain.session import Session
from cine_identity.flows.own_sessions import OwnSessions
from cine_identity.flows.stamps import stamp
from cine_identity.servicer.visits import visit_of
from cinemesh import context as calls
from cinemesh.paging import PageTokens, page_size


class SessionServicer(sessions_pb2_grpc.SessionServiceServicer):
    """Turns calls about sessions into flows and back.

    Args:
        sessions: those of the caller.
        pages: makes page tokens.
    """

    def __init__(self, sessions: OwnSessions, pages: PageTokens) -> None:
        self._sessions = sessions
        self._pages = pages

    async def ListSessions(self, request: pb.ListSessionsRequest, context: Any) -> pb.ListSessionsResponse:
        """Lists the caller's sessions, last used first."""
        page = await self._sessions.list(
            calls.current().principal, page_size(request.page_size), self._pages.decode(request)
        )
        return pb.ListSessionsResponse(
            sessions=[_session(session, page.current) for session in page.sessions],
            next_page_token=self._pages.encode(page.next, request) if page.next is not None else "",
            total_size=page.total,
        )

    async def RevokeSession(self, request: pb.RevokeSessionRequest, context: Any) -> pb.RevokeSessionResponse:
        """Ends one of the caller's sessions."""
        await self._sessions.revoke(calls.current().principal, request.session_id, visit_of(context))
        return pb.RevokeSessionResponse()

    async def RevokeAllSessions(
        self, request: pb.RevokeAllSessionsRequest, context: Any
    ) -> pb.RevokeAllSessionsResponse:
        """Ends all sessions of the caller, or all others."""
        ended = await self._sessions.revoke_all(
            calls.current().principal, visit_of(context), keep_current=request.keep_current
        )
        return pb.RevokeAllSessionsResponse(sessions_revoked=ended)


def _session(session: Session, current: str) -> pb.Session:
    # place stays empty: nothing here knows where an address is, and nobody outside is asked about people
    return pb.Session(
        session_id=session.session_id,
        device_name=session.device_name,
        ip_address=session.ip_address,
        method=session.method,
        created_at=stamp(session.created_at),
        last_used_at=stamp(session.last_used_at),
        expires_at=stamp(session.expires_at),
        current=session.session_id == current,
    )
