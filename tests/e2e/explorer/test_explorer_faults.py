"""What the explorer says when something is wrong, and that hostile data stays text."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from selenium.webdriver.common.keys import Keys

from tests.e2e.explorer.opinions import come_to_similar, open_film
from tests.e2e.explorer.stub_films import HOSTILE_TITLE

if TYPE_CHECKING:
    from tests.e2e.explorer.conftest import Explorer
    from tests.e2e.explorer.stub_mesh import StubMesh

pytestmark = [pytest.mark.browser]


def test_a_slow_answer_never_overtakes_a_newer_one(explorer: Explorer, stub: StubMesh) -> None:
    stub.slow["sta"] = 0.8
    explorer.open()
    explorer.settle()
    explorer.type_query("sta")
    explorer.wait(lambda: any("query=sta&" in path for path in stub.seen), "the first request")
    explorer.press("lker")
    explorer.wait_text("[role=option]", "“stalker”")
    explorer.js("window.late = 0; setTimeout(() => { window.late = 1; }, 1000)")
    explorer.wait(lambda: explorer.js("return window.late"), "the slow answer")

    assert all("“sta”" not in text for text in explorer.texts("[role=option]"))
    assert explorer.complaints() == []


def test_unknown_film_is_said_plainly(explorer: Explorer) -> None:
    explorer.open("#/film/2000000001")

    explorer.wait_text(".notice", "There is no film with the number 2000000001")
    assert explorer.texts(".notice-ways a") == ["Browse all films", "Home"]
    assert explorer.complaints(refusals=True) == []


@pytest.mark.parametrize(
    "address",
    ["#/film/abc", "#/film/-1", "#/film/1.5", "#/film/99999999999", "#/list/constructor", "#/toString", "#/%E0%A4%A"],
)
def test_addresses_that_lead_nowhere(explorer: Explorer, address: str) -> None:
    explorer.open(address)

    explorer.wait_text("h1", "Nothing here")
    assert explorer.complaints() == []


def test_cinematch_says_which_genre_is_unknown(explorer: Explorer) -> None:
    explorer.open("#/match?genre=Drama&genre=polka&go=1")

    message = explorer.wait_text(".taste .field-error", "polka")
    assert "Comedy" in message, "the accepted names are listed"
    wrong = explorer.all("[aria-invalid=true]")
    assert [box.get_attribute("value") for box in wrong] == ["polka"]
    assert explorer.focused == wrong[0]
    described = explorer.one(f"#{wrong[0].get_attribute('aria-describedby')}")
    assert "polka" in described.text
    assert explorer.complaints(refusals=True) == []

    explorer.press(Keys.SPACE)
    explorer.one(".match-go button").click()
    explorer.wait(lambda: len(explorer.all(".match-results .score")) == 20, "films without the polka")
    assert not explorer.one(".taste .field-error").is_displayed()


def test_search_says_which_genre_is_unknown(explorer: Explorer) -> None:
    explorer.open("#/search?genre=polka")

    explorer.wait_text(".filter .field-error", "polka")
    explorer.one(".notice-ways a").click()
    explorer.wait(lambda: len(explorer.all(".results .tile")) > 5, "films without the polka")


def test_degraded_answer_is_marked(explorer: Explorer, stub: StubMesh) -> None:
    stub.degraded = "the text encoder is not loaded"
    explorer.open("#/match?genre=Drama&go=1")

    explorer.wait_text(".banner", "the text encoder is not loaded")


def test_outage_of_the_catalogue_is_named_and_passes(explorer: Explorer, stub: StubMesh) -> None:
    stub.down.add("catalog")
    explorer.open()
    explorer.wait_text(".notice[role=alert]", "The catalogue is not answering")
    explorer.open("#/search?query=love")
    explorer.wait_text(".notice[role=alert]", "The catalogue is not answering")
    explorer.type_query("stalker")
    explorer.wait_text(".find-said", "not answering")
    assert explorer.complaints(refusals=True) == []

    stub.down.clear()
    explorer.press(Keys.ESCAPE)
    explorer.one(".notice button").click()
    explorer.wait(lambda: len(explorer.all(".results .tile")) > 5, "films again")


def test_outage_of_the_recommender_leaves_the_rest(explorer: Explorer, stub: StubMesh, film: dict[str, Any]) -> None:
    stub.down.add("recommender")
    explorer.open("#/match?genre=Drama&go=1")
    explorer.wait_text(".notice[role=alert]", "The recommender is not answering")
    assert explorer.all(".toggle"), "the form is still there"
    explorer.wait_text(".foot-state", "CineMatch is not answering")

    explorer.open(f"#/film/{film['movie_id']}")
    explorer.wait_text("h1", film["title"])
    come_to_similar(explorer)
    explorer.wait_text("main", "Similar films are not available just now")
    assert explorer.all(".notice") == []


def test_similar_films_that_are_not_built_yet_leave_a_quiet_line(
    explorer: Explorer, stub: StubMesh, film: dict[str, Any]
) -> None:
    stub.unimplemented.add(f"/api/v1/recommendations/similar/{film['movie_id']}")
    open_film(explorer, film)
    come_to_similar(explorer)

    explorer.wait_text("main .quiet", "Similar films are not available just now")
    assert explorer.all(".notice") == []


def test_no_connection_is_said(explorer: Explorer) -> None:
    explorer.open("#/search")
    explorer.settle()
    explorer.driver.set_network_conditions(offline=True, latency=0, throughput=0)
    try:
        explorer.js("location.hash = '#/search?query=unheard-of'")
        explorer.wait_text(".notice[role=alert] h2", "No connection")
    finally:
        explorer.driver.delete_network_conditions()
    explorer.one(".notice button").click()
    explorer.wait(lambda: "No connection" not in explorer.one("main").text, "the connection")


def test_too_many_requests_say_when_to_come_back(explorer: Explorer, stub: StubMesh) -> None:
    stub.limited = 12
    explorer.open("#/search?query=love")
    explorer.wait_text(".notice[role=alert]", "Try again in 12 seconds")
    explorer.type_query("stalker")
    explorer.wait_text(".find-said", "Try again in 12 seconds")
    stub.limited = 0
    explorer.press(Keys.ESCAPE)
    explorer.one(".notice button").click()
    explorer.wait(lambda: len(explorer.all(".results .tile")) > 5, "films again")


def test_hostile_titles_stay_text(explorer: Explorer, stub: StubMesh) -> None:
    explorer.open("#/film/999999")
    explorer.wait(lambda: explorer.texts("h1.film-title") == [HOSTILE_TITLE], "the title as text")
    assert HOSTILE_TITLE in explorer.texts(".overview")
    assert HOSTILE_TITLE in explorer.texts(".credits a")
    explorer.open("#/search?query=onerror")
    explorer.wait(lambda: HOSTILE_TITLE in explorer.texts(".tile-title"), "the tile")
    explorer.type_query("onerror")
    explorer.wait(lambda: HOSTILE_TITLE in explorer.texts(".option-title"), "the suggestion")
    hostile_query = "#/search?query=" + "%3Cimg%20src%3Dx%20onerror%3D%22document.title%3D'owned'%22%3E"
    explorer.open(hostile_query)
    explorer.wait_text("h1", "<img src=x")
    explorer.settle()

    assert explorer.js("return document.querySelectorAll('main script, main img[src=\"x\"]').length") == 0
    assert explorer.js("return document.title").endswith("· CineAesthete"), "no script has changed it"
