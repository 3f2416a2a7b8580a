"""What is shown, as messages. Several messages hold the same fields under the same names."""

from __future__ import annotations

from typing import Any, TypeVar

from google.protobuf.message import Message

from cine.watchlist.v1 import lists_pb2
from cine_watchlist.flows.list_showing import ShownList, ShownListItem
from cine_watchlist.flows.watchlist import ShownItem
from cinemesh.stamps import stamp

M = TypeVar("M", bound=Message)


def watchlist_item(kind: type[M], shown: ShownItem) -> M:
    """Returns an item of a watchlist."""
    item = shown.item
    answer: Any = kind(
        item_id=item.item_id,
        movie_id=item.movie_id,
        priority=item.priority,
        watched=item.watched,
        watched_at=stamp(item.watched_at) if item.watched_at is not None else None,
        notes=item.notes,
        position=shown.position,
        created_at=stamp(item.created_at),
        updated_at=stamp(item.updated_at),
        etag=item.etag,
        movie=shown.card,
    )
    return answer  # type: ignore[no-any-return]


def movie_list(kind: type[M], shown: ShownList) -> M:
    """Returns a list."""
    one = shown.movie_list
    answer: Any = kind(
        list_id=one.list_id,
        name=one.name,
        description=one.description,
        visibility=one.visibility.value,
        ranked=one.ranked,
        comments_enabled=one.comments_enabled,
        owner_id=one.owner_id,
        owner_username=shown.owner_username,
        my_role=shown.role.value,
        collaborators=[
            lists_pb2.Collaborator(
                user_id=person.member.user_id,
                username=person.username,
                role=person.member.role.value,
                joined_at=stamp(person.member.joined_at),
            )
            for person in shown.members
        ],
        item_count=one.item_count,
        seen_count=shown.seen_count,
        share_url=shown.share_url,
        created_at=stamp(one.created_at),
        updated_at=stamp(one.updated_at),
        etag=one.etag,
    )
    return answer  # type: ignore[no-any-return]


def list_item(kind: type[M], shown: ShownListItem) -> M:
    """Returns a film on a list."""
    item = shown.item
    answer: Any = kind(
        item_id=item.item_id,
        list_id=item.list_id,
        movie_id=item.movie_id,
        position=shown.position,
        notes=item.notes,
        added_by_username=shown.added_by_username,
        created_at=stamp(item.created_at),
        seen=shown.seen,
        etag=item.etag,
        movie=shown.card,
    )
    return answer  # type: ignore[no-any-return]
