"""One's diary, ratings, reviews and year in film, and what administrators see of reports, on the stub of Ratings."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

import pytest
from selenium.webdriver.common.keys import Keys

from tests.e2e.explorer.accounts import fill, forget, named, sign_in, signed_in
from tests.e2e.explorer.opinions import press, touch_star

if TYPE_CHECKING:
    from tests.e2e.explorer.conftest import Explorer
    from tests.e2e.explorer.stub_mesh import StubMesh
    from tests.e2e.explorer.stub_people import Account

pytestmark = [pytest.mark.browser]

# takes what a page hands over as a file
CATCH = """
    window.caught = [];
    const make = URL.createObjectURL;
    URL.createObjectURL = (blob) => { window.caught.push(blob); return make(blob); };
    HTMLAnchorElement.prototype.click = function () { window.named = this.download; };
"""
READ = """
    const done = arguments[arguments.length - 1];
    const blob = window.caught.at(-1);
    const reader = new FileReader();
    reader.onload = () => done([window.named, blob.type, reader.result.split(",")[1]]);
    reader.readAsDataURL(blob);
"""


def _ids(stub: StubMesh) -> list[int]:
    return [film["movie_id"] for film in stub.films]


def _go(explorer: Explorer, address: str) -> None:
    explorer.open(f"#/{address}")
    explorer.settle()


@pytest.mark.parametrize("address", ["diary", "ratings", "reviews", "year", "year/2025"])
def test_strangers_are_asked_to_sign_in_and_come_back(explorer: Explorer, stub: StubMesh, address: str) -> None:
    stub.identity.add("ada")
    _go(explorer, address)
    press(explorer, "Sign in")
    sign_in(explorer, "ada", opened=True)
    signed_in(explorer, "Ada")
    explorer.wait(lambda: explorer.hash == f"#/{address}", "the page that was wanted")


def test_the_corner_leads_to_ones_own_places(explorer: Explorer, ada: Account) -> None:
    explorer.one(".who-button").click()
    places = explorer.texts(".menu a")
    assert [one for one in places if one in {"Diary", "Ratings", "Reviews", "Year in film"}] == [
        "Diary",
        "Ratings",
        "Reviews",
        "Year in film",
    ]
    press(explorer, "Diary", ".menu")
    explorer.wait_text("main h1", "Diary")
    assert not explorer.one("#who-menu").is_displayed()


def test_the_diary_by_months_changed_taken_out_and_brought_back(
    explorer: Explorer, stub: StubMesh, ada: Account
) -> None:
    one, two, *_ = _ids(stub)
    stub.ratings.note(ada, one, "2025-12-31", tags=["cinema"])
    stub.ratings.note(ada, two, "2026-03-02", overall=3.5, notes="Cold.")
    stub.ratings.note(ada, one, "2026-03-05", rewatch=True)
    _go(explorer, "diary")
    assert explorer.texts(".month h2") == ["March 2026 2 films", "December 2025 1 film"]
    assert explorer.texts(".day time") == ["5 Thu", "2 Mon", "31 Wed"]
    assert "seen again" in explorer.texts(".day")[0]
    explorer.wait_text(".tabs", "2025")

    press(explorer, "Edit", ".day")
    explorer.js("arguments[0].value = '2026-02-28'", named(explorer, "watched_on"))
    touch_star(explorer, "overall", 4.5, ".day")
    fill(explorer, notes="Still good.", tags="cinema, 35 mm")
    press(explorer, "Save", ".day")
    explorer.wait(lambda: len(explorer.texts(".month h2")) == 3, "another month")
    assert explorer.texts(".month h2")[1] == "February 2026 1 film"
    entry = stub.ratings.entries[ada.user_id][0]
    assert (entry["watched_on"], entry["overall"], entry["tags"]) == ("2026-02-28", 4.5, ["cinema", "35 mm"])

    press(explorer, "35 mm", ".day")
    explorer.wait(lambda: explorer.texts(".day time") == ["28 Sat"], "what has the label")
    press(explorer, "35 mm", ".force")
    explorer.wait(lambda: len(explorer.texts(".day time")) == 3, "all of it")

    press(explorer, "Remove", ".day")
    explorer.wait_text(".gone", "out of your diary")
    assert explorer.focused.text == "Undo"
    assert len(stub.ratings.entries[ada.user_id]) == 2
    press(explorer, "Undo", ".gone")
    explorer.wait(lambda: len(explorer.texts(".day time")) == 3, "it is back")
    back = next(entry for entry in stub.ratings.entries[ada.user_id] if entry["watched_on"] == "2026-03-02")
    assert (back["notes"], back["overall"]) == ("Cold.", 3.5)
    press(explorer, "2025", ".tabs")
    explorer.wait(lambda: explorer.texts(".day time") == ["31 Wed"], "the year")
    assert explorer.complaints() == []


def test_an_entry_changed_elsewhere_is_shown_beside_ones_own(explorer: Explorer, stub: StubMesh, ada: Account) -> None:
    entry = stub.ratings.note(ada, _ids(stub)[0], "2026-03-02", notes="Old.")
    _go(explorer, "diary")
    press(explorer, "Edit", ".day")
    entry |= {"notes": "From my phone.", "etag": "v5"}
    fill(explorer, notes="From my desk.")
    press(explorer, "Save", ".day")
    explorer.wait_text(".outrun", "From my phone.")
    explorer.wait_text(".day .form-error", "changed elsewhere")
    assert entry["notes"] == "From my phone."
    press(explorer, "Save", ".day")
    explorer.wait_text(".entry-notes", "From my desk.")


def test_a_day_in_the_future_is_refused_at_its_field(explorer: Explorer, stub: StubMesh, ada: Account) -> None:
    stub.ratings.note(ada, _ids(stub)[0], "2026-03-02")
    _go(explorer, "diary")
    press(explorer, "Edit", ".day")
    explorer.js("arguments[0].value = '2999-01-01'", named(explorer, "watched_on"))
    press(explorer, "Save", ".day")
    explorer.wait_text(".day .field-error", "must not be in the future")
    assert explorer.focused.get_attribute("name") == "watched_on"


def test_a_film_is_found_and_noted_in_an_empty_diary(
    explorer: Explorer, stub: StubMesh, ada: Account, film: dict[str, Any]
) -> None:
    _go(explorer, "diary")
    explorer.wait_text(".notice h2", "An empty diary")
    explorer.one(".find-film input").send_keys(film["title"], Keys.ENTER)
    press(explorer, "Note", ".hits")
    explorer.wait(lambda: explorer.focused.get_attribute("name") == "watched_on", "the form")
    press(explorer, "Note it")
    explorer.wait_text(".day .line-title", film["title"])
    (entry,) = stub.ratings.entries[ada.user_id]
    assert entry["watched_on"] == explorer.js(
        "const d = new Date(); return [d.getFullYear(), d.getMonth() + 1, d.getDate()].map((n) => String(n).padStart(2, '0')).join('-')"
    )


def test_a_long_diary_by_pages(explorer: Explorer, stub: StubMesh, ada: Account) -> None:
    for i, movie in enumerate(_ids(stub)[:60]):
        stub.ratings.note(ada, movie, f"20{10 + i // 6}-0{i % 6 + 1}-11")
    _go(explorer, "diary")
    assert explorer.texts(".book .shown") == ["50 of 60 notes"]
    press(explorer, "More", ".book")
    explorer.wait(lambda: len(explorer.all(".day")) == 60, "the rest")
    assert not explorer.one(".book .grow button").is_displayed()


def test_ratings_in_orders_and_narrowed_changed_and_taken_back(
    explorer: Explorer, stub: StubMesh, ada: Account
) -> None:
    for i, movie in enumerate(_ids(stub)[:25]):
        stub.ratings.give(ada, movie, overall=(i % 11) / 2, plot=1.5)
    _go(explorer, "ratings")
    assert explorer.texts(".growing .shown") == ["20 of 25 ratings"]
    press(explorer, "More", ".growing")
    explorer.wait(lambda: len(explorer.all(".rated-film")) == 25, "the rest")

    def choose(name: str, value: str) -> None:
        explorer.js(
            "arguments[0].value = arguments[1]; arguments[0].dispatchEvent(new Event('change'))",
            named(explorer, name),
            value,
        )

    choose("order_by", "highest")
    choose("rating_min", "4.5")
    explorer.wait(lambda: explorer.texts(".growing .shown") == ["4 ratings"], "the best")
    assert "rating_min=4.5" in explorer.hash and "order_by=highest" in explorer.hash
    explorer.driver.refresh()
    explorer.wait(lambda: explorer.texts(".growing .shown") == ["4 ratings"], "the same from the address")
    assert named(explorer, "order_by").get_attribute("value") == "highest"
    choose("rating_max", "1")
    explorer.wait_text(".notice", "must not be below rating_min")
    choose("rating_max", "")
    choose("rating_min", "")
    fill(explorer, query=stub.films[3]["title"])
    explorer.wait(lambda: explorer.texts(".rated-film .line-title") == [stub.films[3]["title"]], "one film")

    number = stub.films[3]["movie_id"]
    touch_star(explorer, "overall", 5, ".rated-film")
    explorer.wait_text(".kept", "Kept.")
    assert stub.ratings.ratings[ada.user_id, number]["overall"] == 5
    assert stub.ratings.ratings[ada.user_id, number]["plot"] == 1.5, "the other dimensions stay"
    press(explorer, "Take back", ".rated-film")
    explorer.wait_text(".gone", "is taken back")
    assert (ada.user_id, number) not in stub.ratings.ratings
    press(explorer, "Undo", ".gone")
    explorer.wait(lambda: explorer.all(".rated-film .stars"), "it is back")
    assert stub.ratings.ratings[ada.user_id, number]["plot"] == 1.5
    assert explorer.complaints(refusals=True) == []


def test_ones_reviews_are_listed_changed_and_deleted(explorer: Explorer, stub: StubMesh, ada: Account) -> None:
    for movie in _ids(stub)[:12]:
        stub.ratings.publish(ada, movie, "Words.", title=f"About {movie}")
    _go(explorer, "reviews")
    assert explorer.texts(".growing .shown") == ["10 of 12 reviews"]
    assert explorer.texts(".review-film a")[0] == stub.films[11]["title"]
    press(explorer, "More", ".growing")
    explorer.wait(lambda: len(explorer.all(".review")) == 12, "the rest")
    press(explorer, "Edit", ".review")
    fill(explorer, title="Better")
    press(explorer, "Save", ".review")
    explorer.wait_text(".review h2", "Better")
    press(explorer, "Delete", ".review")
    press(explorer, "Delete it", ".review")
    explorer.wait(lambda: len(explorer.all(".review")) == 11, "it is gone")
    assert len(stub.ratings.reviews) == 11


def test_a_review_has_an_address_of_its_own(
    explorer: Explorer, stub: StubMesh, ada: Account, film: dict[str, Any]
) -> None:
    grace = stub.identity.add("grace")
    review = stub.ratings.publish(grace, film["movie_id"], "Words.", title="Yes")
    stub.ratings.say(ada, review, "So it is.")
    _go(explorer, f"review/{review['review_id']}")
    explorer.wait_text("h1", film["title"])
    explorer.wait_text(".comment .prose", "So it is.")
    forget(explorer)
    _go(explorer, f"review/{review['review_id']}")
    explorer.wait_text(".thread", "Sign in to say something")
    press(explorer, "Sign in to say something")
    sign_in(explorer, "ada", opened=True)
    explorer.wait(lambda: explorer.hash == f"#/review/{review['review_id']}", "the review")
    _go(explorer, "review/v999")
    explorer.wait_text("h1", "No such review")


def test_a_year_in_film_is_counted_drawn_and_handed_over(explorer: Explorer, stub: StubMesh, ada: Account) -> None:
    for i, movie in enumerate(_ids(stub)[:14]):
        stub.ratings.note(ada, movie, f"2024-{i % 12 + 1:02d}-03", rewatch=i == 3)
    _go(explorer, "year")
    explorer.wait_text("h1", "2024 in film")  # nothing yet of this year
    for i, movie in enumerate(_ids(stub)[:14]):
        stub.ratings.give(ada, movie, overall=(i % 11) / 2)
    _go(explorer, "year/2024")
    figures = dict(zip(explorer.texts(".figures dt"), explorer.texts(".figures dd"), strict=True))
    assert (figures["films watched"], figures["seen again"]) == ("14", "1")
    charts = explorer.js(
        "return [...document.querySelectorAll('.chart')].map((e) => e.querySelectorAll('.chart-bar').length)"
    )
    assert charts[0] == 12
    assert all(explorer.js("return [...document.querySelectorAll('.chart')].map((e) => e.getAttribute('aria-label'))"))
    months = explorer.texts("[aria-label='By month'] tbody th")
    assert (months[0], months[11]) == ("January", "December")
    assert explorer.texts("[aria-label='By month'] tbody tr")[0].startswith("January2")

    explorer.js(CATCH)
    press(explorer, "Save as SVG")
    name, kind, content = explorer.driver.execute_async_script(READ)
    drawn = base64.b64decode(content).decode()
    assert (name, kind) == ("cineaesthete-2024-in-film.svg", "image/svg+xml")
    assert drawn.startswith("<svg") and "2024 in film" in drawn and "oklch" not in drawn and "href" not in drawn
    press(explorer, "Save as PNG")
    explorer.wait(lambda: explorer.js("return window.named") == "cineaesthete-2024-in-film.png", "the picture")
    name, kind, content = explorer.driver.execute_async_script(READ)
    picture = base64.b64decode(content)
    assert kind == "image/png" and picture.startswith(b"\x89PNG\r\n\x1a\n")
    assert (int.from_bytes(picture[16:20], "big"), int.from_bytes(picture[20:24], "big")) == (1080, 1350)
    assert len(picture) > 20_000, "there is something on it"

    press(explorer, "All years")
    explorer.wait_text("h1", "All years in film")
    assert explorer.complaints() == []


def test_an_empty_year_says_so_and_a_wrong_one_leads_nowhere(explorer: Explorer, ada: Account) -> None:
    _go(explorer, "year/1999")
    explorer.wait_text(".notice h2", "Nothing of 1999 yet")
    _go(explorer, "year/twenty")
    explorer.wait_text("h1", "Nothing here")


def test_administrators_settle_reports(explorer: Explorer, stub: StubMesh, ada: Account) -> None:
    ada.roles.append("admin")
    grace = stub.identity.add("grace")
    review = stub.ratings.publish(grace, _ids(stub)[0], "Buy <b>now</b>!", title="Ad")
    comment = stub.ratings.say(grace, review, "And this.")
    for number, thing in (("p1", ""), ("p2", comment["comment_id"]), ("p3", "")):
        stub.ratings.reports[number] = {
            "report_id": number,
            "review_id": review["review_id"],
            "comment_id": thing,
            "reason": "spam",
            "detail": "An advertisement.",
            "reporter_count": 2,
            "state": "open",
            "body_markdown": "Buy <b>now</b>!",
            "created_at": "2026-11-20T10:30:00Z",
        }
    explorer.open("#/admin/reports")
    explorer.settle()
    assert len(explorer.all(".reported")) == 3
    assert explorer.texts(".reported-text")[0] == "Buy <b>now</b>!"
    assert "reported by 2 people" in explorer.texts(".reported")[0]
    fill(explorer, reason="advertising")
    press(explorer, "Hide the review", ".reported")
    explorer.wait(lambda: len(explorer.all(".reported")) == 2, "it is settled")
    assert (review["hidden"], review["hidden_reason"]) == (True, "advertising")
    press(explorer, "Dismiss the report", ".reported")
    explorer.wait(lambda: len(explorer.all(".reported")) == 1, "it is settled, too")
    assert stub.ratings.reports["p2"]["state"] == "dismissed"
    stub.ratings.reports["p3"]["state"] = "hidden"  # somebody else was first
    press(explorer, "Dismiss the report", ".reported")
    explorer.wait_text(".reported .form-error", "settled already")
    press(explorer, "Hidden", ".tabs")
    explorer.wait(lambda: len(explorer.all(".reported")) == 2, "what was hidden")
    press(explorer, "Show the review again", ".reported details")
    fill(explorer, reason="it was none")
    press(explorer, "Show the review again", ".reported form")
    explorer.wait_text(".reported .form-done", "is shown again")
    assert not review["hidden"]
    assert explorer.complaints(refusals=True) == []
