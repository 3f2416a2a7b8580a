"""New passwords over the real server, on both databases."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from cine.identity.v1 import auth_pb2 as pb
from cine_identity.settings import IdentitySettings
from cine_identity.store import accounts
from cinemesh.errors import Code, Reason
from cinemesh.testing import settings_for

NEW = "another quiet meadow"


@pytest.fixture
def settings(tmp_path: Path, store_url: str) -> IdentitySettings:
    return settings_for(IdentitySettings, tmp_path, bcrypt_cost=4, database_url=store_url)


async def forgot(desk: Any, email: str = "ada@example.org") -> Any:
    answer = await desk.auth.ForgotPassword(pb.ForgotPasswordRequest(email=email))
    await desk.answer_wishes()
    return answer


async def link(desk: Any) -> str:
    await forgot(desk)
    return str(desk.letters_of("reset_password")[-1].facts["token"])


async def reset(desk: Any, token: str, password: str = NEW) -> Any:
    return await desk.auth.ResetPassword(pb.ResetPasswordRequest(token=token, password=password))


async def change(desk: Any, tokens: Any, current: str, new: str = NEW) -> Any:
    request = pb.ChangePasswordRequest(current_password=current, new_password=new)
    return await desk.auth.ChangePassword(request, metadata=desk.bearer(tokens.access_token))


class TestReset:
    async def test_sets_the_password_and_ends_every_session(self, desk: Any) -> None:
        await desk.join("Ada")
        sessions = [await desk.login("Ada"), await desk.login("Ada")]
        token = await link(desk)
        assert (await reset(desk, token)).sessions_revoked == 2
        for one in sessions:
            assert (await desk.refused(desk.me(one))).reason is Reason.TOKEN_REVOKED
            assert (await desk.refused(desk.refresh(one.refresh_token))).reason is Reason.TOKEN_REVOKED
        assert (await desk.refused(desk.login("Ada"))).reason is Reason.CREDENTIALS_INVALID
        assert (await desk.me(await desk.login("Ada", NEW))).username == "Ada"
        assert [one.to for one in desk.letters_of("password_changed")] == ["ada@example.org"]

    async def test_a_link_is_good_once_and_for_an_hour_and_only_the_newest(self, desk: Any, clock: Any) -> None:
        await desk.join("Ada")
        first = await link(desk)
        second = await link(desk)
        assert (await desk.refused(reset(desk, first))).reason is Reason.TICKET_INVALID
        await reset(desk, second)
        failure = await desk.refused(reset(desk, second))
        assert (failure.code, failure.reason) == (Code.FAILED_PRECONDITION, Reason.TICKET_INVALID)
        third = await link(desk)
        clock.forward(hours=1, seconds=1)
        assert (await desk.refused(reset(desk, third))).reason is Reason.TICKET_INVALID

    async def test_of_ten_who_use_a_link_at_once_one_does(self, desk: Any) -> None:
        await desk.join("Ada")
        token = await link(desk)
        results = await asyncio.gather(
            *(reset(desk, token, f"quiet meadow number {n}") for n in range(10)), return_exceptions=True
        )
        done = [n for n, one in enumerate(results) if isinstance(one, pb.ResetPasswordResponse)]
        assert len(done) == 1
        assert (await desk.login("Ada", f"quiet meadow number {done[0]}")).access_token

    async def test_a_weak_password_leaves_the_link_good(self, desk: Any) -> None:
        await desk.join("Ada", display_name="Augusta King")
        token = await link(desk)
        for weak in ("password1", "augustaking1", "Ada-1815!"):
            failure = await desk.refused(reset(desk, token, weak))
            assert (failure.code, failure.reason) == (Code.INVALID_ARGUMENT, Reason.PASSWORD_WEAK)
            assert [field for field, _ in failure.violations] == ["password"]
        await reset(desk, token)

    async def test_every_address_is_answered_alike_and_only_open_accounts_get_mail(self, desk: Any) -> None:
        await desk.join("Ada")
        await desk.join("Closed")
        closed = (await desk.account("Closed")).user_id
        await desk.app.database.write(lambda tx: accounts.update(tx, closed, disabled=True))
        emails = ("ada@example.org", "closed@example.org", "nobody@example.org")
        assert len({(await forgot(desk, email)).SerializeToString() for email in emails}) == 1
        assert [one.to for one in desk.letters_of("reset_password")] == ["ada@example.org"]

    async def test_an_account_without_a_password_may_get_one(self, desk: Any, people: Any) -> None:
        await people.join("Ada")
        await reset(desk, await link(desk))
        assert (await desk.login("Ada", NEW)).access_token

    async def test_devices_of_before_are_strangers(self, desk: Any) -> None:
        await desk.join("Ada")
        await desk.login("Ada", at=desk.home)
        await reset(desk, await link(desk))
        for _ in range(6):
            await desk.refused(desk.login("Ada", "not this", at=desk.elsewhere))
        await desk.refused(desk.login("Ada", NEW, at=desk.home))

    async def test_a_sign_in_that_waited_for_its_second_factor_is_over(self, desk: Any) -> None:
        await desk.join("Ada")
        account = await desk.account("Ada")
        from cine_identity.domain.session import Visit

        challenge = await desk.app.database.write(
            lambda tx: desk.app.issuer.challenge(tx, account, "password", ("totp",), Visit())
        )
        await reset(desk, await link(desk))
        request = pb.VerifySecondFactorRequest(second_factor_token=challenge.token, code="123456")
        failure = await desk.refused(desk.auth.VerifySecondFactor(request))
        assert failure.reason is Reason.TICKET_INVALID


class TestChange:
    async def test_knowing_the_old_one_ends_every_other_session(self, desk: Any) -> None:
        await desk.join("Ada")
        other, here = await desk.login("Ada"), await desk.login("Ada")
        assert (await change(desk, here, desk.password)).sessions_revoked == 1
        assert (await desk.refused(desk.me(other))).reason is Reason.TOKEN_REVOKED
        assert (await desk.me(here)).username == "Ada"
        assert (await desk.me(await desk.refresh(here.refresh_token))).username == "Ada"
        await desk.refused(desk.login("Ada"))
        assert (await desk.login("Ada", NEW)).access_token
        assert [one.to for one in desk.letters_of("password_changed")] == ["ada@example.org"]

    async def test_a_wrong_one_is_refused_and_guesses_wait(self, desk: Any, clock: Any) -> None:
        await desk.join("Ada")
        here = await desk.login("Ada")
        for guess in ("", "not this", "nor this", "nor that", "none of them"):
            failure = await desk.refused(change(desk, here, guess))
            assert (failure.code, failure.reason) == (Code.UNAUTHENTICATED, Reason.CREDENTIALS_INVALID)
            assert [field for field, _ in failure.violations] == ["current_password"]
        failure = await desk.refused(change(desk, here, desk.password))
        assert failure.code is Code.RESOURCE_EXHAUSTED and 0 < (failure.retry_after or 0) <= 5
        clock.forward(seconds=6)
        assert (await change(desk, here, desk.password)).sessions_revoked == 0

    async def test_a_weak_new_one_is_refused_and_the_old_one_stays(self, desk: Any) -> None:
        await desk.join("Ada")
        here = await desk.login("Ada")
        failure = await desk.refused(change(desk, here, desk.password, "password123"))
        assert failure.reason is Reason.PASSWORD_WEAK
        assert [field for field, _ in failure.violations] == ["new_password"]
        assert (await desk.login("Ada")).access_token

    async def test_without_a_password_a_recent_sign_in_does(self, desk: Any, people: Any, clock: Any) -> None:
        ada = await people.join("Ada")

        async def set_one() -> Any:
            return await desk.auth.ChangePassword(pb.ChangePasswordRequest(new_password=NEW), metadata=ada.metadata)

        clock.forward(minutes=11)
        failure = await desk.refused(set_one())
        assert (failure.code, failure.reason) == (Code.FAILED_PRECONDITION, Reason.RECENT_SIGN_IN_REQUIRED)
        clock.forward(minutes=-11)
        await set_one()
        assert (await desk.login("Ada", NEW)).access_token

    async def test_two_at_once_do_not_both_win(self, desk: Any) -> None:
        await desk.join("Ada")
        one, two = await desk.login("Ada"), await desk.login("Ada")
        results = await asyncio.gather(
            change(desk, one, desk.password, "quiet meadow number one"),
            change(desk, two, desk.password, "quiet meadow number two"),
            return_exceptions=True,
        )
        assert sum(isinstance(result, pb.ChangePasswordResponse) for result in results) == 1
