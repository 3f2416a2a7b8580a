"""Registering and verifying over the real server, on both databases."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from cine.identity.v1 import auth_pb2 as pb
from cine_identity.domain.account import State
from cine_identity.settings import IdentitySettings
from cine_identity.store.schema import tickets as ticket_rows
from cinemesh.db import mesh_tables
from cinemesh.errors import Code, Reason
from cinemesh.testing import settings_for


@pytest.fixture
def settings(tmp_path: Path, store_url: str) -> IdentitySettings:
    return settings_for(IdentitySettings, tmp_path, bcrypt_cost=4, database_url=store_url)


async def event_types(desk: Any) -> list[str]:
    rows = await desk.app.database.read(lambda tx: tx.execute(sa.select(mesh_tables.outbox.c.type)).scalars().all())
    return [row.rpartition(".")[2] for row in rows]


class TestRegister:
    async def test_an_account_waits_until_its_address_is_verified(self, desk: Any) -> None:
        answer = await desk.apply("Ada", display_name="Ada L.", locale="pt-BR")
        assert (answer.username, answer.email, answer.email_verified) == ("Ada", "ada@example.org", False)
        assert list(answer.roles) == ["user"]
        (letter,) = desk.letters_of("verify_email", "ada@example.org")
        assert letter.locale == "pt-BR" and re.fullmatch(r"\d{6}", letter.facts["code"])
        failure = await desk.refused(desk.login("Ada"))
        assert (failure.code, failure.reason) == (Code.UNAUTHENTICATED, Reason.CREDENTIALS_INVALID)
        verified = await desk.auth.VerifyEmail(pb.VerifyEmailRequest(token=letter.facts["token"]))
        assert verified.email_verified and verified.user_id == answer.user_id
        assert (await desk.login("ada")).access_token
        assert (await desk.login("ADA@Example.org")).access_token  # an @ says that it is an address
        assert (await event_types(desk)) == ["UserRegistered", "EmailVerified"]

    async def test_neither_password_nor_token_lies_in_the_store(self, desk: Any) -> None:
        await desk.apply("Ada")
        facts = desk.letters_of("verify_email")[0].facts
        account = await desk.account("Ada")
        rows = await desk.app.database.read(lambda tx: [tuple(row) for row in tx.execute(sa.select(ticket_rows))])
        assert desk.password not in repr(account) and desk.password not in repr(rows)
        assert facts["token"] not in repr(rows) and f"'{facts['code']}'" not in repr(rows)

    async def test_an_address_that_has_an_account_gets_the_same_answer_and_its_owner_a_letter(self, desk: Any) -> None:
        await desk.join("Ada")
        fresh = await desk.apply("Babbage", email="charles@example.org")
        again = await desk.apply("Lovelace", email="Ada@Example.org")
        for answer in (fresh, again):
            assert len(answer.user_id) == 26 and not answer.email_verified and list(answer.roles) == ["user"]
        assert (again.username, again.email) == ("Lovelace", "Ada@Example.org")
        assert again.user_id != (await desk.account("Ada")).user_id
        assert [letter.to for letter in desk.letters_of("already_registered")] == ["ada@example.org"]
        assert await desk.account("Lovelace") is None

    async def test_a_name_used_with_a_known_address_is_taken_as_a_new_ones_would_be(
        self, desk: Any, clock: Any
    ) -> None:
        await desk.join("Ada")
        await desk.apply("Lovelace", email="ada@example.org")
        for username in ("Lovelace", "LOVELACE", "ada"):
            failure = await desk.refused(desk.apply(username, email="else@example.org"))
            assert (failure.code, failure.reason) == (Code.ALREADY_EXISTS, Reason.ALREADY_EXISTS)
            assert [field for field, _ in failure.violations] == ["username"]
        clock.forward(hours=25)
        assert (await desk.apply("Lovelace", email="else@example.org")).user_id

    async def test_ten_at_once_for_one_name_or_address_make_one_account(self, desk: Any) -> None:
        async def attempt(number: int, **fields: Any) -> str:
            try:
                return str((await desk.apply(**fields)).user_id)
            except Exception as failure:
                return type(failure).__name__

        same_name = await asyncio.gather(*(attempt(n, username="Ada", email=f"ada{n}@example.org") for n in range(10)))
        assert sum(len(one) == 26 for one in same_name) == 1
        same_address = await asyncio.gather(
            *(attempt(n, username=f"eve{n}", email="eve@example.org") for n in range(10))
        )
        assert sum(len(one) == 26 for one in same_address) == 10  # one answer for all, whoever came first
        assert sum([await desk.account(f"eve{n}") is not None for n in range(10)]) == 1

    @pytest.mark.parametrize("password", ["password", "Ada-Lovelace", "cineaesthete1", "ada@example.org"])
    async def test_common_and_own_names_are_refused(self, desk: Any, password: str) -> None:
        failure = await desk.refused(desk.apply("Ada", display_name="Ada Lovelace", password=password))
        assert (failure.code, failure.reason) == (Code.INVALID_ARGUMENT, Reason.PASSWORD_WEAK)
        assert [field for field, _ in failure.violations] == ["password"]
        assert await desk.account("Ada") is None

    async def test_64_four_byte_characters_are_a_password_and_its_last_byte_matters(self, desk: Any) -> None:
        password = "\U0001f3ac" * 64
        await desk.join("Ada", password=password)
        failure = await desk.refused(desk.login("Ada", password[:-1] + "\U0001f3ad"))
        assert failure.reason is Reason.CREDENTIALS_INVALID
        assert (await desk.login("Ada", password)).access_token

    @pytest.mark.parametrize(
        ("field", "value"),
        [
            ("locale", "en_US!"),
            ("display_name", "a\nb"),
            ("email", "nobody"),
            ("username", "-x-"),
            ("password", "short"),
        ],
    )
    async def test_a_bad_field_is_named(self, desk: Any, field: str, value: str) -> None:
        failure = await desk.refused(desk.apply(**{"username": "Ada", field: value}))
        assert failure.code is Code.INVALID_ARGUMENT
        assert [name for name, _ in failure.violations] == [field]

    async def test_strangers_cannot_flood_a_mailbox(self, desk: Any, clock: Any) -> None:
        await desk.join("Ada")
        for number in range(8):
            await desk.apply(f"flood{number}", email="ada@example.org")
        assert len(desk.letters_of("already_registered")) == 4  # and the one that was for opening it
        clock.forward(hours=2)
        await desk.apply("flood9", email="ada@example.org")
        assert len(desk.letters_of("already_registered")) == 5


class TestRequestId:
    async def test_sent_again_it_gives_the_first_answer_again(self, desk: Any) -> None:
        first = await desk.apply("Ada", request_id="try-1")
        again = await desk.apply("Ada", request_id="try-1")
        assert again == first and len(desk.letters_of("verify_email")) == 1
        await desk.join("Eve")
        known = await desk.apply("Lovelace", email="eve@example.org", request_id="try-2")
        assert await desk.apply("Lovelace", email="eve@example.org", request_id="try-2") == known

    async def test_ten_at_once_make_one_account_and_one_answer(self, desk: Any) -> None:
        answers = await asyncio.gather(*(desk.apply("Ada", request_id="try-1") for _ in range(10)))
        assert {answer.user_id for answer in answers} == {(await desk.account("Ada")).user_id}

    async def test_with_another_body_it_is_refused(self, desk: Any, clock: Any) -> None:
        await desk.apply("Ada", request_id="try-1")
        for other in ({"password": "another quiet meadow"}, {"email": "x@example.org"}, {"locale": "fr"}):
            failure = await desk.refused(desk.apply("Ada", request_id="try-1", **other))
            assert (failure.code, failure.reason) == (Code.INVALID_ARGUMENT, Reason.REQUEST_ID_REUSED)
            assert [field for field, _ in failure.violations] == ["request_id"]
        clock.forward(hours=23)
        assert (await desk.apply("Ada", request_id="try-1")).user_id
        rows = await desk.app.database.read(lambda tx: [tuple(row) for row in tx.execute(sa.select(ticket_rows))])
        assert desk.password not in repr(rows) and "try-1" not in repr(rows)


class TestPendingAccounts:
    """Who registers an address first, and not their own, gains nothing."""

    async def test_the_link_brings_the_password_of_its_own_registration(self, desk: Any) -> None:
        await desk.apply("Mallory", email="ada@example.org", password="what mallory chose")
        await desk.apply("Ada", email="ada@example.org", password="what ada chose")
        first, second = desk.letters_of("verify_email", "ada@example.org")
        assert (first.facts["username"], second.facts["username"]) == ("Mallory", "Ada")
        verified = await desk.auth.VerifyEmail(pb.VerifyEmailRequest(token=second.facts["token"]))
        assert (verified.username, verified.email_verified) == ("Ada", True)
        assert (await desk.login("Ada", "what ada chose")).access_token
        for name in ("Ada", "Mallory", "ada@example.org"):
            assert (await desk.refused(desk.login(name, "what mallory chose"))).reason is Reason.CREDENTIALS_INVALID
        failure = await desk.refused(desk.auth.VerifyEmail(pb.VerifyEmailRequest(token=first.facts["token"])))
        assert failure.reason is Reason.TICKET_INVALID

    async def test_a_second_registration_tells_nothing_of_the_first(self, desk: Any) -> None:
        first = await desk.apply("Mallory", email="ada@example.org")
        second = await desk.apply("Trudy", email="ada@example.org")
        assert first.user_id != second.user_id  # as for an address that is verified
        assert (await desk.refused(desk.apply("Trudy", email="x@example.org"))).code is Code.ALREADY_EXISTS

    async def test_a_reset_proves_the_address_and_puts_the_strangers_password_out(self, desk: Any) -> None:
        await desk.apply("Mallory", email="ada@example.org", password="what mallory chose")
        await desk.auth.ForgotPassword(pb.ForgotPasswordRequest(email="ada@example.org"))
        await desk.answer_wishes()
        token = desk.letters_of("reset_password")[0].facts["token"]
        await desk.auth.ResetPassword(pb.ResetPasswordRequest(token=token, password="what ada chose"))
        assert (await desk.login("ada@example.org", "what ada chose")).access_token
        link = desk.letters_of("verify_email")[0].facts["token"]
        failure = await desk.refused(desk.auth.VerifyEmail(pb.VerifyEmailRequest(token=link)))
        assert failure.reason is Reason.TICKET_INVALID

    async def test_an_account_that_nobody_verified_frees_name_and_address(self, desk: Any, clock: Any) -> None:
        await desk.apply("Ada")
        clock.forward(hours=23)
        assert (await desk.app.housekeeping.clean())["accounts"] == 0
        clock.forward(hours=2)
        assert (await desk.app.housekeeping.clean())["accounts"] == 1
        assert "UserDeleted" in await event_types(desk)
        assert (await desk.apply("Ada")).user_id


class TestVerify:
    async def test_a_link_is_good_once_and_for_a_day(self, desk: Any, clock: Any) -> None:
        await desk.apply("Ada")
        token = desk.letters_of("verify_email")[0].facts["token"]
        assert (await desk.auth.VerifyEmail(pb.VerifyEmailRequest(token=token))).email_verified
        failure = await desk.refused(desk.auth.VerifyEmail(pb.VerifyEmailRequest(token=token)))
        assert (failure.code, failure.reason) == (Code.FAILED_PRECONDITION, Reason.TICKET_INVALID)
        await desk.apply("Eve")
        clock.forward(hours=24, seconds=1)
        late = desk.letters_of("verify_email")[1].facts["token"]
        failure = await desk.refused(desk.auth.VerifyEmail(pb.VerifyEmailRequest(token=late)))
        assert failure.reason is Reason.TICKET_INVALID

    async def test_a_code_is_good_for_ten_minutes_and_five_tries(self, desk: Any, clock: Any) -> None:
        async def verify(email: str, code: str) -> Any:
            return await desk.auth.VerifyEmail(pb.VerifyEmailRequest(email=email, code=code))

        await desk.apply("Ada")
        code = desk.letters_of("verify_email")[0].facts["code"]
        assert (await desk.refused(verify("eve@example.org", code))).reason is Reason.TICKET_INVALID
        assert (await verify("ADA@example.org", code)).email_verified

        await desk.apply("Bob")
        code = desk.letters_of("verify_email")[1].facts["code"]
        wrong = f"{(int(code) + 1) % 10**6:06d}"
        for _ in range(5):
            assert (await desk.refused(verify("bob@example.org", wrong))).reason is Reason.TICKET_INVALID
        assert (await desk.refused(verify("bob@example.org", code))).reason is Reason.TICKET_INVALID

        await desk.apply("Cleo")
        clock.forward(minutes=10, seconds=1)
        code = desk.letters_of("verify_email")[2].facts["code"]
        assert (await desk.refused(verify("cleo@example.org", code))).reason is Reason.TICKET_INVALID
        link = desk.letters_of("verify_email")[2].facts["token"]  # which is good for longer
        assert (await desk.auth.VerifyEmail(pb.VerifyEmailRequest(token=link))).email_verified

    async def test_of_ten_who_use_a_link_at_once_one_does(self, desk: Any) -> None:
        await desk.apply("Ada")
        request = pb.VerifyEmailRequest(token=desk.letters_of("verify_email")[0].facts["token"])
        results = await asyncio.gather(*(desk.auth.VerifyEmail(request) for _ in range(10)), return_exceptions=True)
        assert sum(isinstance(one, pb.VerifyEmailResponse) for one in results) == 1
        assert (await event_types(desk)).count("EmailVerified") == 1

    async def test_resending_answers_alike_and_mails_only_who_waits(self, desk: Any) -> None:
        await desk.join("Ada")
        await desk.apply("Bob")
        answers = {
            (await desk.auth.ResendVerification(pb.ResendVerificationRequest(email=email))).SerializeToString()
            for email in ("ada@example.org", "bob@example.org", "nobody@example.org")
        }
        assert len(answers) == 1
        before = len(desk.letters)
        await desk.answer_wishes()
        assert [(one.template, one.to) for one in desk.letters[before:]] == [("verify_email", "bob@example.org")]
        again = desk.letters[-1].facts["token"]
        assert (await desk.auth.VerifyEmail(pb.VerifyEmailRequest(token=again))).username == "Bob"
        assert (await desk.account("Bob")).state is State.ACTIVE

    async def test_wishes_are_answered_without_being_asked(self, desk: Any) -> None:
        await desk.join("Ada")
        await desk.auth.ForgotPassword(pb.ForgotPasswordRequest(email="ada@example.org"))
        assert desk.letters_of("reset_password") == []  # not within the call
        for _ in range(100):
            if not desk.letters_of("reset_password"):
                await asyncio.sleep(0.05)
        assert len(desk.letters_of("reset_password")) == 1
