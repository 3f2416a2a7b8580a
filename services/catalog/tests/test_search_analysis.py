"""How words are cut and folded, and how films are ranked: the pure parts."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cine_catalog.domain.rankings import damped_mean, trend
from cine_catalog.search.analysis import exact_key, tokens, words
from cinemesh.cards import CARD_OVERVIEW, shortened
from cinemesh.vocabulary import genres, streaming_services


@pytest.mark.parametrize(
    ("text", "contained"),
    [
        ("Spider-Man", {"spider", "man", "spiderman"}),
        ("E.T. the Extra-Terrestrial", {"et", "extraterrestrial"}),
        ("Schindler's List", {"schindlers", "list"}),
        ("Rocky II", {"rocky", "ii", "2"}),
        ("Amélie", {"amelie"}),
        ("Låt den rätte komma in", {"lat", "ratte"}),
        ("Twelve Monkeys", {"twelve", "12"}),
        ("Fast & Furious", {"fast", "and", "furious"}),
    ],
)
def test_tokens_hold_every_form_people_type(text: str, contained: set[str]) -> None:
    assert contained <= set(tokens(text))


@pytest.mark.parametrize(("one", "other"), [("The Matrix", "matrix"), ("Rocky IV", "rocky 4"), ("Léon!", "leon")])
def test_titles_people_hold_for_equal_have_one_key(one: str, other: str) -> None:
    assert exact_key(one) == exact_key(other)


@given(st.text(max_size=200))
def test_analysis_never_fails_and_folds_to_itself(text: str) -> None:
    assert all(word == word.casefold() and word for word in tokens(text))
    assert words(" ".join(words(text))) == words(text)


@given(st.lists(st.tuples(st.floats(0, 5), st.integers(0, 10_000)), min_size=1, max_size=50))
def test_damped_mean_lies_between_the_film_and_the_overall_mean(rows: list[tuple[float, int]]) -> None:
    rating, count = np.array([r for r, _ in rows]), np.array([c for _, c in rows], dtype=float)
    overall = (rating * count).sum() / count.sum() if count.sum() else 0.0
    damped = damped_mean(rating, count)
    own = np.where(count > 0, rating, overall)
    assert np.all(damped >= np.minimum(own, overall) - 1e-9) and np.all(damped <= np.maximum(own, overall) + 1e-9)


def test_steady_favourites_do_not_trend() -> None:
    count = np.array([10_000.0, 500.0, 10.0])
    recent = np.array([100.0, 60.0, 0.0])
    scores = trend(recent, count)
    assert scores[1] > scores[0] and scores[2] == 0


@given(st.text(max_size=2000))
def test_shortened_overviews_fit_and_begin_alike(text: str) -> None:
    short = shortened(text)
    assert len(short) <= max(CARD_OVERVIEW + 1, 1)
    assert text.startswith(short.removesuffix("…").rstrip()) or short == text


@pytest.mark.parametrize("text", ["sci-fi", "SciFi", "science fiction", "Science-Fiction", "SCI FI"])
def test_genres_as_people_write_them(text: str) -> None:
    assert genres(["Sci-Fi", "Drama"]).find(text) == "Sci-Fi"


@pytest.mark.parametrize(
    ("text", "name"), [("amazon prime", "Prime Video"), ("disney plus", "Disney+"), ("NETFLIX", "Netflix")]
)
def test_services_as_people_write_them(text: str, name: str) -> None:
    assert streaming_services(["Netflix", "Prime Video", "Disney+"]).find(text) == name


def test_alias_of_a_name_the_catalogue_lacks_is_unknown() -> None:
    assert genres(["Drama"]).find("sci-fi") is None
