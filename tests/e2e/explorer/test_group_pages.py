"""Films for several people: who may be added, guests, vetoes, how well each film suits each; what a film's page tells of picks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from selenium.webdriver.common.keys import Keys

from tests.e2e.explorer.accounts import click, fill, labelled, named, press
from tests.e2e.explorer.opinions import come_to_similar, open_film, open_reviews, shows, stars
from tests.e2e.explorer.picks import said, titles

if TYPE_CHECKING:
    from tests.e2e.explorer.conftest import Explorer
    from tests.e2e.explorer.stub_mesh import StubMesh
    from tests.e2e.explorer.stub_people import Account

pytestmark = [pytest.mark.browser]


def opened(explorer: Explorer, address: str = "#/group") -> None:
    explorer.open(address)
    explorer.settle()
    labelled(explorer, "Find films for us")


def found(explorer: Explorer) -> list[str]:
    press(explorer, "Find films for us")
    explorer.settle()
    explorer.wait(lambda: titles(explorer), "films")
    return titles(explorer)


def add(explorer: Explorer, name: str, value: str) -> None:
    fill(explorer, **{name: value})
    explorer.press(Keys.ENTER)


def test_people_and_guests_get_films_with_scores_for_each(explorer: Explorer, stub: StubMesh, ada: Account) -> None:
    stub.identity.add("grace").preferences["share_taste"] = True
    liked = stub.films[3]
    opened(explorer)
    add(explorer, "username", "@grace")
    add(explorer, "guest", "Aunt May")
    explorer.wait(lambda: explorer.texts(".member strong") == ["@grace", "Aunt May"], "both")
    add(explorer, "username", "Grace")
    explorer.wait_text(".form-done", "in the group already")
    click(explorer, explorer.one(".member [value=Drama]"))
    finder = explorer.one(".member .finder input")
    finder.send_keys(liked["title"], Keys.ENTER)
    press(explorer, f"Add {liked['title']} ({liked['year']})")
    explorer.wait_text(".member .favourites", liked["title"])
    shown = found(explorer)
    assert len(shown) == 20
    assert explorer.texts(".pick:first-child .for-each li") == [
        "All of you50% match",
        "ada30% match",
        "grace50% match",
        "Aunt May70% match",
    ]
    press(explorer, f"Strike out: {shown[0]}")
    explorer.wait(lambda: titles(explorer)[:1] == shown[1:2], "films without it")
    assert shown[0] not in titles(explorer)
    click(explorer, explorer.one(".group-form .filters > summary"))
    explorer.wait_text(".filters .favourites", shown[0])
    click(explorer, explorer.one("[name=vetoed_genres][value=Drama]"))
    fewer = found(explorer)
    by_title = {film["title"]: film for film in stub.films}
    assert not [one for one in fewer if "Drama" in by_title[one]["genres"]]

    click(explorer, explorer.one(".pick .line-title"))
    explorer.wait_text("h1", fewer[0])
    explorer.driver.back()
    explorer.settle()
    explorer.wait(lambda: titles(explorer) == fewer, "the films found, after going back")
    assert explorer.texts(".member strong") == ["@grace", "Aunt May"]
    assert explorer.complaints() == []


def test_a_group_is_not_shown_to_whoever_signs_in_next(explorer: Explorer, stub: StubMesh, ada: Account) -> None:
    stub.identity.add("grace")
    opened(explorer)
    add(explorer, "guest", "Aunt May")
    found(explorer)
    explorer.driver.refresh()
    explorer.settle()
    explorer.wait(lambda: explorer.texts(".member strong") == ["Aunt May"], "the group, after loading again")
    explorer.driver.execute_async_script(
        """const done = arguments[0]; const body = { username: "grace", password: "correct horse 7", use_cookie: true };
        import("/js/api.js").then(({ send }) => send("POST", "api/v1/auth/login", body, undefined, { bare: true })).then(done);"""
    )
    explorer.driver.refresh()
    explorer.wait(lambda: explorer.texts(".who-name") == ["Grace"], "the other one")
    explorer.settle()
    explorer.wait_text(".group-form", "Nobody yet besides you.")
    assert not explorer.texts(".member strong") and not titles(explorer)


def test_who_does_not_share_their_taste_is_not_added(explorer: Explorer, stub: StubMesh, ada: Account) -> None:
    stub.identity.add("grace")
    opened(explorer, "#/group?with=grace&with=ada&with=nobody")
    assert explorer.texts(".member strong") == ["@grace", "@nobody"], "one is in the group oneself"
    press(explorer, "Find films for us")
    explorer.wait_text(".member .field-error", 'nobody called "grace" shares their taste')
    explorer.wait_text(".member .field-error", "they can let others add them")
    assert not explorer.all(".member:last-child .field-error:not([hidden])"), "the first one alone was looked at"
    assert explorer.focused.get_attribute("aria-label") == "Take @grace off"
    press(explorer, "Take @grace off")
    press(explorer, "Find films for us")
    explorer.wait_text(".member .field-error", 'nobody called "nobody" shares their taste')
    press(explorer, "Take @nobody off")
    explorer.wait_text(".group-form", "Nobody yet besides you.")
    assert found(explorer)
    assert explorer.complaints(refusals=True) == []


def test_errors_of_a_group_stand_at_the_field(explorer: Explorer, stub: StubMesh, ada: Account) -> None:
    opened(explorer)
    click(explorer, explorer.one(".group-form .filters > summary"))
    fill(explorer, year_min="2000", year_max="1990")
    press(explorer, "Find films for us")
    explorer.wait_text(".field-error", "Year_max must not be before year_min.")
    assert explorer.focused.get_attribute("name") == "year_max"
    fill(explorer, year_max="2190", year_min="2180")
    press(explorer, "Find films for us")
    explorer.wait_text(".notice h2", "Nothing suits all of you")
    stub.down.add("recommender")
    press(explorer, "Find films for us")
    explorer.wait_text(".notice[role=alert]", "The recommender is not answering")
    stub.down.clear()
    for name in ("year_min", "year_max"):
        named(explorer, name).clear()
    stub.recommender.lacking = "the hybrid model failed to answer"
    assert found(explorer)
    explorer.wait_text(".banner", "The hybrid model failed to answer.")


def test_a_film_night_leads_to_films_for_all(explorer: Explorer, stub: StubMesh, ada: Account) -> None:
    grace = stub.identity.add("grace")
    grace.preferences["share_taste"] = True
    night = stub.watchlist.plan(ada, "Friday", [])
    night["joined"].append(grace.user_id)
    explorer.open(f"#/film-night/{night['film_night_id']}")
    press(explorer, "Films that suit all of you")
    explorer.wait(lambda: explorer.texts(".member strong") == ["@grace"], "the other one")
    explorer.settle()
    assert found(explorer)


# a film's page


def test_the_rating_expected_is_a_range_until_one_rates(
    explorer: Explorer, stub: StubMesh, ada: Account, film: dict[str, Any]
) -> None:
    open_film(explorer, film)
    explorer.wait_text(".predicted", "Expected of you: 4.1 ★")
    explorer.wait_text(".predicted", "what others think of it")
    other = next(one for one in stub.films if one["movie_id"] != film["movie_id"])
    stub.ratings.give(ada, other["movie_id"], overall=4.0)
    open_film(explorer, film)
    explorer.wait_text(".predicted", "You would probably rate it 3.2 to 4.8 ★")
    explorer.wait_text(".predicted", "From 1 rating of yours")
    stars(explorer, "overall").send_keys("4")
    explorer.wait(lambda: not explorer.one(".predicted").is_displayed(), "no guess beside the rating")
    assert shows(explorer, "overall") == "4 of 5 stars"
    open_film(explorer, film)
    assert not explorer.all(".predicted")
    assert explorer.complaints() == []


def test_a_film_page_does_without_the_recommender(
    explorer: Explorer, stub: StubMesh, ada: Account, film: dict[str, Any]
) -> None:
    stub.down.add("recommender")
    open_reviews(explorer, film)
    explorer.wait_text(".summed", "not available just now")
    assert explorer.texts("h1") == [film["title"]]
    assert not explorer.all(".predicted")
    stars(explorer, "overall").send_keys("4")
    explorer.wait_text(".my-rating .kept", "Kept.")


def test_reviews_are_summed_up_and_who_did_is_said(explorer: Explorer, stub: StubMesh, film: dict[str, Any]) -> None:
    told = {"summary": "Most praise the light.", "praised": ["the light"], "criticised": ["the end"], "review_count": 3}
    stub.recommender.summaries[film["movie_id"]] = told | {"worded_by": "ollama/mistral"}
    open_reviews(explorer, film)
    explorer.wait_text(".summed-text", "Most praise the light.")
    assert explorer.texts(".summed h3") == ["Praised", "Criticised"]
    assert explorer.texts(".said-of li") == ["the light", "the end"]
    explorer.wait_text(".summed", "Written by the language model ollama/mistral from 3 reviews")
    away = "Ratings does not answer: this is what its reviews were before"
    stub.recommender.summaries[film["movie_id"]] |= {"worded_by": "template", "degraded": True, "degraded_reason": away}
    open_reviews(explorer, film)
    explorer.wait_text(".summed", "Counted and quoted, not written by a model")
    explorer.wait_text(".summed", f"{away}.")
    stub.recommender.summaries[film["movie_id"]] = {"degraded": True, "degraded_reason": "Ratings does not answer"}
    open_reviews(explorer, film)
    explorer.wait_text(".summed", "Ratings does not answer.")
    stub.recommender.summaries.clear()
    open_reviews(explorer, film)
    explorer.wait_text(".film-reviews", "Nobody has written about it.")
    assert not explorer.texts(".summed")


def test_similar_films_are_asked_for_when_somebody_comes_near(
    explorer: Explorer, stub: StubMesh, film: dict[str, Any]
) -> None:
    open_film(explorer, film)
    explorer.settle()
    assert explorer.texts("main h2")[-1] == "Similar films", "whoever goes by headings finds them"
    assert not any("/similar/" in path for path in stub.seen)
    come_to_similar(explorer)
    explorer.wait(lambda: len(explorer.all(".row .tile a")) == 12, "similar films")
    assert len([path for path in stub.seen if "/similar/" in path]) == 1
    assert explorer.complaints() == []


def test_similar_films_can_be_refused_by_who_is_signed_in(
    explorer: Explorer, stub: StubMesh, film: dict[str, Any]
) -> None:
    open_film(explorer, film)
    come_to_similar(explorer)
    explorer.wait(lambda: len(explorer.all(".row .tile a")) == 12, "similar films")
    assert not explorer.all(".row .tile button"), "strangers have nothing picked for them"
    grace = stub.identity.add("grace")
    explorer.open("#/signin")
    fill(explorer, name="grace", password="correct horse 7")
    explorer.press(Keys.ENTER)
    explorer.wait(lambda: explorer.texts(".who-name") == ["Grace"], "the corner")
    open_film(explorer, film)
    come_to_similar(explorer)
    name = explorer.wait(lambda: explorer.texts(".row .tile-title"), "similar films")[0]
    press(explorer, f"Not interested: {name}")
    explorer.wait_text(".tile.refused", f"{name} will not be picked for you")
    assert explorer.focused.text == "Undo"
    [(movie, kind)] = said(stub, grace)
    assert kind == "not_interested" and stub.by_id[movie]["title"] == name
    assert stub.recommender.said[grace.user_id][0]["recommendation_request_id"] == f"similar-{film['movie_id']}"
