"""The lists that everyone knows: their files, and which film of a catalogue an entry means."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, strategies

from cine_watchlist.canon import canon_lists
from cine_watchlist.domain.canon import UNDATED, CanonEntry, Namesake, canon_list, resolve

GOOD: dict[str, Any] = {
    "id": "prize-of-lyon",
    "order": 1,
    "name": "Prize of Lyon",
    "description": "Films that won it.",
    "films": [{"title": "Amour", "year": 2012, "note": "2012"}],
}
YEAR = 1961


class TestFiles:
    def test_they_can_all_be_read_and_are_in_order(self) -> None:
        lists = canon_lists()
        assert [one.order for one in lists] == list(range(1, len(lists) + 1))
        assert {one.canon_id for one in lists} >= {"best-picture", "palme-dor", "golden-lion", "golden-bear"}
        assert all([film.position for film in one.entries] == list(range(1, len(one.entries) + 1)) for one in lists)

    def test_awards_go_forward_in_time_and_to_films_of_about_their_year(self) -> None:
        for one in canon_lists():
            years = [int(film.note[:4]) for film in one.entries]
            assert years == sorted(years), one.canon_id
            if one.canon_id.startswith("film-registry"):
                assert all(film.year <= year - 10 for film, year in zip(one.entries, years, strict=True))
                assert [years.count(year) for year in range(1989, 1994)] == [25] * 5
            else:
                late = {
                    film.title for film, year in zip(one.entries, years, strict=True) if not -1 <= year - film.year <= 2
                }
                assert late <= {"The Theme"}, one.canon_id  # shelved for eight years

    def test_prizes_that_are_not_shared_are_given_once_a_year(self) -> None:
        for one in canon_lists():
            if one.canon_id in ("best-picture", "animated-feature", "international-feature"):
                notes = [film.note for film in one.entries]
                assert len(set(notes)) == len(notes), one.canon_id

    @pytest.mark.parametrize(
        ("change", "problem"),
        [
            ({"id": "Palme d'Or"}, "id is no name"),
            ({"order": 0}, "order is no place"),
            ({"name": " x"}, "name is no text"),
            ({"films": []}, "films are missing"),
            ({"extra": 1}, "a list has"),
            ({"films": GOOD["films"] * 2}, "a film stands twice"),
            ({"films": [{"title": "Amour", "year": 2012}]}, "film 1 has other fields"),
            ({"films": [{"title": "Amour", "year": 2012, "note": 2012}]}, "film 1: note is no text"),
            ({"films": [{"title": "Amour", "year": 12, "note": "2012"}]}, "film 1: year is none"),
            ({"films": [{"title": "Amour", "year": 2012, "note": "2012", "also": "Love"}]}, "film 1: also is no list"),
        ],
    )
    def test_what_is_wrong_with_one_is_said(self, change: dict[str, Any], problem: str) -> None:
        canon_list(GOOD)
        with pytest.raises(ValueError, match=problem):
            canon_list({**GOOD, **change})


def entry(movie_id: int = 0) -> CanonEntry:
    return CanonEntry(1, "Viridiana", YEAR, "1961", (), movie_id)


class TestWhichFilmIsMeant:
    def test_the_very_year_before_one_beside_it_before_none(self) -> None:
        exact, beside, undated, other = (Namesake(n, y) for n, y in ((1, YEAR), (2, YEAR + 1), (3, UNDATED), (4, 1990)))
        assert resolve(entry(), [other, undated, beside, exact]) == 1
        assert resolve(entry(), [other, undated, beside]) == 2
        assert resolve(entry(), [other, undated]) == 3
        assert resolve(entry(), [other]) == 0
        assert resolve(entry(), []) == 0

    def test_of_equals_the_one_that_is_named_or_else_none(self) -> None:
        twins = [Namesake(1, YEAR), Namesake(2, YEAR), Namesake(3, YEAR + 1)]
        assert resolve(entry(), twins) == 0
        assert resolve(entry(2), twins) == 2
        assert resolve(entry(9), twins) == 0
        assert resolve(entry(), [Namesake(1, YEAR - 1), Namesake(2, YEAR + 1)]) == 0

    @given(
        strategies.lists(
            strategies.builds(
                Namesake, strategies.integers(1, 5), strategies.sampled_from([0, 1959, 1960, 1961, 1962])
            ),
            max_size=6,
        ),
        strategies.integers(0, 5),
        strategies.randoms(use_true_random=False),
    )
    def test_it_is_a_namesake_of_about_the_year_in_whatever_order(
        self, namesakes: list[Namesake], own: int, random: Any
    ) -> None:
        found = resolve(entry(own), namesakes)
        random.shuffle(namesakes)
        assert resolve(entry(own), namesakes) == found
        if found:
            years = [one.year for one in namesakes if one.movie_id == found]
            assert any(year == UNDATED or abs(year - YEAR) <= 1 for year in years)
