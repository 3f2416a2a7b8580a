"""Another provider is one factor, whatever it says: where everybody must have a second one it lets nobody in alone."""

from __future__ import annotations

from typing import Any

import jwt
import pyotp
import pytest

from cine.identity.v1 import auth_pb2, second_factor_pb2, second_factor_pb2_grpc, users_pb2, users_pb2_grpc
from cinemesh.errors import Code, Reason
from cinemesh.testing import Running

from .client import Client
from .server import OpenIdServer

ADA = {"email": "ada@example.org", "email_verified": True, "name": "Ada", "preferred_username": "ada"}


@pytest.fixture
def extra() -> dict[str, Any]:
    return {"second_factor": "everyone"}


async def test_a_provider_alone_opens_only_what_sets_up_a_second_factor(
    identity: Running, client: Client, issuer: OpenIdServer, desk: Any, clock: Any
) -> None:
    users: Any = identity.stub(users_pb2_grpc.UserServiceStub)
    factor: Any = identity.stub(second_factor_pb2_grpc.SecondFactorServiceStub)
    await issuer.know("ada-9", **ADA)
    first = await client.sign_in(issuer, "ada-9")
    assert first.created and first.second_factor_missing
    assert jwt.get_unverified_header(first.access_token)["typ"] == "setup+jwt"
    metadata = desk.bearer(first.access_token)
    refused = await desk.refused(users.GetProfile(users_pb2.GetProfileRequest(), metadata=metadata))
    assert (refused.code, refused.reason) == (Code.PERMISSION_DENIED, Reason.SECOND_FACTOR_REQUIRED)
    made = await factor.EnrolTotp(second_factor_pb2.EnrolTotpRequest(), metadata=metadata)
    app = pyotp.TOTP(made.secret)
    confirm = second_factor_pb2.ConfirmTotpRequest(code=app.at(clock()))
    codes = (await factor.ConfirmTotp(confirm, metadata=metadata)).recovery_codes

    asked = await client.sign_in(issuer, "ada-9")
    assert asked.second_factor_required and not asked.access_token and not asked.second_factor_missing
    request = auth_pb2.VerifySecondFactorRequest(second_factor_token=asked.second_factor_token, recovery_code=codes[0])
    tokens = await desk.auth.VerifySecondFactor(request)
    profile = await users.GetProfile(users_pb2.GetProfileRequest(), metadata=desk.bearer(tokens.access_token))
    assert profile.user_id == first.user_id
