"""What only a PostgreSQL store has to prove: a server that goes away, collisions, snapshots, the bounded pool."""

from __future__ import annotations

import asyncio
import contextlib
import threading
import traceback
from collections.abc import AsyncIterator

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from cinemesh import errors
from cinemesh.db import Database, after_commit, new_metadata
from cinemesh.testing.ports import free_port
from cinemesh.testing.postgres import PostgresServer

METADATA = new_metadata()
ACCOUNT = sa.Table("account", METADATA, sa.Column("id", sa.Integer, primary_key=True), sa.Column("money", sa.Integer))
MONEY = sa.select(ACCOUNT.c.money).order_by(ACCOUNT.c.id)


@pytest.fixture
async def db(postgres_url: str) -> AsyncIterator[Database]:
    async with Database(postgres_url, pool=4, statement_timeout=5) as database:
        await database.write(lambda session: METADATA.create_all(session.connection()))
        await database.write(
            lambda session: session.execute(sa.insert(ACCOUNT), [{"id": 1, "money": 100}, {"id": 2, "money": 100}])
        )
        yield database


async def test_an_unreachable_server_is_unavailable_without_its_address() -> None:
    port = free_port()
    async with Database(f"postgresql://someone:hunter2@127.0.0.1:{port}/things") as db:  # opening needs no server
        for call in (db.read(lambda session: session.execute(sa.text("SELECT 1"))), db.probe()):
            with pytest.raises(errors.Unavailable) as caught:
                await call
            told = "".join(traceback.format_exception(caught.value))
            assert "hunter2" not in told
            assert str(port) not in told


async def test_the_store_is_back_when_its_server_is(postgres_server: PostgresServer) -> None:
    server = PostgresServer(port=free_port()).start()
    try:
        async with Database(server.url, pool=2) as db:
            assert (await db.probe()).startswith("postgresql ")
            with server._connect() as admin:  # every connection of the pool dies under it
                admin.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()")
            outcomes = await asyncio.gather(
                *(db.read(lambda session: session.execute(sa.text("SELECT 7")).scalar_one()) for _ in range(6))
            )
            assert outcomes == [7] * 6  # dead connections are replaced by new ones
            folder, process = server.folder, server._process
            assert process is not None
            process.send_signal(2)
            process.wait()
            with pytest.raises(errors.Unavailable):
                await db.probe()
            server._launch(*_launch_arguments(server))
            assert folder == server.folder
            assert (await db.probe()).startswith("postgresql ")
    finally:
        server.stop()


def _launch_arguments(server: PostgresServer) -> tuple[object, ...]:
    from cinemesh.testing.postgres import find_binaries, unprivileged

    return find_binaries(), server.folder / "data", server.folder / "server.log", unprivileged("postgres")


def _terminate(server: PostgresServer, pids: list[int]) -> None:
    """Ends connections of others and waits until they are gone."""
    with server._connect() as admin:
        for pid in pids:
            admin.execute("SELECT pg_terminate_backend(%s, 5000)", [pid])


def _pid(session: Session) -> int:
    return int(session.execute(sa.text("SELECT pg_backend_pid()")).scalar_one())


async def test_what_finds_a_dead_connection_is_done_all_the_same(db: Database, postgres_server: PostgresServer) -> None:
    told: list[str] = []
    runs: list[str] = []

    def pay(session: Session) -> None:
        runs.append("pay")
        after_commit(session, lambda: told.append("paid"))
        session.execute(sa.update(ACCOUNT).where(ACCOUNT.c.id == 1).values(money=ACCOUNT.c.money + 1))

    def look(session: Session) -> list[int]:
        runs.append("look")
        return list(session.scalars(MONEY).all())

    for first in (pay, look):
        all_at_once = threading.Barrier(4)

        def meet(session: Session, all_at_once: threading.Barrier = all_at_once) -> int:
            all_at_once.wait(5)
            return _pid(session)

        pids = await asyncio.gather(*(db.read(meet) for _ in range(4)))
        assert len(set(pids)) == 4, "the whole pool is connected"
        _terminate(postgres_server, list(pids))
        before = (await db.write(first)) if first is pay else (await db.read(first))
        assert before in (None, [101, 100])
        assert runs.count(first.__name__) == 2, "the dead connection was noticed by using it"
        runs.clear()
    # one effect, told once; and no other dead connection is met: they went with the first
    assert told == ["paid"]
    assert await asyncio.gather(*(db.read(look) for _ in range(8))) == [[101, 100]] * 8
    assert len(runs) == 8


async def test_a_connection_lost_in_a_write_again_and_again_is_told(
    db: Database, postgres_server: PostgresServer
) -> None:
    runs: list[int] = []

    def change(session: Session) -> None:
        session.execute(sa.update(ACCOUNT).values(money=0))
        runs.append(_pid(session))
        _terminate(postgres_server, runs[-1:])
        session.execute(sa.text("SELECT 1"))

    with pytest.raises(errors.Unavailable):
        await db.write(change)
    assert len(set(runs)) == 2, "a new connection each time, and an end to it"
    assert list(await db.read(lambda session: session.scalars(MONEY).all())) == [100, 100]


async def test_a_connection_lost_before_the_commit_costs_a_second_run(
    db: Database, postgres_server: PostgresServer
) -> None:
    runs: list[str] = []

    def read_and_lose(session: Session) -> list[int]:
        found = list(session.scalars(MONEY).all())
        runs.append("read")
        if len(runs) == 1:  # between the last statement and the end
            _terminate(postgres_server, [_pid(session)])
        return found

    assert await db.read(read_and_lose) == [100, 100]
    assert runs == ["read"] * 2

    def write_and_hide(session: Session) -> None:
        session.execute(sa.update(ACCOUNT).values(money=ACCOUNT.c.money + 1))
        runs.append("write")
        if runs.count("write") == 1:
            _terminate(postgres_server, [_pid(session)])
            with contextlib.suppress(sa.exc.DBAPIError):
                session.execute(sa.text("SELECT 1"))

    await db.write(write_and_hide)
    assert runs[2:] == ["write"] * 2
    assert list(await db.read(lambda session: session.scalars(MONEY).all())) == [101, 101]


async def test_a_connection_lost_at_the_commit_is_told_at_once(db: Database, postgres_server: PostgresServer) -> None:
    runs: list[int] = []

    def change(session: Session) -> None:
        session.execute(sa.update(ACCOUNT).values(money=ACCOUNT.c.money + 1))
        runs.append(_pid(session))
        _terminate(postgres_server, runs[-1:])

    with pytest.raises(
        errors.Unavailable
    ):  # nobody can tell whether the commit arrived: running it again might pay twice
        await db.write(change)
    assert len(runs) == 1


async def test_deadlocks_are_run_again(db: Database) -> None:
    both = threading.Barrier(2)
    runs: list[int] = []

    def move(session: Session, first: int, second: int) -> None:
        runs.append(first)
        session.execute(sa.update(ACCOUNT).where(ACCOUNT.c.id == first).values(money=ACCOUNT.c.money - 1))
        if len(runs) <= 2:
            both.wait(5)
        session.execute(sa.update(ACCOUNT).where(ACCOUNT.c.id == second).values(money=ACCOUNT.c.money + 1))

    await asyncio.gather(db.write(lambda session: move(session, 1, 2)), db.write(lambda session: move(session, 2, 1)))
    assert len(runs) == 3
    assert list(await db.read(lambda session: session.scalars(MONEY).all())) == [100, 100]


async def test_a_read_sees_one_moment(db: Database) -> None:
    between, go_on = threading.Event(), threading.Event()

    def look_twice(session: Session) -> tuple[list[int], list[int]]:
        first = list(session.scalars(MONEY).all())
        between.set()
        go_on.wait(5)
        return first, list(session.scalars(MONEY).all())

    looking = asyncio.create_task(db.read(look_twice))
    await asyncio.to_thread(between.wait, 5)
    await db.write(lambda session: session.execute(sa.update(ACCOUNT).values(money=5)))
    go_on.set()
    assert await looking == ([100, 100], [100, 100])


async def test_the_session_is_utc_and_read_committed(db: Database) -> None:
    def ask(session: Session) -> list[str]:
        return [
            session.execute(sa.text(f"SHOW {name}")).scalar_one()
            for name in ("timezone", "transaction_isolation", "statement_timeout", "transaction_read_only")
        ]

    assert await db.write(ask) == ["UTC", "read committed", "5s", "off"]
    assert await db.read(ask) == ["UTC", "repeatable read", "5s", "on"]
    assert await db.write(ask, serializable=True) == ["UTC", "serializable", "5s", "off"]
    assert await db.write(ask) == ["UTC", "read committed", "5s", "off"]  # a pooled connection forgets


async def test_no_more_connections_than_the_pool_has(
    db: Database, postgres_server: PostgresServer, postgres_url: str
) -> None:
    name = postgres_url.rpartition("/")[2]
    most = 0

    def work(session: Session) -> None:
        nonlocal most
        session.execute(sa.text("SELECT pg_sleep(0.01)"))
        open_now = session.execute(
            sa.text("SELECT count(*) FROM pg_stat_activity WHERE datname = :name"), {"name": name}
        ).scalar_one()
        most = max(most, open_now)

    await asyncio.gather(*(db.read(work) for _ in range(40)))
    assert 2 <= most <= 4


async def test_backups_are_left_to_postgresql(db: Database, tmp_path: object) -> None:
    with pytest.raises(errors.FailedPrecondition, match="pg_dump"):
        await db.backup(tmp_path)  # type: ignore[arg-type]


async def test_what_is_asked_often_stays_prepared(postgres_url: str) -> None:
    async with Database(postgres_url, pool=1) as db:
        await db.write(lambda session: METADATA.create_all(session.connection()))
        for _ in range(8):
            await db.read(lambda session: session.scalars(MONEY).all())
        count = sa.text("SELECT count(*) FROM pg_prepared_statements WHERE statement LIKE '%account%'")
        assert await db.read(lambda session: session.execute(count).scalar_one()) == 1
