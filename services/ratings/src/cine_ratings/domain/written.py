"""Text in Markdown: as somebody wrote it, and as everybody may see it."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import Final

from cinemesh.errors import InvalidArgument
from cinemesh.markdown import plain, render

_LINES: Final = "\n\t"
_SEEN: Final = "LNPS"
"""Categories of characters that are seen: letters, numbers, punctuation, symbols."""
# embeddings and overrides turn the direction of whatever is printed after them; isolates and marks do not, and people who
# write from right to left need those
_TURNING = re.compile("[\u202a-\u202e]")


@dataclass(frozen=True, slots=True)
class Text:
    """A text.

    Attributes:
        markdown: as written.
        html: to show, sanitised.
    """

    markdown: str
    html: str


EMPTY: Final = Text("", "")


def written(markdown: str, field: str = "body_markdown") -> Text:
    """Returns a text as it is kept: one form (NFC), no space around it, and rendered.

    Args:
        markdown: as it was sent.
        field: name of the field, for the error.

    Raises:
        InvalidArgument: it holds control characters, or nothing is left of it once images and HTML are taken out.
    """
    lines = markdown.replace("\r\n", "\n").replace("\r", "\n")
    clean = unicodedata.normalize("NFC", lines).strip()
    if any(unicodedata.category(ch) == "Cc" and ch not in _LINES for ch in clean) or _TURNING.search(clean):
        problem = "must hold no control characters"
        raise InvalidArgument(f"{field} {problem}", violations=[(field, problem)])
    if not any(unicodedata.category(ch)[0] in _SEEN for ch in plain(clean, len(clean) + 1)):
        problem = "must say something beside images and markup"
        raise InvalidArgument(f"{field} {problem}", violations=[(field, problem)])
    return Text(clean, render(clean))
