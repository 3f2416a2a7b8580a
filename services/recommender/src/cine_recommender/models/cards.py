"""Serialized cards, read where training wrote them (`training.cards` says what a chunk is)."""

from __future__ import annotations

import mmap
from pathlib import Path

import numpy as np
import numpy.typing as npt

from cine_recommender.models.layout import SCORE_TAG_BYTES


class CardFile:
    """Serialized cards by row; `answer` joins them with scores into the repeated field of a response."""

    def __init__(self, path: Path, offsets: npt.NDArray[np.int64]) -> None:
        """Map the file of cards."""
        with path.open("rb") as file:
            self._bytes = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        self._bounds = np.stack([offsets[:-1], offsets[1:]], axis=1)

    def answer(self, rows: npt.NDArray[np.int32], scores: npt.NDArray[np.float32], rest: bytes = b"") -> bytes:
        """Return the elements of `MatchMoviesResponse.recommendations` for these films, in this order.

        Args:
            rows: int32 (n).
            scores: float32 (n).
            rest: The other fields of the response, serialized.
        """
        values = scores.astype("<f4", copy=False).tobytes()
        stored = self._bytes
        parts: list[bytes] = []
        place = 0
        for start, end in self._bounds[rows].tolist():
            parts += (stored[start:end], values[place : place + 4])
            place += 4
        parts.append(rest)
        return b"".join(parts)

    def card(self, row: int) -> bytes:
        """Return one film's serialized `cine.common.v1.FilmCard`."""
        start, end = self._bounds[row].tolist()
        start += 1  # the tag of the repeated field, always one byte
        while self._bytes[start] & 0x80:  # the length in front of the card
            start += 1
        return self._bytes[start + 1 : end - SCORE_TAG_BYTES]
