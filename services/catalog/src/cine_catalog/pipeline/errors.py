"""What can go wrong with data files, as types.

``CatalogDataError``
├── ``SourceMissing``    a file or folder that was asked for is not there
├── ``SourceBroken``     a file is there but cannot be read as what it claims to be
├── ``ColumnMissing``    a table lacks a column the pipeline needs
├── ``DataCorrupt``      a result's checksum, manifest or schema does not fit
└── ``OptionInvalid``    an option is out of its range
"""

from __future__ import annotations

from pathlib import Path


class CatalogDataError(Exception):
    """Base of every data error; ``file`` names what it is about (``None`` for options)."""

    def __init__(self, message: str, *, file: Path | None = None) -> None:
        """Keep the message and the file it is about."""
        super().__init__(message)
        self.message = message
        self.file = file


class SourceMissing(CatalogDataError):
    """A file or folder does not exist or is not readable."""

    def __init__(self, file: Path, why: str = "no such file") -> None:
        """``why`` is a few words: "no such file", "permission denied"."""
        super().__init__(f"{file}: {why}", file=file)


class SourceBroken(CatalogDataError):
    """A file exists but is not the format it should be (broken JSON, an empty file)."""

    def __init__(self, file: Path, why: str) -> None:
        """``why`` says what was expected."""
        super().__init__(f"{file}: {why}", file=file)


class ColumnMissing(CatalogDataError):
    """A table lacks a needed column; ``column`` and ``found`` say which and what is there instead."""

    def __init__(self, file: Path, column: str, found: list[str]) -> None:
        """Name the missing column and list the columns the file has."""
        shown = ", ".join(found[:12]) or "none"
        super().__init__(f"{file}: column {column!r} is missing (the file has: {shown})", file=file)
        self.column = column
        self.found = found


class DataCorrupt(CatalogDataError):
    """A merged file and its manifest do not belong together, or one of them is damaged."""

    def __init__(self, file: Path, why: str) -> None:
        """``why`` says which check failed."""
        super().__init__(f"{file}: {why}; run the pipeline again", file=file)


class OptionInvalid(CatalogDataError):
    """A pipeline option is out of range; ``option`` is its name."""

    def __init__(self, option: str, why: str) -> None:
        """Name the option and its accepted range."""
        super().__init__(f"{option}: {why}")
        self.option = option
