"""Names as they are compared."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cinemesh.vocabulary import fold


@given(st.text(st.characters(max_codepoint=127)))
def test_the_short_way_for_plain_letters_is_the_long_way(text: str) -> None:
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    assert fold(text) == "".join(ch for ch in decomposed if ch.isalnum() or ch == "+")


@pytest.mark.parametrize(
    ("text", "folded"),
    [("Sci-Fi", "scifi"), ("Amélie", "amelie"), ("Disney+", "disney+"), ("Straße", "strasse"), ("  ", "")],
)
def test_what_is_left_of_names(text: str, folded: str) -> None:
    assert fold(text) == folded
