"""Watchlist, lists, film nights, canon and imports for everybody: structure, contrast, keyboard, phones, outages."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.e2e.explorer.access import pages_hard_to_read, pages_hard_to_touch, pages_that_stumble
from tests.e2e.explorer.accounts import sign_in, signed_in
from tests.e2e.explorer.stub_people import Call

if TYPE_CHECKING:
    from tests.e2e.explorer.conftest import Explorer
    from tests.e2e.explorer.stub_mesh import StubMesh

pytestmark = [pytest.mark.browser, pytest.mark.slow]

LIST = "lists/l1"
PAGES = (
    "watchlist",
    "watchlist?watched=true",
    "lists",
    LIST,
    f"{LIST}/comments",
    f"{LIST}/people",
    f"{LIST}/settings",
    "lists/nothing",
    "list?token=there",
    "list?token=nothing",
    "canon",
    "canon/palme-dor",
    "film-night",
    "film-night?token=join",
    "film-night/open",
    "film-night/decided",
    "import",
    "import/waits",
    "import/done",
)


def _furnish(explorer: Explorer, stub: StubMesh) -> None:
    """Signs in somebody who keeps much."""
    ada, grace = stub.identity.add("ada"), stub.identity.add("grace")
    kept, ids = stub.watchlist, [film["movie_id"] for film in stub.films[:6]]
    for film in ids[:3]:
        kept.put(ada, film, notes="When it rains.")
    kept.items[ada.user_id][0].update(watched=True, watched_at="2026-11-01T10:00:00Z")
    rain = kept.make(ada, "Rain " + "and rain " * 9, ids, ranked=True, visibility="PUBLIC", comments_enabled=True)
    kept.lists = {"l1": rain | {"list_id": "l1", "link": "there", "description": "Wet."}}
    kept.lists["l1"]["people"][grace.user_id] = "viewer"
    said = {"comment_id": "c1", "user_id": grace.user_id, "username": "grace", "created_at": rain["created_at"]}
    kept.lists["l1"]["talk"].append(said | {"body_html": "<p>Very <em>wet</em></p><h1>Shouted</h1><ul><li>a</li></ul>"})
    invited = {"invitation_id": "v1", "list_id": "l1", "list_name": "Fog", "role": "viewer", "username": "ada"}
    kept.invitations["v1"] = invited | {"invited_by_username": "grace", "expires_at": rain["created_at"]}
    kept.seen = set(ids[:2])
    for name in ("open", "decided"):
        night = kept.plan(ada, "Friday", ids)
        night.update(film_night_id=name, token="join")
        night["joined"].append(grace.user_id)
        night["votes"][grace.user_id] = {"ranked_movie_ids": ids[1:3], "vetoed_movie_ids": ids[:1]}
        kept.nights[name] = night
    kept.nights["decided"]["state"] = "closed"
    for name, state in (("waits", "ready"), ("done", "done")):
        query = {"request_id": [name], "file_name": [f"{name}.zip"]}
        stub.imports._upload(Call("POST", "", query, {}, {}, raw=b"PK"), ada.user_id)
        made = stub.imports.imports.popitem()[1]
        stub.imports.imports[name] = made | {"import_id": name, "state": state}
    for row in stub.imports.imports["done"]["rows"]:
        row["applied"] = row["outcome"] == "matched"
    sign_in(explorer, "ada")
    signed_in(explorer, "Ada")


def _visit(explorer: Explorer, address: str) -> None:
    explorer.open(f"#/{address}")
    explorer.settle()
    explorer.wait(lambda: explorer.texts("main h1"), "a heading")
    explorer.js("for (const e of document.querySelectorAll('main details')) e.open = true")
    if address == "film-night/open":
        explorer.js(
            "for (const b of [...document.querySelectorAll('.vote button')].filter((b) => b.textContent === 'Rank').slice(1, 3)) b.click()"
        )


@pytest.mark.parametrize("width", [1280, 360])
def test_structure_width_and_focus(explorer: Explorer, stub: StubMesh, width: int) -> None:
    _furnish(explorer, stub)
    explorer.size(width, 800)

    assert pages_that_stumble(explorer, PAGES, _visit, steps=6, refusals=lambda address: "nothing" in address) == {}


@pytest.mark.parametrize("scheme", ["dark", "light"])
def test_texts_reach_aa_contrast(explorer: Explorer, stub: StubMesh, scheme: str) -> None:
    _furnish(explorer, stub)

    assert pages_hard_to_read(explorer, PAGES, _visit, scheme) == {}


def test_what_can_be_pressed_is_large_enough_for_a_finger(explorer: Explorer, stub: StubMesh) -> None:
    _furnish(explorer, stub)

    assert pages_hard_to_touch(explorer, PAGES, _visit) == {}


def test_an_outage_is_named_and_leaves_the_rest(explorer: Explorer, stub: StubMesh) -> None:
    _furnish(explorer, stub)
    stub.down.add("watchlist")
    for address in ("watchlist", "lists", LIST, "canon", "film-night", "film-night/open", "list?token=there"):
        explorer.open(f"#/{address}")
        explorer.wait_text(".notice-text", "The service of watchlists and lists is not answering")
    explorer.open(f"#/film/{stub.films[0]['movie_id']}")
    explorer.wait_text(".keep", "Your watchlist cannot be shown")
    stub.down.clear()
    explorer.open("#/watchlist")
    explorer.wait(lambda: len(explorer.texts(".lines .line-title")) == 3, "the watchlist")
