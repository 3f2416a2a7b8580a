"""The watchlist in a browser: kept from a film's page, put in order, changed, taken off."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.actions import interaction
from selenium.webdriver.common.actions.action_builder import ActionBuilder
from selenium.webdriver.common.actions.pointer_input import PointerInput
from selenium.webdriver.common.keys import Keys

from tests.e2e.explorer.accounts import click, labelled, press, sign_in
from tests.e2e.explorer.stub_people import Account

if TYPE_CHECKING:
    from tests.e2e.explorer.conftest import Explorer
    from tests.e2e.explorer.stub_mesh import StubMesh

pytestmark = [pytest.mark.browser]


def _own(stub: StubMesh, ada: Account) -> list[dict[str, Any]]:
    return stub.watchlist.items.get(ada.user_id, [])


def _keep(stub: StubMesh, ada: Account, number: int) -> list[dict[str, Any]]:
    """Puts films on the watchlist and returns them, as they stand in the list."""
    for film in reversed(stub.films[:number]):
        stub.watchlist.put(ada, film["movie_id"])
    return stub.films[:number]


def _titles(explorer: Explorer) -> list[str]:
    return explorer.texts(".lines .line-title")


def test_a_film_is_kept_from_its_page(explorer: Explorer, stub: StubMesh, ada: Account) -> None:
    film = stub.films[0]
    explorer.open(f"#/film/{film['movie_id']}")
    explorer.settle()
    click(explorer, labelled(explorer, "Add to watchlist"))
    explorer.wait_text(".keep summary", "On your watchlist, priority 5")
    assert explorer.focused.tag_name == "summary"
    explorer.press(Keys.ENTER)
    form = explorer.one(".keep form")
    form.find_element("name", "priority").send_keys("9")
    form.find_element("name", "notes").send_keys("With Grace")
    form.find_element("css selector", "[type=submit]").click()
    explorer.wait_text(".keep summary", "priority 9")
    assert [(one["priority"], one["notes"]) for one in _own(stub, ada)] == [(9, "With Grace")]

    explorer.open(f"#/film/{film['movie_id']}")
    explorer.wait_text(".keep summary", "On your watchlist, priority 9")
    explorer.one(".keep summary").click()
    click(explorer, labelled(explorer, "Take it off"))
    explorer.wait_text(".keep", "It is off your watchlist")
    assert _own(stub, ada) == []
    assert explorer.complaints(refusals=True) == []


def test_a_note_that_was_outrun_on_the_films_page_stays_in_the_form(
    explorer: Explorer, stub: StubMesh, ada: Account
) -> None:
    film = stub.films[0]["movie_id"]
    item = stub.watchlist.put(ada, film)
    explorer.open(f"#/film/{film}")
    explorer.wait_text(".keep summary", "On your watchlist")
    explorer.one(".keep summary").click()
    note = explorer.one(".keep [name=notes]")
    note.send_keys("Mine")
    item.update(notes="From the telephone", etag="77")
    press(explorer, "Save")
    explorer.wait_text(".keep .form-error", "says now “From the telephone”")
    assert (note.get_attribute("value"), item["notes"]) == ("Mine", "From the telephone")
    press(explorer, "Save")
    explorer.wait(lambda: item["notes"] == "Mine", "the second attempt")


def test_signed_out_people_are_led_to_a_sign_in_that_comes_back(explorer: Explorer, stub: StubMesh) -> None:
    stub.identity.add("ada")
    film = stub.films[0]
    explorer.open(f"#/film/{film['movie_id']}")
    explorer.wait_text(".keep a", "Add to watchlist")
    explorer.one(".keep a").click()
    sign_in(explorer, "ada", opened=True)
    explorer.wait(lambda: explorer.hash == f"#/film/{film['movie_id']}", "the way back")
    labelled(explorer, "Add to watchlist")


def test_two_clicks_are_one_attempt_and_a_lost_answer_is_asked_for_again(
    explorer: Explorer, stub: StubMesh, ada: Account
) -> None:
    explorer.open(f"#/film/{stub.films[0]['movie_id']}")
    button = labelled(explorer, "Add to watchlist")
    stub.losing = 1
    click(explorer, button)
    explorer.wait_text(".keep .form-error", "not answering")
    assert len(_own(stub, ada)) == 1, "the film is on it, which the page cannot know"
    explorer.js("document.querySelector('.keep button').click(); document.querySelector('.keep button').click()")
    explorer.wait_text(".keep summary", "On your watchlist")
    assert len(_own(stub, ada)) == 1
    first, second = stub.watchlist.asked
    assert first == second


def test_a_film_goes_on_a_list_and_on_a_new_one(explorer: Explorer, stub: StubMesh, ada: Account) -> None:
    film = stub.films[0]["movie_id"]
    rain = stub.watchlist.make(ada, "Rain")
    explorer.open(f"#/film/{film}")
    explorer.wait_text(".keep summary", "Add to a list…")
    explorer.one(".keep details summary").click()
    click(explorer, labelled(explorer, "Add to Rain"))
    explorer.wait_text(".keep-list", "Added")
    assert [item["movie_id"] for item in rain["films"]] == [film]
    explorer.one(".keep-lists [name=name]").send_keys("Fog", Keys.ENTER)
    explorer.wait_text(".keep-lists", "made, with this film")
    fog = next(one for one in stub.watchlist.lists.values() if one["name"] == "Fog")
    assert [item["movie_id"] for item in fog["films"]] == [film]
    explorer.driver.refresh()
    explorer.wait_text(".keep summary", "Add to a list…")
    explorer.one(".keep details summary").click()
    click(explorer, labelled(explorer, "Add to Rain"))
    explorer.wait_text(".keep-list", "It is on it already")


def test_order_by_keys_and_buttons(explorer: Explorer, stub: StubMesh, ada: Account) -> None:
    films = _keep(stub, ada, 4)
    first, second, third, fourth = (film["title"] for film in films)
    explorer.open("#/watchlist")
    explorer.wait(lambda: _titles(explorer) == [first, second, third, fourth], "the list")
    labelled(explorer, f"Move {first} down").click()
    explorer.wait(lambda: _titles(explorer) == [second, first, third, fourth], "one step down")
    assert explorer.focused.accessible_name == f"Move {first} down"
    explorer.wait_text("#announce", f"{first}: number 2 of 4")
    explorer.press(Keys.END)
    explorer.press(Keys.ARROW_UP)
    wanted = [second, third, first, fourth]
    assert _titles(explorer) == wanted
    kept = lambda: [one["movie"]["title"] for one in _own(stub, ada)] == wanted  # noqa: E731
    explorer.wait(kept, "the order on the server")
    explorer.driver.refresh()
    explorer.wait(lambda: _titles(explorer) == wanted, "the order after loading again")

    # a key that is held down is few moves: the edge lets 60 calls a minute pass
    before = sum("/move" in path for path in stub.seen)
    labelled(explorer, f"Move {fourth} up").send_keys(*[Keys.ARROW_UP, Keys.ARROW_DOWN] * 8, Keys.HOME)
    wanted = [fourth, second, third, first]
    explorer.wait(kept, "the order on the server")
    assert sum("/move" in path for path in stub.seen) - before <= 3


def test_order_by_dragging(explorer: Explorer, stub: StubMesh, ada: Account) -> None:
    films = _keep(stub, ada, 3)
    first, second, third = (film["title"] for film in films)
    explorer.open("#/watchlist")
    explorer.wait(lambda: len(_titles(explorer)) == 3, "the list")
    grips, lines = explorer.all(".grip"), explorer.all(".line")
    drag = ActionChains(explorer.driver).click_and_hold(grips[0])
    drag.move_to_element_with_offset(lines[2], 0, int(lines[2].size["height"] / 2) - 4).pause(0.1).release().perform()
    explorer.wait(lambda: _titles(explorer) == [second, third, first], "the dragged one at the end")
    explorer.wait(lambda: [one["movie"]["title"] for one in _own(stub, ada)] == [second, third, first], "the server")
    # a drag that is given up changes nothing
    grips, lines = explorer.all(".grip"), explorer.all(".line")
    ActionChains(explorer.driver).click_and_hold(grips[2]).move_to_element(lines[0]).pause(0.1).send_keys(
        Keys.ESCAPE
    ).release().perform()
    assert _titles(explorer) == [second, third, first]


def test_order_by_a_finger(explorer: Explorer, stub: StubMesh, ada: Account) -> None:
    titles = [film["title"] for film in _keep(stub, ada, 3)]
    explorer.size(360, 800)
    explorer.open("#/watchlist")
    explorer.wait(lambda: _titles(explorer) == titles, "the list")
    explorer.js("document.querySelectorAll('.line')[1].scrollIntoView({ block: 'center' })")
    finger = PointerInput(interaction.POINTER_TOUCH, "finger")
    acting = ActionBuilder(explorer.driver, mouse=finger)
    grips = explorer.all(".grip")
    acting.pointer_action.move_to(grips[2]).pointer_down()
    acting.pointer_action.move_to(explorer.all(".line")[0], 0, -60).pause(0.1).pointer_up()
    acting.perform()
    explorer.wait(lambda: _titles(explorer) == [titles[2], *titles[:2]], "the last one first")
    explorer.wait(lambda: [one["movie"]["title"] for one in _own(stub, ada)] == [titles[2], *titles[:2]], "the server")


def test_an_order_that_was_not_kept_is_told_and_taken_back(explorer: Explorer, stub: StubMesh, ada: Account) -> None:
    films = _keep(stub, ada, 3)
    titles = [film["title"] for film in films]
    explorer.open("#/watchlist")
    explorer.wait(lambda: _titles(explorer) == titles, "the list")
    gone = _own(stub, ada).pop(0)  # taken off on another device
    assert gone["movie"]["title"] == titles[0]
    labelled(explorer, f"Move {titles[0]} down").click()
    explorer.wait_text("[role=alert]", "That move was not kept")
    explorer.wait(lambda: _titles(explorer) == titles[1:], "what there is")


def test_priority_note_and_a_newer_state(explorer: Explorer, stub: StubMesh, ada: Account) -> None:
    film = _keep(stub, ada, 2)[0]
    item = _own(stub, ada)[0]
    explorer.open("#/watchlist")
    explorer.wait(lambda: len(_titles(explorer)) == 2, "the list")
    explorer.js(
        "const s = document.querySelector('.line select'); s.value = '10'; s.dispatchEvent(new Event('change'))"
    )
    explorer.wait(lambda: item["priority"] == 10, "the priority")
    explorer.wait_text("#announce", "Priority 10")
    summary = explorer.one(".line summary")
    summary.click()
    explorer.one(".line textarea").send_keys("Rainy day")
    explorer.one(".line form [type=submit]").click()
    explorer.wait_text(".line-note", "Rainy day")

    # somebody changed it on another device
    item.update(notes="From the telephone", etag="77")
    explorer.js("const s = document.querySelector('.line select'); s.value = '1'; s.dispatchEvent(new Event('change'))")
    explorer.wait_text(".line .banner", "changed elsewhere")
    assert explorer.texts(".line-note") == ["From the telephone"]
    assert item["priority"] == 10
    assert explorer.js("return document.querySelector('.line select').value") == "10"
    assert film["title"] in explorer.texts(".line-title")

    assert explorer.complaints(refusals=True) == []


def test_watched_asks_for_a_rating_and_can_be_taken_back(explorer: Explorer, stub: StubMesh, ada: Account) -> None:
    title = _keep(stub, ada, 2)[0]["title"]
    item = _own(stub, ada)[0]
    explorer.open("#/watchlist")
    labelled(explorer, f"I have watched {title}").click()
    explorer.wait_text(".line-fact", "Watched")
    assert item["watched"]
    explorer.wait(lambda: explorer.all(".line-rate input[type=range]"), "stars")
    assert explorer.focused.accessible_name == f"{title} is not watched after all"
    explorer.one(".line summary").click()
    day = explorer.one(".line [name=day]")
    explorer.js("arguments[0].value = '2025-02-03'", day)
    explorer.one(".line form [type=submit]").click()
    explorer.wait_text(".line-fact", "Feb 3, 2025")
    assert str(item["watched_at"]).startswith("2025-02-03")
    labelled(explorer, f"{title} is not watched after all").click()
    explorer.wait(lambda: not item["watched"], "the mark gone")


def test_filters_and_pages_are_in_the_address(explorer: Explorer, stub: StubMesh, ada: Account) -> None:
    _keep(stub, ada, 45)
    for item in _own(stub, ada)[::2]:
        item.update(watched=True, watched_at=item["created_at"])
    explorer.open("#/watchlist")
    explorer.wait_text(".shown", "20 of 45 films")
    labelled(explorer, "More").click()
    explorer.wait_text(".shown", "40 of 45 films")
    select = explorer.one("[name=watched]")
    explorer.js("arguments[0].value = 'false'; arguments[0].dispatchEvent(new Event('change'))", select)
    explorer.wait_text(".shown", "20 of 22 films")
    assert explorer.hash == "#/watchlist?watched=false"
    explorer.js(
        "const s = document.querySelector('[name=order_by]'); s.value = 'title'; s.dispatchEvent(new Event('change'))"
    )
    explorer.wait(lambda: explorer.hash == "#/watchlist?watched=false&order_by=title", "the address")
    explorer.wait(lambda: len(_titles(explorer)) == 20 and _titles(explorer) == sorted(_titles(explorer)), "by title")
    assert not explorer.all(".grips"), "no order of one's own where another one is shown"
    explorer.driver.refresh()
    explorer.wait_text(".shown", "20 of 22 films")


def test_what_is_removed_comes_back_to_its_place(explorer: Explorer, stub: StubMesh, ada: Account) -> None:
    titles = [film["title"] for film in _keep(stub, ada, 3)]
    _own(stub, ada)[1].update(priority=8, notes="Keep me")
    explorer.open("#/watchlist")
    labelled(explorer, f"Remove {titles[1]}").click()
    explorer.wait_text(".gone", f"{titles[1]} is off your watchlist")
    assert [one["movie"]["title"] for one in _own(stub, ada)] == [titles[0], titles[2]]
    explorer.wait_text(".shown", "2 films")
    assert explorer.focused.text == "Undo"
    explorer.press(Keys.ENTER)
    explorer.wait(lambda: _titles(explorer) == titles, "the film back")
    explorer.wait(lambda: [one["movie"]["title"] for one in _own(stub, ada)] == titles, "its place")
    again = _own(stub, ada)[1]
    assert (again["priority"], again["notes"]) == (8, "Keep me")
    explorer.wait_text(".shown", "3 films")


def test_an_empty_watchlist_leads_on(explorer: Explorer, ada: Account) -> None:
    explorer.open("#/watchlist")
    explorer.wait_text(".notice h2", "Nothing here yet")
    assert "#/import" in [str(a.get_attribute("href")).split("/", 3)[-1] for a in explorer.all(".notice a")]
