"""What every store's tables share: constraint names, portable column types, and an upsert that reads the same on both databases."""

from __future__ import annotations

import datetime as dt
import functools
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.orm import Session
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import TypeDecorator, UserDefinedType

# The same name on both databases, so that a migration can drop what another created and an error can be told by its name.
NAMING_CONVENTION = {
    "pk": "pk_%(table_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
}


def new_metadata() -> sa.MetaData:
    """Returns an empty MetaData with the naming convention of the house; each service has one of its own."""
    return sa.MetaData(naming_convention=NAMING_CONVENTION)


class UtcDateTime(TypeDecorator[dt.datetime]):
    """A moment: aware in, UTC out, microseconds kept. SQLite keeps it as text that sorts by time, PostgreSQL as `timestamptz`."""

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: dt.datetime | None, dialect: sa.Dialect) -> dt.datetime | None:
        """Turns an aware datetime into what the database keeps.

        Raises:
            ValueError: the datetime has no time zone: nobody could say which moment it is.
        """
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a stored time needs a time zone: use datetime.now(timezone.utc)")
        value = value.astimezone(dt.UTC)
        return value.replace(tzinfo=None) if dialect.name == "sqlite" else value

    def process_result_value(self, value: dt.datetime | None, _: sa.Dialect) -> dt.datetime | None:
        """Returns the stored moment in UTC."""
        if value is None:
            return None
        return value.replace(tzinfo=dt.UTC) if value.tzinfo is None else value.astimezone(dt.UTC)


class StringList(TypeDecorator[list[str]]):
    """A list of strings, kept as JSON text on SQLite and as `jsonb` on PostgreSQL. NULL stays None."""

    impl = sa.JSON(none_as_null=True)
    cache_ok = True

    def load_dialect_impl(self, dialect: sa.Dialect) -> Any:
        """Chooses `jsonb` where there is one."""
        if dialect.name == "postgresql":
            return dialect.type_descriptor(postgresql.JSONB(none_as_null=True))
        return dialect.type_descriptor(sa.JSON(none_as_null=True))

    def process_bind_param(self, value: Iterable[str] | None, _: sa.Dialect) -> list[str] | None:
        """Checks that the value is a list of strings.

        Raises:
            ValueError: it is a single string, or holds something else.
        """
        if value is None:
            return None
        items = [value] if isinstance(value, str) else list(value)
        if isinstance(value, str) or not all(isinstance(item, str) for item in items):
            raise ValueError("a string list column takes a list of strings")
        return items


class _ListHolds(FunctionElement[bool]):
    """Whether a `StringList` holds an item; see `list_holds`."""

    type = sa.Boolean()
    inherit_cache = True
    name = "list_holds"


@compiles(_ListHolds, "sqlite")
def _list_holds_sqlite(element: _ListHolds, compiler: Any, **more: Any) -> str:
    items, item = (compiler.process(clause, **more) for clause in element.clauses)
    return f"EXISTS (SELECT 1 FROM json_each({items}) WHERE json_each.value = {item})"


@compiles(_ListHolds, "postgresql")
def _list_holds_postgresql(element: _ListHolds, compiler: Any, **more: Any) -> str:
    items, item = (compiler.process(clause, **more) for clause in element.clauses)
    return f"({items} @> jsonb_build_array(CAST({item} AS TEXT)))"


def list_holds(items: sa.ColumnElement[Any], item: str) -> sa.ColumnElement[bool]:
    """Returns the condition that a `StringList` column holds an item, letter for letter; false for NULL.

    Args:
        items: the column.
        item: any text without NUL.
    """
    return _ListHolds(items, sa.literal(item, sa.Text()))


class Xid8(UserDefinedType[int]):
    """A PostgreSQL transaction id that never wraps, as an int; on SQLite, where writes are serial, a plain integer."""

    cache_ok = True

    def get_col_spec(self, **_: Any) -> str:
        """Returns the PostgreSQL type name."""
        return "xid8"

    def bind_expression(self, bindvalue: sa.BindParameter[int]) -> sa.ColumnElement[int] | None:
        """Casts through text: xid8 has no cast from bigint."""
        return sa.cast(sa.cast(bindvalue, sa.Text), self)

    def column_expression(self, colexpr: sa.ColumnElement[Any]) -> sa.ColumnElement[Any] | None:
        """Reads it as a bigint, which it fits for the next few million years."""
        return sa.cast(sa.cast(colexpr, sa.Text), sa.BigInteger)


# so that a migrated PostgreSQL store can be compared with what the code declares
postgresql.base.ischema_names["xid8"] = Xid8

# Maps annotations to columns: `class Base(DeclarativeBase): metadata = new_metadata(); type_annotation_map = TYPES`.
TYPES: dict[Any, Any] = {dt.datetime: UtcDateTime(), list[str]: StringList()}


def upsert(
    session: Session,
    table: sa.Table,
    rows: Sequence[Mapping[str, Any]],
    *,
    key: Sequence[str],
    update: Sequence[str] | None = None,
    add: Sequence[str] = (),
) -> None:
    """Inserts rows, or updates those whose key exists already.

    Args:
        session: the caller's transaction.
        table: target; values of columns that a row does not name are those of the database.
        rows: column name to value, the same columns in every row; nothing happens when there is none. No key twice.
        key: columns of a primary key or unique constraint.
        update: columns to overwrite; all but the key when None, and an existing row is left alone when empty.
        add: columns to which the new value is added instead.
    """
    if not rows:
        return
    columns = tuple(rows[0])
    overwritten = [name for name in columns if name not in key and name not in add] if update is None else update
    session.execute(_upsert(table, columns, tuple(key), tuple(overwritten), tuple(add)), list(rows))


@functools.lru_cache(maxsize=512)
def _upsert(
    table: sa.Table, columns: tuple[str, ...], key: tuple[str, ...], update: tuple[str, ...], add: tuple[str, ...]
) -> sa.TextClause:
    # SQLAlchemy makes an INSERT with ON CONFLICT anew each time, which costs more than running it; as text it is made once, and both
    # databases read the same
    target = table.fullname
    changes = [f'"{name}" = excluded."{name}"' for name in update]
    changes += [f'"{name}" = "{target}"."{name}" + excluded."{name}"' for name in add]
    statement = sa.text(
        f'INSERT INTO "{target}" ({_quoted(columns)}) VALUES ({", ".join(f":{name}" for name in columns)}) '
        f"ON CONFLICT ({_quoted(key)}) DO {'UPDATE SET ' + ', '.join(changes) if changes else 'NOTHING'}"
    )
    return statement.bindparams(*(sa.bindparam(name, type_=table.c[name].type) for name in columns))


def _quoted(names: Iterable[str]) -> str:
    return ", ".join(f'"{name}"' for name in names)
