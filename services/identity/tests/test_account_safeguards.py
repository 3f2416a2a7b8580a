"""Safeguards of accounts that belong to no single call: nothing comes preset, nothing lapses by itself, nothing goes around a factor."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyotp
import pytest
import sqlalchemy as sa

from cine.identity.v1 import auth_pb2 as pb
from cine.identity.v1 import second_factor_pb2, second_factor_pb2_grpc
from cine_identity.domain import refresh
from cine_identity.domain.hashing import ARGON2_MEMORY_KIB, ARGON2_PASSES, BCRYPT_TAG, Hasher
from cine_identity.domain.vault import SecretUnreadable, Vault
from cine_identity.settings import IdentitySettings
from cine_identity.store.schema import accounts
from cinemesh.errors import Reason
from cinemesh.testing import Running, settings_for

NEW = "another quiet meadow"


async def with_an_app(identity: Running, desk: Any, clock: Any) -> tuple[pyotp.TOTP, str]:
    """Returns the authenticator app of an account that has just got one, and a recovery code."""
    factor: Any = identity.stub(second_factor_pb2_grpc.SecondFactorServiceStub)
    signed_in = desk.bearer((await desk.login("Ada")).access_token)
    enrol = second_factor_pb2.EnrolTotpRequest(password=desk.password)
    app = pyotp.TOTP((await factor.EnrolTotp(enrol, metadata=signed_in)).secret)
    confirm = second_factor_pb2.ConfirmTotpRequest(code=app.at(clock()))
    confirmed = await factor.ConfirmTotp(confirm, metadata=signed_in)
    return app, confirmed.recovery_codes[0]


async def test_a_new_store_has_no_account(identity: Running) -> None:
    app: Any = identity.app
    count = sa.select(sa.func.count()).select_from(accounts)
    assert await app.database.read(lambda tx: tx.execute(count).scalar_one()) == 0


async def test_a_password_does_not_lapse(desk: Any, clock: Any) -> None:
    await desk.join("Ada")
    clock.forward(days=3 * 365)
    assert (await desk.login("Ada")).access_token


async def test_every_sign_in_opens_a_session_of_its_own(desk: Any) -> None:
    await desk.join("Ada")
    first, second = await desk.login("Ada"), await desk.login("Ada")
    assert len({first.session_id, second.session_id}) == len({first.refresh_token, second.refresh_token}) == 2
    # derived with HMAC-SHA-256 from a nonce of 128 random bits
    parts = [refresh.parse(one.refresh_token) for one in (first, second)]
    assert all(part is not None and len(part.mac) * 6 >= 256 for part in parts)


async def test_a_reset_goes_around_no_second_factor(identity: Running, desk: Any, clock: Any) -> None:
    await desk.join("Ada")
    app, _ = await with_an_app(identity, desk, clock)
    await desk.auth.ForgotPassword(pb.ForgotPasswordRequest(email="ada@example.org"))
    await desk.answer_wishes()
    token = desk.letters_of("reset_password")[0].facts["token"]
    answer = await desk.auth.ResetPassword(pb.ResetPasswordRequest(token=token, password=NEW))
    assert {field.name for field, _ in answer.ListFields()} <= {"sessions_revoked"}  # nobody is signed in by it
    challenged = await desk.login("Ada", NEW)
    assert challenged.second_factor_required and not challenged.access_token and not challenged.refresh_token
    clock.forward(seconds=60)
    request = pb.VerifySecondFactorRequest(second_factor_token=challenged.second_factor_token, code=app.at(clock()))
    assert (await desk.auth.VerifySecondFactor(request)).access_token


async def test_sign_ins_wrong_codes_and_sign_outs_are_in_the_audit_log(
    identity: Running, desk: Any, clock: Any
) -> None:
    await desk.join("Ada")
    app, recovery_code = await with_an_app(identity, desk, clock)
    clock.forward(seconds=60)
    token = (await desk.login("Ada")).second_factor_token
    right = app.at(clock())
    wrong = f"{(int(right) + 1) % 10**6:06d}"
    bad = pb.VerifySecondFactorRequest(second_factor_token=token, code=wrong)
    assert (await desk.refused(desk.auth.VerifySecondFactor(bad))).reason is Reason.SECOND_FACTOR_INVALID
    good = pb.VerifySecondFactorRequest(second_factor_token=token, code=right)
    tokens = await desk.auth.VerifySecondFactor(good)
    await desk.auth.Logout(pb.LogoutRequest(refresh_token=tokens.refresh_token))
    token = (await desk.login("Ada")).second_factor_token
    spare = pb.VerifySecondFactorRequest(second_factor_token=token, recovery_code=recovery_code)
    await desk.auth.VerifySecondFactor(spare)
    assert await desk.audited("login") == [
        ("ok", "password"),
        ("ok", "password, second factor: totp"),
        ("ok", "password, second factor: recovery_code"),
    ]
    assert await desk.audited("login.failed") == [("wrong code", "password, second factor: totp")]
    assert await desk.audited("logout") == [("ok", "")]


def test_hashes_are_as_strong_as_they_are_said_to_be(tmp_path: Path) -> None:
    settings = settings_for(IdentitySettings, tmp_path)
    assert settings.bcrypt_cost >= 12
    assert (ARGON2_MEMORY_KIB, ARGON2_PASSES) >= (19 * 1024, 2)
    made = Hasher(b"pepper" * 8, "bcrypt", settings.bcrypt_cost).decoy
    assert made.startswith(f"{BCRYPT_TAG}$2b$12$")


def test_what_is_sealed_opens_whole_and_where_it_belongs_or_not_at_all() -> None:
    vault = Vault(b"m" * 32)
    sealed = vault.seal(b"secret", "totp", "ada")
    assert vault.unseal(sealed, "totp", "ada") == b"secret"
    assert vault.seal(b"secret", "totp", "ada") != sealed  # never the same nonce
    altered = sealed[:20] + ("A" if sealed[20] != "A" else "B") + sealed[21:]
    attempts = [
        (vault, altered, "totp", "ada"),
        (vault, sealed, "letter", "ada"),
        (vault, sealed, "totp", "bob"),
        (Vault(b"n" * 32), sealed, "totp", "ada"),
        (vault, sealed[:-4], "totp", "ada"),
    ]
    for opener, text, purpose, owner in attempts:
        with pytest.raises(SecretUnreadable):
            opener.unseal(text, purpose, owner)
