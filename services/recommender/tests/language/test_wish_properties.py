"""What holds for every wish, whatever somebody writes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from hypothesis import example, given, settings
from hypothesis import strategies as st

from cine_recommender.language.catalogue import PeopleIndex, TitledFilm, TitleIndex
from cine_recommender.language.known import WishVocabulary
from cine_recommender.language.wish import Wish, render, understand

from .shelf import NOW, SHELF
from .wishes import WISHES

# pieces that mean something somewhere, so that chance puts them where they do not belong
_STRANGE = (",", '"', ".", "-", "'", "+", "hours", "%", "(", "\n", "\x00", "\ud800", "ß", "İ")
PIECES = [*sorted({word for text, _ in WISHES for word in text.split()}), *_STRANGE]
SOUP = st.lists(st.sampled_from(PIECES), max_size=40).map(" ".join)
TEXTS = st.one_of(SOUP, st.text(max_size=500), st.sampled_from([text for text, _ in WISHES]))
CLAUSES = (
    "comedy", "not horror", "no war or musicals", "from the 90s", "after 1985", "before 2010", "under two hours", "at least 80 minutes",
    "on Netflix or Hulu", "in French", "in Korean", "tense", "in a cosy mood", "with Tom Hanks", "by Miyazaki", "like Heat",
    "starring Penelope Cruz and Meg Ryan", "similar to Inception", 'like "Up"', "recent", "short", "nothing sad", "about a bank robbery",
    "dragons", "set in Lisbon", '"paper moon"', "without Tom Cruise", "old", "no gore", "rom-com",
)  # fmt: skip


def sane(wish: Wish, vocabulary: WishVocabulary = SHELF) -> None:
    assert set(wish.genres) <= set(vocabulary.genres.names)
    assert set(wish.excluded_genres) <= set(vocabulary.genres.names)
    assert not set(wish.genres) & set(wish.excluded_genres)
    assert set(wish.services) <= set(vocabulary.services.names)
    assert wish.mood in ("", *vocabulary.moods)
    assert all(len(code) == 2 and code.isascii() and code.islower() for code in wish.languages)
    for low, high, top in ((wish.year_min, wish.year_max, NOW + 5), (wish.runtime_min, wish.runtime_max, 1015)):
        assert 0 <= low <= top
        assert 0 <= high <= top
        assert not (low and high and low > high)
    assert len(wish.about) <= 500
    assert '"' not in wish.about
    assert wish.about == " ".join(wish.about.split())


@settings(max_examples=400, deadline=None)
@given(TEXTS)
@example("with " * 100)
@example("not " * 125)
@example("between 90 and " * 33)
@example("like")
@example("not on")
@example("from the")
@example("1,5")
@example("０")
@example("²")
def test_no_wish_is_too_strange(text: str) -> None:
    sane(understand(text, SHELF, NOW))


@settings(max_examples=400, deadline=None)
@given(TEXTS)
def test_what_was_understood_can_be_said_and_is_understood_alike(text: str) -> None:
    wish = understand(text, SHELF, NOW)
    assert understand(render(wish), SHELF, NOW) == wish


@settings(max_examples=300, deadline=None)
@given(
    st.lists(st.sampled_from(CLAUSES), min_size=1, max_size=7, unique=True).flatmap(
        lambda some: st.tuples(st.just(some), st.permutations(some))
    )
)
def test_the_order_of_clauses_does_not_matter(clauses: tuple[list[str], list[str]]) -> None:
    one, other = (understand(", ".join(some), SHELF, NOW) for some in clauses)
    assert sorted(one.about.split()) == sorted(other.about.split())
    assert replace(one, about="") == replace(other, about="")


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=60), st.text(max_size=60))
def test_any_catalogue_will_do(name: str, title: str) -> None:
    strange = replace(SHELF, people=PeopleIndex({name: 1.0}), film=TitleIndex([TitledFilm(1, title, 0)]).find)
    for text in (name, title, f"like {title}", f"with {name}", f"{name} {title}"):
        sane(understand(text, strange, NOW), strange)


@settings(max_examples=200, deadline=None)
@given(st.sampled_from([text for text, _ in WISHES]), st.sampled_from([str.upper, str.lower, str.title]))
def test_case_changes_no_genre_year_or_minute(text: str, change: Callable[[str], str]) -> None:
    one, other = understand(text, SHELF, NOW), understand(change(text), SHELF, NOW)
    if any(wish.people or wish.like_movie_ids for wish in (one, other)):
        return  # names may hang on their capitals
    names = {"people": (), "like_movie_ids": (), "like_titles": (), "about": ""}
    assert replace(one, **names) == replace(other, **names)
