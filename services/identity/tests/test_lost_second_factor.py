"""A person who has lost app and recovery codes, and the administrator who helps."""

from __future__ import annotations

from typing import Any

import pyotp

from cine.identity.v1 import admin_pb2, admin_pb2_grpc, second_factor_pb2, second_factor_pb2_grpc
from cinemesh.errors import Code, Reason
from cinemesh.testing import Running


async def enrol(identity: Running, metadata: Any, password: str) -> None:
    factor = identity.stub(second_factor_pb2_grpc.SecondFactorServiceStub)
    made = await factor.EnrolTotp(second_factor_pb2.EnrolTotpRequest(password=password), metadata=metadata)
    code = pyotp.TOTP(made.secret).now()
    await factor.ConfirmTotp(second_factor_pb2.ConfirmTotpRequest(code=code), metadata=metadata)


async def test_an_administrator_takes_a_lost_factor_off_and_every_session_with_it(
    identity: Running, desk: Any, people: Any
) -> None:
    admin = identity.stub(admin_pb2_grpc.IdentityAdminServiceStub)
    root, bob = await people.join("Root", "admin"), await people.join("Bob")
    await desk.join("Ada")
    tokens = await desk.login("Ada")
    await enrol(identity, desk.bearer(tokens.access_token), desk.password)
    assert (await desk.login("Ada")).second_factor_token

    async def reset(user_id: str, reason: str = "seen with her passport", by: Any = root) -> Any:
        request = admin_pb2.ResetSecondFactorRequest(user_id=user_id, reason=reason)
        return await admin.ResetSecondFactor(request, metadata=by.metadata)

    assert (await desk.refused(reset(tokens.user_id, by=bob))).reason is Reason.ACCESS_DENIED
    assert (await desk.refused(reset(tokens.user_id, " \n"))).violations[0][0] == "reason"
    assert (await desk.refused(reset("nobody"))).code is Code.NOT_FOUND
    assert (await desk.refused(reset(bob.user_id))).code is Code.FAILED_PRECONDITION  # has none
    assert (await desk.login("Ada")).second_factor_token  # none of these helped

    changed = await reset(tokens.user_id)
    assert (changed.second_factor_enabled, changed.session_count, changed.state) == (False, 0, "active")
    assert (await desk.refused(desk.me(tokens))).reason is Reason.TOKEN_REVOKED
    assert (await desk.refused(desk.refresh(tokens.refresh_token))).reason is Reason.TOKEN_REVOKED
    again = await desk.login("Ada")
    assert (again.second_factor_token, (await desk.me(again)).username) == ("", "Ada")
    assert [one.to for one in desk.letters_of("second_factor_reset")] == ["ada@example.org"]
    assert ("ok", "1 sessions ended: seen with her passport") in await desk.audited("second_factor.reset")


async def test_nobody_takes_off_their_own_that_way(identity: Running, desk: Any, people: Any) -> None:
    admin = identity.stub(admin_pb2_grpc.IdentityAdminServiceStub)
    root = await people.join("Root", "admin")
    await enrol(identity, root.metadata, "")
    request = admin_pb2.ResetSecondFactorRequest(user_id=root.user_id, reason="mine")
    failure = await desk.refused(admin.ResetSecondFactor(request, metadata=root.metadata))
    assert failure.code is Code.FAILED_PRECONDITION
    user = await admin.GetUser(admin_pb2.GetUserRequest(user_id=root.user_id), metadata=root.metadata)
    assert user.second_factor_enabled
