"""Ratings, reviews, the diary and the year in film for everybody: structure, contrast, focus, phones."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.e2e.explorer.access import CONTRAST, STRUCTURE, Visit, pages_hard_to_read, pages_that_stumble
from tests.e2e.explorer.accounts import forget, sign_in, signed_in
from tests.e2e.explorer.stub_people import NOW

if TYPE_CHECKING:
    from tests.e2e.explorer.conftest import Explorer
    from tests.e2e.explorer.stub_mesh import StubMesh

pytestmark = [pytest.mark.browser, pytest.mark.slow]

PROSE = "<h3>First</h3><p>Some <em>words</em>.</p><h6>Deep</h6><blockquote>Said.</blockquote><pre>code</pre><ol start=4><li>four</ol>"
PAGES = ("film/900001", "review/v29", "diary", "ratings", "reviews", "year/2026", "year/all", "admin/reports")
# every part that opens, opened
OPEN_ALL = """
    const named = (text) => [...document.querySelectorAll("main button")].filter((b) => b.textContent.trim().startsWith(text));
    const press = (text) => named(text).forEach((b) => b.click());
    document.querySelector(".film-reviews")?.scrollIntoView();
    for (const e of document.querySelectorAll("main details")) e.open = true;
    for (const text of ["I watched it", "Show it", "Report", "Answer"]) press(text);
    for (const button of document.querySelectorAll(".review-ways button[aria-expanded=false]")) button.click();
    if (arguments[0]) { press("Edit"); press("Delete"); }
"""
# where what people say begins
SAID = ".opinions, .thread, .personal, .account"


def _furnish(explorer: Explorer, stub: StubMesh) -> None:
    """Signs in somebody who has said much."""
    ada = stub.identity.add("ada", roles=["user", "admin"])
    grace = stub.identity.add("grace-with-a-long-name")
    kept = stub.ratings
    for i, film in enumerate(stub.films[:14]):
        number = film["movie_id"]
        kept.give(ada, number, overall=(i % 11) / 2, plot=3.5, acting=5.0)
        note = {"notes": "Third row, left.\nCold.", "tags": ["cinema", "with-a-long-label-that-goes-on-and-on"]}
        kept.note(ada, number, f"2026-{i % 11 + 1:02d}-0{i % 9 + 1}", overall=3.5, rewatch=i % 2 == 0, **note)
    first = stub.films[0]["movie_id"]
    review = kept.publish(grace, first, "x", title="A headline " * 12, body_html=PROSE)
    one = kept.say(grace, review, "First.")
    kept.say(ada, review, "Under it.", one["comment_id"])
    kept.say(ada, review, "Gone.")
    review["talk"][-1] |= {"deleted": True, "body_html": "", "user_id": "", "username": ""}
    kept.publish(None, first, "Spoiled.", contains_spoilers=True)
    mine = kept.publish(ada, first, "x", title="Mine", body_html=PROSE, hidden=True, hidden_reason="rude", revision=2)
    mine["past"] = [{"revision": 1, "title": "Then", "body_markdown": "x", "body_html": PROSE, "written_at": NOW}]
    about = {
        "review_id": review["review_id"],
        "comment_id": "",
        "reason": "abuse",
        "detail": "Rude.",
        "reporter_count": 2,
    }
    assert review["review_id"] == "v29", "the address in PAGES"
    kept.reports["p1"] = about | {"report_id": "p1", "state": "open", "body_markdown": "word " * 90, "created_at": NOW}
    sign_in(explorer, "ada")
    signed_in(explorer, "Ada")


def _visit(explorer: Explorer, address: str, edit: bool = False) -> None:
    explorer.open(f"#/{address}")
    explorer.settle()
    if address.startswith("film/"):
        explorer.js("document.querySelector('.film-reviews').scrollIntoView()")
        explorer.wait(lambda: explorer.all(".film-reviews .growing"), "reviews")
        explorer.settle()
    explorer.js(OPEN_ALL, edit)
    explorer.settle()


def _visit_and_edit(explorer: Explorer, address: str) -> None:
    _visit(explorer, address, edit=True)


@pytest.mark.parametrize("visit", [_visit, _visit_and_edit])
@pytest.mark.parametrize("width", [1280, 360])
def test_structure_width_and_focus(explorer: Explorer, stub: StubMesh, width: int, visit: Visit) -> None:
    _furnish(explorer, stub)
    explorer.size(width, 800)

    assert pages_that_stumble(explorer, PAGES, visit, steps=14, start=SAID, refusals=lambda _: True) == {}


@pytest.mark.parametrize("visit", [_visit, _visit_and_edit])
@pytest.mark.parametrize("scheme", ["dark", "light"])
def test_texts_reach_aa_contrast(explorer: Explorer, stub: StubMesh, scheme: str, visit: Visit) -> None:
    _furnish(explorer, stub)

    assert pages_hard_to_read(explorer, PAGES, visit, scheme) == {}


def test_strangers_find_the_film_page_as_clear(explorer: Explorer, stub: StubMesh) -> None:
    _furnish(explorer, stub)
    forget(explorer)
    explorer.size(360, 800)
    found = {}
    for address in PAGES:
        explorer.open(f"#/{address}")
        explorer.settle()
        wrong = list(explorer.js(STRUCTURE)) + explorer.js(CONTRAST)[0] + explorer.complaints()
        if wrong:
            found[address] = wrong

    assert found == {}
