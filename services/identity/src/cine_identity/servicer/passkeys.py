"""PasskeyService: WebAuthn, as the JSON that browsers use."""

from __future__ import annotations

from typing import Any

from google.protobuf import json_format, struct_pb2

from cine.identity.v1 import passkeys_pb2 as pb
from cine.identity.v1 import passkeys_pb2_grpc
from cine_identity.domain.passkeys import Passkey
from cine_identity.flows.passkey_sign_in import PasskeySignIn
from cine_identity.flows.passkeys import Passkeys
from cine_identity.flows.stamps import stamp
from cine_identity.servicer.entered import entered_fields
from cine_identity.servicer.visits import visit_of
from cinemesh import context as calls
from cinemesh.errors import InvalidArgument
from cinemesh.plain_text import plain_text

_LARGEST_CREDENTIAL = 64 * 1024


class PasskeyServicer(passkeys_pb2_grpc.PasskeyServiceServicer):
    """Turns calls about passkeys into flows and back.

    Args:
        passkeys: those of the caller.
        sign_in: signing in with one.
        cookies_secure: whether browsers keep our cookies.
    """

    def __init__(self, passkeys: Passkeys, sign_in: PasskeySignIn, *, cookies_secure: bool) -> None:
        self._passkeys = passkeys
        self._sign_in = sign_in
        self._cookies_secure = cookies_secure

    async def BeginPasskeyRegistration(
        self, request: pb.BeginPasskeyRegistrationRequest, context: Any
    ) -> pb.BeginPasskeyRegistrationResponse:
        """Starts adding a passkey to the caller's account."""
        ceremony = await self._passkeys.begin(calls.current().principal)
        return pb.BeginPasskeyRegistrationResponse(
            ceremony_id=ceremony.ceremony_id, public_key=_struct(ceremony.options)
        )

    async def FinishPasskeyRegistration(
        self, request: pb.FinishPasskeyRegistrationRequest, context: Any
    ) -> pb.FinishPasskeyRegistrationResponse:
        """Adds the passkey the browser made."""
        passkey = await self._passkeys.finish(
            calls.current().principal,
            ceremony_id=request.ceremony_id,
            credential=_document(request.credential),
            name=request.name,
            visit=visit_of(context),
        )
        return pb.FinishPasskeyRegistrationResponse(
            passkey_id=passkey.passkey_id, name=passkey.name, created_at=stamp(passkey.created_at)
        )

    async def BeginPasskeyLogin(
        self, request: pb.BeginPasskeyLoginRequest, context: Any
    ) -> pb.BeginPasskeyLoginResponse:
        """Starts a sign-in by passkey."""
        ceremony = await self._sign_in.begin(request.username, request.second_factor_token)
        return pb.BeginPasskeyLoginResponse(ceremony_id=ceremony.ceremony_id, public_key=_struct(ceremony.options))

    async def FinishPasskeyLogin(
        self, request: pb.FinishPasskeyLoginRequest, context: Any
    ) -> pb.FinishPasskeyLoginResponse:
        """Signs in with what the browser signed."""
        entered = await self._sign_in.finish(
            ceremony_id=request.ceremony_id,
            credential=_document(request.credential),
            visit=visit_of(context, plain_text(request.device_name, "device_name"), replaces=request.use_cookie),
        )
        fields = await entered_fields(
            entered, context, use_cookie=request.use_cookie, cookies_secure=self._cookies_secure
        )
        return pb.FinishPasskeyLoginResponse(**fields)

    async def ListPasskeys(self, request: pb.ListPasskeysRequest, context: Any) -> pb.ListPasskeysResponse:
        """Lists the caller's passkeys."""
        held = await self._passkeys.list(calls.current().principal)
        return pb.ListPasskeysResponse(passkeys=[_passkey(one) for one in held])

    async def DeletePasskey(self, request: pb.DeletePasskeyRequest, context: Any) -> pb.DeletePasskeyResponse:
        """Removes a passkey."""
        await self._passkeys.remove(calls.current().principal, request.passkey_id, visit_of(context))
        return pb.DeletePasskeyResponse()


def _passkey(passkey: Passkey) -> pb.Passkey:
    return pb.Passkey(
        passkey_id=passkey.passkey_id,
        name=passkey.name,
        created_at=stamp(passkey.created_at),
        last_used_at=stamp(passkey.last_used_at) if passkey.last_used_at is not None else None,
        synced=passkey.synced,
    )


def _struct(document: dict[str, Any]) -> struct_pb2.Struct:
    struct = struct_pb2.Struct()
    struct.update(document)
    return struct


def _document(struct: struct_pb2.Struct) -> dict[str, Any]:
    """Returns a credential as a browser wrote it.

    Raises:
        InvalidArgument: it is larger than any that a browser makes.
    """
    if struct.ByteSize() > _LARGEST_CREDENTIAL:
        problem = f"must not exceed {_LARGEST_CREDENTIAL} bytes"
        raise InvalidArgument(f"credential {problem}", violations=[("credential", problem)])
    document: dict[str, Any] = json_format.MessageToDict(struct)
    return document
