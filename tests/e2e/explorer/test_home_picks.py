"""The row of the home page for whoever is signed in: films with their reasons, or the way to them, and a page that does not wait for it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest
from selenium.webdriver.common.keys import Keys

from tests.e2e.explorer.access import CONTRAST, SMALL, structure, unseen_focus
from tests.e2e.explorer.accounts import press, sign_in, sign_out, signed_in
from tests.e2e.explorer.picks import said

if TYPE_CHECKING:
    from tests.e2e.explorer.conftest import Explorer
    from tests.e2e.explorer.stub_mesh import StubMesh
    from tests.e2e.explorer.stub_people import Account

pytestmark = [pytest.mark.browser]

PICKS = "/api/v1/recommendations"
LISTS = {"Popular", "Trending", "Top rated"}
# what the page's calls were sent with, from now on
LISTEN = """
    window.sent = [];
    const whole = window.fetch;
    window.fetch = (path, options) => { sent.push([String(path), options.signal]); return whole(path, options); };
"""


def _row(explorer: Explorer) -> list[str]:
    return explorer.texts(".for-me .tile-title")


def _to_recommender(stub: StubMesh) -> list[str]:
    return [path for path in stub.seen if path.startswith(PICKS)]


def _there(explorer: Explorer) -> set[str]:
    """Returns which of the three lists have come."""
    return LISTS & set(explorer.texts("section:has(.tile a) > h2"))


def _home(explorer: Explorer) -> None:
    explorer.open()
    explorer.settle()
    explorer.wait(lambda: _there(explorer) == LISTS, "the rest of the page")


def test_the_first_picks_stand_on_the_home_page(explorer: Explorer, stub: StubMesh, reader: Account) -> None:
    stub.seen.clear()
    _home(explorer)

    assert _to_recommender(stub) == [f"{PICKS}?page_size=12"], "one call"
    assert explorer.texts(".rows h2")[0] == "For you"
    shown = _row(explorer)
    assert len(set(shown)) == 12
    assert not set(shown) & {film["title"] for film in stub.films[:2]}, "what one has rated"
    assert explorer.texts(".for-me .tile-note") == [f"Because you liked {stub.films[0]['title']}."] * 12
    assert not explorer.all(".for-me .banner"), "the whole model answers"
    press(explorer, f"Not interested: {shown[1]}")
    explorer.wait_text(".tile.refused", f"{shown[1]} will not be picked for you.")
    [(_, kind)] = said(stub, reader)
    assert kind == "not_interested"
    assert explorer.focused.text == "Undo"
    explorer.press(Keys.ENTER)
    explorer.wait(lambda: _row(explorer) == shown and said(stub, reader) == [], "the film back")

    more = explorer.one(".for-me .row-more")
    assert more.text.split("\n")[0] == "See all" and more.get_attribute("textContent") == "See all: For you"
    more.send_keys(Keys.ENTER)
    explorer.wait(lambda: explorer.texts(".picks .line-title") == shown, "the same films, on their page")
    assert explorer.complaints() == []


def test_somebody_new_is_led_to_the_first_questions(explorer: Explorer, stub: StubMesh, ada: Account) -> None:
    stub.seen.clear()
    _home(explorer)
    explorer.wait_text(".for-me .notice h2", "This row can be yours")

    assert _row(explorer) == []
    assert _to_recommender(stub) == [f"{PICKS}?page_size=12"], "questions are asked on their page"
    assert explorer.texts(".for-me .notice a") == ["Rate a few films", "Bring ratings along"]
    press(explorer, "Rate a few films")
    explorer.wait(lambda: len(explorer.all(".question")) == 12, "questions")
    assert explorer.complaints() == []


def test_what_an_answer_lacks_is_said_as_on_the_page_of_picks(
    explorer: Explorer, stub: StubMesh, reader: Account
) -> None:
    stub.recommender.lacking, stub.recommender.rung = "the ratings cannot be read", "item_model"
    _home(explorer)

    words = explorer.texts(".for-me .row-said [role=status]")
    assert words[0] == "This answer is poorer than usual. The ratings cannot be read."
    assert words[1].startswith("These are films like those you liked")
    assert len(_row(explorer)) == 12
    explorer.open("#/for-you")
    explorer.settle()
    assert explorer.texts(".picks-top [role=status]") == words


def test_films_by_popularity_alone_are_shown_where_that_is_an_outage(
    explorer: Explorer, stub: StubMesh, reader: Account
) -> None:
    stub.recommender.lacking, stub.recommender.rung = "there is no hybrid model yet", "genre_popularity"
    _home(explorer)

    assert len(_row(explorer)) == 12, "whoever has rated is not taken for somebody new"
    explorer.wait_text(".for-me .row-said", "There is no hybrid model yet.")
    assert explorer.all(".for-me .row-said a[href='#/for-you/start']")


def test_an_outage_is_said_in_the_row_and_passes(explorer: Explorer, stub: StubMesh, reader: Account) -> None:
    stub.down.add("recommender")
    _home(explorer)
    explorer.wait_text(".for-me .notice[role=alert]", "The recommender is not answering. The rest goes on working.")
    assert len(explorer.all(".notice")) == 1, "and nothing else is touched by it"

    stub.down.clear()
    press(explorer, "Try again")
    explorer.wait(lambda: len(_row(explorer)) == 12, "films")
    explorer.wait(lambda: explorer.focused.get_attribute("class") == "row-more", "the focus in the row")
    assert explorer.complaints(refusals=True) == []


def _nothing(_: StubMesh) -> None: ...


def _rated(stub: StubMesh) -> None:
    [ada] = stub.identity.accounts.values()
    for film in stub.films[:2]:
        stub.ratings.give(ada, film["movie_id"], overall=5.0)


def _lacking(stub: StubMesh) -> None:
    _rated(stub)
    stub.recommender.lacking, stub.recommender.rung = "the ratings cannot be read", "cached_personal"


def _down(stub: StubMesh) -> None:
    stub.down.add("recommender")


@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize(
    ("state", "come"),
    [(_rated, ".tile a"), (_nothing, ".notice"), (_lacking, ".row-said"), (_down, ".notice[role=alert]")],
)
def test_nothing_waits_for_it_and_nothing_moves_when_it_comes(
    explorer: Explorer, stub: StubMesh, ada: Account, width: int, state: Callable[[StubMesh], None], come: str
) -> None:
    explorer.size(width, 900)
    state(stub)
    stub.slow[PICKS] = 2.0
    explorer.open()
    explorer.wait(lambda: _there(explorer) == LISTS and not explorer.all(".opening.waiting"), "the rest of the page")
    assert explorer.all(".for-me .waiting"), "placeholders meanwhile"
    tops = "return [...document.querySelectorAll('.rows h2')].map((e) => e.getBoundingClientRect().top)"
    explorer.js("return document.fonts.ready.then(() => 0)")
    explorer.wait(lambda: explorer.all(".rows section.starts"), "the ways to start")
    before = explorer.js(tops)
    explorer.wait(lambda: explorer.all(f".for-me {come}"), "the row")

    after = explorer.js(tops.replace(".rows h2", ".rows section > h2"))
    assert after == pytest.approx(before, abs=1.0)


def test_whoever_leaves_early_ends_the_call(explorer: Explorer, stub: StubMesh, reader: Account) -> None:
    stub.slow[PICKS] = 1.0
    explorer.open("#/search")
    explorer.settle()
    explorer.js(LISTEN)
    explorer.js("location.hash = '#/'")
    explorer.wait(lambda: explorer.js(f"return sent.some(([path]) => path === '{PICKS[1:]}?page_size=12')"), "the call")
    explorer.js("location.hash = '#/match'")
    explorer.wait(lambda: explorer.all(".match-form"), "the other page")
    assert explorer.js("return sent.find(([path]) => path.includes('page_size=12'))[1].aborted")

    stub.slow.clear()
    explorer.js("location.hash = '#/'")
    explorer.wait(lambda: len(_row(explorer)) == 12, "films")
    assert len(explorer.all(".for-me")) == 1
    assert explorer.complaints() == []


def test_strangers_are_asked_in_by_a_line_and_cost_nothing(explorer: Explorer, stub: StubMesh) -> None:
    _home(explorer)

    assert not explorer.all(".for-me") and not _to_recommender(stub)
    assert not any("/auth/" in path or "/js/picks/" in path for path in stub.seen)
    stub.identity.add("ada")
    explorer.wait_text(".rows > .quiet", "Sign in for films of your own")
    explorer.one(".rows > .quiet a").click()
    sign_in(explorer, "ada", opened=True)
    signed_in(explorer, "Ada")
    explorer.wait(lambda: explorer.hash == "#/for-you", "the page of picks")
    assert explorer.complaints() == []


def test_it_goes_with_who_signs_out(explorer: Explorer, reader: Account) -> None:
    _home(explorer)
    assert _row(explorer)
    sign_out(explorer)
    explorer.wait_text(".rows > .quiet", "Sign in for films of your own")
    assert not explorer.all(".for-me")


def test_who_is_there_may_not_be_known(explorer: Explorer, stub: StubMesh, reader: Account) -> None:
    stub.down.add("identity")
    _home(explorer)
    explorer.wait_text(".for-me .notice", "The accounts service is not answering")
    stub.down.clear()
    stub.identity.sessions.clear()
    _home(explorer)
    explorer.wait_text(".for-me .notice", "You are signed out")
    assert explorer.complaints(refusals=True) == []


def test_a_missing_second_factor_comes_first(explorer: Explorer, stub: StubMesh) -> None:
    stub.identity.second_factor = "everyone"
    stub.identity.add("ada")
    sign_in(explorer, "ada")
    signed_in(explorer, "Ada")
    stub.seen.clear()
    _home(explorer)
    explorer.wait_text(".for-me .notice h2", "A second factor first")
    assert not _to_recommender(stub)


@pytest.mark.parametrize("scheme", ["dark", "light"])
@pytest.mark.parametrize(
    ("state", "come"), [(_nothing, "This row can be yours"), (_down, "The recommender is not answering")]
)
def test_what_is_said_in_place_of_films_is_for_everybody(
    explorer: Explorer, stub: StubMesh, ada: Account, scheme: str, state: Callable[[StubMesh], None], come: str
) -> None:
    state(stub)
    explorer.media(prefers_color_scheme=scheme)
    for width in (1280, 360):
        explorer.size(width, 800)
        _home(explorer)
        explorer.wait_text(".for-me .notice", come)
        wrong = structure(explorer) + explorer.js(CONTRAST)[0] + explorer.js(SMALL)
        assert wrong + unseen_focus(explorer, 1, start=".for-me") == []
        assert explorer.focused.text in {"Rate a few films", "Try again"}, "what lies behind is no step"


def test_the_row_is_gone_through_by_keys(explorer: Explorer, stub: StubMesh, reader: Account) -> None:
    _home(explorer)
    explorer.js("document.querySelector('.for-me .row-more').focus()")
    path: list[Any] = []
    for _ in range(4):
        explorer.press(Keys.TAB)
        path.append(explorer.focused.get_attribute("aria-label") or explorer.focused.text.split("\n")[0])
    first, second = _row(explorer)[:2]
    assert [one.casefold() for one in path[1::2]] == [f"not interested: {one}".casefold() for one in (first, second)]
    names = explorer.js(
        "return [...document.querySelectorAll('.for-me [role=list] > li > a')].map((a) => a.textContent)"
    )
    assert first in names[0] and second in names[1]
    section = explorer.one("section.for-me")
    assert section.accessible_name == "For you" and section.aria_role == "region"
