"""A static text encoder: one vector a token, averaged.

model2vec's own `StaticModel.encode` is not used for serving because it changes its tokenizer's settings in every call
(two threads would cut each other's texts) and holds its matrix in memory; this loader does neither.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import scipy.sparse
from tokenizers import Tokenizer

from cinemesh.artifacts import ArtifactCorrupt, Manifest, Metric, describe, verify

KIND = "text-encoder"
_VECTORS, _SCALES, _TOKENIZER, _CONFIG = "vectors.npy", "scales.npy", "tokenizer.json", "config.json"
_MAX_TOKENS = 512
_MAX_CHARACTERS = 20_000
_BATCH = 2048

EncoderCorrupt = ArtifactCorrupt
"""Raised when a file of a model is missing or was altered."""

FloatMatrix = npt.NDArray[np.float32]


class StaticTextEncoder:
    """Turns texts into unit vectors. Immutable, so any number of threads may share one.

    Token vectors are int8 with one float32 scale a token, memory-mapped: processes on one machine share them.
    """

    def __init__(
        self,
        manifest: Manifest,
        vectors: npt.NDArray[np.int8],
        scales: npt.NDArray[np.float32],
        tokenizer: Tokenizer,
        unknown: int | None,
    ) -> None:
        """Made by `load`."""
        self._manifest = manifest
        self._vectors, self._scales, self._tokenizer, self._unknown = vectors, scales, tokenizer, unknown

    @classmethod
    def load(cls, folder: Path) -> StaticTextEncoder:
        """Verify and load the model in `folder`, whose name is the model's version.

        Raises:
            EncoderCorrupt: A file is missing or not the one that the manifest describes; the message names it.
        """
        manifest = verify(folder, kind=KIND, version=folder.name)
        vectors = np.load(folder / _VECTORS, mmap_mode="r")
        scales = np.load(folder / _SCALES)
        tokenizer = Tokenizer.from_file(str(folder / _TOKENIZER))
        tokenizer.no_padding()
        tokenizer.enable_truncation(_MAX_TOKENS)
        config = json.loads((folder / _CONFIG).read_text(encoding="utf-8"))
        if vectors.shape != (tokenizer.get_vocab_size(), config["dimensions"]) or scales.shape != vectors.shape[:1]:
            raise EncoderCorrupt(KIND, folder.name, _VECTORS, f"shape {vectors.shape} does not fit the tokenizer")
        return cls(manifest, vectors, scales, tokenizer, tokenizer.token_to_id(config["unknown_token"]))

    @property
    def name(self) -> str:
        """Name of the model, for answers and manifests: "static-minilm-256"."""
        return self._manifest.version

    @property
    def version(self) -> str:
        """Name and the first 12 digits of its vectors' sha256; equal versions give comparable vectors."""
        return f"{self.name}@{self._manifest.files[_VECTORS].sha256[:12]}"

    @property
    def dimensions(self) -> int:
        """Length of a vector."""
        return int(self._vectors.shape[1])

    def encode(self, texts: Sequence[str]) -> FloatMatrix:
        """Encode texts, in order.

        Args:
            texts: Any number of texts. Beyond 20,000 characters or 512 tokens a text is cut.

        Returns:
            float32 of shape (len(texts), dimensions). Rows have length 1; a text without a known token gives zeros.
        """
        out = np.zeros((len(texts), self.dimensions), dtype=np.float32)
        for start in range(0, len(texts), _BATCH):
            self._encode_into(texts[start : start + _BATCH], out[start : start + _BATCH])
        return out

    def _encode_into(self, texts: Sequence[str], out: FloatMatrix) -> None:
        cut = [text[:_MAX_CHARACTERS] for text in texts]
        encoded = self._tokenizer.encode_batch_fast(cut, add_special_tokens=False)
        lengths = np.fromiter((len(one) for one in encoded), dtype=np.int32, count=len(cut))
        tokens = np.fromiter((token for one in encoded for token in one.ids), dtype=np.int32, count=int(lengths.sum()))
        if tokens.size == 0:
            return
        # Only the rows that occur are read from the map and widened to float32: a query touches a few kilobytes.
        used, column = np.unique(tokens, return_inverse=True)
        weights = self._scales[used]
        if self._unknown is not None:
            weights = np.where(used == self._unknown, np.float32(0), weights)
        starts = np.concatenate(([0], np.cumsum(lengths)))
        counts = scipy.sparse.csr_array((weights[column], column, starts), shape=(len(cut), used.size))
        np.copyto(out, counts @ self._vectors[used].astype(np.float32))
        length = np.sqrt(np.einsum("ij,ij->i", out, out))[:, None]
        np.divide(out, length, out=out, where=length > 0)


def save(
    folder: Path,
    *,
    vectors: FloatMatrix,
    tokenizer_json: str,
    unknown_token: str,
    fingerprint: str,
    parameters: dict[str, object],
    metrics: dict[str, Metric],
) -> Manifest:
    """Write a model that `StaticTextEncoder.load` reads; the folder's name becomes its version.

    Args:
        folder: An existing folder.
        vectors: float32 of shape (tokens, dimensions), token weights already multiplied in.
        tokenizer_json: The tokenizer as `tokenizers` writes it; it has as many tokens as there are vectors.
        unknown_token: Token that stands for what the tokenizer does not know; it counts nothing.
        fingerprint: Identifies the teacher's weights.
        parameters: How it was distilled.
        metrics: Figures for the model card, each with its protocol.
    """
    scales = np.abs(vectors).max(axis=1).astype(np.float32) / 127
    safe = np.where(scales > 0, scales, np.float32(1))
    np.save(folder / _VECTORS, np.rint(vectors / safe[:, None]).astype(np.int8))
    np.save(folder / _SCALES, scales)
    (folder / _TOKENIZER).write_text(tokenizer_json, encoding="utf-8")
    config = {"dimensions": int(vectors.shape[1]), "unknown_token": unknown_token}
    (folder / _CONFIG).write_text(json.dumps(config) + "\n", encoding="utf-8")
    return describe(
        folder, kind=KIND, version=folder.name, fingerprint=fingerprint, parameters=parameters, metrics=metrics
    )
