"""Watchlists on both databases: what is kept, who gets it, and what happens at once."""

from __future__ import annotations

import asyncio
import random

import pytest
import sqlalchemy as sa

from cine.watchlist.v1 import events_pb2
from cine.watchlist.v1 import watchlist_pb2 as pb
from cine_watchlist.domain.items import MOST_ITEMS
from cine_watchlist.flows.attempts import Attempt
from cine_watchlist.servicer.answers import watchlist_item
from cine_watchlist.store import schema
from cine_watchlist.store.watchlist_items import ItemFilter
from cinemesh import context
from cinemesh.context import Principal, RequestContext
from cinemesh.errors import (
    Aborted,
    AlreadyExists,
    FailedPrecondition,
    InvalidArgument,
    NotFound,
    Reason,
    Unauthenticated,
    Unavailable,
)
from cinemesh.projections import person_rows
from cinemesh.testing.catalogue import film
from cinemesh.testing.seeds import seed_films

from .conftest import ADA, BEN, Shop


class TestAdding:
    async def test_an_item_stands_first_and_is_told_of(self, shop: Shop) -> None:
        first = await shop.add(ADA, 1)
        second = await shop.add(ADA, 2, priority=9, notes=" with Ben ")
        assert (first.item.priority, second.item.priority, second.item.notes) == (5, 9, "with Ben")
        assert second.position == 1 and second.card is not None and second.card.title == "Brazil"
        assert await shop.films(ADA) == [2, 1] and await shop.films(BEN) == []
        one, two = await shop.told()
        assert one == events_pb2.WatchlistItemChanged(
            item_id=first.item.item_id, user_id=ADA, movie_id=1, priority=5, added=True
        )
        assert (two.movie_id, two.priority, two.added) == (2, 9, True)

    async def test_a_film_is_there_once(self, shop: Shop) -> None:
        there = await shop.add(ADA, 1)
        with pytest.raises(AlreadyExists) as caught:
            await shop.add(ADA, 1)
        assert caught.value.metadata == {"item_id": there.item.item_id}
        assert len(await shop.told()) == 1 and await shop.films(ADA) == [1]
        await shop.add(BEN, 1)
        counts = await shop.database.read(
            lambda tx: list(tx.execute(sa.select(schema.watchlists.c.item_count)).scalars())
        )
        assert counts == [1, 1]

    async def test_a_film_that_nobody_knows_is_refused_when_nobody_can_be_asked_too(self, shop: Shop) -> None:
        with pytest.raises(Unavailable):
            await shop.add(ADA, 77)
        assert await shop.rows(schema.watchlists) == 0

    async def test_many_at_once_all_get_in_and_no_two_share_a_place(self, shop: Shop) -> None:
        films = range(100, 140)
        await shop.database.write(lambda tx: seed_films(tx, schema.films, [film(one, f"Film {one}") for one in films]))
        made = await asyncio.gather(*(shop.add(ADA, one) for one in films))
        assert len({one.item.place for one in made}) == len(films)
        assert sorted(await shop.films(ADA)) == list(films)

    async def test_the_same_film_at_once_is_added_once(self, shop: Shop) -> None:
        outcomes = await asyncio.gather(*(shop.add(ADA, 1) for _ in range(10)), return_exceptions=True)
        assert sorted(type(one).__name__ for one in outcomes) == ["AlreadyExists"] * 9 + ["ShownItem"]
        assert await shop.films(ADA) == [1] and len(await shop.told()) == 1

    async def test_sent_again_it_gives_the_first_answer_even_when_the_film_is_gone(self, shop: Shop) -> None:
        request = pb.AddItemRequest(movie_id=1, request_id="once")
        attempt = Attempt("AddItem", request, pb.AddItemResponse, watchlist_item)
        with context.using(RequestContext(principal=Principal("user", ADA))):
            first = await shop.shelves.watchlist.add(ADA, 1, 0, "", attempt)
            await shop.database.write(lambda tx: tx.execute(sa.update(schema.films).values(gone=True)))
            again = await shop.shelves.watchlist.add(ADA, 1, 0, "", attempt)
            assert first == again and await shop.films(ADA) == [1]
            changed = Attempt(
                "AddItem", pb.AddItemRequest(movie_id=2, request_id="once"), pb.AddItemResponse, watchlist_item
            )
            with pytest.raises(InvalidArgument) as caught:
                await shop.shelves.watchlist.add(ADA, 2, 0, "", changed)
        assert caught.value.reason is Reason.REQUEST_ID_REUSED

    async def test_a_full_watchlist_takes_no_more(self, shop: Shop) -> None:
        await shop.add(ADA, 1)
        await shop.database.write(lambda tx: tx.execute(sa.update(schema.watchlists).values(item_count=MOST_ITEMS)))
        with pytest.raises(FailedPrecondition):
            await shop.add(ADA, 2)
        assert await shop.films(ADA) == [1]

    async def test_who_left_adds_nothing(self, shop: Shop) -> None:
        await shop.database.write(lambda tx: person_rows.bury(tx, schema.people, ADA, shop.clock()))
        with pytest.raises(Unauthenticated) as caught:
            await shop.add(ADA, 1)
        assert caught.value.reason is Reason.TOKEN_REVOKED
        assert await shop.rows(schema.watchlists) == 0


class TestChanging:
    async def test_what_changes_changes_the_etag_and_is_told(self, shop: Shop) -> None:
        made = (await shop.add(ADA, 1)).item
        await shop.told()
        shop.clock.forward(hours=1)
        changed = (await shop.shelves.watchlist.update(ADA, made.item_id, {"priority": 9}, made.etag)).item
        assert (changed.priority, changed.version, changed.created_at) == (9, 2, made.created_at)
        assert changed.updated_at == shop.clock.now and changed.etag != made.etag
        (event,) = await shop.told()
        assert (event.priority, event.added, event.watched) == (9, False, False)
        with pytest.raises(Aborted) as caught:
            await shop.shelves.watchlist.update(ADA, made.item_id, {"priority": 1}, made.etag)
        assert caught.value.reason is Reason.ETAG_MISMATCH
        same = (await shop.shelves.watchlist.update(ADA, made.item_id, {"priority": 9}, changed.etag)).item
        assert same == changed and await shop.told() == []

    async def test_of_those_who_read_the_same_only_one_writes(self, shop: Shop) -> None:
        made = (await shop.add(ADA, 1)).item
        outcomes = await asyncio.gather(
            *(
                shop.shelves.watchlist.update(ADA, made.item_id, {"priority": 5 + one}, made.etag)
                for one in range(1, 5)
            ),
            return_exceptions=True,
        )
        assert sum(isinstance(one, Aborted) for one in outcomes) == 3
        (kept,) = [one for one in outcomes if not isinstance(one, BaseException)]
        assert (await shop.shelves.watchlist.get(ADA, made.item_id)).item == kept.item

    async def test_watched_is_marked_once_and_a_rating_offered(self, shop: Shop) -> None:
        made = (await shop.add(ADA, 1)).item
        marked = await shop.shelves.watchlist.mark_watched(ADA, made.item_id, None)
        assert marked.item.watched_at == shop.clock.now and not marked.rated
        shop.clock.forward(days=1)
        await shop.told()
        again = await shop.shelves.watchlist.mark_watched(ADA, made.item_id, None)
        assert again.item == marked.item and await shop.told() == []

    async def test_removed_it_is_gone_and_told(self, shop: Shop) -> None:
        made = (await shop.add(ADA, 1)).item
        await shop.told()
        with pytest.raises(Aborted):
            await shop.shelves.watchlist.remove(ADA, made.item_id, "v7")
        await shop.shelves.watchlist.remove(ADA, made.item_id, made.etag)
        assert await shop.told() == [events_pb2.WatchlistItemRemoved(item_id=made.item_id, user_id=ADA, movie_id=1)]
        with pytest.raises(NotFound):
            await shop.shelves.watchlist.remove(ADA, made.item_id, "")
        assert (await shop.add(ADA, 1)).item.item_id != made.item_id

    async def test_others_find_nothing_to_act_on(self, shop: Shop) -> None:
        made = (await shop.add(ADA, 1)).item.item_id
        other = (await shop.add(BEN, 1)).item.item_id
        kept = shop.shelves.watchlist
        for item_id in (made, "nothing", "\x00"):
            for call in (
                kept.get(BEN, item_id),
                kept.update(BEN, item_id, {"priority": 1}, ""),
                kept.mark_watched(BEN, item_id, None),
                kept.remove(BEN, item_id, ""),
                kept.move(BEN, item_id, ""),
                kept.move(BEN, other, item_id),
            ):
                with pytest.raises(NotFound):
                    await call
        assert (await kept.get(ADA, made)).item.version == 1


class TestMoving:
    async def test_an_item_follows_the_one_it_is_to_follow(self, shop: Shop) -> None:
        ids = {film_id: (await shop.add(ADA, film_id)).item.item_id for film_id in (4, 3, 2, 1)}
        await shop.told()
        move = shop.shelves.watchlist.move
        moved = await move(ADA, ids[1], ids[3])
        assert await shop.films(ADA) == [2, 3, 1, 4] and (moved.position, moved.item.version) == (3, 2)
        await move(ADA, ids[4], "")
        assert await shop.films(ADA) == [4, 2, 3, 1] and len(await shop.told()) == 2
        for where in (ids[3], ids[3]):  # where it stands already
            stays = await move(ADA, ids[1], where)
            assert stays.item.version == 2
        await move(ADA, ids[4], "")
        assert await shop.told() == []

    async def test_places_run_out_and_are_written_anew(self, shop: Shop) -> None:
        ids = {film_id: (await shop.add(ADA, film_id)).item.item_id for film_id in (3, 2, 1)}
        expected = [1, 2, 3]
        for _ in range(50):  # each move halves the gap behind the first
            expected = [expected[0], expected[2], expected[1]]
            await shop.shelves.watchlist.move(ADA, ids[expected[1]], ids[expected[0]])
            assert await shop.films(ADA) == expected
        spreads = await shop.database.read(lambda tx: tx.execute(sa.select(schema.watchlists.c.spreads)).scalar_one())
        assert spreads >= 1

    async def test_moves_at_once_leave_one_order_that_everybody_sees(self, shop: Shop) -> None:
        films = list(range(100, 120))
        await shop.database.write(lambda tx: seed_films(tx, schema.films, [film(one, f"Film {one}") for one in films]))
        ids = [(await shop.add(ADA, one)).item.item_id for one in films]
        chance = random.Random(7)
        moves = [chance.sample(ids, 2) for _ in range(150)]
        await asyncio.gather(*(shop.shelves.watchlist.move(ADA, one, two) for one, two in moves))
        assert sorted(await shop.films(ADA)) == films
        places = await shop.database.read(
            lambda tx: list(tx.execute(sa.select(schema.watchlist_items.c.place)).scalars())
        )
        assert len(set(places)) == len(films)


class TestListing:
    @pytest.fixture(autouse=True)
    async def items(self, shop: Shop) -> None:
        for film_id, priority in ((1, 3), (2, 9), (3, 9), (4, 1), (5, 5)):
            await shop.add(ADA, film_id, priority)
            shop.clock.forward(minutes=1)
        await shop.shelves.watchlist.mark_watched(ADA, await self.item_of(shop, 3), None)

    @staticmethod
    async def item_of(shop: Shop, movie_id: int) -> str:
        page = await shop.shelves.watchlist.page(ADA, ItemFilter(movie_id=movie_id), 5, None)
        (one,) = page.items
        return one.item.item_id

    @staticmethod
    async def found(shop: Shop, limit: int = 100, **wanted: object) -> list[int]:
        """Reads all pages and returns the films."""
        films: list[int] = []
        after = None
        while True:
            page = await shop.shelves.watchlist.page(ADA, ItemFilter(**wanted), limit, after)  # type: ignore[arg-type]
            films += [one.item.movie_id for one in page.items]
            after = page.next
            if after is None:
                assert page.total == len(films)
                return films

    @pytest.mark.parametrize("limit", [1, 2, 100])
    @pytest.mark.parametrize(
        ("order", "films"),
        [
            ("position", [5, 4, 3, 2, 1]),
            ("priority", [2, 3, 5, 1, 4]),
            ("newest", [5, 4, 3, 2, 1]),
            ("oldest", [1, 2, 3, 4, 5]),
            ("title", [1, 2, 3, 4, 5]),  # "The Duck Soup" under D
            ("year", [2, 1, 5, 3, 4]),
        ],
    )
    async def test_orders(self, shop: Shop, order: str, films: list[int], limit: int) -> None:
        assert await self.found(shop, limit, order=order) == films

    async def test_filters(self, shop: Shop) -> None:
        assert await self.found(shop, watched=True) == [3]
        assert await self.found(shop, watched=False) == [5, 4, 2, 1]
        assert await self.found(shop, genre="Sci-Fi", order="year") == [2, 1]
        assert await self.found(shop, service="Disney+") == [1]
        assert await self.found(shop, runtime_max=102, order="title") == [3, 4]  # of Marty the length is not known
        assert await self.found(shop, genre="Comedy", runtime_max=100, watched=False) == [4]
        assert await self.found(shop, movie_id=6) == []

    async def test_positions_are_those_of_the_whole_order(self, shop: Shop) -> None:
        page = await shop.shelves.watchlist.page(ADA, ItemFilter(genre="Sci-Fi", order="year"), 5, None)
        assert [(one.item.movie_id, one.position) for one in page.items] == [(2, 4), (1, 5)]

    async def test_films_that_nobody_told_of_are_listed_too(self, shop: Shop) -> None:
        await shop.database.write(lambda tx: tx.execute(sa.delete(schema.films).where(schema.films.c.movie_id == 2)))
        assert await self.found(shop, order="title") == [2, 1, 3, 4, 5]
        assert await self.found(shop, 1, order="year") == [1, 5, 3, 4, 2]
        page = await shop.shelves.watchlist.page(ADA, ItemFilter(movie_id=2), 5, None)
        assert page.items[0].card is None

    async def test_pages_go_on_where_they_were_when_the_order_is_written_anew(self, shop: Shop) -> None:
        page = await shop.shelves.watchlist.page(ADA, ItemFilter(), 2, None)
        assert [one.item.movie_id for one in page.items] == [5, 4]
        await self.spread(shop)
        rest = await shop.shelves.watchlist.page(ADA, ItemFilter(), 10, page.next)
        assert [one.item.movie_id for one in rest.items] == [3, 2, 1]

    async def test_pages_whose_place_is_lost_say_so(self, shop: Shop) -> None:
        page = await shop.shelves.watchlist.page(ADA, ItemFilter(), 2, None)
        await shop.shelves.watchlist.remove(ADA, page.items[-1].item.item_id, "")
        rest = await shop.shelves.watchlist.page(ADA, ItemFilter(), 10, page.next)
        assert [one.item.movie_id for one in rest.items] == [3, 2, 1]  # still known
        await self.spread(shop)
        with pytest.raises(InvalidArgument) as caught:
            await shop.shelves.watchlist.page(ADA, ItemFilter(), 10, page.next)
        assert caught.value.reason is Reason.INVALID_PAGE_TOKEN

    @staticmethod
    async def spread(shop: Shop) -> None:
        """Uses up the places between the last two items, over and over."""
        *_, two, one = (await shop.shelves.watchlist.page(ADA, ItemFilter(), 10, None)).items
        before = (await shop.films(ADA))[-3]
        anchor = (await shop.shelves.watchlist.page(ADA, ItemFilter(movie_id=before), 1, None)).items[0].item.item_id
        for number in range(80):
            await shop.shelves.watchlist.move(ADA, (one, two)[number % 2].item.item_id, anchor)
        spreads = await shop.database.read(lambda tx: tx.execute(sa.select(schema.watchlists.c.spreads)).scalar_one())
        assert spreads >= 1
