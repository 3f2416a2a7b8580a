"""Trainings in either store: one at a time, whoever asks and from wherever; what a process leaves, the next one finds."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import AsyncIterator
from typing import Any

import pytest

from cine_recommender.store import trainings
from cine_recommender.store.trainings import LEASE, LeaseLost, State, Training
from cinemesh.db import Database, migrate

NOW = dt.datetime(2026, 3, 14, 15, tzinfo=dt.UTC)
SECOND = dt.timedelta(seconds=1)
KINDS = ("content", "hybrid")


@pytest.fixture
async def database(store_url: str) -> AsyncIterator[Database]:
    await asyncio.to_thread(migrate, store_url, "cine_recommender")
    async with Database(store_url) as opened:
        yield opened


async def ask(database: Database, now: dt.datetime = NOW, **more: Any) -> Training:
    return await database.write(lambda tx: trainings.ask(tx, KINDS, now, **more))


async def claim(database: Database, one: Training, holder: str, now: dt.datetime = NOW) -> bool:
    return await database.write(lambda tx: trainings.claim(tx, one.training_id, holder, now))


async def end(database: Database, one: Training, holder: str, state: State, *, switching: bool = False) -> None:
    def change(tx: Any) -> None:
        trainings.end(tx, one.training_id, holder, NOW, state=state, detail="", outcomes=[], switching=switching)

    await database.write(change)


async def seen(database: Database, one: Training) -> Training:
    found = await database.read(lambda tx: trainings.get(tx, one.training_id))
    assert found is not None
    return found


async def test_many_who_ask_at_once_get_the_same_training(database: Database) -> None:
    asked = await asyncio.gather(*(ask(database, actor_id=f"u{one}") for one in range(12)))
    assert len({one.training_id for one in asked}) == 1
    assert asked[0].state is State.QUEUED
    assert len(await database.read(lambda tx: trainings.newest(tx, 10))) == 1


async def test_one_process_takes_it_and_another_one_begins_when_it_ended(database: Database) -> None:
    one = await ask(database)
    taken = await asyncio.gather(*(claim(database, one, f"p{number}") for number in range(5)))
    assert sum(taken) == 1
    holder = f"p{taken.index(True)}"
    assert (await ask(database, NOW + SECOND)).training_id == one.training_id
    with pytest.raises(LeaseLost):
        await end(database, one, "somebody", State.FAILED)
    await end(database, one, holder, State.UNCHANGED)
    with pytest.raises(LeaseLost):
        await end(database, one, holder, State.PROMOTED)
    other = await ask(database, NOW + SECOND)
    assert other.training_id != one.training_id
    listed = await database.read(lambda tx: trainings.newest(tx, 10))
    assert [known.training_id for known in listed] == [other.training_id, one.training_id]


async def test_what_promoted_is_in_the_way_until_it_serves(database: Database) -> None:
    one = await ask(database)
    await claim(database, one, "p1")
    await end(database, one, "p1", State.PROMOTED, switching=True)
    assert (await ask(database)).training_id == one.training_id
    assert not await claim(database, one, "p2", NOW + LEASE / 2), "its process may be alive"
    assert await claim(database, one, "p2", NOW + LEASE + SECOND)
    assert (await seen(database, one)).state is State.PROMOTED
    await database.write(lambda tx: trainings.close(tx, one.training_id))
    assert (await ask(database)).training_id != one.training_id


async def test_a_process_that_is_not_heard_of_loses_it(database: Database) -> None:
    one = await ask(database)
    await claim(database, one, "p1")
    await database.write(lambda tx: trainings.hold(tx, one.training_id, "p1", NOW + LEASE / 2, percent=40))
    early = NOW + LEASE + SECOND
    assert await database.write(lambda tx: trainings.interrupt_left(tx, early, "gone")) == 0
    late = NOW + LEASE / 2 + LEASE + SECOND
    assert await database.write(lambda tx: trainings.interrupt_left(tx, late, "gone")) == 1
    found = await seen(database, one)
    assert (found.state, found.detail, found.percent, found.ended_at) == (State.INTERRUPTED, "gone", 40, late)
    with pytest.raises(LeaseLost):
        await database.write(lambda tx: trainings.hold(tx, one.training_id, "p1", late))
    assert (await ask(database)).training_id != one.training_id


async def test_there_is_one_training_a_night(database: Database) -> None:
    asked = await asyncio.gather(*(ask(database, night="2026-03-15") for _ in range(6)))
    assert len({one.training_id for one in asked}) == 1
    await claim(database, asked[0], "p1")
    await end(database, asked[0], "p1", State.UNCHANGED)
    by_hand = await ask(database, NOW + SECOND)
    assert (await ask(database, NOW + 2 * SECOND, night="2026-03-15")).training_id == asked[0].training_id
    assert (await ask(database, NOW + 2 * SECOND, night="2026-03-16")).training_id == by_hand.training_id


async def test_old_trainings_are_forgotten_and_one_that_waits_is_not(database: Database) -> None:
    one = await ask(database)
    await claim(database, one, "p1")
    await end(database, one, "p1", State.UNCHANGED)
    waits = await ask(database, NOW + SECOND)
    assert await database.write(lambda tx: trainings.prune(tx, NOW)) == 0
    assert await database.write(lambda tx: trainings.prune(tx, NOW + SECOND)) == 1
    assert await database.read(lambda tx: [left.training_id for left in trainings.newest(tx, 9)]) == [waits.training_id]
