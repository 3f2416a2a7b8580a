"""What people prefer is followed, asked for where it was never told, and forgotten with them."""

from __future__ import annotations

import asyncio
import dataclasses
import datetime as dt
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from google.protobuf.message import Message

from cine.common.v1 import feed_pb2
from cine.identity.v1 import events_pb2
from cine_recommender.domain.preferences import Preferences
from cine_recommender.flows.preferences import PreferenceCopy
from cine_recommender.settings import RecommenderSettings
from cine_recommender.store import preferences as store
from cine_recommender.store import schema
from cinemesh.db import Database, migrate
from cinemesh.errors import Unavailable
from cinemesh.projections import People
from cinemesh.testing import settings_for

NOBODY = ["127.0.0.1:1"]
START = dt.datetime(2026, 3, 1, tzinfo=dt.UTC)


def event(fact: Message, seconds: float) -> feed_pb2.Event:
    made = feed_pb2.Event(id=f"e{seconds}", type=fact.DESCRIPTOR.full_name)
    made.time.FromDatetime(START + dt.timedelta(seconds=seconds))
    made.data.Pack(fact)
    return made


def changed(user_id: str = "ann", **fields: Any) -> events_pb2.PreferencesChanged:
    return events_pb2.PreferencesChanged(user_id=user_id, **fields)


class Room:
    """The copy over a store, with nobody to ask."""

    def __init__(self, database: Database, folder: Path) -> None:
        settings = settings_for(RecommenderSettings, folder, peers={"identity": NOBODY})
        self.database = database
        self.people = People("recommender", settings, database, schema.people, forget=self._forget)
        self.copy = PreferenceCopy(settings, database, self.people)

    def _forget(self, tx: Any, user_id: str) -> None:
        self.copy.forget(tx, user_id)

    async def told(self, *events: feed_pb2.Event) -> None:
        await self.database.write(lambda tx: self.copy.apply(tx, events))

    async def leaves(self, user_id: str, seconds: float) -> None:
        gone = event(events_pb2.UserDeleted(user_id=user_id), seconds)
        await self.database.write(lambda tx: self.people._apply(tx, [gone]))


@pytest.fixture
async def room(store_url: str, tmp_path: Path) -> AsyncIterator[Room]:
    await asyncio.to_thread(migrate, store_url, "cine_recommender")
    async with Database(store_url) as database:
        yield Room(database, tmp_path)


async def test_what_was_told_last_holds_at_once_in_whatever_order_it_comes(room: Room) -> None:
    await room.told(event(changed(preferred_genres=["Drama"]), 1))
    assert await room.copy.of("ann") == Preferences(("Drama",))
    newest = event(changed(excluded_genres=["Horror"], share_taste=True), 3)
    await room.told(newest)
    assert await room.copy.of("ann") == Preferences((), ("Horror",), share_taste=True)
    await room.told(event(changed(preferred_genres=["War"]), 2), newest)
    assert await room.copy.of("ann") == Preferences((), ("Horror",), share_taste=True)


EVERYTHING: dict[str, Any] = {
    "preferred_genres": ("Drama",), "excluded_genres": ("Horror",), "services": ("Netflix", "Hulu"), "languages": ("fr", "en"),
    "year_min": 1990, "year_max": 2200, "runtime_max": 10_000, "share_taste": True,
}  # fmt: skip


async def test_all_that_recommendations_go_by_is_kept(room: Room) -> None:
    assert set(EVERYTHING) == {field.name for field in dataclasses.fields(Preferences)}
    await room.told(event(changed(**EVERYTHING), 1))
    room.copy._kept.clear()
    assert await room.copy.of("ann") == await room.copy.of_sharing("ann") == Preferences(**EVERYTHING)
    await room.told(event(changed(), 2))
    assert await room.copy.of("ann") == Preferences()


async def test_rows_of_before_serve_groups_until_their_owner_is_asked_about_again(room: Room) -> None:
    row = {"user_id": "ann", "preferred_genres": ["War"], "excluded_genres": [], "share_taste": True, "told_at": START}
    await room.database.write(lambda tx: tx.execute(sa.insert(schema.preferences), [row]))
    assert await room.copy.of_sharing("ann") == Preferences(("War",), share_taste=True)
    with pytest.raises(Unavailable):  # nobody is there to ask
        await room.copy.of("ann")
    # Identity answers with the time of the change, a moment before that of its event
    whole, before = Preferences(**EVERYTHING), START - dt.timedelta(milliseconds=1)
    await room.database.write(lambda tx: store.note(tx, "ann", whole, before))
    assert await room.copy.of("ann") == whole


async def test_only_who_lets_others_is_shared(room: Room) -> None:
    await room.told(event(changed(share_taste=True), 1), event(changed("bob"), 1))
    assert await room.copy.of_sharing("ann") == Preferences(share_taste=True)
    assert await room.copy.of_sharing("bob") is None
    assert await room.copy.of_sharing("nobody") is None


async def test_of_whom_nothing_was_told_identity_is_asked_and_its_silence_is_said(room: Room) -> None:
    with pytest.raises(Unavailable):
        await room.copy.of("cat")
    began = asyncio.get_running_loop().time()
    with pytest.raises(Unavailable):
        await room.copy.of("cat")
    assert asyncio.get_running_loop().time() - began < 0.4, "nobody waits for it again so soon"


async def test_who_left_is_forgotten_and_what_comes_late_does_not_bring_them_back(room: Room) -> None:
    await room.told(event(changed(share_taste=True), 1))
    await room.leaves("ann", 2)
    assert await room.copy.of_sharing("ann") is None
    await room.told(event(changed(share_taste=True), 3))
    assert await room.copy.of_sharing("ann") is None


async def test_when_the_feed_lost_what_was_missed_people_are_asked_about_anew(room: Room) -> None:
    await room.told(event(changed(share_taste=True), 1))
    await room.copy._begin_anew()
    assert await room.copy.of_sharing("ann") is None


async def test_who_asks_again_is_answered_without_the_store_until_something_changes(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    await room.told(event(changed(preferred_genres=["Drama"]), 1))
    read, reads = room.database.read, []

    async def counted(work: Any) -> Any:
        reads.append(work)
        return await read(work)

    monkeypatch.setattr(room.database, "read", counted)
    for _ in range(3):
        assert await room.copy.of("ann") == Preferences(("Drama",))
    assert len(reads) == 1
    await room.told(event(changed(preferred_genres=["War"]), 2))
    assert await room.copy.of("ann") == Preferences(("War",))


async def test_what_changes_while_it_is_read_is_not_taken_for_what_holds(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    await room.told(event(changed(preferred_genres=["Drama"]), 1))
    read = room.database.read

    async def overtaken(work: Any) -> Any:
        found = await read(work)
        await room.told(event(changed(preferred_genres=["War"]), 2))
        return found

    with monkeypatch.context() as slow:
        slow.setattr(room.database, "read", overtaken)
        await room.copy.of("ann")
    assert await room.copy.of("ann") == Preferences(("War",))
