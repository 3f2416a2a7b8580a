"""Access: the contract says who may call a method; the verified token says who calls. Nothing else is believed."""

from __future__ import annotations

from typing import Any

from cine.common.v1 import access_pb2
from cinemesh.context import Principal
from cinemesh.errors import PermissionDenied, Reason, Unauthenticated
from cinemesh.interceptors.call import Call, Equipment, Method, Proceed

AUTHORIZATION = "authorization"
_BEARER = "bearer "


def step(method: Method, equipment: Equipment, proceed: Proceed) -> Proceed:
    """Wraps the chain in the check of the caller."""
    verifier = equipment.verifier
    access = method.access
    revocations = equipment.revocations

    async def around(call: Call) -> Any:
        header = call.header(AUTHORIZATION)
        if header:
            if header[:7].lower() != _BEARER or not header[7:].strip():
                raise Unauthenticated("the authorization header must be 'Bearer <token>'", reason=Reason.TOKEN_INVALID)
            token = header[7:].strip()
            # a token that does not verify is refused even where none is needed: the caller believes to be signed in
            principal = verifier.remembered(token) or await verifier.verify(token)
            if revocations is not None and principal.kind == "user" and revocations.refuses(principal):
                raise Unauthenticated(
                    "this token was revoked: its session or account ended, or its roles changed; sign in again",
                    reason=Reason.TOKEN_REVOKED,
                )
            call.info.principal = principal
            call.info.token = token
        allow(access, call.info.principal)
        return await proceed(call)

    return around


def allow(access: int, principal: Principal) -> None:
    """Checks a caller against a level of `cine.common.v1.Access`.

    Raises:
        Unauthenticated: the level needs a token and there is none.
        PermissionDenied: the caller is known and the level is not theirs, or the method has no level.
    """
    if access == access_pb2.ACCESS_PUBLIC:
        return
    if access == access_pb2.ACCESS_UNSPECIFIED:
        raise PermissionDenied("this method does not say who may call it, so nobody may")
    if principal.kind == "anonymous":
        raise Unauthenticated("this call needs a token: send 'authorization: Bearer <token>'")
    if access == access_pb2.ACCESS_SERVICE:
        allowed = principal.kind == "service"
    elif access == access_pb2.ACCESS_ADMIN:
        allowed = principal.is_admin
    else:
        allowed = principal.kind == "user" and access in (access_pb2.ACCESS_USER, access_pb2.ACCESS_OWNER)
    if not allowed:
        raise PermissionDenied("this call is not open to you")
