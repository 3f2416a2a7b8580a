"""What imports bring, and how it is taken back, on both databases."""

from __future__ import annotations

import asyncio
import datetime as dt
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cine.watchlist.v1 import events_pb2
from cine_watchlist.domain.access import Role, Visibility
from cine_watchlist.domain.items import MOST_ITEMS
from cine_watchlist.domain.lists import MOST_FILMS, MOST_LISTS
from cine_watchlist.flows import imports
from cine_watchlist.flows.imports import KEPT_FOR, ImportRow
from cine_watchlist.store import Transaction, schema
from cine_watchlist.store.watchlist_items import ItemFilter
from cinemesh.db import mesh_tables
from cinemesh.errors import FailedPrecondition, InvalidArgument, Unauthenticated
from cinemesh.projections import person_rows

from .conftest import ADA, BEN, Shop

LONG_AGO = dt.datetime(2019, 5, 1, tzinfo=dt.UTC)


def row(number: int, movie_id: int, name: str = "", notes: str = "", added_at: dt.datetime | None = None) -> ImportRow:
    return ImportRow(number, movie_id, name, added_at, notes)


async def items(shop: Shop, user_id: str = ADA) -> list[Any]:
    page = await shop.shelves.watchlist.page(user_id, ItemFilter(), 1000, None)
    return [shown.item for shown in page.items]


async def own_lists(shop: Shop, user_id: str = ADA) -> dict[str, list[int]]:
    page = await shop.shelves.lists.page(user_id, Role.OWNER, 100, None)
    found = {}
    for shown in page.lists:
        one = shown.movie_list
        films = [item.item.movie_id for item in await shop.on_list(user_id, one.list_id)]
        assert one.item_count == len(films)
        found[one.name] = films
    return found


async def state(shop: Shop) -> Any:
    """Returns everything that people have here, without when it changed and where it stands in the order."""

    def read(tx: Transaction) -> Any:
        tables = (schema.watchlists, schema.watchlist_items, schema.lists, schema.list_items, schema.members)
        left_out = {"updated_at", "spreads"}
        return [
            sorted(
                tuple(str(value) for name, value in found.items() if name not in left_out)
                for found in tx.execute(sa.select(table)).mappings()
            )
            for table in tables
        ]

    return await shop.database.read(read)


async def test_films_are_taken_over_behind_those_that_are_there(shop: Shop) -> None:
    await shop.add(ADA, 1)
    await shop.create(ADA, "Rain", (2,))
    await shop.told()
    part = [
        row(1, 2, notes="so wet", added_at=LONG_AGO),
        row(2, 1),  # there already
        row(3, 3),
        row(4, 3),  # twice in the file
        row(5, 3, "Rain"),
        row(6, 2, "Rain"),
        row(7, 4, " Snow "),
        row(8, 5, "Snow", added_at=shop.clock.now + dt.timedelta(days=9)),
    ]
    assert await shop.shelves.imports.apply(ADA, "i1", part) == (5, 3)
    assert await shop.films(ADA) == [1, 2, 3]
    first = (await items(shop))[1]
    assert (first.notes, first.created_at, first.priority, first.watched) == ("so wet", LONG_AGO, 5, False)
    assert await own_lists(shop) == {"Rain": [2, 3], "Snow": [4, 5]}
    snow = (await shop.shelves.lists.page(ADA, Role.OWNER, 1, None)).lists[0].movie_list
    assert (snow.visibility, snow.version) == (Visibility.PRIVATE, 1)
    assert all(item.item.created_at <= shop.clock.now for item in await shop.on_list(ADA, snow.list_id))
    told = await shop.told()
    assert [type(one).__name__ for one in told] == [
        *["WatchlistItemChanged"] * 2,
        "ListItemAdded",
        "ListChanged",
        *["ListItemAdded"] * 2,
    ]
    assert told[3] == events_pb2.ListChanged(list_id=snow.list_id, owner_id=ADA, visibility="PRIVATE", added=True)


async def test_a_part_sent_again_changes_nothing_and_gives_the_same_answer(shop: Shop) -> None:
    part = [row(1, 1), row(2, 2, "Rain"), row(3, 1)]
    answers = await asyncio.gather(*(shop.shelves.imports.apply(ADA, "i1", part) for _ in range(8)))
    assert set(answers) == {(2, 1)}
    told = len(await shop.told())
    assert told == 3 and await own_lists(shop) == {"Rain": [2]}
    # a part that overlaps applies what is new of it
    assert await shop.shelves.imports.apply(ADA, "i1", [row(3, 1), row(4, 3), row(4, 3)]) == (1, 1)
    # what was taken off since does not come back by being sent again
    (item, _) = await items(shop)
    await shop.shelves.watchlist.remove(ADA, item.item_id, "")
    assert await shop.shelves.imports.apply(ADA, "i1", part) == (2, 1)
    assert await shop.films(ADA) == [3]
    # another import of the same rows, and another person's of the same name, are others
    assert await shop.shelves.imports.apply(ADA, "i2", part) == (1, 2)
    assert await shop.shelves.imports.apply(BEN, "i1", part) == (2, 1)


async def test_undone_what_it_brought_goes_but_for_what_was_changed_since(shop: Shop) -> None:
    await shop.add(ADA, 1)
    rain = (await shop.create(ADA, "Rain", (1,))).movie_list
    part = [row(1, 2), row(2, 3), row(3, 4), row(4, 2, "Rain"), row(5, 3, "Rain"), row(6, 1, "New"), row(7, 2, "Kept")]
    await shop.shelves.imports.apply(ADA, "i1", [*part, row(8, 1)])
    by_film = {item.movie_id: item for item in await items(shop)}
    await shop.shelves.watchlist.update(ADA, by_film[3].item_id, {"priority": 10}, "")
    await shop.shelves.watchlist.remove(ADA, by_film[4].item_id, "")
    on_rain = await shop.on_list(ADA, rain.list_id)
    await shop.shelves.items.update(ADA, rain.list_id, on_rain[1].item.item_id, "mine now", "")
    kept = next(
        shown.movie_list
        for shown in (await shop.shelves.lists.page(ADA, Role.OWNER, 10, None)).lists
        if shown.movie_list.name == "Kept"
    )
    await shop.invite(ADA, kept.list_id, "Ben")
    await shop.told()
    assert await shop.shelves.imports.roll_back(ADA, "i1") == 4  # 2, Rain/3, New/1, Kept/2
    assert await shop.films(ADA) == [1, 3]
    assert await own_lists(shop) == {"Rain": [1, 2], "Kept": []}
    told = [type(one).__name__ for one in await shop.told()]
    assert sorted(told) == ["ListDeleted", *["ListItemRemoved"] * 3, "WatchlistItemRemoved"]
    # again, it says the same and does nothing; and what comes late does not bring it back
    assert await shop.shelves.imports.roll_back(ADA, "i1") == 4
    assert await shop.shelves.imports.apply(ADA, "i1", part) == (7, 0)
    assert await shop.films(ADA) == [1, 3] and await shop.told() == []
    for user_id, import_id in ((ADA, "unknown"), (BEN, "i1"), ("nobody", "i1")):
        assert await shop.shelves.imports.roll_back(user_id, import_id) == 0


async def test_long_imports_are_undone_in_pieces_that_go_on_after_a_kill(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(imports, "_PIECE", 7)
    rows = [row(number, 1000 + number, ("", "Rain", "Snow")[number % 3]) for number in range(1, 101)]
    for start in range(0, 100, 30):
        await shop.shelves.imports.apply(ADA, "i1", rows[start : start + 30])
    undo, calls = imports.store.undo, 0

    def dies(*args: Any) -> None:
        nonlocal calls
        calls += 1
        if calls == 5:
            raise KeyboardInterrupt("killed")
        undo(*args)

    monkeypatch.setattr(imports.store, "undo", dies)
    with pytest.raises(KeyboardInterrupt):
        await shop.shelves.imports.roll_back(ADA, "i1")
    left = await shop.rows(schema.watchlist_items) + await shop.rows(schema.list_items)
    assert left == 100 - 4 * 7
    assert await shop.shelves.imports.roll_back(ADA, "i1") == 100
    assert await shop.rows(schema.watchlist_items) + await shop.rows(schema.list_items) == 0
    assert await own_lists(shop) == {}


async def test_what_cannot_be_kept_is_refused_whole(shop: Shop) -> None:
    for wrong, field in (
        (row(2, 1, notes="\u202e"), "items[1].notes"),
        (row(2, 1, "two\nlines"), "items[1].list_name"),
    ):
        with pytest.raises(InvalidArgument) as caught:
            await shop.shelves.imports.apply(ADA, "i1", [row(1, 1), wrong])
        assert [name for name, _ in caught.value.violations] == [field]
    await shop.add(ADA, 5)
    full_up = sa.update(schema.watchlists).values(item_count=MOST_ITEMS)
    await shop.database.write(lambda tx: tx.execute(full_up))
    with pytest.raises(FailedPrecondition):
        await shop.shelves.imports.apply(ADA, "i1", [row(1, 1), row(2, 2, "Rain")])
    await shop.database.write(lambda tx: tx.execute(sa.update(schema.watchlists).values(item_count=1)))
    assert await shop.films(ADA) == [5] and await own_lists(shop) == {}
    one = (await shop.create(ADA, "Rain")).movie_list
    full = sa.update(schema.lists).where(schema.lists.c.list_id == one.list_id).values(item_count=MOST_FILMS)
    await shop.database.write(lambda tx: tx.execute(full))
    with pytest.raises(FailedPrecondition):
        await shop.shelves.imports.apply(ADA, "i1", [row(1, 1), row(2, 2, "Rain")])
    assert await shop.films(ADA) == [5] and await shop.rows(schema.imported_rows) == 0


async def test_nobody_gets_too_many_lists_by_importing(shop: Shop) -> None:
    await shop.create(ADA, "first")

    def copies(tx: Transaction) -> None:
        found = dict(tx.execute(sa.select(schema.lists)).mappings().one())
        tx.execute(sa.insert(schema.lists), [{**found, "list_id": str(one)} for one in range(MOST_LISTS - 1)])

    await shop.database.write(copies)
    with pytest.raises(FailedPrecondition):
        await shop.shelves.imports.apply(ADA, "i1", [row(1, 1, "one more")])


async def test_of_several_lists_of_a_name_the_oldest_is_meant(shop: Shop) -> None:
    first, _ = [(await shop.create(ADA, "Rain")).movie_list, (await shop.create(ADA, "Rain")).movie_list]
    theirs = (await shop.create(BEN, "Rain")).movie_list
    await shop.join(theirs.list_id, BEN, ADA)
    await shop.shelves.imports.apply(ADA, "i1", [row(1, 1, "Rain")])
    assert len(await shop.on_list(ADA, first.list_id)) == 1 and await shop.on_list(ADA, theirs.list_id) == []


async def test_who_left_gets_nothing(shop: Shop) -> None:
    await shop.database.write(lambda tx: person_rows.bury(tx, schema.people, ADA, shop.clock()))
    with pytest.raises(Unauthenticated):
        await shop.shelves.imports.apply(ADA, "i1", [row(1, 1)])
    assert await shop.rows(schema.watchlists) == 0


async def test_what_came_of_rows_is_forgotten_long_after(shop: Shop) -> None:
    await shop.shelves.imports.apply(ADA, "i1", [row(1, 1)])
    shop.clock.forward(days=KEPT_FOR.days)
    assert await shop.shelves.imports.prune() == 0
    shop.clock.forward(days=1)
    assert await shop.shelves.imports.prune() == 1


ROWS = st.lists(st.tuples(st.integers(1, 6), st.sampled_from(["", "", "Rain", "Snow"])), min_size=1, max_size=12).map(
    lambda found: [row(number, *one) for number, one in enumerate(found, 1)]
)


@pytest.mark.slow
@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    before=st.lists(st.integers(1, 6), unique=True),
    on_rain=st.lists(st.integers(1, 6), unique=True),
    rows=ROWS,
    data=st.data(),
)
async def test_an_import_that_is_undone_leaves_everything_as_it_was(
    shop: Shop, before: list[int], on_rain: list[int], rows: list[ImportRow], data: st.DataObject
) -> None:
    for table in (schema.watchlists, schema.lists, schema.imported_rows, mesh_tables.outbox):
        await shop.database.write(lambda tx, table=table: tx.execute(sa.delete(table)))
    for movie_id in before:
        await shop.add(ADA, movie_id)
    await shop.create(ADA, "Rain", tuple(on_rain))
    had = await state(shop)
    wanted = {name: set(on_rain) if name == "Rain" else set() for name in ("Rain", "Snow")}
    for one in rows:
        wanted.setdefault(one.list_name, set()).add(one.movie_id)
    start = 0
    while start < len(rows):  # parts of any size, some of them twice, some overlapping
        size = data.draw(st.integers(1, 5))
        part = rows[max(0, start - data.draw(st.integers(0, 2))) : start + size]
        for _ in range(data.draw(st.integers(1, 2))):
            await shop.shelves.imports.apply(ADA, "i1", part)
        start += size
    assert set(await shop.films(ADA)) == set(before) | wanted.get("", set())
    assert {name: set(films) for name, films in (await own_lists(shop)).items() if films} == {
        name: films for name, films in wanted.items() if name and films
    }
    await shop.shelves.imports.roll_back(ADA, "i1")
    if not before:  # a watchlist that was begun stays, empty
        await shop.database.write(
            lambda tx: tx.execute(sa.delete(schema.watchlists).where(schema.watchlists.c.item_count == 0))
        )
    assert await state(shop) == had
