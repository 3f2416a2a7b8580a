"""How imports come, wait, go on, and end, over the real server."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from cine.ratings.v1 import transfers_pb2 as pb
from cinemesh.errors import Code, Reason

from .acts import HEADER, RATINGS, entries, get, resolve, written
from .conftest import ADA, BOB, Mesh, MovableClock, eventually, refused
from .files import IMDB_RATINGS_2024, LETTERBOXD, zipped


async def test_a_file_that_cannot_be_read_is_refused_and_leaves_nothing(mesh: Mesh) -> None:
    for data, name, source, words in (
        (b"", "", "", "empty"),
        (b"a,b\n1,2\n", "x.csv", "", "none of the exports"),
        (IMDB_RATINGS_2024.encode(), "x.csv", "letterboxd", "not from Letterboxd"),
        (zipped({"ratings.csv": b"\x00" * 5000}), "x.zip", "", "not a text file"),
    ):
        failure = await refused(mesh.upload(data, name, source))
        assert failure.code is Code.INVALID_ARGUMENT and words in failure.message
        assert failure.violations[0][0] == "file"
    failure = await refused(mesh.upload(RATINGS, source="myspace"))
    assert (failure.code, failure.violations[0][0]) == (Code.INVALID_ARGUMENT, "source")
    mine = await mesh.transfers.ListImports(pb.ListImportsRequest(), metadata=mesh.by(ADA))
    assert mine.total_size == 0


async def test_a_file_that_is_too_large_is_refused_while_it_comes(mesh: Mesh, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cine_ratings.flows.import_intake.MOST_BYTES", 50_000)
    failure = await refused(mesh.upload(b"x" * 60_000))
    assert (failure.code, failure.reason) == (Code.RESOURCE_EXHAUSTED, Reason.BODY_TOO_LARGE)


async def test_a_name_is_only_a_name(mesh: Mesh) -> None:
    made = await mesh.upload(RATINGS, "../../etc/\u202epasswd\x07.csv")
    assert made.file_name == "../../etc/passwd.csv"


async def test_an_upload_sent_again_is_one_import(any_mesh: Mesh) -> None:
    mesh = any_mesh
    answers = await asyncio.gather(*(mesh.upload(RATINGS, "r.csv", request_id="one") for _ in range(10)))
    assert all(answer == answers[0] for answer in answers)
    assert (await mesh.settled(answers[0].import_id)).state == "ready"
    assert await mesh.upload(RATINGS, "r.csv", request_id="one") == answers[0]
    mine = await mesh.transfers.ListImports(pb.ListImportsRequest(), metadata=mesh.by(ADA))
    assert mine.total_size == 1
    for data, name in ((RATINGS + "\n", "r.csv"), (RATINGS, "s.csv")):
        failure = await refused(mesh.upload(data, name, request_id="one"))
        assert (failure.code, failure.reason) == (Code.INVALID_ARGUMENT, Reason.REQUEST_ID_REUSED)
    theirs = await mesh.upload(RATINGS, "r.csv", who=BOB, request_id="one")
    assert theirs.import_id != answers[0].import_id
    # what was written down of the others is gone
    counted = await mesh.app.database.read(_count_imports)
    assert counted == 2


def _count_imports(tx: Any) -> int:
    import sqlalchemy as sa

    from cine_ratings.store.import_tables import imports

    return int(tx.execute(sa.select(sa.func.count()).select_from(imports)).scalar_one())


async def test_confirming_and_undoing_again_change_nothing(mesh: Mesh) -> None:
    made = await mesh.upload(RATINGS)
    done = await mesh.confirm(made.import_id)
    assert await mesh.confirm(made.import_id, skip=False) == done
    undone = await mesh.rollback(made.import_id)
    assert await mesh.rollback(made.import_id) == undone
    failure = await refused(mesh.confirm(made.import_id))
    assert failure.code is Code.FAILED_PRECONDITION and "rolled back" in failure.message


async def test_progress_is_told_until_it_rests(mesh: Mesh) -> None:
    text = HEADER + "".join(f"2024-01-05,Film {number},2001,x,4\n" for number in range(1200))
    made = await mesh.upload(text, request_id="slow")
    seen = [
        (one.state, one.rows_done)
        async for one in mesh.transfers.WatchImport(
            pb.WatchImportRequest(import_id=made.import_id), metadata=mesh.by(ADA)
        )
    ]
    assert seen[-1] == ("ready", 0)
    assert [state for state, _ in seen[:-1]] == ["matching"] * (len(seen) - 1)
    done = [rows for _, rows in seen[:-1]]
    assert done == sorted(done)


async def test_the_watchlist_is_asked_again_until_it_answers(mesh: Mesh) -> None:
    made = await mesh.upload(zipped(LETTERBOXD))
    mesh.watchlist.away = True
    request = pb.ConfirmImportRequest(import_id=made.import_id)
    await mesh.transfers.ConfirmImport(request, metadata=mesh.by(ADA))

    async def waits() -> bool:
        return mesh.watchlist.calls.count("ApplyImport") >= 2

    await eventually(waits)
    found = await get(mesh, made.import_id)
    assert (found.state, found.rows_applied) == ("applying", 6), "what is ours does not wait"
    assert await mesh.rated() == {1: 4.5, 3: 5.0}
    # meanwhile others are served
    other = await mesh.upload(RATINGS, who=BOB)
    assert (await mesh.confirm(other.import_id, BOB)).state == "done"
    mesh.watchlist.away = False
    assert (await mesh.settled(made.import_id)).state == "done"
    assert len(mesh.watchlist.held) == 4


async def test_an_import_is_undone_while_it_is_applied(mesh: Mesh) -> None:
    mesh.watchlist.away = True
    made = await mesh.upload(zipped(LETTERBOXD))
    await mesh.transfers.ConfirmImport(pb.ConfirmImportRequest(import_id=made.import_id), metadata=mesh.by(ADA))

    async def waits() -> bool:
        return bool(mesh.watchlist.calls)

    await eventually(waits)
    mesh.watchlist.away = False
    assert (await mesh.rollback(made.import_id)).state == "rolled_back"
    assert (await mesh.rated(), await entries(mesh), await written(mesh), mesh.watchlist.held) == ({}, [], {}, [])


async def test_an_import_waits_for_the_catalogue(mesh: Mesh, monkeypatch: pytest.MonkeyPatch) -> None:
    async def half_read() -> bool:
        return False

    monkeypatch.setattr(mesh.app.films, "whole", half_read)
    made = await mesh.upload(RATINGS, request_id="early")
    await asyncio.sleep(0.3)
    assert (await get(mesh, made.import_id)).state == "matching"
    monkeypatch.undo()
    assert (await mesh.settled(made.import_id)).rows_matched == 4


async def test_imports_grow_old(any_mesh: Mesh, clock: MovableClock) -> None:
    mesh = any_mesh
    waiting, applied = [await mesh.upload(RATINGS), await mesh.upload(RATINGS)]
    await mesh.confirm(applied.import_id)
    clock.forward(days=7, seconds=1)
    for call in (resolve(mesh, waiting.import_id, 1, 1), mesh.confirm(waiting.import_id)):
        failure = await refused(call)
        assert failure.code is Code.FAILED_PRECONDITION and "too old" in failure.message
    gone = await mesh.app.housekeeping.clean()
    assert gone["imports"] == 1
    assert (await refused(get(mesh, waiting.import_id))).code is Code.NOT_FOUND
    clock.forward(days=23)
    failure = await refused(mesh.rollback(applied.import_id))
    assert failure.code is Code.FAILED_PRECONDITION and "too old" in failure.message
    await mesh.app.housekeeping.clean()
    assert await mesh.app.database.read(_count_imports) == 0
    assert await mesh.rated() == {1: 4.5, 3: 5.0, 5: 3.0, 8: 3.5}, "what was imported stays"


async def test_imports_of_a_deleted_account_go_with_it(any_mesh: Mesh) -> None:
    mesh = any_mesh
    mesh.watchlist.away = True
    waiting = await mesh.upload(RATINGS)
    running = await mesh.upload(zipped(LETTERBOXD))
    await mesh.transfers.ConfirmImport(pb.ConfirmImportRequest(import_id=running.import_id), metadata=mesh.by(ADA))
    theirs = await mesh.upload(RATINGS, who=BOB)
    await mesh.app.database.write(lambda tx: mesh.app._forget(tx, ADA))
    for import_id in (waiting.import_id, running.import_id):
        assert (await refused(get(mesh, import_id))).code is Code.NOT_FOUND
    assert (await get(mesh, theirs.import_id, BOB)).state == "ready"
    mesh.watchlist.away = False
    await asyncio.sleep(0.3)
    assert (await mesh.rated(), await entries(mesh), mesh.watchlist.held) == ({}, [], [])
