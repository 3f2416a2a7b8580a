"""Details of an answer as bytes: a few kilobytes for twenty films, written in a fraction of a millisecond."""

from __future__ import annotations

import json
import zlib
from collections.abc import Sequence
from typing import Any, Final

import numpy as np

from cine_recommender.domain.impression import Because, Details, SignalUsed, Told
from cine_recommender.domain.taste import COMPONENTS

_FORM: Final = b"\x01"
_LENGTH_BYTES: Final = 4
_FAST: Final = 1


def encode(details: Details) -> bytes:
    """Returns details as bytes; numbers in arrays are kept as float32 and int32."""
    words = {
        "told": [[one.text, one.worded_by, _films(one.because)] for one in details.told],
        "signals": [[one.signal, one.model, one.weight] for one in details.signals],
        "because": [[*place, _films(films)] for place, films in details.signal_because.items() if films],
    }
    head = json.dumps(words, ensure_ascii=False, separators=(",", ":")).encode()
    floats = (details.scores, details.shares, details.signal_scores)
    counts = (details.ranks, details.ranks_by_score, details.signal_ranks)
    body = [np.ascontiguousarray(one, dtype="<f4").tobytes() for one in floats]
    body += [np.ascontiguousarray(one, dtype="<i4").tobytes() for one in counts]
    return _FORM + zlib.compress(b"".join([len(head).to_bytes(_LENGTH_BYTES, "little"), head, *body]), _FAST)


def decode(kept: bytes) -> Details:
    """Returns what `encode` was given.

    Raises:
        ValueError: it is in a form that this version does not know, or damaged.
    """
    if kept[:1] != _FORM:
        raise ValueError("details of an answer are in a form that is not known")
    try:
        raw = zlib.decompress(kept[1:])
    except zlib.error as fault:
        raise ValueError("details of an answer are damaged") from fault
    start = _LENGTH_BYTES + int.from_bytes(raw[:_LENGTH_BYTES], "little")
    words: dict[str, Any] = json.loads(raw[_LENGTH_BYTES:start])
    films, signals = len(words["told"]), len(words["signals"])

    def take(kind: str, *shape: int) -> Any:
        nonlocal start
        count = int(np.prod(shape))
        part = np.frombuffer(raw, dtype=kind, count=count, offset=start).reshape(shape)
        start += part.nbytes
        return part

    scores, shares, signal_scores = take("<f4", films), take("<f4", films, len(COMPONENTS)), take("<f4", films, signals)
    ranks, ranks_by_score, signal_ranks = take("<i4", films), take("<i4", films), take("<i4", films, signals)
    return Details(
        ranks=ranks,
        ranks_by_score=ranks_by_score,
        scores=scores,
        shares=shares,
        told=[Told(text, _because(named), worded_by) for text, worded_by, named in words["told"]],
        signals=[SignalUsed(*one) for one in words["signals"]],
        signal_scores=signal_scores,
        signal_ranks=signal_ranks,
        signal_because={(film, signal): _because(named) for film, signal, named in words["because"]},
    )


def _films(films: Sequence[Because]) -> list[list[Any]]:
    return [[int(one.movie_id), float(one.share), None if one.stars is None else float(one.stars)] for one in films]


def _because(kept: list[list[Any]]) -> list[Because]:
    return [Because(*one) for one in kept]
