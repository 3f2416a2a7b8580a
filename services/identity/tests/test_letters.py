"""Letters as they are written: every template, in text and HTML, and nothing that could break out of its place."""

from __future__ import annotations

import datetime as dt
import importlib.resources
import json
from email.message import EmailMessage
from typing import Any

import pytest

from cine_identity.domain.vault import Vault
from cine_identity.mail import Letter, Post, Writer
from cine_identity.mail.facts import LETTERS, require_facts
from cine_identity.mail.writing import Unwritable

SITE = "https://films.example.org"
AT = dt.datetime(2026, 3, 4, 5, 6, 7, tzinfo=dt.UTC)
SAMPLES: dict[str, Any] = {
    "username": "Ada.Lovelace",
    "token": "tok_" + "x" * 39,
    "code": "012345",
    "device_name": "Firefox on Linux",
    "ip_address": "192.0.2.7",
    "at": "2026-03-04T05:06:07+00:00",
    "passkey_name": "Blue key",
    "provider": "GitHub",
    "roles": ["user", "premium"],
    "reason": "Spam in reviews",
}


def write(template: str, facts: dict[str, Any], *, to: str = "ada@example.org", locale: str = "") -> EmailMessage:
    writer = Writer(SITE, "CineAesthete <no-reply@example.org>")
    return writer.write(Letter(template, to, locale, facts), "01JABCDEFGHJKMNPQRSTVWXYZ0", AT)


def bodies(message: EmailMessage) -> tuple[str, str]:
    parts = [message.get_body((kind,)) for kind in ("plain", "html")]
    return tuple(part.get_content() for part in parts if part is not None)  # type: ignore[return-value]


def sample(template: str) -> dict[str, Any]:
    return {name: SAMPLES[name] for name in LETTERS[template].required | LETTERS[template].optional}


def test_every_template_is_a_letter_and_every_letter_has_one() -> None:
    folder = importlib.resources.files("cine_identity.mail") / "templates"
    for language in (entry for entry in folder.iterdir() if entry.is_dir()):
        names = {entry.name.removesuffix(".j2") for entry in language.iterdir()}
        assert names - {"letter", "notice"} == set(LETTERS)


@pytest.mark.parametrize("template", LETTERS)
def test_every_letter_shows_its_facts(template: str) -> None:
    facts = sample(template)
    message = write(template, facts)
    shown = {**facts, "at": "2026-03-04 05:06 UTC", "roles": "user, premium"}
    for body in bodies(message):
        for name in facts.keys() - ({"username"} if template == "verify_email" else set()):
            assert shown[name] in " ".join(body.split()), name
        assert "CineAesthete" in body and "{{" not in body and "None" not in body
    assert 8 < len(message["Subject"]) < 78


@pytest.mark.parametrize("template", LETTERS)
def test_every_letter_does_without_what_is_optional(template: str) -> None:
    message = write(template, {name: SAMPLES[name] for name in LETTERS[template].required})
    for body in bodies(message):
        assert ": \n" not in body and '""' not in body and "None" not in body


@pytest.mark.parametrize(
    ("template", "fact"), [(name, fact) for name in LETTERS for fact in sorted(LETTERS[name].required)]
)
def test_a_letter_without_what_it_needs_is_refused_when_it_is_queued(template: str, fact: str) -> None:
    facts = {name: value for name, value in sample(template).items() if name != fact}
    with pytest.raises(ValueError, match=fact) as refused:
        Post(Vault(b"s" * 32)).queue(None, Letter(template, "a@b.example", "", facts))  # type: ignore[arg-type]
    assert not any(str(value) in str(refused.value) for value in facts.values())
    with pytest.raises(ValueError, match="no letter"):
        require_facts("verify_mail", {})


def test_headers() -> None:
    message = write("reset_password", sample("reset_password"))
    assert message["From"] == "CineAesthete <no-reply@example.org>"
    assert message["To"] == "ada@example.org"
    assert message["Date"].datetime == AT
    assert message["Message-ID"] == "<01jabcdefghjkmnpqrstvwxyz0@example.org>"
    assert message["Auto-Submitted"] == "auto-generated"
    assert message.get_content_type() == "multipart/alternative"
    assert not [name for name in message if name.lower().startswith(("list-", "precedence", "bcc", "x-mailer"))]


@pytest.mark.parametrize(("template", "page"), [("verify_email", "verify"), ("reset_password", "reset")])
def test_links_lead_to_the_explorer_and_are_whole_in_the_raw_message(template: str, page: str) -> None:
    message = write(template, {**sample(template), "token": "a-token_with/odd+characters="})
    link = f"{SITE}/#/{page}?token=a-token_with%2Fodd%2Bcharacters%3D"
    text, html = bodies(message)
    assert link in text.split() and f'href="{link}"' in html
    assert link in message.as_string()


@pytest.mark.parametrize(
    "hostile", ["eve\r\nBcc: victim@example.org", "eve\nBcc: v@example.org", "eve\x00\x85\u2028Bcc: v@e.org"]
)
def test_nothing_in_a_fact_begins_a_header_or_a_line(hostile: str) -> None:
    message = write("account_deleted", {"username": hostile})
    raw = message.as_bytes().split(b"\r\n\r\n", 1)[0].decode()
    assert not [line for line in raw.splitlines() if line.lower().startswith("bcc")]
    assert message["Subject"].startswith("Your account eve Bcc: ") and "Bcc" not in message
    assert not [line for line in bodies(message)[0].splitlines() if line.startswith("Bcc")]


@pytest.mark.parametrize(
    "to", ["a@b.example\r\nBcc: v@e.org", "a@b.example, v@e.org", "nobody", "", "a b@c.example", "<a@b.example>"]
)
def test_an_address_that_is_none_is_never_written_to(to: str) -> None:
    with pytest.raises(Unwritable) as refused:
        write("account_enabled", {"username": "eve"}, to=to)
    assert "v@e.org" not in str(refused.value)


def test_facts_are_escaped_in_html_and_plain_in_text() -> None:
    text, html = bodies(
        write("passkey_added", {"username": "ada", "passkey_name": '<a href="https://evil.example">& ☃</a>'})
    )
    assert '<a href="https://evil.example">& ☃</a>' in " ".join(text.split())
    assert "evil.example" in html and 'href="https://evil' not in html and "&amp; &#9731;" in html


def test_marks_that_turn_text_around_are_gone() -> None:
    text, html = bodies(write("passkey_added", {"username": "ada", "passkey_name": "my\u202ekey\u200b"}))
    assert "\u202e" not in text + html and "\u200b" not in text + html


@pytest.mark.parametrize("locale", ["", "en", "en-GB", "tlh", "../../etc", "parts.txt"])
def test_an_unknown_language_is_english(locale: str) -> None:
    message = write("account_enabled", {"username": "ada"}, locale=locale)
    assert message["Content-Language"] == "en" and "open again" in message["Subject"]


def test_a_sender_that_is_no_address_stops_the_start() -> None:
    for sender in ("CineAesthete", "a@", "", "CineAesthete <a b@c.example>"):
        with pytest.raises(ValueError, match="mail_from"):
            Writer(SITE, sender)


def test_an_address_in_another_script_keeps_its_domain_readable_to_servers() -> None:
    assert write("account_enabled", {"username": "ada"}, to="ada@bücher.example")["To"] == "ada@xn--bcher-kva.example"


def test_what_waits_is_sealed_and_never_printed() -> None:
    letter = Letter("verify_email", "ada@example.org", "", sample("verify_email"))
    assert "tok_" not in repr(letter) and "012345" not in repr(letter)
    assert json.dumps(letter.facts)
