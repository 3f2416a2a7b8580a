"""Ratings, one's own rating and the diary on a film's page, on the stub of Ratings."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from tests.e2e.explorer.accounts import click, fill, named, sign_in
from tests.e2e.explorer.opinions import kept, open_film, press, shows, stars, touch_star

if TYPE_CHECKING:
    from tests.e2e.explorer.conftest import Explorer
    from tests.e2e.explorer.stub_mesh import StubMesh
    from tests.e2e.explorer.stub_people import Account

pytestmark = [pytest.mark.browser]

BOX = """
    const box = arguments[0].parentElement.querySelector("svg").getBoundingClientRect();
    return [box.x, box.y, box.width, box.height];
"""
# scrolling goes on after a finger has left, and parts of the page come later: twelve looks in a row find the same place
AT_REST = """
    arguments[0].scrollIntoView({ block: "center", behavior: "instant" });
    const y = Math.round(arguments[0].getBoundingClientRect().y);
    window.looks = window.looked === y ? window.looks + 1 : 0;
    window.looked = y;
    return window.looks > 12;
"""


def _rating(stub: StubMesh, account: Account, film: dict[str, Any]) -> dict[str, float]:
    found = stub.ratings.ratings.get((account.user_id, film["movie_id"]), {})
    names = ("overall", "plot", "acting", "cinematography", "soundtrack")
    return {name: found[name] for name in names if name in found}


def test_strangers_see_ratings_and_the_way_to_sign_in_that_comes_back(
    explorer: Explorer, stub: StubMesh, film: dict[str, Any]
) -> None:
    stub.identity.add("ada")
    open_film(explorer, film)

    assert "3 ratings" in explorer.one(".ratings-here").text
    rows = explorer.texts(".ratings-here tbody tr")
    assert len(rows) == 11
    assert rows[6] == "33", "three ratings of three stars"
    assert not explorer.all(".my-rating input")
    assert explorer.complaints() == []
    press(explorer, "Sign in", ".my-rating")
    sign_in(explorer, "ada", opened=True)
    explorer.wait(lambda: explorer.all(".my-rating input"), "the stars")
    assert explorer.hash == f"#/film/{film['movie_id']}"


def test_a_rating_is_kept_at_once_changed_undone_and_taken_back(
    explorer: Explorer, stub: StubMesh, ada: Account, film: dict[str, Any]
) -> None:
    open_film(explorer, film)
    assert shows(explorer, "overall") == "not rated"

    touch_star(explorer, "plot", 4)
    kept(explorer, "Not kept yet")
    assert _rating(stub, ada, film) == {}
    touch_star(explorer, "overall", 3.5)
    kept(explorer)
    assert _rating(stub, ada, film) == {"overall": 3.5, "plot": 4.0}
    assert shows(explorer, "overall") == "3.5 of 5 stars"
    assert "4 ratings" in explorer.one(".ratings-here").text, "one's own counts at once"
    assert explorer.texts(".ratings-here tbody tr")[7] == "3.51"

    touch_star(explorer, "overall", 5)
    explorer.wait(lambda: _rating(stub, ada, film) == {"overall": 5.0, "plot": 4.0}, "the new rating")
    kept(explorer)
    press(explorer, "Undo", ".my-rating")
    explorer.wait(lambda: _rating(stub, ada, film) == {"overall": 3.5, "plot": 4.0}, "the old rating")
    assert shows(explorer, "overall") == "3.5 of 5 stars"

    kept(explorer)
    press(explorer, "Clear", ".my-rating")
    explorer.wait(lambda: _rating(stub, ada, film) == {"overall": 3.5}, "the rating without its plot")
    kept(explorer)
    press(explorer, "Take back", ".my-rating")
    kept(explorer, "Taken back.")
    assert _rating(stub, ada, film) == {}
    assert "3 ratings" in explorer.one(".ratings-here").text
    press(explorer, "Undo", ".my-rating")
    kept(explorer)
    assert _rating(stub, ada, film) == {"overall": 3.5}
    explorer.driver.refresh()
    explorer.wait(lambda: shows(explorer, "overall") == "3.5 of 5 stars", "the rating that was kept")


def test_stars_by_keyboard_and_none_at_all(
    explorer: Explorer, stub: StubMesh, ada: Account, film: dict[str, Any]
) -> None:
    open_film(explorer, film)
    stars(explorer, "overall").send_keys(*[Keys.ARROW_RIGHT] * 7)
    kept(explorer)
    assert _rating(stub, ada, film) == {"overall": 3.5}
    assert sum("/ratings/rate" in one for one in stub.seen) == 1, "one call for all the presses"
    stars(explorer, "overall").send_keys("0")
    explorer.wait(lambda: _rating(stub, ada, film) == {"overall": 0}, "no star at all, which is a rating")
    kept(explorer)
    stars(explorer, "overall").send_keys("4", Keys.TAB)
    explorer.wait(lambda: _rating(stub, ada, film) == {"overall": 4.0}, "what is kept when the focus goes on")
    kept(explorer)
    stars(explorer, "overall").send_keys(Keys.DELETE)
    kept(explorer, "Taken back.")
    assert _rating(stub, ada, film) == {}
    touch_star(explorer, "overall", 0)
    explorer.wait(lambda: _rating(stub, ada, film) == {"overall": 0}, "a click left of the first star")


def test_stars_by_a_finger_which_may_also_scroll_past_them(
    explorer: Explorer, stub: StubMesh, ada: Account, film: dict[str, Any]
) -> None:
    explorer.size(360, 800)
    explorer.driver.execute_cdp_cmd("Emulation.setTouchEmulationEnabled", {"enabled": True})
    try:
        open_film(explorer, film)

        def place() -> tuple[float, float, float]:
            """Brings the stars to the middle; returns where the fourth one's first half is, and the width of a star."""
            control = stars(explorer, "overall")
            explorer.wait(lambda: explorer.js(AT_REST, control), "stars that lie still")
            left, top, width, height = explorer.js(BOX, control)
            return left + width * 3.25 / 5, top + height / 2, width / 5

        def touch(kind: str, *points: tuple[float, float]) -> None:
            given = [{"x": across, "y": down} for across, down in points]
            explorer.driver.execute_cdp_cmd("Input.dispatchTouchEvent", {"type": kind, "touchPoints": given})

        x, y, star = place()
        touch("touchStart", (x, y))
        explorer.wait(lambda: shows(explorer, "overall") == "3.5 of 5 stars", "what is under the finger")
        touch("touchEnd")
        kept(explorer)
        assert _rating(stub, ada, film) == {"overall": 3.5}

        x, y, _ = place()
        before = explorer.js("return scrollY")
        touch("touchStart", (x + star, y))
        for down in range(10, 210, 20):
            touch("touchMove", (x + star, y - down))
        touch("touchEnd")
        explorer.wait(lambda: explorer.js("return scrollY") > before + 100, "the page has scrolled")
        explorer.wait(lambda: shows(explorer, "overall") == "3.5 of 5 stars", "the stars as they were")
        assert sum("/ratings/rate" in one for one in stub.seen) == 1
    finally:
        explorer.driver.execute_cdp_cmd("Emulation.setTouchEmulationEnabled", {"enabled": False})


def test_a_rating_that_could_not_be_kept_says_so_and_can_be_tried_again(
    explorer: Explorer, stub: StubMesh, ada: Account, film: dict[str, Any]
) -> None:
    stub.ratings.give(ada, film["movie_id"], overall=2.0)
    open_film(explorer, film)
    stub.down.add("ratings")
    touch_star(explorer, "overall", 5)
    kept(explorer, "Not kept.")
    assert shows(explorer, "overall") == "2 of 5 stars", "what is shown is what is kept"
    stub.down.clear()
    press(explorer, "Try again", ".my-rating")
    kept(explorer, "Kept.")
    assert _rating(stub, ada, film) == {"overall": 5.0}


def test_a_rating_changed_elsewhere_is_shown_and_not_overwritten(
    explorer: Explorer, stub: StubMesh, ada: Account, film: dict[str, Any]
) -> None:
    stub.ratings.give(ada, film["movie_id"], overall=2.0)
    open_film(explorer, film)
    stub.ratings.give(ada, film["movie_id"], overall=4.5, acting=5.0)
    touch_star(explorer, "plot", 1)
    kept(explorer, "changed elsewhere")
    assert _rating(stub, ada, film) == {"overall": 4.5, "acting": 5.0}
    assert (shows(explorer, "overall"), shows(explorer, "acting")) == ("4.5 of 5 stars", "5 of 5 stars")
    touch_star(explorer, "plot", 1)
    kept(explorer, "Kept.")
    assert _rating(stub, ada, film) == {"overall": 4.5, "plot": 1.0, "acting": 5.0}


def test_a_watching_is_noted_with_its_day_and_may_rate(
    explorer: Explorer, stub: StubMesh, ada: Account, film: dict[str, Any]
) -> None:
    open_film(explorer, film)
    explorer.wait_text(".watched", "Not in your diary yet")
    press(explorer, "I watched it", ".watched")
    day = named(explorer, "watched_on")
    explorer.js("arguments[0].value = '2026-03-05'", day)
    click(explorer, named(explorer, "rewatch"))
    touch_star(explorer, "overall", 4, ".watched")
    fill(explorer, notes="Third row.", tags="Cinema, with Ana, cinema")
    press(explorer, "Note it", ".watched")
    explorer.wait_text(".days", "Mar 5, 2026 again")
    (entry,) = stub.ratings.entries[ada.user_id]
    assert (entry["watched_on"], entry["rewatch"], entry["overall"], entry["notes"]) == (
        "2026-03-05",
        True,
        4,
        "Third row.",
    )
    assert entry["tags"] == ["Cinema", "with Ana", "cinema"]
    explorer.wait(lambda: shows(explorer, "overall") == "4 of 5 stars", "the rating that the note set")
    assert "4 ratings" in explorer.one(".ratings-here").text


def test_a_note_sent_twice_is_made_once(explorer: Explorer, stub: StubMesh, ada: Account, film: dict[str, Any]) -> None:
    open_film(explorer, film)
    press(explorer, "I watched it", ".watched")
    stub.down.add("ratings")
    press(explorer, "Note it", ".watched")
    explorer.wait_text(".watched .form-error", "not answering")
    stub.down.clear()
    press(explorer, "Note it", ".watched")
    explorer.wait(lambda: explorer.all(".days li"), "the note")
    assert len(stub.ratings.entries[ada.user_id]) == 1
    assert len(set(stub.ratings.asked)) == 1


def test_the_page_stands_without_ratings(
    explorer: Explorer, stub: StubMesh, ada: Account, film: dict[str, Any]
) -> None:
    stub.down.add("ratings")
    open_film(explorer, film)
    explorer.wait_text(".ratings-here, .opinions", "Not available just now")
    assert explorer.one("h1").text == film["title"]
    assert explorer.driver.find_element(By.CSS_SELECTOR, ".credits")
    assert explorer.complaints(refusals=True) == []
