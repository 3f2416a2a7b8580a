"""The tables that the migration of reviews makes are those that the code declares, on both databases."""

from __future__ import annotations

from cine_ratings.store import review_tables
from cinemesh.db import migrate, schema_drift

TABLES = ("reviews", "review_revisions", "review_likes", "comments", "reports", "report_reporters", "moderation_acts")


def test_the_migration_makes_the_declared_tables(store_url: str) -> None:
    migrate(store_url, "cine_ratings")
    declared = review_tables.reviews.metadata
    assert set(TABLES) <= set(declared.tables)
    assert [one for one in schema_drift(store_url, declared) if any(name in str(one) for name in TABLES)] == []
