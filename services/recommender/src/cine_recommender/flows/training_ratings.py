"""What people rated here, written where a training can read it: only one process may open a SQLite store, and training is another."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cine_recommender.store import doings
from cinemesh.db import Database

HEADER: Final = "person,movie_id,halves,at\n"
_PAGE: Final = 2_000


@dataclass(frozen=True, slots=True)
class Exported:
    """A file of ratings.

    Attributes:
        rows: how many it holds.
        digest: sha256 of them; empty when there is none.
    """

    rows: int
    digest: str


async def export(database: Database, path: Path | None, told: Callable[[], Awaitable[None]] | None = None) -> Exported:
    """Writes every rating that holds, a page at a time, so that neither memory nor the store's only thread is taken up.

    People are numbers made of their ids: the same in every file, and nobody is named in it.

    Args:
        database: the recommender's store.
        path: a CSV file to write, readable by ourselves alone; None to only find out the digest.
        told: called after every page.

    Raises:
        CineError: the store does not answer.
        OSError: the file cannot be written.
    """
    if path is not None:
        await asyncio.to_thread(_begin, path)
    digest, rows, after = hashlib.sha256(), 0, ""
    while True:
        page = await database.read(lambda tx, start=after: doings.ratings_after(tx, start, _PAGE))  # type: ignore[misc]
        if not page:
            return Exported(rows, digest.hexdigest() if rows else "")
        text = "".join(map(_line, page))
        digest.update(text.encode())
        if path is not None:
            await asyncio.to_thread(_append, path, text)
        rows, after = rows + len(page), page[-1][0]
        if told is not None:
            await told()


def _line(row: Sequence[str | int]) -> str:
    _, user_id, movie_id, halves, at = row
    return f"{person_number(str(user_id))},{movie_id},{halves},{at}\n"


def person_number(user_id: str) -> int:
    """Returns a number of 63 bits for a person; of a million people two share one with a chance of one in ten million."""
    return int.from_bytes(hashlib.blake2b(user_id.encode(), digest_size=8).digest()) >> 1


def _begin(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    path.touch(mode=0o600)
    path.write_text(HEADER)


def _append(path: Path, text: str) -> None:
    with path.open("a", encoding="ascii") as file:
        file.write(text)
