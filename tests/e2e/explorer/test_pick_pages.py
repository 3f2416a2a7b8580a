"""Films for somebody: picks, reasons, wishes, filters, feedback and its undoing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from selenium.webdriver.common.keys import Keys

from tests.e2e.explorer.accounts import click, labelled, named, press
from tests.e2e.explorer.picks import asked, opened, said, titles

if TYPE_CHECKING:
    from tests.e2e.explorer.conftest import Explorer
    from tests.e2e.explorer.stub_mesh import StubMesh
    from tests.e2e.explorer.stub_people import Account

pytestmark = [pytest.mark.browser]


def test_picks_come_with_reasons_and_ones_own_films(explorer: Explorer, stub: StubMesh, reader: Account) -> None:
    shown = opened(explorer)
    first, second = (film["title"] for film in stub.films[:2])
    assert first not in shown and second not in shown, "what is rated is known"
    assert explorer.texts(".pick .pick-reason")[0] == f"Because you liked {first}."
    assert explorer.texts(".pick:first-child .pick-because a") == [first, second]
    assert "50%" in explorer.texts(".pick .score")[0]
    assert not explorer.all(".banner"), "nothing is missing"
    assert f"12 of {len(stub.films) - 3} films" in explorer.texts(".shown")
    press(explorer, "More")
    explorer.wait(lambda: len(titles(explorer)) == 24, "the next page")
    assert titles(explorer)[:12] == shown
    assert len(set(titles(explorer))) == 24
    assert explorer.focused.text == titles(explorer)[12], "whoever goes on by keyboard is at the first new one"
    assert explorer.complaints() == []


def test_why_opens_the_parts_of_the_score(explorer: Explorer, stub: StubMesh, reader: Account) -> None:
    [first, *_] = opened(explorer)
    click(explorer, explorer.one(".pick .why summary"))
    explorer.wait(lambda: explorer.all(".shares li"), "the parts")
    numbers = [float(text.replace("−", "-")) for text in explorer.texts(".pick:first-child .share-number")]
    assert numbers == [30.0, -5.0, 15.0, 10.0], "parts that are nothing are left out, those against it are not"
    assert sum(numbers) == 50
    explorer.wait_text(".why-in", "A match of 50.0 percent is the sum of")
    explorer.wait_text(".why-in", "you rated it 4.5): without it, the match would be 7.0 lower")
    explorer.wait_text(".why-in", "By the match alone it would be number 5; it stands at 1")
    explorer.wait_text(".why-in", "hybrid/20261121T004300")
    click(explorer, explorer.one(".why-in summary"))
    assert explorer.texts(".why-in tbody th") == ["ease"]
    assert labelled(explorer, f"Like: {first}").is_displayed()


def test_a_reason_that_is_kept_no_more_is_said(explorer: Explorer, stub: StubMesh, reader: Account) -> None:
    opened(explorer)
    stub.recommender.answers.clear()
    click(explorer, explorer.one(".pick .why summary"))
    explorer.wait_text(".why-in [role=alert]", "not kept any more")


@pytest.mark.parametrize(
    ("button", "kind", "word"),
    [("Not interested", "not_interested", "will not be picked"), ("Seen it", "seen", "You have seen")],
)
def test_a_refused_film_goes_and_the_next_answer_honours_it(
    explorer: Explorer, stub: StubMesh, reader: Account, button: str, kind: str, word: str
) -> None:
    shown = opened(explorer)
    film = next(one for one in stub.films if one["title"] == shown[1])
    press(explorer, f"{button}: {shown[1]}")
    explorer.wait_text(".gone-text", word)
    assert titles(explorer) == [shown[0], *shown[2:]]
    assert explorer.focused.text == "Undo"
    told = stub.recommender.said[reader.user_id][0]
    assert (told["movie_id"], told["kind"], told["rank"]) == (film["movie_id"], kind, 2)
    assert told["recommendation_request_id"] in stub.recommender.answers
    press(explorer, "Pick anew")
    explorer.wait(lambda: not explorer.all(".gone"), "another answer")
    assert shown[1] not in titles(explorer)

    press(explorer, f"{button}: {shown[2]}")
    press(explorer, "Undo")
    explorer.wait(lambda: shown[2] in titles(explorer), "the film back")
    assert said(stub, reader) == [(film["movie_id"], kind)]
    assert explorer.complaints() == []


def test_what_was_seen_can_be_rated_where_it_stood(explorer: Explorer, stub: StubMesh, reader: Account) -> None:
    [first, *_] = opened(explorer)
    film = next(one for one in stub.films if one["title"] == first)
    press(explorer, f"Seen it: {first}")
    explorer.one(".gone input[type=range]").send_keys("4")
    explorer.wait_text(".gone .kept", "Kept.")
    assert stub.ratings.stars_of(reader.user_id, film["movie_id"]) == 4


def test_a_like_is_a_switch(explorer: Explorer, stub: StubMesh, reader: Account) -> None:
    [first, *_] = opened(explorer)
    button = labelled(explorer, f"Like: {first}")
    click(explorer, button)
    explorer.wait(lambda: button.get_attribute("aria-pressed") == "true", "a like")
    explorer.wait_text(".counts", "counts from the next answer on")
    assert [kind for _, kind in said(stub, reader)] == ["like"]
    click(explorer, button)
    explorer.wait(lambda: button.get_attribute("aria-pressed") == "false", "no like")
    assert said(stub, reader) == []


def test_feedback_that_was_not_taken_leaves_the_film(explorer: Explorer, stub: StubMesh, reader: Account) -> None:
    shown = opened(explorer)
    stub.down.add("recommender")
    press(explorer, f"Not interested: {shown[0]}")
    explorer.wait_text(".pick .form-error", "not answering")
    assert titles(explorer) == shown
    stub.down.clear()
    stub.losing = 1  # it was taken, and the answer got lost
    press(explorer, f"Not interested: {shown[0]}")
    explorer.wait_text(".pick .form-error", "not answering")
    press(explorer, f"Not interested: {shown[0]}")
    explorer.wait(lambda: titles(explorer) == shown[1:], "the film gone")
    assert len(said(stub, reader)) == 1, "sent twice, it counts once"


def test_what_was_said_is_listed_and_taken_back(explorer: Explorer, stub: StubMesh, reader: Account) -> None:
    shown = opened(explorer)
    press(explorer, f"Not interested: {shown[0]}")
    explorer.wait_text(".gone-text", shown[0])
    press(explorer, f"Like: {shown[1]}")
    explorer.wait(lambda: len(said(stub, reader)) == 2, "both words")
    press(explorer, "What you said")
    explorer.wait(lambda: titles(explorer, ".lines") == [shown[1], shown[0]], "the latest first")
    assert explorer.texts(".lines .tag") == ["Liked", "Not interested"]
    explorer.js("document.querySelector('main [name=kind]').value = 'not_interested'")
    explorer.js("document.querySelector('main [name=kind]').dispatchEvent(new Event('change'))")
    explorer.wait(lambda: titles(explorer, ".lines") == [shown[0]], "one kind")
    press(explorer, f"Take back: Not interested, {shown[0]}")
    explorer.wait_text(".gone-text", "as if you had never said it")
    assert shown[0] in opened(explorer)
    explorer.open("#/for-you/told?kind=dislike")
    explorer.wait_text(".notice h2", "Nothing here")


def test_what_is_opened_is_told_once_and_not_waited_for(explorer: Explorer, stub: StubMesh, reader: Account) -> None:
    [first, *_] = opened(explorer)
    click(explorer, explorer.one(".pick .line-title"))
    explorer.wait_text("h1", first)
    explorer.wait(lambda: [kind for _, kind in said(stub, reader)] == ["clicked"], "the word of it")


def test_filters_stand_in_the_address_and_can_be_taken_away(
    explorer: Explorer, stub: StubMesh, reader: Account
) -> None:
    opened(explorer, "#/for-you?genre=Drama&year_min=1950&runtime_max=120")
    assert explorer.texts(".asking .filters > summary") == ["Filters (3)"]
    drama = {film["title"] for film in stub.films if "Drama" in film["genres"] and film["year"] >= 1950}
    assert set(titles(explorer)) <= drama
    assert [box.get_attribute("value") for box in explorer.all(".asking [name=genre]:checked")] == ["Drama"]
    click(explorer, explorer.one(".asking .filters > summary"))
    click(explorer, explorer.one(".asking [name=service][value=Netflix]"))
    explorer.wait(lambda: "service=Netflix" in explorer.hash, "the service in the address")
    explorer.settle()
    by_title = {film["title"]: film for film in stub.films}
    explorer.wait(
        lambda: all("Netflix" in by_title[one]["streaming_services"] for one in titles(explorer)), "what Netflix has"
    )
    assert titles(explorer)
    for field, value in (("rating_min", "4"), ("diversity", "0.9"), ("profile", "default"), ("device", "tv")):
        explorer.js(
            "const [n, v] = arguments; const s = document.querySelector(`.asking [name=${n}]`); s.value = v; "
            "s.dispatchEvent(new Event('change', { bubbles: true }))",
            field,
            value,
        )
    named(explorer, "minutes_available").send_keys("100", Keys.ENTER)
    explorer.wait(lambda: "minutes_available=100" in asked(stub), "the question")
    for part in ("genre=Drama", "rating_min=4", "diversity=0.9", "profile=default", "device=tv", "runtime_max=120"):
        assert part in asked(stub), part


def test_a_mood_is_chosen_by_keys(explorer: Explorer, stub: StubMesh, reader: Account) -> None:
    opened(explorer)
    explorer.js("document.querySelector('.asking input[type=radio]').focus()")
    explorer.press(Keys.ARROW_RIGHT, Keys.ARROW_RIGHT)
    explorer.wait(lambda: "mood=funny" in explorer.hash, "the mood")
    explorer.wait(lambda: "mood=funny" in asked(stub), "the question")
    assert "mood=cosy" not in " ".join(stub.seen), "what is passed over is not asked for"


def test_a_wish_is_shown_as_it_was_understood_and_made_into_filters(
    explorer: Explorer, stub: StubMesh, reader: Account
) -> None:
    words, like = "sad 50s film like that one", stub.films[5]
    stub.recommender.understood[words] = {
        "genre": ["Drama"],
        "excluded_genre": ["Horror"],
        "year_min": 1950,
        "year_max": 1959,
        "runtime_max": 120,
        "service": [],
        "language": ["fr"],
        "mood": "sad",
        "people": ["Ida Lupino"],
        "about": "rain",
        "like_movie_ids": [like["movie_id"]],
        "parsed_by": "ollama/mistral",
    }
    opened(explorer)
    named(explorer, "query").send_keys(words, Keys.ENTER)
    explorer.wait(lambda: explorer.all(".understood"), "what was understood")
    assert explorer.texts(".understood .chip") == [
        "Drama",
        "not Horror",
        "1950–1959",
        "at most 2 h",
        "in French",
        "mood: sad",
        "with Ida Lupino",
        f"like {like['title']}",
        "about “rain”",
    ]
    explorer.wait_text(".understood", "Read by ollama/mistral.")
    by_title = {film["title"]: film for film in stub.films}
    assert {by_title[one]["year"] // 10 for one in titles(explorer)} == {195}
    press(explorer, "Not quite? Make these filters")
    explorer.wait(lambda: "year_min=1950" in explorer.hash, "filters")
    rest = f"rain, with Ida Lupino, no Horror, like {like['title']}"
    assert named(explorer, "query").get_attribute("value") == rest
    for part in ("genre=Drama", "language=fr", "mood=sad", "runtime_max=120", "year_max=1959"):
        assert part in asked(stub), part


def test_errors_stand_at_the_field(explorer: Explorer, stub: StubMesh, reader: Account) -> None:
    explorer.open("#/for-you?genre=polka&genre=Drama")
    message = explorer.wait_text(".asking .field-error", "polka")
    assert "Comedy" in message
    wrong = explorer.all(".asking [aria-invalid=true]")
    assert [box.get_attribute("value") for box in wrong] == ["polka"]
    explorer.wait(lambda: explorer.focused == wrong[0], "the focus at it, in the panel that has opened")
    explorer.press(Keys.SPACE)
    explorer.wait(lambda: titles(explorer), "films without it")
    assert not explorer.all(".asking [aria-invalid=true]")

    explorer.open("#/for-you?year_min=2000&year_max=1990&mood=grumpy")
    explorer.wait_text(".asking .field-error", "grumpy")
    explorer.js("document.querySelector('.asking input[type=radio]').click()")
    explorer.wait_text(".asking .field-error", "Year_max must not be before year_min.")
    assert explorer.focused.get_attribute("name") == "year_max"
    assert explorer.complaints(refusals=True) == []


def test_nothing_that_suits_offers_ways_out(explorer: Explorer, stub: StubMesh, reader: Account) -> None:
    explorer.open("#/for-you?genre=Drama&year_min=2190")
    explorer.wait_text(".notice h2", "Nothing suits all of that")
    press(explorer, "Without from 2190")
    explorer.wait(lambda: titles(explorer), "films")
    assert "genre=Drama" in explorer.hash and "year_min" not in explorer.hash


@pytest.mark.parametrize(
    ("rung", "word"),
    [("cached_personal", "cannot be read"), ("item_model", "alone"), ("shipped_list", "came with the program")],
)
def test_who_answered_is_said_plainly(
    explorer: Explorer, stub: StubMesh, reader: Account, rung: str, word: str
) -> None:
    stub.recommender.rung, stub.recommender.lacking = rung, "there is no hybrid model yet"
    opened(explorer)
    explorer.wait_text(".rung", word)
    explorer.wait_text(".banner", "There is no hybrid model yet.")


def test_an_outage_is_named_and_passes(explorer: Explorer, stub: StubMesh, reader: Account) -> None:
    stub.down.add("recommender")
    explorer.open("#/for-you")
    explorer.wait_text(".notice[role=alert]", "The recommender is not answering")
    explorer.open("#/for-you/because")
    explorer.wait_text(".notice[role=alert]", "The recommender is not answering")
    stub.down.clear()
    press(explorer, "Try again")
    explorer.wait(lambda: explorer.all(".rows-mine .tile"), "rows")
    opened(explorer)
    explorer.driver.set_network_conditions(offline=True, latency=0, throughput=0)
    try:
        named(explorer, "query").send_keys("rain", Keys.ENTER)
        explorer.wait_text(".notice[role=alert]", "cannot be reached")
    finally:
        explorer.driver.delete_network_conditions()
    press(explorer, "Try again")
    explorer.wait(lambda: titles(explorer), "picks")
