"""Items and lists that belong to somebody, for the access table."""

from __future__ import annotations

import datetime as dt
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Final

import sqlalchemy as sa
from google.protobuf.message import Message
from ulid import ULID

from cine.watchlist.v1 import collaboration_pb2, lists_pb2
from cine.watchlist.v1 import watchlist_pb2 as pb
from cine_watchlist.domain.access import Role, Visibility
from cine_watchlist.domain.items import Item
from cine_watchlist.domain.lists import Comment, Invitation, ListItem, Member, MovieList
from cine_watchlist.store import Transaction, comments, list_items, lists, members, schema, watchlist_items
from cinemesh.testing.catalogue import film
from cinemesh.testing.seeds import seed_films, seed_people

from .owned_things import Owned

Make = Callable[[Any, str], Awaitable[Owned]]
_FIRST, _SECOND, _THIRD = 1, 2, 3
_MEMBER, _GUEST = "member", "guest"


def _seed(tx: Transaction) -> None:
    films = [
        film(_FIRST, "Alien", year=1979),
        film(_SECOND, "Brazil", year=1985),
        film(_THIRD, "Casablanca", year=1942),
    ]
    seed_films(tx, schema.films, films)
    seed_people(tx, schema.people, {_MEMBER: _MEMBER, _GUEST: _GUEST})


def _rows(tx: Transaction, tables: tuple[sa.Table, ...], column: str, value: str) -> list[list[Any]]:
    """Returns everything that tables hold of something."""
    return [sorted(map(str, tx.execute(table.select().where(table.c[column] == value)))) for table in tables]


def _on_an_item(request: Callable[[str, str], Message], *, reads: bool = False) -> Make:
    """Acts on the second of two items; the request is made from the ids of both."""

    async def make(app: Any, user_id: str) -> Owned:
        now = dt.datetime.now(dt.UTC)
        ids = [str(ULID()), str(ULID())]

        def put(tx: Transaction) -> None:
            _seed(tx)
            if watchlist_items.lock(tx, user_id):
                watchlist_items.delete_all(tx, user_id)
            watchlist_items.grow(tx, user_id, len(ids))
            for item_id, movie_id in zip(ids, (_FIRST, _SECOND), strict=True):
                watchlist_items.insert_first(tx, Item(item_id, user_id, movie_id, 5, None, "", 0, now, now))

        def read(tx: Transaction) -> list[list[Any]]:
            return _rows(tx, (schema.watchlist_items,), "user_id", user_id)

        await app.database.write(put)
        before = await app.database.read(read)

        async def remains() -> bool:
            return bool(await app.database.read(read) == before)

        return Owned(request(*ids), remains, reads=reads)

    return make


@dataclass(frozen=True)
class _Things:
    """Ids of what a list of the owner holds."""

    list_id: str
    first: str
    second: str
    comment_id: str
    invitation_id: str


def _on_a_list(request: Callable[[_Things], Message], *, invited: bool = False) -> Make:
    """Acts on a list that nobody sees but those with a role; with `invited` it is somebody else's, and the owner of the call invited."""

    async def make(app: Any, user_id: str) -> Owned:
        now = dt.datetime.now(dt.UTC)
        owner = "host" if invited else user_id
        things = _Things(*(str(ULID()) for _ in range(5)))
        made = MovieList(things.list_id, owner, "Rain", "", Visibility.UNLISTED, False, True, now, now, item_count=2)

        def put(tx: Transaction) -> None:
            _seed(tx)
            lists.insert(tx, made)
            items = [
                ListItem(item_id, made.list_id, movie_id, "", owner, place, now)
                for item_id, movie_id, place in ((things.first, _FIRST, 0), (things.second, _SECOND, 100))
            ]
            list_items.insert(tx, items)
            members.join(tx, made.list_id, Member(_MEMBER, Role.EDITOR, now))
            comments.insert(tx, Comment(things.comment_id, made.list_id, _MEMBER, "Loud.", "<p>Loud.</p>", now))
            until = now + dt.timedelta(days=1)
            waiting = user_id if invited else _GUEST
            members.invite(
                tx,
                Invitation(things.invitation_id, made.list_id, waiting, "x", Role.VIEWER, owner, now, until),
                username_key="x",
            )

        tables = (schema.lists, schema.list_items, schema.members, schema.invitations, schema.list_comments)

        def read(tx: Transaction) -> list[list[Any]]:
            return _rows(tx, tables, "list_id", made.list_id)

        await app.database.write(put)
        before = await app.database.read(read)

        async def remains() -> bool:
            return bool(await app.database.read(read) == before)

        return Owned(request(things), remains)

    return make


def _on_a_shared_list() -> Make:
    make_list = _on_a_list(lambda one: collaboration_pb2.UnshareListRequest(list_id=one.list_id))

    async def make(app: Any, user_id: str) -> Owned:
        made = await make_list(app, user_id)
        list_id = getattr(made.request, "list_id")  # noqa: B009 - a message
        link = {"share_seed": "seed", "share_digest": list_id}
        statement = sa.update(schema.lists).where(schema.lists.c.list_id == list_id).values(link)
        await app.database.write(lambda tx: tx.execute(statement))

        async def remains() -> bool:
            found: MovieList | None = await app.database.read(lambda tx: lists.by_id(tx, list_id))
            return found is not None and found.share_digest is not None

        return Owned(made.request, remains)

    return make


_ITEMS: Final = "/cine.watchlist.v1.WatchlistService"
_LISTS: Final = "/cine.watchlist.v1.ListService"
_TOGETHER: Final = "/cine.watchlist.v1.CollaborationService"
OWNED_WATCHLIST: Final[dict[str, Make]] = {
    f"{_ITEMS}/GetItem": _on_an_item(lambda _, item: pb.GetItemRequest(item_id=item), reads=True),
    f"{_ITEMS}/UpdateItem": _on_an_item(lambda _, item: pb.UpdateItemRequest(item_id=item, priority=9)),
    f"{_ITEMS}/RemoveItem": _on_an_item(lambda _, item: pb.RemoveItemRequest(item_id=item)),
    f"{_ITEMS}/MoveItem": _on_an_item(lambda first, item: pb.MoveItemRequest(item_id=item, after_item_id=first)),
    f"{_ITEMS}/MarkWatched": _on_an_item(lambda _, item: pb.MarkWatchedRequest(item_id=item)),
    f"{_LISTS}/UpdateList": _on_a_list(lambda one: lists_pb2.UpdateListRequest(list_id=one.list_id, name="Snow")),
    f"{_LISTS}/DeleteList": _on_a_list(lambda one: lists_pb2.DeleteListRequest(list_id=one.list_id)),
    f"{_LISTS}/AddListItem": _on_a_list(lambda one: lists_pb2.AddListItemRequest(list_id=one.list_id, movie_id=_THIRD)),
    f"{_LISTS}/UpdateListItem": _on_a_list(
        lambda one: lists_pb2.UpdateListItemRequest(list_id=one.list_id, item_id=one.first, notes="loud")
    ),
    f"{_LISTS}/RemoveListItem": _on_a_list(
        lambda one: lists_pb2.RemoveListItemRequest(list_id=one.list_id, item_id=one.first)
    ),
    f"{_LISTS}/MoveListItem": _on_a_list(
        lambda one: lists_pb2.MoveListItemRequest(list_id=one.list_id, item_id=one.second)
    ),
    f"{_TOGETHER}/InviteCollaborator": _on_a_list(
        lambda one: collaboration_pb2.InviteCollaboratorRequest(list_id=one.list_id, username=_GUEST, role="editor")
    ),
    f"{_TOGETHER}/UpdateCollaborator": _on_a_list(
        lambda one: collaboration_pb2.UpdateCollaboratorRequest(list_id=one.list_id, user_id=_MEMBER, role="viewer")
    ),
    f"{_TOGETHER}/RemoveCollaborator": _on_a_list(
        lambda one: collaboration_pb2.RemoveCollaboratorRequest(list_id=one.list_id, user_id=_MEMBER)
    ),
    f"{_TOGETHER}/AcceptInvitation": _on_a_list(
        lambda one: collaboration_pb2.AcceptInvitationRequest(invitation_id=one.invitation_id), invited=True
    ),
    f"{_TOGETHER}/DeclineInvitation": _on_a_list(
        lambda one: collaboration_pb2.DeclineInvitationRequest(invitation_id=one.invitation_id), invited=True
    ),
    f"{_TOGETHER}/ShareList": _on_a_list(lambda one: collaboration_pb2.ShareListRequest(list_id=one.list_id)),
    f"{_TOGETHER}/UnshareList": _on_a_shared_list(),
    f"{_TOGETHER}/DeleteListComment": _on_a_list(
        lambda one: collaboration_pb2.DeleteListCommentRequest(list_id=one.list_id, comment_id=one.comment_id)
    ),
}
