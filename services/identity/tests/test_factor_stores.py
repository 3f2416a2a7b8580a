"""Stores of authenticators, recovery codes and passkeys on both databases; what two callers at once may do."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import AsyncIterator

import pyotp
import pytest
from ulid import ULID

from cine_identity.domain.account import Account
from cine_identity.domain.granted import Rule
from cine_identity.domain.passkeys import Passkey
from cine_identity.domain.totp import Authenticator, new_secret
from cine_identity.domain.vault import Vault
from cine_identity.flows.second_factor import SEALED_FOR, SecondFactors
from cine_identity.store import Transaction, accounts, passkeys, totp
from cinemesh.db import ConstraintViolated, Database, migrate
from cinemesh.errors import ResourceExhausted

NOW = dt.datetime(2026, 5, 4, 12, 0, 15, tzinfo=dt.UTC)
VAULT = Vault(b"v" * 32)
FACTORS = SecondFactors(VAULT, "administrators")


@pytest.fixture
async def database(store_url: str) -> AsyncIterator[Database]:
    await asyncio.to_thread(migrate, store_url, "cine_identity")
    async with Database(store_url) as opened:
        yield opened


async def person(database: Database, *roles: str) -> str:
    user_id = str(ULID())
    account = Account(
        user_id=user_id,
        username=user_id[-8:],
        email=f"{user_id}@example.org",
        email_verified=True,
        password_hash=None,
        roles=("user", *roles),
        display_name="",
        locale="",
        created_at=NOW,
    )
    await database.write(lambda tx: accounts.insert(tx, account))
    return user_id


async def with_app(database: Database, codes: tuple[str, ...] = ()) -> tuple[str, pyotp.TOTP]:
    user_id, secret = await person(database), new_secret()

    def enrol(tx: Transaction) -> None:
        totp.insert(tx, Authenticator(user_id, VAULT.seal(secret.encode(), SEALED_FOR, user_id), -1, NOW))
        if codes:
            totp.replace_recovery_codes(tx, user_id, [FACTORS.recovery_digest(user_id, code) for code in codes])

    await database.write(enrol)
    return user_id, pyotp.TOTP(secret)


def code_at(app: pyotp.TOTP, steps: int = 0) -> str:
    return app.at(NOW + dt.timedelta(seconds=30 * steps))


def wrong_codes(app: pyotp.TOTP) -> list[str]:
    near = {code_at(app, steps) for steps in (-1, 0, 1, 2)}
    return [code for code in (f"{number:06d}" for number in range(40)) if code not in near][:30]


async def show(
    database: Database, user_id: str, *, code: str = "", recovery_code: str = "", now: dt.datetime = NOW
) -> bool:
    return await database.write(lambda tx: FACTORS.verify(tx, user_id, code=code, recovery_code=recovery_code, now=now))


async def test_of_a_volley_with_one_code_one_gets_through(database: Database) -> None:
    user_id, app = await with_app(database)
    code = code_at(app)
    outcomes = await asyncio.gather(*(show(database, user_id, code=code) for _ in range(12)), return_exceptions=True)
    assert outcomes.count(True) == 1
    assert all(one is False or one is True or isinstance(one, ResourceExhausted) for one in outcomes)


async def test_of_a_volley_with_one_recovery_code_one_gets_through(database: Database) -> None:
    user_id, _ = await with_app(database, ("aaaa-bbbb-cccc-dddd",))
    outcomes = await asyncio.gather(*(show(database, user_id, recovery_code="AAAA BBBB CCCC DDDD") for _ in range(12)))
    assert outcomes.count(True) == 1


async def test_a_volley_of_guesses_gets_five_tries(database: Database) -> None:
    user_id, app = await with_app(database)
    outcomes = await asyncio.gather(
        *(show(database, user_id, code=code) for code in wrong_codes(app)), return_exceptions=True
    )
    assert outcomes.count(False) == 5
    assert sum(isinstance(one, ResourceExhausted) for one in outcomes) == 25
    with pytest.raises(ResourceExhausted) as caught:
        await show(database, user_id, code=code_at(app))
    assert caught.value.retry_after == 5
    assert await show(database, user_id, code=code_at(app), now=NOW + dt.timedelta(seconds=6))


async def test_a_recovery_code_lets_in_while_codes_wait_and_ends_the_wait(database: Database) -> None:
    user_id, app = await with_app(database, ("aaaa-bbbb-cccc-dddd",))
    wrong = wrong_codes(app)[0]
    for _ in range(5):
        assert not await show(database, user_id, code=wrong)
    assert not await show(database, user_id, recovery_code="aaaa-bbbb-cccc-eeee")
    assert await show(database, user_id, recovery_code="aaaa-bbbb-cccc-dddd")
    assert await show(database, user_id, code=code_at(app))


async def test_methods_say_what_an_account_accepts(database: Database) -> None:
    plain, keyed = await person(database), await person(database)
    boss, keyed_boss = await person(database, "admin"), await person(database, "admin")
    both, _ = await with_app(database, ("aaaa-bbbb-cccc-dddd",))
    for user_id in (keyed, keyed_boss, both):
        await database.write(lambda tx, user_id=user_id: passkeys.insert(tx, passkey(user_id)))  # type: ignore[misc]

    async def methods(user_id: str, rule: Rule = "administrators") -> tuple[str, ...]:
        def look(tx: Transaction) -> tuple[str, ...]:
            account = accounts.by_id(tx, user_id)
            assert account is not None
            return SecondFactors(VAULT, rule).methods(tx, account)

        return await database.read(look)

    assert await methods(plain) == ()
    assert await methods(keyed) == ()  # losing the key must not lock out who has a password and no recovery codes
    assert await methods(boss) == ()
    assert await methods(keyed_boss) == ("passkey",)  # who must have a second factor shows the one they have
    assert await methods(keyed_boss, "optional") == ()
    assert (await methods(keyed, "everyone"), await methods(plain, "everyone")) == (("passkey",), ())
    assert await methods(both) == ("totp", "recovery_code", "passkey")
    await show(database, both, recovery_code="aaaa-bbbb-cccc-dddd")
    assert await methods(both) == ("totp", "passkey")


async def test_removing_takes_the_codes_along_and_another_secret_spends_nothing(database: Database) -> None:
    user_id, _ = await with_app(database, ("aaaa-bbbb-cccc-dddd",))
    before = await database.read(lambda tx: totp.of(tx, user_id))
    assert before is not None
    assert await database.write(lambda tx: totp.remove(tx, user_id))
    assert not await database.write(lambda tx: totp.remove(tx, user_id))
    assert await database.read(lambda tx: totp.recovery_codes_left(tx, user_id)) == 0
    await database.write(lambda tx: totp.insert(tx, Authenticator(user_id, "another", -1, NOW)))
    assert not await database.write(lambda tx: totp.advance(tx, before, 5))
    with pytest.raises(ConstraintViolated):
        await database.write(lambda tx: totp.insert(tx, Authenticator(user_id, "third", -1, NOW)))


async def test_a_secret_that_cannot_be_opened_proves_nothing(database: Database) -> None:
    user_id, app = await with_app(database)
    other = SecondFactors(Vault(b"w" * 32), "administrators")
    assert not await database.write(lambda tx: other.verify(tx, user_id, code=code_at(app), recovery_code="", now=NOW))


def passkey(user_id: str, credential_id: bytes = b"", sign_count: int = 7) -> Passkey:
    passkey_id = str(ULID())
    return Passkey(
        passkey_id=passkey_id,
        user_id=user_id,
        credential_id=credential_id or passkey_id.encode(),
        public_key=b"key",
        sign_count=sign_count,
        transports=("hybrid", "internal"),
        synced=False,
        name="Phone",
        created_at=NOW,
    )


async def test_a_passkey_comes_back_as_it_was_kept_and_belongs_to_one(database: Database) -> None:
    ada, bob = await person(database), await person(database)
    first, second = passkey(ada, b"\x00\xff" * 500), passkey(ada)
    await database.write(lambda tx: passkeys.insert(tx, first))
    await database.write(lambda tx: passkeys.insert(tx, second))
    assert await database.read(lambda tx: passkeys.of_account(tx, ada)) == [first, second]
    assert await database.read(lambda tx: passkeys.by_credential(tx, b"\x00\xff" * 500)) == first
    assert await database.read(lambda tx: passkeys.by_credential(tx, b"\x00\xff")) is None
    with pytest.raises(ConstraintViolated):
        await database.write(lambda tx: passkeys.insert(tx, passkey(bob, b"\x00\xff" * 500)))
    assert await database.write(lambda tx: passkeys.remove(tx, bob, first.passkey_id)) is None
    assert await database.write(lambda tx: passkeys.remove(tx, ada, first.passkey_id)) == first
    assert await database.read(lambda tx: passkeys.count(tx, ada)) == 1


async def test_two_uses_with_one_count_are_one(database: Database) -> None:
    kept = passkey(await person(database))
    await database.write(lambda tx: passkeys.insert(tx, kept))
    outcomes = await asyncio.gather(
        *(database.write(lambda tx: passkeys.used(tx, kept, sign_count=8, synced=True, now=NOW)) for _ in range(8))
    )
    assert outcomes.count(True) == 1
    found = await database.read(lambda tx: passkeys.by_credential(tx, kept.credential_id))
    assert found is not None and (found.sign_count, found.synced, found.last_used_at) == (8, True, NOW)
