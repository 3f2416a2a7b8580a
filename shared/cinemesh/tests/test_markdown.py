"""Markdown of strangers: what comes out shows what they meant and runs nothing."""

from __future__ import annotations

import re
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cinemesh.markdown import LINK_REL, plain, render
from cinemesh.testing.markup import ATTACKS, read_markup


@pytest.mark.parametrize("vector", ATTACKS)
def test_nothing_of_a_known_attack_is_more_than_text(vector: str) -> None:
    for text in (
        vector,
        f"before {vector} after",
        f"*{vector}*",
        f"> {vector}\n\n{vector}",
        f"- {vector}",
        f"|a|\n|-|\n|{vector}|",
    ):
        read_markup(render(text))


_PIECES = st.sampled_from(
    [*ATTACKS, "*", "**", "_", "~~", "`", "```\n", "[", "](", ")", "!", "<", ">", "&", '"', "'", "\n", "\n\n", "# ", "- ", "1. ", "|",
     "|-|", "> ", "    ", "\t", "\\", "&#", ";", "javascript:", "https://e.example/", "on", "=", "a", "\u202e", "\ufeff", "\x00", "\r"]
)  # fmt: skip


@settings(max_examples=400, deadline=None)
@given(st.one_of(st.lists(_PIECES, max_size=12).map("".join), st.text(max_size=300)))
def test_whatever_is_written_only_what_is_allowed_comes_out(text: str) -> None:
    read_markup(render(text))
    assert "\n" not in plain(text, 200) and len(plain(text, 200)) <= 201


def test_what_people_mean_is_shown() -> None:
    html = render(
        "# A film\n\nIt is *very* **good**, ~~not~~ `code`, see [the page](https://e.example/a?b=1&c=2) or <mailto:a@e.example>.\n\n"
        "1. one\n2. two\n\n3 < 4 & 5\n\n> quoted\n\n```\nx < y\n```\n\n|a|b|\n|-|-|\n|c|d|\n\n---\n"
    )
    for part in (
        "<h3>A film</h3>",
        "<em>very</em>",
        "<strong>good</strong>",
        "<s>not</s>",
        "<code>code</code>",
        f'<a href="https://e.example/a?b=1&amp;c=2" rel="{LINK_REL}">the page</a>',
        'href="mailto:a@e.example"',
        "<ol>\n<li>one</li>",
        "3 &lt; 4 &amp; 5",
        "<blockquote>\n<p>quoted</p>",
        "<pre><code>x &lt; y\n</code></pre>",
        "<td>d</td>",
        "<hr>",
    ):
        assert part in html, part


def test_html_and_images_are_taken_out_and_words_stay() -> None:
    assert render("<b>bold</b> and <!-- hidden -->plain") == "<p>bold and plain</p>"
    assert render("<div>\nwords\n</div>").split() == ["<p>", "words", "</p>"]
    assert render("a ![picture](https://e.example/x.png) b") == "<p>a  b</p>"
    assert render("I <3 it, 1 < 2 > 0") == "<p>I &lt;3 it, 1 &lt; 2 &gt; 0</p>"
    assert render("`<b>`") == "<p><code>&lt;b&gt;</code></p>"


def test_headings_stay_below_those_of_the_page() -> None:
    made = render("\n\n".join(f"{'#' * level} x" for level in range(1, 7)) + "\n\nx\n=\n")
    assert re.findall(r"<h(\d)>", made) == ["3", "4", "5", "6", "6", "6", "3"]


def test_a_list_may_begin_anywhere() -> None:
    assert '<ol start="7">' in render("7. seven")


def test_nothing_becomes_nothing() -> None:
    assert render("") == render(" \n\n ") == "" and plain("", 10) == ""


def test_a_preview_is_one_line_of_words() -> None:
    text = "# A film\n\nIt is *very* **good**: [see](https://e.example) ![p](https://e.example/x.png)\n\n* one\n* two <b>`x`</b>\n"
    assert plain(text, 200) == "A film It is very good: see one two x"
    assert plain("&lt;b&gt; &amp;", 20) == "<b> &"


def test_a_long_preview_ends_with_a_whole_word() -> None:
    short = plain("word " * 100, 22)
    assert short == "word word word word…" and len(short) <= 22


@pytest.mark.parametrize(
    "piece",
    ["[", "![", "*a ", "**a", "_a_", "`", "``` ", "<", "<a ", "<!--", "<![CDATA[", "&", "](", "[a](", "[a]: b\n", "> ", "- ", "~~a",
     "|a|\n|-|\n", "\\", "<a href=\"", "a**b", "#", "<https://"],
)  # fmt: skip
def test_no_text_takes_long(piece: str) -> None:
    text = (piece * 20_000)[:20_000]
    begun = time.process_time()
    read_markup(render(text))
    plain(text, 200)
    assert time.process_time() - begun < 3.0
