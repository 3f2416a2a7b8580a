"""Passkeys over the real server with a device made of software: adding, signing in, refusals, removing."""

from __future__ import annotations

import asyncio
import datetime as dt
import json
from pathlib import Path
from typing import Any

import grpc
import jwt
import pytest
from google.protobuf import json_format, struct_pb2

from cine.identity.v1 import passkeys_pb2 as pb
from cine.identity.v1 import passkeys_pb2_grpc, second_factor_pb2, second_factor_pb2_grpc
from cine_identity.domain.session import Visit
from cine_identity.keys.ring import SigningKey
from cine_identity.settings import IdentitySettings
from cine_identity.store import Transaction, accounts, passkeys, sessions
from cine_identity.store.schema import audit, identities
from cinemesh.errors import CineError, Code, Reason
from cinemesh.keys import new_ed25519_jwk
from cinemesh.rpc_status import failure_of
from cinemesh.testing import Running, settings_for

from .authenticator import Device, b64

NOTHING_TOLD = (
    Code.UNAUTHENTICATED,
    Reason.CREDENTIALS_INVALID,
    "the passkey is not right, or the account is not open",
)


@pytest.fixture
def settings(tmp_path: Path, store_url: str) -> IdentitySettings:
    return settings_for(IdentitySettings, tmp_path, bcrypt_cost=4, database_url=store_url)


@pytest.fixture
def site(identity: Running, clock: Any) -> Site:
    return Site(identity, clock)


class Site:
    """The calls, as a page makes them."""

    def __init__(self, identity: Running, clock: Any) -> None:
        self.app: Any = identity.app
        self.stub = identity.stub(passkeys_pb2_grpc.PasskeyServiceStub)
        self.factor = identity.stub(second_factor_pb2_grpc.SecondFactorServiceStub)
        if not self.app.keys.keys:
            private = dict(new_ed25519_jwk("test"))
            since = clock() - dt.timedelta(days=1)
            self.app.keys.replace([SigningKey("test", {"kid": "test"}, jwt.PyJWK(private), since)])

    async def begin_adding(self, person: Any) -> tuple[str, dict[str, Any]]:
        answer = await self.stub.BeginPasskeyRegistration(
            pb.BeginPasskeyRegistrationRequest(), metadata=person.metadata
        )
        return answer.ceremony_id, json_format.MessageToDict(answer.public_key)

    async def finish_adding(self, person: Any, ceremony: str, credential: dict[str, Any], name: str = "") -> Any:
        request = pb.FinishPasskeyRegistrationRequest(ceremony_id=ceremony, credential=struct(credential), name=name)
        return await self.stub.FinishPasskeyRegistration(request, metadata=person.metadata)

    async def add(self, person: Any, device: Device, name: str = "") -> Any:
        ceremony, options = await self.begin_adding(person)
        return await self.finish_adding(person, ceremony, device.create(options), name)

    async def begin(self, name: str = "", token: str = "") -> tuple[str, dict[str, Any]]:
        request = pb.BeginPasskeyLoginRequest(username=name, second_factor_token=token)
        answer = await self.stub.BeginPasskeyLogin(request)
        return answer.ceremony_id, json_format.MessageToDict(answer.public_key)

    async def finish(self, ceremony: str, credential: dict[str, Any], **more: Any) -> Any:
        request = pb.FinishPasskeyLoginRequest(ceremony_id=ceremony, credential=struct(credential), **more)
        return await self.stub.FinishPasskeyLogin(request, metadata=(("user-agent", "test"),))

    async def sign_in(self, device: Device, name: str = "") -> Any:
        ceremony, options = await self.begin(name)
        return await self.finish(ceremony, device.get(options))

    async def held(self, person: Any) -> list[Any]:
        return list((await self.stub.ListPasskeys(pb.ListPasskeysRequest(), metadata=person.metadata)).passkeys)

    async def remove(self, person: Any, passkey_id: str) -> None:
        await self.stub.DeletePasskey(pb.DeletePasskeyRequest(passkey_id=passkey_id), metadata=person.metadata)

    async def challenge(self, person: Any, method: str = "password") -> str:
        """Returns the token of a sign-in that waits for its second factor."""

        def ask(tx: Transaction) -> str:
            account = accounts.by_id(tx, person.user_id)
            methods = self.app.second_factors.methods(tx, person.user_id)
            token: str = self.app.issuer.challenge(tx, account, method, methods, Visit(device_name="Den")).token
            return token

        token: str = await self.app.database.write(ask)
        return token

    async def session(self, session_id: str) -> Any:
        return await self.app.database.read(lambda tx: sessions.by_id(tx, session_id))

    async def change(self, person: Any, **fields: Any) -> None:
        await self.app.database.write(lambda tx: accounts.update(tx, person.user_id, **fields))

    async def refusals(self) -> list[str]:
        def read(tx: Transaction) -> list[str]:
            rows = tx.execute(audit.select().where(audit.c.outcome != "ok").order_by(audit.c.audit_id))
            return [row.outcome for row in rows]

        found: list[str] = await self.app.database.read(read)
        return found


def struct(document: dict[str, Any]) -> struct_pb2.Struct:
    return json_format.ParseDict(document, struct_pb2.Struct())


async def refused(call: Any) -> CineError:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call
    return failure_of(caught.value)


def told(failure: CineError) -> tuple[Code, Reason, str]:
    return failure.code, failure.reason, failure.message


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
    site: Site, people: Any, clock: Any
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


class TestRemoving:
    async def test_a_passkey_that_is_removed_signs_in_no_more(self, site: Site, people: Any) -> None:
        ada, device = await people.join("Ada", password_hash="some"), Device()
        made = await site.add(ada, device)
        await site.remove(ada, made.passkey_id)
        assert await site.held(ada) == []
        assert told(await refused(site.sign_in(device))) == NOTHING_TOLD
        assert (await refused(site.remove(ada, made.passkey_id))).code is Code.NOT_FOUND

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
        await site.remove(ada, second.passkey_id)

    async def test_of_the_last_two_removed_at_once_one_stays(self, site: Site, people: Any) -> None:
        ada = await people.join("Ada")
        held = [await site.add(ada, Device()) for _ in range(2)]
        outcomes = await asyncio.gather(*(site.remove(ada, one.passkey_id) for one in held), return_exceptions=True)
        assert sum(one is None for one in outcomes) == 1
        assert await site.app.database.read(lambda tx: passkeys.count(tx, ada.user_id)) == 1
