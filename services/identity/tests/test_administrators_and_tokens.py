"""What administrators do, seen from the tokens of the person concerned; with real sign-ins."""

from __future__ import annotations

import datetime as dt
from typing import Any

import jwt
import pytest
import sqlalchemy as sa
from google.protobuf.any_pb2 import Any as Packed

from cine.identity.v1 import admin_pb2, admin_pb2_grpc, auth_pb2, events_pb2, users_pb2, users_pb2_grpc
from cine_identity.domain.session import Visit
from cinemesh.db import mesh_tables
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


async def revocations(desk: Any) -> list[Any]:
    """Returns what every service was told of ended sessions."""
    kind = events_pb2.SessionsRevoked
    query = sa.select(mesh_tables.outbox.c.data).where(mesh_tables.outbox.c.type == kind.DESCRIPTOR.full_name)
    found = []
    for data in await desk.app.database.read(lambda tx: tx.execute(query).scalars().all()):
        message = kind()
        Packed.FromString(data).Unpack(message)
        found.append(message)
    return found


async def test_sessions_are_ended_everywhere_and_the_account_stays_open(desk: Any, people: Any, admin: Any) -> None:
    root, ada, bob = await people.join("Root", "admin"), await people.join("Ada"), await people.join("Bob")
    await people.sign_in(await people.account(ada))

    async def end(user_id: str, reason: str, by: Any = root) -> Any:
        return await admin.EndSessions(
            admin_pb2.EndSessionsRequest(user_id=user_id, reason=reason), metadata=by.metadata
        )

    assert (await desk.refused(end(ada.user_id, " \n "))).violations[0][0] == "reason"
    assert (await desk.refused(end("nobody", "x"))).code is Code.NOT_FOUND
    denied = await desk.refused(end(ada.user_id, "a grudge", bob))
    assert (denied.code, denied.reason) == (Code.PERMISSION_DENIED, Reason.ACCESS_DENIED)
    assert await revocations(desk) == []
    before = dt.datetime.now(dt.UTC)
    answer = await end(ada.user_id, "laptop stolen")
    assert (answer.username, answer.state, answer.session_count) == ("Ada", "active", 0)
    (event,) = await revocations(desk)
    assert (event.user_id, event.kept_session_id) == (ada.user_id, "")
    assert event.tokens_valid_from.ToDatetime(dt.UTC) > before
    failure = await desk.refused(desk.auth.GetMe(auth_pb2.GetMeRequest(), metadata=ada.metadata))
    assert (failure.code, failure.reason) == (Code.UNAUTHENTICATED, Reason.TOKEN_REVOKED)
    assert (await desk.auth.GetMe(auth_pb2.GetMeRequest(), metadata=bob.metadata)).username == "Bob"
    await end(ada.user_id, "laptop stolen")
    # nobody is told twice of sessions that have ended already
    assert [one.to for one in desk.letters_of("sessions_ended")] == ["ada@example.org"]
    assert await desk.audited("sessions.end") == [
        ("no such account", ""),
        ("ok", "2 sessions ended: laptop stolen"),
        ("ok", "0 sessions ended: laptop stolen"),
    ]


async def test_ended_sessions_refresh_no_more_and_a_new_sign_in_works(desk: Any, people: Any, admin: Any) -> None:
    root = await people.join("Root", "admin")
    await desk.join("Ada")
    tokens, elsewhere = await desk.login("Ada"), await desk.login("Ada", at=desk.elsewhere)
    account = await desk.account("Ada")
    waiting = await desk.app.database.write(
        lambda tx: desk.app.issuer.challenge(tx, account, "password", ("totp",), Visit())
    )
    end = admin_pb2.EndSessionsRequest(user_id=tokens.user_id, reason="laptop stolen")
    await admin.EndSessions(end, metadata=root.metadata)
    for one in (tokens, elsewhere):
        assert (await desk.refused(desk.me(one))).reason is Reason.TOKEN_REVOKED
        assert (await desk.refused(desk.refresh(one.refresh_token))).reason is Reason.TOKEN_REVOKED
    # nor does a sign-in that had got as far as its second factor go on
    second = auth_pb2.VerifySecondFactorRequest(second_factor_token=waiting.token, code="123456")
    assert (await desk.refused(desk.auth.VerifySecondFactor(second))).reason is Reason.TICKET_INVALID
    # made in the same second, and good all the same
    assert (await desk.me(await desk.login("Ada"))).username == "Ada"


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
