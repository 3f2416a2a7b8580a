"""What changes of an item, of a watchlist or a list, come to."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from typing import Any

import pytest

from cine_watchlist.domain import lists
from cine_watchlist.domain.access import Visibility
from cine_watchlist.domain.items import DEFAULT_PRIORITY, MOST_ITEMS, Item, edited, require_room
from cine_watchlist.domain.lists import MovieList
from cinemesh.errors import FailedPrecondition, InvalidArgument

NOW = dt.datetime(2026, 3, 14, 12, tzinfo=dt.UTC)
BEFORE = NOW - dt.timedelta(days=3)
ITEM = Item("item", "ada", 7, 8, None, "with Ben", 0, BEFORE, BEFORE)
WATCHED = replace(ITEM, watched_at=BEFORE)
LIST = MovieList("list", "ada", "Rain", "", Visibility.UNLISTED, False, False, BEFORE, BEFORE)


@pytest.mark.parametrize(
    ("item", "changes", "watched_at"),
    [
        (ITEM, {"watched": True}, NOW),
        (ITEM, {"watched_at": BEFORE}, BEFORE),  # a time alone says that it was watched
        (ITEM, {"watched": True, "watched_at": BEFORE}, BEFORE),
        (ITEM, {"watched": False}, None),
        (ITEM, {"watched_at": None}, None),
        (ITEM, {"watched": True, "watched_at": None}, NOW),
        (WATCHED, {"watched": True}, BEFORE),  # it keeps its time
        (WATCHED, {"watched_at": NOW}, NOW),
        (WATCHED, {"watched": False}, None),
        (WATCHED, {"watched": False, "watched_at": None}, None),
        (WATCHED, {"notes": ""}, BEFORE),
    ],
)
def test_mark_and_time_go_together(item: Item, changes: dict[str, Any], watched_at: dt.datetime | None) -> None:
    new = edited(item, changes, NOW)
    assert (new.watched_at, new.watched) == (watched_at, watched_at is not None)


@pytest.mark.parametrize(
    ("item", "changes"),
    [(ITEM, {"watched": False, "watched_at": BEFORE}), (WATCHED, {"watched_at": None})],
)
def test_a_mark_that_contradicts_its_time_is_refused(item: Item, changes: dict[str, Any]) -> None:
    with pytest.raises(InvalidArgument) as caught:
        edited(item, changes, NOW)
    assert [field for field, _ in caught.value.violations] == ["watched_at"]


def test_priority_and_notes_are_changed_and_emptied() -> None:
    assert edited(ITEM, {"priority": 10, "notes": " e\u0301t\u00e9\r\nalone "}, NOW) == replace(
        ITEM, priority=10, notes="\u00e9t\u00e9\nalone"
    )
    emptied = edited(ITEM, {"priority": None, "notes": ""}, NOW)
    assert (emptied.priority, emptied.notes) == (DEFAULT_PRIORITY, "")
    with pytest.raises(InvalidArgument):
        edited(ITEM, {"notes": "\u202egnp.exe"}, NOW)


def test_a_watchlist_has_an_end() -> None:
    require_room(MOST_ITEMS)
    with pytest.raises(FailedPrecondition):
        require_room(MOST_ITEMS + 1)


def test_a_list_that_turns_private_loses_its_link_and_no_other_does() -> None:
    linked = replace(LIST, share_seed="seed", share_digest="digest")
    for visibility in (Visibility.PUBLIC, Visibility.UNLISTED):
        assert lists.edited(linked, {"visibility": visibility.value}).share_digest == "digest"
    private = lists.edited(linked, {"visibility": "PRIVATE"})
    assert (private.share_seed, private.share_digest) == ("", None)
    assert lists.edited(linked, {"visibility": ""}) == private  # emptied


def test_fields_of_a_list_are_cleaned_and_checked() -> None:
    new = lists.edited(
        LIST, {"name": "  Rain, again ", "description": "a\nb", "ranked": True, "comments_enabled": True}
    )
    assert (new.name, new.description, new.ranked, new.comments_enabled) == ("Rain, again", "a\nb", True, True)
    assert lists.edited(new, {"ranked": False, "description": ""}) == replace(new, ranked=False, description="")
    for wrong in ({"name": " "}, {"name": "two\nlines"}, {"description": "\u200b"}):
        with pytest.raises(InvalidArgument) as caught:
            lists.edited(LIST, wrong)
        assert [field for field, _ in caught.value.violations] == list(wrong)


def test_etags_tell_things_and_versions_apart() -> None:
    assert len({LIST.etag, replace(LIST, version=2).etag, replace(LIST, list_id="other").etag}) == 3
    assert len({ITEM.etag, replace(ITEM, version=2).etag, replace(ITEM, item_id="other").etag}) == 3
