"""Ratings, reviews and the diary in a browser on a real mesh; and hostile words in all places where people's words are shown."""

from __future__ import annotations

import datetime as dt
import secrets
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from cinemesh.testing.markup import ATTACKS, read_markup
from tests.e2e.explorer.accounts import click, enter, fill, forget
from tests.e2e.explorer.hostile import TRAP, harm, trapped, words
from tests.e2e.explorer.opinions import kept, open_film, open_reviews, press, shows, touch_star
from tests.integration.mesh import Mesh, started
from tests.integration.people import client_of

if TYPE_CHECKING:
    from tests.e2e.explorer.conftest import Explorer

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(600)]

RATINGS = "/api/v1/ratings"
LISTS = "/api/v1/watchlist/lists"


@pytest.fixture(scope="module")
def mesh(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mesh]:
    with started(tmp_path_factory.mktemp("opinions")) as made:
        yield made


@pytest.fixture
def explorer_url(mesh: Mesh) -> str:
    return f"{mesh.address}/"


def _films(mesh: Mesh, number: int) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    token = ""
    while len(found) < number:
        page = mesh.get(f"/api/v1/movies/popular?page_size=100&page_token={token}").json()
        found += page["movies"]
        token = page["next_page_token"]
        assert token or len(found) >= number, "there are too few films"
    return found[:number]


def test_a_film_is_rated_reviewed_noted_and_counted(explorer: Explorer, mesh: Mesh) -> None:
    name = f"ada-{secrets.token_hex(4)}"
    client_of(mesh, name).close()
    (film,) = _films(mesh, 1)
    enter(explorer, name)

    open_film(explorer, film)
    explorer.wait_text(".ratings-here", "Nobody here has rated it yet")
    touch_star(explorer, "overall", 3.5)
    kept(explorer)
    touch_star(explorer, "acting", 5)
    kept(explorer)
    press(explorer, "I watched it", ".watched")
    fill(explorer, notes="Third row.", tags="cinema")
    press(explorer, "Note it", ".watched")
    explorer.wait(lambda: explorer.all(".days li"), "the day")

    open_reviews(explorer, film)
    press(explorer, "Write a review")
    fill(explorer, title="Rain, again", body_markdown="It is *all* rain.\n\n- and roofs")
    touch_star(explorer, "overall", 4.5, ".writing")
    press(explorer, "Publish")
    explorer.wait_text(".own-review .review-title", "Rain, again")
    assert explorer.texts(".own-review .prose em") == ["all"]
    assert explorer.texts(".own-review .prose li") == ["and roofs"]
    explorer.wait(lambda: shows(explorer, "overall") == "4.5 of 5 stars", "the rating that came with it")
    assert shows(explorer, "acting") == "5 of 5 stars", "what the review did not speak of stays"
    press(explorer, "Edit", ".own-review")
    fill(explorer, title="Rain, and again")
    press(explorer, "Save")
    explorer.wait_text(".own-review .review-title", "Rain, and again")
    press(explorer, "History", ".own-review")
    explorer.wait_text(".revision", "Rain, again")
    click(explorer, explorer.one(".own-review .like-button"))
    explorer.wait(lambda: explorer.texts(".own-review .like-count") == ["1 person likes it"], "the like")
    press(explorer, "Comments", ".own-review")
    explorer.wait(lambda: explorer.all(".thread > form"), "the talk")
    explorer.settle()
    explorer.one(".thread > form textarea").send_keys("And *umbrellas*.")
    press(explorer, "Comment", ".thread > form")
    explorer.wait_text(".comment .prose em", "umbrellas")
    open_film(explorer, film)
    assert "1 rating · 1 review · watched 1 time" in explorer.one(".ratings-here").text
    assert shows(explorer, "overall") == "4.5 of 5 stars"

    explorer.open("#/diary")
    explorer.settle()
    assert explorer.texts(".day .line-title") == [film["title"]]
    assert explorer.texts(".entry-tag") == ["cinema"]
    explorer.open("#/ratings?order_by=highest")
    explorer.settle()
    assert explorer.texts(".rated-film .line-title") == [film["title"]]
    explorer.open("#/reviews")
    explorer.settle()
    assert explorer.texts(".review .review-title") == ["Rain, and again"]
    explorer.open("#/year")
    explorer.settle()
    # the day is that of this machine's zone, the rating's year that of UTC: around New Year they may differ
    year = dt.datetime.now(dt.UTC).year
    explorer.wait_text("h1", "in film")
    if dt.datetime.now().year == year:
        figures = dict(zip(explorer.texts(".figures dt"), explorer.texts(".figures dd"), strict=True))
        assert (figures["film watched"], figures["review"], figures["mean rating1 rating"]) == ("1", "1", "4.5")
        assert explorer.texts("[aria-label='Directors'] tbody th") == film["directors"]
    assert explorer.complaints(refusals=True) == []


@dataclass
class Written:
    """What mallory could get in.

    Attributes:
        name: their user name.
        client: calls as mallory.
        reviews: as the server gave them, one an attack.
        talk: a review of somebody else, with a comment an attack.
        comments: the comments.
        lists: lists, each with one attack as name and description.
        remarks: comments on the last list.
        notes: notes of the diary.
        film: the film of the talk.
    """

    name: str
    client: httpx.Client
    talk: str = ""
    film: int = 0
    reviews: list[dict[str, Any]] = field(default_factory=list)
    comments: list[dict[str, Any]] = field(default_factory=list)
    lists: list[dict[str, Any]] = field(default_factory=list)
    remarks: list[dict[str, Any]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


@pytest.fixture(scope="module")
def written(mesh: Mesh) -> Iterator[Written]:
    """Attacks in every place that takes words of people. What the service refuses cannot be shown."""
    name = f"mallory-{secrets.token_hex(3)}"
    films = _films(mesh, len(ATTACKS) + 1)
    with client_of(mesh, name) as client, client_of(mesh, f"eve-{secrets.token_hex(3)}") as eve:
        found = Written(name, client, film=films[-1]["movie_id"])
        own = eve.post(f"{RATINGS}/review", json={"movie_id": found.film, "body_markdown": "Talk here."})
        found.talk = own.raise_for_status().json()["review_id"]
        for attack, film in zip(ATTACKS, films, strict=False):
            number = film["movie_id"]
            line = attack.replace("\n", " ")
            for title in (line[:200], ""):  # one that the headline may not have, the text may
                body = {"movie_id": number, "title": title, "body_markdown": attack}
                answer = client.post(f"{RATINGS}/review", json=body)
                if answer.is_error:  # nothing but markup: with a word before it
                    answer = client.post(f"{RATINGS}/review", json=body | {"body_markdown": f"Hm {attack}"})
                if answer.is_success:
                    found.reviews.append(answer.json())
                    break
            said = client.post(f"{RATINGS}/review/{found.talk}/comments", json={"body_markdown": f"So: {attack}"})
            if said.is_success:
                found.comments.append(said.json())
            open_to_all = {"visibility": "PUBLIC", "comments_enabled": True}
            listed = client.post(LISTS, json={"name": line[:100], "description": attack} | open_to_all)
            if listed.is_success:
                found.lists.append(listed.json())
            noted = client.post(f"{RATINGS}/diary", json={"movie_id": number, "notes": attack, "tags": [line[:40]]})
            if noted.is_success:
                found.notes.append(noted.json()["notes"])
        for attack in ATTACKS:
            path = f"{LISTS}/{found.lists[-1]['list_id']}/comments"
            remark = client.post(path, json={"body_markdown": f"So: {attack}"})
            if remark.is_success:
                found.remarks.append(remark.json())
        yield found


def test_the_trap_catches_what_runs(explorer: Explorer) -> None:
    with trapped(explorer, policy=False):
        explorer.open()
        explorer.settle()
        explorer.js(
            "const d = document.createElement('div'); d.innerHTML = arguments[0]; document.body.append(d)",
            "<img src='x' onerror='alert(1)'><a href='javascript:alert(1)'>x</a><iframe></iframe>",
        )
        found = explorer.wait(lambda: [one for one in harm(explorer) if one == "alert"] and harm(explorer), "the alert")
    assert {str(one).split(" ")[0] for one in found} >= {"alert", "handler", "address", "element"}
    assert "innerHTML" not in TRAP


def _grow(explorer: Explorer, selector: str, number: int) -> None:
    """Loads pages until there are so many of something."""
    explorer.wait(lambda: explorer.all(selector), selector)
    while len(explorer.all(selector)) < number:
        there = len(explorer.all(selector))
        explorer.js("[...document.querySelectorAll('main button')].find((b) => b.textContent === 'More').click()")
        explorer.wait(lambda there=there: len(explorer.all(selector)) > there, "more")


@pytest.mark.parametrize("policy", [True, False], ids=["with the policy", "without the policy"])
def test_nothing_of_any_attack_runs_and_the_text_is_shown(explorer: Explorer, written: Written, policy: bool) -> None:
    """With the page's policy, and by the walls of code alone."""
    assert len(written.reviews) > 0.9 * len(ATTACKS)
    assert len(written.comments) > 0.9 * len(ATTACKS)
    assert len(written.remarks) > 0.9 * len(ATTACKS)
    assert len(written.lists) > 0.6 * len(ATTACKS)
    assert len(written.notes) > 0.6 * len(ATTACKS)
    with trapped(explorer, policy=policy):
        enter(explorer, written.name)
        explorer.open("#/reviews")
        _grow(explorer, ".review", len(written.reviews))
        shown = explorer.js(
            "return [...document.querySelectorAll('.review')].map((e) => "
            "[e.querySelector('.review-title').textContent, e.querySelector('.prose').textContent])"
        )
        expected = [[one["title"] or "Your review", read_markup(one["body_html"]).text] for one in written.reviews]
        assert [[title, words(text)] for title, text in reversed(shown)] == [[t, words(x)] for t, x in expected]
        assert harm(explorer) == []

        explorer.open(f"#/review/{written.talk}")
        _grow(explorer, ".comment", len(written.comments))
        texts = [words(text) for text in explorer.texts(".comment .prose")]
        assert texts == [words(read_markup(one["body_html"]).text) for one in written.comments]
        assert harm(explorer) == []

        explorer.open("#/diary")
        _grow(explorer, ".day", len(written.notes))
        notes = sorted(words(text) for text in explorer.texts(".entry-notes"))
        assert notes == sorted(words(text) for text in written.notes if text)
        assert harm(explorer) == []

        explorer.open("#/lists")
        explorer.settle()
        page = words(explorer.one("main").text)
        assert any(words(one["name"]) in page for one in written.lists), "names of lists are shown as they are"
        assert harm(explorer) == []
        last = written.lists[-1]
        explorer.open(f"#/lists/{last['list_id']}/comments")
        _grow(explorer, ".remark", len(written.remarks))
        texts = [words(text) for text in explorer.texts(".remark .prose")]
        assert texts == [words(read_markup(one["body_html"]).text) for one in written.remarks]
        assert harm(explorer) == []


def test_other_readers_are_as_safe(explorer: Explorer, mesh: Mesh, written: Written) -> None:
    """Somebody else, and somebody who is not signed in, on a film's page."""
    victim = f"victim-{secrets.token_hex(3)}"
    client_of(mesh, victim).close()
    with trapped(explorer):
        enter(explorer, victim)
        for one in written.reviews[:: max(1, len(written.reviews) // 12)]:
            open_reviews(explorer, {"movie_id": one["movie_id"]})
            assert one["title"] in explorer.texts(".review-title") or not one["title"]
            assert harm(explorer) == []
        for one in written.lists[:: max(1, len(written.lists) // 12)]:
            explorer.open(f"#/lists/{one['list_id']}")
            explorer.wait(lambda name=one["name"]: words(explorer.texts("main h1")[0]) == words(name), one["name"])
            assert harm(explorer) == []
        forget(explorer)
        open_reviews(explorer, {"movie_id": written.reviews[0]["movie_id"]})
        assert harm(explorer) == []


def test_a_hostile_name_of_a_person_is_a_name(explorer: Explorer, written: Written) -> None:
    """In the corner of every page, and on the person's own page for others."""
    with trapped(explorer):
        enter(explorer, written.name)
        explorer.open()
        explorer.settle()
        kept_names = 0
        for attack in ATTACKS:
            body = {
                "display_name": attack.replace("\n", " ")[:80],
                "bio": attack,
                "location": attack[:80],
                "public_fields": [],
            }
            body |= {"public_fields": ["display_name", "bio", "location"]}
            answer = written.client.put("/api/v1/users/me/profile", json=body)
            if answer.is_error:
                continue
            kept_names += 1
            name = answer.json()["display_name"]
            explorer.driver.execute_async_script(
                "const done = arguments[0]; import('/js/session.js').then(({ look }) => look()).then(() => done(), done);"
            )
            assert explorer.texts(".who-name") == [name]
            if kept_names % 12 == 1:
                explorer.open(f"#/people/{written.name}")
                explorer.wait(lambda name=name: explorer.texts("main h1") == [name], "the name")
                assert harm(explorer) == []
        assert kept_names > 0.6 * len(ATTACKS)
        assert harm(explorer) == []


def test_the_second_wall_holds_alone(explorer: Explorer) -> None:
    """The attacks as if the server had let them through, with the page's policy taken away."""
    with trapped(explorer, policy=False):
        explorer.open()
        explorer.settle()
        explorer.driver.execute_async_script(
            "const [attacks, done] = arguments; import('/js/components/markup.js').then(({ markup }) => {"
            "for (const attack of attacks) document.querySelector('main').append(markup(attack)); setTimeout(done, 800); }, done);",
            list(ATTACKS),
        )
        assert len(explorer.all(".prose")) == len(ATTACKS)
        assert harm(explorer) == []
