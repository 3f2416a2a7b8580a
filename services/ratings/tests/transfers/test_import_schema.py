"""The tables that the migration of imports makes are those that the code declares, on both databases."""

from __future__ import annotations

from cine_ratings.store.import_tables import imports
from cinemesh.db import migrate, schema_drift

TABLES = ("imports", "import_rows", "import_effects")


def test_the_migration_makes_the_declared_tables(store_url: str) -> None:
    migrate(store_url, "cine_ratings")
    declared = imports.metadata
    assert set(TABLES) <= set(declared.tables)
    assert [one for one in schema_drift(store_url, declared) if any(name in str(one) for name in TABLES)] == []
