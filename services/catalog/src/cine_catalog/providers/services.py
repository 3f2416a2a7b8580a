"""Streaming services by the name a card shows, and the many ways people and files write them."""

from __future__ import annotations

import re

_ALIASES: dict[str, tuple[str, ...]] = {
    "Netflix": ("netflix", "netflix basic with ads", "netflix standard with ads", "netflix kids"),
    "Prime Video": (
        "prime video", "prime", "amazon", "amazon prime", "amazon prime video", "amazon prime video with ads",
        "amazon video", "primevideo",
    ),
    "Disney+": ("disney+", "disney plus", "disney", "disneyplus"),
    "Hulu": ("hulu",),
    "Max": ("max", "hbo", "hbo max", "hbomax", "max amazon channel", "hbo max amazon channel"),
    "Apple TV+": ("apple tv+", "apple tv plus", "apple tv", "apple", "appletv", "appletv+"),
    "Paramount+": (
        "paramount+", "paramount plus", "paramount", "paramount plus premium", "paramount plus essential",
        "paramount+ amazon channel", "paramount plus apple tv channel",
    ),
    "Peacock": ("peacock", "peacock premium", "peacock premium plus", "peacock tv"),
    "Criterion Channel": ("criterion channel", "the criterion channel", "criterion"),
    "MUBI": ("mubi", "mubi amazon channel"),
    "Tubi": ("tubi", "tubi tv"),
    "Crunchyroll": ("crunchyroll", "crunchyroll amazon channel"),
}  # fmt: skip
SERVICES: tuple[str, ...] = tuple(_ALIASES)
"""Canonical names, best known first."""

_SEPARATORS = re.compile(r"[\s_.-]+")


def _key(text: str) -> str:
    return _SEPARATORS.sub(" ", text.strip().lower()).strip()


_CANONICAL = {_key(alias): name for name, aliases in _ALIASES.items() for alias in aliases}


def canonical_service(text: str) -> str | None:
    """The canonical name of a service as anyone writes it ("netflix", "amazon prime", "disney plus"), else ``None``."""
    return _CANONICAL.get(_key(text))


def canonical_or_given(text: str) -> str:
    """The canonical name, or the given one trimmed: a file may list a service we never heard of."""
    return canonical_service(text) or text.strip()
