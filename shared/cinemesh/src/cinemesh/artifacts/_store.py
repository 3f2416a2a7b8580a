"""The store of artifacts: staging, publishing, switching, rolling back."""

from __future__ import annotations

import fcntl
import json
import re
import secrets
import shutil
import threading
import time
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from cinemesh.artifacts._manifest import (
    ArtifactCorrupt,
    ArtifactError,
    ArtifactMissing,
    Manifest,
    Metric,
    describe,
    flush,
    read_manifest,
    verify,
    write_atomically,
)

_KIND = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*\Z")
_VERSION = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,79}\Z")
_STAGING = ".staging-"
_TRASH = ".trash-"
_STALE_SECONDS = 24 * 3600


@dataclass(frozen=True, slots=True)
class Artifact:
    """A verified version: every listed file was there, whole and unaltered, when it was checked."""

    path: Path
    manifest: Manifest

    @property
    def version(self) -> str:
        """Version of this artifact."""
        return self.manifest.version

    def file(self, name: str) -> Path:
        """Path of a listed file.

        Raises:
            ArtifactCorrupt: The manifest does not list it, so nobody vouches for it.
        """
        if name not in self.manifest.files:
            raise ArtifactCorrupt(self.manifest.kind, self.version, name, "not listed in the manifest")
        return self.path / name


class ArtifactStore:
    """The versions under one root. Safe for any number of readers and writers, threads and processes alike."""

    def __init__(self, root: Path) -> None:
        """Use `root` (created when the first version is staged)."""
        self._root = root
        self._seen: dict[Path, tuple[tuple[tuple[str, int, int, int], ...], Manifest]] = {}
        self._lock = threading.Lock()

    @property
    def root(self) -> Path:
        """Folder that holds one folder a kind."""
        return self._root

    @contextmanager
    def stage(self, kind: str) -> Iterator[Staged]:
        """Give a fresh folder to write a version into; it disappears unless `Staged.publish` is called in the block."""
        home = self._home(kind)
        home.mkdir(parents=True, exist_ok=True)
        folder = home / f"{_STAGING}{secrets.token_hex(8)}"
        folder.mkdir()
        try:
            yield Staged(self, kind, folder)
        finally:
            if folder.exists():
                shutil.rmtree(folder, ignore_errors=True)

    def versions(self, kind: str) -> list[str]:
        """Every published version, oldest first, verified or not."""
        home = self._home(kind)
        if not home.is_dir():
            return []
        return sorted(entry.name for entry in home.iterdir() if _VERSION.match(entry.name) and entry.is_dir())

    def kinds(self) -> list[str]:
        """Every kind there is a folder of, sorted."""
        if not self._root.is_dir():
            return []
        return sorted(entry.name for entry in self._root.iterdir() if _KIND.match(entry.name) and entry.is_dir())

    def current_version(self, kind: str) -> str | None:
        """Name that `current` holds, unverified; cheap enough to poll. None when nothing was published."""
        return self._pointer(kind, "current")

    def version_before(self, kind: str) -> str | None:
        """Name of the version that `rollback` would serve, unverified; None when there is no earlier one."""
        current, previous = self._pointer(kind, "current"), self._pointer(kind, "previous")
        if previous is None or previous == current:
            older = [version for version in self.versions(kind) if current is not None and version < current]
            return older[-1] if older else None
        return previous

    def manifest(self, kind: str, version: str) -> Manifest:
        """What a version says of itself; its files are not looked at.

        Raises:
            ArtifactCorrupt: The manifest is missing, unreadable or names something else.
        """
        return read_manifest(self._home(kind) / _checked(_VERSION, version, "version"), kind, version)

    def get(self, kind: str, version: str) -> Artifact:
        """Return one verified version.

        A version that was verified before is trusted while size, modification time and inode of its files stay.

        Raises:
            ArtifactMissing: There is no such version.
            ArtifactCorrupt: It is there, but not as it was published.
        """
        folder = self._home(kind) / _checked(_VERSION, version, "version")
        if not folder.is_dir():
            raise ArtifactMissing(kind, version, reason="there is no such folder")
        stamp = _stamp(folder)
        with self._lock:
            seen = self._seen.get(folder)
        if seen is None or seen[0] != stamp:
            # Stamped before reading: a file altered meanwhile changes the stamp and is read again next time.
            seen = (stamp, verify(folder, kind=kind, version=version))
            with self._lock:
                self._seen[folder] = seen
        return Artifact(folder, seen[1])

    def current(self, kind: str) -> Artifact:
        """Return the version that `current` names, verified.

        Raises:
            ArtifactMissing: Nothing was published.
            ArtifactCorrupt: The current version is not as it was published; `newest_valid` finds what still can be
                served.
        """
        version = self._pointer(kind, "current")
        if version is None:
            raise ArtifactMissing(kind)
        return self.get(kind, version)

    def made_of(self, kind: str, fingerprint: str, parameters: Mapping[str, Any]) -> Artifact | None:
        """Return the version that `current` names if it was made from this data with these parameters, else None.

        Args:
            kind: Kind of artifact.
            fingerprint: As `Staged.publish` takes it.
            parameters: Likewise.
        """
        try:
            current = self.current(kind)
        except ArtifactError:
            return None
        # as a manifest keeps them: JSON knows no tuples
        same = current.manifest.parameters == json.loads(json.dumps(parameters))
        return current if same and current.manifest.fingerprint == fingerprint else None

    def newest_valid(self, kind: str, *, skip: Collection[str] = ()) -> tuple[Artifact, list[ArtifactError]]:
        """Return the best version that can be served, and why better ones were refused.

        The order is current, previous, older versions (newest first), and last those newer than current: one of
        them was either rolled back or never switched to.

        Args:
            kind: Kind of artifact.
            skip: Versions that the caller could not use although their checksums fit.

        Raises:
            ArtifactMissing: No version at all is valid.
        """
        current = self._pointer(kind, "current")
        known = self.versions(kind)
        order = [current, self._pointer(kind, "previous")]
        order += [version for version in reversed(known) if current is None or version < current]
        order += reversed(known)
        refused: list[ArtifactError] = []
        for version in dict.fromkeys(name for name in order if name is not None and name not in skip):
            try:
                return self.get(kind, version), refused
            except ArtifactError as error:
                refused.append(error)
        raise ArtifactMissing(kind, reason="; ".join(map(str, refused)) or "none has been published")

    def activate(self, kind: str, version: str) -> Artifact:
        """Serve `version` from now on; the one served so far becomes `previous`. The version is verified first."""
        artifact = self.get(kind, version)
        with self._switching(kind):
            before = self._pointer(kind, "current")
            if before != version:
                # `previous` first: killed between the two, both name the old version and nothing has changed.
                if before is not None:
                    write_atomically(self._home(kind) / "previous", before + "\n")
                write_atomically(self._home(kind) / "current", version + "\n")
        return artifact

    def rollback(self, kind: str) -> Artifact:
        """Serve the version before the current one again, and return it.

        Raises:
            ArtifactMissing: There is no earlier version.
            ArtifactCorrupt: The earlier version is not as it was published; nothing is switched.
        """
        previous = self.version_before(kind)
        if previous is None:
            raise ArtifactMissing(kind, reason="there is no version before the current one")
        return self.activate(kind, previous)

    def prune(self, kind: str, keep: int = 3) -> list[str]:
        """Remove all but the newest `keep` versions; current and previous always stay. Returns the removed versions.

        Staging folders that nobody has touched for a day are removed too.
        """
        if keep < 1:
            raise ValueError(f"keep must be at least 1, not {keep}")
        home = self._home(kind)
        with self._switching(kind):
            protected = {self._pointer(kind, "current"), self._pointer(kind, "previous")}
            removed = [version for version in self.versions(kind)[:-keep] if version not in protected]
            for version in removed:
                # Renamed first, so that a half-removed version never looks like a version.
                (home / version).rename(home / f"{_TRASH}{version}")
                with self._lock:
                    self._seen.pop(home / version, None)
        for leftover in home.iterdir():
            stale = leftover.name.startswith(_STAGING) and time.time() - leftover.stat().st_mtime > _STALE_SECONDS
            if stale or leftover.name.startswith(_TRASH):
                shutil.rmtree(leftover, ignore_errors=True)
        return removed

    def _home(self, kind: str) -> Path:
        return self._root / _checked(_KIND, kind, "kind")

    def _pointer(self, kind: str, name: str) -> str | None:
        try:
            version = (self._home(kind) / name).read_text(encoding="utf-8").strip()
        except FileNotFoundError:
            return None
        except (OSError, UnicodeDecodeError) as error:
            raise ArtifactCorrupt(kind, "?", name, "unreadable") from error
        if not _VERSION.match(version):
            raise ArtifactCorrupt(kind, "?", name, "does not hold a version")
        return version

    def _publish(self, kind: str, version: str, folder: Path) -> None:
        home = self._home(kind)
        with self._switching(kind):
            target = home / version
            if target.exists():
                raise FileExistsError(f"artifact {kind}/{version} exists already; versions are never overwritten")
            folder.rename(target)
            flush(home)

    @contextmanager
    def _switching(self, kind: str) -> Iterator[None]:
        home = self._home(kind)
        home.mkdir(parents=True, exist_ok=True)
        with (home / ".lock").open("w") as handle:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield


class Staged:
    """A version in the making: write files under `path`, then call `publish` once."""

    def __init__(self, store: ArtifactStore, kind: str, path: Path) -> None:
        """Made by `ArtifactStore.stage`."""
        self._store, self._kind, self.path = store, kind, path

    def publish(
        self,
        *,
        fingerprint: str,
        parameters: Mapping[str, Any] | None = None,
        metrics: Mapping[str, Metric] | None = None,
        version: str | None = None,
        activate: bool = True,
    ) -> Artifact:
        """Flush, check in and (unless told otherwise) serve this version.

        Args:
            fingerprint: Identifies the data that the version was made from.
            parameters: Options it was made with, JSON-serialisable.
            metrics: Figures measured on it, each with its protocol.
            version: Its name; by default the time in UTC and a random tail, so that names sort by age.
            activate: Whether `current` is switched to it.

        Raises:
            FileExistsError: That version exists already.
        """
        version = _checked(_VERSION, version or _fresh_version(), "version")
        describe(
            self.path,
            kind=self._kind,
            version=version,
            fingerprint=fingerprint,
            parameters=parameters,
            metrics=metrics,
        )
        self._store._publish(self._kind, version, self.path)
        return self._store.activate(self._kind, version) if activate else self._store.get(self._kind, version)


def _checked(pattern: re.Pattern[str], value: str, what: str) -> str:
    if not pattern.match(value):
        raise ValueError(f"{value!r} is not a valid {what} of an artifact")
    return value


def _fresh_version() -> str:
    return f"{datetime.now(UTC):%Y%m%dT%H%M%S.%fZ}-{secrets.token_hex(2)}"


def _stamp(folder: Path) -> tuple[tuple[str, int, int, int], ...]:
    """Name, size, modification time (ns) and inode of every file: equal stamps mean that nobody wrote in between."""
    stamp = []
    for path in sorted(folder.rglob("*")):
        try:
            status = path.stat()
        except FileNotFoundError:  # removed while we looked: the next verification says so
            continue
        stamp.append((path.relative_to(folder).as_posix(), status.st_size, status.st_mtime_ns, status.st_ino))
    return tuple(stamp)
