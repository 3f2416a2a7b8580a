"""`make bench-import`: 5,000 rows of a Letterboxd-style file of real titles come into a Ratings service that knows 62,000 films.

Prints how many rows were matched, how many wrongly, and how long it took from the first byte of the file to the last row applied, on
SQLite and PostgreSQL. Needs CINE_DATA_DIR. Ends with 1 when a goal is missed: at least 97 % matched, at most 0.5 % wrong, at most 10 s.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import csv
import os
import random
import re
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from cine.ratings.v1 import transfers_pb2, transfers_pb2_grpc
from cine_ratings.app import RatingsApplication
from cine_ratings.domain.transfers.titles import in_front
from cine_ratings.settings import RatingsSettings
from cine_ratings.store import schema
from cinemesh.projections import film_rows
from cinemesh.testing import TokenFactory, running, settings_for
from cinemesh.testing.catalogue import catalogue, film
from cinemesh.testing.histories import Meant, history, letterboxd_ratings
from cinemesh.testing.identity import standing_in
from cinemesh.testing.postgres import PostgresServer

ROWS: Final = 5_000
FIRST_YEAR: Final = 1980
"""As the catalogue is served by default: some 62,000 films."""
MATCHED, WRONG, SECONDS = 0.97, 0.005, 10.0
_PIECE: Final = 64 * 1024
_LARGE: Final = 500


@dataclass(frozen=True)
class Figures:
    """What one run came to."""

    store: str
    films: int
    matched: float
    wrong: float
    upload: float
    seconds: float

    @property
    def good(self) -> bool:
        """Whether every goal was reached."""
        return self.matched >= MATCHED and self.wrong <= WRONG and self.seconds <= SECONDS


def titles() -> list[tuple[int, str, int, tuple[str, ...]]]:
    """Returns id, title, year and other titles of the films of MovieLens that the catalogue serves by default."""
    folder = os.environ.get("CINE_DATA_DIR")
    if not folder:
        sys.exit("set CINE_DATA_DIR to a folder with ml-32m/movies.csv")
    found = []
    with (Path(folder) / "ml-32m" / "movies.csv").open(encoding="utf-8") as lines:
        for movie_id, written, _ in list(csv.reader(lines))[1:]:
            parts = re.fullmatch(r"(.*?)((?: \([^()]*\))*) \((\d{4})\)\s*", written)
            if parts and int(parts[3]) >= FIRST_YEAR:
                others = tuple(in_front(name) for name in re.findall(r"\(([^()]*)\)", parts[2]))
                found.append((int(movie_id), in_front(parts[1]), int(parts[3]), others))
    return found


async def _fill(app: Any, films: Sequence[tuple[int, str, int, tuple[str, ...]]]) -> None:
    """Puts the films where a real catalogue would have put them: that takes half a minute and is not what is measured."""
    for start in range(0, len(films), _LARGE):
        rows = [
            film_rows.row_of(film(movie_id, title, year=year, alternative_titles=others))
            for movie_id, title, year, others in films[start : start + _LARGE]
        ]
        await app.database.write(lambda tx, rows=rows: film_rows.put(tx, schema.films, rows))


async def measure(store: str, store_url: str, rng: random.Random) -> Figures:
    """Runs one import on a store and returns its figures."""
    films = titles()
    absent = set(rng.sample(range(len(films)), len(films) // 50))
    known = [one for place, one in enumerate(films) if place not in absent]
    strangers = [films[place][1:3] for place in absent]
    rows = history([(movie_id, title, year) for movie_id, title, year, _ in known], strangers, ROWS, rng)
    file = letterboxd_ratings(rows, rng).encode()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        async with AsyncExitStack() as stack:
            _, catalog_at = await stack.enter_async_context(catalogue(folder))
            _, identity_at = await stack.enter_async_context(standing_in(folder))
            peers = {"catalog": [catalog_at], "identity": [identity_at]}
            more = {"database_url": store_url} if store_url else {}
            settings = settings_for(RatingsSettings, folder, peers=peers, log_level="warning", **more)
            server = await stack.enter_async_context(running(RatingsApplication(settings)))
            app: Any = server.app
            while not await app.films.whole():  # noqa: ASYNC110 - nothing tells
                await asyncio.sleep(0.05)
            await _fill(app, known)
            tokens = TokenFactory(settings)
            stub = server.stub(transfers_pb2_grpc.TransferServiceStub)
            started = time.perf_counter()
            made = await stub.UploadImport(_pieces(file), metadata=tokens.metadata(tokens.user("ada")))
            upload = time.perf_counter() - started
            found = await _applied(stub, made.import_id, tokens)
            seconds = time.perf_counter() - started
            assert found.state == "done", found
            meant = await _meant(stub, made.import_id, tokens)
    return _judged(store, len(known), rows, meant, upload, seconds)


async def _pieces(file: bytes) -> AsyncIterator[Any]:
    for start in range(0, len(file), _PIECE):
        request = transfers_pb2.UploadImportRequest(file_name="ratings.csv" if not start else "")
        request.file.data = file[start : start + _PIECE]
        yield request


async def _applied(stub: Any, import_id: str, tokens: TokenFactory) -> Any:
    def mine() -> Any:
        return tokens.metadata(tokens.user("ada"))

    watch = transfers_pb2.WatchImportRequest(import_id=import_id)
    async for _ in stub.WatchImport(watch, metadata=mine()):
        pass
    confirm = transfers_pb2.ConfirmImportRequest(import_id=import_id, skip_unsettled=True)
    await stub.ConfirmImport(confirm, metadata=mine())
    async for _ in stub.WatchImport(watch, metadata=mine()):
        pass
    return await stub.GetImport(transfers_pb2.GetImportRequest(import_id=import_id), metadata=mine())


async def _meant(stub: Any, import_id: str, tokens: TokenFactory) -> dict[int, int]:
    """Returns the film of each row; 0 for none."""
    found: dict[int, int] = {}
    token = ""
    while True:
        request = transfers_pb2.ListImportRowsRequest(import_id=import_id, page_size=100, page_token=token)
        page = await stub.ListImportRows(request, metadata=tokens.metadata(tokens.user("ada")))
        found.update((row.row_number, row.movie_id) for row in page.rows)
        token = page.next_page_token
        if not token:
            return found


def _judged(
    store: str, films: int, rows: Sequence[Meant], meant: dict[int, int], upload: float, seconds: float
) -> Figures:
    there = [number for number, row in enumerate(rows, 1) if row.movie_id]
    right = sum(meant[number] == rows[number - 1].movie_id for number in there)
    wrong = sum(meant[number] not in (0, row.movie_id) for number, row in enumerate(rows, 1))
    return Figures(store, films, right / len(there), wrong / len(rows), upload, seconds)


async def main() -> int:
    """Runs and prints. Returns 1 when a goal is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--stores", nargs="+", choices=["sqlite", "postgresql"], default=["sqlite", "postgresql"])
    parser.add_argument("--seed", type=int, default=1, help="another one makes another file")
    arguments = parser.parse_args()
    good = True
    for store in arguments.stores:
        with contextlib.ExitStack() as stack:
            url = stack.enter_context(PostgresServer()).create_database() if store == "postgresql" else ""
            found = await measure(store, url, random.Random(arguments.seed))
        good &= found.good
        print(
            f"{found.store}: {ROWS} rows, {found.films} films: {100 * found.matched:.2f} % matched, "
            f"{100 * found.wrong:.2f} % wrong, {found.seconds:.1f} s ({found.upload:.1f} s until matched)",
            flush=True,
        )
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
