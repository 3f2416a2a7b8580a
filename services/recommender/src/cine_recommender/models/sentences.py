"""Films as sentence embeddings: what a content model has of them where a sentence encoder was present when it was made."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Rows = npt.NDArray[np.int32]
Floats = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Sentences:
    """Embeddings of the films that are described.

    Attributes:
        encoder: version of the encoder that made them.
        described: int32, rows of the films, ascending.
        vectors: float16 (described, dimensions), of length 1, mapped.
    """

    encoder: str
    described: Rows
    vectors: npt.NDArray[np.float16]

    def cosines(self, rows: Rows, vector: Floats) -> Floats:
        """Return how near some described films are to a vector of length 1, float32 (rows,), -1 to 1; only their vectors are read."""
        near: Floats = self.vectors[np.searchsorted(self.described, rows)].astype(np.float32) @ vector
        return near
