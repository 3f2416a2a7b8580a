"""The wishes that `make wishes` measures say what a film is about in other words than its description: else they would measure little."""

from __future__ import annotations

import re
from pathlib import Path

from sklearn.feature_extraction.text import ENGLISH_STOP_WORDS

from cine_starter import load_films

WISHES = Path(__file__).resolve().parents[2] / "tests/load/wishes.tsv"
SAYS_NOTHING = ENGLISH_STOP_WORDS | {"lone", "man", "people", "look", "knows", "old", "does", "did"}
WORD = re.compile(r"[a-z0-9'’]+")
ENDING = re.compile(r"(ing|ers|er|ed|es|s)$")


def said(text: str) -> set[str]:
    return {ENDING.sub("", word) for word in WORD.findall(text.lower()) if word not in SAYS_NOTHING}


def test_no_word_that_says_anything_is_in_the_description() -> None:
    films = {f"{film.title} ({film.year})": film for film in load_films()}
    lines = [line for line in WISHES.read_text(encoding="utf-8").splitlines() if not line.startswith("#")]
    assert len(lines) == len(set(lines)) >= 40
    shared = {}
    for line in lines:
        wish, name = line.split("\t")
        film = films[name]
        shared[wish] = said(wish) & said(f"{film.title} {film.overview} {' '.join(film.keywords)}")
    assert not {wish: words for wish, words in shared.items() if words}
