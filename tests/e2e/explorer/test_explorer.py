"""What people do in the explorer, in a real browser: search, browse, read about a film, ask CineMatch.

Runs on a stub with the contract's shapes, or on a real mesh when `CINE_E2E_URL` names one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from selenium.webdriver.common.keys import Keys

if TYPE_CHECKING:
    from tests.e2e.explorer.conftest import Explorer
    from tests.e2e.explorer.stub_mesh import StubMesh

pytestmark = [pytest.mark.browser]


def test_home_shows_three_lists_and_ways_to_start(explorer: Explorer) -> None:
    explorer.open()
    explorer.settle()

    headings = explorer.texts(".row h2")
    assert {"Popular", "Trending", "Top rated", "Start from"} <= set(headings)
    assert len(explorer.all(".row .tile")) >= 15
    assert explorer.texts(".starts a[href*='year_min=']")

    explorer.one(".starts a[href*='genre=Drama']").click()
    explorer.wait_text("h1", "Drama")
    assert "genre=Drama" in explorer.hash


def test_search_with_the_keyboard_alone(explorer: Explorer, film: dict[str, Any]) -> None:
    explorer.open()
    explorer.settle()
    explorer.press("/")
    assert explorer.focused.get_attribute("id") == "find-input"
    assert explorer.focused.get_attribute("value") == "", "the slash itself must not be typed"

    explorer.press(film["title"])
    explorer.wait_text("[role=option]", film["title"])
    assert explorer.focused.get_attribute("aria-expanded") == "true"
    explorer.press(Keys.ARROW_UP)
    assert "All " in explorer.one("[aria-selected=true]").text, "up from the field goes to the last option"
    explorer.press(Keys.ARROW_DOWN)
    assert explorer.all("[aria-selected=true]") == [], "one past the end is the field itself"
    explorer.press(Keys.ARROW_DOWN)
    chosen = explorer.one("[aria-selected=true]")
    assert explorer.focused.get_attribute("aria-activedescendant") == chosen.get_attribute("id")
    title = chosen.find_element("css selector", ".option-title").text
    explorer.press(Keys.ENTER)

    explorer.wait_text("h1.film-title", title)
    explorer.wait(lambda: explorer.focused.tag_name == "h1", "the focus on the heading")
    assert explorer.js("return document.title").startswith(title)
    assert explorer.complaints() == []


def test_escape_closes_the_suggestions_and_enter_searches(explorer: Explorer, film: dict[str, Any]) -> None:
    explorer.open()
    explorer.type_query(film["title"])
    explorer.wait_text("[role=option]", film["title"])
    explorer.press(Keys.ESCAPE)
    assert not explorer.one("#find-panel").is_displayed()

    explorer.press(Keys.ENTER)

    explorer.wait_text("h1", film["title"])
    explorer.settle()
    assert film["title"] in explorer.texts(".tile-title")
    assert explorer.one("#find-input").get_attribute("value") == film["title"]


def test_typing_quickly_asks_seldom(explorer: Explorer, stub: StubMesh) -> None:
    explorer.open()
    explorer.settle()
    stub.seen.clear()
    explorer.js("""
        const field = document.getElementById("find-input");
        [..."stalker ta"].forEach((_, i, all) => setTimeout(() => {
            field.value = all.slice(0, i + 1).join("");
            field.dispatchEvent(new Event("input"));
        }, i * 20));
    """)
    explorer.wait(lambda: any("stalker+ta" in path for path in stub.seen), "the last request")

    assert len([path for path in stub.seen if "/movies/search" in path]) <= 3


def test_filters_are_in_the_address_and_going_back_undoes_them(explorer: Explorer) -> None:
    explorer.open("#/search")
    explorer.settle()
    everything = explorer.texts(".found")[0]
    explorer.one(".tick[href*='genre=Drama']").click()
    explorer.wait(lambda: explorer.texts(".force .chip") == ["Drama×"], "the filter")
    explorer.settle()
    assert explorer.hash == "#/search?genre=Drama"
    assert explorer.focused.text.startswith("Drama"), "the focus stays on the filter"
    drama = explorer.texts(".found")[0]
    assert drama != everything

    explorer.one(".decade[href*='year_min=1990']").click()
    explorer.wait(lambda: "1990s×" in explorer.texts(".force .chip"), "the decade")
    explorer.settle()
    years = [int(text[:4]) for text in explorer.texts(".results .tile-facts")]
    assert years
    assert all(1990 <= year <= 1999 for year in years)
    assert explorer.one(".decade[aria-current]").text == "1990s"

    explorer.driver.back()
    explorer.wait(lambda: explorer.texts(".found") == [drama], "Drama alone again")
    explorer.driver.back()
    explorer.wait(lambda: explorer.texts(".found") == [everything], "everything again")
    assert explorer.complaints() == []


def test_order_changes_the_list(explorer: Explorer) -> None:
    explorer.open("#/search?genre=Drama&order_by=oldest")
    explorer.settle()
    oldest = [int(text[:4]) for text in explorer.texts(".results .tile-facts") if text[:4].isdigit()]
    explorer.js("const s = document.getElementById('order'); s.value = 'newest'; s.dispatchEvent(new Event('change'))")
    explorer.wait(lambda: "order_by=newest" in explorer.hash, "the address")
    explorer.settle()
    newest = [int(text[:4]) for text in explorer.texts(".results .tile-facts") if text[:4].isdigit()]

    assert oldest == sorted(oldest)
    assert newest == sorted(newest, reverse=True)
    assert newest[0] > oldest[0]


def test_more_films_and_back_to_the_same_place(explorer: Explorer) -> None:
    explorer.open("#/search?genre=Drama")
    explorer.settle()
    first = len(explorer.all(".results .tile"))
    explorer.one(".grow button").click()
    explorer.wait(lambda: len(explorer.all(".results .tile")) > first, "the second page")
    assert explorer.focused.get_attribute("href") == explorer.all(".results .tile a")[first].get_attribute("href")
    shown = explorer.texts(".results .tile-title")
    assert len(shown) == 2 * first
    links = explorer.js("return [...document.querySelectorAll('.results .tile a')].map((a) => a.href)")
    assert len(set(links)) == len(links), "no film comes twice"
    target = explorer.all(".results .tile a")[first + 6]
    explorer.js("arguments[0].scrollIntoView({ block: 'center' })", target)
    place = explorer.js("return scrollY")
    target.click()
    explorer.wait(lambda: explorer.all("h1.film-title"), "the film")
    assert explorer.js("return scrollY") == 0

    explorer.driver.back()

    explorer.wait(lambda: explorer.texts(".results .tile-title") == shown, "both pages")
    explorer.wait(lambda: abs(explorer.js("return scrollY") - place) < 3, "the same place")


def test_last_page_has_no_more_button(explorer: Explorer, film: dict[str, Any]) -> None:
    explorer.open(f"#/search?query={film['title']}&year_min={film['year']}&year_max={film['year']}")
    explorer.settle()

    assert explorer.all(".results .tile")
    assert not explorer.one(".grow button").is_displayed()


def test_nothing_found_offers_ways_on(explorer: Explorer) -> None:
    explorer.open("#/search?query=qqqqqzzzzz+xxxxyyyyy&genre=Western")
    explorer.wait_text(".notice h2", "No film matches")
    ways = explorer.texts(".notice-ways a")
    assert "Without Western" in ways
    assert "All films" in ways

    explorer.one(".notice-ways a[href='#/search']").click()
    explorer.wait(lambda: len(explorer.all(".results .tile")) > 5, "all films")


def test_film_page_tells_what_is_known(explorer: Explorer, film: dict[str, Any]) -> None:
    explorer.open(f"#/film/{film['movie_id']}")
    explorer.wait_text("h1", film["title"])
    explorer.settle()
    text = explorer.one("main").text
    expected = [
        str(film["year"]),
        *film["genres"],
        *film["directors"],
        *film["cast"][:3],
        *film["streaming_services"],
        film["overview"],
    ]
    assert [one for one in expected if one not in text] == []
    assert f"{film['rating_count']:,}" in text
    assert explorer.js("return document.title") == f"{film['title']} ({film['year']}) · CineAesthete"
    assert bool(explorer.texts(".tag")) == (film["streaming_source"] == "mock" and bool(film["streaming_services"]))
    look = film.get("look") or {}
    assert [text.split()[0][:7] for text in explorer.texts(".palette li")] == [
        swatch["hex"] for swatch in look.get("palette", [])
    ]
    assert explorer.texts(".scenes li") == look.get("scenes", [])

    director = film["directors"][0]
    next(a for a in explorer.all(".credits a") if a.text == director).click()
    explorer.wait_text("h1", director)
    explorer.wait(lambda: film["title"] in explorer.texts(".tile-title"), "the film among the director's")
    assert explorer.complaints(refusals=True) == []


def test_real_posters_cover_the_drawn_ones_once_they_load(
    explorer: Explorer, stub: StubMesh, monkeypatch: pytest.MonkeyPatch
) -> None:
    there, broken = stub.films[0], stub.films[1]
    monkeypatch.setitem(there, "poster_url", stub.url + "favicon.svg")
    monkeypatch.setitem(broken, "poster_url", stub.url + "missing.jpg")
    explorer.open(f"#/film/{there['movie_id']}")
    explorer.wait(lambda: explorer.all(".film-top .has-picture"), "the poster")
    assert (
        explorer.js("return getComputedStyle(document.querySelector('.film-top .poster-text')).visibility") == "hidden"
    )

    explorer.open(f"#/film/{broken['movie_id']}")
    explorer.settle()
    explorer.wait(lambda: not explorer.all(".film-top .poster img"), "the broken picture to go")
    assert explorer.one(".film-top .poster-title").text.casefold() == broken["title"].casefold()


def test_cinematch_answers_and_going_back_restores_the_taste(explorer: Explorer) -> None:
    explorer.open("#/match")
    explorer.wait(lambda: len(explorer.all(".taste .toggle")) > 3, "the chips")
    explorer.js("document.querySelector('.toggle input[value=Drama]').focus()")
    explorer.press(Keys.SPACE)
    own = explorer.all(".own input")[0]
    own.send_keys("science fiction", Keys.ENTER)
    assert explorer.hash == "#/match", "Enter in the field adds the word first"
    explorer.press(Keys.ENTER)

    explorer.wait(lambda: len(explorer.all(".match-results .score")) == 20, "twenty films")
    assert "genre=Drama" in explorer.hash
    assert "genre=science" in explorer.hash
    assert "Model " in explorer.texts(".match-head")[0]
    scores = [float(text.split("%")[0]) for text in explorer.texts(".match-results .score")]
    assert all(0 <= score <= 100 for score in scores)
    assert explorer.all(".banner") == []
    titles = explorer.texts(".match-results .tile-title")
    explorer.all(".match-results .tile a")[3].click()
    explorer.wait(lambda: explorer.all("h1.film-title"), "the film")
    explorer.driver.back()

    explorer.wait(lambda: explorer.texts(".match-results .tile-title") == titles, "the same films")
    checked = explorer.js("return [...document.querySelectorAll('.toggle input:checked')].map((box) => box.value)")
    assert checked == ["Drama", "science fiction"]
    assert explorer.complaints(refusals=True) == []
