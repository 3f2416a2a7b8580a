"""A sentence encoder a test can read at a glance: each word has a vector, a text is their mean. Real ONNX, real tokenizer, 1 KB.

The bytes of the graph are written by hand, since the packages that write them are part of no environment that runs tests.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping, Sequence

import numpy as np
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers

from cinemesh.artifacts import Artifact, ArtifactStore
from cinemesh.textencoder import IDS, MASK, POOLED, SENTENCE_KIND, save_sentence_encoder

UNKNOWN = "[UNK]"
_FLOAT, _INT64 = 1, 7
_OPSET, _IR = 13, 8


def publish_tiny_encoder(
    store: ArtifactStore, words: Mapping[str, Sequence[float]], *, name: str = "tiny", max_tokens: int = 128
) -> Artifact:
    """Publish an encoder that knows these words, and serve it. Other words count nothing in the sum, but as words in the mean.

    Args:
        store: where.
        words: lower case; vectors of one length.
        name: of the model.
        max_tokens: words a text is cut at.
    """
    dimensions = len(next(iter(words.values())))
    table = np.array([[0.0] * dimensions, *words.values()], dtype=np.float32)
    tokenizer = Tokenizer(
        models.WordLevel({UNKNOWN: 0, **{word: 1 + number for number, word in enumerate(words)}}, unk_token=UNKNOWN)
    )
    tokenizer.normalizer, tokenizer.pre_tokenizer = normalizers.Lowercase(), pre_tokenizers.Whitespace()
    with store.stage(SENTENCE_KIND) as staged:
        save_sentence_encoder(
            staged.path,
            onnx=_mean_of_rows(table),
            tokenizer_json=tokenizer.to_str(),
            max_tokens=max_tokens,
            dimensions=dimensions,
        )
        return staged.publish(fingerprint=json.dumps(sorted(words)), parameters={"name": name})


def _mean_of_rows(table: np.ndarray[tuple[int, ...], np.dtype[np.float32]]) -> bytes:
    """The graph: rows of a table by id, their mean where the mask is 1."""
    nodes = [
        _node("Gather", ["table", IDS], ["rows"]),
        _node("Cast", [MASK], ["flat"], to=_FLOAT),
        _node("Unsqueeze", ["flat", "last"], ["mask"]),
        _node("Mul", ["rows", "mask"], ["masked"]),
        _node("ReduceSum", ["masked", "tokens"], ["sum"], keepdims=0),
        _node("ReduceSum", ["mask", "tokens"], ["count"], keepdims=0),
        _node("Div", ["sum", "count"], [POOLED]),
    ]
    tensors = [
        _tensor("table", _FLOAT, table.shape, table.tobytes()),
        _tensor("last", _INT64, (1,), struct.pack("<q", -1)),
        _tensor("tokens", _INT64, (1,), struct.pack("<q", 1)),
    ]
    graph = b"".join(
        [
            *(_sub(1, node) for node in nodes),
            _text(2, "tiny"),
            *(_sub(5, tensor) for tensor in tensors),
            *(_sub(11, _value(one, _INT64, "texts", "words")) for one in (IDS, MASK)),
            _sub(12, _value(POOLED, _FLOAT, "texts", "dimensions")),
        ]
    )
    return _number(1, _IR) + _sub(7, graph) + _sub(8, _text(1, "") + _number(2, _OPSET))


def _node(kind: str, inputs: Sequence[str], outputs: Sequence[str], **attributes: int) -> bytes:
    named = [
        _sub(5, _text(1, name) + _number(3, value) + _number(20, 2))  # 2: an integer
        for name, value in attributes.items()
    ]
    return b"".join([*(_text(1, one) for one in inputs), *(_text(2, one) for one in outputs), _text(4, kind), *named])


def _tensor(name: str, kind: int, shape: Sequence[int], raw: bytes) -> bytes:
    return b"".join([*(_number(1, size) for size in shape), _number(2, kind), _text(8, name), _sub(9, raw)])


def _value(name: str, kind: int, *dimensions: str) -> bytes:
    shape = b"".join(_sub(1, _text(2, one)) for one in dimensions)
    return _text(1, name) + _sub(2, _sub(1, _number(1, kind) + _sub(2, shape)))


def _varint(value: int) -> bytes:
    out = bytearray()
    while True:
        value, low = value >> 7, value & 0x7F
        out.append(low | (0x80 if value else 0))
        if not value:
            return bytes(out)


def _number(field: int, value: int) -> bytes:
    return _varint(field << 3) + _varint(value)


def _sub(field: int, content: bytes) -> bytes:
    return _varint(field << 3 | 2) + _varint(len(content)) + content


def _text(field: int, content: str) -> bytes:
    return _sub(field, content.encode())
