"""Stores: one SQLite file or PostgreSQL database a service, spoken to off the event loop; see ADR 0003."""

from __future__ import annotations

from cinemesh.db.database import Database
from cinemesh.db.faults import ConstraintViolated
from cinemesh.db.job import after_commit
from cinemesh.db.migrations import migrate, schema_drift
from cinemesh.db.schema import TYPES, StringList, UtcDateTime, list_holds, new_metadata, upsert

__all__ = [
    "TYPES",
    "ConstraintViolated",
    "Database",
    "StringList",
    "UtcDateTime",
    "after_commit",
    "list_holds",
    "migrate",
    "new_metadata",
    "schema_drift",
    "upsert",
]
