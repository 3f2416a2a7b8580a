"""Adding, listing and removing passkeys over the real server, with a device made of software."""

from __future__ import annotations

import asyncio
import datetime as dt
import json
from typing import Any

import pytest

from cine.identity.v1 import passkeys_pb2 as pb
from cine_identity.store import accounts, passkeys
from cine_identity.store.schema import identities
from cinemesh.errors import Code, Reason

from .authenticator import Device, b64
from .site import NOTHING_TOLD, Site, refused, struct, told


async def test_adding_wants_a_recent_sign_in_and_the_session_that_began(site: Site, people: Any, clock: Any) -> None:
    ada, bob = await people.join("Ada"), await people.join("Bob")
    ceremony, options = await site.begin_adding(ada)
    created = Device().create(options)
    assert (await refused(site.finish_adding(bob, ceremony, created))).reason is Reason.TICKET_INVALID
    ceremony, options = await site.begin_adding(ada)
    elsewhere = await people.sign_in(await people.account(ada))
    created = Device().create(options)
    assert (await refused(site.finish_adding(elsewhere, ceremony, created))).reason is Reason.TICKET_INVALID
    clock.forward(minutes=10.1)
    assert (await refused(site.begin_adding(ada))).reason is Reason.RECENT_SIGN_IN_REQUIRED


@pytest.mark.parametrize(
    "fault",
    [{"origin": "https://evil.example"}, {"rp_id": "evil.example"}, {"cross_origin": True}],
    ids=lambda fault: next(iter(fault)),
)
async def test_what_was_made_for_another_site_is_not_added(site: Site, people: Any, fault: dict[str, Any]) -> None:
    ada = await people.join("Ada")
    failure = await refused(site.add(ada, Device(**fault)))
    assert (failure.code, failure.violations[0][0]) == (Code.INVALID_ARGUMENT, "credential")
    assert await site.held(ada) == []


async def test_a_passkey_belongs_to_one_account_and_an_account_has_twenty(site: Site, people: Any) -> None:
    ada, bob = await people.join("Ada"), await people.join("Bob")
    device = Device()
    await site.add(ada, device)
    _, options = await site.begin_adding(ada)
    assert [one["id"] for one in options["excludeCredentials"]] == [b64(device.credential_id)]
    assert options["excludeCredentials"][0]["transports"] == ["hybrid", "internal"]
    failure = await refused(site.add(bob, device))
    assert (failure.code, failure.violations[0][0]) == (Code.ALREADY_EXISTS, "credential")
    for _ in range(19):
        await site.add(ada, Device())
    assert (await refused(site.begin_adding(ada))).code is Code.FAILED_PRECONDITION
    assert len(await site.held(ada)) == 20


def bent(credential: dict[str, Any]) -> list[Any]:
    """Returns credentials that no browser makes."""
    response = credential["response"]
    made: list[Any] = [{}, {**credential, "type": "password"}, {**credential, "response": 7}]
    made += [{**credential, "id": 1}, {**credential, "rawId": None}]
    made += [{**credential, "response": {**response, name: [1]}} for name in response if name != "transports"]
    return made


async def test_what_is_no_credential_is_refused_by_name(site: Site, people: Any) -> None:
    ada, device = await people.join("Ada"), Device()
    _, options = await site.begin_adding(ada)
    for credential in bent(device.create(options)):
        failure = await refused(site.finish_adding(ada, "x", credential))
        assert (failure.code, failure.violations[0][0]) == (Code.INVALID_ARGUMENT, "credential"), credential
    _, options = await site.begin()
    for credential in bent(device.get(options)):
        failure = await refused(site.finish("x", credential))
        assert (failure.code, failure.violations[0][0]) == (Code.INVALID_ARGUMENT, "credential"), credential
    large = {**device.get(options), "more": "x" * 70_000}
    assert (await refused(site.finish("x", large))).violations[0][0] == "credential"


async def test_damaged_bytes_are_refused_and_never_a_fault_of_ours(site: Site, people: Any) -> None:
    ada, device = await people.join("Ada"), Device()
    await site.add(ada, device)
    damages = ("", "AAAA", "_" * 64, b64(json.dumps([1]).encode()), b64(b"\xff" * 300), b64(b"{}"), "é")
    for part in ("clientDataJSON", "authenticatorData", "signature", "userHandle"):
        for damage in damages:
            ceremony, options = await site.begin("ada")
            credential = device.get(options)
            credential["response"][part] = damage
            failure = await refused(site.finish(ceremony, credential)) if part != "userHandle" or damage else None
            assert failure is None or failure.code in (Code.UNAUTHENTICATED, Code.INVALID_ARGUMENT), (part, damage)
    for part in ("clientDataJSON", "attestationObject"):
        for damage in damages:
            ceremony, options = await site.begin_adding(ada)
            credential = Device().create(options)
            credential["response"][part] = damage
            failure = await refused(site.finish_adding(ada, ceremony, credential))
            assert failure.code is Code.INVALID_ARGUMENT, (part, damage)
    ceremony, options = await site.begin_adding(ada)
    for statement in ({"fmt": "packed", "attStmt": {"alg": -7, "sig": b"x"}}, {"fmt": "made-up"}, {"authData": b"x"}):
        ceremony, options = await site.begin_adding(ada)
        failure = await refused(site.finish_adding(ada, ceremony, Device().create(options, **statement)))
        assert failure.code is Code.INVALID_ARGUMENT


async def test_names_hold_what_can_be_kept_and_shown(site: Site, people: Any) -> None:
    ada, device = await people.join("Ada"), Device()
    for name in ("a\x00b", "two\nlines", "\u202eenohp"):
        ceremony, options = await site.begin_adding(ada)
        failure = await refused(site.finish_adding(ada, ceremony, device.create(options), name))
        assert (failure.code, failure.violations[0][0]) == (Code.INVALID_ARGUMENT, "name")
    assert (await site.add(ada, device, "\u0958" * 80)).name == "\u0915\u093c" * 40
    _, options = await site.begin("a\x00b")  # a name like any other that nobody has
    assert options["allowCredentials"]
    ceremony, options = await site.begin()
    failure = await refused(site.finish(ceremony, device.get(options), device_name="a\x00b"))
    assert (failure.code, failure.violations[0][0]) == (Code.INVALID_ARGUMENT, "device_name")


async def test_the_cookie_form_leaves_the_refresh_token_out(site: Site, people: Any) -> None:
    ada, device = await people.join("Ada"), Device()
    await site.add(ada, device)
    ceremony, options = await site.begin()
    request = pb.FinishPasskeyLoginRequest(
        ceremony_id=ceremony, credential=struct(device.get(options)), use_cookie=True
    )
    call = site.stub.FinishPasskeyLogin(request)
    cookies = [value for key, value in await call.initial_metadata() if key == "set-cookie"]
    answer = await call
    assert answer.access_token and not answer.refresh_token
    (refresh,) = [one for one in cookies if one.startswith("__Host-cine_refresh=")]
    for attribute in ("Secure", "HttpOnly", "SameSite=Strict", "Path=/"):
        assert attribute in refresh
    assert answer.session_id in refresh
    # signed in anew in the same browser, that session is over
    ceremony, options = await site.begin()
    request = pb.FinishPasskeyLoginRequest(
        ceremony_id=ceremony, credential=struct(device.get(options)), use_cookie=True
    )
    await site.stub.FinishPasskeyLogin(request, metadata=(("cookie", refresh.partition(";")[0]),))
    assert (await site.session(answer.session_id)).revoked_at is not None


class TestRemoving:
    async def test_a_passkey_that_is_removed_signs_in_no_more(self, site: Site, people: Any) -> None:
        ada, device = await people.join("Ada", password_hash="some"), Device()
        made = await site.add(ada, device)
        await site.remove(ada, made.passkey_id)
        assert await site.held(ada) == []
        assert told(await refused(site.sign_in(device))) == NOTHING_TOLD
        assert (await refused(site.remove(ada, made.passkey_id))).code is Code.NOT_FOUND

    async def test_removing_wants_a_recent_sign_in(self, site: Site, people: Any, clock: Any) -> None:
        ada = await people.join("Ada", password_hash="some")
        made = await site.add(ada, Device())
        clock.forward(minutes=10.1)
        failure = await refused(site.remove(ada, made.passkey_id))
        assert (failure.code, failure.reason) == (Code.FAILED_PRECONDITION, Reason.RECENT_SIGN_IN_REQUIRED)
        assert len(await site.held(ada)) == 1
        await site.remove(await people.sign_in(await people.account(ada)), made.passkey_id)
        assert await site.held(ada) == []

    async def test_other_peoples_passkeys_are_not_found(self, site: Site, people: Any) -> None:
        ada, bob = await people.join("Ada"), await people.join("Bob")
        made = await site.add(ada, Device())
        missing = await refused(site.remove(bob, "01ARZ3NDEKTSV4RRFFQ69G5FAV"))
        theirs = await refused(site.remove(bob, made.passkey_id))
        assert told(missing) == told(theirs)
        assert theirs.code is Code.NOT_FOUND
        assert await site.held(bob) == [] and len(await site.held(ada)) == 1

    async def test_the_last_way_to_sign_in_stays(self, site: Site, people: Any) -> None:
        ada = await people.join("Ada")
        first, second = await site.add(ada, Device()), await site.add(ada, Device())
        await site.remove(ada, first.passkey_id)
        failure = await refused(site.remove(ada, second.passkey_id))
        assert (failure.code, failure.reason) == (Code.FAILED_PRECONDITION, Reason.LAST_SIGN_IN_METHOD)
        assert len(await site.held(ada)) == 1
        row = {
            "identity_id": "01ARZ3NDEKTSV4RRFFQ69G5FAV",
            "user_id": ada.user_id,
            "provider": "google",
            "issuer": "https://accounts.google.com",
            "subject": "1",
            "label": "",
            "linked_at": dt.datetime.now(dt.UTC),
            "last_used_at": None,
        }
        await site.app.database.write(lambda tx: tx.execute(identities.insert(), row) and None)
        # a provider that is not set up lets nobody in
        assert (await refused(site.remove(ada, second.passkey_id))).reason is Reason.LAST_SIGN_IN_METHOD
        await site.app.database.write(lambda tx: accounts.update(tx, ada.user_id, password_hash="$2b$04$x"))
        await site.remove(ada, second.passkey_id)

    async def test_of_the_last_two_removed_at_once_one_stays(self, site: Site, people: Any) -> None:
        ada = await people.join("Ada")
        held = [await site.add(ada, Device()) for _ in range(2)]
        outcomes = await asyncio.gather(*(site.remove(ada, one.passkey_id) for one in held), return_exceptions=True)
        assert sum(one is None for one in outcomes) == 1
        assert await site.app.database.read(lambda tx: passkeys.count(tx, ada.user_id)) == 1
