"""Streaming services by the name a card shows, however a data file writes them."""

from __future__ import annotations

from cinemesh.vocabulary import STREAMING_SERVICES, streaming_services

SERVICES: tuple[str, ...] = tuple(STREAMING_SERVICES)
"""Canonical names, best known first."""

_VOCABULARY = streaming_services(SERVICES)


def canonical_service(text: str) -> str | None:
    """The canonical name of a service as anyone writes it ("netflix", "amazon prime", "disney plus"), else ``None``."""
    return _VOCABULARY.find(text)


def canonical_or_given(text: str) -> str:
    """The canonical name, or the given one trimmed: a file may list a service we never heard of."""
    return canonical_service(text) or text.strip()
