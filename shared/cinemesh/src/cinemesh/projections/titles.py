"""Titles in the order of a shelf."""

from __future__ import annotations

import re
import unicodedata

_ARTICLE = re.compile(r"(?:the|an?)\s+(?=\S)")


def folded(title: str) -> str:
    """Returns a title, or a part of one, without accents and case, and with single spaces."""
    decomposed = unicodedata.normalize("NFKD", title)
    bare = "".join(ch for ch in decomposed if not unicodedata.combining(ch))
    return " ".join(bare.casefold().split())


def sort_title(title: str) -> str:
    """Returns what a title is sorted by: without an English article in front, accents and case."""
    bare = folded(title)
    article = _ARTICLE.match(bare)
    return bare[article.end() :] if article else bare
