"""Runs the Alembic scripts that packages ship in `<package>/migrations/versions/`, without ini file or env.py.

Every store first gets the tables of the mesh itself (outbox, feed cursors; `cinemesh/migrations`), then those of its service. The whole
upgrade is one transaction on both databases, so a failed script leaves the store as it was.
"""

from __future__ import annotations

import ast
import importlib.resources
import threading
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from math import inf
from pathlib import Path
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
import sqlalchemy.exc as sae

from cinemesh import errors
from cinemesh.db import mesh_tables
from cinemesh.db.database import parse_url, sqlite_path
from cinemesh.db.faults import translate
from cinemesh.db.sqlite_file import SqliteFile

if TYPE_CHECKING:
    from alembic.runtime.migration import MigrationContext

_MESH_SCRIPTS = "cinemesh.migrations"
_MESH_VERSION_TABLE = "cinemesh_version"
_SERVICE_VERSION_TABLE = "alembic_version"
_ALEMBIC = threading.Lock()  # its environment is a global of the process
# one lock for whoever migrates a database, whatever the package: replicas start together
_ADVISORY_LOCK = zlib.crc32(b"cinemesh.db.migrate")


def migrate(url: str, package: str | None) -> None:
    """Brings a store to the newest schema; does nothing when it is there. Blocks: call it before the event loop or in a thread.

    A SQLite file must not be open: migrate first, then make the `Database`.

    Args:
        url: as `Database` takes it.
        package: import name of the service, such as "cine_catalog"; None for the tables of the mesh alone.

    Raises:
        ValueError: the URL is of no store, or the package ships no migrations.
        errors.FailedPrecondition: the store was made by a newer version, or is in use.
        errors.Unavailable: the store does not answer.
    """
    with _ALEMBIC, _connected(url) as connection:
        _upgrade(connection, _MESH_SCRIPTS, _MESH_VERSION_TABLE)
        if package is not None:
            _upgrade(connection, f"{package}.migrations", _SERVICE_VERSION_TABLE)


def schema_drift(url: str, metadata: sa.MetaData) -> list[str]:
    """Returns how a migrated store differs from what the code declares, one line a difference; for tests.

    Args:
        url: a store that `migrate` ran on.
        metadata: the tables of the service; those of the mesh are left out unless it has them.
    """
    from alembic.autogenerate import compare_metadata
    from alembic.runtime.migration import MigrationContext

    not_the_services = {*mesh_tables.metadata.tables, _MESH_VERSION_TABLE, _SERVICE_VERSION_TABLE}

    def ours(name: str | None, kind: str, _: Any) -> bool:
        return kind != "table" or name in metadata.tables or name not in not_the_services

    with _connected(url) as connection:
        context = MigrationContext.configure(connection, opts={"include_name": ours, "compare_type": True})
        return [str(difference) for difference in compare_metadata(context, metadata)]


@contextmanager
def _connected(url: str) -> Iterator[sa.Connection]:
    parsed = parse_url(url)
    try:
        if parsed.get_backend_name() == "sqlite":
            path = sqlite_path(parsed)
            if path is None:
                raise ValueError("a store in memory cannot be migrated from outside: use a file")
            file = SqliteFile(path)
            try:
                with file.engine.connect() as connection:
                    yield connection
            finally:
                file.close()
        else:
            from cinemesh.db.postgres_backend import create_engine  # the driver is loaded where it is needed

            engine = create_engine(parsed, pool=1, statement_timeout=inf)
            try:
                with engine.connect() as connection:
                    yield connection
            finally:
                engine.dispose()
    except sae.SQLAlchemyError as fault:
        translated = translate(fault)
        if isinstance(translated, errors.Internal) or translated is None:
            raise  # a script at fault: its author needs the text, and parameters are hidden
        raise translated from None


def _upgrade(connection: sa.Connection, scripts: str, version_table: str) -> None:
    directory = _folder(scripts)
    if _is_newest(connection, directory, version_table):
        return
    from alembic.config import Config
    from alembic.runtime.environment import EnvironmentContext
    from alembic.script import ScriptDirectory
    from alembic.util import CommandError

    config = Config()
    config.set_main_option("script_location", str(directory).replace("%", "%%"))
    script = ScriptDirectory.from_config(config)

    def steps(revision: Any, _: MigrationContext) -> Any:
        return script._upgrade_revs("head", revision)

    sqlite = connection.dialect.name == "sqlite"
    if sqlite:
        # batch operations rebuild tables, which must not trip over references in between; it works outside transactions only
        _pragma(connection, "foreign_keys = OFF")
    try:
        with connection.begin(), EnvironmentContext(config, script, fn=steps) as environment:
            if not sqlite:
                connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_ADVISORY_LOCK)))
            environment.configure(
                connection=connection,
                version_table=version_table,
                transactional_ddl=True,
                render_as_batch=sqlite,
            )
            with environment.begin_transaction():
                environment.run_migrations()
            if sqlite and connection.exec_driver_sql("PRAGMA foreign_key_check").first() is not None:
                raise errors.FailedPrecondition(f"The migrations of {scripts} leave rows that refer to nothing.")
    except CommandError as fault:
        if "locate revision" not in str(fault):
            raise
        raise errors.FailedPrecondition(
            f"The store was made by a newer version of {scripts.split('.')[0]}: install that version, or restore a backup."
        ) from None
    finally:
        if sqlite:
            _pragma(connection, "foreign_keys = ON")


def _is_newest(connection: sa.Connection, directory: Path, version_table: str) -> bool:
    """Returns whether there is nothing to do, without Alembic: loading it takes longer than opening the store."""
    revisions: dict[str, list[Any]] = {"revision": [], "down_revision": []}
    for script in (directory / "versions").glob("*.py"):
        for statement in ast.parse(script.read_text()).body:
            targets = statement.targets if isinstance(statement, ast.Assign) else []
            names = [name.id for target in targets for name in ast.walk(target) if isinstance(name, ast.Name)]
            if not revisions.keys() & set(names):
                continue
            try:
                value = ast.literal_eval(statement.value)  # type: ignore[attr-defined]
            except ValueError:
                return False  # written in a way only Alembic understands
            for name, part in zip(names, value if len(names) > 1 else [value], strict=True):
                if name in revisions:
                    revisions[name] += part if isinstance(part, tuple) else [part]
    heads = set(revisions["revision"]) - set(revisions["down_revision"])
    with connection.begin():
        if not sa.inspect(connection).has_table(version_table):
            return False
        found: sa.Result[Any] = connection.execute(
            sa.select(sa.column("version_num")).select_from(sa.table(version_table))
        )
        return set(found.scalars()) == heads


def _pragma(connection: sa.Connection, setting: str) -> None:
    driver: Any = connection.connection.dbapi_connection
    driver.execute(f"PRAGMA {setting}")


def _folder(scripts: str) -> Path:
    package, _, name = scripts.rpartition(".")
    try:
        folder = Path(str(importlib.resources.files(package))) / name
    except ModuleNotFoundError:
        raise ValueError(f"the package {package} cannot be imported") from None
    if not (folder / "versions").is_dir():
        raise ValueError(f"the package {package} ships no {name}/versions folder")
    return folder
