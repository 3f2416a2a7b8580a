"""Certificates between the processes of the mesh: where they lie, and development ones made once."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Self


@dataclass(frozen=True, slots=True)
class TlsFiles:
    """What one process needs to show who it is and to know the others, in PEM.

    Attributes:
        ca: certificates of the authority that signs every process of the mesh.
        cert: the process' own certificate, with those between it and the authority.
        key: its private key, mode 0600.
    """

    ca: Path
    cert: Path
    key: Path

    @classmethod
    def of(cls, folder: Path, name: str) -> Self:
        """Returns the files of a process by the names they always have."""
        return cls(folder / "ca.pem", folder / f"{name}.pem", folder / f"{name}.key")
