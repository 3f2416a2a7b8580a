"""The schema that the migrations make is the one the code declares, on both databases."""

from __future__ import annotations

import importlib
import pkgutil

from cine_ratings import store
from cine_ratings.store.schema import metadata
from cinemesh.db import migrate, schema_drift


def test_migrations_make_the_declared_schema(store_url: str) -> None:
    for module in pkgutil.iter_modules(store.__path__):  # each may declare tables
        importlib.import_module(f"cine_ratings.store.{module.name}")
    migrate(store_url, "cine_ratings")
    assert schema_drift(store_url, metadata) == []
