"""Many clients at once: nothing acknowledged is lost or doubled, and what is told is what happened; on both databases."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import pytest

from cine_watchlist.store import schema
from cine_watchlist.store.watchlist_items import ItemFilter
from cinemesh.errors import Aborted, AlreadyExists, CineError, NotFound
from cinemesh.testing.catalogue import film
from cinemesh.testing.seeds import seed_films

from .conftest import ADA, BEN, CAT, Shop

CLIENTS = 16
OPERATIONS = 2_400
MOVIES = range(100, 130)


@dataclass
class Outcomes:
    """What clients were told, by what they did."""

    done: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    added: Counter[tuple[str, int]] = field(default_factory=Counter)
    removed: Counter[tuple[str, int]] = field(default_factory=Counter)
    etags: list[tuple[str, str]] = field(default_factory=list)


async def client(shop: Shop, chance: random.Random, operations: int, outcomes: Outcomes) -> None:
    """Does things on the watchlists that everybody works on, from what it last saw of them."""
    kept = shop.shelves.watchlist
    for _ in range(operations):
        user_id, movie_id = chance.choice((ADA, BEN, CAT)), chance.choice(MOVIES)
        known = (await kept.page(user_id, ItemFilter(), 100, None)).items
        act = chance.choice(["add", "add", "update", "move", "remove", "mark"]) if known else "add"
        try:
            if act == "add":
                await shop.add(user_id, movie_id, chance.randint(1, 10))
                outcomes.added[user_id, movie_id] += 1
            else:
                one = chance.choice(known).item
                if act == "update":
                    changed = await kept.update(user_id, one.item_id, {"priority": one.priority % 10 + 1}, one.etag)
                    assert changed.item.version == one.version + 1
                    outcomes.etags.append((one.item_id, one.etag))
                elif act == "move":
                    after = chance.choice(["", *(other.item.item_id for other in known if other.item != one)])
                    await kept.move(user_id, one.item_id, after)
                elif act == "mark":
                    await kept.mark_watched(user_id, one.item_id, None)
                else:
                    await kept.remove(user_id, one.item_id, one.etag if chance.random() < 0.5 else "")
                    outcomes.removed[user_id, one.movie_id] += 1
            outcomes.done[act] += 1
        except (AlreadyExists, NotFound, Aborted) as refusal:
            outcomes.refused[type(refusal).__name__] += 1


async def history(shop: Shop, operations: int) -> Outcomes:
    """Has clients do many things at once, and checks what came of it.

    Args:
        shop: watchlists without any items.
        operations: how many things in all.
    """
    outcomes = Outcomes()
    each = operations // CLIENTS
    await asyncio.gather(*(client(shop, random.Random(number), each, outcomes) for number in range(CLIENTS)))
    assert sum(outcomes.done.values()) + sum(outcomes.refused.values()) == each * CLIENTS
    # of those who had read the same version, one changed it
    assert len(outcomes.etags) == len(set(outcomes.etags))
    state: dict[str, dict[int, Any]] = {ADA: {}, BEN: {}, CAT: {}}
    added: Counter[tuple[str, int]] = Counter()
    removed: Counter[tuple[str, int]] = Counter()
    for event in await shop.told():
        mine = state[event.user_id]
        if type(event).__name__ == "WatchlistItemRemoved":
            assert mine.pop(event.movie_id).item_id == event.item_id
            removed[event.user_id, event.movie_id] += 1
            continue
        assert event.added == (event.movie_id not in mine)
        assert event.added or mine[event.movie_id].item_id == event.item_id
        added[event.user_id, event.movie_id] += event.added
        mine[event.movie_id] = event
    assert +added == outcomes.added and removed == outcomes.removed
    for user_id, mine in state.items():
        page = await shop.shelves.watchlist.page(user_id, ItemFilter(), 1000, None)
        assert {one.item.movie_id: (one.item.item_id, one.item.priority, one.item.watched) for one in page.items} == {
            event.movie_id: (event.item_id, event.priority, event.watched) for event in mine.values()
        }
        assert len({one.item.place for one in page.items}) == len(page.items) == page.total
        assert await shop.films(user_id) == [one.item.movie_id for one in page.items]
    return outcomes


@pytest.mark.slow
@pytest.mark.timeout(600)
async def test_a_history_of_many_clients_has_no_anomaly(shop: Shop) -> None:
    await shop.database.write(lambda tx: seed_films(tx, schema.films, [film(one, f"Film {one}") for one in MOVIES]))
    outcomes = await history(shop, OPERATIONS)
    assert set(outcomes.done) == {"add", "update", "move", "remove", "mark"}
    assert set(outcomes.refused) == {"AlreadyExists", "NotFound", "Aborted"}  # they did get in each other's way


@pytest.mark.slow
@pytest.mark.timeout(300)
async def test_a_list_that_many_rearrange_keeps_every_film_once(shop: Shop) -> None:
    await shop.database.write(lambda tx: seed_films(tx, schema.films, [film(one, f"Film {one}") for one in MOVIES]))
    one = (await shop.create(ADA, films=tuple(MOVIES[:10]))).movie_list
    for user_id in (BEN, CAT):
        await shop.join(one.list_id, ADA, user_id)
    put, taken = Counter[int](), Counter[int]()

    async def editor(number: int) -> None:
        chance, user_id = random.Random(number), (ADA, BEN, CAT)[number % 3]
        for _ in range(40):
            known = await shop.on_list(user_id, one.list_id)
            try:
                match chance.choice(["put", "move", "move", "take"]):
                    case "put":
                        movie_id = chance.choice(MOVIES)
                        await shop.put(user_id, one.list_id, movie_id, after=chance.choice(known).item.item_id)
                        put[movie_id] += 1
                    case "move":
                        first, second = chance.sample(known, 2)
                        await shop.shelves.items.move(user_id, one.list_id, first.item.item_id, second.item.item_id)
                    case "take" if len(known) > CLIENTS + 2:
                        gone = chance.choice(known).item
                        await shop.shelves.items.remove(user_id, one.list_id, gone.item_id, gone.etag)
                        taken[gone.movie_id] += 1
            except CineError as refusal:
                assert isinstance(refusal, AlreadyExists | NotFound | Aborted)

    await asyncio.gather(*(editor(number) for number in range(CLIENTS)))
    left = Counter([shown.item.movie_id for shown in await shop.on_list(ADA, one.list_id)])
    put.update(MOVIES[:10])
    put.subtract(taken)
    assert left == +put and max(left.values()) == 1 and taken
    shown = await shop.shelves.lists.get(ADA, one.list_id)
    assert shown.movie_list.item_count == len(left)
