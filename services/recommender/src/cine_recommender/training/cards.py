"""Films as they go over the wire, serialized once: an answer is then a concatenation of bytes.

A chunk is one element of `MatchMoviesResponse.recommendations` up to and including the tag of its score; four bytes of
score complete it. The length in front of the element already counts them.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt

from cine.recommender.v1 import cinematch_pb2
from cine_recommender.models.layout import SCORE_TAG_BYTES
from cine_recommender.training.films import Films
from cinemesh.cards import film_card, tag, varint

_SCORE_BYTES = 4
_WIRE_LENGTH_DELIMITED, _WIRE_FIXED32 = 2, 5


def write_cards(films: Films, path: Path) -> npt.NDArray[np.int64]:
    """Write the chunks of all films one after the other.

    Returns:
        int64 (films + 1): where each film's chunk begins; the last is the file's size.
    """
    response, matched = cinematch_pb2.MatchMoviesResponse.DESCRIPTOR, cinematch_pb2.MatchedMovie.DESCRIPTOR
    # Serving relies on these sizes (`models.cards`).
    opening = tag(response.fields_by_name["recommendations"].number, _WIRE_LENGTH_DELIMITED)
    score = tag(matched.fields_by_name["score"].number, _WIRE_FIXED32)
    assert len(opening) == 1
    assert len(score) == SCORE_TAG_BYTES
    offsets = np.zeros(len(films) + 1, dtype=np.int64)
    with path.open("wb") as out:
        for row, film in enumerate(films.table.iter_rows(named=True), start=1):
            card = film_card(film).SerializeToString()
            chunk = opening + varint(len(card) + len(score) + _SCORE_BYTES) + card + score
            out.write(chunk)
            offsets[row] = offsets[row - 1] + len(chunk)
    return offsets
