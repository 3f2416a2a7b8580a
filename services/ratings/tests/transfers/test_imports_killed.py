"""An import whose process is killed goes on at the next start: every row is applied, and none twice."""

from __future__ import annotations

import asyncio
import json
import os
import random
import sys
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import grpc
import pytest

from cine.ratings.v1 import diary_pb2, diary_pb2_grpc, ratings_pb2, ratings_pb2_grpc, transfers_pb2, transfers_pb2_grpc
from cine_ratings.settings import RatingsSettings
from cinemesh import topology
from cinemesh.testing import TokenFactory, running, settings_for
from cinemesh.testing.catalogue import catalogue, film
from cinemesh.testing.identity import standing_in
from cinemesh.testing.ports import free_base

from .conftest import ADA, WatchlistSettings, WatchlistStandIn
from .files import zipped

FILMS = 900


class Process:
    """The service as a process of its own, to be killed."""

    def __init__(self, folder: Path, base: int, store_url: str, peers: dict[str, list[str]]) -> None:
        self.address = f"{topology.LOOPBACK}:{topology.grpc_port('ratings', base)}"
        own = {key: value for key, value in os.environ.items() if not key.startswith("CINE_")}
        self._environment = {
            **own,
            "CINE_PORT_BASE": str(base),
            "CINE_VAR_DIR": str(folder / "var"),
            "CINE_LOG_LEVEL": "warning",
            "CINE_REVOCATION": "false",
            "CINE_RATINGS_DATABASE_URL": store_url,
            "CINE_PEERS": json.dumps(peers),
        }
        self._log = folder / "ratings.log"
        self._process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        with self._log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "cine_ratings", env=self._environment, stdout=log, stderr=log
            )

    async def kill(self) -> None:
        if self._process is not None and self._process.returncode is None:
            self._process.kill()
            await self._process.wait()


class Person:
    """Somebody who calls a service that may not be there."""

    def __init__(self, address: str, metadata: Any) -> None:
        self._address = address
        self._metadata = metadata

    async def call(self, stub: Any, method: str, request: Any) -> Any:
        """Calls until something is answered."""
        async with asyncio.timeout(90):
            while True:
                try:
                    # a channel of its own each time: one that was refused waits before it tries again
                    options = [("grpc.use_local_subchannel_pool", 1)]
                    async with grpc.aio.insecure_channel(self._address, options) as channel:
                        made = request() if callable(request) else request
                        return await getattr(stub(channel), method)(made, metadata=self._metadata, timeout=20)
                except grpc.aio.AioRpcError as error:
                    if error.code() not in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED):
                        raise
                    await asyncio.sleep(0.05)

    async def found(self, import_id: str) -> Any:
        request = transfers_pb2.GetImportRequest(import_id=import_id)
        return await self.call(transfers_pb2_grpc.TransferServiceStub, "GetImport", request)

    async def reaches(self, import_id: str, state: str, rows: int = 0) -> Any:
        """Waits until an import is in a state, and so many rows of it are done."""
        async with asyncio.timeout(90):
            while True:
                found = await self.found(import_id)
                if found.state == state and found.rows_applied >= rows:
                    return found
                assert found.state != "failed", found.error
                await asyncio.sleep(0.02)

    async def diary(self) -> list[Any]:
        """Returns the whole diary."""
        entries: list[Any] = []
        token = ""
        while True:
            request = diary_pb2.ListDiaryEntriesRequest(page_size=100, page_token=token)
            page = await self.call(diary_pb2_grpc.DiaryServiceStub, "ListDiaryEntries", request)
            entries += page.entries
            token = page.next_page_token
            if not token:
                return entries

    async def rating_count(self) -> int:
        request = ratings_pb2.ListMyRatingsRequest()
        answer = await self.call(ratings_pb2_grpc.RatingsServiceStub, "ListMyRatings", request)
        return int(answer.total_size)


def _export() -> bytes:
    ratings = "".join(f"2024-01-05,Film Number {n},2001,x,{n % 10 / 2 + 0.5}\n" for n in range(1, FILMS + 1))
    watches = "".join(
        f"2024-01-05,Film Number {n % FILMS + 1},2001,x,,,,2023-0{1 + n // FILMS}-05\n" for n in range(2 * FILMS)
    )
    wanted = "".join(f"2024-01-05,Film Number {n},2001,x\n" for n in range(1, 601))
    return zipped(
        {
            "ratings.csv": "Date,Name,Year,Letterboxd URI,Rating\n" + ratings,
            "diary.csv": "Date,Name,Year,Letterboxd URI,Rating,Rewatch,Tags,Watched Date\n" + watches,
            "watchlist.csv": "Date,Name,Year,Letterboxd URI\n" + wanted,
        }
    )


@asynccontextmanager
async def started(folder: Path, store_url: str) -> AsyncIterator[tuple[Process, Person, WatchlistStandIn]]:
    """Runs the service as a process between stand-ins for the block."""
    films = [film(number, f"Film Number {number}", year=2001) for number in range(1, FILMS + 1)]
    async with (
        catalogue(folder, films) as (_, catalog_at),
        standing_in(folder) as (_, identity_at),
        running(WatchlistStandIn(settings_for(WatchlistSettings, folder))) as watchlist,
    ):
        peers = {"catalog": [catalog_at], "identity": [identity_at], "watchlist": [watchlist.address]}
        tokens = TokenFactory(settings_for(RatingsSettings, folder))
        process = Process(folder, free_base(), store_url, peers)
        (folder / "var" / "ratings").mkdir(parents=True, exist_ok=True)
        await process.start()
        try:
            stand_in: Any = watchlist.app
            yield process, Person(process.address, tokens.metadata(tokens.user(ADA))), stand_in
        finally:
            await process.kill()


async def _killed(process: Process, person: Person, import_id: str, state: str, kills: int) -> int:
    """Kills the process while an import is in a state, again and again. Returns how often."""
    for done in range(kills):
        found = await person.found(import_id)
        if found.state != state:
            return done
        await asyncio.sleep(random.uniform(0.0, 0.3))
        await process.kill()
        await process.start()
        await person.found(import_id)
    return kills


@pytest.mark.slow
@pytest.mark.timeout(400)
@pytest.mark.parametrize(("store", "kills"), [("sqlite", 8), ("postgresql", 2)])
async def test_an_import_survives_kills(request: pytest.FixtureRequest, tmp_path: Path, store: str, kills: int) -> None:
    store_url = request.getfixturevalue(f"{'sqlite' if store == 'sqlite' else 'postgres'}_url")
    async with started(tmp_path, store_url) as (process, person, watchlist):
        raw = _export()

        async def pieces() -> AsyncIterator[Any]:
            first = transfers_pb2.UploadImportRequest(file_name="x.zip", request_id="once")
            first.file.data = raw
            yield first

        stub = transfers_pb2_grpc.TransferServiceStub
        made = await person.call(stub, "UploadImport", pieces)
        killed = await _killed(process, person, made.import_id, "matching", kills)
        ready = await person.reaches(made.import_id, "ready")
        assert (ready.rows_total, ready.rows_matched) == (3 * FILMS + 600, 3 * FILMS + 600)
        confirm = transfers_pb2.ConfirmImportRequest(import_id=made.import_id)
        await person.call(stub, "ConfirmImport", confirm)
        killed += await _killed(process, person, made.import_id, "applying", kills)
        done = await person.reaches(made.import_id, "done")
        assert done.rows_applied == ready.rows_matched
        entries = await person.diary()
        seen = Counter((entry.movie_id, entry.watched_on) for entry in entries)
        assert len(entries) == len(seen) == 2 * FILMS, "each watching once"
        assert await person.rating_count() == FILMS
        assert len(watchlist.rows) == 600
        rollback = transfers_pb2.RollbackImportRequest(import_id=made.import_id)
        await person.call(stub, "RollbackImport", rollback)
        killed += await _killed(process, person, made.import_id, "rolling_back", kills)
        undone = await person.reaches(made.import_id, "rolled_back")
        assert undone.rows_applied == 0
        assert (await person.diary(), await person.rating_count(), watchlist.rows) == ([], 0, {})
        assert killed >= min(kills, 3), "it was too fast to be killed"
