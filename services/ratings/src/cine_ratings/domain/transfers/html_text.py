"""Turns the little HTML that other places allow in reviews into Markdown, and leaves plain text as it is."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import Final

_TAG: Final = re.compile(r"<(?:/?[a-zA-Z][^<>]{0,2000}|!--)")
_MARKS: Final = {"i": "*", "em": "*", "b": "**", "strong": "**"}
_UNSEEN: Final = frozenset({"script", "style"})
_LINES: Final = re.compile(r"\n{3,}")


def markdown_of(text: str) -> str:
    """Returns Markdown for a text that may hold HTML. What comes out is still untrusted: it is rendered like any other text.

    Tags of italics, bold, links, quotes and paragraphs become their marks, any other tag goes and its text stays. A text
    without tags is not touched, so "3 < 4" and "&" stay what they are.
    """
    if not _TAG.search(text):
        return text
    reader = _Reader()
    reader.feed(text)
    reader.close()
    return _LINES.sub("\n\n", "".join(reader.parts)).strip()


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []
        self._links: list[str] = []
        self._unseen = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _UNSEEN:
            self._unseen += 1
        elif tag in _MARKS:
            self.parts.append(_MARKS[tag])
        elif tag == "a":
            address = dict(attrs).get("href") or ""
            good = address.startswith(("http://", "https://")) and not re.search(r"[\s()<>]", address)
            self._links.append(address if good else "")
            self.parts.append("[" if good else "")
        elif tag == "br":
            self.parts.append("\n")
        elif tag == "blockquote":
            self.parts.append("\n\n> ")
        elif tag in ("p", "div", "li"):
            self.parts.append("\n\n")

    def handle_endtag(self, tag: str) -> None:
        if tag in _UNSEEN:
            self._unseen = max(self._unseen - 1, 0)
        elif tag in _MARKS:
            self.parts.append(_MARKS[tag])
        elif tag == "a" and self._links:
            address = self._links.pop()
            self.parts.append(f"]({address})" if address else "")
        elif tag in ("p", "div", "blockquote"):
            self.parts.append("\n\n")

    def handle_data(self, data: str) -> None:
        if not self._unseen:
            self.parts.append(data)
