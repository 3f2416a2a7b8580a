"""The second factor over the real server: enrolling, confirming, codes that are spent, throttling, turning it off."""

from __future__ import annotations

import asyncio
import datetime as dt
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import grpc
import pyotp
import pytest

from cine.identity.v1 import second_factor_pb2 as pb
from cine.identity.v1 import second_factor_pb2_grpc
from cine_identity.app import IdentityApplication
from cine_identity.domain.hashing import Hasher
from cine_identity.settings import IdentitySettings
from cine_identity.store import Transaction, letters, throttles
from cine_identity.store.schema import audit
from cinemesh.errors import CineError, Code, Reason
from cinemesh.rpc_status import failure_of
from cinemesh.testing import Running, running, settings_for

PASSWORD = "a rose is a rose"


@pytest.fixture
def settings(tmp_path: Path, store_url: str) -> IdentitySettings:
    return settings_for(IdentitySettings, tmp_path, bcrypt_cost=4, database_url=store_url)


@pytest.fixture
def factor(identity: Running) -> Any:
    return identity.stub(second_factor_pb2_grpc.SecondFactorServiceStub)


async def refused(call: Any) -> CineError:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call
    return failure_of(caught.value)


async def enrol(factor: Any, person: Any, clock: Any) -> tuple[pyotp.TOTP, list[str]]:
    """Turns the second factor on; returns the app and the recovery codes."""
    made = await factor.EnrolTotp(pb.EnrolTotpRequest(), metadata=person.metadata)
    app = pyotp.TOTP(made.secret)
    answer = await factor.ConfirmTotp(pb.ConfirmTotpRequest(code=app.at(clock())), metadata=person.metadata)
    return app, list(answer.recovery_codes)


async def state(factor: Any, person: Any) -> tuple[bool, int, int]:
    answer = await factor.GetSecondFactor(pb.GetSecondFactorRequest(), metadata=person.metadata)
    return answer.totp_enabled, answer.recovery_codes_left, answer.passkey_count


async def written(identity: Running) -> list[tuple[str, str]]:
    """Returns action and outcome of every audit entry about factors, first first."""
    app: Any = identity.app

    def read(tx: Transaction) -> list[tuple[str, str]]:
        rows = tx.execute(audit.select().order_by(audit.c.audit_id)).mappings()
        return [(row["action"], row["outcome"]) for row in rows if row["action"] != "login"]

    found: list[tuple[str, str]] = await app.database.read(read)
    return found


async def mailed(identity: Running) -> list[str]:
    """Returns the templates of the letters that wait, first first."""
    app: Any = identity.app

    def read(tx: Transaction) -> list[str]:
        from cine_identity.store.schema import letters as table

        rows = tx.execute(table.select().order_by(table.c.letter_id)).mappings()
        queued = [letters.QueuedLetter(row["letter_id"], row["sealed"], 0, row["created_at"]) for row in rows]
        return [app.post.open(one).template for one in queued]

    found: list[str] = await app.database.read(read)
    return found


def wrong(app: pyotp.TOTP, clock: Any, skip: int = 0) -> str:
    near = {app.at(clock() + dt.timedelta(seconds=30 * step)) for step in range(-3, 4)}
    return [code for code in (f"{number:06d}" for number in range(30)) if code not in near][skip]


async def test_nothing_changes_until_the_first_code_is_shown(
    identity: Running, factor: Any, people: Any, clock: Any
) -> None:
    ada = await people.join("Ada")
    assert await state(factor, ada) == (False, 0, 0)
    made = await factor.EnrolTotp(pb.EnrolTotpRequest(), metadata=ada.metadata)
    assert 0 < made.expires_in <= 600
    assert parse_qs(urlsplit(made.otpauth_uri).query)["secret"] == [made.secret]
    assert await state(factor, ada) == (False, 0, 0)
    app = pyotp.TOTP(made.secret)
    failure = await refused(factor.ConfirmTotp(pb.ConfirmTotpRequest(code=wrong(app, clock)), metadata=ada.metadata))
    assert (failure.code, failure.reason) == (Code.UNAUTHENTICATED, Reason.SECOND_FACTOR_INVALID)
    assert failure.violations[0][0] == "code"
    answer = await factor.ConfirmTotp(pb.ConfirmTotpRequest(code=app.at(clock())), metadata=ada.metadata)
    assert len(set(answer.recovery_codes)) == 10
    assert await state(factor, ada) == (True, 10, 0)
    assert await written(identity) == [
        ("second_factor.enrol", "ok"),
        ("second_factor.on", "wrong code"),
        ("second_factor.on", "ok"),
    ]
    assert await mailed(identity) == ["second_factor_on"]


async def test_secret_and_codes_lie_sealed_in_the_store(
    identity: Running, factor: Any, people: Any, clock: Any
) -> None:
    ada = await people.join("Ada")
    made = await factor.EnrolTotp(pb.EnrolTotpRequest(), metadata=ada.metadata)
    app: Any = identity.app

    def everything(tx: Transaction) -> str:
        from cine_identity.store.schema import metadata

        return repr([tx.execute(table.select()).all() for table in metadata.sorted_tables])

    assert made.secret not in await app.database.read(everything)
    code = pyotp.TOTP(made.secret).at(clock())
    answer = await factor.ConfirmTotp(pb.ConfirmTotpRequest(code=code), metadata=ada.metadata)
    kept = await app.database.read(everything)
    assert made.secret not in kept
    for code in answer.recovery_codes:
        assert code not in kept and code.replace("-", "") not in kept


async def test_an_enrolment_lapses_belongs_to_its_session_and_dies_after_five_wrong_codes(
    factor: Any, people: Any, clock: Any
) -> None:
    ada = await people.join("Ada")
    elsewhere = await people.sign_in(await people.account(ada))

    async def outcome(app: pyotp.TOTP, person: Any, code: str = "") -> Reason:
        request = pb.ConfirmTotpRequest(code=code or app.at(clock()))
        return (await refused(factor.ConfirmTotp(request, metadata=person.metadata))).reason

    async def begun() -> pyotp.TOTP:
        return pyotp.TOTP((await factor.EnrolTotp(pb.EnrolTotpRequest(), metadata=ada.metadata)).secret)

    first = await begun()
    assert await outcome(first, elsewhere) is Reason.TICKET_INVALID
    second = await begun()
    assert await outcome(first, ada) is Reason.SECOND_FACTOR_INVALID  # the newer secret took its place
    for _ in range(4):
        assert await outcome(second, ada, wrong(second, clock)) is Reason.SECOND_FACTOR_INVALID
    assert await outcome(second, ada) is Reason.TICKET_INVALID
    third = await begun()
    clock.forward(minutes=9.9)
    assert await outcome(third, ada, wrong(third, clock)) is Reason.SECOND_FACTOR_INVALID
    clock.forward(minutes=0.2)
    assert await outcome(third, ada) is Reason.TICKET_INVALID


async def test_without_a_password_enrolling_wants_a_sign_in_of_the_last_ten_minutes(
    factor: Any, people: Any, clock: Any
) -> None:
    ada = await people.join("Ada")
    clock.forward(minutes=10.1)
    failure = await refused(factor.EnrolTotp(pb.EnrolTotpRequest(), metadata=ada.metadata))
    assert (failure.code, failure.reason) == (Code.FAILED_PRECONDITION, Reason.RECENT_SIGN_IN_REQUIRED)


async def test_a_code_is_never_accepted_twice_also_after_a_restart(
    settings: IdentitySettings, clock: Any, people: Any, factor: Any, identity: Running
) -> None:
    ada = await people.join("Ada")
    app, _ = await enrol(factor, ada, clock)
    spent = app.at(clock())
    request = pb.ReplaceRecoveryCodesRequest(code=spent)
    assert (await refused(factor.ReplaceRecoveryCodes(request, metadata=ada.metadata))).reason is (
        Reason.SECOND_FACTOR_INVALID
    )
    clock.forward(seconds=30)
    fresh = pb.ReplaceRecoveryCodesRequest(code=app.at(clock()))
    await factor.ReplaceRecoveryCodes(fresh, metadata=ada.metadata)
    await identity.server.stop()
    async with running(IdentityApplication(settings, clock=clock)) as again:
        stub = again.stub(second_factor_pb2_grpc.SecondFactorServiceStub)
        failure = await refused(stub.ReplaceRecoveryCodes(fresh, metadata=ada.metadata))
        assert failure.reason is Reason.SECOND_FACTOR_INVALID
        earlier = pb.ReplaceRecoveryCodesRequest(code=spent)
        assert (await refused(stub.ReplaceRecoveryCodes(earlier, metadata=ada.metadata))).reason is (
            Reason.SECOND_FACTOR_INVALID
        )
        assert await state(stub, ada) == (True, 10, 0)


async def test_five_wrong_codes_in_a_row_wait_longer_each_time(
    identity: Running, factor: Any, people: Any, clock: Any
) -> None:
    ada = await people.join("Ada")
    app, codes = await enrol(factor, ada, clock)
    clock.forward(seconds=60)

    async def attempt(code: str) -> CineError:
        return await refused(factor.DisableTotp(pb.DisableTotpRequest(code=code), metadata=ada.metadata))

    for number in range(5):
        assert (await attempt(wrong(app, clock, number))).reason is Reason.SECOND_FACTOR_INVALID
    failure = await attempt(app.at(clock()))
    assert (failure.code, failure.reason) == (Code.RESOURCE_EXHAUSTED, Reason.RATE_LIMITED)
    assert failure.retry_after is not None and 4 < failure.retry_after <= 5
    clock.forward(seconds=6)
    assert (await attempt(wrong(app, clock))).reason is Reason.SECOND_FACTOR_INVALID
    failure = await attempt(app.at(clock()))
    assert failure.retry_after is not None and 9 < failure.retry_after <= 10
    # a stranger who guesses does not keep the owner out
    await factor.DisableTotp(pb.DisableTotpRequest(recovery_code=codes[3].upper()), metadata=ada.metadata)
    assert await state(factor, ada) == (False, 0, 0)


async def test_a_right_code_forgives_the_wrong_ones_before(factor: Any, people: Any, clock: Any) -> None:
    ada = await people.join("Ada")
    app, _ = await enrol(factor, ada, clock)
    for _ in range(3):
        for number in range(4):
            request = pb.ReplaceRecoveryCodesRequest(code=wrong(app, clock, number))
            failure = await refused(factor.ReplaceRecoveryCodes(request, metadata=ada.metadata))
            assert failure.reason is Reason.SECOND_FACTOR_INVALID
        clock.forward(seconds=30)
        request = pb.ReplaceRecoveryCodesRequest(code=app.at(clock()))
        await factor.ReplaceRecoveryCodes(request, metadata=ada.metadata)


async def test_new_recovery_codes_kill_the_old_ones(identity: Running, factor: Any, people: Any, clock: Any) -> None:
    ada = await people.join("Ada")
    app, old = await enrol(factor, ada, clock)
    clock.forward(seconds=30)
    request = pb.ReplaceRecoveryCodesRequest(code=app.at(clock()))
    new = list((await factor.ReplaceRecoveryCodes(request, metadata=ada.metadata)).recovery_codes)
    assert len(set(new)) == 10 and not set(new) & set(old)
    for code in old:
        request = pb.DisableTotpRequest(recovery_code=code)
        failure = await refused(factor.DisableTotp(request, metadata=ada.metadata))
        assert failure.reason is Reason.SECOND_FACTOR_INVALID
        assert failure.violations[0][0] == "recovery_code"
    assert await state(factor, ada) == (True, 10, 0)
    await factor.DisableTotp(pb.DisableTotpRequest(recovery_code=new[0]), metadata=ada.metadata)
    assert await state(factor, ada) == (False, 0, 0)
    assert await mailed(identity) == ["second_factor_on", "recovery_codes_replaced", "second_factor_off"]


async def test_what_is_on_is_not_enrolled_again_and_what_is_off_is_not_turned_off(
    factor: Any, people: Any, clock: Any
) -> None:
    ada = await people.join("Ada")
    other = await people.sign_in(await people.account(ada))
    waiting = await factor.EnrolTotp(pb.EnrolTotpRequest(), metadata=other.metadata)
    app, _ = await enrol(factor, ada, clock)
    failure = await refused(factor.EnrolTotp(pb.EnrolTotpRequest(), metadata=ada.metadata))
    assert failure.code is Code.FAILED_PRECONDITION
    request = pb.ConfirmTotpRequest(code=pyotp.TOTP(waiting.secret).at(clock()))
    failure = await refused(factor.ConfirmTotp(request, metadata=other.metadata))
    assert failure.code is Code.FAILED_PRECONDITION
    clock.forward(seconds=30)
    await factor.DisableTotp(pb.DisableTotpRequest(code=app.at(clock())), metadata=ada.metadata)
    clock.forward(seconds=30)
    failure = await refused(factor.DisableTotp(pb.DisableTotpRequest(code=app.at(clock())), metadata=ada.metadata))
    assert (failure.code, failure.reason) == (Code.FAILED_PRECONDITION, Reason.FAILED_PRECONDITION)


async def test_another_persons_app_proves_nothing(factor: Any, people: Any, clock: Any) -> None:
    ada, bob = await people.join("Ada"), await people.join("Bob")
    _, codes = await enrol(factor, ada, clock)
    app, _ = await enrol(factor, bob, clock)
    clock.forward(seconds=30)
    for request in (pb.DisableTotpRequest(code=app.at(clock())), pb.DisableTotpRequest(recovery_code=codes[0])):
        person = ada if request.code else bob
        failure = await refused(factor.DisableTotp(request, metadata=person.metadata))
        assert failure.reason is Reason.SECOND_FACTOR_INVALID


async def test_either_a_code_or_a_recovery_code(factor: Any, people: Any) -> None:
    ada = await people.join("Ada")
    for request in (pb.DisableTotpRequest(), pb.DisableTotpRequest(code="123456", recovery_code="x")):
        assert (await refused(factor.DisableTotp(request, metadata=ada.metadata))).code is Code.INVALID_ARGUMENT
    failure = await refused(factor.ConfirmTotp(pb.ConfirmTotpRequest(code="12345"), metadata=ada.metadata))
    assert failure.violations[0][0] == "code"


class TestWithAPassword:
    """What an account with a password must show before it may enrol."""

    async def test_the_password_is_asked_for_and_guesses_wait(
        self, identity: Running, factor: Any, people: Any, clock: Any
    ) -> None:
        app: Any = identity.app
        hasher = Hasher(app.vault.pepper, "bcrypt", 4)
        ada = await people.join("Ada", password_hash=await asyncio.to_thread(hasher.hash, PASSWORD))
        clock.forward(hours=1)  # a password does instead of a recent sign-in

        async def attempt(password: str) -> CineError:
            return await refused(factor.EnrolTotp(pb.EnrolTotpRequest(password=password), metadata=ada.metadata))

        for password in ("", "wrong", "a rose is a ros", PASSWORD.upper()):
            failure = await attempt(password)
            assert (failure.code, failure.reason) == (Code.UNAUTHENTICATED, Reason.CREDENTIALS_INVALID)
            assert failure.violations[0][0] == "password"
        made = await factor.EnrolTotp(pb.EnrolTotpRequest(password=PASSWORD), metadata=ada.metadata)
        assert made.secret
        for _ in range(5):
            assert (await attempt("wrong")).reason is Reason.CREDENTIALS_INVALID
        failure = await attempt(PASSWORD)
        assert failure.code is Code.RESOURCE_EXHAUSTED
        assert failure.retry_after is not None and failure.retry_after > 4
        clock.forward(seconds=6)
        await factor.EnrolTotp(pb.EnrolTotpRequest(password=PASSWORD), metadata=ada.metadata)
        since = dt.datetime(2000, 1, 1, tzinfo=dt.UTC)
        assert await app.database.read(lambda tx: throttles.failures(tx, f"proof:{ada.user_id}", since)) == 0
