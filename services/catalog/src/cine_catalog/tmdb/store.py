"""The fetcher's store: an append-only JSONL file that survives being killed at any byte."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import BinaryIO

from pydantic import ValidationError

from cine_catalog.tmdb.errors import StoreBusy
from cine_catalog.tmdb.records import StoredAnswer

STORE_FILE = "movies.jsonl"


@dataclass(frozen=True, slots=True)
class BrokenLine:
    """A line that is not an answer: its number from 1, why, and its first characters."""

    line: int
    reason: str
    excerpt: str


def read_answers(path: Path) -> Iterator[StoredAnswer | BrokenLine]:
    """Every line of a store. A last line without its newline was torn by a kill and is passed over."""
    with path.open("rb") as file:
        for number, line in enumerate(file, start=1):
            if not line.endswith(b"\n"):
                return
            if not line.strip():
                continue
            try:
                yield StoredAnswer.model_validate_json(line)
            except ValidationError:
                yield BrokenLine(number, "not a stored TMDb answer", line[:120].decode("utf-8", "replace"))


class AnswerStore:
    """Appends answers in batches, each batch synced to the disk before it counts as kept.

    Use as a context manager. One writer at a time; ``done`` holds the ids that need no further request.
    """

    def __init__(self, folder: Path) -> None:
        """``folder`` is created when it does not exist."""
        self.path = folder / STORE_FILE
        self.done: set[int] = set()
        self.not_found: set[int] = set()
        self._file: BinaryIO | None = None

    def __enter__(self) -> AnswerStore:
        """Open and lock the store, cut off a torn last line and learn what is already there.

        Raises:
            StoreBusy: another process has it open.
        """
        self.path.parent.mkdir(parents=True, exist_ok=True)
        file = self.path.open("ab")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            file.close()
            raise StoreBusy(f"another fetcher is writing to {self.path}") from None
        self._cut_torn_line(file)
        for answer in read_answers(self.path):
            if isinstance(answer, StoredAnswer):
                self._remember(answer)
        self._file = file
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the file; everything appended is already synced."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def append(self, answers: Sequence[StoredAnswer]) -> None:
        """Write a batch and wait for the disk. Blocking: call it off the event loop.

        Raises:
            RuntimeError: the store is not open.
        """
        if self._file is None:
            raise RuntimeError("the store is not open")
        self._file.write(b"".join(answer.model_dump_json(exclude_defaults=True).encode() + b"\n" for answer in answers))
        self._file.flush()
        os.fsync(self._file.fileno())
        for answer in answers:
            self._remember(answer)

    def _remember(self, answer: StoredAnswer) -> None:
        if answer.status != "invalid":
            self.done.add(answer.tmdb_id)
        if answer.status == "not_found":
            self.not_found.add(answer.tmdb_id)

    def _cut_torn_line(self, file: BinaryIO) -> None:
        data_end = self.path.stat().st_size
        with self.path.open("rb") as reader:
            position = data_end
            while position > 0:
                start = max(0, position - 65_536)
                reader.seek(start)
                newline = reader.read(position - start).rfind(b"\n")
                if newline >= 0:
                    position = start + newline + 1
                    break
                position = start
        if position < data_end:
            file.truncate(position)
            os.fsync(file.fileno())
