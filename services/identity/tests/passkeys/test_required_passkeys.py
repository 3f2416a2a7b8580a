"""Passkeys of people who must have a second factor: asked for, enough by themselves, and not to be got around or taken off."""

from __future__ import annotations

from typing import Any

import jwt

from cine.identity.v1 import (
    admin_pb2,
    admin_pb2_grpc,
    auth_pb2,
    passkeys_pb2,
    second_factor_pb2,
    users_pb2,
    users_pb2_grpc,
)
from cinemesh.errors import Code, Reason
from cinemesh.testing import Running

from .authenticator import Device
from .site import Site, refused

TOLD = (Code.PERMISSION_DENIED, Reason.SECOND_FACTOR_REQUIRED)


def roles(answer: Any) -> tuple[list[str], list[str]]:
    """Returns the roles in a token, and those withheld from it."""
    said = jwt.decode(answer.access_token, options={"verify_signature": False})
    return said["roles"], said.get("withheld", [])


class Signed:
    """Somebody who signed in, as the site knows people."""

    def __init__(self, desk: Any, tokens: Any) -> None:
        self.user_id = tokens.user_id
        self.metadata = desk.bearer(tokens.access_token)


async def appoint(identity: Running, people: Any, user_id: str) -> Any:
    """Makes somebody an administrator; returns the one who did."""
    root = await people.join("Root", "admin")
    admin: Any = identity.stub(admin_pb2_grpc.IdentityAdminServiceStub)
    await admin.SetRoles(admin_pb2.SetRolesRequest(user_id=user_id, roles=["user", "admin"]), metadata=root.metadata)
    return root


async def test_a_passkey_alone_makes_an_administrator_and_a_password_alone_asks_for_it(
    identity: Running, site: Site, people: Any, desk: Any
) -> None:
    await desk.join("Ada")
    ada = await desk.login("Ada")
    await appoint(identity, people, ada.user_id)
    first = await desk.login("Ada")
    assert first.second_factor_missing and roles(first) == (["user"], ["admin"])
    device = Device()
    ceremony, options = await site.begin_adding(Signed(desk, first))
    await site.finish_adding(Signed(desk, first), ceremony, device.create(options))
    assert roles(await desk.refresh(first.refresh_token)) == (["user"], ["admin"])  # that session showed none
    assert roles(await site.sign_in(device)) == (["user", "admin"], [])

    asked = await desk.login("Ada")
    assert asked.second_factor_required and list(asked.second_factor_methods) == ["passkey"]
    assert not asked.access_token
    guess = auth_pb2.VerifySecondFactorRequest(second_factor_token=asked.second_factor_token, code="123456")
    assert (await refused(desk.auth.VerifySecondFactor(guess))).reason is Reason.SECOND_FACTOR_INVALID
    device.verifies = False  # beside a password its presence is enough
    ceremony, options = await site.begin(token=asked.second_factor_token)
    entered = await site.finish(ceremony, device.get(options))
    assert roles(entered) == (["user", "admin"], [])
    assert (await desk.me(entered)).second_factor_enabled
    assert ("ok", "password, second factor: passkey") in await desk.audited("login")


async def test_for_others_a_passkey_makes_no_password_ask_for_more(site: Site, people: Any, desk: Any) -> None:
    await desk.join("Bob")
    bob = Signed(desk, await desk.login("Bob"))
    await site.add(bob, Device())
    assert (await desk.login("Bob")).access_token


async def test_a_session_from_before_the_passkey_adds_and_removes_none(
    identity: Running, site: Site, people: Any, desk: Any
) -> None:
    await desk.join("Ada")
    user_id = (await desk.login("Ada")).user_id
    await appoint(identity, people, user_id)
    old, new = Signed(desk, await desk.login("Ada")), Signed(desk, await desk.login("Ada", at=desk.elsewhere))
    begun, options = await site.begin_adding(old)
    made = await site.add(new, Device())
    users: Any = identity.stub(users_pb2_grpc.UserServiceStub)
    enrol = second_factor_pb2.EnrolTotpRequest(password=desk.password)
    leave = users_pb2.DeleteAccountRequest(confirm_username="Ada", password=desk.password)
    for person in (old, new):  # the one who added it has not shown it either
        for call in (
            site.begin_adding(person),
            site.remove(person, made.passkey_id),
            site.factor.EnrolTotp(enrol, metadata=person.metadata),
            users.DeleteAccount(leave, metadata=person.metadata),
        ):
            failure = await refused(call)
            assert (failure.code, failure.reason) == TOLD
    late = await refused(site.finish_adding(old, begun, Device().create(options)))
    assert (late.code, late.reason) == TOLD
    assert [one.passkey_id for one in await site.held(new)] == [made.passkey_id]


async def test_lost_passkeys_are_taken_off_by_another_administrator(
    identity: Running, site: Site, people: Any, desk: Any
) -> None:
    admin: Any = identity.stub(admin_pb2_grpc.IdentityAdminServiceStub)
    for name in ("Ada", "Bob"):
        await desk.join(name)
    ada, bob = await desk.login("Ada"), await desk.login("Bob")
    root = await appoint(identity, people, ada.user_id)
    await site.add(Signed(desk, await desk.login("Ada")), Device())
    await site.add(Signed(desk, bob), Device())

    async def shown(user_id: str) -> bool:
        found = await admin.GetUser(admin_pb2.GetUserRequest(user_id=user_id), metadata=root.metadata)
        return bool(found.second_factor_enabled)

    assert (await shown(ada.user_id), await shown(bob.user_id)) == (True, False)
    reset = admin_pb2.ResetSecondFactorRequest(user_id=ada.user_id, reason="seen with her passport")
    assert not (await admin.ResetSecondFactor(reset, metadata=root.metadata)).second_factor_enabled
    again = await desk.login("Ada")
    assert again.second_factor_missing and roles(again) == (["user"], ["admin"])
    assert await site.held(Signed(desk, again)) == []
    # somebody who need not have one keeps a passkey that nothing asks for
    reset = admin_pb2.ResetSecondFactorRequest(user_id=bob.user_id, reason="asked for it")
    assert (await refused(admin.ResetSecondFactor(reset, metadata=root.metadata))).code is Code.FAILED_PRECONDITION
    listed = await site.stub.ListPasskeys(passkeys_pb2.ListPasskeysRequest(), metadata=Signed(desk, bob).metadata)
    assert len(listed.passkeys) == 1
