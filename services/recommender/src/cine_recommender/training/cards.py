"""Films as they go over the wire, serialized once: an answer is then a concatenation of bytes.

A chunk is one element of `MatchMoviesResponse.recommendations` up to and including the tag of its score; four bytes of
score complete it. The length in front of the element already counts them.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from cine.common.v1 import film_card_pb2
from cine.recommender.v1 import cinematch_pb2
from cine_recommender.models.layout import SCORE_TAG_BYTES
from cine_recommender.training.films import Films

_CAST = 10
_KEYWORDS = 20
_SCORE_BYTES = 4
_FIELDS = [field.name for field in film_card_pb2.FilmCard.DESCRIPTOR.fields]
_WIRE_LENGTH_DELIMITED, _WIRE_FIXED32 = 2, 5


def write_cards(films: Films, path: Path) -> npt.NDArray[np.int64]:
    """Write the chunks of all films one after the other.

    Returns:
        int64 (films + 1): where each film's chunk begins; the last is the file's size.
    """
    response, matched = cinematch_pb2.MatchMoviesResponse.DESCRIPTOR, cinematch_pb2.MatchedMovie.DESCRIPTOR
    # Serving relies on these sizes (`models.cards`).
    opening = _tag(response.fields_by_name["recommendations"].number, _WIRE_LENGTH_DELIMITED)
    score = _tag(matched.fields_by_name["score"].number, _WIRE_FIXED32)
    assert len(opening) == 1
    assert len(score) == SCORE_TAG_BYTES
    offsets = np.zeros(len(films) + 1, dtype=np.int64)
    with path.open("wb") as out:
        for row, film in enumerate(films.table.iter_rows(named=True), start=1):
            card = _card(film)
            chunk = opening + _varint(len(card) + len(score) + _SCORE_BYTES) + card + score
            out.write(chunk)
            offsets[row] = offsets[row - 1] + len(chunk)
    return offsets


def _card(film: dict[str, Any]) -> bytes:
    """Serialize a card; `MatchedMovie` repeats its fields under the same numbers, which a test checks."""
    values = {name: film[name] for name in _FIELDS}
    values["cast"], values["keywords"] = film["cast"][:_CAST], film["keywords"][:_KEYWORDS]
    values["average_rating"] = round(film["average_rating"], 3)
    return film_card_pb2.FilmCard(**values).SerializeToString()


def _tag(number: int, wire_type: int) -> bytes:
    return _varint(number << 3 | wire_type)


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)
