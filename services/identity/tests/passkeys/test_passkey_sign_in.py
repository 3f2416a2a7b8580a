"""Signing in with passkeys over the real server, with a device made of software."""

from __future__ import annotations

import asyncio
from typing import Any

import jwt
import pytest

from cine.identity.v1 import second_factor_pb2
from cinemesh.errors import Code, Reason

from .authenticator import Device, b64
from .site import NOTHING_TOLD, Site, refused, told


async def test_a_passkey_is_added_and_signs_in_without_name_or_password(site: Site, people: Any, clock: Any) -> None:
    ada, device = await people.join("Ada"), Device()
    ceremony, options = await site.begin_adding(ada)
    assert options["rp"] == {"id": "localhost", "name": "CineAesthete"}
    assert options["user"]["name"] == "Ada"
    assert options["authenticatorSelection"]["residentKey"] == "preferred"
    assert options["attestation"] == "none"
    assert {one["alg"] for one in options["pubKeyCredParams"]} == {-7, -8, -257}
    made = await site.finish_adding(ada, ceremony, device.create(options), "  Phone ")
    assert made.name == "Phone"

    ceremony, options = await site.begin()
    assert options["allowCredentials"] == []
    assert (options["rpId"], options["userVerification"]) == ("localhost", "required")
    clock.forward(minutes=4)
    answer = await site.finish(ceremony, device.get(options), device_name="Kitchen tablet")
    assert (answer.user_id, answer.token_type) == (ada.user_id, "bearer")
    assert answer.refresh_token and 0 < answer.expires_in <= 600
    claims = jwt.decode(answer.access_token, options={"verify_signature": False})
    assert (claims["sub"], claims["sid"]) == (ada.user_id, answer.session_id)
    session = await site.session(answer.session_id)
    assert (session.method, session.device_name) == ("passkey", "Kitchen tablet")
    (listed,) = await site.held(ada)
    assert (listed.passkey_id, listed.name, listed.synced) == (made.passkey_id, "Phone", False)
    assert listed.last_used_at.ToDatetime() > listed.created_at.ToDatetime()


async def test_with_a_password_and_a_second_factor_a_verified_passkey_alone_is_both(
    site: Site, people: Any, clock: Any, desk: Any
) -> None:
    import pyotp

    ada, device = await people.join("Ada"), Device()
    await site.add(ada, device)
    made = await site.factor.EnrolTotp(second_factor_pb2.EnrolTotpRequest(), metadata=ada.metadata)
    code = pyotp.TOTP(made.secret).at(clock())
    await site.factor.ConfirmTotp(second_factor_pb2.ConfirmTotpRequest(code=code), metadata=ada.metadata)
    assert (await site.sign_in(device)).access_token
    device.verifies = False
    assert told(await refused(site.sign_in(device))) == NOTHING_TOLD

    # as the second factor of a password its mere presence is enough
    token = await site.challenge(ada)
    ceremony, options = await site.begin(token=token)
    assert [one["id"] for one in options["allowCredentials"]] == [b64(device.credential_id)]
    answer = await site.finish(ceremony, device.get(options))
    session = await site.session(answer.session_id)
    assert (session.method, session.device_name) == ("password", "Den")
    assert (await refused(site.begin(token=token))).reason is Reason.TICKET_INVALID  # the sign-in is done
    assert await desk.audited("login") == [("ok", "passkey"), ("ok", "password, second factor: passkey")]


async def test_the_token_of_a_sign_in_takes_its_own_persons_passkeys_alone_and_five_attempts(
    site: Site, people: Any
) -> None:
    ada, bob = await people.join("Ada"), await people.join("Bob")
    device, other = Device(), Device()
    await site.add(ada, device)
    failure = await refused(site.begin(token=await site.challenge(bob)))
    assert failure.code is Code.FAILED_PRECONDITION  # he has none
    await site.add(bob, other)
    token = await site.challenge(ada)
    for _ in range(4):
        ceremony, options = await site.begin(token=token)
        failure = await refused(site.finish(ceremony, other.get(options)))
        assert (failure.code, failure.reason) == (Code.UNAUTHENTICATED, Reason.SECOND_FACTOR_INVALID)
    (last, options), (late, late_options) = await site.begin(token=token), await site.begin(token=token)
    await refused(site.finish(last, other.get(options)))
    failure = await refused(site.finish(late, device.get(late_options)))
    assert failure.reason is Reason.TICKET_INVALID


async def test_a_counter_that_does_not_grow_is_refused_and_recorded(site: Site, people: Any) -> None:
    ada, device = await people.join("Ada"), Device(counter=41)
    await site.add(ada, device)
    await site.sign_in(device)
    for counter in (40, 41, -1):  # a copy made earlier, the same use again, a device that stopped counting
        device.counter = counter
        assert told(await refused(site.sign_in(device))) == NOTHING_TOLD
    assert await site.refusals() == ["counter went backwards"] * 3
    device.counter = 42
    await site.sign_in(device)


async def test_passkeys_that_do_not_count_sign_in_again_and_again(site: Site, people: Any) -> None:
    ada, device = await people.join("Ada"), Device(synced=True)
    await site.add(ada, device)
    for _ in range(3):
        await site.sign_in(device)
    assert [one.synced for one in await site.held(ada)] == [True]


async def test_an_attempt_is_good_once_and_for_five_minutes(site: Site, people: Any, clock: Any) -> None:
    ada, device = await people.join("Ada"), Device()
    ceremony, options = await site.begin_adding(ada)
    clock.forward(minutes=5.1)
    failure = await refused(site.finish_adding(ada, ceremony, device.create(options)))
    assert (failure.code, failure.reason) == (Code.FAILED_PRECONDITION, Reason.TICKET_INVALID)
    assert failure.violations[0][0] == "ceremony_id"
    await site.add(ada, device)

    ceremony, options = await site.begin()
    signed = device.get(options)
    await site.finish(ceremony, signed)
    assert (await refused(site.finish(ceremony, signed))).reason is Reason.TICKET_INVALID
    ceremony, options = await site.begin()
    await refused(site.finish(ceremony, Device().get(options)))  # a wrong answer uses it up as well
    assert (await refused(site.finish(ceremony, device.get(options)))).reason is Reason.TICKET_INVALID
    ceremony, options = await site.begin()
    clock.forward(minutes=5.1)
    assert (await refused(site.finish(ceremony, device.get(options)))).reason is Reason.TICKET_INVALID


async def test_of_a_volley_with_one_answer_one_signs_in(site: Site, people: Any) -> None:
    ada, device = await people.join("Ada"), Device(synced=True)
    await site.add(ada, device)
    ceremony, options = await site.begin()
    signed = device.get(options)
    outcomes = await asyncio.gather(*(site.finish(ceremony, signed) for _ in range(10)), return_exceptions=True)
    assert sum(not isinstance(one, BaseException) for one in outcomes) == 1


@pytest.mark.parametrize(
    "fault",
    [
        {"origin": "https://evil.example"},
        {"origin": "http://localhost:9000"},
        {"rp_id": "evil.example"},
        {"cross_origin": True},
        {"verifies": False},
        {"user_handle": b"somebody"},
        {"user_handle": None},
        {"credential_id": b"unknown"},
    ],
    ids=lambda fault: next(iter(fault)),
)
async def test_what_was_signed_for_something_else_does_not_sign_in(
    site: Site, people: Any, fault: dict[str, Any]
) -> None:
    ada, device = await people.join("Ada"), Device()
    await site.add(ada, device)
    for name, value in fault.items():
        setattr(device, name, value)
    assert told(await refused(site.sign_in(device))) == NOTHING_TOLD


async def test_a_signature_of_another_key_or_challenge_does_not_sign_in(site: Site, people: Any) -> None:
    ada, device = await people.join("Ada"), Device()
    await site.add(ada, device)
    forger = Device(credential_id=device.credential_id, user_handle=device.user_handle)
    assert told(await refused(site.sign_in(forger))) == NOTHING_TOLD
    (ceremony, _), (_, other) = await site.begin(), await site.begin()
    assert told(await refused(site.finish(ceremony, device.get(other)))) == NOTHING_TOLD
    ceremony, options = await site.begin()
    created = {**options, "user": {"id": b64(ada.user_id.encode())}, "rp": {"id": "localhost"}}
    failure = await refused(site.finish(ceremony, device.create(created)))
    assert failure.code is Code.INVALID_ARGUMENT  # made to add a passkey, not to sign in


async def test_who_named_somebody_signs_in_as_nobody_else(site: Site, people: Any) -> None:
    ada, bob = await people.join("Ada"), await people.join("Bob")
    device, other = Device(), Device()
    await site.add(ada, device)
    await site.add(bob, other)
    assert (await site.sign_in(device, "aDA")).user_id == ada.user_id
    assert (await site.sign_in(device, "ada@EXAMPLE.org")).user_id == ada.user_id
    assert told(await refused(site.sign_in(other, "ada"))) == NOTHING_TOLD
    ceremony, options = await site.begin("ada")
    assert (await site.finish(ceremony, device.get(options, handle=False))).user_id == ada.user_id


@pytest.mark.parametrize("fields", [{"email_verified": False}, {"disabled": True}], ids=["unverified", "disabled"])
async def test_an_account_that_is_not_open_is_refused_like_an_unknown_passkey(
    site: Site, people: Any, fields: dict[str, Any]
) -> None:
    ada, device = await people.join("Ada"), Device()
    await site.add(ada, device)
    token = await site.challenge(ada)
    await site.change(ada, **fields)
    assert told(await refused(site.sign_in(device))) == NOTHING_TOLD
    assert told(await refused(site.sign_in(device, "Ada"))) == NOTHING_TOLD
    ceremony, options = await site.begin(token=token)
    assert (await refused(site.finish(ceremony, device.get(options)))).reason is Reason.SECOND_FACTOR_INVALID


async def test_the_begin_answer_does_not_tell_who_exists(site: Site, people: Any) -> None:
    ada, bob = await people.join("Ada"), await people.join("Bob")
    await site.add(ada, Device(synced=True))

    async def shape(name: str) -> tuple[list[str], list[list[str]], str]:
        _, options = await site.begin(name)
        offered = options["allowCredentials"]
        assert 1 <= len(offered) <= 2
        assert all(one["type"] == "public-key" and one["transports"] for one in offered)
        return sorted(options), [sorted(one) for one in offered], options["userVerification"]

    async def offered(name: str) -> list[Any]:
        _, options = await site.begin(name)
        return list(options["allowCredentials"])

    known = await shape("ada")
    for name in ("bob", "nobody", "bob@example.org", "nobody@example.org"):
        assert (await shape(name))[0::2] == known[0::2]
        assert (await shape(name))[1][0] == known[1][0]
        assert await offered(name) == await offered(f" {name.upper()} ")
    assert await offered("bob") != await offered("nobody")
    assert await offered("ada") == await offered("ada@example.org")
    # who asks as Bob and signs with a key of his own making learns no more
    ceremony, options = await site.begin("bob")
    stranger = Device(credential_id=b"x", user_handle=bob.user_id.encode())
    assert told(await refused(site.finish(ceremony, stranger.get(options)))) == NOTHING_TOLD
