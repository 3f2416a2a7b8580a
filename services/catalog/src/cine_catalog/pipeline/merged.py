"""Writing and reading ``movies_merged.csv`` with its manifest: a pair that is either whole or refused.

Both files are written beside their places, synced, and moved in an order that leaves a readable pair after a kill at any
point: the new manifest waits as ``.manifest.json.next`` while the table moves, and a reader accepts whichever of the two
manifests fits the table.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import polars as pl
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from cine_catalog.pipeline.columns import LIST_COLUMNS, MERGED, SCHEMA_VERSION, decoded, encoded
from cine_catalog.pipeline.errors import DataCorrupt, SourceMissing


class MergedManifest(BaseModel):
    """What belongs to a merged table: its checksum, and where it came from."""

    model_config = ConfigDict(extra="ignore")

    schema_version: int
    sha256: str = Field(pattern="^[0-9a-f]{64}$")
    rows: int = Field(ge=0)
    fingerprint: str = Field(description="SHA-256 over the input files' names and contents and the options.")
    base_source: str
    synthetic_audience: bool
    counts: dict[str, int]
    options: dict[str, str | int | bool | None]


@dataclass(frozen=True, slots=True)
class MergedCatalogue:
    """A verified table (columns and types of ``columns.MERGED``) and its manifest."""

    films: pl.DataFrame
    manifest: MergedManifest


def manifest_path(path: Path) -> Path:
    """``movies_merged.csv`` → ``movies_merged.csv.manifest.json``'s place: ``movies_merged.manifest.json``."""
    return path.with_suffix(".manifest.json")


def _next_path(path: Path) -> Path:
    return path.with_suffix(".manifest.json.next")


def write_merged(
    path: Path,
    films: pl.DataFrame,
    *,
    fingerprint: str,
    base_source: str,
    synthetic_audience: bool,
    counts: Mapping[str, int],
    options: Mapping[str, str | int | bool | None],
) -> MergedManifest:
    """Write table and manifest so that a kill at any moment leaves the old pair or the new one readable."""
    cells = films.select(*MERGED).with_columns(encoded(name) for name in LIST_COLUMNS)
    data = cells.write_csv(line_terminator="\n").encode()
    manifest = MergedManifest(
        schema_version=SCHEMA_VERSION,
        sha256=hashlib.sha256(data).hexdigest(),
        rows=films.height,
        fingerprint=fingerprint,
        base_source=base_source,
        synthetic_audience=synthetic_audience,
        counts=dict(counts),
        options=dict(options),
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    table_temp = path.with_suffix(".csv.tmp")
    _write_synced(table_temp, data)
    manifest_temp = path.with_suffix(".manifest.json.tmp")
    _write_synced(manifest_temp, (manifest.model_dump_json(indent=2) + "\n").encode())
    manifest_temp.replace(_next_path(path))
    _sync_folder(path.parent)
    table_temp.replace(path)
    _sync_folder(path.parent)
    _next_path(path).replace(manifest_path(path))
    _sync_folder(path.parent)
    return manifest


def read_merged(path: Path) -> MergedCatalogue:
    """Read a merged table after checking it against its manifest.

    Raises:
        SourceMissing: the table is not there.
        DataCorrupt: no manifest, a damaged one, a checksum, row count or schema that does not fit.
    """
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        raise SourceMissing(path, "no such file; run the pipeline first") from None
    manifest = _fitting_manifest(path, hashlib.sha256(data).hexdigest())
    if manifest.schema_version != SCHEMA_VERSION:
        raise DataCorrupt(path, f"schema version {manifest.schema_version}, this program reads {SCHEMA_VERSION}")
    texts = {name: pl.String() if name in LIST_COLUMNS else dtype for name, dtype in MERGED.items()}
    try:
        cells = pl.read_csv(data, schema=texts)
    except pl.exceptions.PolarsError as error:
        raise DataCorrupt(path, f"not the expected table ({type(error).__name__})") from None
    if cells.height != manifest.rows:
        raise DataCorrupt(path, f"{cells.height} rows, the manifest says {manifest.rows}")
    return MergedCatalogue(cells.with_columns(decoded(cells[name]) for name in LIST_COLUMNS), manifest)


def _fitting_manifest(path: Path, sha256: str) -> MergedManifest:
    problem = "its manifest is missing"
    for candidate in (manifest_path(path), _next_path(path)):
        try:
            manifest = MergedManifest.model_validate_json(candidate.read_bytes())
        except FileNotFoundError:
            continue
        except ValidationError:
            problem = f"{candidate.name} is damaged"
            continue
        if manifest.sha256 == sha256:
            return manifest
        problem = f"its checksum is not the one in {candidate.name}"
    raise DataCorrupt(path, problem)


def _write_synced(path: Path, data: bytes) -> None:
    with path.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _sync_folder(folder: Path) -> None:
    """A rename is only durable once its folder is synced."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
