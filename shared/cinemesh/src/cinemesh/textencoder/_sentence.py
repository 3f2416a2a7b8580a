"""A sentence encoder: a transformer in ONNX form, with its tokenizer. Better than the static one, and a thousand times dearer.

It is not shipped: `make sentence-encoder` publishes it as an artifact, and whoever wants it looks whether it is there
(`cinemesh.textencoder.present`).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from tokenizers import Encoding, Tokenizer

from cinemesh.artifacts import Artifact, ArtifactCorrupt, Manifest
from cinemesh.textencoder._static import FloatMatrix

if TYPE_CHECKING:
    import onnxruntime

SENTENCE_KIND = "sentence-encoder"
IDS, MASK, POOLED = "input_ids", "attention_mask", "pooled"
"""Inputs, int64 (texts, tokens), and output, float32 (texts, dimensions), of the graph: the mean over the tokens of a text."""
_MODEL, _TOKENIZER, _CONFIG = "model.onnx", "tokenizer.json", "config.json"
_MAX_CHARACTERS = 20_000
_BATCH = 32


class SentenceEncoder:
    """Turns texts into unit vectors that say what they mean. Any number of threads may share one; it blocks for milliseconds a text."""

    def __init__(
        self, manifest: Manifest, session: onnxruntime.InferenceSession, tokenizer: Tokenizer, dimensions: int
    ) -> None:
        """Made by `load`."""
        self._manifest, self._session, self._tokenizer = manifest, session, tokenizer
        self._dimensions = dimensions

    @classmethod
    def load(cls, artifact: Artifact, *, threads: int = 1) -> SentenceEncoder:
        """Load a verified artifact; takes some tenths of a second.

        Args:
            artifact: Of kind `SENTENCE_KIND`.
            threads: Threads that work at one text; 0 for one a core.

        Raises:
            ArtifactCorrupt: It does not hold an encoder that can be run.
        """
        import onnxruntime  # takes a while to import, and few processes need it

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
        # threads that wait spinning would take the cores of those who serve
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        options.log_severity_level = 3
        try:
            config = json.loads(artifact.file(_CONFIG).read_text(encoding="utf-8"))
            tokenizer = Tokenizer.from_file(str(artifact.file(_TOKENIZER)))
            tokenizer.no_padding()
            tokenizer.enable_truncation(config["max_tokens"])
            session = onnxruntime.InferenceSession(
                str(artifact.file(_MODEL)), options, providers=["CPUExecutionProvider"]
            )
            encoder = cls(artifact.manifest, session, tokenizer, config["dimensions"])
            _ = encoder.version
            encoder.encode(["a film"])
        except ArtifactCorrupt:
            raise
        except Exception as error:  # neither library names what it raises
            raise ArtifactCorrupt(SENTENCE_KIND, artifact.version, _MODEL, f"cannot be run: {error}") from error
        return encoder

    @property
    def name(self) -> str:
        """Name of the model, such as "all-minilm-l6-v2-int8"."""
        return str(self._manifest.parameters["name"])

    @property
    def version(self) -> str:
        """Name and a digest of its files; equal versions give comparable vectors."""
        return sentence_version(self._manifest)

    @property
    def dimensions(self) -> int:
        """Length of a vector."""
        return self._dimensions

    def encode(self, texts: Sequence[str], told: Callable[[int], None] | None = None) -> FloatMatrix:
        """Encode texts, in order.

        Args:
            texts: Any number of texts. Beyond 20,000 characters or the model's number of tokens (128) a text is cut.
            told: Called now and then with how many are done.

        Returns:
            float32 of shape (len(texts), dimensions). Rows have length 1; a text that says nothing may give zeros.
        """
        out = np.zeros((len(texts), self._dimensions), dtype=np.float32)
        encoded = self._tokenizer.encode_batch([text[:_MAX_CHARACTERS] for text in texts])
        # texts of like length side by side: what is padded is computed for nothing; the longest first, so that it goes faster and faster
        order = sorted(range(len(texts)), key=lambda number: -len(encoded[number]))
        for start in range(0, len(order), _BATCH):
            rows = order[start : start + _BATCH]
            out[rows] = self._pooled([encoded[row] for row in rows])
            if told is not None:
                told(start + len(rows))
        length = np.sqrt(np.einsum("ij,ij->i", out, out))[:, None]
        np.divide(out, length, out=out, where=length > 0)
        return out

    def _pooled(self, batch: Sequence[Encoding]) -> FloatMatrix:
        ids = np.zeros((len(batch), max(1, *map(len, batch))), dtype=np.int64)
        mask = np.zeros_like(ids)
        for row, one in enumerate(batch):
            ids[row, : len(one)] = one.ids
            mask[row, : len(one)] = 1
        if not mask.any():  # nothing to take a mean of
            return np.zeros((len(batch), self._dimensions), dtype=np.float32)
        pooled: FloatMatrix = self._session.run([POOLED], {IDS: ids, MASK: mask})[0]
        return np.nan_to_num(pooled, copy=False)  # a text without a token has no mean


def sentence_version(manifest: Manifest) -> str:
    """Return what `SentenceEncoder.version` is, without loading one.

    Raises:
        ArtifactCorrupt: The manifest gives no name.
    """
    name = manifest.parameters.get("name")
    if not isinstance(name, str) or not name:
        raise ArtifactCorrupt(SENTENCE_KIND, manifest.version, "manifest.json", "parameters.name is missing")
    files = "\n".join(f"{file} {manifest.files[file].sha256}" for file in sorted(manifest.files))
    return f"{name}@{hashlib.sha256(files.encode()).hexdigest()[:12]}"


def save_sentence_encoder(folder: Path, *, onnx: bytes, tokenizer_json: str, max_tokens: int, dimensions: int) -> None:
    """Write the files that `SentenceEncoder.load` reads; publishing them, with `name` among the parameters, is the caller's.

    Args:
        folder: An existing folder, such as that of `Staged.path`.
        onnx: A graph with inputs `IDS` and `MASK` and output `POOLED`.
        tokenizer_json: The tokenizer as `tokenizers` writes it.
        max_tokens: Tokens a text is cut at, with those the tokenizer adds.
        dimensions: Length of a vector.
    """
    (folder / _MODEL).write_bytes(onnx)
    (folder / _TOKENIZER).write_text(tokenizer_json, encoding="utf-8")
    config = {"dimensions": dimensions, "max_tokens": max_tokens}
    (folder / _CONFIG).write_text(json.dumps(config) + "\n", encoding="utf-8")
