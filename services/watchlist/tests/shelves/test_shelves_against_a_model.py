"""Watchlists and lists against a model in memory, whatever people do and in whatever order, on both databases."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterator
from pathlib import Path
from typing import Any, TypeVar

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from cine_watchlist.domain.access import Role, Visibility
from cine_watchlist.store import schema
from cinemesh.db import Database, mesh_tables, migrate
from cinemesh.errors import AlreadyExists, CineError, FailedPrecondition, NotFound

from .conftest import ADA, BEN, CAT, PEOPLE, MovableClock, Shop, fill
from .shelf_model import Entry, Kept, moved

T = TypeVar("T")
USERS = st.sampled_from([ADA, BEN, CAT])
MOVIES = st.integers(1, 6)


class ShelvesMachine(RuleBasedStateMachine):
    """Acts on the real thing and on the model, and compares what both say."""

    loop: asyncio.AbstractEventLoop
    shop: Shop
    lists = Bundle("lists")

    def __init__(self) -> None:
        super().__init__()
        self.watchlists: dict[str, list[Entry]] = {ADA: [], BEN: [], CAT: []}
        self.kept: dict[str, Kept] = {}
        self.run(self.shop.database.write(self._clear))

    @staticmethod
    def _clear(tx: Any) -> None:
        for table in (schema.watchlists, schema.lists, schema.imported_rows, mesh_tables.outbox):
            tx.execute(sa.delete(table))

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return self.loop.run_until_complete(work)

    def attempt(self, work: Coroutine[Any, Any, T], refused: type[CineError] | None) -> T | None:
        """Does something that the model says is done, or refused in this way."""
        if refused is None:
            return self.run(work)
        with pytest.raises(refused):
            self.run(work)
        return None

    def one_of(self, films: list[Entry], data: st.DataObject) -> str:
        """Returns an item: mostly one that is there."""
        return data.draw(st.sampled_from([*(one.item_id for one in films), "nothing"]), "item")

    # watchlists

    @rule(user_id=USERS, movie_id=MOVIES, priority=st.integers(0, 10))
    def add(self, user_id: str, movie_id: int, priority: int) -> None:
        mine = self.watchlists[user_id]
        there = any(one.movie_id == movie_id for one in mine)
        shown = self.attempt(self.shop.add(user_id, movie_id, priority), AlreadyExists if there else None)
        if shown is not None:
            mine.insert(0, Entry(movie_id, shown.item.item_id, priority or 5))

    @rule(
        user_id=USERS,
        data=st.data(),
        priority=st.none() | st.integers(1, 10),
        watched=st.none() | st.booleans(),
        notes=st.none() | st.sampled_from(["", "rain"]),
    )
    def update(
        self, user_id: str, data: st.DataObject, priority: int | None, watched: bool | None, notes: str | None
    ) -> None:
        mine = self.watchlists[user_id]
        item_id = self.one_of(mine, data)
        given = {"priority": priority, "watched": watched, "notes": notes}
        changes = {name: value for name, value in given.items() if value is not None}
        found = [one for one in mine if one.item_id == item_id]
        self.attempt(self.shop.shelves.watchlist.update(user_id, item_id, changes, ""), None if found else NotFound)
        for one in found:
            for name, value in changes.items():
                setattr(one, name, value)

    @rule(user_id=USERS, data=st.data())
    def move(self, user_id: str, data: st.DataObject) -> None:
        mine = self.watchlists[user_id]
        item_id = self.one_of(mine, data)
        after = data.draw(st.sampled_from(["", *(one.item_id for one in mine if one.item_id != item_id)]), "after")
        known = any(one.item_id == item_id for one in mine)
        self.attempt(self.shop.shelves.watchlist.move(user_id, item_id, after), None if known else NotFound)
        if known:
            moved(mine, item_id, after)

    @rule(user_id=USERS, data=st.data())
    def remove(self, user_id: str, data: st.DataObject) -> None:
        mine = self.watchlists[user_id]
        item_id = self.one_of(mine, data)
        found = [one for one in mine if one.item_id == item_id]
        self.attempt(self.shop.shelves.watchlist.remove(user_id, item_id, ""), None if found else NotFound)
        for one in found:
            mine.remove(one)

    # lists

    @rule(
        target=lists,
        user_id=USERS,
        films=st.lists(MOVIES, unique=True, max_size=3),
        visibility=st.sampled_from(Visibility),
    )
    def create(self, user_id: str, films: list[int], visibility: Visibility) -> str:
        made = self.run(self.shop.create(user_id, "Rain", tuple(films), visibility)).movie_list
        items = self.run(self.shop.on_list(user_id, made.list_id))
        entries = [Entry(one.item.movie_id, one.item.item_id, by=user_id) for one in items]
        assert [one.movie_id for one in entries] == films
        self.kept[made.list_id] = Kept(user_id, visibility, entries)
        return made.list_id

    @rule(list_id=lists, user_id=USERS, visibility=st.sampled_from(Visibility))
    def show_to(self, list_id: str, user_id: str, visibility: Visibility) -> None:
        one = self.kept.get(list_id)
        refused = one.verdict(user_id, Role.OWNER) if one is not None else NotFound
        work = self.shop.shelves.lists.update(user_id, list_id, {"visibility": visibility.value}, "")
        self.attempt(work, refused)
        if one is not None and refused is None:
            one.visibility = visibility

    @rule(list_id=lists, user_id=USERS)
    def delete(self, list_id: str, user_id: str) -> None:
        one = self.kept.get(list_id)
        refused = one.verdict(user_id, Role.OWNER) if one is not None else NotFound
        self.attempt(self.shop.shelves.lists.delete(user_id, list_id, ""), refused)
        if refused is None:
            del self.kept[list_id]

    @rule(list_id=lists, user_id=USERS, movie_id=MOVIES, data=st.data())
    def put(self, list_id: str, user_id: str, movie_id: int, data: st.DataObject) -> None:
        one = self.kept.get(list_id)
        refused = one.verdict(user_id, Role.EDITOR) if one is not None else NotFound
        after = self.one_of(one.films, data) if one is not None and data.draw(st.booleans(), "behind one") else ""
        if one is not None and refused is None:
            if any(entry.movie_id == movie_id for entry in one.films):
                refused = AlreadyExists
            elif after and not any(entry.item_id == after for entry in one.films):
                refused = NotFound
        shown = self.attempt(self.shop.put(user_id, list_id, movie_id, after=after), refused)
        if one is not None and shown is not None:
            entry = Entry(movie_id, shown.item.item_id, by=user_id)
            one.films.append(entry)
            if after:
                moved(one.films, entry.item_id, after)

    @rule(list_id=lists, user_id=USERS, data=st.data())
    def rearrange(self, list_id: str, user_id: str, data: st.DataObject) -> None:
        one = self.kept.get(list_id)
        films = one.films if one is not None else []
        refused = one.verdict(user_id, Role.EDITOR) if one is not None else NotFound
        item_id = self.one_of(films, data)
        after = data.draw(
            st.sampled_from(["", *(entry.item_id for entry in films if entry.item_id != item_id)]), "after"
        )
        if not any(entry.item_id == item_id for entry in films):
            refused = refused or NotFound
        self.attempt(self.shop.shelves.items.move(user_id, list_id, item_id, after), refused)
        if refused is None:
            moved(films, item_id, after)

    @rule(list_id=lists, user_id=USERS, data=st.data(), notes=st.sampled_from(["", "loud"]))
    def take_off_or_note(self, list_id: str, user_id: str, data: st.DataObject, notes: str) -> None:
        one = self.kept.get(list_id)
        films = one.films if one is not None else []
        refused = one.verdict(user_id, Role.EDITOR) if one is not None else NotFound
        item_id = self.one_of(films, data)
        found = [entry for entry in films if entry.item_id == item_id]
        if not found:
            refused = refused or NotFound
        if notes:
            self.attempt(self.shop.shelves.items.update(user_id, list_id, item_id, notes, ""), refused)
        else:
            self.attempt(self.shop.shelves.items.remove(user_id, list_id, item_id, ""), refused)
        if refused is None:
            found[0].notes = notes
            if not notes:
                films.remove(found[0])

    # people

    @rule(
        list_id=lists,
        user_id=USERS,
        invited=USERS,
        role=st.sampled_from([Role.EDITOR, Role.VIEWER]),
        accept=st.booleans(),
    )
    def invite(self, list_id: str, user_id: str, invited: str, role: Role, accept: bool) -> None:
        one = self.kept.get(list_id)
        refused = one.verdict(user_id, Role.OWNER) if one is not None else NotFound
        if one is not None and refused is None and one.role(invited) is not Role.NONE:
            if invited == user_id:
                return
            refused = AlreadyExists
        sent = self.attempt(self.shop.invite(user_id, list_id, PEOPLE[invited], role), refused)
        if one is None or sent is None:
            return
        if accept:
            self.run(self.shop.shelves.collaboration.accept(invited, sent.invitation_id))
            one.roles[invited] = role
        else:
            self.run(self.shop.shelves.collaboration.decline(invited, sent.invitation_id))

    @rule(list_id=lists, user_id=USERS, member=USERS, role=st.sampled_from([Role.EDITOR, Role.VIEWER]))
    def change_role(self, list_id: str, user_id: str, member: str, role: Role) -> None:
        one = self.kept.get(list_id)
        refused = one.verdict(user_id, Role.OWNER) if one is not None else NotFound
        if one is not None and refused is None:
            refused = {Role.OWNER: FailedPrecondition, Role.NONE: NotFound}.get(one.role(member))
        self.attempt(self.shop.shelves.collaboration.change_role(user_id, list_id, member, role), refused)
        if one is not None and refused is None:
            one.roles[member] = role

    @rule(list_id=lists, user_id=USERS, member=USERS)
    def send_away(self, list_id: str, user_id: str, member: str) -> None:
        one = self.kept.get(list_id)
        refused = (
            one.verdict(user_id, Role.VIEWER if member == user_id else Role.OWNER) if one is not None else NotFound
        )
        if one is not None and refused is None:
            refused = {Role.OWNER: FailedPrecondition, Role.NONE: NotFound}.get(one.role(member))
        self.attempt(self.shop.shelves.collaboration.remove(user_id, list_id, member), refused)
        if one is not None and refused is None:
            del one.roles[member]

    @precondition(lambda self: self.kept)
    @rule(user_id=USERS)
    def leave(self, user_id: str) -> None:
        """An account is deleted; another of the same id stands for the next person."""
        self.run(self.shop.forget(user_id))
        self.watchlists[user_id] = []
        self.kept = {list_id: one for list_id, one in self.kept.items() if one.owner != user_id}
        for one in self.kept.values():
            one.roles.pop(user_id, None)
            for entry in one.films:
                entry.by = "" if entry.by == user_id else entry.by

    # what must hold

    @invariant()
    def watchlists_are_what_they_should_be(self) -> None:
        for user_id, mine in self.watchlists.items():
            assert self.run(self.shop.films(user_id)) == [one.movie_id for one in mine]
            for one in mine[:2]:
                item = self.run(self.shop.shelves.watchlist.get(user_id, one.item_id)).item
                assert (item.priority, item.watched, item.notes) == (one.priority, one.watched, one.notes)

    @invariant()
    def lists_are_shown_as_they_should_be_to_those_who_may_see_them(self) -> None:
        for list_id, one in self.kept.items():
            for user_id in (ADA, BEN, CAT):
                if not one.visible(user_id):
                    for work in (
                        self.shop.shelves.lists.get(user_id, list_id),
                        self.shop.shelves.items.page(user_id, list_id, 5, None),
                    ):
                        self.attempt(work, NotFound)
                    continue
                shown = self.run(self.shop.shelves.lists.get(user_id, list_id))
                assert shown.role is one.role(user_id) and shown.movie_list.visibility is one.visibility
                people = {person.member.user_id: person.member.role for person in shown.members}
                everyone = {one.owner: Role.OWNER, **one.roles}
                assert people == (everyone if one.role(user_id) is not Role.NONE else {})
                assert shown.movie_list.item_count == len(one.films)
                watched = {entry.movie_id for entry in self.watchlists[user_id] if entry.watched}
                assert shown.seen_count == len(watched & {entry.movie_id for entry in one.films})
                items = self.run(self.shop.on_list(user_id, list_id))
                assert [(item.item.movie_id, item.item.notes, item.item.added_by) for item in items] == [
                    (entry.movie_id, entry.notes, entry.by) for entry in one.films
                ]
                assert {item.item.movie_id for item in items if item.seen} <= watched

    def teardown(self) -> None:
        """What was told, from the first to the last, gives the same state: nothing was changed silently, nothing told in vain."""
        watching: dict[str, dict[int, tuple[int, bool]]] = {ADA: {}, BEN: {}, CAT: {}}
        listed: dict[str, set[int]] = {}
        people: dict[str, set[str]] = {}
        visible: dict[str, str] = {}
        for event in self.run(self.shop.told()):
            match type(event).__name__:
                case "WatchlistItemChanged":
                    assert event.added == (event.movie_id not in watching[event.user_id])
                    watching[event.user_id][event.movie_id] = (event.priority, event.watched)
                case "WatchlistItemRemoved":
                    del watching[event.user_id][event.movie_id]
                case "ListChanged":
                    assert event.added == (event.list_id not in listed)
                    listed.setdefault(event.list_id, set())
                    people.setdefault(event.list_id, {event.owner_id})
                    visible[event.list_id] = event.visibility
                case "ListDeleted":
                    del listed[event.list_id], people[event.list_id], visible[event.list_id]
                case "ListItemAdded":
                    assert event.movie_id not in listed[event.list_id]
                    listed[event.list_id].add(event.movie_id)
                case "ListItemRemoved":
                    listed[event.list_id].remove(event.movie_id)
                case "CollaboratorsChanged":
                    people[event.list_id] = set(event.user_ids)
                case other:
                    raise AssertionError(other)
        assert watching == {
            user_id: {one.movie_id: (one.priority, one.watched) for one in mine}
            for user_id, mine in self.watchlists.items()
        }
        assert listed == {list_id: {one.movie_id for one in kept.films} for list_id, kept in self.kept.items()}
        assert people == {list_id: {kept.owner, *kept.roles} for list_id, kept in self.kept.items()}
        assert visible == {list_id: kept.visibility.value for list_id, kept in self.kept.items()}


@pytest.fixture
def loop() -> Iterator[asyncio.AbstractEventLoop]:
    loop = asyncio.new_event_loop()
    yield loop
    loop.close()


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_whatever_people_do(store_url: str, tmp_path: Path, loop: asyncio.AbstractEventLoop) -> None:
    migrate(store_url, "cine_watchlist")
    database = Database(store_url)
    loop.run_until_complete(database.open())
    loop.run_until_complete(database.write(fill))

    class Machine(ShelvesMachine):
        shop = Shop.over(database, tmp_path, MovableClock())

    Machine.loop = loop
    try:
        run_state_machine_as_test(
            Machine,
            settings=settings(
                max_examples=25, stateful_step_count=25, deadline=None, suppress_health_check=list(HealthCheck)
            ),
        )
    finally:
        loop.run_until_complete(database.close())
