"""The stores behind signing in, on SQLite and PostgreSQL: compare-and-swap, counting, pruning."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import AsyncIterator
from typing import Any

import pytest
from ulid import ULID

from cine_identity.domain.account import USER, Account
from cine_identity.domain.session import Session
from cine_identity.store import Transaction, accounts, devices, sessions, throttles, tickets
from cinemesh.db import ConstraintViolated, Database, migrate

NOW = dt.datetime(2026, 3, 1, 12, tzinfo=dt.UTC)
HOUR = dt.timedelta(hours=1)
IDLE = dt.timedelta(days=14)


@pytest.fixture
async def database(store_url: str) -> AsyncIterator[Database]:
    await asyncio.to_thread(migrate, store_url, "cine_identity")
    async with Database(store_url) as opened:
        yield opened


def person(username: str, **fields: Any) -> Account:
    values: dict[str, Any] = {
        "user_id": str(ULID()),
        "email": f"{username}@example.org",
        "email_verified": True,
        "password_hash": "$cine-b1$x",
        "roles": (USER,),
        "display_name": username,
        "locale": "en",
        "created_at": NOW,
        **fields,
    }
    return Account(username=username, **values)


def session_of(account: Account, **fields: Any) -> Session:
    values: dict[str, Any] = {
        "session_id": str(ULID()),
        "generation": 0,
        "nonce": "n",
        "refresh_digest": "d0",
        "rotated_at": NOW,
        "method": "password",
        "device_name": "Firefox",
        "ip_address": "192.0.2.1",
        "user_agent": "x",
        "created_at": NOW,
        "last_used_at": NOW,
        "expires_at": NOW + dt.timedelta(days=30),
        **fields,
    }
    return Session(user_id=account.user_id, **values)


@pytest.fixture
async def ada(database: Database) -> Account:
    account = person("Ada")
    await database.write(lambda tx: accounts.insert(tx, account))
    return account


class TestAccounts:
    async def test_found_in_any_case_and_unique_so(self, database: Database, ada: Account) -> None:
        assert await database.read(lambda tx: accounts.by_username(tx, "aDA")) == ada
        assert await database.read(lambda tx: accounts.by_email(tx, " ADA@Example.ORG ")) == ada
        for twin in (person("ADA", email="else@example.org"), person("else", email="Ada@EXAMPLE.org")):
            with pytest.raises(ConstraintViolated):
                await database.write(lambda tx, twin=twin: accounts.insert(tx, twin))

    async def test_a_new_name_or_address_is_found_and_the_old_one_is_free(
        self, database: Database, ada: Account
    ) -> None:
        await database.write(lambda tx: accounts.update(tx, ada.user_id, username="Lovelace", email="l@example.org"))
        found = await database.read(lambda tx: accounts.by_username(tx, "lovelace"))
        assert found is not None and found.etag != ada.etag
        assert await database.read(lambda tx: accounts.by_email(tx, "l@example.org")) == found
        await database.write(lambda tx: accounts.insert(tx, person("ada")))

    async def test_reserved_names_are_taken_for_a_while(self, database: Database) -> None:
        await database.write(lambda tx: accounts.reserve_username(tx, "Ada", NOW + HOUR))
        await database.write(lambda tx: accounts.reserve_username(tx, "ADA", NOW + 2 * HOUR))  # once more: longer

        async def taken(now: dt.datetime) -> bool:
            return await database.write(lambda tx: accounts.username_taken(tx, "ada", now))

        assert await taken(NOW) and await taken(NOW + 1.5 * HOUR) and not await taken(NOW + 2 * HOUR)
        await database.write(lambda tx: accounts.reserve_username(tx, "Ada", NOW + HOUR))
        await database.write(lambda tx: accounts.free_username(tx, "aDa"))
        assert not await taken(NOW)

    async def test_abandoned_are_those_that_nobody_can_open(self, database: Database) -> None:
        kinds = {
            "lost": person("lost", email_verified=False),
            "linked": person("linked", email_verified=False),
            "young": person("young", email_verified=False, created_at=NOW + 30 * HOUR),
            "closed": person("closed", email_verified=False, disabled=True),
            "used": person("used", email_verified=False, last_login_at=NOW),
            "open": person("open"),
        }

        def fill(tx: Transaction) -> None:
            for account in kinds.values():
                accounts.insert(tx, account)
            tickets.issue(
                tx,
                "verify_email",
                token_digest="t",
                now=NOW,
                lifetime=48 * HOUR,
                user_id=kinds["linked"].user_id,
            )

        await database.write(fill)
        found = await database.read(lambda tx: accounts.abandoned(tx, NOW + 24 * HOUR, NOW + 25 * HOUR, 10))
        assert found == [kinds["lost"].user_id]


class TestSessions:
    async def test_of_ten_rotations_at_once_one_moves(self, database: Database, ada: Account) -> None:
        session = session_of(ada)
        await database.write(lambda tx: sessions.insert(tx, session))

        def rotate(number: int) -> Any:
            return lambda tx: sessions.rotate(tx, session, refresh_digest=f"d{number}", now=NOW, ip_address="")

        moved = await asyncio.gather(*(database.write(rotate(number)) for number in range(10)))
        assert sum(moved) == 1
        kept = await database.read(lambda tx: sessions.by_id(tx, session.session_id))
        assert kept is not None and kept.generation == 1 and kept.refresh_digest == f"d{moved.index(True)}"
        assert kept.ip_address == "192.0.2.1"  # an unknown address takes the place of none

    async def test_an_ended_session_moves_no_more_and_ends_once(self, database: Database, ada: Account) -> None:
        session = session_of(ada)
        await database.write(lambda tx: sessions.insert(tx, session))
        ended = await asyncio.gather(
            *(database.write(lambda tx: sessions.revoke(tx, session.session_id, NOW)) for _ in range(5))
        )
        assert sum(ended) == 1
        assert not await database.write(
            lambda tx: sessions.rotate(tx, session, refresh_digest="d", now=NOW, ip_address="")
        )

    async def test_pages_are_the_live_ones_last_used_first(self, database: Database, ada: Account) -> None:
        made = [session_of(ada, last_used_at=NOW + dt.timedelta(seconds=number // 2)) for number in range(7)]
        others = [
            session_of(ada, expires_at=NOW),
            session_of(ada, revoked_at=NOW),
            session_of(ada, last_used_at=NOW - IDLE),
        ]

        def fill(tx: Transaction) -> None:
            for one in made + others:
                sessions.insert(tx, one)

        await database.write(fill)
        now = NOW + dt.timedelta(minutes=1)
        seen: list[Session] = []
        position = None
        while True:
            page = await database.read(lambda tx, at=position: sessions.page(tx, ada.user_id, now, IDLE, 2, at))
            seen += page
            if len(page) < 2:
                break
            position = (page[-1].last_used_at, page[-1].session_id)
        assert seen == sorted(made, key=lambda one: (one.last_used_at, one.session_id), reverse=True)
        assert await database.read(lambda tx: sessions.count(tx, ada.user_id, now, IDLE)) == 7

    async def test_pruning_takes_what_is_over(self, database: Database, ada: Account) -> None:
        alive, old = session_of(ada), NOW - dt.timedelta(days=2)
        over = [
            session_of(ada, expires_at=old),
            session_of(ada, revoked_at=old),
            session_of(ada, last_used_at=old - IDLE),
        ]

        def fill(tx: Transaction) -> None:
            for one in [alive, *over]:
                sessions.insert(tx, one)

        await database.write(fill)
        assert await database.write(lambda tx: sessions.prune(tx, NOW - dt.timedelta(days=1), IDLE)) == 3
        assert await database.read(lambda tx: sessions.by_id(tx, alive.session_id)) == alive


class TestTickets:
    async def test_used_once_by_whoever_is_first(self, database: Database, ada: Account) -> None:
        await database.write(
            lambda tx: tickets.issue(
                tx, "k", token_digest="t", now=NOW, lifetime=HOUR, user_id=ada.user_id, data={"a": 1}
            )
        )
        used = await asyncio.gather(*(database.write(lambda tx: tickets.use(tx, "k", "t", NOW)) for _ in range(10)))
        (ticket,) = [one for one in used if one is not None]
        assert ticket.user_id == ada.user_id and ticket.data == {"a": 1}

    async def test_neither_late_nor_of_another_kind(self, database: Database) -> None:
        await database.write(lambda tx: tickets.issue(tx, "k", token_digest="t", now=NOW, lifetime=HOUR))
        assert await database.read(lambda tx: tickets.find(tx, "k", "t", NOW + HOUR)) is None
        assert await database.read(lambda tx: tickets.find(tx, "other", "t", NOW)) is None
        assert await database.read(lambda tx: tickets.find(tx, "k", "t", NOW)) is not None

    async def test_waiting_ones_come_oldest_first_and_only_once(self, database: Database) -> None:
        for number in range(3):
            await database.write(
                lambda tx, n=number: tickets.issue(tx, "k", token_digest=f"t{n}", now=NOW, lifetime=HOUR, data={"n": n})
            )
        found = await database.read(lambda tx: tickets.waiting(tx, "k", NOW, 2))
        assert len(found) == 2
        spent = await asyncio.gather(
            *(database.write(lambda tx: tickets.spend(tx, found[0].ticket_id, NOW)) for _ in range(5))
        )
        assert sum(spent) == 1
        left = await database.read(lambda tx: tickets.waiting(tx, "k", NOW, 9))
        assert found[0].ticket_id not in {one.ticket_id for one in left} and len(left) == 2


class TestThrottlesAndDevices:
    async def test_failures_are_forgotten_with_time_and_forgiven(self, database: Database) -> None:
        await database.write(lambda tx: throttles.fail(tx, "k", 3, NOW, NOW + HOUR))
        assert await database.read(lambda tx: throttles.failures(tx, "k", NOW)) == 3
        assert await database.read(lambda tx: throttles.failures(tx, "k", NOW + HOUR)) == 0
        assert await database.read(lambda tx: throttles.blocked_until(tx, ["k", "x"], NOW)) == {"k": NOW + HOUR}
        assert await database.read(lambda tx: throttles.blocked_until(tx, ["k"], NOW + HOUR)) == {}
        await database.write(lambda tx: throttles.fail(tx, "k", 3, NOW, NOW))  # nothing waits for it, by no clock
        moment = dt.timedelta(milliseconds=5)
        assert await database.read(lambda tx: throttles.blocked_until(tx, ["k"], NOW - moment)) == {}
        await database.write(lambda tx: throttles.forgive(tx, "k"))
        assert await database.read(lambda tx: throttles.failures(tx, "k", NOW)) == 0

    async def test_devices_belong_to_one_account(self, database: Database, ada: Account) -> None:
        eve = person("Eve")
        await database.write(lambda tx: accounts.insert(tx, eve))
        await database.write(lambda tx: devices.remember(tx, ada.user_id, ["d1", "d2", "d1"], NOW))
        await database.write(lambda tx: devices.remember(tx, ada.user_id, ["d1"], NOW + HOUR))
        known = await database.read(lambda tx: devices.known_among(tx, ada.user_id, ["d1", "d3"]))
        assert known == {"d1"}
        assert await database.read(lambda tx: devices.known_among(tx, eve.user_id, ["d1", "d2"])) == frozenset()
        assert await database.write(lambda tx: devices.prune(tx, NOW + HOUR)) == 1
        await database.write(lambda tx: devices.forget(tx, ada.user_id))
        assert await database.read(lambda tx: devices.known_among(tx, ada.user_id, ["d1", "d2"])) == frozenset()
