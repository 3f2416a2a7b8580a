"""Titles in the order of a shelf."""

from __future__ import annotations

import re
import unicodedata

_ARTICLE = re.compile(r"(?:the|an?)\s+(?=\S)")


def sort_title(title: str) -> str:
    """Returns what a title is sorted by: without an English article in front, accents and case."""
    decomposed = unicodedata.normalize("NFKD", title)
    bare = "".join(ch for ch in decomposed if not unicodedata.combining(ch))
    folded = " ".join(bare.casefold().split())
    article = _ARTICLE.match(folded)
    return folded[article.end() :] if article else folded
