"""Reasons by template: true, plain, short, and the same for the same facts."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cine_recommender.domain.taste import COMPONENTS
from cine_recommender.language.explain import MOST_CHARACTERS, ExplanationFacts, OwnFilm, sentence

HEAT, SEVEN = OwnFilm("Heat", 0.3, 5.0), OwnFilm("Seven", 0.1, 4.0)


def shares(**told: float) -> tuple[tuple[str, float], ...]:
    return tuple((name, told.get(name, 0.0)) for name in COMPONENTS)


@pytest.mark.parametrize(
    ("facts", "said"),
    [
        (ExplanationFacts("Ronin", (HEAT,), shares(collaborative=0.4)), "Heat"),
        (ExplanationFacts("Ronin", (HEAT, SEVEN), shares(collaborative=0.4)), "Heat and Seven"),
        (ExplanationFacts("Ronin", (HEAT,), shares(content=0.4), keywords=("heist",)), "the theme heist"),
        (
            ExplanationFacts("Ronin", (HEAT,), shares(content=0.4), directors=("Michael Mann",)),
            "the director Michael Mann",
        ),
        (ExplanationFacts("Ronin", (HEAT,), shares(graph=0.4), cast=("Robert De Niro",)), "Robert De Niro"),
        (ExplanationFacts("Ronin", (), shares(context=0.4), mood="tense"), "a tense mood"),
        (ExplanationFacts("Ronin", (), shares(context=0.4), mood="excited"), "an excited mood"),
        (ExplanationFacts("Ronin", (), shares(context=0.4), time_of_day="night"), "the night"),
        (ExplanationFacts("Ronin", (), shares(sentiment=0.4)), "warm"),
        (ExplanationFacts("Ronin", (), shares(popularity=0.4)), "watch"),
        (
            ExplanationFacts("Ronin", (), shares(popularity=0.4), genres=("Crime",), rung="genre_popularity"),
            "Widely watched in Crime.",
        ),
        (ExplanationFacts("Ronin", rung="shipped_list"), "short list"),
        (ExplanationFacts("Ronin", (HEAT,), shares(collaborative=0.3, context=0.1), mood="tense"), "a tense mood"),
    ],
)
def test_the_strongest_reason_is_named(facts: ExplanationFacts, said: str) -> None:
    assert said in sentence(facts)


def test_only_films_that_were_liked_are_called_liked() -> None:
    words = {
        sentence(ExplanationFacts(f"Film {n}", (OwnFilm("Heat", 0.3, 2.0),), shares(content=0.3), keywords=("heist",)))
        for n in range(20)
    }
    assert all("liked" not in text for text in words)
    assert any("watched Heat" in text for text in words)
    both = ExplanationFacts("Ronin", (HEAT, OwnFilm("Cats", 0.2, 1.0)), shares(content=0.3), keywords=("heist",))
    assert "liked" not in sentence(both)


def test_a_component_that_speaks_against_the_film_is_no_reason() -> None:
    assert "mood" not in sentence(
        ExplanationFacts("Ronin", (HEAT,), shares(collaborative=0.4, context=-0.2), mood="cosy")
    )


def test_a_film_whose_share_is_next_to_nothing_is_not_named_beside_another() -> None:
    assert "Seven" not in sentence(
        ExplanationFacts("Ronin", (HEAT, OwnFilm("Seven", 0.001, 5.0)), shares(collaborative=0.4))
    )


def test_there_is_more_than_one_way_to_say_it() -> None:
    assert len({sentence(ExplanationFacts(f"Film {n}", (HEAT,), shares(collaborative=0.3))) for n in range(20)}) > 1


NAMES = st.text(st.characters(exclude_categories=("Cs", "Cc")), min_size=1, max_size=120)
FACTS = st.builds(
    ExplanationFacts,
    title=NAMES,
    because=st.lists(st.builds(OwnFilm, NAMES, st.floats(0, 1), st.none() | st.floats(0, 5)), max_size=4).map(tuple),
    components=st.lists(st.floats(-1, 1), min_size=6, max_size=6).map(
        lambda some: tuple(zip(COMPONENTS, some, strict=True))
    ),
    directors=st.lists(NAMES, max_size=2).map(tuple),
    cast=st.lists(NAMES, max_size=3).map(tuple),
    keywords=st.lists(NAMES, max_size=3).map(tuple),
    genres=st.lists(st.sampled_from(("Crime", "Drama", "Sci-Fi")), max_size=3, unique=True).map(tuple),
    mood=st.sampled_from(("", "tense", "cosy", "uplifting")),
    time_of_day=st.sampled_from(("", "night", "morning")),
    rung=st.sampled_from(("personal", "cached_personal", "item_model", "genre_popularity", "shipped_list")),
)


@settings(max_examples=300, deadline=None)
@given(FACTS)
def test_it_is_never_empty_never_long_and_always_the_same(facts: ExplanationFacts) -> None:
    text = sentence(facts)
    assert 0 < len(text) <= MOST_CHARACTERS
    assert sentence(facts) == text
    assert re.search(r"[.…]\Z", text)
