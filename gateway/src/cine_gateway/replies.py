"""The gateway's own error answers: what each HTTP status means, in the JSON form that the errors of services have too."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from cinemesh.errors import Code

DOMAIN = "gateway.cine"
UNREACHABLE = "the service behind this call does not answer; /health/detailed says which one and why"


@dataclass(frozen=True)
class Reply:
    """What an HTTP status means when the gateway itself sends it.

    Attributes:
        http: the status.
        code: gRPC code that goes with it.
        reason: `ErrorInfo.reason`, stable.
        message: text for people; Envoy puts its own for `%LOCAL_REPLY_BODY%`. Fixed where Envoy's would show addresses.
    """

    http: int
    code: Code
    reason: str
    message: str = "%LOCAL_REPLY_BODY%"


REPLIES = (
    Reply(400, Code.INVALID_ARGUMENT, "MALFORMED_REQUEST", "malformed request: %LOCAL_REPLY_BODY%"),
    Reply(401, Code.UNAUTHENTICATED, "TOKEN_INVALID"),
    Reply(403, Code.PERMISSION_DENIED, "ACCESS_DENIED", "not allowed: %LOCAL_REPLY_BODY%"),
    Reply(404, Code.NOT_FOUND, "ROUTE_NOT_FOUND"),
    Reply(405, Code.UNIMPLEMENTED, "METHOD_NOT_ALLOWED"),
    Reply(408, Code.DEADLINE_EXCEEDED, "REQUEST_TOO_SLOW", "the request took too long to arrive"),
    Reply(413, Code.RESOURCE_EXHAUSTED, "BODY_TOO_LARGE", "the body is larger than this call takes"),
    Reply(429, Code.RESOURCE_EXHAUSTED, "RATE_LIMITED"),
    Reply(431, Code.INVALID_ARGUMENT, "HEADERS_TOO_LARGE", "the headers are larger than the gateway takes"),
    Reply(500, Code.INTERNAL, "INTERNAL", "the gateway failed; the request id finds it in the log"),
    Reply(501, Code.UNIMPLEMENTED, "NOT_IMPLEMENTED"),
    Reply(502, Code.UNAVAILABLE, "DEPENDENCY_UNAVAILABLE", UNREACHABLE),
    Reply(503, Code.UNAVAILABLE, "DEPENDENCY_UNAVAILABLE", UNREACHABLE),
    Reply(504, Code.DEADLINE_EXCEEDED, "DEADLINE_EXCEEDED", "the service did not answer in time"),
)
UNVERIFIABLE = Reply(
    503, Code.UNAVAILABLE, "DEPENDENCY_UNAVAILABLE", "tokens cannot be verified at present; try again shortly"
)
"""To a token that may well be good, while the gateway has no keys."""
EXPIRED = Reply(401, Code.UNAUTHENTICATED, "TOKEN_EXPIRED", "the token has expired")
INVALID = Reply(401, Code.UNAUTHENTICATED, "TOKEN_INVALID", "the token is not valid here")
"""The words are those of the services' own verifier."""
_BY_STATUS = {reply.http: reply for reply in REPLIES}


def body(http: int, message: str, request_id: str = "") -> dict[str, Any]:
    """Returns the JSON body for one of the statuses of `REPLIES`."""
    reply = _BY_STATUS[http]
    info = {
        "@type": "type.googleapis.com/google.rpc.ErrorInfo",
        "reason": reply.reason,
        "domain": DOMAIN,
        "metadata": {"request_id": request_id} if request_id else {},
    }
    return {"code": reply.code.value, "status": reply.code.name, "message": message, "details": [info]}
