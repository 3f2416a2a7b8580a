"""The manifest of an artifact: what a version consists of, and how to tell that it is whole."""

from __future__ import annotations

import hashlib
import os
import secrets
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

MANIFEST = "manifest.json"


class ArtifactError(Exception):
    """Base of everything that can be wrong with a stored artifact."""


class ArtifactMissing(ArtifactError):
    """No usable version of this kind exists.

    Attributes:
        kind: The kind that was asked for.
        version: The version that was asked for; None when any would have done.
    """

    def __init__(self, kind: str, version: str | None = None, *, reason: str = "none has been published") -> None:
        """Name the kind (and version) that is missing, and why."""
        self.kind, self.version = kind, version
        super().__init__(f"no artifact {kind}{'/' + version if version else ''}: {reason}")


class ArtifactCorrupt(ArtifactError):
    """A version is half-written or was altered; it must not be served.

    Attributes:
        kind: Kind of the refused version.
        version: Its version.
        file: The file at fault, relative to the version's folder.
    """

    def __init__(self, kind: str, version: str, file: str, reason: str) -> None:
        """Name the file at fault and what is wrong with it."""
        self.kind, self.version, self.file, self.reason = kind, version, file, reason
        super().__init__(f"artifact {kind}/{version} is refused: {file}: {reason}")


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class FileEntry(_Frozen):
    """What a file must be: its size in bytes and its sha256 in hexadecimal."""

    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    size: int = Field(ge=0)


class Metric(_Frozen):
    """One measured figure; `protocol` says how it was measured, so that it can be measured again."""

    value: float
    protocol: str = Field(min_length=1)
    unit: str = ""


class Manifest(_Frozen):
    """What a version is made of, from what, and how good it was when it was made."""

    format: Literal[1] = 1
    kind: str
    version: str
    created_at: datetime
    fingerprint: str = Field(description="identifies the data it was made from, for example sha256:…")
    parameters: dict[str, Any] = {}
    metrics: dict[str, Metric] = {}
    files: dict[str, FileEntry]

    @field_validator("files")
    @classmethod
    def _inside(cls, files: dict[str, FileEntry]) -> dict[str, FileEntry]:
        for name in files:
            path = PurePosixPath(name)
            if path.is_absolute() or ".." in path.parts or not path.parts:
                raise ValueError(f"file name {name!r} leaves the folder")
        return files


def sha256_of(path: Path) -> str:
    """Return the sha256 of a file in hexadecimal."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def describe(
    folder: Path,
    *,
    kind: str,
    version: str,
    fingerprint: str,
    parameters: Mapping[str, Any] | None = None,
    metrics: Mapping[str, Metric] | None = None,
) -> Manifest:
    """Hash every file of a folder and write its manifest; files and folders are flushed to disk before it returns."""
    files: dict[str, FileEntry] = {}
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path != folder / MANIFEST:
            flush(path)
            files[path.relative_to(folder).as_posix()] = FileEntry(sha256=sha256_of(path), size=path.stat().st_size)
    manifest = Manifest(
        kind=kind,
        version=version,
        created_at=datetime.now(UTC).replace(microsecond=0),
        fingerprint=fingerprint,
        parameters=dict(parameters or {}),
        metrics=dict(metrics or {}),
        files=files,
    )
    write_atomically(folder / MANIFEST, manifest.model_dump_json(indent=2))
    for path in sorted(folder.rglob("*"), reverse=True):
        if path.is_dir():
            flush(path)
    flush(folder)
    return manifest


def verify(folder: Path, *, kind: str, version: str) -> Manifest:
    """Read a folder's manifest and check every file against it.

    Raises:
        ArtifactCorrupt: The manifest is missing, unreadable or names something else; or a file is missing, cut or
            altered.
    """
    manifest = read_manifest(folder, kind, version)
    for name, entry in manifest.files.items():
        path = folder / name
        try:
            size = path.stat().st_size
            if size != entry.size:
                raise ArtifactCorrupt(kind, version, name, f"{size} bytes where the manifest says {entry.size}")
            if sha256_of(path) != entry.sha256:
                raise ArtifactCorrupt(kind, version, name, "its sha256 is not the manifest's")
        except OSError as error:
            raise ArtifactCorrupt(kind, version, name, error.strerror or "unreadable") from error
    return manifest


def read_manifest(folder: Path, kind: str, version: str) -> Manifest:
    """Read a folder's manifest without looking at its files.

    Raises:
        ArtifactCorrupt: It is missing, unreadable or names something else.
    """
    try:
        manifest = Manifest.model_validate_json((folder / MANIFEST).read_bytes())
    except OSError as error:
        raise ArtifactCorrupt(kind, version, MANIFEST, error.strerror or "unreadable") from error
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise ArtifactCorrupt(kind, version, MANIFEST, f"{where}: {first['msg']}" if where else first["msg"]) from error
    if (manifest.kind, manifest.version) != (kind, version):
        raise ArtifactCorrupt(kind, version, MANIFEST, f"it describes {manifest.kind}/{manifest.version}")
    return manifest


def flush(path: Path) -> None:
    """Force a file, or the entries of a folder, to the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_atomically(path: Path, text: str) -> None:
    """Replace a small file so that a reader, or a crash, sees the old text or the new, never a part."""
    temporary = path.with_name(f"{path.name}.{secrets.token_hex(4)}.tmp")
    try:
        with temporary.open("w", encoding="utf-8") as stream:
            stream.write(text)
            stream.flush()
            os.fsync(stream.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
    flush(path.parent)
