"""The schema that the migrations make is the one the code declares, on both databases."""

from __future__ import annotations

from cine_watchlist.store import film_night_tables, seen_tables
from cine_watchlist.store.schema import metadata
from cinemesh.db import migrate, schema_drift


def test_migrations_make_the_declared_schema(store_url: str) -> None:
    assert {film_night_tables.film_nights.name, seen_tables.seen.name} <= set(metadata.tables)
    migrate(store_url, "cine_watchlist")
    assert schema_drift(store_url, metadata) == []
