from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cine_catalog.pipeline.titles import move_article, normalise_title, parse_title

WORDS = st.text(st.characters(categories=["Lu", "Ll", "Nd"]), min_size=1, max_size=8)
NAMES = st.lists(WORDS, min_size=1, max_size=5).map(" ".join)
YEARS = st.integers(1870, 2050)
ARTICLES = st.sampled_from(["The", "A", "An", "Le", "La", "Les", "Der", "Die", "Das", "Il", "El", "Los", "Det", "Une"])


@pytest.mark.parametrize(
    ("raw", "title", "alternatives", "year"),
    [
        ("Matrix, The (1999)", "The Matrix", (), 1999),
        (
            "City of Lost Children, The (Cité des enfants perdus, La) (1995)",
            "The City of Lost Children",
            ("La Cité des enfants perdus",),
            1995,
        ),
        ("Atalante, L' (1934)", "L'Atalante", (), 1934),
        ("Vitelloni, I (a.k.a. The Young and the Passionate) (1953)", "I Vitelloni", ("The Young and the Passionate",), 1953),
        ("Léon: The Professional (a.k.a. The Professional) (Léon) (1994)", "Léon: The Professional", ("The Professional", "Léon"), 1994),
        ("Crow, The: Wicked Prayer (2005)", "The Crow: Wicked Prayer", (), 2005),
        ("Die, Mommie, Die (2003)", "Die, Mommie, Die", (), 2003),
        ("(500) Days of Summer (2009)", "(500) Days of Summer", (), 2009),
        ("Babies (Bébé(s)) (2010)", "Babies", ("Bébé(s)",), 2010),
        ("Birdman: Or (The Unexpected Virtue of Ignorance) (2014)", "Birdman: Or (The Unexpected Virtue of Ignorance)", (), 2014),
        ("Ah Boys To Men (Part 1) (2012)", "Ah Boys To Men (Part 1)", (), 2012),
        ("Mona (Mona ja palavan rakkauden aika) (1983))", "Mona", ("Mona ja palavan rakkauden aika",), 1983),
        ("The Naked Truth (1957) (Your Past Is Showing)", "The Naked Truth", ("Your Past Is Showing",), 1957),
        ("Death Note: Desu nôto (2006–2007)", "Death Note: Desu nôto", (), 2006),
        ("Hope You Die Next Time :-) (2018)", "Hope You Die Next Time :-)", (), 2018),
        ("2012 (2009)", "2012", (), 2009),
        ("Titane", "Titane", (), None),
        (" (2019)", "(2019)", (), 2019),
        ("", "", (), None),
    ],
)  # fmt: skip
def test_titles_as_people_write_them(raw: str, title: str, alternatives: tuple[str, ...], year: int | None) -> None:
    parsed = parse_title(raw)
    assert (parsed.title, parsed.alternatives, parsed.year) == (title, alternatives, year)


@settings(deadline=None)
@given(NAMES, YEARS)
def test_a_plain_title_with_a_year_comes_apart_again(name: str, year: int) -> None:
    parsed = parse_title(f"{name} ({year})")
    assert (parsed.title, parsed.year, parsed.alternatives) == (name, year, ())


@settings(deadline=None)
@given(ARTICLES, NAMES, YEARS)
def test_a_trailing_article_comes_to_the_front(article: str, name: str, year: int) -> None:
    parsed = parse_title(f"{name}, {article} ({year})")
    if name.split()[0] == article:
        assert parsed.title == f"{name}, {article}"
    else:
        assert parsed.title == f"{article} {name}"


@settings(deadline=None)
@given(st.text(max_size=60))
def test_any_text_parses_and_no_visible_title_gets_lost(raw: str) -> None:
    parsed = parse_title(raw)
    assert bool(parsed.title) == bool(raw.split())
    assert parse_title(parsed.title).title != "" or not parsed.title
    assert len(set(parsed.alternatives)) == len(parsed.alternatives)


@settings(deadline=None)
@given(st.text(min_size=1, max_size=40))
def test_match_keys_ignore_case_and_are_stable(title: str) -> None:
    key = normalise_title(title)
    assert normalise_title(key) == key
    if title.upper().lower() == title.lower():
        assert normalise_title(title.upper()) == normalise_title(title.lower())


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("WALL·E", "Wall-E"),
        ("Amélie", "AMELIE"),
        ("Rock & Roll", "Rock and Roll"),
        ("Strasse", "Straße"),
        ("8½", "8 1/2"),
    ],
)
def test_spellings_of_one_title_share_a_key(one: str, other: str) -> None:
    assert normalise_title(one) == normalise_title(other)


def test_a_title_of_punctuation_only_matches_itself() -> None:
    assert normalise_title("$") != normalise_title("???")
    assert normalise_title("$") != ""


def test_an_article_alone_stays() -> None:
    assert move_article("The") == "The"
    assert move_article(", The") == ", The"
