"""Markdown of strangers: what comes out shows what they meant and runs nothing."""

from __future__ import annotations

import re
import time
from html.parser import HTMLParser
from urllib.parse import urlsplit

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cinemesh.markdown import ATTRIBUTES, LINK_REL, SCHEMES, TAGS, plain, render

# after the OWASP cheat sheet "XSS filter evasion", and what Markdown adds to it
VECTORS = (
    "<script>alert(1)</script>",
    "<SCRIPT SRC=https://xss.example/xss.js></SCRIPT>",
    "javascript:/*--></title></style></textarea></script></xmp><svg/onload='+/\"`/+/onmouseover=1/+/[*/[]/+alert(42);//'>",
    "<IMG SRC=\"javascript:alert('XSS');\">",
    "<IMG SRC=javascript:alert('XSS')>",
    "<IMG SRC=JaVaScRiPt:alert('XSS')>",
    "<IMG SRC=`javascript:alert(\"RSnake says, 'XSS'\")`>",
    '<a onmouseover="alert(document.cookie)">xxs link</a>',
    "<a onmouseover=alert(document.cookie)>xxs link</a>",
    '<IMG """><SCRIPT>alert("XSS")</SCRIPT>"\\>',
    "<IMG SRC=javascript:alert(String.fromCharCode(88,83,83))>",
    "<IMG SRC=# onmouseover=\"alert('xxs')\">",
    "<IMG SRC= onmouseover=\"alert('xxs')\">",
    "<IMG onmouseover=\"alert('xxs')\">",
    "<IMG SRC=/ onerror=\"alert(String.fromCharCode(88,83,83))\"></img>",
    "<img src=x onerror=\"&#0000106&#0000097&#0000118&#0000097&#0000115&#0000099&#0000114&#0000105&#0000112&#0000116&#0000058alert(1)\">",
    "<IMG SRC=&#106;&#97;&#118;&#97;&#115;&#99;&#114;&#105;&#112;&#116;&#58;&#97;&#108;&#101;&#114;&#116;&#40;&#39;&#88;&#39;&#41;>",
    "<IMG SRC=&#x6A&#x61&#x76&#x61&#x73&#x63&#x72&#x69&#x70&#x74&#x3A&#x61&#x6C&#x65&#x72&#x74&#x28&#x27&#x58&#x27&#x29>",
    "<IMG SRC=\"jav\tascript:alert('XSS');\">",
    "<IMG SRC=\"jav&#x09;ascript:alert('XSS');\">",
    "<IMG SRC=\"jav&#x0A;ascript:alert('XSS');\">",
    "<IMG SRC=\"jav&#x0D;ascript:alert('XSS');\">",
    "<IMG SRC=\" &#14;  javascript:alert('XSS');\">",
    "<SCRIPT/XSS SRC=\"https://xss.example/xss.js\"></SCRIPT>",
    "<BODY onload!#$%&()*~+-_.,:;?@[/|\\]^`=alert(\"XSS\")>",
    "<SCRIPT/SRC=\"https://xss.example/xss.js\"></SCRIPT>",
    "<<SCRIPT>alert(\"XSS\");//\\<</SCRIPT>",
    "<SCRIPT SRC=https://xss.example/xss.js?< B >",
    "<SCRIPT SRC=//xss.example/.j>",
    "<IMG SRC=\"`<javascript:alert>`('XSS')\"",
    "</script><script>alert('XSS');</script>",
    "</TITLE><SCRIPT>alert(\"XSS\");</SCRIPT>",
    "<INPUT TYPE=\"IMAGE\" SRC=\"javascript:alert('XSS');\">",
    "<BODY BACKGROUND=\"javascript:alert('XSS')\">",
    "<IMG DYNSRC=\"javascript:alert('XSS')\">",
    "<IMG LOWSRC=\"javascript:alert('XSS')\">",
    "<STYLE>li {list-style-image: url(\"javascript:alert('XSS')\");}</STYLE><UL><LI>XSS</br>",
    "<IMG SRC='vbscript:msgbox(\"XSS\")'>",
    "<svg/onload=alert('XSS')>",
    "Set.constructor`alert\\x28document.domain\\x29",
    "<BODY ONLOAD=alert('XSS')>",
    "<BGSOUND SRC=\"javascript:alert('XSS');\">",
    "<BR SIZE=\"&{alert('XSS')}\">",
    "<LINK REL=\"stylesheet\" HREF=\"javascript:alert('XSS');\">",
    "<STYLE>@import'https://xss.example/xss.css';</STYLE>",
    "<META HTTP-EQUIV=\"Link\" Content=\"<https://xss.example/xss.css>; REL=stylesheet\">",
    "<STYLE>BODY{-moz-binding:url(\"https://xss.example/xssmoz.xml#xss\")}</STYLE>",
    "<IMG STYLE=\"xss:expr/*XSS*/ession(alert('XSS'))\">",
    "<STYLE TYPE=\"text/javascript\">alert('XSS');</STYLE>",
    "<XSS STYLE=\"behavior: url(xss.htc);\">",
    "\u00bcscript\u00bealert(\u00a2XSS\u00a2)\u00bc/script\u00be",
    "<META HTTP-EQUIV=\"refresh\" CONTENT=\"0;url=javascript:alert('XSS');\">",
    "<META HTTP-EQUIV=\"refresh\" CONTENT=\"0;url=data:text/html base64,PHNjcmlwdD5hbGVydCgnWFNTJyk8L3NjcmlwdD4K\">",
    "<IFRAME SRC=\"javascript:alert('XSS');\"></IFRAME>",
    "<IFRAME SRC=# onmouseover=\"alert(document.cookie)\"></IFRAME>",
    "<FRAMESET><FRAME SRC=\"javascript:alert('XSS');\"></FRAMESET>",
    "<TABLE BACKGROUND=\"javascript:alert('XSS')\"><TD BACKGROUND=\"javascript:alert('XSS')\">",
    "<DIV STYLE=\"background-image: url(javascript:alert('XSS'))\">",
    "<DIV STYLE=\"width: expression(alert('XSS'));\">",
    "<!--[if gte IE 4]><SCRIPT>alert('XSS');</SCRIPT><![endif]-->",
    "<BASE HREF=\"javascript:alert('XSS');//\">",
    "<OBJECT TYPE=\"text/x-scriptlet\" DATA=\"https://xss.example/scriptlet.html\"></OBJECT>",
    "<EMBED SRC=\"data:image/svg+xml;base64,PHN2ZyBvbmxvYWQ9YWxlcnQoMSk+\" type=\"image/svg+xml\" AllowScriptAccess=\"always\"></EMBED>",
    "<XML ID=\"xss\"><I><B>&lt;IMG SRC=\"javas<!-- -->cript:alert('XSS')\"&gt;</B></I></XML>",
    "<HTML><BODY><?xml:namespace prefix=\"t\" ns=\"urn:schemas-microsoft-com:time\"><?import namespace=\"t\"></BODY></HTML>",
    "<SCRIPT a=\">\" SRC=\"https://xss.example/xss.js\"></SCRIPT>",
    "<SCRIPT =\">\" SRC=\"https://xss.example/xss.js\"></SCRIPT>",
    "<SCRIPT>document.write(\"<SCRI\");</SCRIPT>PT SRC=\"https://xss.example/xss.js\"></SCRIPT>",
    "<details open ontoggle=alert(1)>",
    "<math><mi//xlink:href=\"data:x,<script>alert(1)</script>\">",
    "<noscript><p title=\"</noscript><img src=x onerror=alert(1)>\">",
    "<svg><style><img src=x onerror=alert(1)></style></svg>",
    "<form action=javascript:alert(1)><button>x</button></form>",
    "<video><source onerror=alert(1)></video>",
    "&lt;script&gt;alert(1)&lt;/script&gt;",
    "&#60;script&#62;alert(1)&#60;/script&#62;",
    "[a](javascript:alert(1))",
    "[a](JaVaScRiPt:alert(1))",
    "[a]( javascript:alert(1))",
    "[a](<javascript:alert(1)>)",
    "[a](&#106;avascript:alert(1))",
    "[a](&#x6A;avascript&colon;alert(1))",
    "[a](java\\script:alert(1))",
    "[a](java%73cript:alert(1))",
    "[a](vbscript:msgbox(1))",
    "[a](data:text/html;base64,PHNjcmlwdD5hbGVydCgxKTwvc2NyaXB0Pg==)",
    "[a](https://e.example \"title\\\" onmouseover=\\\"alert(1)\")",
    "[a](https://e.example\"onmouseover=\"alert(1))",
    "[a](//evil.example)",
    "[a](/api/v1/users/me/delete)",
    "[a](\\\\evil.example)",
    "[a]:javascript:alert(1)\n\n[a]",
    "[a]: javascript:alert(1)\n[a]",
    "[a]: <javascript:alert(1)> \"x\"\n\n[a][a]",
    "<javascript:alert(1)>",
    "<javascript&colon;alert(1)>",
    "![a](javascript:alert(1))",
    "![a](https://tracker.example/pixel.png)",
    "![a\" onerror=\"alert(1)](https://e.example/x.png)",
    "[![a](https://tracker.example/pixel.png)](https://e.example)",
    "![a][b]\n\n[b]: https://tracker.example/pixel.png",
    "```<script>alert(1)</script>\nx\n```",
    "```\" onload=\"alert(1)\nx\n```",
    "`<script>alert(1)</script>`",
    "    <script>alert(1)</script>",
    "# <script>alert(1)</script>",
    "* <script>alert(1)</script>",
    "> <script>alert(1)</script>",
    "|a|\n|-|\n|<script>alert(1)</script>|",
    "|a|\n|:-:|\n|b|",
    "<div>\n\n*<script>alert(1)</script>*\n\n</div>",
    "<scr<script>ipt>alert(1)</scr</script>ipt>",
    "<scr<!-- -->ipt>alert(1)</script>",
    "<!--><script>alert(1)</script>-->",
    "<![CDATA[<script>alert(1)</script>]]>",
    "<?php <script>alert(1)</script> ?>",
    "<a href=\"https://e.example\" target=_blank style=position:fixed>x</a>",
    "<https://e.example/\"onmouseover=alert(1)>",
    "<https://e.example/<script>alert(1)</script>>",
    "[<script>alert(1)</script>](https://e.example/?q=<script>)",
    "\x00<script>alert(1)</script>",
    "<scr\x00ipt>alert(1)</scr\x00ipt>",
    "[a](java\x00script:alert(1))",
    "[a](https://e.example){onclick=alert(1)}",
    "{{constructor.constructor('alert(1)')()}}",
)  # fmt: skip
_VOID = {"br", "hr"}


class Reader(HTMLParser):
    """Reads HTML the way a browser begins to, and complains of everything that is not allowed."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.text = ""
        self.links: list[str] = []
        self._open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag in TAGS, tag
        for name, value in attrs:
            if tag == "a" and name == "rel":
                assert value == LINK_REL
                continue
            assert name in ATTRIBUTES.get(tag, ()), (tag, name)
            if name == "href":
                assert value is not None and urlsplit(value).scheme in SCHEMES, value
                self.links.append(value)
        if tag == "a":
            assert ("rel", LINK_REL) in attrs
        if tag not in _VOID:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self._open and self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data

    def handle_comment(self, data: str) -> None:
        raise AssertionError(f"a comment: {data}")

    def handle_decl(self, decl: str) -> None:
        raise AssertionError(f"a declaration: {decl}")

    def handle_pi(self, data: str) -> None:
        raise AssertionError(f"a processing instruction: {data}")

    def unknown_decl(self, data: str) -> None:
        raise AssertionError(f"a declaration: {data}")


def read(html: str) -> Reader:
    reader = Reader()
    reader.feed(html)
    reader.close()
    assert not reader._open, "something is left open"
    return reader


@pytest.mark.parametrize("vector", VECTORS)
def test_nothing_of_a_known_attack_is_more_than_text(vector: str) -> None:
    for text in (
        vector,
        f"before {vector} after",
        f"*{vector}*",
        f"> {vector}\n\n{vector}",
        f"- {vector}",
        f"|a|\n|-|\n|{vector}|",
    ):
        read(render(text))


_PIECES = st.sampled_from(
    [*VECTORS, "*", "**", "_", "~~", "`", "```\n", "[", "](", ")", "!", "<", ">", "&", '"', "'", "\n", "\n\n", "# ", "- ", "1. ", "|",
     "|-|", "> ", "    ", "\t", "\\", "&#", ";", "javascript:", "https://e.example/", "on", "=", "a", "\u202e", "\ufeff", "\x00", "\r"]
)  # fmt: skip


@settings(max_examples=400, deadline=None)
@given(st.one_of(st.lists(_PIECES, max_size=12).map("".join), st.text(max_size=300)))
def test_whatever_is_written_only_what_is_allowed_comes_out(text: str) -> None:
    read(render(text))
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
    read(render(text))
    plain(text, 200)
    assert time.process_time() - begun < 3.0
