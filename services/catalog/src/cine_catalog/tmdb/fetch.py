"""Fetching many films: bounded concurrency, batches synced to the store, resumable after any kill."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from pathlib import Path
from time import perf_counter

from pydantic import BaseModel

from cine_catalog.tmdb.client import TmdbClient
from cine_catalog.tmdb.records import StoredAnswer
from cine_catalog.tmdb.settings import TmdbSettings
from cine_catalog.tmdb.store import AnswerStore

Progress = Callable[[str, int, int], None]
BATCH = 64
BATCH_SECONDS = 1.0
"""At most this much work is lost by a kill: one batch, or what came in within a second."""


class Unfetched(BaseModel):
    """A film TMDb gave no usable answer for; the next run asks again."""

    tmdb_id: int
    reason: str


class FetchReport(BaseModel):
    """What a run did. ``wanted = already + fetched + not_found + len(unfetched)``."""

    wanted: int
    already: int
    fetched: int
    not_found: int
    unfetched: list[Unfetched]
    retries: int
    throttled: int
    seconds: float

    def to_words(self) -> str:
        """The run in one line, and the films that failed."""
        head = (
            f"{self.fetched:,} films fetched from TMDb in {self.seconds:.1f} s, {self.already:,} were there already, "
            f"{self.not_found:,} do not exist, {len(self.unfetched):,} failed; {self.retries:,} retries, "
            f"{self.throttled:,} times throttled."
        )
        return "\n".join([head, *(f"  {film.tmdb_id}: {film.reason}" for film in self.unfetched[:20])])


def fetch(ids: Iterable[int], folder: Path, settings: TmdbSettings, progress: Progress | None = None) -> FetchReport:
    """Fetch films into ``folder`` (blocking; for command lines and jobs). See ``fetch_films``."""
    return asyncio.run(fetch_films(ids, folder, settings, progress))


async def fetch_films(
    ids: Iterable[int], folder: Path, settings: TmdbSettings, progress: Progress | None = None
) -> FetchReport:
    """Fetch every film that the store in ``folder`` does not have yet.

    Args:
        ids: TMDb ids; repeated ones count once.
        folder: where ``movies.jsonl`` lies or will lie.
        settings: address, token, rate.
        progress: called with ("fetch tmdb", done, wanted) after every answer; done includes what was there.

    Raises:
        TokenRefused: TMDb does not accept the token; what came before is kept.
        StoreBusy: another process writes to the store.
    """
    started = perf_counter()
    wanted = list(dict.fromkeys(ids))
    # Opening reads the whole store: off the event loop.
    store = await asyncio.to_thread(AnswerStore(folder).__enter__)
    try:
        todo = [tmdb_id for tmdb_id in wanted if tmdb_id not in store.done]
        run = _Run(store, len(wanted), len(wanted) - len(todo), progress)
        async with TmdbClient(settings) as client:
            await run.all(client, todo, settings.concurrency)
            return run.report(client, perf_counter() - started)
    finally:
        store.__exit__(None, None, None)


class _Run:
    """Workers pull ids from one iterator and push answers to one writer."""

    def __init__(self, store: AnswerStore, wanted: int, already: int, progress: Progress | None) -> None:
        self._store = store
        self._wanted = wanted
        self._already = already
        self._progress = progress
        self._answers: asyncio.Queue[StoredAnswer | None] = asyncio.Queue(maxsize=4 * BATCH)
        self._counts = {"ok": 0, "not_found": 0, "invalid": 0}
        self._unfetched: list[Unfetched] = []

    async def all(self, client: TmdbClient, todo: list[int], workers: int) -> None:
        self._tell()
        writer = asyncio.create_task(self._write())
        remaining = iter(todo)

        async def work() -> None:
            for tmdb_id in remaining:
                await self._answers.put(await client.film(tmdb_id))

        try:
            async with asyncio.TaskGroup() as group:
                for _ in range(min(workers, len(todo))):
                    group.create_task(work())
        except* Exception as failures:
            # One refusal stops all workers; the caller gets that error itself, not a group.
            raise failures.exceptions[0] from None
        finally:
            # Also when cancelled or refused: what has arrived is written.
            await self._answers.put(None)
            await writer

    async def _write(self) -> None:
        ended = False
        while not ended:
            batch: list[StoredAnswer] = []
            deadline = asyncio.get_running_loop().time() + BATCH_SECONDS
            while len(batch) < BATCH and not ended:
                try:
                    answer = await asyncio.wait_for(
                        self._answers.get(), max(0.0, deadline - asyncio.get_running_loop().time())
                    )
                except TimeoutError:
                    break
                if answer is None:
                    ended = True
                else:
                    batch.append(answer)
                    self._count(answer)
            if batch:
                await asyncio.to_thread(self._store.append, batch)
                self._tell()

    def _count(self, answer: StoredAnswer) -> None:
        self._counts[answer.status] += 1
        if answer.status == "invalid":
            self._unfetched.append(Unfetched(tmdb_id=answer.tmdb_id, reason=answer.reason))

    def _tell(self) -> None:
        if self._progress:
            self._progress("fetch tmdb", self._already + sum(self._counts.values()), self._wanted)

    def report(self, client: TmdbClient, seconds: float) -> FetchReport:
        return FetchReport(
            wanted=self._wanted,
            already=self._already,
            fetched=self._counts["ok"],
            not_found=self._counts["not_found"],
            unfetched=sorted(self._unfetched, key=lambda film: film.tmdb_id),
            retries=client.retries,
            throttled=client.throttled,
            seconds=round(seconds, 3),
        )
