"""Access: the contract says who may call a method; the verified token says who calls. Nothing else is believed."""

from __future__ import annotations

from typing import Any

from cine.common.v1 import access_pb2
from cinemesh.context import ADMIN_ROLE, ANONYMOUS, Principal
from cinemesh.errors import PermissionDenied, Reason, Unauthenticated
from cinemesh.interceptors.call import Call, Equipment, Method, Proceed

AUTHORIZATION = "authorization"
_BEARER = "bearer "


def step(method: Method, equipment: Equipment, proceed: Proceed) -> Proceed:
    """Wraps the chain in the check of the caller."""
    verifier = equipment.verifier
    access, setting_up = method.access, method.before_second_factor
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
            if principal.setup_only and access == access_pb2.ACCESS_PUBLIC and not setting_up:
                # whoever is not in yet is nobody where anybody may call: what is shown to its owner alone stays hidden
                principal, token = ANONYMOUS, ""
            call.info.principal = principal
            call.info.token = token
        allow(access, call.info.principal, before_second_factor=setting_up)
        return await proceed(call)

    return around


def allow(access: int, principal: Principal, *, before_second_factor: bool = False) -> None:
    """Checks a caller against a level of `cine.common.v1.Access`.

    Args:
        access: the level.
        principal: the caller.
        before_second_factor: whether the method is one of those that set up a second factor.

    Raises:
        Unauthenticated: the level needs a token and there is none.
        PermissionDenied: the caller is known and the level is not theirs, or not before they signed in with a second factor; or the
            method has no level.
    """
    if access == access_pb2.ACCESS_PUBLIC:
        return
    if access == access_pb2.ACCESS_UNSPECIFIED:
        raise PermissionDenied("this method does not say who may call it, so nobody may")
    if principal.kind == "anonymous":
        raise Unauthenticated("this call needs a token: send 'authorization: Bearer <token>'")
    lacking = False
    if access == access_pb2.ACCESS_SERVICE:
        allowed = principal.kind == "service"
    elif access == access_pb2.ACCESS_ADMIN:
        allowed = principal.is_admin
        lacking = not allowed and ADMIN_ROLE in principal.withheld
    else:
        allowed = principal.kind == "user" and access in (access_pb2.ACCESS_USER, access_pb2.ACCESS_OWNER)
        lacking = allowed and principal.setup_only and not before_second_factor
    if lacking:
        raise PermissionDenied(
            "this needs a sign-in with a second factor: set one up (an authenticator app or a passkey), then sign in with it",
            reason=Reason.SECOND_FACTOR_REQUIRED,
        )
    if not allowed:
        raise PermissionDenied("this call is not open to you")
