from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from cine.watchlist.v1 import collaboration_pb2, lists_pb2, watchlist_pb2
from cine_watchlist.domain.access import Role, Visibility
from cine_watchlist.domain.links import Links
from cine_watchlist.domain.lists import Invitation
from cine_watchlist.flows.attempts import Attempt
from cine_watchlist.flows.departure import Departure
from cine_watchlist.flows.list_comments import ShownComment
from cine_watchlist.flows.list_showing import ShownList, ShownListItem
from cine_watchlist.flows.lists import NewList
from cine_watchlist.flows.watchlist import ShownItem
from cine_watchlist.settings import WatchlistSettings
from cine_watchlist.shelves import Shelves
from cine_watchlist.store import Transaction, schema
from cine_watchlist.store.watchlist_items import ItemFilter
from cinemesh.db import Database, mesh_tables
from cinemesh.idempotency import RequestIds
from cinemesh.outbox import Outbox
from cinemesh.projections import Films, People
from cinemesh.testing import settings_for
from cinemesh.testing.catalogue import film
from cinemesh.testing.seeds import seed_films, seed_people

from ..film_nights.conftest import ADA, BEN, CAT, DAN, NOBODY, PEOPLE, MovableClock, clock, database, unpacked

__all__ = ["ADA", "BEN", "CAT", "DAN", "NOBODY", "PEOPLE", "MovableClock", "Shop", "clock", "database"]

FILMS = (
    film(1, "Alien", year=1979, runtime_minutes=117, genres=["Horror", "Sci-Fi"], streaming_services=["Disney+"]),
    film(2, "Brazil", year=1985, runtime_minutes=132, genres=["Sci-Fi", "Comedy"], directors=["Terry Gilliam"]),
    film(3, "Casablanca", year=1942, runtime_minutes=102, genres=["Drama", "Romance"], streaming_services=["Max"]),
    film(4, "The Duck Soup", year=1933, runtime_minutes=69, genres=["Comedy"], imdb_id="tt0023969", tmdb_id=3063),
    film(5, "Marty", year=1955, runtime_minutes=0, genres=["Drama", "Romance"]),
    film(6, "=HYPERLINK(1)", year=2001, runtime_minutes=90),
)


@dataclass
class Shop:
    """Watchlists and lists over a store, without anybody to ask beside it.

    Calls that may be sent again are made with an attempt that is named by nothing, unless the test says otherwise.
    """

    database: Database
    clock: MovableClock
    shelves: Shelves
    departure: Departure
    people: People

    @classmethod
    def over(cls, database: Database, folder: Path, clock: MovableClock) -> Shop:
        settings = settings_for(
            WatchlistSettings,
            folder,
            peers={"catalog": [NOBODY], "identity": [NOBODY]},
            public_url="https://films.example.org",
        )
        outbox = Outbox("watchlist")
        departure = Departure(outbox, clock)
        films = Films("watchlist", settings, database, schema.films)
        people = People("watchlist", settings, database, schema.people, forget=departure.forget, clock=clock)
        shelves = Shelves(settings, database, outbox, films, people, RequestIds(clock), Links(b"key"), clock)
        return cls(database, clock, shelves, departure, people)

    async def add(self, user_id: str, movie_id: int, priority: int = 0, notes: str = "") -> ShownItem:
        kept: list[ShownItem] = []

        def encode(kind: type[watchlist_pb2.AddItemResponse], shown: ShownItem) -> watchlist_pb2.AddItemResponse:
            kept.append(shown)
            return kind()

        attempt = Attempt("AddItem", watchlist_pb2.AddItemRequest(), watchlist_pb2.AddItemResponse, encode)
        await self.shelves.watchlist.add(user_id, movie_id, priority, notes, attempt)
        return kept[-1]

    async def films(self, user_id: str) -> list[int]:
        """Returns a watchlist in its own order."""
        page = await self.shelves.watchlist.page(user_id, ItemFilter(), 1000, None)
        assert [one.position for one in page.items] == list(range(1, len(page.items) + 1))
        assert page.total == len(page.items)
        return [one.item.movie_id for one in page.items]

    async def create(
        self,
        user_id: str,
        name: str = "Rain",
        films: tuple[int, ...] = (),
        visibility: Visibility = Visibility.PRIVATE,
        **values: Any,
    ) -> ShownList:
        kept: list[ShownList] = []

        def encode(kind: type[lists_pb2.CreateListResponse], shown: ShownList) -> lists_pb2.CreateListResponse:
            kept.append(shown)
            return kind()

        fields = {"description": "", "ranked": False, "comments_enabled": False, **values}
        attempt = Attempt("CreateList", lists_pb2.CreateListRequest(), lists_pb2.CreateListResponse, encode)
        await self.shelves.lists.create(
            user_id, NewList(name, visibility=visibility, movie_ids=films, **fields), attempt
        )
        return kept[-1]

    async def put(self, user_id: str, list_id: str, movie_id: int, notes: str = "", after: str = "") -> ShownListItem:
        kept: list[ShownListItem] = []

        def encode(kind: type[lists_pb2.AddListItemResponse], shown: ShownListItem) -> lists_pb2.AddListItemResponse:
            kept.append(shown)
            return kind()

        attempt = Attempt("AddListItem", lists_pb2.AddListItemRequest(), lists_pb2.AddListItemResponse, encode)
        await self.shelves.items.add(user_id, list_id, movie_id, notes, after, attempt)
        return kept[-1]

    async def on_list(self, user_id: str, list_id: str) -> list[ShownListItem]:
        """Returns a list in its order."""
        page = await self.shelves.items.page(user_id, list_id, 1000, None)
        assert [one.position for one in page.items] == list(range(1, len(page.items) + 1))
        assert page.total == len(page.items)
        return page.items

    async def invite(self, user_id: str, list_id: str, username: str, role: Role = Role.EDITOR) -> Invitation:
        kept: list[Invitation] = []
        pb = collaboration_pb2

        def encode(kind: type[pb.InviteCollaboratorResponse], one: Invitation) -> pb.InviteCollaboratorResponse:
            kept.append(one)
            return kind()

        attempt = Attempt("Invite", pb.InviteCollaboratorRequest(), pb.InviteCollaboratorResponse, encode)
        await self.shelves.collaboration.invite(user_id, list_id, username, role, attempt)
        return kept[-1]

    async def join(self, list_id: str, owner: str, user_id: str, role: Role = Role.EDITOR) -> None:
        """Lets somebody work on a list."""
        invitation = await self.invite(owner, list_id, PEOPLE[user_id], role)
        await self.shelves.collaboration.accept(user_id, invitation.invitation_id)

    async def comment(self, user_id: str, list_id: str, text: str) -> ShownComment:
        kept: list[ShownComment] = []
        pb = collaboration_pb2

        def encode(kind: type[pb.CreateListCommentResponse], one: ShownComment) -> pb.CreateListCommentResponse:
            kept.append(one)
            return kind()

        attempt = Attempt("Comment", pb.CreateListCommentRequest(), pb.CreateListCommentResponse, encode)
        await self.shelves.comments.create(user_id, list_id, text, attempt)
        return kept[-1]

    async def forget(self, user_id: str) -> None:
        """Applies that an account was deleted."""
        await self.database.write(lambda tx: self.departure.forget(tx, user_id))

    async def told(self) -> list[Any]:
        """Returns the events told since this was asked last, in order."""
        table = mesh_tables.outbox
        order = [table.c.id] if self.database.dialect == "sqlite" else [table.c.xid, table.c.id]

        def take(tx: Transaction) -> list[bytes]:
            found = list(tx.execute(sa.select(table.c.data).order_by(*order)).scalars())
            tx.execute(sa.delete(table))
            return found

        return [unpacked(data) for data in await self.database.write(take)]

    async def rows(self, table: sa.Table) -> int:
        """Returns how many rows a table has."""
        query = sa.select(sa.func.count()).select_from(table)
        return await self.database.read(lambda tx: int(tx.execute(query).scalar_one()))


def fill(tx: Transaction) -> None:
    seed_films(tx, schema.films, FILMS)
    seed_people(tx, schema.people, PEOPLE)


@pytest.fixture
async def shop(database: Database, tmp_path: Path, clock: MovableClock) -> Shop:
    await database.write(fill)
    return Shop.over(database, tmp_path, clock)
