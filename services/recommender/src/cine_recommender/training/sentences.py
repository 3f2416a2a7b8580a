"""Described films as sentence embeddings, where a sentence encoder is present: for re-ranking what fits a wish in words.

An encoder does some 70 to 110 texts a second on a core, so what the versions at hand embedded already is taken from them: training
again embeds only films that are new or described anew.
"""

from __future__ import annotations

import hashlib
import logging
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from cine_recommender.models import layout
from cinemesh.artifacts import ArtifactError, ArtifactStore
from cinemesh.textencoder import SENTENCE_KIND, SentenceEncoder, sentence_version

_DIGEST_BYTES = 16
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Embedded:
    """Texts as vectors.

    Attributes:
        vectors: float16 (texts, dimensions), rows of length 1.
        digests: uint8 (texts, 16), of the texts.
        anew: texts that no version at hand had embedded.
    """

    vectors: npt.NDArray[np.float16]
    digests: npt.NDArray[np.uint8]
    anew: int

    def save(self, folder: Path) -> None:
        """Write both arrays into the folder of a content artifact."""
        np.save(folder / layout.SENTENCES, self.vectors)
        np.save(folder / layout.SENTENCE_TEXTS, self.digests)


def present_version(store: ArtifactStore) -> str:
    """Return the version of the sentence encoder that is present and whole; empty when there is none.

    One that is damaged is logged: films are then matched by the static encoder alone.
    """
    try:
        if store.current_version(SENTENCE_KIND) is None:
            return ""
        return sentence_version(store.current(SENTENCE_KIND).manifest)
    except ArtifactError as error:
        _log.warning("films are not embedded: %s", error)
        return ""


def embed(texts: Sequence[str], store: ArtifactStore, told: Callable[[float], None]) -> tuple[str, Embedded]:
    """Embed texts with the encoder that is present; returns its version too.

    Args:
        texts: descriptions.
        store: of models: of the encoder, and of the versions whose vectors are taken over.
        told: called with the share that is done, 0 to 1.

    Raises:
        ArtifactError: the encoder is gone, or cannot be run.
    """
    artifact = store.current(SENTENCE_KIND)
    version = sentence_version(artifact.manifest)
    known = _known(store, version)
    digests = [hashlib.blake2b(text.encode(), digest_size=_DIGEST_BYTES).digest() for text in texts]
    new = [number for number, digest in enumerate(digests) if digest not in known]
    if new:
        encoder = SentenceEncoder.load(artifact, threads=_threads())
        made = encoder.encode([texts[number] for number in new], lambda done: told(done / len(new)))
        # the same text twice is the same vector twice
        known |= zip((digests[number] for number in new), made.astype(np.float16), strict=True)
    vectors = [known[digest] for digest in digests]
    return version, Embedded(
        vectors=np.stack(vectors) if vectors else np.empty((0, 0), dtype=np.float16),
        digests=np.frombuffer(b"".join(digests), dtype=np.uint8).reshape(-1, _DIGEST_BYTES),
        anew=len(new),
    )


def _known(store: ArtifactStore, version: str) -> dict[bytes, npt.NDArray[np.float16]]:
    """Return vectors by digest of their texts, of the newest content model that was embedded with the same encoder."""
    for name in reversed(store.versions(layout.KIND)):
        try:
            if store.manifest(layout.KIND, name).parameters.get(layout.SENTENCE_ENCODER) != version:
                continue
            artifact = store.get(layout.KIND, name)
            vectors = np.load(artifact.file(layout.SENTENCES), mmap_mode="r")
            digests = np.load(artifact.file(layout.SENTENCE_TEXTS))
        except (ArtifactError, OSError, ValueError) as error:
            _log.info("embeddings are not taken over from %s: %s", name, error)
            continue
        return dict(zip((row.tobytes() for row in digests), vectors, strict=True))
    return {}


def _threads() -> int:
    """Return as many threads as matrices are given; 0, one a core, where nobody says."""
    said = os.environ.get("OMP_NUM_THREADS", "")
    return int(said) if said.isdecimal() else 0
