"""Reviews and the talk under them on a film's page, on the stub of Ratings."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from selenium.webdriver.common.by import By

from tests.e2e.explorer.accounts import click, fill, named
from tests.e2e.explorer.opinions import open_reviews, press, shows, touch_star
from tests.e2e.explorer.stub_films import HOSTILE_TITLE

if TYPE_CHECKING:
    from selenium.webdriver.remote.webelement import WebElement

    from tests.e2e.explorer.conftest import Explorer
    from tests.e2e.explorer.stub_mesh import StubMesh
    from tests.e2e.explorer.stub_people import Account

pytestmark = [pytest.mark.browser]


@pytest.fixture
def grace(stub: StubMesh, explorer: Explorer) -> Account:
    """Somebody else."""
    return stub.identity.add("grace")


def _card(explorer: Explorer, title: str) -> WebElement:
    cards = explorer.all("article.review")
    found: WebElement = explorer.wait(
        lambda: next((one for one in cards if title in one.find_element(By.TAG_NAME, "h3").text), None), title
    )
    return found


def _titles(explorer: Explorer) -> list[str]:
    return explorer.texts(".reviews .review-title")


def test_reviews_in_four_orders_by_pages_with_spoilers_folded(
    explorer: Explorer, stub: StubMesh, grace: Account, film: dict[str, Any]
) -> None:
    number = film["movie_id"]
    for i in range(12):
        somebody = stub.identity.add(f"p{i}")
        stub.ratings.give(somebody, number, overall=(i * 5 % 11) / 2)
        review = stub.ratings.publish(somebody, number, f"Text {i}", title=f"Title {i}", contains_spoilers=i == 3)
        review["likes"] = {f"l{n}" for n in range(i * 7 % 12)}
    open_reviews(explorer, film)
    assert _titles(explorer) == [f"Title {i}" for i in range(11, 1, -1)]
    press(explorer, "More", ".film-reviews")
    explorer.wait(lambda: len(_titles(explorer)) == 12, "the second page")
    assert explorer.focused.tag_name in {"a", "button"}

    for order, first in (("most_liked", "Title 5"), ("highest", "Title 2"), ("lowest", "Title 11")):
        explorer.js(
            "const s = document.querySelector('.reviews-how select'); s.value = arguments[0]; s.dispatchEvent(new Event('change'))",
            order,
        )
        explorer.wait(lambda first=first: _titles(explorer)[:1] == [first], f"{order}: {first}")
    assert any("order_by=lowest" in one for one in stub.seen)

    card = _card(explorer, "Title 3")
    assert "Text 3" not in card.text
    click(explorer, card.find_element(By.CSS_SELECTOR, ".spoiler-button"))
    assert "Text 3" in card.text
    click(explorer, explorer.one(".reviews-how .switch input"))
    explorer.wait(lambda: "Title 3" not in _titles(explorer) and _titles(explorer), "reviews without it")
    assert not explorer.all(".review-ways button.like-button"), "strangers are asked to sign in"
    assert explorer.complaints() == []


def test_likes_are_given_and_taken_back(
    explorer: Explorer, stub: StubMesh, grace: Account, ada: Account, film: dict[str, Any]
) -> None:
    review = stub.ratings.publish(grace, film["movie_id"], "Good.", title="Yes")
    open_reviews(explorer, film)
    button = explorer.one(".like-button")
    assert button.get_attribute("aria-pressed") == "false"
    click(explorer, button)
    explorer.wait(lambda: button.get_attribute("aria-pressed") == "true", "the like")
    assert review["likes"] == {ada.user_id}
    assert explorer.texts(".like-count") == ["1 person likes it"]
    stub.down.add("ratings")
    click(explorer, button)
    explorer.wait_text(".like .form-error", "not answering")
    stub.down.clear()
    click(explorer, button)
    explorer.wait(lambda: button.get_attribute("aria-pressed") == "false", "the like taken back")
    assert review["likes"] == set()


def test_a_review_is_written_changed_and_deleted(
    explorer: Explorer, stub: StubMesh, ada: Account, film: dict[str, Any]
) -> None:
    number = film["movie_id"]
    stub.ratings.give(ada, number, overall=2.0, plot=4.5)
    open_reviews(explorer, film)
    press(explorer, "Write a review")
    fill(explorer, title="First words", body_markdown="A *good* one.\n\nSee it.")
    touch_star(explorer, "overall", 4.5, ".writing")
    click(explorer, named(explorer, "contains_spoilers"))
    stub.down.add("ratings")
    press(explorer, "Publish")
    explorer.wait_text(".writing .form-error", "not answering")
    stub.down.clear()
    press(explorer, "Publish")
    explorer.wait_text(".own-review h3", "First words")
    (review,) = stub.ratings.reviews.values()
    assert (review["title"], review["contains_spoilers"]) == ("First words", True)
    assert review["body_markdown"] == "A *good* one.\n\nSee it."
    assert len(set(stub.ratings.asked)) == 1, "the second click was the same attempt"
    explorer.wait(lambda: shows(explorer, "overall") == "4.5 of 5 stars", "the rating that came with it")

    press(explorer, "Edit", ".own-review")
    assert named(explorer, "body_markdown").get_attribute("value") == review["body_markdown"]
    fill(explorer, title="Second words")
    click(explorer, named(explorer, "contains_spoilers"))
    press(explorer, "Save")
    explorer.wait_text(".own-review h3", "Second words")
    assert explorer.focused.text == "Second words"
    assert review["revision"] == 2
    assert _titles(explorer) == [], "one's own stands by itself, once"
    press(explorer, "History", ".own-review")
    explorer.wait_text(".revision", "First words")

    press(explorer, "Delete", ".own-review")
    assert explorer.focused.text == "Keep it"
    press(explorer, "Delete it", ".own-review")
    explorer.wait_text(".own-review", "Write a review")
    assert stub.ratings.reviews == {}
    assert explorer.complaints(refusals=True) == []


def test_stars_changed_with_the_words_leave_the_other_dimensions(
    explorer: Explorer, stub: StubMesh, ada: Account, film: dict[str, Any]
) -> None:
    number = film["movie_id"]
    stub.ratings.give(ada, number, overall=2.0, plot=4.5)
    stub.ratings.publish(ada, number, "Words.", title="Mine")
    open_reviews(explorer, film)
    press(explorer, "Edit", ".own-review")
    touch_star(explorer, "overall", 3, ".writing")
    press(explorer, "Save")
    explorer.wait(lambda: shows(explorer, "overall") == "3 of 5 stars", "the rating")
    rating = stub.ratings.ratings[ada.user_id, number]
    assert (rating["overall"], rating["plot"]) == (3.0, 4.5)


def test_a_review_changed_elsewhere_is_shown_beside_ones_own_words(
    explorer: Explorer, stub: StubMesh, ada: Account, film: dict[str, Any]
) -> None:
    review = stub.ratings.publish(ada, film["movie_id"], "Old words.", title="Mine")
    open_reviews(explorer, film)
    press(explorer, "Edit", ".own-review")
    review |= {"body_markdown": "From my phone.", "body_html": "<p>From my phone.</p>", "etag": "v7", "revision": 7}
    fill(explorer, body_markdown="From my desk.")
    press(explorer, "Save")
    explorer.wait_text(".writing .form-error", "changed elsewhere")
    explorer.wait_text(".outrun", "From my phone.")
    assert named(explorer, "body_markdown").get_attribute("value") == "From my desk."
    assert review["body_markdown"] == "From my phone."
    press(explorer, "Save")
    explorer.wait_text(".own-review .prose", "From my desk.")
    assert review["body_markdown"] == "From my desk."

    press(explorer, "Edit", ".own-review")
    review |= {"body_markdown": "Again.", "body_html": "<p>Again.</p>", "etag": "v9", "revision": 9}
    fill(explorer, body_markdown="And again.")
    press(explorer, "Save")
    explorer.wait_text(".outrun", "Again.")
    press(explorer, "Take it over")
    assert named(explorer, "body_markdown").get_attribute("value") == "Again."


def test_a_review_written_elsewhere_meanwhile_is_shown_and_then_changed(
    explorer: Explorer, stub: StubMesh, ada: Account, film: dict[str, Any]
) -> None:
    open_reviews(explorer, film)
    press(explorer, "Write a review")
    review = stub.ratings.publish(ada, film["movie_id"], "From my phone.")
    fill(explorer, body_markdown="From my desk.")
    touch_star(explorer, "overall", 4, ".writing")
    press(explorer, "Publish")
    explorer.wait_text(".writing .form-error", "changed elsewhere")
    explorer.wait_text(".outrun", "From my phone.")
    press(explorer, "Publish")
    explorer.wait_text(".own-review .prose", "From my desk.")
    assert [one["body_markdown"] for one in stub.ratings.reviews.values()] == ["From my desk."]
    assert review["revision"] == 2
    explorer.wait(lambda: shows(explorer, "overall") == "4 of 5 stars", "the stars, too")


def test_an_old_draft_does_not_hide_what_is_newer(
    explorer: Explorer, stub: StubMesh, ada: Account, film: dict[str, Any]
) -> None:
    review = stub.ratings.publish(ada, film["movie_id"], "Old words.", title="Mine")
    open_reviews(explorer, film)
    press(explorer, "Edit", ".own-review")
    fill(explorer, body_markdown="Half a thought")
    explorer.wait(lambda: explorer.js("return Object.keys(sessionStorage).length"), "the draft")
    review |= {"body_markdown": "From my phone.", "body_html": "<p>From my phone.</p>", "etag": "v7", "revision": 7}
    open_reviews(explorer, film)
    press(explorer, "Edit", ".own-review")
    assert named(explorer, "body_markdown").get_attribute("value") == "Half a thought"
    explorer.wait_text(".outrun", "From my phone.")
    press(explorer, "Take it over")
    assert named(explorer, "body_markdown").get_attribute("value") == "From my phone."


def test_what_was_being_written_is_there_after_leaving_the_page(
    explorer: Explorer, stub: StubMesh, ada: Account, film: dict[str, Any]
) -> None:
    open_reviews(explorer, film)
    press(explorer, "Write a review")
    fill(explorer, body_markdown="Half a thought")
    explorer.wait(lambda: explorer.js("return Object.keys(sessionStorage).length"), "the draft")
    explorer.js("location.hash = '#/search'")
    explorer.wait(lambda: explorer.all(".browse"), "another page")
    explorer.js("history.back()")
    explorer.wait(lambda: explorer.all(".film-reviews"), "the film")
    explorer.js("document.querySelector('.film-reviews').scrollIntoView()")
    explorer.wait(lambda: explorer.all(".film-reviews .growing"), "the reviews")
    explorer.settle()
    press(explorer, "Write a review")
    assert named(explorer, "body_markdown").get_attribute("value") == "Half a thought"
    press(explorer, "Drop it")
    assert named(explorer, "body_markdown").get_attribute("value") == ""
    assert explorer.js("return Object.keys(sessionStorage).length") == 0


def test_comments_in_threads(
    explorer: Explorer, stub: StubMesh, grace: Account, ada: Account, film: dict[str, Any]
) -> None:
    review = stub.ratings.publish(grace, film["movie_id"], "Good.", title="Yes")
    first = stub.ratings.say(grace, review, "First.")
    stub.ratings.say(grace, review, "Under it.", first["comment_id"])
    stub.ratings.say(grace, review, "Second.")
    open_reviews(explorer, film)
    press(explorer, "Comments", ".review")
    explorer.wait(lambda: len(explorer.all(".comment")) == 3, "the comments")

    click(explorer, explorer.all(".comment-ways button")[0])
    fill(explorer, body_markdown="An answer.")
    press(explorer, "Answer", ".comment form")
    explorer.wait(lambda: len(explorer.all(".comment")) == 4, "the answer")
    assert explorer.texts(".comment .prose") == ["First.", "Under it.", "An answer.", "Second."]
    assert [one["body_markdown"] for one in review["talk"]] == ["First.", "Under it.", "An answer.", "Second."]
    assert explorer.texts(".review-ways .chip-count") == ["4"]

    press(explorer, "Edit", ".comment")
    fill(explorer, body_markdown="A better answer.")
    press(explorer, "Save", ".comment")
    explorer.wait_text(".comment .prose", "A better answer.")
    press(explorer, "Delete", ".comment")
    press(explorer, "Delete it", ".comment")
    explorer.wait(lambda: len(explorer.all(".comment")) == 3, "it is gone")
    assert explorer.texts(".review-ways .chip-count") == ["3"]

    explorer.js("document.querySelector('.thread > form textarea').scrollIntoView({ block: 'center' })")
    explorer.one(".thread > form textarea").send_keys(HOSTILE_TITLE)
    press(explorer, "Comment", ".thread > form")
    explorer.wait(lambda: explorer.texts(".comment .prose")[-1:] == [HOSTILE_TITLE], "a comment of its own")
    assert explorer.complaints(refusals=True) == []


def test_an_answered_comment_leaves_its_place(
    explorer: Explorer, stub: StubMesh, grace: Account, ada: Account, film: dict[str, Any]
) -> None:
    review = stub.ratings.publish(grace, film["movie_id"], "Good.", title="Yes")
    mine = stub.ratings.say(ada, review, "Mine.")
    under = stub.ratings.say(ada, review, "Mine, too.", mine["comment_id"])
    open_reviews(explorer, film)
    press(explorer, "Comments", ".review")
    explorer.wait(lambda: len(explorer.all(".comment")) == 2, "the comments")
    press(explorer, "Delete", ".comment")
    press(explorer, "Delete it", ".comment")
    explorer.wait_text(".comment", "Its author deleted this comment")
    assert len(explorer.all(".comment")) == 2
    assert under in review["talk"]
    press(explorer, "Delete", ".comment")
    press(explorer, "Delete it", ".comment")
    explorer.wait(lambda: not explorer.all(".comment"), "the empty place went along")


def test_a_report_says_why(
    explorer: Explorer, stub: StubMesh, grace: Account, ada: Account, film: dict[str, Any]
) -> None:
    stub.ratings.publish(grace, film["movie_id"], "Buy my film.", title="Yes")
    open_reviews(explorer, film)
    press(explorer, "Report", ".review")
    explorer.js("document.querySelector('[name=reason]').value = 'spam'")
    fill(explorer, detail="An advertisement.")
    press(explorer, "Report it", ".review")
    explorer.wait_text(".report", "Reported.")
    (report,) = stub.ratings.reports.values()
    assert (report["reason"], report["detail"]) == ("spam", "An advertisement.")


def test_a_hidden_review_says_why_to_its_author(
    explorer: Explorer, stub: StubMesh, ada: Account, film: dict[str, Any]
) -> None:
    stub.ratings.publish(ada, film["movie_id"], "Rude.", title="Mine", hidden=True, hidden_reason="rude to people")
    open_reviews(explorer, film)
    explorer.wait_text(".own-review .banner", "Why: rude to people")


def test_whatever_the_server_sends_only_what_is_listed_gets_onto_the_page(
    explorer: Explorer, stub: StubMesh, grace: Account, film: dict[str, Any]
) -> None:
    bad = (
        "<p onclick='window.owned=1' style='position:fixed' class=x id=main>kept <b>dropped</b><script>window.owned=1</script></p>"
        "<img src=x onerror='window.owned=1'><svg><a href='javascript:window.owned=1'>s</a></svg><iframe srcdoc='x'></iframe>"
        "<a href='javascript:window.owned=1'>js</a><a href=' jav&#9;ascript:window.owned=1'>tab</a><a href='/api/v1/users/me'>here</a>"
        "<a href='https://example.org/a' target=_blank onclick='window.owned=1'>out</a><ol start=3 onfocus=x><li>three</ol>"
        "<form action=x><input name=y></form><base href='https://evil.example/'><h1>big</h1><table><tr><td>cell</table><!-- c -->"
    )
    stub.ratings.publish(grace, film["movie_id"], "x", title=HOSTILE_TITLE, body_html=bad)
    open_reviews(explorer, film)
    inside = explorer.js(
        "return [...document.querySelectorAll('.reviews .prose *')].map((e) => "
        "[e.localName, ...[...e.attributes].map((a) => `${a.name}=${a.value}`).sort()].join(' '))"
    )
    assert inside == [
        "p",
        "a",
        "a",
        "a",
        "a href=https://example.org/a rel=nofollow noopener noreferrer ugc",
        "ol start=3",
        "li",
        "h4",
        "div aria-label=Table class=table-frame role=region tabindex=0",
        "table",
        "tbody",
        "tr",
        "td",
    ]
    assert explorer.texts(".reviews .prose p") == ["kept "]
    assert _titles(explorer) == [HOSTILE_TITLE]
    assert explorer.js("return window.owned") is None
    # the parser names what the page's policy forbids; nothing else is wrong
    assert [one for one in explorer.complaints() if "policy" not in one.lower()] == []
