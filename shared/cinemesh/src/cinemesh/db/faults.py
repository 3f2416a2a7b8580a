"""Turns what drivers raise into the errors of the mesh. No message holds SQL, values, a file's folder or an address."""

from __future__ import annotations

import re
import sqlite3
import sys
from typing import TYPE_CHECKING, Literal, TypeGuard

import sqlalchemy.exc as sae

from cinemesh import errors

if TYPE_CHECKING:
    import psycopg

ConstraintKind = Literal["unique", "foreign_key", "not_null", "check"]

_PG_KINDS: dict[str, ConstraintKind] = {
    "23505": "unique",
    "23503": "foreign_key",
    "23502": "not_null",
    "23514": "check",
}
_SQLITE_KINDS: dict[str, ConstraintKind] = {
    "SQLITE_CONSTRAINT_UNIQUE": "unique",
    "SQLITE_CONSTRAINT_PRIMARYKEY": "unique",
    "SQLITE_CONSTRAINT_ROWID": "unique",
    "SQLITE_CONSTRAINT_FOREIGNKEY": "foreign_key",
    "SQLITE_CONSTRAINT_NOTNULL": "not_null",
    "SQLITE_CONSTRAINT_CHECK": "check",
}
# serialization_failure, deadlock_detected: the same transaction may succeed when run again
RETRYABLE_STATES = frozenset({"40001", "40P01"})
_GONE_CLASSES = ("08", "53", "57P", "58")
_SQLITE_GONE = ("SQLITE_BUSY", "SQLITE_LOCKED", "SQLITE_CANTOPEN", "SQLITE_IOERR", "SQLITE_FULL", "SQLITE_PROTOCOL")
_SQLITE_BROKEN = ("SQLITE_CORRUPT", "SQLITE_NOTADB")


class ConstraintViolated(Exception):
    """A write broke a constraint of the schema. Stores catch it and raise what it means; uncaught, it is a fault of ours.

    Attributes:
        kind: "unique" (primary keys too), "foreign_key", "not_null" or "check".
        constraint: its name by the naming convention, such as "uq_user_email"; empty where the database does not say (SQLite
            names no foreign key).
        table: the table; empty where the database does not say.
    """

    def __init__(self, kind: ConstraintKind, constraint: str = "", table: str = "") -> None:
        super().__init__(f"{kind.replace('_', ' ')} constraint {constraint or '(unnamed)'} violated")
        self.kind = kind
        self.constraint = constraint
        self.table = table


def _is_postgres(fault: BaseException | None) -> TypeGuard[psycopg.Error]:
    # a process whose store is SQLite never loads the driver: 0.1 s and some megabytes, seven times over
    driver = sys.modules.get("psycopg")
    return driver is not None and isinstance(fault, driver.Error)


def sql_state(fault: BaseException) -> str:
    """Returns the SQLSTATE of a PostgreSQL error; empty when it has none."""
    original = getattr(fault, "orig", fault)
    return (original.sqlstate or "") if _is_postgres(original) else ""


def _sqlite_constraint(original: sqlite3.Error) -> ConstraintViolated | None:
    name = getattr(original, "sqlite_errorname", "")
    kind = _SQLITE_KINDS.get(name)
    if kind is None:
        return None
    subject = str(original).partition("constraint failed: ")[2]
    if kind == "check":
        return ConstraintViolated(kind, subject)
    columns = re.findall(r"(\w+)\.(\w+)", subject)  # "rating.user_id, rating.movie_id"
    if not columns:
        return ConstraintViolated(kind)
    table = columns[0][0]
    if kind == "not_null":
        return ConstraintViolated(kind, columns[0][1], table)
    if name != "SQLITE_CONSTRAINT_UNIQUE":
        return ConstraintViolated(kind, f"pk_{table}", table)
    return ConstraintViolated(kind, f"uq_{table}_{'_'.join(column for _, column in columns)}", table)


def _from_sqlite(original: sqlite3.Error) -> Exception:
    violated = _sqlite_constraint(original)
    if violated is not None:
        return violated
    name = getattr(original, "sqlite_errorname", "")
    if name == "SQLITE_INTERRUPT":
        return errors.DeadlineExceeded("The store took too long for one statement.")
    if name == "SQLITE_FULL":
        return errors.Unavailable("The store cannot write: the disk is full.")
    if name.startswith(_SQLITE_BROKEN):
        return errors.DataLoss("The store's file is damaged or is not a database.")
    if name.startswith(_SQLITE_GONE):
        return errors.Unavailable("The store does not answer.")
    return errors.Internal("The store refused a statement.")


def _from_postgres(original: psycopg.Error) -> Exception:
    import psycopg

    state = original.sqlstate or ""
    kind = _PG_KINDS.get(state)
    if kind is not None:
        named = original.diag.column_name if kind == "not_null" else original.diag.constraint_name
        return ConstraintViolated(kind, named or "", original.diag.table_name or "")
    if state == "57014":
        return errors.DeadlineExceeded("The store took too long for one statement.")
    if state in RETRYABLE_STATES or state == "55P03":
        return errors.Aborted("Another change came first; try again.", reason=errors.Reason.OVERLOADED, retry_after=0.1)
    # no state at all: libpq itself could not reach the server
    if state.startswith(_GONE_CLASSES) or (not state and isinstance(original, psycopg.OperationalError)):
        return errors.Unavailable("The store does not answer.")
    return errors.Internal("The store refused a statement.")


def translate(fault: BaseException) -> Exception | None:
    """Returns the error of the mesh for what a driver or SQLAlchemy raised; None when `fault` is neither and goes on as it is."""
    if isinstance(fault, sae.TimeoutError):
        return errors.Unavailable("The store is busy: no connection became free.", retry_after=0.5)
    if isinstance(fault, sae.DBAPIError) and fault.connection_invalidated:
        return errors.Unavailable("The store does not answer.")
    original = fault.orig if isinstance(fault, sae.DBAPIError) else fault
    if isinstance(original, sqlite3.Error):
        return _from_sqlite(original)
    if _is_postgres(original):
        return _from_postgres(original)
    if isinstance(original, sae.SQLAlchemyError):
        return errors.Internal("The store refused a statement.")
    return None
