"""What administrators do, seen from the tokens of the person concerned; with real sign-ins."""

from __future__ import annotations

from typing import Any

import jwt
import pytest

from cine.identity.v1 import admin_pb2, admin_pb2_grpc, auth_pb2, users_pb2, users_pb2_grpc
from cinemesh.errors import Code, Reason
from cinemesh.testing import Running


@pytest.fixture
def admin(identity: Running) -> Any:
    return identity.stub(admin_pb2_grpc.IdentityAdminServiceStub)


def roles_in(token: str) -> list[str]:
    roles: list[str] = jwt.decode(token, options={"verify_signature": False})["roles"]
    return roles


async def test_tokens_with_old_roles_die_and_the_session_goes_on_with_new_ones(
    desk: Any, people: Any, admin: Any
) -> None:
    root = await people.join("Root", "admin")
    await desk.join("Ada")
    tokens = await desk.login("Ada")
    request = admin_pb2.SetRolesRequest(user_id=tokens.user_id, roles=["user", "premium"])
    await admin.SetRoles(request, metadata=root.metadata)
    renewed = await desk.refresh(tokens.refresh_token)
    assert roles_in(renewed.access_token) == ["user", "premium"]
    failure = await desk.refused(desk.me(tokens))
    assert (failure.code, failure.reason) == (Code.UNAUTHENTICATED, Reason.TOKEN_REVOKED)
    # made in the same second as the change, and good all the same
    assert list((await desk.me(renewed)).roles) == ["user", "premium"]


async def test_a_disabled_account_cannot_sign_in_refresh_or_call_until_it_is_enabled(
    desk: Any, people: Any, admin: Any
) -> None:
    root = await people.join("Root", "admin")
    await desk.join("Ada")
    tokens = await desk.login("Ada")
    disable = admin_pb2.DisableUserRequest(user_id=tokens.user_id, reason="sold reviews")
    await admin.DisableUser(disable, metadata=root.metadata)
    assert (await desk.refused(desk.me(tokens))).reason is Reason.TOKEN_REVOKED
    assert (await desk.refused(desk.refresh(tokens.refresh_token))).code is Code.UNAUTHENTICATED
    assert (await desk.refused(desk.login("Ada"))).reason is Reason.CREDENTIALS_INVALID
    await admin.EnableUser(admin_pb2.EnableUserRequest(user_id=tokens.user_id), metadata=root.metadata)
    assert (await desk.refused(desk.me(tokens))).code is Code.UNAUTHENTICATED
    fresh = await desk.login("Ada")
    assert (await desk.me(fresh)).username == "Ada"


async def test_leaving_with_the_password_frees_name_and_address(identity: Running, desk: Any) -> None:
    users: Any = identity.stub(users_pb2_grpc.UserServiceStub)
    await desk.join("Ada")
    tokens = await desk.login("Ada")
    metadata = desk.bearer(tokens.access_token)
    wrong = users_pb2.DeleteAccountRequest(confirm_username="Ada", password="not this one")
    failure = await desk.refused(users.DeleteAccount(wrong, metadata=metadata))
    assert (failure.code, failure.reason) == (Code.UNAUTHENTICATED, Reason.CREDENTIALS_INVALID)
    right = users_pb2.DeleteAccountRequest(confirm_username="Ada", password=desk.password)
    await users.DeleteAccount(right, metadata=metadata)
    assert (await desk.refused(desk.me(tokens))).code is Code.UNAUTHENTICATED
    assert (await desk.refused(desk.refresh(tokens.refresh_token))).code is Code.UNAUTHENTICATED
    assert (await desk.refused(desk.login("Ada"))).reason is Reason.CREDENTIALS_INVALID
    await desk.join("ada", email="ada@example.org")
    again = await desk.login("ada")
    assert again.user_id != tokens.user_id
    assert await desk.auth.GetMe(auth_pb2.GetMeRequest(), metadata=desk.bearer(again.access_token))
