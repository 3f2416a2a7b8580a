"""Versioned, checksummed model folders: nothing half-written or altered is ever served.

Layout under the store's root::

    <kind>/<version>/manifest.json   what the version is, and the sha256 and size of every file
    <kind>/<version>/...             the files themselves, meant to be memory-mapped
    <kind>/current                   one line: the version that is served
    <kind>/previous                  one line: the version served before it
    <kind>/.staging-...              being written; never read, removed when stale

A version is written in a staging folder, flushed to disk, and only then renamed to its final name; `current` is
switched by an atomic rename after that. A process killed at any point leaves either the old version or the new one.

Everything here blocks on the disk: call it from a thread when an event loop runs.
"""

from cinemesh.artifacts._manifest import (
    MANIFEST,
    ArtifactCorrupt,
    ArtifactError,
    ArtifactMissing,
    FileEntry,
    Manifest,
    Metric,
    describe,
    sha256_of,
    verify,
)
from cinemesh.artifacts._store import Artifact, ArtifactStore, Staged

__all__ = [
    "MANIFEST",
    "Artifact",
    "ArtifactCorrupt",
    "ArtifactError",
    "ArtifactMissing",
    "ArtifactStore",
    "FileEntry",
    "Manifest",
    "Metric",
    "Staged",
    "describe",
    "sha256_of",
    "verify",
]
