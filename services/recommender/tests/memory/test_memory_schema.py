"""The schema that the migrations make is the one the code declares, on both databases."""

from __future__ import annotations

import asyncio
import datetime as dt
from typing import Any

import sqlalchemy as sa

from cine_recommender.domain.preferences import Preferences
from cine_recommender.store import doings, memories, preferences
from cine_recommender.store.schema import metadata
from cinemesh.db import Database, migrate, schema_drift


def test_migrations_make_the_declared_schema(store_url: str) -> None:
    migrate(store_url, "cine_recommender")
    assert schema_drift(store_url, metadata) == []


async def test_preferences_of_before_outlive_the_columns_they_lack(store_url: str) -> None:
    await asyncio.to_thread(migrate, store_url, "cine_recommender")
    told_at = dt.datetime(2026, 3, 14, tzinfo=dt.UTC)
    row = {
        "user_id": "ada",
        "preferred_genres": ["War"],
        "excluded_genres": [],
        "share_taste": True,
        "told_at": told_at,
    }

    def as_before(tx: Any) -> None:
        for name in ("services", "languages", "year_min", "year_max", "runtime_max"):
            tx.execute(sa.text(f"ALTER TABLE preferences DROP COLUMN {name}"))
        tx.execute(sa.text("UPDATE alembic_version SET version_num = 'recommender0004'"))
        tx.execute(sa.insert(metadata.tables["preferences"]), [row])

    async with Database(store_url) as database:
        await database.write(as_before)
    await asyncio.to_thread(migrate, store_url, "cine_recommender")
    assert await asyncio.to_thread(schema_drift, store_url, metadata) == []
    async with Database(store_url) as database:
        assert await database.read(lambda tx: preferences.of(tx, "ada")) is None
        kept = await database.read(lambda tx: preferences.of_sharing(tx, "ada"))
    assert kept == Preferences(("War",), share_taste=True)


async def test_what_happens_often_and_what_cleans_up_reads_no_table_whole(store_url: str) -> None:
    """What is known of a person is read for nearly every answer; cleaning holds up everybody on SQLite."""
    await asyncio.to_thread(migrate, store_url, "cine_recommender")
    said: list[tuple[str, Any]] = []

    def listen(_: Any, __: Any, statement: str, parameters: Any, *___: Any) -> None:
        said.append((statement, parameters))

    async with Database(store_url) as database:

        def work(tx: Any) -> list[str]:
            connection = tx.connection()
            sa.event.listen(connection, "before_cursor_execute", listen)
            memories.read(tx, "ada")
            doings.prune(tx, dt.datetime.now(dt.UTC))
            sa.event.remove(connection, "before_cursor_execute", listen)
            explain = "EXPLAIN QUERY PLAN" if database.dialect == "sqlite" else "EXPLAIN"
            if database.dialect == "postgresql":
                tx.execute(sa.text("SET LOCAL enable_seqscan = off"))  # which small tables are read with otherwise
            return [
                " ".join(str(part) for part in row)
                for statement, parameters in said
                for row in connection.exec_driver_sql(f"{explain} {statement}", parameters)
            ]

        plan = await database.write(work)
    assert len(said) == 2
    assert any("ix_doings_gone" in step for step in plan) and any("ix_doings_user_id" in step for step in plan), plan
    whole = [step for step in plan if "SCAN doings" in step or "SCAN feedback" in step or "Seq Scan" in step]
    assert whole == [], plan
