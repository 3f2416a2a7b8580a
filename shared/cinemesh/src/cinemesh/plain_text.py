"""Text that people write: what it may hold, so that it can be kept, mailed and shown anywhere."""

from __future__ import annotations

import re
import unicodedata
from urllib.parse import urlsplit

from cinemesh.errors import InvalidArgument

# characters that turn the direction of what follows, or are not seen: they make one name look like another
_DECEIVING = re.compile("[\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff]")
_URL = re.compile(r"[!-~]+\Z")


def plain_text(text: str, field: str, *, lines: bool = False) -> str:
    """Returns text in one form (NFC) and without space around it.

    Args:
        text: as it was sent.
        field: name of the field, for the error.
        lines: whether it may hold line breaks and tabs.

    Raises:
        InvalidArgument: it holds control characters, or marks that change how other text is read.
    """
    clean = unicodedata.normalize("NFC", text.replace("\r\n", "\n")).strip()
    allowed = "\n\t" if lines else ""
    if any(unicodedata.category(ch) == "Cc" and ch not in allowed for ch in clean) or _DECEIVING.search(clean):
        problem = "must be plain text: no control characters, and no marks that are not seen"
        raise InvalidArgument(f"{field} {problem}", violations=[(field, problem)])
    return clean


def web_address(text: str, field: str) -> str:
    """Returns an https address that a page may link to; empty text stays empty.

    Raises:
        InvalidArgument: it is no such address, or carries a name or password of its own.
    """
    if not text:
        return text
    try:
        parts = urlsplit(text)
        good = parts.scheme == "https" and bool(parts.hostname) and "@" not in parts.netloc
        _ = parts.port  # raises for one that is no number
    except ValueError:
        good = False
    if not good or not _URL.match(text):
        problem = "must be an https address in ASCII, without a name or password in it"
        raise InvalidArgument(f"{field} {problem}", violations=[(field, problem)])
    return text


def searchable(text: str, field: str) -> str:
    """Returns text that a store can look for.

    Raises:
        InvalidArgument: it holds a NUL, which no stored text does.
    """
    if "\x00" in text:
        raise InvalidArgument(f"{field} must not hold NUL", violations=[(field, "must not hold NUL")])
    return text
