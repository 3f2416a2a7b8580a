"""Films that are about something, by the meaning of words: the text encoder of the content model."""

from __future__ import annotations

from functools import lru_cache
from typing import Final

import numpy as np

from cine_recommender.interactions import Floats, Mask
from cine_recommender.models.content import ContentModel
from cinemesh.textencoder import StaticTextEncoder, shipped

MOST: Final = 400
"""Films that a wish narrows to: the best fitting ones."""
_REMEMBERED: Final = 64
_LEAST: Final = 0.15
"""How well a film must fit at least: unrelated texts have cosines below it."""


class Meaning:
    """Compares words with what films are about. Threads may share it."""

    def __init__(self, content: ContentModel) -> None:
        """Use the descriptions of a model."""
        self._content = content
        self._fitting = lru_cache(_REMEMBERED)(self._compare)

    def fitting(self, text: str) -> Floats | None:
        """Return how well each film fits, float32 (films,), 0 to 1, read-only; None when no word is known or no film described."""
        return self._fitting(text)

    def related(self, fits: Floats) -> Mask:
        """Return which films are about it at all, bool (films,)."""
        return fits >= _LEAST

    def best(self, fits: Floats, allowed: Mask) -> Mask:
        """Return which of the allowed films fit best, bool (films,): at most `MOST`, none that is unrelated."""
        rows = np.flatnonzero(allowed & self.related(fits))
        if len(rows) > MOST:
            rows = rows[np.argpartition(-fits[rows], MOST - 1)[:MOST]]
        marks = np.zeros(len(fits), dtype=bool)
        marks[rows] = True
        return marks

    def _compare(self, text: str) -> Floats | None:
        likeness = self._content.likeness
        vector = _encoder().encode([text])[0]
        if not vector.any() or not len(likeness.described) or likeness.meaning.shape[1] != len(vector):
            return None
        fits = np.zeros(len(self._content), dtype=np.float32)
        fits[likeness.described] = np.clip(likeness.meaning @ vector / likeness.meaning_length, 0, 1)
        fits.flags.writeable = False
        return fits


@lru_cache(1)
def _encoder() -> StaticTextEncoder:
    return shipped()
