"""Writes letters: from a template and its facts to a message with text and HTML (RFC 5322, 2045, 3834)."""

from __future__ import annotations

import datetime as dt
import email.policy
import re
import textwrap
from collections.abc import Callable, Mapping
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime, parseaddr
from typing import Any, Final
from urllib.parse import quote

import jinja2

from cine_identity.mail.facts import LETTERS
from cine_identity.mail.post import Letter

FALLBACK_LANGUAGE: Final = "en"
_WIDTH: Final = 72
_LONGEST_FACT: Final = 500
_LONGEST_LINE: Final = 990  # RFC 5322: 998 without the line break
# what would begin a new line, or turns and hides what is beside it
_NOT_OF_A_LINE: Final = re.compile(
    "[\x00-\x1f\x7f-\x9f\u2028\u2029\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff]+"
)
_ADDRESS: Final = re.compile(r"[^\s@<>,;:()\[\]\\\"\x00-\x1f]+@[^\s@<>,;:()\[\]\\\"\x00-\x1f]+")
_BLANK_LINES: Final = re.compile(r"\n(?:[ \t]*\n)+")
_PARTS: Final = ("paragraph", "button", "digits", "details")


class Unwritable(Exception):
    """A letter that can never be sent as it is; the text says why, without its address or content."""


class Writer:
    """Writes messages.

    A letter is one template, rendered twice: in the parts and the layout of text, and in those of HTML, where facts are escaped. A
    further language is a further folder beside `templates/en`.

    Args:
        site: address of the pages that links lead to, without a slash at its end.
        sender: the `From` of every letter, such as `CineAesthete <no-reply@example.org>`.

    Raises:
        ValueError: the sender is no address.
    """

    def __init__(self, site: str, sender: str) -> None:
        self._site = site
        name, spec = parseaddr(_one_line(sender))
        try:
            self._from = _address(spec, name)
        except ValueError:
            raise ValueError("mail_from must be an address, or a name and an address in <>") from None
        self._text = _environment("txt", autoescape=False)
        self._html = _environment("html", autoescape=True)
        self._languages = {name.split("/")[0] for name in self._text.list_templates() if "/" in name}

    @property
    def envelope_sender(self) -> str:
        """The address that bounces go to."""
        return self._from.addr_spec

    def write(self, letter: Letter, letter_id: str, written_at: dt.datetime) -> EmailMessage:
        """Returns the message. The same letter gives the same `Message-ID` and `Date`, so that one sent twice can be told.

        Args:
            letter: what to write to whom.
            letter_id: its id in the queue.
            written_at: when it was queued.

        Raises:
            Unwritable: there is no such template, a fact is missing, or the address is none.
        """
        if letter.template not in LETTERS:
            raise Unwritable("there is no such template")
        language = self._language(letter.locale)
        name, facts = f"{language}/{letter.template}.j2", self._facts(letter, language)
        try:
            subject = _one_line(self._subject(name, facts))
            text = _BLANK_LINES.sub("\n\n", self._text.get_template(name).render(facts, layout="layout.txt")).strip()
            html = self._html.get_template(name).render(facts, layout="layout.html", subject=subject)
        except jinja2.UndefinedError:
            raise Unwritable("a fact is missing") from None
        message = EmailMessage(policy=email.policy.SMTP)
        message["From"] = self._from
        message["To"] = _recipient(letter.to)
        message["Subject"] = subject
        message["Date"] = format_datetime(written_at)
        message["Message-ID"] = f"<{letter_id.lower()}@{self._from.domain}>"
        message["Auto-Submitted"] = "auto-generated"
        message["X-Auto-Response-Suppress"] = "All"
        _fill(message.set_content, text + "\n")
        _fill(message.add_alternative, html.encode("ascii", "xmlcharrefreplace").decode() + "\n", subtype="html")
        message["Content-Language"] = language
        return message

    def _subject(self, name: str, facts: Mapping[str, Any]) -> str:
        template = self._text.get_template(name)
        return "".join(template.blocks["subject"](template.new_context(dict(facts))))

    def _language(self, wanted: str) -> str:
        for tag in (wanted.lower(), wanted.lower().split("-")[0]):
            if tag in self._languages:
                return tag
        return FALLBACK_LANGUAGE

    def _facts(self, letter: Letter, language: str) -> dict[str, Any]:
        known = LETTERS[letter.template]
        facts: dict[str, Any] = dict.fromkeys(known.optional, "")
        facts |= {name: _cleaned(value) for name, value in letter.facts.items() if value is not None}
        if facts.get("at"):
            facts["at"] = _moment(facts["at"])
        return {**facts, "site": self._site, "language": language, "link": self._link}

    def _link(self, page: str, token: str) -> str:
        return f"{self._site}/#/{page}?token={quote(token, safe='')}"


def _environment(kind: str, *, autoescape: bool) -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("cine_identity.mail", "templates"),
        autoescape=autoescape,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["wrapped"] = _wrapped
    parts = environment.get_template(f"parts.{kind}").module
    environment.globals.update({name: getattr(parts, name) for name in _PARTS})
    return environment


def _wrapped(text: str) -> str:
    return textwrap.fill(" ".join(text.split()), _WIDTH, break_long_words=False, break_on_hyphens=False)


def _cleaned(value: Any) -> Any:
    if isinstance(value, list | tuple):
        return [_cleaned(item) for item in value]
    return _one_line(value)[:_LONGEST_FACT] if isinstance(value, str) else value


def _one_line(text: str) -> str:
    return " ".join(_NOT_OF_A_LINE.sub(" ", text).split())


def _moment(text: str) -> str:
    try:
        moment = dt.datetime.fromisoformat(text)
    except ValueError:
        return text
    return f"{moment.astimezone(dt.UTC):%Y-%m-%d %H:%M} UTC"


def _recipient(address: str) -> Address:
    try:
        return _address(address)
    except ValueError:
        raise Unwritable("the address is none") from None


def _address(text: str, name: str = "") -> Address:
    """Returns one address, its domain as servers spell it.

    Raises:
        ValueError: it is none, more than one, or would not stay on its line.
    """
    if not _ADDRESS.fullmatch(text):
        raise ValueError("no address")
    local, _, domain = text.partition("@")
    return Address(display_name=name, addr_spec=f"{local}@{domain.encode('idna').decode()}")


def _fill(put: Callable[..., None], content: str, **options: Any) -> None:
    """Puts content in as it is, where lines and characters allow: a link in it can then be copied from the raw message."""
    plain = content.isascii() and all(len(line) <= _LONGEST_LINE for line in content.splitlines())
    put(content, charset="utf-8", cte="7bit" if plain else "quoted-printable", **options)
