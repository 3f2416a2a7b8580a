# ruff: noqa: ASYNC220, ASYNC240 - tests look at the files themselves
"""What only a SQLite store promises: one connection a file, group commit, durability, backups."""

from __future__ import annotations

import asyncio
import os
import random
import shutil
import signal
import sqlite3
import stat
import subprocess
import sys
import threading
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from cinemesh import errors
from cinemesh.db import ConstraintViolated, Database, migrate, new_metadata

METADATA = new_metadata()
NOTE = sa.Table(
    "note", METADATA, sa.Column("id", sa.Integer, primary_key=True), sa.Column("text", sa.String, unique=True)
)
PARENT = sa.Table("parent", METADATA, sa.Column("id", sa.Integer, primary_key=True))
CHILD = sa.Table(
    "child",
    METADATA,
    sa.Column("parent_id", sa.ForeignKey("parent.id", deferrable=True, initially="DEFERRED"), primary_key=True),
)

HOLDER = """
import asyncio, sys
from cinemesh.db import Database
async def main():
    async with Database(sys.argv[1]) as db:
        await db.probe()
        print("open", flush=True)
        await asyncio.sleep(60)
asyncio.run(main())
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "var" / "store.sqlite3"


@pytest.fixture
async def db(path: Path) -> AsyncIterator[Database]:
    async with Database(f"sqlite:///{path}") as database:
        await database.write(lambda session: METADATA.create_all(session.connection()))
        yield database


def note(number: int, text: str | None = None) -> sa.Insert:
    return sa.insert(NOTE).values(id=number, text=text or f"note {number}")


async def count(db: Database) -> int:
    return await db.read(lambda session: session.execute(sa.select(sa.func.count()).select_from(NOTE)).scalar_one())


def rows_of(file: Path) -> list[int]:
    with sqlite3.connect(file) as connection:
        found = [number for (number,) in connection.execute("SELECT id FROM note ORDER BY id")]
    connection.close()
    return found


async def test_a_hundred_concurrent_writes_share_a_few_commits(db: Database) -> None:
    before = db.commits
    await asyncio.gather(*(db.write(lambda session, i=i: session.execute(note(i))) for i in range(100)))
    assert await count(db) == 100
    assert 1 <= db.commits - before <= 10


async def test_one_failing_write_does_not_touch_the_others_of_its_group(db: Database) -> None:
    hold = threading.Event()
    first = asyncio.create_task(db.read(lambda _: hold.wait(5)))  # so that all the writes wait together
    await asyncio.sleep(0.02)
    before = db.commits

    def change(session: Session, i: int) -> int:
        session.execute(note(i))
        if i % 3 == 1:
            raise LookupError(f"write {i}")
        if i % 3 == 2:
            session.execute(note(1000 + i, "note 0"))  # taken
        return i

    writes = [asyncio.create_task(db.write(lambda session, i=i: change(session, i))) for i in range(30)]
    await asyncio.sleep(0)
    hold.set()
    outcomes = await asyncio.gather(*writes, return_exceptions=True)
    await first
    assert db.commits - before == 1
    for i, outcome in enumerate(outcomes):
        expected = (int, LookupError, ConstraintViolated)[i % 3]
        assert isinstance(outcome, expected), (i, outcome)
    found = await db.read(lambda session: session.scalars(sa.select(NOTE.c.id).order_by(NOTE.c.id)).all())
    assert list(found) == [i for i in range(30) if i % 3 == 0]


async def test_a_commit_that_fails_is_charged_to_the_write_at_fault(db: Database) -> None:
    hold = threading.Event()
    first = asyncio.create_task(db.read(lambda _: hold.wait(5)))
    await asyncio.sleep(0.02)
    good = [asyncio.create_task(db.write(lambda session, i=i: session.execute(note(i)))) for i in range(5)]
    # deferred: nobody notices before COMMIT
    bad = asyncio.create_task(db.write(lambda session: session.execute(sa.insert(CHILD).values(parent_id=404))))
    await asyncio.sleep(0)
    hold.set()
    await asyncio.gather(first, *good)
    with pytest.raises(ConstraintViolated) as caught:
        await bad
    assert caught.value.kind == "foreign_key"
    assert await count(db) == 5


async def test_a_full_disk_fails_the_write_that_does_not_fit_and_no_other(db: Database) -> None:
    def limit(session: Session) -> None:
        pages = session.execute(sa.text("PRAGMA page_count")).scalar_one()
        session.execute(sa.text(f"PRAGMA max_page_count = {pages + 20}"))

    await db.write(limit)
    hold = threading.Event()
    first = asyncio.create_task(db.read(lambda _: hold.wait(5)))
    await asyncio.sleep(0.02)
    small = [asyncio.create_task(db.write(lambda session, i=i: session.execute(note(i)))) for i in range(5)]
    big = asyncio.create_task(db.write(lambda session: session.execute(note(50, "x" * 500_000))))
    more = [asyncio.create_task(db.write(lambda session, i=i: session.execute(note(i)))) for i in range(5, 10)]
    await asyncio.sleep(0)
    hold.set()
    await asyncio.gather(first, *small, *more)
    with pytest.raises(errors.Unavailable, match="disk is full"):
        await big
    assert await count(db) == 10


async def test_settings_of_the_file(db: Database, path: Path) -> None:
    def pragma(session: Session, name: str) -> object:
        return session.execute(sa.text(f"PRAGMA {name}")).scalar_one()

    found = {
        name: await db.read(lambda session, name=name: pragma(session, name))
        for name in (
            "journal_mode",
            "synchronous",
            "foreign_keys",
            "locking_mode",
            "busy_timeout",
            "application_id",
            "user_version",
        )
    }
    assert found == {
        "journal_mode": "wal",
        "synchronous": 2,
        "foreign_keys": 1,
        "locking_mode": "exclusive",
        "busy_timeout": 5000,
        "application_id": 0x43494E45,
        "user_version": 1,
    }
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert not path.with_name(path.name + "-shm").exists()


async def test_a_second_process_is_refused_until_the_first_dies(path: Path) -> None:
    url = f"sqlite:///{path}"
    holder = subprocess.Popen([sys.executable, "-c", HOLDER, url], stdout=subprocess.PIPE, text=True)
    try:
        assert holder.stdout is not None
        assert await asyncio.to_thread(holder.stdout.readline) == "open\n"
        second = Database(url)
        with pytest.raises(errors.FailedPrecondition, match=f"store.sqlite3 is in use by pid {holder.pid}"):
            await second.open()
        with pytest.raises(errors.FailedPrecondition, match="in use by pid"):
            migrate(url, None)
    finally:
        holder.send_signal(signal.SIGKILL)
        holder.wait()
        if holder.stdout is not None:
            holder.stdout.close()
    assert (await second.probe()).startswith("sqlite")  # the same object tries again
    await second.close()


async def test_a_second_database_in_this_process_is_refused(db: Database, path: Path) -> None:
    with pytest.raises(errors.FailedPrecondition, match=f"in use by pid {os.getpid()}"):
        await Database(f"sqlite:///{path}").open()


async def test_another_program_cannot_open_the_file_meanwhile(db: Database, path: Path) -> None:
    with sqlite3.connect(path, timeout=0) as other, pytest.raises(sqlite3.OperationalError, match="locked"):
        other.execute("SELECT count(*) FROM note").fetchone()
    other.close()


async def test_a_file_another_program_has_open_is_refused(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cinemesh.db.sqlite_file._BUSY_SECONDS", 0.05)
    path.parent.mkdir()
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    db = Database(f"sqlite:///{path}")
    try:
        with pytest.raises(errors.FailedPrecondition, match="open in another program"):
            await db.open()
    finally:
        other.close()
    await db.open()
    await db.close()


@pytest.mark.parametrize("what", ["foreign", "tables", "newer", "garbage", "folder"])
async def test_files_that_are_not_our_stores_are_refused_plainly(path: Path, what: str) -> None:
    path.parent.mkdir()
    kind: type[errors.CineError] = errors.FailedPrecondition
    if what == "garbage":
        path.write_bytes(random.Random(1).randbytes(8192))
        kind = errors.DataLoss
    elif what == "folder":
        path.mkdir()
        kind = errors.Unavailable
    else:
        script = {
            "foreign": "PRAGMA application_id = 7; CREATE TABLE theirs (a)",
            "tables": "CREATE TABLE theirs (a)",
            "newer": f"PRAGMA application_id = {0x43494E45}; PRAGMA user_version = 99",
        }[what]
        with sqlite3.connect(path) as connection:
            connection.executescript(script)
        connection.close()
    content = path.read_bytes() if path.is_file() else b""
    with pytest.raises(kind) as caught:
        await Database(f"sqlite:///{path}").open()
    assert str(path.parent) not in str(caught.value)
    if content:
        assert path.read_bytes() == content


async def test_what_was_acknowledged_lies_in_the_files(db: Database, path: Path, tmp_path: Path) -> None:
    """A copy taken the moment a write returns is what a power cut would leave, as every commit is flushed."""
    taken = tmp_path / "taken"
    taken.mkdir()
    for i in range(10):
        await asyncio.gather(*(db.write(lambda session, n=3 * i + j: session.execute(note(n))) for j in range(3)))
        for suffix in ("", "-wal"):
            shutil.copy(path.with_name(path.name + suffix), taken / f"copy.sqlite3{suffix}")
        assert rows_of(taken / "copy.sqlite3") == list(range(3 * i + 3))
        for file in taken.iterdir():
            file.unlink()


async def test_a_torn_log_keeps_transactions_whole(db: Database, path: Path, tmp_path: Path) -> None:
    def pair(session: Session, i: int) -> None:
        session.execute(note(2 * i, f"{i} " + "x" * 3000))
        session.execute(note(2 * i + 1, f"{i} " + "y" * 3000))

    for i in range(8):
        await db.write(lambda session, i=i: pair(session, i))
    log = path.with_name(path.name + "-wal").read_bytes()
    main = path.read_bytes()
    seen = set()
    for cut in range(0, len(log), max(1, len(log) // 40)):
        folder = tmp_path / f"cut{cut}"
        folder.mkdir()
        (folder / "torn.sqlite3").write_bytes(main)
        (folder / "torn.sqlite3-wal").write_bytes(log[:cut] + bytes(min(512, len(log) - cut)))
        try:
            found = rows_of(folder / "torn.sqlite3")
        except sqlite3.OperationalError:  # cut before the table was made
            found = []
        assert found == list(range(len(found)))
        assert len(found) % 2 == 0
        seen.add(len(found))
    assert len(seen) > 4


async def test_a_backup_is_consistent_while_writes_go_on(db: Database, tmp_path: Path) -> None:
    text = "z" * 2000

    def pair(session: Session, i: int) -> None:
        session.execute(note(2 * i, f"{2 * i} {text}"))
        session.execute(note(2 * i + 1, f"{2 * i + 1} {text}"))

    await db.write(lambda session: [pair(session, i) for i in range(2500)])
    target = tmp_path / "backup.sqlite3"
    backup = asyncio.create_task(db.backup(target))
    written, reads = 2500, 0
    while not backup.done():
        await asyncio.gather(*(db.write(lambda session, i=i: pair(session, i)) for i in range(written, written + 5)))
        written += 5
        reads += await count(db) > 0
    await backup
    assert written > 2505, "nothing was written during the copy, so it proves nothing"
    found = rows_of(target)
    assert found == list(range(len(found)))
    assert len(found) % 2 == 0
    assert 5000 <= len(found) <= 2 * written
    assert [file.name for file in tmp_path.iterdir() if file.is_file()] == ["backup.sqlite3"]
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    async with Database(f"sqlite:///{target}") as restored:
        assert await count(restored) == len(found)


async def test_a_backup_that_cannot_be_written_leaves_the_old_one(db: Database, path: Path, tmp_path: Path) -> None:
    old = tmp_path / "backup.sqlite3"
    await db.backup(old)
    before = old.read_bytes()
    with pytest.raises(errors.Unavailable, match="cannot be written"):
        await db.backup(tmp_path / "no such folder" / "backup.sqlite3")
    with pytest.raises(errors.InvalidArgument):
        await db.backup(path)
    first = asyncio.create_task(db.backup(old))
    await asyncio.sleep(0)
    with pytest.raises(errors.FailedPrecondition, match="running"):
        await db.backup(tmp_path / "other.sqlite3")
    first.cancel()
    await asyncio.gather(first, return_exceptions=True)
    await db.write(lambda session: session.execute(note(1)))
    assert old.read_bytes() == before
    await db.backup(old)
    assert rows_of(old) == [1]


async def test_a_backup_begins_another_life_of_the_feed(path: Path, tmp_path: Path) -> None:
    migrate(f"sqlite:///{path}", None)
    async with Database(f"sqlite:///{path}") as db:
        await db.backup(tmp_path / "backup.sqlite3")
        epoch = sa.text("SELECT epoch FROM outbox_state")
        mine = await db.read(lambda session: session.execute(epoch).scalar_one())
    async with Database(f"sqlite:///{tmp_path / 'backup.sqlite3'}") as other:
        assert await other.read(lambda session: session.execute(epoch).scalar_one()) != mine


async def test_a_store_in_memory_works_alone() -> None:
    async with Database("sqlite://") as db:
        await db.write(lambda session: METADATA.create_all(session.connection()))
        await db.write(lambda session: session.execute(note(1)))
        assert await count(db) == 1
