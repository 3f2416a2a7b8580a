"""The pages of accounts for everybody: structure, contrast, keyboard, phones."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.e2e.explorer.access import CONTRAST, pages_hard_to_read, pages_that_stumble, structure
from tests.e2e.explorer.accounts import forget, sign_in, signed_in
from tests.e2e.explorer.stub_people import NOW

if TYPE_CHECKING:
    from tests.e2e.explorer.conftest import Explorer
    from tests.e2e.explorer.stub_mesh import StubMesh

pytestmark = [pytest.mark.browser, pytest.mark.slow]

ANYBODY = ("signin", "register", "verify?token=x", "verify", "forgot", "reset?token=x", "reset", "oauth/example")
OWN = ("account", "account/preferences", "account/signin", "account/devices", "account/data", "people/ada")
ADMIN = ("admin", "admin/audit", "admin/users/01J00000000000000000000002")
PAGES = (*ANYBODY, *OWN, *ADMIN)


def _furnish(explorer: Explorer, stub: StubMesh, *, passkey: bool = True) -> None:
    """Signs in somebody of whom there is much to show."""
    ada = stub.identity.add("ada", roles=["user", "admin"])
    ada.profile |= {"bio": "Counts.\nWatches.", "website_url": "https://example.org/", "location": "London"}
    ada.profile |= {"public_fields": ["bio", "website_url", "location", "favourite_movie_ids"]}
    ada.profile["favourite_movie_ids"] = [film["movie_id"] for film in stub.films[:3]]
    ada.preferences |= {"preferred_genres": ["Drama"], "languages": ["pt", "en"], "region": "PT"}
    grace = stub.identity.add("grace", email="grace.with.a.long.address@departments.example.org")
    stub.identity.sign_in(ada, "Kitchen tablet")
    if passkey:
        ada.passkeys.append({"passkey_id": "p1", "name": "Laptop", "created_at": NOW, "credential": ""})
    ada.identities.append({"identity_id": "i1", "provider": "google", "label": "ada@example.org", "linked_at": NOW})
    stub.identity.providers = [("google", "Google"), ("github", "GitHub")]
    entry = {"audit_id": "1", "at": NOW, "actor_id": ada.user_id, "actor_username": "ada", "action": "roles.set"}
    stub.identity.audit.append(entry | {"user_id": grace.user_id, "outcome": "ok", "detail": "", "ip_address": "::1"})
    sign_in(explorer, "ada")
    signed_in(explorer, "Ada")


def _visit(explorer: Explorer, address: str) -> None:
    """Goes to a page as whoever it is for."""
    if address in ANYBODY:
        forget(explorer)
    explorer.open(f"#/{address}")
    explorer.settle()
    explorer.wait(lambda: explorer.texts("main h1"), "a heading")


@pytest.mark.parametrize("width", [1280, 360])
def test_structure_width_and_focus(explorer: Explorer, stub: StubMesh, width: int) -> None:
    _furnish(explorer, stub)
    explorer.size(width, 800)

    assert pages_that_stumble(explorer, reversed(PAGES), _visit, steps=6) == {}


@pytest.mark.parametrize("rule", ["administrators", "everyone"])
def test_what_is_said_of_a_missing_second_factor_is_for_everybody_too(
    explorer: Explorer, stub: StubMesh, rule: str
) -> None:
    stub.identity.second_factor = rule
    _furnish(explorer, stub, passkey=False)
    explorer.size(360, 800)
    found = {}
    for enabled in (False, True):
        next(iter(stub.identity.accounts.values())).totp = enabled
        for address in ("account/signin", "admin"):
            explorer.open(f"#/{address}")
            explorer.settle()
            explorer.wait_text(".notice h2", "Now sign in with it" if enabled else "A second factor first")
            found[address, enabled] = structure(explorer) + explorer.js(CONTRAST)[0] + explorer.complaints()

    assert {address: wrong for address, wrong in found.items() if wrong} == {}


def _visit_and_send(explorer: Explorer, address: str) -> None:
    """Goes to a page, opens what opens, and sends what is not filled in: refusals are to be read as well."""
    _visit(explorer, address)
    explorer.js("for (const e of document.querySelectorAll('main details')) e.open = true")
    explorer.js("document.querySelector('main form button[type=submit]')?.click()")


@pytest.mark.parametrize("scheme", ["dark", "light"])
def test_texts_reach_aa_contrast(explorer: Explorer, stub: StubMesh, scheme: str) -> None:
    _furnish(explorer, stub)

    assert pages_hard_to_read(explorer, reversed(PAGES), _visit_and_send, scheme) == {}
