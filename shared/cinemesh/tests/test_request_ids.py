"""A call sent again has one effect and gives the first answer again, on SQLite and on PostgreSQL."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import AsyncIterator

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from cine.watchlist.v1.watchlist_pb2 import AddItemRequest as Request
from cine.watchlist.v1.watchlist_pb2 import AddItemResponse as Answer
from cinemesh import context
from cinemesh.context import ANONYMOUS, Principal, RequestContext
from cinemesh.db import Database, mesh_tables, migrate, new_metadata, schema_drift
from cinemesh.errors import InvalidArgument, NotFound, Reason
from cinemesh.idempotency import KEPT_FOR, RequestIds

METADATA = new_metadata()
# no unique constraint: an effect that came twice would show
EFFECTS = sa.Table(
    "effect",
    METADATA,
    sa.Column("row", sa.Integer, primary_key=True),
    sa.Column("movie_id", sa.Integer, nullable=False),
)
# as real effects have it: the second of a kind breaks a constraint
ITEMS = sa.Table("item", METADATA, sa.Column("movie_id", sa.Integer, primary_key=True, autoincrement=False))
ANA, BEN = Principal("user", "ana"), Principal("user", "ben")


class Clock:
    """Tells the time that the test says."""

    def __init__(self) -> None:
        self.now = dt.datetime(2030, 1, 1, tzinfo=dt.UTC)

    def __call__(self) -> dt.datetime:
        return self.now


class Shop:
    """Has one effect, and counts how often."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.clock = Clock()
        self.ids = RequestIds(self.clock)

    async def add(self, request: Request, who: Principal = ANA, *, method: str = "Add", fail: bool = False) -> Answer:
        def effect(session: Session) -> Answer:
            insert = sa.insert(EFFECTS).values(movie_id=request.movie_id).returning(EFFECTS.c.row)
            row = session.execute(insert).scalar_one()
            if fail:
                raise NotFound("no such film")
            return Answer(item_id=str(row), movie_id=request.movie_id, notes=request.notes)

        with context.using(RequestContext(principal=who)):
            return await self.ids.once(self.database, method, request, Answer, effect)

    async def add_unique(self, request: Request) -> Answer:
        def effect(session: Session) -> Answer:
            session.execute(sa.insert(ITEMS).values(movie_id=request.movie_id))
            return Answer(item_id="one", movie_id=request.movie_id)

        with context.using(RequestContext(principal=ANA)):
            return await self.ids.once(self.database, "AddUnique", request, Answer, effect)

    async def effects(self) -> list[int]:
        statement = sa.select(EFFECTS.c.movie_id).order_by(EFFECTS.c.row)
        return await self.database.read(lambda session: list(session.scalars(statement)))

    async def kept(self) -> int:
        count = sa.select(sa.func.count()).select_from(mesh_tables.request_effect)
        return await self.database.read(lambda session: session.execute(count).scalar_one())


@pytest.fixture
async def shop(store_url: str) -> AsyncIterator[Shop]:
    await asyncio.to_thread(migrate, store_url, None)
    async with Database(store_url, pool=12) as database:
        await database.write(lambda session: METADATA.create_all(session.connection()))
        yield Shop(database)


async def test_the_migrated_tables_are_those_that_the_code_declares(store_url: str) -> None:
    await asyncio.to_thread(migrate, store_url, None)
    drift = await asyncio.to_thread(schema_drift, store_url, mesh_tables.metadata)
    assert [line for line in drift if "request_effect" in line or "projection" in line] == []


async def test_a_request_sent_again_gives_the_first_answer_again(shop: Shop) -> None:
    request = Request(movie_id=603, notes="soon", request_id="a")
    first = await shop.add(request)
    assert first.item_id and await shop.add(request) == first
    assert await shop.effects() == [603]


async def test_ten_sends_at_once_have_one_effect_and_one_answer(shop: Shop) -> None:
    for number in range(30):
        request = Request(movie_id=number, request_id=f"attempt-{number}")
        answers = await asyncio.gather(*(shop.add(request) for _ in range(10)))
        assert all(answer == answers[0] for answer in answers)
    assert await shop.effects() == list(range(30))


@pytest.mark.slow
async def test_a_thousand_requests_sent_ten_times_each_and_one_more_that_is_another(shop: Shop) -> None:
    turns = asyncio.Semaphore(16)

    async def attempt(number: int) -> None:
        request = Request(movie_id=number, request_id=f"attempt-{number}")
        other = Request(movie_id=number, notes="changed", request_id=f"attempt-{number}")
        async with turns:
            first = await shop.add(request)
            outcomes = await asyncio.gather(
                *(shop.add(request) for _ in range(9)), shop.add(other), return_exceptions=True
            )
        assert outcomes[:9] == [first] * 9 and isinstance(outcomes[9], InvalidArgument)

    await asyncio.gather(*(attempt(number) for number in range(500)))
    # and those of which nobody was first
    for start in range(500, 1000, 20):
        requests = [Request(movie_id=number, request_id=f"attempt-{number}") for number in range(start, start + 20)]
        answers = await asyncio.gather(*(shop.add(request) for request in requests for _ in range(10)))
        for place in range(20):
            assert len({answer.item_id for answer in answers[10 * place : 10 * place + 10]}) == 1
    assert sorted(await shop.effects()) == list(range(1000))


async def test_sends_at_once_wait_for_the_first_instead_of_breaking_a_constraint(shop: Shop) -> None:
    for number in range(20):
        request = Request(movie_id=number, request_id=f"attempt-{number}")
        answers = await asyncio.gather(*(shop.add_unique(request) for _ in range(10)))
        assert {answer.item_id for answer in answers} == {"one"}


async def test_another_body_under_the_same_id_is_refused(shop: Shop) -> None:
    await shop.add(Request(movie_id=603, request_id="a"))
    for other in (
        Request(movie_id=604, request_id="a"),
        Request(movie_id=603, notes="!", request_id="a"),
        Request(movie_id=603, priority=1, request_id="a"),
    ):
        with pytest.raises(InvalidArgument) as refused:
            await shop.add(other)
        assert refused.value.reason is Reason.REQUEST_ID_REUSED
        assert refused.value.violations[0][0] == "request_id"
    assert await shop.effects() == [603]


async def test_of_two_bodies_at_once_one_wins_and_the_other_is_refused(shop: Shop) -> None:
    for number in range(20):
        sent = [Request(movie_id=movie_id, request_id=f"a{number}") for movie_id in (1, 2) for _ in range(3)]
        outcomes = await asyncio.gather(*(shop.add(request) for request in sent), return_exceptions=True)
        winners = {outcome.movie_id for outcome in outcomes if isinstance(outcome, Answer)}
        refused = [outcome for outcome in outcomes if isinstance(outcome, InvalidArgument)]
        assert len(winners) == 1 and len(refused) == 3
    assert len(await shop.effects()) == 20


async def test_without_an_id_nothing_is_remembered(shop: Shop) -> None:
    await asyncio.gather(*(shop.add(Request(movie_id=603)) for _ in range(3)))
    assert await shop.effects() == [603] * 3 and await shop.kept() == 0


async def test_an_id_belongs_to_its_caller_and_method(shop: Shop) -> None:
    request = Request(movie_id=603, request_id="a")
    answers = [await shop.add(request), await shop.add(request, BEN), await shop.add(request, method="AddElsewhere")]
    assert len({answer.item_id for answer in answers}) == 3
    # nothing of another caller's shows, not even that there was something
    assert await shop.add(Request(movie_id=604, request_id="a"), Principal("service", "watchlist"))


async def test_callers_without_a_token_share_nothing(shop: Shop) -> None:
    request = Request(movie_id=603, request_id="a")
    assert (await shop.add(request, ANONYMOUS)).item_id != (await shop.add(request, ANONYMOUS)).item_id
    assert await shop.kept() == 0


async def test_what_failed_is_not_remembered(shop: Shop) -> None:
    request = Request(movie_id=603, request_id="a")
    with pytest.raises(NotFound):
        await shop.add(request, fail=True)
    assert await shop.effects() == [] and await shop.kept() == 0
    assert (await shop.add(request)).movie_id == 603


async def test_while_one_fails_another_send_goes_on(shop: Shop) -> None:
    request = Request(movie_id=603, request_id="a")
    outcomes = await asyncio.gather(
        *(shop.add(request, fail=number % 2 == 0) for number in range(10)), return_exceptions=True
    )
    # whoever failed found no answer to repeat; from the first success on there is one
    assert {outcome.item_id for outcome in outcomes if isinstance(outcome, Answer)} != set()
    assert await shop.effects() == [603]


async def test_answers_are_kept_for_two_days_and_then_go(shop: Shop) -> None:
    request = Request(movie_id=603, request_id="a")
    first = await shop.add(request)
    shop.clock.now += dt.timedelta(hours=24)
    await shop.add(Request(movie_id=604, request_id="b"))
    shop.clock.now += KEPT_FOR - dt.timedelta(hours=24)
    assert await shop.ids.prune(shop.database) == 0
    assert await shop.add(request) == first
    shop.clock.now += dt.timedelta(seconds=1)
    assert await shop.ids.prune(shop.database) == 1 and await shop.kept() == 1
    assert await shop.add(request) != first


async def test_pruning_takes_as_many_steps_as_it_needs(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cinemesh.idempotency._PRUNE_STEP", 3)
    for number in range(8):
        await shop.add(Request(movie_id=603, request_id=str(number)))
    shop.clock.now += KEPT_FOR * 2
    assert await shop.ids.prune(shop.database) == 8 and await shop.kept() == 0


async def test_what_is_kept_for_somebody_who_leaves_goes(shop: Shop) -> None:
    request = Request(movie_id=603, request_id="a")
    await shop.add(request)
    await shop.add(request, BEN)
    assert await shop.database.write(lambda session: shop.ids.forget(session, "ana")) == 1
    assert await shop.kept() == 1
