"""Films for somebody new, for films liked lately, and for strangers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.e2e.explorer.accounts import press, sign_in, sign_out, signed_in
from tests.e2e.explorer.picks import opened, said, titles

if TYPE_CHECKING:
    from tests.e2e.explorer.conftest import Explorer
    from tests.e2e.explorer.stub_mesh import StubMesh
    from tests.e2e.explorer.stub_people import Account

pytestmark = [pytest.mark.browser]


def test_somebody_new_is_asked_first_and_sees_picks_at_once(explorer: Explorer, stub: StubMesh, ada: Account) -> None:
    explorer.open("#/for-you")
    explorer.wait(lambda: len(explorer.all(".question")) == 12, "questions")
    explorer.wait_text(".start .seen-of", "0 of 10 films rated")
    names = titles(explorer, ".questions")
    press(explorer, f"Don’t know it: {names[0]}")
    explorer.wait(lambda: names[0] not in titles(explorer, ".questions"), "another film in its place")
    assert len(set(titles(explorer, ".questions"))) == 12
    for i, stars in ((1, "5"), (2, "2")):
        explorer.all(".question input")[i].send_keys(stars)
        explorer.wait_text(".start .seen-of", f"{i} of 10 films rated")
    stub.recommender.deaf = 2  # what was rated is not heard of yet
    press(explorer, "Show my films")
    explorer.wait(lambda: titles(explorer), "picks")
    explorer.wait_text(".pick-reason", f"Because you liked {names[1]}.")
    assert not explorer.all(".start")
    assert ada.preferences["onboarded"] is True
    assert explorer.focused.text == titles(explorer)[0]
    explorer.driver.refresh()
    explorer.settle()
    assert titles(explorer)
    assert explorer.complaints() == []


def test_questions_can_be_skipped_and_come_again_when_wanted(explorer: Explorer, stub: StubMesh, ada: Account) -> None:
    explorer.open("#/for-you")
    press(explorer, "Skip this")
    explorer.wait(lambda: titles(explorer), "what many watch")
    explorer.wait_text(".rung", "films that many here watch")
    opened(explorer)
    assert not explorer.all(".question"), "asked once"
    press(explorer, "Rate a few films")
    explorer.wait(lambda: len(explorer.all(".question")) == 12, "questions")


def test_a_filter_is_not_answered_with_questions(explorer: Explorer, stub: StubMesh, ada: Account) -> None:
    assert opened(explorer, "#/for-you?genre=Comedy")
    assert not explorer.all(".question")


def test_rows_say_for_what_they_are(explorer: Explorer, stub: StubMesh, reader: Account) -> None:
    explorer.open("#/for-you/because")
    explorer.settle()
    explorer.wait(lambda: len(explorer.all(".rows-mine .row")) == 2, "a row for each film liked")
    assert explorer.texts(".rows-mine h2") == [f"Because you watched {film['title']}" for film in stub.films[:2]]
    shown = explorer.texts(".rows-mine .tile-title")
    assert len(shown) == len(set(shown)) == 24
    press(explorer, f"Not interested: {shown[0]}")
    explorer.wait_text(".tile.refused", "will not be picked for you")
    press(explorer, "Undo")
    explorer.wait(lambda: explorer.texts(".rows-mine .tile-title") == shown, "the film back")
    assert said(stub, reader) == []
    explorer.js("const s = document.querySelector('main [name=service]'); s.value = 'MUBI'")
    explorer.js("document.querySelector('main [name=service]').dispatchEvent(new Event('change'))")
    explorer.wait(lambda: "service=MUBI" in explorer.hash, "the service")
    explorer.settle()
    by_title = {film["title"]: film for film in stub.films}
    explorer.wait(
        lambda: all("MUBI" in by_title[one]["streaming_services"] for one in explorer.texts(".rows-mine .tile-title")),
        "what the service has",
    )


def test_without_films_liked_there_are_no_rows(explorer: Explorer, ada: Account) -> None:
    explorer.open("#/for-you/because")
    explorer.wait_text(".notice h2", "No rows yet")


def test_strangers_see_what_many_watch_and_are_asked_in(explorer: Explorer, stub: StubMesh) -> None:
    explorer.open("#/for-you")
    explorer.settle()
    explorer.wait_text(".notice h2", "Films for you, with reasons")
    assert len(explorer.all(".row .tile")) == 20
    assert not any("/recommendations" in path for path in stub.seen), "strangers have no picks to ask for"
    assert explorer.complaints() == []
    stub.identity.add("ada")
    press(explorer, "Sign in")
    sign_in(explorer, "ada", opened=True)
    signed_in(explorer, "Ada")
    explorer.wait(lambda: explorer.hash == "#/for-you", "the page that was wanted")
    explorer.open("#/for-you/told")
    explorer.wait(lambda: explorer.all("main h1"), "the page")
    explorer.open("#/for-you/nothing")
    explorer.wait_text("h1", "Nothing here")


def test_pages_of_picks_go_with_who_signs_out(explorer: Explorer, reader: Account) -> None:
    opened(explorer)
    sign_out(explorer)
    explorer.wait(lambda: not titles(explorer), "no picks")
