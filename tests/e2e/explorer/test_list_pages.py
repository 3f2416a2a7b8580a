"""Lists in a browser: made, filled, put in order, worked on together, shared, talked about."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from tests.e2e.explorer.accounts import click, fill, forget, labelled, named, press
from tests.e2e.explorer.stub_films import HOSTILE_TITLE
from tests.e2e.explorer.stub_people import Account

if TYPE_CHECKING:
    from tests.e2e.explorer.conftest import Explorer
    from tests.e2e.explorer.stub_mesh import StubMesh

pytestmark = [pytest.mark.browser]


def _titles(explorer: Explorer) -> list[str]:
    return explorer.texts(".lines .line-title")


def _films(stub: StubMesh, number: int) -> list[int]:
    return [film["movie_id"] for film in stub.films[:number]]


def _choose(explorer: Explorer, selector: str, value: str) -> None:
    explorer.js(
        "arguments[0].value = arguments[1]; arguments[0].dispatchEvent(new Event('change'))",
        explorer.one(selector),
        value,
    )


def test_make_a_list_fill_it_and_put_it_in_order(explorer: Explorer, stub: StubMesh, ada: Account) -> None:
    explorer.open("#/lists")
    explorer.wait_text(".notice h2", "No list here yet")
    explorer.one("summary").click()
    fill(explorer, name="Rain", description="Where it pours.")
    _choose(explorer, "[name=visibility]", "PUBLIC")
    click(explorer, explorer.one("[name=ranked]"))
    stub.losing = 1
    press(explorer, "Make the list")
    explorer.wait_text(".form-error", "not answering")
    press(explorer, "Make the list")
    explorer.wait_text("h1", "Rain")
    (rain,) = stub.watchlist.lists.values()
    assert (rain["visibility"], rain["ranked"], rain["description"]) == ("PUBLIC", True, "Where it pours.")

    films = [film for film in stub.films[:3] if film["title"]]
    for film in films:
        field = explorer.one(".finder input")
        field.send_keys(film["title"], Keys.ENTER)
        press(explorer, f"Add {film['title']} ({film['year']})")
        explorer.wait(lambda title=film["title"]: title in _titles(explorer), film["title"])
        assert explorer.focused == field
    first, second, third = (film["title"] for film in films)
    assert explorer.texts(".line-place") == ["1", "2", "3"]
    press(explorer, f"Move {third} up")
    explorer.press(Keys.HOME)
    explorer.wait(lambda: _titles(explorer) == [third, first, second], "the order")
    assert explorer.texts(".line-place") == ["1", "2", "3"]
    explorer.wait(lambda: [i["movie"]["title"] for i in rain["films"]] == [third, first, second], "the server's order")

    press(explorer, f"Remove {first}")
    explorer.wait(lambda: [i["movie"]["title"] for i in rain["films"]] == [third, second], "one less")
    explorer.wait(lambda: explorer.texts(".line-place") == ["1", "2"], "the places of the rest")
    press(explorer, "Undo")
    explorer.wait(lambda: [i["movie"]["title"] for i in rain["films"]] == [third, first, second], "it is back")
    explorer.wait(lambda: explorer.texts(".line-place") == ["1", "2", "3"], "the places")
    assert explorer.complaints(refusals=True) == []


def test_a_note_that_was_outrun_is_told_and_kept_in_the_form(explorer: Explorer, stub: StubMesh, ada: Account) -> None:
    rain = stub.watchlist.make(ada, "Rain", _films(stub, 2))
    explorer.open(f"#/lists/{rain['list_id']}")
    explorer.wait(lambda: len(_titles(explorer)) == 2, "the films")
    explorer.one(".line summary").click()
    explorer.one(".line textarea").send_keys("Mine")
    rain["films"][0].update(notes="Grace's", etag="9")
    explorer.one(".line form [type=submit]").click()
    explorer.wait_text(".line .form-error", "says now “Grace's”")
    assert explorer.one(".line textarea").get_attribute("value") == "Mine"
    explorer.one(".line form [type=submit]").click()
    explorer.wait_text(".line-note", "Mine")
    assert rain["films"][0]["notes"] == "Mine"


def test_settings_and_a_newer_state_of_them(explorer: Explorer, stub: StubMesh, ada: Account) -> None:
    rain = stub.watchlist.make(ada, "Rain", visibility="UNLISTED")
    explorer.open(f"#/lists/{rain['list_id']}/settings")
    explorer.settle()
    rain.update(name="Downpour", etag="5")
    fill(explorer, name="Drizzle")
    press(explorer, "Save")
    explorer.wait_text(".outrun", "Downpour")
    assert rain["name"] == "Downpour"
    assert named(explorer, "name").get_attribute("value") == "Drizzle", "what was typed stays"
    press(explorer, "Save")
    explorer.wait_text("h1", "Drizzle")
    assert rain["name"] == "Drizzle"

    press(explorer, "Delete the list")
    press(explorer, "Delete it for good")
    explorer.wait_text("h1", "Lists")
    assert stub.watchlist.lists == {}


def test_somebody_is_invited_accepts_and_works_on_the_list(explorer: Explorer, stub: StubMesh, ada: Account) -> None:
    grace = stub.identity.add("grace")
    rain = stub.watchlist.make(grace, "Rain", _films(stub, 1))
    fog = stub.watchlist.make(ada, "Fog")
    explorer.open(f"#/lists/{fog['list_id']}/people")
    explorer.settle()
    fill(explorer, username="@grace")
    _choose(explorer, "[name=role]", "editor")
    press(explorer, "Invite")
    explorer.wait_text(".form-done", "Asked: @grace")
    (sent,) = stub.watchlist.invitations.values()
    assert (sent["username"], sent["role"], sent["list_id"]) == ("grace", "editor", fog["list_id"])
    stub.watchlist.invitations.clear()

    fog["people"][grace.user_id] = "editor"
    explorer.driver.refresh()
    explorer.settle()
    _choose(explorer, "[aria-label='What @grace may do']", "viewer")
    explorer.wait(lambda: fog["people"][grace.user_id] == "viewer", "the role")
    press(explorer, "Take @grace off the list")
    explorer.wait(lambda: grace.user_id not in fog["people"], "off the list")

    asked: dict[str, Any] = {"invitation_id": "v9", "list_id": rain["list_id"], "list_name": "Rain", "role": "editor"}
    asked |= {"username": "ada", "invited_by_username": "grace", "expires_at": "2026-12-20T10:30:00Z"}
    stub.watchlist.invitations["v9"] = asked
    explorer.open("#/lists")
    press(explorer, "Accept Rain")
    explorer.wait_text(".invited", "Accepted")
    explorer.wait(lambda: "Rain" in explorer.texts(".items .line-title"), "the list among mine")
    explorer.open(f"#/lists/{rain['list_id']}")
    explorer.wait(lambda: explorer.all(".finder"), "the way to add")
    explorer.open(f"#/lists/{rain['list_id']}/people")
    press(explorer, "Leave the list")
    press(explorer, "Leave it")
    explorer.wait_text("h1", "Lists")
    assert ada.user_id not in rain["people"]


def test_a_link_is_made_opens_for_anybody_and_is_taken_back(explorer: Explorer, stub: StubMesh, ada: Account) -> None:
    rain = stub.watchlist.make(ada, "Rain", _films(stub, 35), visibility="UNLISTED", ranked=True)
    explorer.open(f"#/lists/{rain['list_id']}/people")
    press(explorer, "Make a link")
    address = str(explorer.wait(lambda: explorer.one(".address input").get_attribute("value"), "the link"))
    assert address.endswith(f"#/list?token={rain['link']}")
    assert explorer.focused.get_attribute("value") == address

    forget(explorer)
    explorer.open(address[address.index("#") :])
    explorer.wait_text("h1", "Rain")
    explorer.settle()
    explorer.wait_text(".shown", "30 of 35 films")
    press(explorer, "More")
    explorer.wait(lambda: explorer.texts(".line-place") == [str(i + 1) for i in range(35)], "all places")
    assert explorer.texts(".shown") == ["35 films"]
    assert not explorer.all("main .grips")
    assert explorer.complaints() == []

    rain["link"] = ""
    explorer.driver.refresh()
    explorer.wait_text("h1", "This link opens nothing")


def test_the_link_can_be_taken_back_and_private_lists_have_none(
    explorer: Explorer, stub: StubMesh, ada: Account
) -> None:
    rain = stub.watchlist.make(ada, "Rain", visibility="PUBLIC", link="there")
    explorer.open(f"#/lists/{rain['list_id']}/people")
    press(explorer, "Take the link back")
    press(explorer, "Take it back")
    explorer.wait(lambda: rain["link"] == "", "no link")
    labelled(explorer, "Make a link")
    rain["visibility"] = "PRIVATE"
    explorer.driver.refresh()
    explorer.wait_text("main", "A private list has no link")


def test_comments_are_written_shown_as_markup_and_deleted(explorer: Explorer, stub: StubMesh, ada: Account) -> None:
    grace = stub.identity.add("grace")
    rain = stub.watchlist.make(grace, "Rain", visibility="PUBLIC", comments_enabled=True)
    said = {"comment_id": "c0", "user_id": grace.user_id, "username": "grace", "created_at": rain["created_at"]}
    rain["talk"].append(
        said | {"body_html": "<p>Wet.</p><script>document.title='owned'</script><img src=//evil.test/x>"}
    )
    explorer.open(f"#/lists/{rain['list_id']}/comments")
    explorer.wait_text(".remark", "Wet.")
    assert not explorer.all(".remark img, .remark script")
    fill(explorer, body_markdown="Very *wet* indeed")
    press(explorer, "Say it")
    explorer.wait(lambda: explorer.texts(".remark em") == ["wet"], "the comment")
    assert len(rain["talk"]) == 2
    assert [b.text for b in explorer.all(".remark button")] == ["Delete"], "only one's own"
    press(explorer, "Delete the comment of ada")
    press(explorer, "Delete it")
    explorer.wait(lambda: len(explorer.all(".remark")) == 1, "it is gone")
    assert len(rain["talk"]) == 1
    assert explorer.complaints() == []

    rain["comments_enabled"] = False
    explorer.driver.refresh()
    explorer.wait_text("main", "Comments are off")
    assert not explorer.all("main textarea")


def test_others_see_a_public_list_and_nothing_of_a_private_one(explorer: Explorer, stub: StubMesh) -> None:
    grace = stub.identity.add("grace")
    rain = stub.watchlist.make(grace, HOSTILE_TITLE, _films(stub, 2), visibility="PUBLIC", comments_enabled=True)
    fog = stub.watchlist.make(grace, "Fog")
    explorer.open(f"#/lists/{rain['list_id']}")
    explorer.wait(lambda: explorer.texts("h1") == [HOSTILE_TITLE], "the name as text")
    explorer.wait(lambda: len(_titles(explorer)) == 2, "its films")
    assert not explorer.all(".finder, .grips, .line button")
    assert explorer.texts(".tabs a") == ["Films", "Comments"]
    explorer.open(f"#/lists/{rain['list_id']}/comments")
    explorer.wait(lambda: explorer.all(".notice a"), "the way to sign in")
    assert "next=lists" in str(explorer.one(".notice a").get_attribute("href"))
    explorer.open(f"#/lists/{rain['list_id']}/settings")
    explorer.wait_text(".notice h2", "Nothing here for you")
    explorer.open(f"#/lists/{fog['list_id']}")
    explorer.wait_text("h1", "No such list")
    assert "Fog" not in explorer.driver.find_element(By.TAG_NAME, "main").text
    explorer.open("#/lists")
    explorer.wait_text(".notice h2", "Sign in first")
