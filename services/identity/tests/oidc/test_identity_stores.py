"""Identities in the store on SQLite and PostgreSQL, and names made for new people."""

from __future__ import annotations

import asyncio
import datetime as dt
import itertools
import re
from collections.abc import AsyncIterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ulid import ULID

from cine_identity.domain.account import USER, Account
from cine_identity.domain.oauth import (
    Identity,
    Secrets,
    Upstream,
    address_of,
    said_yes,
    text_of,
    usernames_for,
)
from cine_identity.domain.session import Visit
from cine_identity.domain.vault import Vault
from cine_identity.flows.oauth_attempts import Attempt, OAuthAttempts
from cine_identity.store import Transaction, accounts, identities
from cinemesh.db import ConstraintViolated, Database, migrate
from cinemesh.errors import CineError

NOW = dt.datetime(2026, 3, 1, 12, tzinfo=dt.UTC)
USERNAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?\Z")


@pytest.fixture
async def database(store_url: str) -> AsyncIterator[Database]:
    await asyncio.to_thread(migrate, store_url, "cine_identity")
    async with Database(store_url) as opened:
        yield opened


async def person(database: Database, name: str) -> Account:
    account = Account(
        user_id=str(ULID()),
        username=name,
        email=f"{name}@example.org",
        email_verified=True,
        password_hash=None,
        roles=(USER,),
        display_name=name,
        locale="",
        created_at=NOW,
    )
    await database.write(lambda tx: accounts.insert(tx, account))
    return account


def identity(account: Account, subject: str, **fields: Any) -> Identity:
    values: dict[str, Any] = {"provider": "acme", "issuer": "https://id.example", "label": subject, "linked_at": NOW}
    return Identity(identity_id=str(ULID()), user_id=account.user_id, subject=subject, **{**values, **fields})


async def test_found_by_issuer_and_subject_to_the_letter(database: Database) -> None:
    ada, bea = await person(database, "ada"), await person(database, "bea")
    first, second = identity(ada, "s"), identity(bea, "S")
    elsewhere = identity(bea, "s", issuer="https://other.example")
    for one in (first, second, elsewhere):
        await database.write(lambda tx, one=one: identities.insert(tx, one))
    assert await database.read(lambda tx: identities.find(tx, "https://id.example", "s")) == first
    assert await database.read(lambda tx: identities.find(tx, "https://id.example", "S")) == second
    assert await database.read(lambda tx: identities.find(tx, "https://id.example", "s ")) is None
    assert await database.read(lambda tx: identities.find(tx, "https://id.example/", "s")) is None
    with pytest.raises(ConstraintViolated):
        await database.write(lambda tx: identities.insert(tx, identity(bea, "s")))
    assert await database.read(lambda tx: identities.of_account(tx, bea.user_id)) == [second, elsewhere]

    later = NOW + dt.timedelta(hours=1)
    await database.write(lambda tx: identities.used(tx, first.identity_id, "new label", later))
    (held,) = await database.read(lambda tx: identities.of_account(tx, ada.user_id))
    assert (held.label, held.last_used_at) == ("new label", later)
    assert await database.write(lambda tx: identities.remove(tx, bea.user_id, first.identity_id)) is None
    assert await database.write(lambda tx: identities.remove(tx, ada.user_id, first.identity_id)) == held
    await database.write(lambda tx: accounts.delete(tx, bea.user_id))
    assert await database.read(lambda tx: identities.find(tx, "https://id.example", "S")) is None


async def test_attempts_are_taken_once_and_die_with_what_was_unlinked_after_them(database: Database) -> None:
    attempts = OAuthAttempts(Vault(bytes(32)))
    whose = Upstream("https://id.example", "s")

    def begin(tx: Transaction, now: dt.datetime) -> Any:
        return attempts.begin(tx, now, provider="acme", page="p", use_cookie=True)

    def take(tx: Transaction, begun: Any) -> Attempt | CineError:
        return attempts.take(tx, NOW, provider="acme", state=begun.state, browser=begun.browser, visit=Visit())

    early = await database.write(lambda tx: begin(tx, NOW))
    attempt = await database.write(lambda tx: take(tx, early))
    assert isinstance(attempt, Attempt) and attempt.secrets == early.secrets and attempt.use_cookie
    assert isinstance(await database.write(lambda tx: take(tx, early)), CineError)

    unlinked_at = NOW + dt.timedelta(seconds=1)
    assert not await database.read(lambda tx: attempts.dead(tx, attempt, whose, NOW))
    await database.write(lambda tx: attempts.unlinked(tx, whose.issuer, whose.subject, unlinked_at))
    assert await database.read(lambda tx: attempts.dead(tx, attempt, whose, unlinked_at))
    other = Upstream("https://id.example", "S")
    assert not await database.read(lambda tx: attempts.dead(tx, attempt, other, unlinked_at))
    late = await database.write(lambda tx: begin(tx, NOW + dt.timedelta(seconds=2)))
    attempt = await database.write(lambda tx: take(tx, late))
    assert isinstance(attempt, Attempt)
    assert not await database.read(lambda tx: attempts.dead(tx, attempt, whose, NOW + dt.timedelta(seconds=2)))


def test_the_challenge_is_that_of_the_specification() -> None:
    # RFC 7636, appendix B
    secrets = Secrets("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk", "n")
    assert secrets.challenge == "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
    assert "dBjft" not in repr(secrets)


@given(st.lists(st.text(max_size=60), max_size=3), st.text(max_size=40))
@settings(max_examples=150, deadline=None)
def test_names_are_valid_without_end_whatever_people_are_called(names: list[str], local: str) -> None:
    wanted = Upstream("i", "s", email=f"{local}@example.org", names=tuple(names), display_name=local)
    made = list(itertools.islice(usernames_for(wanted), 20))
    assert all(USERNAME.match(name) and 3 <= len(name) <= 32 for name in made), made
    assert len(set(made)) > 10


@pytest.mark.parametrize("value", [True, "true"])
def test_yes_is_yes(value: Any) -> None:
    assert said_yes(value)


@pytest.mark.parametrize("value", [False, "false", "True", "1", 1, None, [True], {}])
def test_all_else_is_no(value: Any) -> None:
    assert not said_yes(value)


@pytest.mark.parametrize(
    "value",
    ["", "a", "a@b", "a b@example.org", "a@example.org\n", "a@exa mple.org", "<a@example.org>", None, 7, "ä@x.org"],
)
def test_addresses_that_cannot_be_written_to(value: Any) -> None:
    assert address_of(value) == ""


def test_text_that_deceives_is_left_out() -> None:
    assert text_of("  Ada ", 80) == "Ada"
    assert text_of("Ada\u202etxt", 80) == text_of("a\nb", 80) == text_of(None, 80) == text_of(7, 80) == ""
    assert text_of("x" * 100, 80) == "x" * 80
