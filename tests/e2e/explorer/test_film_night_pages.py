"""Film nights and lists that everyone knows, in a browser."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from selenium.webdriver.common.keys import Keys

from tests.e2e.explorer.accounts import fill, forget, labelled, press, sign_in
from tests.e2e.explorer.stub_people import Account

if TYPE_CHECKING:
    from tests.e2e.explorer.conftest import Explorer
    from tests.e2e.explorer.stub_mesh import StubMesh

pytestmark = [pytest.mark.browser]


def _night(stub: StubMesh, host: Account, films: int = 3) -> dict[str, Any]:
    return stub.watchlist.plan(host, "Friday", [film["movie_id"] for film in stub.films[:films]])


def test_plan_one_with_films_and_a_lost_answer(explorer: Explorer, stub: StubMesh, ada: Account) -> None:
    explorer.open("#/film-night")
    explorer.wait_text(".notice h2", "No film night here")
    explorer.one("main summary").click()
    film = stub.films[0]
    explorer.one("main .finder input").send_keys(film["title"], Keys.ENTER)
    press(explorer, f"Propose {film['title']} ({film['year']})")
    explorer.wait_text(".favourites", film["title"])
    fill(explorer, name="Friday")
    explorer.js("document.querySelector('main [name=starts_at]').value = '2030-01-04T20:15'")
    explorer.js("document.querySelector('main [name=vetoes_per_person]').value = '2'")
    stub.losing = 1
    press(explorer, "Plan it")
    explorer.wait_text(".form-error", "not answering")
    press(explorer, "Plan it")
    explorer.wait_text("h1", "Friday")
    (night,) = stub.watchlist.nights.values()
    assert night["vetoes_per_person"] == 2
    assert night["starts_at"].startswith("2030-01-0")
    assert [one for one, _ in night["candidates"]] == [film["movie_id"]]
    assert night["token"] in str(explorer.one(".address input").get_attribute("value"))


def test_the_link_lets_in_after_signing_in(explorer: Explorer, stub: StubMesh) -> None:
    grace = stub.identity.add("grace")
    ada = stub.identity.add("ada")
    night = _night(stub, grace)
    explorer.open(f"#/film-night?token={night['token']}")
    explorer.wait_text(".notice h2", "Sign in first")
    assert explorer.hash == "#/film-night", "the token does not stay in the address"
    explorer.one(".notice a").click()
    sign_in(explorer, "ada", opened=True)
    press(explorer, "Take part")
    explorer.wait_text("h1", "Friday")
    assert night["joined"] == [grace.user_id, ada.user_id]
    assert explorer.hash == f"#/film-night/{night['film_night_id']}"
    explorer.open("#/film-night?token=nonsense")
    press(explorer, "Take part")
    explorer.wait_text(".notice h2", "This link opens nothing")


def test_a_vote_is_ranked_by_keys_struck_out_and_replaced(explorer: Explorer, stub: StubMesh, ada: Account) -> None:
    night = _night(stub, ada, 4)
    first, second, third, fourth = stub.films[:4]
    explorer.open(f"#/film-night/{night['film_night_id']}")
    press(explorer, f"Rank {first['title']}")
    press(explorer, f"Rank {second['title']}")
    press(explorer, f"Strike {third['title']} out")
    explorer.wait_text(".vote", "You may strike out 0 more films")
    assert not [b for b in explorer.texts(".vote button") if b == "Strike out"], "no more than is allowed"
    labelled(explorer, f"Move {second['title']} up").click()
    explorer.wait(lambda: explorer.texts("ol.lines .line-title") == [second["title"], first["title"]], "the order")
    assert explorer.texts(".line-place") == ["1", "2"]
    press(explorer, "Cast my vote")
    explorer.wait_text(".vote [role=status]", "Your vote counts, one of 1")
    vote = night["votes"][ada.user_id]
    assert vote["ranked_movie_ids"] == [second["movie_id"], first["movie_id"]]
    assert vote["vetoed_movie_ids"] == [third["movie_id"]]

    explorer.driver.refresh()
    explorer.wait_text(".vote [role=status]", "Your vote counts")
    assert explorer.texts("ol.lines .line-title") == [second["title"], first["title"]]
    press(explorer, f"Leave {second['title']} out of your order")
    press(explorer, f"Rank {fourth['title']}")
    press(explorer, f"Do not strike {third['title']} out")
    press(explorer, "Cast my vote")
    explorer.wait(lambda: night["votes"][ada.user_id]["vetoed_movie_ids"] == [], "another vote")
    assert night["votes"][ada.user_id]["ranked_movie_ids"] == [first["movie_id"], fourth["movie_id"]]
    assert explorer.complaints() == []


def test_what_others_do_is_seen_and_leaves_ones_own_order(explorer: Explorer, stub: StubMesh, ada: Account) -> None:
    grace = stub.identity.add("grace")
    night = _night(stub, ada, 3)
    first, _, third, fourth = stub.films[:4]
    explorer.open(f"#/film-night/{night['film_night_id']}")
    press(explorer, f"Rank {first['title']}")
    night["joined"].append(grace.user_id)
    night["candidates"].append((fourth["movie_id"], "grace"))
    night["votes"][grace.user_id] = {"ranked_movie_ids": [], "vetoed_movie_ids": [third["movie_id"]]}
    stub.watchlist.touched(night)
    explorer.wait_text(".guests", "@grace")
    explorer.wait_text(".vote", fourth["title"])
    explorer.wait_text(".vote .line-fact", "Somebody cannot bear it")
    assert explorer.texts("ol.lines .line-title") == [first["title"]]
    press(explorer, f"Withdraw {first['title']}")
    explorer.wait(lambda: not explorer.texts("ol.lines .line-title"), "withdrawn")
    assert first["movie_id"] not in [one for one, _ in night["candidates"]]


def test_the_host_ends_it_and_every_round_is_shown(explorer: Explorer, stub: StubMesh, ada: Account) -> None:
    night = _night(stub, ada, 3)
    ids = [film["movie_id"] for film in stub.films[:3]]
    titles = [film["title"] for film in stub.films[:3]]
    for i, ranked in enumerate([[0], [0], [1], [1, 0], [2, 1]]):
        voter = stub.identity.add(f"friend{i}")
        night["joined"].append(voter.user_id)
        night["votes"][voter.user_id] = {"ranked_movie_ids": [ids[n] for n in ranked], "vetoed_movie_ids": []}
    explorer.open(f"#/film-night/{night['film_night_id']}")
    explorer.wait_text("main summary", "The count as it stands")
    explorer.one("main .apart summary").click()
    explorer.wait(lambda: explorer.all("table.count"), "the count before the end")
    press(explorer, "End the vote")
    press(explorer, "End it now")
    explorer.wait_text(".decided .tile-title", titles[1])
    assert explorer.focused.text == "The film"
    assert explorer.texts("table.count thead th") == ["Film", "Round 1", "Round 2"]
    rows = explorer.js(
        "return [...document.querySelectorAll('table.count tbody tr')].map((r) => [...r.cells].map((c) => c.textContent))"
    )
    assert rows == [[titles[1], "2", "3"], [titles[0], "2", "2"], [titles[2], "1 goes", "–"]]
    assert not explorer.all("main .vote")


def test_a_film_night_of_others_is_not_shown(explorer: Explorer, stub: StubMesh, ada: Account) -> None:
    night = _night(stub, stub.identity.add("grace"))
    explorer.open(f"#/film-night/{night['film_night_id']}")
    explorer.wait_text(".notice h2", "You take part in no such film night")
    assert "Friday" not in explorer.one("main").text


def test_a_canon_says_how_much_of_it_one_has_seen(explorer: Explorer, stub: StubMesh, ada: Account) -> None:
    stub.watchlist.seen = {film["movie_id"] for film in stub.films[:7]}
    explorer.open("#/canon")
    explorer.wait_text(".canons", "7 of 30 seen")
    press(explorer, "Palme d’Or")
    explorer.wait_text("h1", "Palme d’Or")
    explorer.wait_text(".seen-of", "7 of 30 seen")
    explorer.settle()
    assert len(explorer.all(".tile.seen")) == 7
    assert explorer.texts(".absent .tile-title") == ["A Film Nobody Has"]
    assert not explorer.all(".absent a")
    explorer.wait_text(".shown", "31 films")
    assert explorer.complaints() == []

    forget(explorer)
    explorer.open("#/canon/palme-dor")
    explorer.wait_text("main", "to see how many of them you have seen")
    assert not explorer.all(".tile.seen, .seen-of")
    explorer.open("#/canon/nothing")
    explorer.wait_text("h1", "No such list")
