"""The schema that the migrations make is the one the code declares, on both databases."""

from __future__ import annotations

from cine_recommender.store.schema import metadata
from cinemesh.db import migrate, schema_drift


def test_migrations_make_the_declared_schema(store_url: str) -> None:
    migrate(store_url, "cine_recommender")
    assert schema_drift(store_url, metadata) == []
