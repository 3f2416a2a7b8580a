"""What becomes of things when somebody leaves, and what an export holds, on both databases."""

from __future__ import annotations

import csv
import datetime as dt
import io
import json

import pytest

from cine_watchlist.domain.access import Role, Visibility
from cine_watchlist.flows.imports import ImportRow
from cine_watchlist.store import Transaction, schema
from cinemesh.errors import NotFound, Reason, Unauthenticated
from cinemesh.projections import person_rows

from .conftest import ADA, BEN, CAT, Shop


async def leave(shop: Shop, user_id: str) -> None:
    """Applies that an account was deleted, as it is applied in the service."""

    def change(tx: Transaction) -> None:
        person_rows.bury(tx, schema.people, user_id, shop.clock())
        shop.departure.forget(tx, user_id)

    await shop.database.write(change)


class TestLeaving:
    async def test_own_things_go_and_what_was_given_to_others_stays_without_a_name(self, shop: Shop) -> None:
        await shop.add(BEN, 1)
        await shop.add(ADA, 1)
        await shop.shelves.imports.apply(BEN, "i1", [ImportRow(1, 2, "Snow", None, "")])
        own = (await shop.create(BEN, "Own", (1, 2), comments_enabled=True)).movie_list
        await shop.join(own.list_id, BEN, CAT)
        await shop.invite(BEN, own.list_id, "Dan")
        theirs = (await shop.create(ADA, "Theirs", (1,), Visibility.PUBLIC, comments_enabled=True)).movie_list
        await shop.join(theirs.list_id, ADA, BEN)
        await shop.put(BEN, theirs.list_id, 2)
        await shop.comment(BEN, theirs.list_id, "Nice.")
        third = (await shop.create(ADA, "Third")).movie_list
        await shop.invite(ADA, third.list_id, "Ben")
        await shop.told()

        await leave(shop, BEN)
        told = [(type(one).__name__, getattr(one, "list_id", "")) for one in await shop.told()]
        snow = next(list_id for name, list_id in told if name == "ListDeleted" and list_id != own.list_id)
        assert sorted(told) == sorted(
            [
                ("WatchlistItemRemoved", ""),
                ("ListDeleted", own.list_id),
                ("ListDeleted", snow),
                ("CollaboratorsChanged", theirs.list_id),
            ]
        )
        assert await shop.films(BEN) == [] and await shop.films(ADA) == [1]
        for user_id in (BEN, CAT):
            with pytest.raises(NotFound):
                await shop.shelves.lists.get(user_id, own.list_id)  # nobody inherits it
        shown = await shop.shelves.lists.get(ADA, theirs.list_id)
        assert [person.username for person in shown.members] == ["Ada"]
        items = await shop.on_list(ADA, theirs.list_id)
        assert [(one.item.movie_id, one.item.added_by, one.added_by_username) for one in items] == [
            (1, ADA, "Ada"),
            (2, "", ""),
        ]
        (comment,) = (await shop.shelves.comments.page(ADA, theirs.list_id, 10, None)).comments
        assert (comment.comment.user_id, comment.username, comment.comment.body_markdown) == ("", "", "Nice.")
        assert await shop.rows(schema.invitations) == 0 and await shop.rows(schema.imported_rows) == 0

        await leave(shop, BEN)
        assert await shop.told() == []

    async def test_a_call_that_was_under_way_leaves_nothing_behind(self, shop: Shop) -> None:
        """The account is gone, and for the sake of the test everything of it is still there."""
        one = (await shop.create(BEN, "Own", (1,), Visibility.PUBLIC, comments_enabled=True)).movie_list
        item = (await shop.add(BEN, 1)).item.item_id
        on_list = (await shop.on_list(BEN, one.list_id))[0].item.item_id
        comment = (await shop.comment(BEN, one.list_id, "Mine.")).comment.comment_id
        theirs = (await shop.create(ADA)).movie_list
        sent = (await shop.invite(ADA, theirs.list_id, "Ben")).invitation_id
        await shop.told()
        await shop.database.write(lambda tx: person_rows.bury(tx, schema.people, BEN, shop.clock()))
        shelves, list_id = shop.shelves, one.list_id
        calls = {
            "add": lambda: shop.add(BEN, 2),
            "update": lambda: shelves.watchlist.update(BEN, item, {"priority": 1}, ""),
            "mark": lambda: shelves.watchlist.mark_watched(BEN, item, None),
            "move": lambda: shelves.watchlist.move(BEN, item, ""),
            "remove": lambda: shelves.watchlist.remove(BEN, item, ""),
            "import": lambda: shelves.imports.apply(BEN, "i1", [ImportRow(1, 2, "", None, "")]),
            "create list": lambda: shop.create(BEN),
            "update list": lambda: shelves.lists.update(BEN, list_id, {"name": "Snow"}, ""),
            "delete list": lambda: shelves.lists.delete(BEN, list_id, ""),
            "put": lambda: shop.put(BEN, list_id, 2),
            "note": lambda: shelves.items.update(BEN, list_id, on_list, "loud", ""),
            "move on list": lambda: shelves.items.move(BEN, list_id, on_list, ""),
            "take off list": lambda: shelves.items.remove(BEN, list_id, on_list, ""),
            "invite": lambda: shop.invite(BEN, list_id, "Cat"),
            "change role": lambda: shelves.collaboration.change_role(BEN, list_id, CAT, Role.EDITOR),
            "send away": lambda: shelves.collaboration.remove(BEN, list_id, CAT),
            "accept": lambda: shelves.collaboration.accept(BEN, sent),
            "decline": lambda: shelves.collaboration.decline(BEN, sent),
            "share": lambda: shelves.sharing.share(BEN, list_id),
            "unshare": lambda: shelves.sharing.unshare(BEN, list_id),
            "comment": lambda: shop.comment(BEN, list_id, "More."),
            "delete comment": lambda: shelves.comments.delete(BEN, list_id, comment),
        }
        for name, call in calls.items():
            with pytest.raises(Unauthenticated) as caught:
                await call()
            assert caught.value.reason is Reason.TOKEN_REVOKED, name
        assert await shop.told() == []

    async def test_no_table_speaks_of_them_any_more(self, shop: Shop) -> None:
        await shop.add(BEN, 1)
        await shop.shelves.imports.apply(BEN, "i1", [ImportRow(1, 2, "Snow", None, "")])
        theirs = (await shop.create(ADA, comments_enabled=True)).movie_list
        await shop.join(theirs.list_id, ADA, BEN, Role.EDITOR)
        await shop.put(BEN, theirs.list_id, 2)
        await shop.comment(BEN, theirs.list_id, "Nice.")
        own = (await shop.create(BEN)).movie_list
        await shop.invite(BEN, own.list_id, "Cat")
        await leave(shop, BEN)

        def mentions(tx: Transaction) -> list[str]:
            found = []
            for table in schema.metadata.sorted_tables:
                if table.name == "person":
                    continue  # which remembers for a while that they left
                rows = tx.execute(table.select()).mappings()
                found += [f"{table.name}.{name}" for row in rows for name, value in row.items() if value == BEN]
            return found

        assert await shop.database.read(mentions) == []


class TestExport:
    async def read(self, shop: Shop, kind: str) -> tuple[str, str]:
        content_type, pieces = await shop.shelves.export.write(ADA, kind)
        return content_type, b"".join(pieces).decode()

    @pytest.fixture(autouse=True)
    async def things(self, shop: Shop) -> None:
        for movie_id, notes in ((4, "=1+1"), (6, ""), (1, "two\nlines"), (3, "")):
            await shop.add(ADA, movie_id, 7, notes)
        item = await shop.add(ADA, 5)
        await shop.shelves.watchlist.mark_watched(ADA, item.item.item_id, dt.datetime(2026, 1, 2, 3, tzinfo=dt.UTC))
        one = (await shop.create(ADA, "Rain", (2, 4), Visibility.PUBLIC, description="wet", ranked=True)).movie_list
        theirs = (await shop.create(BEN, "Theirs", (1,))).movie_list
        await shop.join(theirs.list_id, BEN, ADA)
        await shop.put(ADA, one.list_id, 1, "-loud")
        await shop.add(BEN, 2)

    async def test_json_holds_everything_in_order_and_nothing_of_others(self, shop: Shop) -> None:
        content_type, text = await self.read(shop, "json")
        document = json.loads(text)
        assert content_type == "application/json" and document["format"] == "cine-watchlist-export/1"
        assert [item["movie_id"] for item in document["watchlist"]] == [5, 3, 1, 6, 4]
        first, *_, last = document["watchlist"]
        assert (first["watched"], first["watched_at"], first["title"]) == (True, "2026-01-02T03:00:00Z", "Marty")
        assert (last["notes"], last["priority"], last["position"], last["imdb_id"]) == ("=1+1", 7, 5, "tt0023969")
        (rain,) = document["lists"]
        assert (rain["name"], rain["visibility"], rain["ranked"], rain["description"]) == (
            "Rain",
            "PUBLIC",
            True,
            "wet",
        )
        assert [(item["movie_id"], item["notes"]) for item in rain["items"]] == [(2, ""), (4, ""), (1, "-loud")]

    async def test_csv_holds_the_same_and_no_formula(self, shop: Shop) -> None:
        content_type, text = await self.read(shop, "csv")
        rows = list(csv.DictReader(io.StringIO(text, newline="")))
        assert content_type == "text/csv"
        assert [(row["list"], row["movie_id"]) for row in rows] == [
            *(("", one) for one in "53164"),
            *(("Rain", one) for one in "241"),
        ]
        assert [row["notes"] for row in rows if row["notes"]] == ["two\nlines", "'=1+1", "'-loud"]
        assert (rows[0]["watched"], rows[0]["watched_at"], rows[1]["watched"]) == ("yes", "2026-01-02T03:00:00Z", "no")
        assert rows[3]["title"] == "'=HYPERLINK(1)"

    async def test_letterboxd_gets_what_is_still_to_be_watched(self, shop: Shop) -> None:
        _, text = await self.read(shop, "letterboxd")
        rows = list(csv.DictReader(io.StringIO(text, newline="")))
        assert [row["Title"] for row in rows] == ["Casablanca", "Alien", "'=HYPERLINK(1)", "The Duck Soup"]
        assert (rows[3]["imdbID"], rows[3]["tmdbID"], rows[0]["tmdbID"], rows[0]["Year"]) == (
            "tt0023969",
            "3063",
            "",
            "1942",
        )

    async def test_a_film_that_nobody_told_of_and_nobody_at_all(self, shop: Shop) -> None:
        await shop.database.write(lambda tx: tx.execute(schema.films.delete()))
        _, text = await self.read(shop, "json")
        assert json.loads(text)["watchlist"][0]["movie_id"] == 5
        _, pieces = await shop.shelves.export.write(CAT, "json")
        document = json.loads(b"".join(pieces))
        assert (document["watchlist"], document["lists"]) == ([], [])
