"""Signing in over the real server, on both databases: one answer for everything that is not right, and back-off."""

from __future__ import annotations

import asyncio
import statistics
import time
from pathlib import Path
from typing import Any

import grpc
import pyotp
import pytest
import sqlalchemy as sa

from cine.identity.v1 import auth_pb2 as pb
from cine.identity.v1 import auth_pb2_grpc
from cine_identity.app import IdentityApplication
from cine_identity.domain.hashing import BCRYPT_TAG, Hasher
from cine_identity.settings import IdentitySettings
from cine_identity.store import accounts
from cine_identity.store.schema import audit, throttles
from cinemesh.errors import Code, Reason
from cinemesh.rpc_status import failure_of
from cinemesh.testing import running, settings_for


@pytest.fixture
def settings(tmp_path: Path, store_url: str) -> IdentitySettings:
    return settings_for(IdentitySettings, tmp_path, bcrypt_cost=4, database_url=store_url)


async def outcome(desk: Any, username: str, password: str, at: Any) -> tuple[Any, ...]:
    """Returns everything about a refusal that a client can see, but for the id of the call."""
    call = desk.auth.Login(pb.LoginRequest(username=username, password=password), metadata=at)
    try:
        await call
    except grpc.aio.AioRpcError as error:
        told = failure_of(error)
        headers = tuple(key for key, _ in await call.initial_metadata() or ())
        trailers = tuple(sorted(key for key, _ in error.trailing_metadata() or ()))
        facts = tuple((key, value) for key, value in told.metadata.items() if key != "request_id")
        told_all = (told.code, told.reason, told.message, told.violations, told.retry_after, facts)
        return (*told_all, headers, trailers)
    return ("in",)


class TestSameAnswers:
    async def test_unknown_wrong_unverified_disabled_and_waiting_answer_alike(self, desk: Any) -> None:
        for name in ("Wrong", "Locked", "Closed"):
            await desk.join(name)
        await desk.apply("Fresh")
        closed = (await desk.account("Closed")).user_id
        await desk.app.database.write(lambda tx: accounts.update(tx, closed, disabled=True))
        for _ in range(6):
            await desk.refused(desk.login("Locked", "not this", at=desk.elsewhere))
        seen = {
            "unknown": await outcome(desk, "nobody", desk.password, desk.elsewhere),
            "unknown address": await outcome(desk, "nobody@example.org", desk.password, desk.elsewhere),
            "no such name": await outcome(desk, "x\x00y", desk.password, desk.elsewhere),
            "wrong": await outcome(desk, "Wrong", "not this", desk.elsewhere),
            "unverified": await outcome(desk, "Fresh", desk.password, desk.elsewhere),
            "disabled": await outcome(desk, "Closed", desk.password, desk.elsewhere),
            "waiting": await outcome(desk, "Locked", desk.password, desk.elsewhere),
        }
        assert len(set(seen.values())) == 1, seen
        assert seen["unknown"][:2] == (Code.UNAUTHENTICATED, Reason.CREDENTIALS_INVALID)

    async def test_every_branch_verifies_one_hash_and_writes_alike(self, desk: Any, monkeypatch: Any) -> None:
        await desk.join("Wrong")
        await desk.apply("Fresh")
        await desk.join("Locked")
        for _ in range(6):
            await desk.refused(desk.login("Locked", "not this", at=desk.elsewhere))
        hashed: list[str] = []
        verify = Hasher.verify

        def counted(self: Hasher, password: str, tagged: str | None) -> bool:
            hashed.append("none" if tagged is None else tagged[: len(BCRYPT_TAG)])
            return verify(self, password, tagged)

        monkeypatch.setattr(Hasher, "verify", counted)
        statements: list[str] = []
        seen: dict[str, tuple[int, list[str]]] = {}

        def note(connection: Any, cursor: Any, statement: str, *rest: Any) -> None:
            if "SAVEPOINT" not in statement:  # of the thread that groups commits
                statements.append(statement)

        sa.event.listen(sa.Engine, "before_cursor_execute", note)
        try:
            for name, password in (
                ("nobody", desk.password),
                ("Wrong", "not this"),
                ("Fresh", desk.password),
                ("Locked", desk.password),
            ):
                statements.clear()
                hashed.clear()
                # each from a place of its own, so that no counter is shared
                at = (("x-envoy-external-address", f"203.0.113.{len(seen)}"), desk.elsewhere[1])
                await desk.refused(desk.login(name, password, at=at))
                seen[name] = (len([one for one in hashed if one != "none"]), list(statements))
        finally:
            sa.event.remove(sa.Engine, "before_cursor_execute", note)
        assert {count for count, _ in seen.values()} == {1}
        assert seen["nobody"][1] == seen["Wrong"][1] == seen["Fresh"][1] == seen["Locked"][1]

    async def test_refusals_are_in_the_audit_log_with_their_reason(self, desk: Any) -> None:
        await desk.join("Ada")
        await desk.refused(desk.login("Ada", "not this"))
        await desk.refused(desk.login("nobody", "not this"))
        rows = await desk.app.database.read(
            lambda tx: tx.execute(
                sa.select(audit.c.outcome, audit.c.ip_address).where(audit.c.action == "login.failed")
            ).all()
        )
        assert [tuple(row) for row in rows] == [("wrong password", "192.0.2.10"), ("unknown account", "192.0.2.10")]


class TestBackOff:
    async def test_an_account_waits_from_the_fifth_failure_and_longer_each_time(self, desk: Any, clock: Any) -> None:
        await desk.join("Ada")
        for _ in range(4):
            await desk.refused(desk.login("Ada", "not this", at=desk.elsewhere))
        assert (await desk.login("Ada", at=desk.elsewhere)).access_token  # and starts anew
        for _ in range(5):
            await desk.refused(desk.login("Ada", "not this", at=_place(9)))
        await desk.refused(desk.login("Ada", at=_place(9)))
        clock.forward(seconds=6)
        await desk.refused(desk.login("Ada", "not this", at=_place(9)))  # the sixth: twice as long
        clock.forward(seconds=6)
        await desk.refused(desk.login("Ada", at=_place(9)))
        clock.forward(seconds=5)
        assert (await desk.login("Ada", at=_place(9))).access_token

    async def test_nobody_waits_longer_than_a_quarter_of_an_hour(self, desk: Any, clock: Any) -> None:
        await desk.join("Ada")
        for _ in range(16):
            await desk.refused(desk.login("Ada", "not this", at=_place(1)))
            clock.forward(minutes=15, seconds=1)
        assert (await desk.login("Ada", at=_place(1))).access_token

    async def test_an_address_waits_whatever_names_it_tries(self, desk: Any, clock: Any) -> None:
        await desk.join("Ada")
        for number in range(20):
            await desk.refused(desk.login(f"nobody{number}", "not this", at=_place(3)))
        await desk.refused(desk.login("Ada", at=_place(3)))
        assert (await desk.login("Ada", at=_place(4))).access_token
        clock.forward(seconds=6)
        assert (await desk.login("Ada", at=_place(3))).access_token

    async def test_a_known_device_enters_with_the_right_password(self, desk: Any) -> None:
        await desk.join("Ada")
        await desk.login("Ada", at=desk.home)
        for _ in range(8):
            await desk.refused(desk.login("Ada", "not this", at=desk.elsewhere))
        await desk.refused(desk.login("Ada", at=desk.elsewhere))
        await desk.refused(desk.login("Ada", "not this", at=desk.home))
        assert (await desk.login("Ada", at=desk.home)).access_token

    async def test_a_device_cookie_is_known_wherever_it_goes(self, desk: Any) -> None:
        await desk.join("Ada")
        call = desk.auth.Login(pb.LoginRequest(username="Ada", password=desk.password), metadata=desk.home)
        await call
        cookies = [value for key, value in await call.initial_metadata() if key == "set-cookie"]
        (device,) = [one for one in cookies if one.startswith("__Host-cine_device=")]
        assert "Secure; HttpOnly; SameSite=Strict" in device and "Max-Age=31536000" in device
        for _ in range(8):
            await desk.refused(desk.login("Ada", "not this", at=desk.elsewhere))
        carried = (*_place(77), ("cookie", device.split(";")[0]))
        assert (await desk.login("Ada", at=carried)).access_token
        made_up = (*_place(78), ("cookie", "__Host-cine_device=made-up"))
        for _ in range(8):
            await desk.refused(desk.login("Ada", "not this", at=desk.elsewhere))
        await desk.refused(desk.login("Ada", at=made_up))

    async def test_a_known_device_does_not_guess_for_ever(self, desk: Any) -> None:
        await desk.join("Ada")
        await desk.login("Ada", at=desk.home)
        for number in range(5):
            # a new cookie each time starts no new counter
            at = (*desk.home, ("cookie", f"__Host-cine_device=made-up-{number}"))
            await desk.refused(desk.login("Ada", "not this", at=at))
        await desk.refused(desk.login("Ada", at=desk.home))

    async def test_a_volley_gets_no_more_guesses_than_one_after_the_other(self, desk: Any) -> None:
        await desk.join("Ada")
        guesses = [desk.login("Ada", f"guess {n}", at=desk.elsewhere) for n in range(9)]
        await asyncio.gather(*guesses, return_exceptions=True)
        of_accounts = sa.select(throttles.c.failures).where(throttles.c.key.startswith("account:"))
        counted = await desk.app.database.read(lambda tx: tx.execute(of_accounts).scalars().all())
        assert counted == [5]  # those after the fifth were kept waiting, whatever they guessed

    async def test_back_off_survives_a_restart(self, settings: IdentitySettings, desk: Any, clock: Any) -> None:
        await desk.join("Ada")
        for _ in range(6):
            await desk.refused(desk.login("Ada", "not this", at=desk.elsewhere))
        kind = type(desk)
        await desk.app.database.close()
        async with running(IdentityApplication(settings, clock=clock)) as server:
            again = kind(server)
            await again.refused(again.login("Ada", at=again.elsewhere))
            clock.forward(minutes=1)
            assert (await again.login("Ada", at=again.elsewhere)).access_token

    async def test_mail_proves_the_owner_and_ends_the_wait(self, desk: Any) -> None:
        await desk.join("Ada")
        for _ in range(6):
            await desk.refused(desk.login("Ada", "not this", at=desk.elsewhere))
        await desk.auth.ForgotPassword(pb.ForgotPasswordRequest(email="ada@example.org"))
        await desk.answer_wishes()
        token = desk.letters_of("reset_password")[0].facts["token"]
        await desk.auth.ResetPassword(pb.ResetPasswordRequest(token=token, password="another quiet meadow"))
        assert (await desk.login("Ada", "another quiet meadow", at=desk.elsewhere)).access_token


def _place(number: int) -> tuple[tuple[str, str], ...]:
    return (("x-envoy-external-address", f"203.0.113.{number}"), ("x-original-user-agent", "curl/8.5.0"))


class TestEntering:
    async def test_what_a_sign_in_gives(self, desk: Any) -> None:
        await desk.join("Ada")
        tokens = await desk.login("Ada", device_name="Kitchen tablet")
        assert tokens.token_type == "bearer" and 0 < tokens.expires_in <= 600
        assert tokens.refresh_expires_in > 24 * 3600 and not tokens.second_factor_required
        me = await desk.me(tokens)
        assert (me.username, me.user_id, me.has_password, me.second_factor_enabled) == (
            "Ada",
            tokens.user_id,
            True,
            False,
        )

    async def test_the_refresh_token_goes_into_the_cookie_on_demand(self, desk: Any) -> None:
        await desk.join("Ada")
        request = pb.LoginRequest(email="ada@example.org", password=desk.password, use_cookie=True)
        call = desk.auth.Login(request, metadata=desk.home)
        tokens = await call
        cookies = [value for key, value in await call.initial_metadata() if key == "set-cookie"]
        (refresh,) = [one for one in cookies if one.startswith("__Host-cine_refresh=")]
        assert tokens.refresh_token == "" and "; Secure; HttpOnly; SameSite=Strict" in refresh and "; Path=/" in refresh

    async def test_a_new_device_is_told_of_by_mail_but_not_the_first_one(self, desk: Any) -> None:
        await desk.join("Ada")
        await desk.login("Ada", at=desk.home)
        await desk.login("Ada", at=desk.home)
        assert desk.letters_of("new_sign_in") == []
        await desk.login("Ada", at=desk.elsewhere)
        (letter,) = desk.letters_of("new_sign_in")
        assert (letter.to, letter.facts["ip_address"]) == ("ada@example.org", "198.51.100.7")

    async def test_a_hash_made_in_another_way_is_renewed_at_sign_in(
        self, settings: IdentitySettings, desk: Any, clock: Any
    ) -> None:
        await desk.join("Ada")
        kind = type(desk)
        await desk.app.database.close()
        changed = settings.model_copy(update={"password_scheme": "argon2id"})
        async with running(IdentityApplication(changed, clock=clock)) as server:
            again = kind(server)
            await again.refused(again.login("Ada", "not this"))
            assert (await again.account("Ada")).password_hash.startswith("$cine-b1$")
            assert (await again.login("Ada")).access_token
            assert (await again.account("Ada")).password_hash.startswith("$cine-a1$")
            assert (await again.login("Ada")).access_token

    async def test_surplus_is_refused_at_once(self, tmp_path: Path, sqlite_url: str, clock: Any) -> None:
        settings = settings_for(IdentitySettings, tmp_path / "own", bcrypt_cost=11, hash_queue=2)
        async with running(IdentityApplication(settings, clock=clock)) as server:
            auth = server.stub(auth_pb2_grpc.AuthServiceStub)
            refusals: list[tuple[float, Any]] = []

            async def attempt(number: int) -> None:
                began = time.perf_counter()
                try:
                    await auth.Login(pb.LoginRequest(username=f"nobody{number}", password="x"))
                except grpc.aio.AioRpcError as error:
                    refusals.append((time.perf_counter() - began, failure_of(error)))

            await attempt(-1)  # what a process does once only is done
            refusals.clear()
            await asyncio.gather(*(attempt(n) for n in range(20)))
        surplus = [(took, told) for took, told in refusals if told.code is Code.RESOURCE_EXHAUSTED]
        assert len(surplus) == 17
        assert all(told.retry_after >= 1 for _, told in surplus)
        hashed = [took for took, told in refusals if told.code is not Code.RESOURCE_EXHAUSTED]
        assert statistics.median(took for took, _ in surplus) < min(hashed), "it waited for somebody's hash"


class TestSecondFactor:
    @pytest.fixture
    async def app_of_ada(self, desk: Any) -> pyotp.TOTP:
        """Ada has an authenticator app."""
        from cine_identity.domain.totp import NO_STEP, Authenticator, new_secret
        from cine_identity.store import totp as totp_rows

        await desk.join("Ada")
        user_id, secret = (await desk.account("Ada")).user_id, new_secret()
        sealed = desk.app.vault.seal(secret.encode(), "totp", user_id)
        one = Authenticator(user_id, sealed, NO_STEP, desk.app.clock())
        await desk.app.database.write(lambda tx: totp_rows.insert(tx, one))
        return pyotp.TOTP(secret)

    async def test_the_password_alone_gives_a_challenge(self, desk: Any, app_of_ada: pyotp.TOTP) -> None:
        challenge = await desk.login("Ada", device_name="Kitchen tablet")
        assert challenge.second_factor_required and not challenge.access_token and not challenge.refresh_token
        assert list(challenge.second_factor_methods) == ["totp"]
        code = app_of_ada.at(int(desk.app.clock().timestamp()))
        wrong = f"{(int(code) + 1) % 10**6:06d}"

        async def show(code: str) -> Any:
            request = pb.VerifySecondFactorRequest(second_factor_token=challenge.second_factor_token, code=code)
            return await desk.auth.VerifySecondFactor(request, metadata=desk.home)

        failure = await desk.refused(show(wrong))
        assert (failure.code, failure.reason) == (Code.UNAUTHENTICATED, Reason.SECOND_FACTOR_INVALID)
        tokens = await show(code)
        assert (await desk.me(tokens)).second_factor_enabled
        failure = await desk.refused(show(code))  # the attempt is over
        assert failure.reason is Reason.TICKET_INVALID

    async def test_an_attempt_lapses_and_dies_of_wrong_codes(
        self, desk: Any, app_of_ada: pyotp.TOTP, clock: Any
    ) -> None:
        async def show(challenge: Any, code: str) -> Any:
            request = pb.VerifySecondFactorRequest(second_factor_token=challenge.second_factor_token, code=code)
            return await desk.auth.VerifySecondFactor(request, metadata=desk.home)

        late = await desk.login("Ada")
        clock.forward(minutes=5, seconds=1)
        code = app_of_ada.at(int(clock().timestamp()))
        assert (await desk.refused(show(late, code))).reason is Reason.TICKET_INVALID
        guessed = await desk.login("Ada")
        wrong = f"{(int(code) + 1) % 10**6:06d}"
        reasons = [(await desk.refused(show(guessed, wrong))).reason for _ in range(6)]
        assert reasons[:5] == [Reason.SECOND_FACTOR_INVALID] * 5
        assert reasons[5] in (Reason.TICKET_INVALID, Reason.RATE_LIMITED)
