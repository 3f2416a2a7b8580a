"""Text to vectors without a deep-learning framework: a static encoder that is shipped with the code, and a better one where present.

`shipped()` gives the encoder that every service shares, so that vectors made in one place can be compared in another as
long as their `version` is the same. `cinemesh.textencoder.present` gives the
sentence encoder that `make sentence-encoder` publishes.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

from cinemesh.textencoder._sentence import (
    IDS,
    MASK,
    POOLED,
    SENTENCE_KIND,
    SentenceEncoder,
    save_sentence_encoder,
    sentence_version,
)
from cinemesh.textencoder._static import EncoderCorrupt, StaticTextEncoder, save

SHIPPED = Path(__file__).parent / "static-minilm-256"
"""Folder of the shipped model; its README.md is the model card."""


@cache
def shipped() -> StaticTextEncoder:
    """Return the shipped encoder, verified and loaded once a process.

    Raises:
        EncoderCorrupt: A file of the model is missing or was altered; the message names it.
    """
    return StaticTextEncoder.load(SHIPPED)


__all__ = [
    "IDS",
    "MASK",
    "POOLED",
    "SENTENCE_KIND",
    "SHIPPED",
    "EncoderCorrupt",
    "SentenceEncoder",
    "StaticTextEncoder",
    "save",
    "save_sentence_encoder",
    "sentence_version",
    "shipped",
]
