"""What other services are told of lists."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

from google.protobuf.message import Message

from cine.watchlist.v1 import events_pb2
from cine_watchlist.domain.lists import ListItem, Member, MovieList

Told: TypeAlias = tuple[str, Message]
"""What an event is about, and the event."""


def told(one: MovieList, *, added: bool = False) -> Told:
    """Returns what tells that a list was made or changed."""
    event = events_pb2.ListChanged(
        list_id=one.list_id, owner_id=one.owner_id, visibility=one.visibility.value, added=added
    )
    return _about(one.list_id), event


def told_deleted(one: MovieList) -> Told:
    """Returns what tells that a list is gone."""
    return _about(one.list_id), events_pb2.ListDeleted(list_id=one.list_id, owner_id=one.owner_id)


def told_added(item: ListItem) -> Told:
    """Returns what tells that a film was put on a list."""
    event = events_pb2.ListItemAdded(
        item_id=item.item_id, list_id=item.list_id, user_id=item.added_by, movie_id=item.movie_id
    )
    return _about(item.list_id), event


def told_removed(item: ListItem) -> Told:
    """Returns what tells that a film was taken off a list."""
    event = events_pb2.ListItemRemoved(item_id=item.item_id, list_id=item.list_id, movie_id=item.movie_id)
    return _about(item.list_id), event


def told_members(list_id: str, people: Sequence[Member]) -> Told:
    """Returns what tells who works on a list now, the owner first."""
    event = events_pb2.CollaboratorsChanged(list_id=list_id, user_ids=[one.user_id for one in people])
    return _about(list_id), event


def _about(list_id: str) -> str:
    return f"lists/{list_id}"
