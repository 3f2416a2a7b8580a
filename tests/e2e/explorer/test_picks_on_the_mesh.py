"""Recommendations in a browser on a real mesh: from the first questions to reasons of one's own, refusals, wishes, rows and a group."""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from selenium.webdriver.common.keys import Keys

from tests.e2e.explorer.accounts import answer_to, click, enter, fill, named, press
from tests.e2e.explorer.opinions import open_film, open_reviews
from tests.e2e.explorer.picks import opened, titles
from tests.integration.mesh import Mesh, started
from tests.integration.people import client_of

if TYPE_CHECKING:
    from tests.e2e.explorer.conftest import Explorer

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

ROOT = "/api/v1/recommendations"
STARS = (5, 4.5, 4, 2)


@pytest.fixture(scope="module")
def mesh(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mesh]:
    with started(tmp_path_factory.mktemp("picks")) as made:
        yield made


@pytest.fixture
def explorer_url(mesh: Mesh) -> str:
    return f"{mesh.address}/"


def _somebody(mesh: Mesh, name: str) -> tuple[str, httpx.Client]:
    whole = f"{name}-{secrets.token_hex(4)}"
    return whole, client_of(mesh, whole)


@pytest.fixture
def films(mesh: Mesh) -> list[dict[str, Any]]:
    """Films of a reader, well and badly rated in turn."""
    return list(mesh.get("/api/v1/movies/popular?page_size=14").json()["movies"])


@pytest.fixture
def reader(explorer: Explorer, mesh: Mesh, films: list[dict[str, Any]]) -> Iterator[httpx.Client]:
    """Somebody whose ratings the recommender has heard of, signed in here and as a client."""
    name, client = _somebody(mesh, "ada")
    with client:
        for place, film in enumerate(films):
            body = {"movie_id": film["movie_id"], "overall": STARS[place % len(STARS)]}
            client.post("/api/v1/ratings/rate", json=body).raise_for_status()
        _until(lambda: client.get(f"{ROOT}/onboarding").json()["rating_count"] == len(films), "the ratings")
        enter(explorer, name)
        yield client


def _until(condition: Any, what: str) -> None:
    end = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < end, what
        time.sleep(0.2)


def test_somebody_new_rates_and_sees_picks_of_their_own(explorer: Explorer, mesh: Mesh) -> None:
    name, client = _somebody(mesh, "neo")
    client.close()
    enter(explorer, name)
    explorer.open()
    explorer.wait_text(".for-me .notice", "This row can be yours")
    press(explorer, "Rate a few films")
    explorer.wait(lambda: len(explorer.all(".question")) == 12, "questions")
    names = titles(explorer, ".questions")
    press(explorer, f"Don’t know it: {names[0]}")
    explorer.wait(lambda: names[0] not in titles(explorer, ".questions"), "another film")
    own = titles(explorer, ".questions")[1:7]
    for i, stars in enumerate("545253", start=1):
        explorer.all(".question input")[i].send_keys(stars)
        explorer.wait_text(".start .seen-of", f"{i} of 10 films rated")
    press(explorer, "Show my films")
    explorer.wait(lambda: titles(explorer), "picks")
    assert not set(titles(explorer)) & set(own), "what was rated a moment ago is known"
    because = explorer.texts(".pick-because a")
    assert because and set(because) <= set(own), "the reasons are one's own films"
    assert answer_to(explorer, "api/v1/users/me/preferences")["onboarded"] is True
    explorer.driver.refresh()
    explorer.settle()
    explorer.wait(lambda: titles(explorer), "picks, and no questions")
    shown = titles(explorer)
    explorer.open()
    explorer.wait(lambda: explorer.texts(".for-me .tile-title") == shown, "the same films on the home page")
    assert all(explorer.texts(".for-me .tile-note")) and not explorer.all(".for-me .row-said")
    assert explorer.complaints() == []


def test_reasons_refusals_and_what_was_said(explorer: Explorer, reader: httpx.Client) -> None:
    shown = opened(explorer)
    assert not explorer.all(".banner"), "the whole model answers"
    press(explorer, "More")
    explorer.wait(lambda: len(titles(explorer)) == 24, "the next page")
    assert len(set(titles(explorer))) == 24
    click(explorer, explorer.one(".pick .why summary"))
    explorer.wait(lambda: explorer.all(".shares li"), "the parts of the score")
    parts = [float(text.replace("−", "-")) for text in explorer.texts(".pick:first-child .share-number")]
    whole = float(explorer.texts(".pick:first-child .why-in p")[0].split()[3])
    assert sum(parts) == pytest.approx(whole, abs=0.05 * len(parts) + 0.1), "rounded to a tenth, they still sum to it"

    press(explorer, f"Not interested: {shown[1]}")
    explorer.wait_text(".gone-text", f"{shown[1]} will not be picked")
    press(explorer, f"Seen it: {shown[2]}")
    explorer.wait_text(".gone-text", f"You have seen {shown[2]}.")
    press(explorer, f"Like: {shown[3]}")
    explorer.wait(lambda: explorer.all(".pick-ways [aria-pressed=true]"), "the like")
    press(explorer, "Pick anew")
    explorer.wait(lambda: not explorer.all(".gone"), "another answer")
    assert not {shown[1], shown[2], shown[3]} & set(titles(explorer))
    every = [one["movie"]["title"] for one in reader.get(f"{ROOT}?page_size=100").json()["recommendations"]]
    assert not {shown[1], shown[2], shown[3]} & set(every)

    press(explorer, "What you said")
    explorer.wait(lambda: titles(explorer, ".lines") == [shown[3], shown[2], shown[1]], "the latest first")
    press(explorer, f"Take back: Not interested, {shown[1]}")
    explorer.wait_text(".gone-text", "as if you had never said it")
    every = [one["movie"]["title"] for one in reader.get(f"{ROOT}?page_size=100").json()["recommendations"]]
    assert shown[1] in every
    assert explorer.complaints() == []


def test_wishes_moods_and_filters(explorer: Explorer, reader: httpx.Client, mesh: Mesh) -> None:
    opened(explorer)
    named(explorer, "query").send_keys("funny 90s film under two hours, no horror", Keys.ENTER)
    explorer.wait(lambda: explorer.all(".understood"), "what was understood")
    said = explorer.texts(".understood .chip")
    assert {"Comedy", "not Horror", "1990–1999", "at most 2 h"} <= set(said), said
    shown = titles(explorer)
    assert shown
    press(explorer, "Not quite? Make these filters")
    explorer.wait(lambda: "year_min=1990" in explorer.hash, "filters")
    explorer.settle()
    assert "no Horror" in str(named(explorer, "query").get_attribute("value"))
    assert titles(explorer)
    ids = explorer.js("return [...document.querySelectorAll('.pick')].map((e) => e.dataset.id)")
    for number in ids[:4]:
        film = mesh.get(f"/api/v1/movies/{number}").json()
        assert 1990 <= film["year"] <= 1999 and film["runtime_minutes"] <= 120 and "Comedy" in film["genres"]

    address = "#/for-you?mood=cosy&language=fr&rating_min=3&runtime_min=60&diversity=0.9&profile=default"
    opened(explorer, f"{address}&minutes_available=110&device=tv&time_of_day=evening&weekday=friday&include_seen=true")
    assert not explorer.all(".asking .field-error:not([hidden])"), "the contract takes all of it"
    for number in explorer.js("return [...document.querySelectorAll('.pick')].map((e) => e.dataset.id)")[:4]:
        assert "fr" in mesh.get(f"/api/v1/movies/{number}").json()["languages"]
    explorer.open("#/for-you?genre=polka&year_min=2000&year_max=1990")
    explorer.wait(lambda: any(explorer.texts(".asking .field-error")), "what is wrong")
    assert explorer.complaints(refusals=True) == []


def test_every_mood_that_is_offered_is_known(explorer: Explorer, reader: httpx.Client) -> None:
    opened(explorer)
    moods = explorer.js("return [...document.querySelectorAll('.asking input[type=radio]')].map((e) => e.value)")
    refused = reader.get(f"{ROOT}?mood=nonsense").json()["message"]
    assert sorted(filter(None, moods)) == refused.split("Accepted: ")[1].split(", "), "and none is left out"


def test_rows_similar_films_and_the_rating_expected(
    explorer: Explorer, reader: httpx.Client, films: list[dict[str, Any]]
) -> None:
    explorer.open("#/for-you/because")
    explorer.wait(lambda: explorer.all(".rows-mine .tile button"), "rows")
    liked = [film["title"] for i, film in enumerate(films) if STARS[i % 4] > 3]
    heads = [text.removeprefix("Because you watched ") for text in explorer.texts(".rows-mine h2")]
    assert heads and set(heads) <= set(liked)
    first = explorer.texts(".rows-mine .tile-title")[0]
    press(explorer, f"Not interested: {first}")
    explorer.wait_text(".tile.refused", first)
    explorer.driver.refresh()
    explorer.wait(lambda: explorer.all(".rows-mine .tile button"), "rows again")
    assert first not in explorer.texts(".rows-mine .tile-title")

    one = reader.get(f"{ROOT}?page_size=1").json()["recommendations"][0]["movie"]
    open_film(explorer, one)
    told = explorer.wait_text(".predicted", "You would probably rate it")
    assert f"From {len(films)} ratings of yours" in told
    open_film(explorer, films[0])
    assert not explorer.all(".predicted"), "it is rated"
    assert explorer.complaints(refusals=True) == []


def test_reviews_are_summed_up(explorer: Explorer, mesh: Mesh, films: list[dict[str, Any]]) -> None:
    film = films[5]
    texts = (
        "The photography is wonderful and the acting superb.",
        "Wonderful photography, a dull plot.",
        "Great acting.",
    )
    for text in texts:
        _, client = _somebody(mesh, "critic")
        with client:
            body = {"movie_id": film["movie_id"], "body_markdown": text}
            client.post("/api/v1/ratings/review", json=body).raise_for_status()
    path = f"{ROOT}/review-summary/{film['movie_id']}"
    _until(lambda: mesh.get(path).json()["review_count"] == len(texts), "the reviews")
    open_reviews(explorer, film)
    assert explorer.wait_text(".summed-text", "") == mesh.get(path).json()["summary"]
    explorer.wait_text(".summed", f"Counted and quoted, not written by a model, from {len(texts)} reviews")
    assert explorer.complaints() == []


def test_a_group_with_somebody_who_allows_it_and_a_guest(
    explorer: Explorer, reader: httpx.Client, mesh: Mesh, films: list[dict[str, Any]]
) -> None:
    grace, client = _somebody(mesh, "grace")
    explorer.open("#/group")
    explorer.settle()
    fill(explorer, username=grace)
    explorer.press(Keys.ENTER)
    press(explorer, "Find films for us")
    explorer.wait_text(".member .field-error", f'nobody called "{grace}" shares their taste')
    explorer.wait_text(".member .field-error", "they can let others add them")
    with client:
        body = {"share_taste": True, "update_mask": "shareTaste"}
        client.put("/api/v1/users/me/preferences", json=body).raise_for_status()
    wanted = {"members": [{"username": grace}]}
    _until(lambda: reader.post(f"{ROOT}/group", json=wanted).status_code == 200, "what she allows now")
    fill(explorer, guest="Aunt May")
    explorer.press(Keys.ENTER)
    explorer.wait(lambda: explorer.texts(".member strong") == [f"@{grace}", "Aunt May"], "both")
    click(explorer, explorer.one(".member [value=Comedy]"))
    press(explorer, "Find films for us")
    explorer.wait(lambda: titles(explorer), "films")
    shown = titles(explorer)
    assert len(shown) == 20 and not set(shown) & {film["title"] for film in films}, "nothing that one of them has seen"
    names = [text.strip() for text in explorer.texts(".pick:first-child .for-each li > span:first-child")]
    assert names == ["All of you", names[1], grace, "Aunt May"] and names[1].startswith("ada-")
    press(explorer, f"Strike out: {shown[0]}")
    explorer.wait(lambda: titles(explorer) and shown[0] not in titles(explorer), "films without it")
    assert explorer.complaints(refusals=True) == []
