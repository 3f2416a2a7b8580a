"""Migrations shipped in a package, on both databases."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from cinemesh import errors
from cinemesh.db import Database, mesh_tables, migrate, new_metadata, schema_drift

METADATA = new_metadata()
sa.Table(
    "film",
    METADATA,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("title", sa.String(50), nullable=False),
    sa.Column("year", sa.Integer),
    sa.UniqueConstraint("title"),
)
FIRST = """
    import sqlalchemy as sa
    from alembic import op
    revision, down_revision = "film0001", None
    def upgrade():
        op.create_table(
            "film",
            sa.Column("id", sa.Integer, primary_key=True),
            sa.Column("title", sa.String(50), nullable=False),
            sa.UniqueConstraint("title", name="uq_film_title"),
        )
        op.create_table("vote", sa.Column("film_id", sa.Integer, sa.ForeignKey("film.id"), primary_key=True))
        op.execute("INSERT INTO film (id, title) VALUES (1, 'Metropolis')")
        op.execute("INSERT INTO vote (film_id) VALUES (1)")
"""
SECOND = """
    import sqlalchemy as sa
    from alembic import op
    revision, down_revision = "film0002", "film0001"
    def upgrade():
        with op.batch_alter_table("film") as batch:
            batch.alter_column("title", type_=sa.String(80))
        op.drop_table("vote")
        with op.batch_alter_table("film") as batch:
            batch.add_column(sa.Column("year", sa.Integer))
            batch.alter_column("title", type_=sa.String(50))
"""
BROKEN = """
    from alembic import op
    revision, down_revision = "film0003", "film0002"
    def upgrade():
        op.execute("UPDATE film SET title = 'half'")
        op.execute("CREATE TABLE half (a integer)")
        op.execute("UPDATE nowhere SET a = 1")
"""


class Package:
    """A service's package in a temporary folder."""

    name = "cine_sample_store"

    def __init__(self, folder: Path) -> None:
        self.versions = folder / self.name / "migrations" / "versions"
        self.versions.mkdir(parents=True)
        for init in (folder / self.name, self.versions.parent):
            (init / "__init__.py").touch()

    def add(self, name: str, script: str) -> None:
        (self.versions / f"{name}.py").write_text(textwrap.dedent(script))


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Package]:
    folder = tmp_path / "site"
    made = Package(folder)
    monkeypatch.syspath_prepend(str(folder))
    yield made
    sys.modules.pop(made.name, None)


async def titles(url: str) -> list[str]:
    async with Database(url) as db:
        return list(await db.read(lambda session: session.scalars(sa.text("SELECT title FROM film")).all()))


async def test_upgrades_step_by_step_and_keeps_the_rows(store_url: str, package: Package) -> None:
    package.add("r1", FIRST)
    migrate(store_url, package.name)
    assert schema_drift(store_url, METADATA)  # the column is still missing
    package.add("r2", SECOND)
    migrate(store_url, package.name)
    migrate(store_url, package.name)
    assert schema_drift(store_url, METADATA) == []
    assert await titles(store_url) == ["Metropolis"]


def test_the_tables_of_the_mesh_are_as_the_code_declares_them(store_url: str) -> None:
    migrate(store_url, None)
    assert schema_drift(store_url, new_metadata()) == []  # they are not the service's business
    drift = schema_drift(store_url, mesh_tables.metadata)
    if store_url.startswith("sqlite"):  # has no use for this index, and Alembic does not know that
        drift = [line for line in drift if "ix_outbox_xid_id" not in line]
    assert drift == []


def test_a_store_that_is_up_to_date_needs_no_alembic(
    store_url: str, package: Package, monkeypatch: pytest.MonkeyPatch
) -> None:
    package.add("r1", FIRST)
    migrate(store_url, package.name)
    monkeypatch.setitem(sys.modules, "alembic.script", None)  # importing it fails now
    migrate(store_url, package.name)
    package.add("r2", SECOND)
    with pytest.raises(ImportError):
        migrate(store_url, package.name)


async def test_a_failing_script_leaves_the_store_as_it_was(store_url: str, package: Package) -> None:
    package.add("r1", FIRST)
    package.add("r2", SECOND)
    migrate(store_url, package.name)
    package.add("r3", BROKEN)
    with pytest.raises(sa.exc.DBAPIError, match="nowhere"):
        migrate(store_url, package.name)
    (package.versions / "r3.py").unlink()
    migrate(store_url, package.name)
    assert schema_drift(store_url, METADATA) == []
    assert await titles(store_url) == ["Metropolis"]


def test_a_store_of_a_newer_version_is_refused(store_url: str, package: Package) -> None:
    package.add("r1", FIRST)
    package.add("r2", SECOND)
    migrate(store_url, package.name)
    (package.versions / "r2.py").unlink()
    with pytest.raises(errors.FailedPrecondition, match="newer version of cine_sample_store"):
        migrate(store_url, package.name)


def test_a_package_without_migrations_is_named(sqlite_url: str) -> None:
    with pytest.raises(ValueError, match="cine_nowhere"):
        migrate(sqlite_url, "cine_nowhere")
    with pytest.raises(ValueError, match="ships no migrations"):
        migrate(sqlite_url, "email")


def test_replicas_that_start_together_migrate_once(postgres_url: str, package: Package) -> None:
    package.add("r1", FIRST)
    package.add("r2", SECOND)
    script = "import sys; from cinemesh.db import migrate; print('ready', flush=True); input(); migrate(*sys.argv[1:])"
    path = os.pathsep.join([str(package.versions.parents[2]), *sys.path])
    replicas = [
        subprocess.Popen(
            [sys.executable, "-c", script, postgres_url, package.name],
            env={**os.environ, "PYTHONPATH": path},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(3)
    ]
    for replica in replicas:
        assert replica.stdout is not None
        assert replica.stdout.readline() == "ready\n"
    for replica in replicas:
        assert replica.stdin is not None
        replica.stdin.write("go\n")
        replica.stdin.flush()
    for replica in replicas:
        replica.communicate(timeout=60)
    assert [replica.returncode for replica in replicas] == [0, 0, 0]
    assert schema_drift(postgres_url, METADATA) == []
