"""A service's copy of people's names, and what happens when somebody leaves."""

from __future__ import annotations

import asyncio
import datetime as dt
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import ClassVar

import pytest
import sqlalchemy as sa
from alembic.migration import MigrationContext
from alembic.operations import Operations
from sqlalchemy.orm import Session

from cine.identity.v1 import events_pb2
from cine.watchlist.v1.watchlist_pb2 import AddItemRequest, AddItemResponse
from cinemesh import context, telemetry
from cinemesh.client import close_channels
from cinemesh.context import Principal, RequestContext
from cinemesh.db import Database, mesh_tables, migrate, new_metadata
from cinemesh.errors import Reason, Unauthenticated, Unavailable
from cinemesh.idempotency import RequestIds
from cinemesh.projections import People, create_person_table, person_table
from cinemesh.projections.people import BURIED_FOR
from cinemesh.settings import ServiceSettings
from cinemesh.testing import settings_for
from cinemesh.testing.identity import StandIn, standing_in
from cinemesh.testing.ports import free_port

METADATA = new_metadata()
PERSON = person_table(METADATA)
NOTES = sa.Table(
    "note",
    METADATA,
    sa.Column("row", sa.Integer, primary_key=True),
    sa.Column("user_id", sa.String(64), nullable=False),
)
NOBODY = "127.0.0.1:1"


class RatingsSettings(ServiceSettings):
    service: ClassVar[str] = "ratings"


class Clock:
    def __init__(self) -> None:
        self.ahead = dt.timedelta()

    def __call__(self) -> dt.datetime:
        return dt.datetime.now(dt.UTC) + self.ahead


class Follower:
    """A service that keeps notes of people."""

    def __init__(self, folder: Path, database: Database, address: str) -> None:
        settings = settings_for(RatingsSettings, folder, peers={"identity": [address]})
        self.database = database
        self.clock = Clock()
        self.fail_to_forget = 0
        self.people = People("ratings", settings, database, PERSON, forget=self.forget, clock=self.clock)

    def forget(self, session: Session, user_id: str) -> None:
        session.execute(sa.delete(NOTES).where(NOTES.c.user_id == user_id))
        if self.fail_to_forget:
            self.fail_to_forget -= 1
            raise OSError("half done")

    async def note(self, user_id: str, before: Callable[[], None] = lambda: None) -> None:
        def change(session: Session) -> None:
            self.people.require_present(session, user_id)
            before()
            session.execute(sa.insert(NOTES).values(user_id=user_id))

        await self.database.write(change)

    async def notes(self) -> list[str]:
        return await self.database.read(lambda session: sorted(session.scalars(sa.select(NOTES.c.user_id))))

    async def names(self, *user_ids: str) -> dict[str, str]:
        return await self.database.read(lambda session: self.people.names(session, user_ids))

    async def id_of(self, username: str) -> str | None:
        return await self.database.read(lambda session: self.people.id_of(session, username))

    async def state(self, user_id: str) -> str | None:
        statement = sa.select(PERSON.c.state).where(PERSON.c.user_id == user_id)
        return await self.database.read(lambda session: session.execute(statement).scalar_one_or_none())


async def until(true: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(20):
        while not await true():  # noqa: ASYNC110 - a table does not wake anybody
            await asyncio.sleep(0.02)


def create_tables(url: str) -> None:
    migrate(url, None)
    engine = sa.create_engine(url.replace("postgresql://", "postgresql+psycopg://"))
    with engine.begin() as connection:
        create_person_table(Operations(MigrationContext.configure(connection)))
        NOTES.create(connection)
    engine.dispose()


@pytest.fixture
async def database(store_url: str, tmp_path: Path) -> AsyncIterator[Database]:
    telemetry.set_up(
        settings_for(ServiceSettings, tmp_path)
    )  # tracebacks as JSON: the pretty ones take half a second each
    await asyncio.to_thread(create_tables, store_url)
    async with Database(store_url) as opened:
        yield opened
    await close_channels()


@pytest.fixture
async def served(tmp_path: Path) -> AsyncIterator[tuple[StandIn, str]]:
    async with standing_in(tmp_path) as made:
        yield made


@pytest.fixture
def identity(served: tuple[StandIn, str]) -> StandIn:
    return served[0]


@pytest.fixture
async def follower(tmp_path: Path, database: Database, served: tuple[StandIn, str]) -> AsyncIterator[Follower]:
    made = Follower(tmp_path, database, served[1])
    await made.people.start()
    yield made
    await made.people.stop()


async def state_becomes(follower: Follower, user_id: str, state: str) -> None:
    async def reached() -> bool:
        return await follower.state(user_id) == state

    await until(reached)


async def test_people_come_with_their_names_and_are_found_once_their_address_is_proven(
    follower: Follower, identity: StandIn
) -> None:
    await identity.tell(events_pb2.UserRegistered(user_id="u1", username="Ana", display_name="Ana"))
    await state_becomes(follower, "u1", "unverified")
    assert await follower.id_of("ana") is None
    await identity.tell(events_pb2.EmailVerified(user_id="u1"))
    await state_becomes(follower, "u1", "active")
    assert await follower.id_of("aNa") == "u1" and await follower.names("u1", "u2") == {"u1": "Ana"}
    assert identity.questions == 0


async def test_another_name_replaces_the_old_one(follower: Follower, identity: StandIn) -> None:
    await identity.open_account("u1", "ana")
    await identity.rename("u1", "anna")

    async def renamed() -> bool:
        return await follower.names("u1") == {"u1": "anna"}

    await until(renamed)
    assert await follower.id_of("anna") == "u1" and await follower.id_of("ana") is None
    await identity.open_account("u2", "ana")  # the name is free again
    await state_becomes(follower, "u2", "active")
    assert await follower.id_of("ana") == "u2"


async def test_a_closed_account_is_not_found_and_keeps_its_name(follower: Follower, identity: StandIn) -> None:
    await identity.open_account("u1", "ana")
    await identity.tell(events_pb2.UserDisabled(user_id="u1"))
    await state_becomes(follower, "u1", "disabled")
    assert await follower.id_of("ana") is None and await follower.names("u1") == {"u1": "ana"}
    await identity.tell(events_pb2.UserEnabled(user_id="u1"))
    await state_becomes(follower, "u1", "active")
    assert await follower.id_of("ana") == "u1"


async def test_who_leaves_is_forgotten_in_the_transaction_that_says_so(follower: Follower, identity: StandIn) -> None:
    for user_id, name in (("u1", "ana"), ("u2", "ben")):
        await identity.open_account(user_id, name)
        await state_becomes(follower, user_id, "active")
        await follower.note(user_id)
    follower.fail_to_forget = 2
    await identity.delete_account("u1")
    await state_becomes(follower, "u1", "deleted")
    # twice it failed half way, and nothing was half done
    assert follower.fail_to_forget == 0
    assert await follower.notes() == ["u2"] and await follower.names("u1", "u2") == {"u2": "ben"}
    row = sa.select(PERSON).where(PERSON.c.user_id == "u1")
    left = await follower.database.read(lambda session: session.execute(row).one())
    assert (left.username, left.username_key, left.display_name) == ("", "", "")


async def test_a_failed_forgetting_leaves_everything_as_it_was(follower: Follower, identity: StandIn) -> None:
    await identity.open_account("u1", "ana")
    await state_becomes(follower, "u1", "active")
    await follower.note("u1")
    follower.fail_to_forget = 1_000
    await identity.delete_account("u1")

    async def tried() -> bool:
        return follower.fail_to_forget < 999

    await until(tried)
    assert await follower.state("u1") == "active" and await follower.notes() == ["u1"]
    follower.fail_to_forget = 0
    await state_becomes(follower, "u1", "deleted")
    assert await follower.notes() == []


async def test_answers_kept_by_request_id_go_with_them(follower: Follower, identity: StandIn) -> None:
    ids = RequestIds()
    request, answer = AddItemRequest(movie_id=1, request_id="a"), AddItemResponse(notes="mine")
    with context.using(RequestContext(principal=Principal("user", "u1"))):
        await ids.once(follower.database, "Add", request, AddItemResponse, lambda _: answer)
    await identity.delete_account("u1")
    await state_becomes(follower, "u1", "deleted")
    count = sa.select(sa.func.count()).select_from(mesh_tables.request_effect)
    assert await follower.database.read(lambda session: session.execute(count).scalar_one()) == 0


async def test_nothing_can_be_written_for_somebody_who_left(follower: Follower, identity: StandIn) -> None:
    await follower.note("u1")  # never heard of: they may write
    await identity.delete_account("u1")
    await state_becomes(follower, "u1", "deleted")
    with pytest.raises(Unauthenticated) as refused:
        await follower.note("u1")
    assert refused.value.reason is Reason.TOKEN_REVOKED and await follower.notes() == []


async def test_a_write_under_way_is_either_before_the_leaving_or_refused(follower: Follower, identity: StandIn) -> None:
    """The write holds its transaction open until the leaving has begun; afterwards nothing of it is left."""
    for number in range(5):
        user_id = f"u{number}"
        gate = asyncio.Event()
        loop = asyncio.get_running_loop()

        def under_way(gate: asyncio.Event = gate, loop: asyncio.AbstractEventLoop = loop) -> None:
            loop.call_soon_threadsafe(gate.set)
            # on PostgreSQL the leaving now runs into this transaction; on SQLite it queues behind it
            time.sleep(0.2)

        writing = asyncio.create_task(follower.note(user_id, under_way))
        await gate.wait()
        await identity.delete_account(user_id)
        await writing
        await state_becomes(follower, user_id, "deleted")
        assert await follower.notes() == []


async def test_somebody_who_registered_a_second_ago_is_asked_for(
    tmp_path: Path, database: Database, served: tuple[StandIn, str]
) -> None:
    identity, address = served
    identity.people = {"u1": "ana", "u2": "ben"}  # the feed has not told of them
    follower = Follower(tmp_path, database, address)
    await follower.people.known(["u1", "u2", "u3"])
    assert await follower.names("u1", "u2", "u3") == {"u1": "ana", "u2": "ben"} and identity.questions == 1
    await follower.people.known(["u1", "u2"])
    await follower.people.known([])
    assert identity.questions == 1


async def test_a_late_answer_brings_nobody_back(follower: Follower, identity: StandIn) -> None:
    identity.people["u1"] = "ana"
    await identity.tell(events_pb2.UserDeleted(user_id="u1"))
    await state_becomes(follower, "u1", "deleted")
    await follower.people.known(["u1"])
    await identity.rename("u1", "ana")
    await identity.open_account("u2", "ben")
    await state_becomes(follower, "u2", "active")
    assert await follower.names("u1") == {} and await follower.state("u1") == "deleted"


async def test_a_name_learned_early_gives_way_to_what_the_feed_says(follower: Follower, identity: StandIn) -> None:
    await identity.tell(events_pb2.UserDisabled(user_id="u1"))
    await state_becomes(follower, "u1", "disabled")
    identity.people["u1"] = "ana"
    await follower.people.known(["u1"])
    assert await follower.names("u1") == {"u1": "ana"} and await follower.state("u1") == "disabled"
    await identity.rename("u1", "anna")

    async def renamed() -> bool:
        return await follower.names("u1") == {"u1": "anna"}

    await until(renamed)


async def test_names_wait_for_nobody_while_identity_is_away(tmp_path: Path, database: Database) -> None:
    follower = Follower(tmp_path, database, NOBODY)
    async with asyncio.timeout(5):
        await follower.people.known(["u1"])
    assert await follower.names("u1") == {}
    with pytest.raises(Unavailable):
        await follower.people.find("ana")


async def test_people_are_found_by_name_wherever_they_are_known(
    tmp_path: Path, database: Database, served: tuple[StandIn, str]
) -> None:
    identity, address = served
    identity.people = {"u1": "Ana"}
    follower = Follower(tmp_path, database, address)
    assert await follower.people.find("nobody") is None and await follower.people.find("") is None
    assert await follower.people.find("a\x00") is None
    asked = identity.questions
    assert await follower.people.find("ANA") == "u1" and identity.questions > asked
    asked = identity.questions
    assert await follower.people.find("ana") == "u1" and identity.questions == asked


async def test_a_feed_that_no_longer_has_who_left_makes_it_ask_for_everybody(
    tmp_path: Path, database: Database, served: tuple[StandIn, str]
) -> None:
    identity, address = served
    first = Follower(tmp_path, database, address)
    await first.people.start()
    for user_id, name in (("u1", "ana"), ("u2", "ben"), ("u3", "cleo")):
        await identity.open_account(user_id, name)
        await state_becomes(first, user_id, "active")
        await first.note(user_id)
    await first.people.stop()
    await identity.delete_account("u1")
    await identity.rename("u2", "benno")
    await identity.outbox.prune(identity.database, older_than=dt.timedelta(0))
    second = Follower(tmp_path, database, address)
    identity.away = True  # and comes back
    await second.people.start()
    await until(lambda: asyncio.sleep(0, identity.questions >= 2))
    assert await second.notes() == ["u1", "u2", "u3"]
    identity.away = False
    await state_becomes(second, "u1", "deleted")
    assert await second.notes() == ["u2", "u3"]
    assert await second.names("u1", "u2", "u3") == {"u2": "benno", "u3": "cleo"}
    await identity.open_account("u4", "dan")
    await state_becomes(second, "u4", "active")
    await second.people.stop()


async def test_it_goes_on_when_identity_comes_back(tmp_path: Path, database: Database) -> None:
    port = free_port()
    follower = Follower(tmp_path, database, f"127.0.0.1:{port}")
    await follower.people.start()
    with pytest.raises(Unavailable):
        await follower.people.probe()
    for number in range(2):
        async with standing_in(tmp_path, port=port) as (identity, _):
            await identity.open_account(f"u{number}", f"name-{number}")
            await state_becomes(follower, f"u{number}", "active")
            assert "following" in await follower.people.probe()
    await follower.people.stop()


async def test_ids_of_those_who_left_go_after_a_month(follower: Follower, identity: StandIn) -> None:
    await identity.open_account("u1", "ana")
    await identity.delete_account("u1")
    await identity.open_account("u2", "ben")
    await state_becomes(follower, "u2", "active")
    follower.clock.ahead = BURIED_FOR - dt.timedelta(minutes=1)
    assert await follower.people.prune() == 0
    follower.clock.ahead = BURIED_FOR + dt.timedelta(minutes=1)
    assert await follower.people.prune() == 1
    assert await follower.state("u1") is None and await follower.names("u2") == {"u2": "ben"}
