from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import numpy as np
import pytest

from cine_recommender.domain.feedback import Feedback
from cine_recommender.store import Transaction
from cine_recommender.store.doings import RATING, Doing, note
from cine_recommender.store.schema import feedback, impressions
from cinemesh.db import Database, migrate

BEGAN = dt.datetime(2026, 12, 1, tzinfo=dt.UTC)
TOML = """
[[experiments]]
id = "weights"
description = "Do the learned weights find more that people like?"
state = "running"
started_at = 2026-12-01T00:00:00Z
[[experiments.variants]]
name = "stated"
share = 0.5
[[experiments.variants]]
name = "learned"
share = 0.5
profile = "tuned"

[[experiments]]
id = "earlier"
state = "ended"
started_at = 2026-10-01T00:00:00Z
[[experiments.variants]]
name = "a"
share = 0.5
[[experiments.variants]]
name = "b"
share = 0.25
"""


def day(number: float) -> dt.datetime:
    return BEGAN + dt.timedelta(days=number)


class Log:
    """Writes what people were shown and did into a store."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._count = 0

    async def shown(
        self, user_id: str, at: float, variant: str, films: Sequence[int], experiment: str = "weights"
    ) -> None:
        self._count += 1
        row = {
            "user_id": user_id,
            "request_id": f"r{self._count}",
            "created_at": day(at),
            "experiment_id": experiment,
            "variant": variant,
            "movie_ids": np.array(films, dtype="<i4").tobytes(),
            **dict.fromkeys(("model", "profile", "rung", "degraded_reason"), ""),
            "details": b"",
        }
        await self._database.write(lambda tx: tx.execute(impressions.insert(), row))

    async def rated(self, user_id: str, at: float, film: int, stars: float, *, gone: bool = False) -> None:
        self._count += 1
        rating = Doing(
            *(RATING, f"d{self._count}", user_id, film, day(at)),
            halves=round(stars * 2),
            happened_at=int(day(at).timestamp()),
            gone=gone,
        )
        await self._database.write(lambda tx: note(tx, [rating]))

    async def said(
        self, user_id: str, at: float, film: int, kind: str, *, again: float | None = None, holds: bool = True
    ) -> None:
        self._count += 1
        one = Feedback(f"f{self._count}", user_id, film, kind, day(at), day(at if again is None else again))
        micros = (one.said_at - dt.datetime(1970, 1, 1, tzinfo=dt.UTC)) // dt.timedelta(microseconds=1)
        row = {
            **{name: getattr(one, name) for name in ("feedback_id", "user_id", "movie_id", "kind", "created_at")},
            **{name: getattr(one, name) for name in ("recommendation_request_id", "rank", "reason")},
            "said_at": micros,
            "holds": holds,
        }

        def write(tx: Transaction) -> None:
            tx.execute(feedback.insert(), row)

        await self._database.write(write)


@pytest.fixture
async def database(store_url: str) -> AsyncIterator[Database]:
    await asyncio.to_thread(migrate, store_url, "cine_recommender")
    async with Database(store_url) as opened:
        yield opened


@pytest.fixture
def log(database: Database) -> Log:
    return Log(database)


@pytest.fixture
def declared_file(tmp_path: Path) -> Path:
    file = tmp_path / "experiments.toml"
    file.write_text(TOML)
    return file
