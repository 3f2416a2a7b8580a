"""Films that are about something, by the meaning of words: the static encoder finds them, a sentence encoder helps to put them in order.

The sentence encoder is optional. Without one, or where it cannot be used, the static one answers alone; what ran is said.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np
import numpy.typing as npt
from cachetools import LRUCache

from cine_recommender.interactions import Floats, Mask
from cine_recommender.models.content import ContentModel
from cinemesh.textencoder import StaticTextEncoder, shipped
from cinemesh.textencoder.present import EncoderUnusable, PresentEncoder

MOST: Final = 400
"""Films that a wish narrows to: the best fitting ones."""
CANDIDATES: Final = 1000
"""Films that the sentence encoder puts in order: the static one's best. All would find little more (docs/evaluation-notes.md)."""
SENTENCE_SHARE: Final = 0.7
"""Share of the sentence encoder's cosine in how well a film fits; the rest is the static one's: of the same scale, with other errors."""
_REMEMBERED: Final = 64
_LEAST: Final = 0.15
"""How well a film must fit at least: unrelated texts have cosines below it."""
_FAILED: Final = "the sentence encoder failed to answer"
_ALONE: Final = "the wish was matched by the static encoder alone"


@dataclass(frozen=True, eq=False)
class Fit:
    """How well films fit a wish.

    Attributes:
        films: float32 (films,), 0 to 1, read-only; films that were not compared have 0.
        best: bool (films,), the allowed ones that fit best: at most `MOST`, none that is unrelated.
        reranked_by: version of the sentence encoder that decided; empty where the static encoder did.
        reason: why a sentence encoder that there is did not; empty otherwise.
    """

    films: Floats
    best: Mask
    reranked_by: str = ""
    reason: str = ""


class Meaning:
    """Compares words with what films are about. Threads may share it; it blocks for milliseconds, the first time for longer.

    Args:
        content: descriptions of films.
        present: gives the sentence encoder; None for never asking one.
    """

    def __init__(self, content: ContentModel, present: PresentEncoder | None = None) -> None:
        self._content, self._present = content, present
        self._compared = lru_cache(_REMEMBERED)(self._compare)
        self._vectors: LRUCache[str, Floats] = LRUCache(_REMEMBERED)
        self._lock = threading.Lock()

    def related(self, text: str) -> Mask | None:
        """Returns which films are about something at all by the static encoder, bool (films,); None as for `fit`."""
        fits = self._compared(text)
        return None if fits is None else fits >= _LEAST

    def fit(self, text: str, allowed: Mask) -> Fit | None:
        """Returns how well films fit words; None when no word is known or no film described.

        Args:
            text: what films are to be about.
            allowed: bool (films,), films to choose from.
        """
        fits = self._compared(text)
        if fits is None:
            return None
        vector, reason = self._vector(text)
        sentences = self._content.sentences
        if vector is None or sentences is None:
            return Fit(fits, _best(fits, allowed), reason=f"{reason}: {_ALONE}" if reason else "")
        described = sentences.described
        rows = described[allowed[described]]
        rows = np.sort(rows[_largest(fits[rows], CANDIDATES)])
        reranked = np.zeros(len(fits), dtype=np.float32)
        nearness = np.clip(sentences.cosines(rows, vector), 0, 1)
        reranked[rows] = SENTENCE_SHARE * nearness + (1 - SENTENCE_SHARE) * fits[rows]
        reranked.flags.writeable = False
        return Fit(reranked, _best(reranked, allowed), reranked_by=sentences.encoder)

    def _compare(self, text: str) -> Floats | None:
        likeness = self._content.likeness
        vector = _encoder().encode([text])[0]
        if not vector.any() or not len(likeness.described) or likeness.meaning.shape[1] != len(vector):
            return None
        fits = np.zeros(len(self._content), dtype=np.float32)
        fits[likeness.described] = np.clip(likeness.meaning @ vector / likeness.meaning_length, 0, 1)
        fits.flags.writeable = False
        return fits

    def _vector(self, text: str) -> tuple[Floats | None, str]:
        """Returns the sentence encoder's vector of a text, of length 1; None where there is none, and what is wrong if anything is."""
        if self._present is None or self._content.sentences is None:
            return None, ""
        with self._lock:
            vector = self._vectors.get(text)
        if vector is not None:
            return vector, ""
        try:
            encoder = self._present.of_version(self._content.sentences.encoder)
            if encoder is None:
                return None, ""
            vector = encoder.encode([text])[0]
        except EncoderUnusable as unusable:
            return None, str(unusable)
        except Exception as error:  # a runtime of its own: it names nothing that it raises
            self._present.report("failed", repr(error))
            return None, _FAILED
        if not vector.any():
            return None, ""
        with self._lock:
            self._vectors[text] = vector
        return vector, ""


def _best(fits: Floats, allowed: Mask) -> Mask:
    rows = np.flatnonzero(allowed & (fits >= _LEAST))
    marks = np.zeros(len(fits), dtype=bool)
    marks[rows[_largest(fits[rows], MOST)]] = True
    return marks


def _largest(values: Floats, most: int) -> npt.NDArray[np.intp]:
    """Returns places of the largest values, in no order."""
    if len(values) <= most:
        return np.arange(len(values))
    return np.argpartition(-values, most - 1)[:most]


@lru_cache(1)
def _encoder() -> StaticTextEncoder:
    return shipped()
