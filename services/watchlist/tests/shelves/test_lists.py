"""Lists and the films on them, on both databases."""

from __future__ import annotations

import asyncio

import pytest
import sqlalchemy as sa

from cine.watchlist.v1 import events_pb2
from cine_watchlist.domain.access import Role, Visibility
from cine_watchlist.domain.lists import MOST_FILMS, MOST_LISTS
from cine_watchlist.store import Transaction, schema
from cinemesh.errors import Aborted, AlreadyExists, FailedPrecondition, InvalidArgument, NotFound, PermissionDenied

from .conftest import ADA, BEN, CAT, DAN, Shop


class TestMaking:
    async def test_a_list_begins_with_its_films_and_is_told_of(self, shop: Shop) -> None:
        made = await shop.create(ADA, " Rain ", (3, 1), Visibility.PUBLIC, description="wet", ranked=True)
        one = made.movie_list
        assert (one.name, one.description, one.visibility, one.ranked) == ("Rain", "wet", Visibility.PUBLIC, True)
        assert (made.role, made.owner_username, one.item_count, made.share_url) == (Role.OWNER, "Ada", 2, "")
        assert [(person.member.user_id, person.username) for person in made.members] == [(ADA, "Ada")]
        items = await shop.on_list(ADA, one.list_id)
        assert [(item.item.movie_id, item.added_by_username) for item in items] == [(3, "Ada"), (1, "Ada")]
        first, *rest = await shop.told()
        assert first == events_pb2.ListChanged(list_id=one.list_id, owner_id=ADA, visibility="PUBLIC", added=True)
        assert [(event.movie_id, event.user_id) for event in rest] == [(3, ADA), (1, ADA)]

    async def test_nobody_owns_too_many(self, shop: Shop) -> None:
        made = (await shop.create(ADA)).movie_list

        def copies(tx: Transaction) -> None:
            row = dict(tx.execute(sa.select(schema.lists)).mappings().one())
            tx.execute(sa.insert(schema.lists), [{**row, "list_id": str(one)} for one in range(MOST_LISTS - 1)])

        await shop.database.write(copies)
        with pytest.raises(FailedPrecondition):
            await shop.create(ADA)
        await shop.shelves.lists.delete(ADA, made.list_id, "")
        await shop.create(ADA)


class TestSeeing:
    async def test_who_sees_which_list(self, shop: Shop) -> None:
        for visibility in Visibility:
            one = (await shop.create(ADA, visibility=visibility, films=(1,))).movie_list
            await shop.join(one.list_id, ADA, BEN, Role.VIEWER)
            for user_id in (ADA, BEN):
                shown = await shop.shelves.lists.get(user_id, one.list_id)
                assert [person.username for person in shown.members] == ["Ada", "Ben"]
                assert len(await shop.on_list(user_id, one.list_id)) == 1
            for user_id in (CAT, ""):
                if visibility is Visibility.PUBLIC:
                    shown = await shop.shelves.lists.get(user_id, one.list_id)
                    assert (shown.role, shown.members, shown.owner_username) == (Role.NONE, (), "Ada")
                    assert len(await shop.on_list(user_id, one.list_id)) == 1
                    continue
                for call in (
                    shop.shelves.lists.get(user_id, one.list_id),
                    shop.shelves.items.page(user_id, one.list_id, 5, None),
                ):
                    with pytest.raises(NotFound):
                        await call

    async def test_seen_films_are_counted_for_who_looks(self, shop: Shop) -> None:
        one = (await shop.create(ADA, visibility=Visibility.PUBLIC, films=(1, 2, 3))).movie_list
        for movie_id in (2, 4):
            item = (await shop.add(BEN, movie_id)).item
            await shop.shelves.watchlist.mark_watched(BEN, item.item_id, None)
        await shop.add(BEN, 3)
        for user_id, count in ((ADA, 0), (BEN, 1), ("", 0)):
            assert (await shop.shelves.lists.get(user_id, one.list_id)).seen_count == count
            assert sum(item.seen for item in await shop.on_list(user_id, one.list_id)) == count

    async def test_lists_of_a_person_come_last_changed_first_in_pages(self, shop: Shop) -> None:
        made = []
        for number in range(5):
            made.append((await shop.create((ADA, BEN)[number % 2], f"L{number}")).movie_list.list_id)
            shop.clock.forward(minutes=1)
        for number in (1, 3):
            await shop.join(made[number], BEN, ADA, Role.EDITOR if number == 1 else Role.VIEWER)
        shop.clock.forward(minutes=1)
        await shop.put(ADA, made[1], 1)
        expected = {
            Role.NONE: [made[one] for one in (1, 4, 3, 2, 0)],
            Role.OWNER: [made[one] for one in (4, 2, 0)],
            Role.EDITOR: [made[1]],
            Role.VIEWER: [made[3]],
        }
        for role, wanted in expected.items():
            for limit in (1, 2, 10):
                found, after = [], None
                while True:
                    page = await shop.shelves.lists.page(ADA, role, limit, after)
                    assert page.total == len(wanted)
                    found += [one.movie_list.list_id for one in page.lists]
                    if (after := page.next) is None:
                        break
                assert found == wanted
        assert (await shop.shelves.lists.page(DAN, Role.NONE, 10, None)).lists == []


class TestChanging:
    async def test_the_owner_changes_fields_and_nobody_else(self, shop: Shop) -> None:
        one = (await shop.create(ADA, visibility=Visibility.PUBLIC)).movie_list
        await shop.join(one.list_id, ADA, BEN)
        await shop.told()
        shop.clock.forward(hours=1)
        changes = {"name": "Snow", "visibility": "UNLISTED"}
        changed = (await shop.shelves.lists.update(ADA, one.list_id, changes, one.etag)).movie_list
        assert (changed.name, changed.visibility, changed.version) == ("Snow", Visibility.UNLISTED, 2)
        assert changed.updated_at == shop.clock.now
        assert await shop.told() == [
            events_pb2.ListChanged(list_id=one.list_id, owner_id=ADA, visibility="UNLISTED", added=False)
        ]
        with pytest.raises(Aborted):
            await shop.shelves.lists.update(ADA, one.list_id, {"name": "Ice"}, one.etag)
        await shop.shelves.lists.update(ADA, one.list_id, {"name": "Snow"}, changed.etag)
        with pytest.raises(PermissionDenied):
            await shop.shelves.lists.update(BEN, one.list_id, {"name": "Ice"}, "")
        with pytest.raises(NotFound):
            await shop.shelves.lists.update(CAT, one.list_id, {"name": "Ice"}, "")
        with pytest.raises(NotFound):
            await shop.shelves.lists.update(ADA, "\x00", {"name": "Ice"}, "")
        assert await shop.told() == []
        assert (await shop.shelves.lists.get(ADA, one.list_id)).movie_list == changed

    async def test_deleted_everything_of_it_goes(self, shop: Shop) -> None:
        one = (await shop.create(ADA, films=(1, 2), comments_enabled=True)).movie_list
        await shop.join(one.list_id, ADA, BEN)
        await shop.invite(ADA, one.list_id, "Cat")
        await shop.comment(BEN, one.list_id, "Nice.")
        await shop.told()
        with pytest.raises(PermissionDenied):
            await shop.shelves.lists.delete(BEN, one.list_id, "")
        with pytest.raises(Aborted):
            await shop.shelves.lists.delete(ADA, one.list_id, "v9")
        await shop.shelves.lists.delete(ADA, one.list_id, one.etag)
        assert await shop.told() == [events_pb2.ListDeleted(list_id=one.list_id, owner_id=ADA)]
        for table in (schema.lists, schema.list_items, schema.members, schema.invitations, schema.list_comments):
            assert await shop.rows(table) == 0


class TestFilms:
    async def test_owner_and_editors_put_films_where_they_want_them(self, shop: Shop) -> None:
        one = (await shop.create(ADA, films=(1, 2))).movie_list
        await shop.join(one.list_id, ADA, BEN)
        await shop.told()
        first = (await shop.on_list(ADA, one.list_id))[0].item
        shop.clock.forward(hours=1)
        third = await shop.put(BEN, one.list_id, 3, notes=" loud ", after=first.item_id)
        last = await shop.put(ADA, one.list_id, 4)
        assert (third.position, third.item.notes, third.added_by_username, last.position) == (2, "loud", "Ben", 4)
        assert [item.item.movie_id for item in await shop.on_list(BEN, one.list_id)] == [1, 3, 2, 4]
        event, _ = await shop.told()
        assert event == events_pb2.ListItemAdded(
            item_id=third.item.item_id, list_id=one.list_id, user_id=BEN, movie_id=3
        )
        now = (await shop.shelves.lists.get(ADA, one.list_id)).movie_list
        assert (now.item_count, now.updated_at, now.etag) == (4, shop.clock.now, one.etag)
        with pytest.raises(AlreadyExists) as caught:
            await shop.put(ADA, one.list_id, 3)
        assert caught.value.metadata == {"item_id": third.item.item_id}
        with pytest.raises(NotFound) as unknown:
            await shop.put(ADA, one.list_id, 5, after="nothing")
        assert [field for field, _ in unknown.value.violations] == ["after_item_id"]
        assert len(await shop.told()) == 0
        assert (await shop.shelves.lists.get(ADA, one.list_id)).movie_list.item_count == 4

    async def test_notes_and_places_change_the_item_and_are_told(self, shop: Shop) -> None:
        one = (await shop.create(ADA, films=(1, 2, 3))).movie_list
        items = [shown.item for shown in await shop.on_list(ADA, one.list_id)]
        await shop.told()
        noted = await shop.shelves.items.update(ADA, one.list_id, items[0].item_id, "loud", items[0].etag)
        assert (noted.item.notes, noted.item.version) == ("loud", 2)
        moved = await shop.shelves.items.move(ADA, one.list_id, items[0].item_id, items[2].item_id)
        assert (moved.position, moved.item.version, moved.item.notes) == (3, 3, "loud")
        told = await shop.told()
        assert told == [events_pb2.ListChanged(list_id=one.list_id, owner_id=ADA, visibility="PRIVATE")] * 2
        await shop.shelves.items.update(ADA, one.list_id, items[0].item_id, "loud", "")
        await shop.shelves.items.move(ADA, one.list_id, items[0].item_id, items[2].item_id)
        assert await shop.told() == []
        with pytest.raises(Aborted):
            await shop.shelves.items.update(ADA, one.list_id, items[0].item_id, "quiet", items[0].etag)
        with pytest.raises(Aborted):
            await shop.shelves.items.remove(ADA, one.list_id, items[0].item_id, items[0].etag)
        await shop.shelves.items.remove(ADA, one.list_id, items[0].item_id, moved.item.etag)
        assert await shop.told() == [
            events_pb2.ListItemRemoved(item_id=items[0].item_id, list_id=one.list_id, movie_id=1)
        ]
        assert [item.item.movie_id for item in await shop.on_list(ADA, one.list_id)] == [2, 3]
        assert (await shop.shelves.lists.get(ADA, one.list_id)).movie_list.item_count == 2

    async def test_viewers_and_strangers_change_nothing(self, shop: Shop) -> None:
        for visibility in (Visibility.PRIVATE, Visibility.PUBLIC):
            one = (await shop.create(ADA, films=(1, 2), visibility=visibility)).movie_list
            await shop.join(one.list_id, ADA, BEN, Role.VIEWER)
            items = [shown.item for shown in await shop.on_list(ADA, one.list_id)]
            kept = shop.shelves.items
            for user_id in (BEN, CAT, ""):
                stranger = user_id != BEN and visibility is Visibility.PRIVATE
                for call in (
                    shop.put(user_id or CAT, one.list_id, 3),
                    kept.update(user_id, one.list_id, items[0].item_id, "mine", ""),
                    kept.move(user_id, one.list_id, items[0].item_id, items[1].item_id),
                    kept.remove(user_id, one.list_id, items[0].item_id, ""),
                ):
                    with pytest.raises(NotFound if stranger else PermissionDenied):
                        await call
            assert [shown.item for shown in await shop.on_list(ADA, one.list_id)] == items

    async def test_an_item_of_another_list_is_not_reached_through_this_one(self, shop: Shop) -> None:
        mine = (await shop.create(ADA, films=(1,))).movie_list
        theirs = (await shop.create(BEN, films=(1,))).movie_list
        (item,) = await shop.on_list(BEN, theirs.list_id)
        own = (await shop.on_list(ADA, mine.list_id))[0].item.item_id
        kept = shop.shelves.items
        for call in (
            kept.update(ADA, mine.list_id, item.item.item_id, "mine", ""),
            kept.remove(ADA, mine.list_id, item.item.item_id, ""),
            kept.move(ADA, mine.list_id, item.item.item_id, ""),
            kept.move(ADA, mine.list_id, own, item.item.item_id),
            kept.update(ADA, mine.list_id, "\x00", "mine", ""),
            kept.move(ADA, mine.list_id, own, "\x00"),
        ):
            with pytest.raises(NotFound):
                await call
        assert await shop.on_list(BEN, theirs.list_id) == [item]

    async def test_a_full_list_takes_no_more(self, shop: Shop) -> None:
        one = (await shop.create(ADA)).movie_list
        await shop.database.write(lambda tx: tx.execute(sa.update(schema.lists).values(item_count=MOST_FILMS)))
        with pytest.raises(FailedPrecondition):
            await shop.put(ADA, one.list_id, 1)
        assert await shop.rows(schema.list_items) == 0

    async def test_pages_follow_the_order(self, shop: Shop) -> None:
        one = (await shop.create(ADA, films=(5, 3, 1, 2, 4))).movie_list
        found, after = [], None
        while True:
            page = await shop.shelves.items.page(ADA, one.list_id, 2, after)
            found += [item.item.movie_id for item in page.items]
            assert page.total == 5
            if (after := page.next) is None:
                break
        assert found == [5, 3, 1, 2, 4]

    async def test_a_page_whose_place_is_lost_says_so(self, shop: Shop) -> None:
        one = (await shop.create(ADA, films=(1, 2, 3))).movie_list
        page = await shop.shelves.items.page(ADA, one.list_id, 1, None)
        await shop.shelves.items.remove(ADA, one.list_id, page.items[0].item.item_id, "")
        await shop.database.write(lambda tx: tx.execute(sa.update(schema.lists).values(spreads=1)))
        with pytest.raises(InvalidArgument):
            await shop.shelves.items.page(ADA, one.list_id, 1, page.next)


class TestAtOnce:
    async def test_editors_add_and_rearrange_and_one_order_comes_of_it(self, shop: Shop) -> None:
        one = (await shop.create(ADA, films=(1, 2, 3))).movie_list
        for user_id in (BEN, CAT):
            await shop.join(one.list_id, ADA, user_id)
        ids = [shown.item.item_id for shown in await shop.on_list(ADA, one.list_id)]

        async def work(user_id: str, movie_id: int) -> None:
            await shop.put(user_id, one.list_id, movie_id)
            for number in range(20):
                await shop.shelves.items.move(
                    user_id, one.list_id, ids[number % 3], ids[(number + 1 + movie_id % 2) % 3]
                )

        await asyncio.gather(work(ADA, 4), work(BEN, 5), work(CAT, 6))
        views = [[shown.item.item_id for shown in await shop.on_list(user_id, one.list_id)] for user_id in (ADA, BEN)]
        assert views[0] == views[1] and len(views[0]) == 6
        assert (await shop.shelves.lists.get(ADA, one.list_id)).movie_list.item_count == 6

    async def test_the_same_film_by_many_is_added_once(self, shop: Shop) -> None:
        one = (await shop.create(ADA)).movie_list
        await shop.join(one.list_id, ADA, BEN)
        outcomes = await asyncio.gather(
            *(shop.put((ADA, BEN)[number % 2], one.list_id, 1) for number in range(8)), return_exceptions=True
        )
        assert sum(isinstance(outcome, AlreadyExists) for outcome in outcomes) == 7
        assert (await shop.shelves.lists.get(ADA, one.list_id)).movie_list.item_count == 1
