"""What is known about the call in progress, for code without a gRPC context: domain, stores, clients, logs."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Final, Literal

PrincipalKind = Literal["anonymous", "user", "service"]
ADMIN_ROLE: Final = "admin"


@dataclass(frozen=True, slots=True)
class Principal:
    """Who calls, from verified claims only.

    Attributes:
        kind: "anonymous" without a token, "user" for a person, "service" for another service of the mesh.
        user_id: subject of the token: the id of the person, or the name of the service; empty when anonymous.
        roles: roles of the token, such as "user", "premium", "admin" or "service".
        session_id: session the token belongs to; empty when it has none.
        issued_at: when the token was made, in Unix seconds; 0 when anonymous. Like the next two it says nothing about who
            calls, so two principals that differ in these only are equal.
        auth_time: when the person last proved who they are, in Unix seconds; 0 when the token does not say.
        token_id: id of the token; empty when it has none.
        withheld: roles the person holds and this token lacks, because they did not sign in with a second factor.
        setup_only: whether the token opens nothing but the calls that set up a second factor; it has no roles then.
    """

    kind: PrincipalKind = "anonymous"
    user_id: str = ""
    roles: frozenset[str] = frozenset()
    session_id: str = ""
    issued_at: float = field(default=0.0, compare=False)
    auth_time: float = field(default=0.0, compare=False)
    token_id: str = field(default="", compare=False)
    withheld: frozenset[str] = frozenset()
    setup_only: bool = False

    @property
    def is_admin(self) -> bool:
        """Whether a person holds the admin role."""
        return self.kind == "user" and ADMIN_ROLE in self.roles


ANONYMOUS = Principal()


@dataclass(slots=True)
class RequestContext:
    """One call.

    Attributes:
        request_id: id of the request at the edge, the same over every hop.
        trace_id: W3C trace id, 32 hex digits; empty when the call is not traced.
        principal: who calls.
        deadline: `time.monotonic()` at which the caller stops waiting; None when nobody waits.
        traceparent: W3C header to hand on; empty when the call is not traced.
        token: the caller's own token, for calls made in their name; never logged.
        method: full path of the method, such as "/cine.catalog.v1.CatalogService/GetMovie".
    """

    request_id: str = ""
    trace_id: str = ""
    principal: Principal = ANONYMOUS
    deadline: float | None = None
    traceparent: str = ""
    token: str = field(default="", repr=False)
    method: str = ""

    def time_left(self) -> float | None:
        """Returns the seconds left to answer, never below 0; None when there is no deadline."""
        if self.deadline is None:
            return None
        return max(self.deadline - time.monotonic(), 0.0)


_NOBODY = RequestContext()
_current: ContextVar[RequestContext] = ContextVar("cinemesh_request", default=_NOBODY)


def current() -> RequestContext:
    """Returns the call in progress; outside of one, an empty context that must not be changed."""
    return _current.get()


def enter(request: RequestContext) -> None:
    """Makes `request` the current one for the rest of this task: gRPC runs every call in a task of its own."""
    _current.set(request)


@contextmanager
def using(request: RequestContext) -> Iterator[RequestContext]:
    """Makes `request` the current one within the block, for jobs, consumers and tests."""
    token = _current.set(request)
    try:
        yield request
    finally:
        _current.reset(token)
