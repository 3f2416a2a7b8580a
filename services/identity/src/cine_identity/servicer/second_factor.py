"""SecondFactorService: authenticator apps and recovery codes."""

from __future__ import annotations

from typing import Any

from cine.identity.v1 import second_factor_pb2 as pb
from cine.identity.v1 import second_factor_pb2_grpc
from cine_identity.flows.authenticators import Authenticators
from cine_identity.servicer.visits import visit_of
from cinemesh import context as calls


class SecondFactorServicer(second_factor_pb2_grpc.SecondFactorServiceServicer):
    """Turns calls about the second factor into flows and back.

    Args:
        authenticators: the use cases.
    """

    def __init__(self, authenticators: Authenticators) -> None:
        self._authenticators = authenticators

    async def GetSecondFactor(self, request: pb.GetSecondFactorRequest, context: Any) -> pb.GetSecondFactorResponse:
        """Says which second factors the caller has."""
        overview = await self._authenticators.overview(calls.current().principal)
        return pb.GetSecondFactorResponse(
            totp_enabled=overview.totp_enabled,
            recovery_codes_left=overview.recovery_codes_left,
            passkey_count=overview.passkey_count,
        )

    async def EnrolTotp(self, request: pb.EnrolTotpRequest, context: Any) -> pb.EnrolTotpResponse:
        """Makes a secret for an authenticator app."""
        made = await self._authenticators.enrol(calls.current().principal, request.password, visit_of(context))
        return pb.EnrolTotpResponse(secret=made.secret, otpauth_uri=made.address, expires_in=made.expires_in)

    async def ConfirmTotp(self, request: pb.ConfirmTotpRequest, context: Any) -> pb.ConfirmTotpResponse:
        """Turns the second factor on."""
        codes = await self._authenticators.confirm(calls.current().principal, request.code, visit_of(context))
        return pb.ConfirmTotpResponse(recovery_codes=codes)

    async def DisableTotp(self, request: pb.DisableTotpRequest, context: Any) -> pb.DisableTotpResponse:
        """Turns the second factor off."""
        await self._authenticators.disable(
            calls.current().principal,
            code=request.code,
            recovery_code=request.recovery_code,
            visit=visit_of(context),
        )
        return pb.DisableTotpResponse()

    async def ReplaceRecoveryCodes(
        self, request: pb.ReplaceRecoveryCodesRequest, context: Any
    ) -> pb.ReplaceRecoveryCodesResponse:
        """Makes new recovery codes."""
        codes = await self._authenticators.replace_recovery_codes(
            calls.current().principal, request.code, visit_of(context)
        )
        return pb.ReplaceRecoveryCodesResponse(recovery_codes=codes)
