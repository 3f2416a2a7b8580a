"""Markdown that people write, as HTML that any page may show, and as plain text.

Two layers, either of which would do: the parser never passes HTML through and makes links of http, https and mailto alone;
what it makes then goes through an allow list.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

import nh3
from markdown_it import MarkdownIt
from markdown_it.common.html_re import close_tag, open_tag
from markdown_it.rules_core import StateCore
from markdown_it.rules_inline import StateInline
from markdown_it.token import Token

from cinemesh.cards import shortened

_INLINE: Final = frozenset({"a", "br", "code", "del", "em", "s", "strong"})
_BLOCKS: Final = frozenset({"blockquote", "h3", "h4", "h5", "h6", "hr", "li", "ol", "p", "pre", "ul"})
_TABLES: Final = frozenset({"table", "tbody", "td", "th", "thead", "tr"})
TAGS: Final = _INLINE | _BLOCKS | _TABLES
"""Everything that may be in the result."""
ATTRIBUTES: Final[dict[str, set[str]]] = {"*": set(), "a": {"href"}, "ol": {"start"}}
"""Attributes by tag, besides the `rel` that every link gets."""
SCHEMES: Final = frozenset({"http", "https", "mailto"})
LINK_REL: Final = "nofollow noopener ugc"
_ADDRESS = re.compile(r"(?:https?://|mailto:)[^\s]", re.IGNORECASE)
_HEADING = re.compile(r"h([1-6])\Z")
_BREAKS = frozenset({"softbreak", "hardbreak"})
_TAG = re.compile(f"{open_tag}|{close_tag}")
# what else HTML has that is not shown; searched for plainly, as a pattern would read the rest of the text again at every "<!"
_HIDDEN: Final = (("<!--", "-->"), ("<![CDATA[", "]]>"), ("<?", "?>"))
_SPACE = re.compile(r"\s+")


def render(markdown: str) -> str:
    """Returns HTML of `TAGS` alone: no images, no HTML of the writer's own, links that search engines ignore.

    Headings are two levels lower than written, so that they stay below those of the page around them. Takes about a millisecond for
    a long review; call it off the event loop for more.

    Args:
        markdown: CommonMark, with tables and ~~strikethrough~~.
    """
    made = _PARSER.render(markdown)
    return nh3.clean(
        made, tags=set(TAGS), attributes=ATTRIBUTES, url_schemes=set(SCHEMES), link_rel=LINK_REL, strip_comments=True
    ).strip()


def plain(markdown: str, limit: int) -> str:
    """Returns what the Markdown says without its marks, on one line, for previews and letters. It is text, not HTML: escape it.

    Args:
        markdown: as `render` takes it.
        limit: most characters; longer text ends with a whole sentence, or a whole word and an ellipsis.
    """
    return shortened(_SPACE.sub(" ", "".join(_words(_PARSER.parse(markdown)))).strip(), limit)


def _words(tokens: Iterable[Token]) -> Iterable[str]:
    for token in tokens:
        if token.type == "image":
            continue
        if token.children:
            yield from _words(token.children)
        elif token.type in ("text", "code_inline", "code_block", "fence"):
            yield token.content
        elif token.type in _BREAKS:
            yield " "
        if token.block:
            yield " "


def _take_tags_out(state: StateInline, silent: bool) -> bool:  # noqa: ARG001 - the parser's own signature
    """Passes over a tag or comment of HTML: the contracts promise that it is taken out, not shown."""
    if state.src[state.pos] != "<":
        return False
    tag = _TAG.match(state.src, state.pos)
    end = tag.end() if tag is not None else _end_of_hidden(state.src, state.pos)
    if end > 0:
        state.pos = end
    return end > 0


def _end_of_hidden(text: str, start: int) -> int:
    for opening, closing in _HIDDEN:
        if text.startswith(opening, start):
            found = text.find(closing, start + len(opening))
            return found + len(closing) if found >= 0 else 0
    return 0


def _lower_headings(state: StateCore) -> None:
    for token in state.tokens:
        heading = _HEADING.match(token.tag)
        if heading:
            token.tag = f"h{min(int(heading.group(1)) + 2, 6)}"


def _parser() -> MarkdownIt:
    parser = MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"])
    parser.add_render_rule("image", lambda *_: "")
    parser.inline.ruler.after("autolink", "tags_taken_out", _take_tags_out)
    parser.core.ruler.push("lower_headings", _lower_headings)
    # what is no address of these kinds stays the text it was
    parser.validateLink = lambda url: _ADDRESS.match(url) is not None  # type: ignore[method-assign]
    return parser


_PARSER = _parser()
