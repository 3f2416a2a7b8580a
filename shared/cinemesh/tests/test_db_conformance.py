"""What a store promises, on SQLite and on PostgreSQL alike."""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import datetime as dt
import threading
import traceback
from collections.abc import AsyncIterator

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from cinemesh import errors
from cinemesh.db import (
    ConstraintViolated,
    Database,
    StringList,
    UtcDateTime,
    after_commit,
    list_holds,
    new_metadata,
    upsert,
)

METADATA = new_metadata()
FILM = sa.Table(
    "film",
    METADATA,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("title", sa.String(100), nullable=False, unique=True),
    sa.Column("year", sa.Integer, sa.CheckConstraint("year > 1870", name="year_sane")),
    sa.Column("added", UtcDateTime),
    sa.Column("genres", StringList),
)
VOTE = sa.Table(
    "vote",
    METADATA,
    sa.Column("film_id", sa.ForeignKey("film.id"), primary_key=True),
    sa.Column("count", sa.Integer, nullable=False),
)


@pytest.fixture
async def db(store_url: str) -> AsyncIterator[Database]:
    async with Database(store_url, pool=4, statement_timeout=5) as database:
        await database.write(lambda session: METADATA.create_all(session.connection()))
        yield database


def add(film_id: int, title: str = "", **values: object) -> sa.Insert:
    return sa.insert(FILM).values(id=film_id, title=title or f"Film {film_id}", **values)


async def ids(db: Database) -> list[int]:
    return list(await db.read(lambda session: session.scalars(sa.select(FILM.c.id).order_by(FILM.c.id)).all()))


async def test_a_write_returns_its_result_and_is_read_back(db: Database) -> None:
    def change(session: Session) -> str:
        session.execute(add(1, "Metropolis"))
        return "done"

    assert await db.write(change) == "done"
    assert await ids(db) == [1]


async def test_a_write_that_raises_leaves_nothing_and_raises_the_same(db: Database) -> None:
    def change(session: Session) -> None:
        session.execute(add(1))
        raise errors.NotFound("no such director")

    with pytest.raises(errors.NotFound, match="no such director"):
        await db.write(change)
    assert await ids(db) == []


async def test_a_read_cannot_write(db: Database) -> None:
    with pytest.raises(errors.Internal):
        await db.read(lambda session: session.execute(add(1)))
    assert await ids(db) == []
    await db.write(lambda session: session.execute(add(2)))
    assert await ids(db) == [2]


@pytest.mark.parametrize("end", ["commit", "rollback"])
async def test_the_transaction_is_not_the_functions_to_end(db: Database, end: str) -> None:
    def change(session: Session) -> None:
        session.execute(add(1))
        getattr(session, end)()

    with pytest.raises(RuntimeError, match="must not"):
        await db.write(change)
    assert await ids(db) == []


async def test_a_nested_part_may_fail_alone(db: Database) -> None:
    def change(session: Session) -> None:
        session.execute(add(1, "Nosferatu"))
        with pytest.raises(sa.exc.IntegrityError), session.begin_nested():
            session.execute(add(2, "Nosferatu"))
        session.execute(add(3))

    await db.write(change)
    assert await ids(db) == [1, 3]


async def test_swallowing_a_failed_statement_is_never_taken_for_success(db: Database) -> None:
    def change(session: Session) -> None:
        session.execute(add(1, "Nosferatu"))
        with contextlib.suppress(
            sa.exc.IntegrityError
        ):  # without begin_nested: PostgreSQL has given up the transaction
            session.execute(add(2, "Nosferatu"))

    if db.dialect == "postgresql":
        with pytest.raises(RuntimeError, match="begin_nested"):
            await db.write(change)
        assert await ids(db) == []
    else:  # a failed statement of SQLite undoes itself only
        await db.write(change)
        assert await ids(db) == [1]


@pytest.mark.parametrize(
    ("statement", "kind", "constraint"),
    [
        (add(2, "Metropolis"), "unique", "uq_film_title"),
        (add(1, "Another"), "unique", "pk_film"),
        (add(2, year=1700), "check", "ck_film_year_sane"),
        (sa.insert(FILM).values(id=2, title=None), "not_null", "title"),
        (sa.insert(VOTE).values(film_id=9, count=1), "foreign_key", None),
    ],
)
async def test_broken_constraints_are_told_by_kind_and_name(
    db: Database, statement: sa.Insert, kind: str, constraint: str | None
) -> None:
    await db.write(lambda session: session.execute(add(1, "Metropolis")))
    with pytest.raises(ConstraintViolated) as caught:
        await db.write(lambda session: session.execute(statement))
    assert caught.value.kind == kind
    if constraint is not None:
        assert caught.value.constraint == constraint
    assert await ids(db) == [1]


async def test_messages_hold_neither_sql_nor_values_nor_the_address(db: Database, store_url: str) -> None:
    secret = "hunter2-secret"
    found = []
    for statement in (
        sa.text("SELECT nothing FROM nowhere WHERE a = :a"),
        sa.text("INSERT INTO film (id, title) VALUES (1, :a), (1, :a)"),
    ):
        with pytest.raises(Exception, match=r".") as caught:
            await db.write(lambda session, what=statement: session.execute(what, {"a": secret}))
        found.append("".join(traceback.format_exception(caught.value)))
    for text in found:
        assert secret not in text
        assert "nowhere" not in text
        assert "[SQL" not in text
        assert store_url.rpartition("@")[0].rpartition(":")[2] not in text or "sqlite" in store_url


async def test_times_keep_their_moment_and_sort(db: Database) -> None:
    paris = dt.timezone(dt.timedelta(hours=2))
    moments = [
        dt.datetime(2026, 7, 1, 0, 30, tzinfo=paris),
        dt.datetime(2026, 6, 30, 23, 0, tzinfo=dt.UTC),
        dt.datetime(2026, 6, 30, 22, 30, 0, 1, tzinfo=dt.UTC),
    ]
    await db.write(
        lambda session: session.execute(
            sa.insert(FILM), [{"id": i, "title": str(i), "added": moment} for i, moment in enumerate(moments)]
        )
    )
    rows = await db.read(
        lambda session: session.execute(sa.select(FILM.c.id, FILM.c.added).order_by(FILM.c.added)).all()
    )
    assert [row.id for row in rows] == [0, 2, 1]
    assert [row.added for row in rows] == [moments[0], moments[2], moments[1]]
    assert all(row.added.tzinfo == dt.UTC for row in rows)
    with pytest.raises((errors.Internal, ValueError)):
        await db.write(lambda session: session.execute(add(9, added=dt.datetime(2026, 1, 1))))


async def test_string_lists_come_back_as_they_were(db: Database) -> None:
    await db.write(
        lambda session: session.execute(
            sa.insert(FILM),
            [
                {"id": 1, "title": "a", "genres": ["Drama", 'Sci-Fi, "hard"', "喜剧"]},
                {"id": 2, "title": "b", "genres": []},
                {"id": 3, "title": "c", "genres": None},
            ],
        )
    )
    rows = await db.read(lambda session: session.scalars(sa.select(FILM.c.genres).order_by(FILM.c.id)).all())
    assert list(rows) == [["Drama", 'Sci-Fi, "hard"', "喜剧"], [], None]
    with pytest.raises((errors.Internal, ValueError)):
        await db.write(lambda session: session.execute(add(4, genres="Drama")))


async def test_upsert_inserts_updates_or_leaves_alone(db: Database) -> None:
    rows = [{"id": i, "title": f"Film {i}", "year": 1990} for i in range(12_000)]
    await db.write(lambda session: upsert(session, FILM, rows, key=["id"]))
    changed = [{"id": 0, "title": "New", "year": 2001}, {"id": 20_000, "title": "Newer", "year": 2002}]
    await db.write(lambda session: upsert(session, FILM, changed, key=["id"], update=["title"]))
    await db.write(
        lambda session: upsert(session, FILM, [{"id": 1, "title": "Never", "year": 1901}], key=["id"], update=[])
    )
    await db.write(lambda session: upsert(session, FILM, [], key=["id"]))
    found = await db.read(
        lambda session: session.execute(
            sa.select(FILM.c.id, FILM.c.title, FILM.c.year).where(FILM.c.id.in_([0, 1, 20_000])).order_by(FILM.c.id)
        ).all()
    )
    assert [tuple(row) for row in found] == [(0, "New", 1990), (1, "Film 1", 1990), (20_000, "Newer", 2002)]
    assert len(await ids(db)) == 12_001


@pytest.mark.parametrize("serializable", [False, True])
async def test_concurrent_changes_of_one_row_are_all_counted(db: Database, serializable: bool) -> None:
    await db.write(lambda session: session.execute(add(1)))
    await db.write(lambda session: session.execute(sa.insert(VOTE).values(film_id=1, count=0)))

    def vote(session: Session) -> None:
        statement = sa.select(VOTE.c.count).where(VOTE.c.film_id == 1)
        count = session.execute(statement if serializable else statement.with_for_update()).scalar_one()
        session.execute(sa.update(VOTE).values(count=count + 1))

    voters = 12 if serializable else 60
    outcomes = await asyncio.gather(
        *(db.write(vote, serializable=serializable) for _ in range(voters)), return_exceptions=True
    )
    # a collision that was not resolved in time is told, never lost
    assert all(outcome is None or isinstance(outcome, errors.Aborted) for outcome in outcomes)
    kept = sum(outcome is None for outcome in outcomes)
    assert kept == voters or serializable
    assert await db.read(lambda session: session.execute(sa.select(VOTE.c.count)).scalar_one()) == kept


async def test_a_cancelled_write_happens_whole_or_not_at_all(db: Database) -> None:
    def change(session: Session, first: int) -> None:
        session.execute(add(first))
        session.execute(add(first + 1))

    tasks = [asyncio.create_task(db.write(lambda session, i=i: change(session, 2 * i))) for i in range(40)]
    await asyncio.sleep(0.005)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    await db.write(lambda _: None)
    kept = set(await ids(db))
    assert kept == {i for i in range(80) if {2 * (i // 2), 2 * (i // 2) + 1} <= kept}
    await db.write(lambda session: session.execute(add(1000)))


async def test_work_that_has_not_begun_is_dropped_when_its_caller_goes(db: Database) -> None:
    hold = threading.Event()
    blockers = [asyncio.create_task(db.write(lambda _: hold.wait(5))) for _ in range(4)]
    await asyncio.sleep(0.05)
    late = asyncio.create_task(db.write(lambda session: session.execute(add(1))))
    await asyncio.sleep(0.05)
    late.cancel()
    await asyncio.gather(late, return_exceptions=True)
    hold.set()
    await asyncio.gather(*blockers)
    assert await ids(db) == []


async def test_close_finishes_what_was_asked_and_refuses_more(store_url: str) -> None:
    db = Database(store_url)
    await db.write(lambda session: METADATA.create_all(session.connection()))
    writes = [asyncio.create_task(db.write(lambda session, i=i: session.execute(add(i)))) for i in range(50)]
    await asyncio.sleep(0)
    await db.close()
    await asyncio.gather(*writes)
    with pytest.raises(errors.Unavailable, match="closed"):
        await db.read(lambda _: None)
    await db.close()
    async with Database(store_url) as again:
        assert await ids(again) == list(range(50))


async def test_after_commit_runs_once_and_only_when_kept(db: Database) -> None:
    seen: list[str] = []

    def kept() -> None:
        seen.append("kept")

    def change(session: Session, fail: bool) -> None:
        after_commit(session, kept)
        after_commit(session, kept)
        if fail:
            raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        await db.write(lambda session: change(session, fail=True))
    assert seen == []
    await db.write(lambda session: change(session, fail=False))
    assert seen == ["kept"]


async def test_the_function_sees_the_request_it_serves(db: Database) -> None:
    who: contextvars.ContextVar[str] = contextvars.ContextVar("who", default="nobody")
    who.set("ada")
    assert await db.read(lambda _: who.get()) == "ada"
    assert await db.write(lambda _: who.get()) == "ada"


async def test_a_statement_without_end_is_stopped_and_the_store_goes_on(store_url: str) -> None:
    async with Database(store_url, statement_timeout=0.3) as db:
        await db.write(lambda session: METADATA.create_all(session.connection()))
        if db.dialect == "sqlite":
            endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n"
        else:
            endless = "SELECT pg_sleep(60)"
        with pytest.raises(errors.DeadlineExceeded):
            await db.read(lambda session: session.execute(sa.text(endless)).all())
        with pytest.raises(errors.DeadlineExceeded):
            await db.write(lambda session: (session.execute(add(1)), session.execute(sa.text(endless)).all()))
        assert await ids(db) == []
        await db.write(lambda session: session.execute(add(2)))
        assert await ids(db) == [2]


async def test_too_many_waiting_calls_are_refused(db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cinemesh.db.database._MAX_WAITING", 10)
    outcomes = await asyncio.gather(
        *(db.write(lambda session, i=i: session.execute(add(i))) for i in range(30)), return_exceptions=True
    )
    refused = [outcome for outcome in outcomes if isinstance(outcome, errors.ResourceExhausted)]
    assert len(refused) == 20
    assert len(await ids(db)) == 10


async def test_the_probe_names_kind_and_version(db: Database) -> None:
    assert (await db.probe()).startswith(f"{db.dialect} ")


@pytest.mark.parametrize("url", ["mysql://root:secret@db/x", "nonsense secret", "oracle://secret@x"])
def test_other_urls_are_refused_without_repeating_them(url: str) -> None:
    with pytest.raises(ValueError, match=r"SQLite|sqlite") as caught:
        Database(url)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("item", "found"),
    [("drama", [1, 2]), ("Drama", []), ("dram", []), ("été", [2]), ('"', [3]), ("%", []), ("a\\b", [3]), ("", [])],
)
async def test_a_list_holds_an_item_letter_for_letter(db: Database, item: str, found: list[int]) -> None:
    lists: list[list[str] | None] = [["drama"], ["été", "drama"], ['"', "a\\b"], [], None]

    def put(session: Session) -> None:
        for film_id, genres in enumerate(lists, 1):
            session.execute(add(film_id, genres=genres))

    await db.write(put)
    query = sa.select(FILM.c.id).where(list_holds(FILM.c.genres, item)).order_by(FILM.c.id)
    assert await db.read(lambda session: list(session.scalars(query))) == found
    others = sa.select(FILM.c.id).where(sa.not_(list_holds(FILM.c.genres, item)), FILM.c.genres.is_not(None))
    assert len(await db.read(lambda session: session.scalars(others).all())) == 4 - len(found)
