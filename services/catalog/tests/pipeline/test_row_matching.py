from __future__ import annotations

from typing import Any

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from cine_catalog.pipeline.enrich import Enrichment
from cine_catalog.pipeline.matching import Films, match, people_of, title_keys
from cine_catalog.pipeline.sources.schema import METADATA, Source, conform

FILM = {
    "movie_id": pl.Int32(),
    "title": pl.String(),
    "alternative_titles": pl.List(pl.String),
    "year": pl.Int32(),
    "genres": pl.List(pl.String),
    "imdb_id": pl.String(),
    "tmdb_id": pl.Int32(),
}


def films(*rows: dict[str, Any]) -> pl.DataFrame:
    filled = [{"movie_id": index, **row} for index, row in enumerate(rows, start=1)]
    return pl.DataFrame(filled, schema=FILM).with_columns(pl.col("alternative_titles", "genres").fill_null([]))


def part(*rows: dict[str, Any]) -> pl.DataFrame:
    return conform(pl.DataFrame(list(rows), schema={name: METADATA[name] for name in METADATA if name != "row"}))


def pairs(table: pl.DataFrame, rows: pl.DataFrame) -> set[tuple[int, int]]:
    keys = title_keys(table, "movie_id", "title", "alternative_titles")
    nobody = pl.DataFrame(schema={"movie_id": pl.Int32, "people": pl.List(pl.String)})
    return set(match(Films(table, keys, nobody), rows).pairs.rows())


def test_ids_win_over_titles() -> None:
    table = films({"title": "Home", "year": 2015, "imdb_id": "tt1"}, {"title": "Home", "year": 2016, "imdb_id": "tt2"})
    assert pairs(table, part({"title": "Home", "year": 2015, "imdb_id": "tt2"})) == {(2, 0)}


def test_a_foreign_id_forbids_a_title_match() -> None:
    table = films({"title": "Soldier", "year": 1998, "imdb_id": "tt1"})
    assert pairs(table, part({"title": "Soldier", "year": 1998, "imdb_id": "tt9"})) == set()


def test_an_id_is_not_believed_when_title_and_year_both_differ() -> None:
    table = films({"title": "The Godson", "year": 1998, "tmdb_id": 5})
    assert pairs(table, part({"title": "Le Samouraï", "year": 1967, "tmdb_id": 5})) == set()
    assert pairs(table, part({"title": "Le Samouraï", "year": 1999, "tmdb_id": 5})) == {(1, 0)}


def test_title_and_year_within_one_and_the_exact_year_first() -> None:
    table = films({"title": "Home", "year": 2015}, {"title": "Home", "year": 2016}, {"title": "Alone", "year": 2000})
    rows = part({"title": "Home", "year": 2016}, {"title": "Alone", "year": 2001}, {"title": "Home", "year": 2018})
    assert pairs(table, rows) == {(2, 0), (3, 1)}


def test_alternative_and_differently_written_titles_match() -> None:
    table = films(
        {"title": "Amélie", "alternative_titles": ["Le Fabuleux destin d'Amélie Poulain"], "year": 2001},
        {"title": "Death Wish II", "year": 1982},
        {"title": "Bio-Dome", "year": 1996},
        {"title": "Doctor Strange", "year": 2016},
    )
    rows = part(
        {"title": "Le fabuleux destin d'Amelie Poulain", "year": 2001},
        {"title": "Death Wish 2", "year": 1982},
        {"title": "Biodome", "year": 1996},
        {"title": "Marvel Studios' Doctor Strange", "year": 2016},
    )
    assert pairs(table, rows) == {(1, 0), (2, 1), (3, 2), (4, 3)}


def test_a_loosened_title_needs_the_exact_year() -> None:
    assert pairs(films({"title": "The Student", "year": 2016}), part({"title": "Student", "year": 2015})) == set()


def test_two_films_that_fit_equally_get_nothing() -> None:
    table = films(
        {"title": "Alone", "year": 2020, "genres": ["Horror"]}, {"title": "Alone", "year": 2020, "genres": ["Horror"]}
    )
    assert pairs(table, part({"title": "Alone", "year": 2020, "genres": ["Horror"]})) == set()


def test_a_tie_goes_to_clearly_better_agreeing_genres_only() -> None:
    table = films(
        {"title": "Cold War", "year": 2018, "genres": ["Drama"]},
        {"title": "Cold War", "year": 2018, "genres": ["Comedy"]},
    )
    assert pairs(table, part({"title": "Cold War", "year": 2018, "genres": ["Drama", "Romance"]})) == {(1, 0)}
    unknown = films({"title": "Cold War", "year": 2018, "genres": ["Drama"]}, {"title": "Cold War", "year": 2018})
    assert pairs(unknown, part({"title": "Cold War", "year": 2018, "genres": ["Drama"]})) == set()


def enriched(table: pl.DataFrame, *sources: Source) -> Enrichment:
    enrichment = Enrichment(table)
    for source in sources:
        enrichment.add(source)
    enrichment.look_again()
    return enrichment


def test_casts_that_share_nobody_contradict_a_title_match() -> None:
    table = films({"title": "Soldier", "year": 1998})
    known = Source("wikipedia", [part({"title": "Soldier", "year": 1998, "cast": ["Kurt Russell"]})])
    other = Source(
        "ott-titles", [part({"title": "Soldier", "year": 1998, "cast": ["Bobby Deol"], "overview": "Wrong."})]
    )
    enrichment = enriched(table, known, other)
    assert enrichment.reports["ott-titles"].contradicted == 1
    assert enrichment.combined()["overview"].to_list() == [None]


def test_shared_people_outweigh_a_foreign_id_whatever_the_order_of_sources() -> None:
    table = films({"title": "Barabbas", "year": 1961, "imdb_id": "tt1"})
    cast = ["Anthony Quinn", "Silvana Mangano"]
    justwatch = Source(
        "justwatch", [part({"title": "Barabbas", "year": 1961, "imdb_id": "tt9", "cast": cast, "overview": "A thief."})]
    )
    wikipedia = Source("wikipedia", [part({"title": "Barabbas", "year": 1961, "cast": cast})])
    enrichment = enriched(table, justwatch, wikipedia)
    combined = enrichment.combined()
    assert combined["overview"].to_list() == ["A thief."]
    assert combined["imdb_id"].to_list() == ["tt1"]
    assert enrichment.reports["justwatch"].contradicted == 0


def test_another_films_cast_under_the_right_id_is_left_out() -> None:
    table = films({"title": "Short Circuit", "year": 1986, "imdb_id": "tt1"})
    wikipedia = Source("wikipedia", [part({"title": "Short Circuit", "year": 1986, "cast": ["Ally Sheedy"]})])
    wrong = {
        "title": "Short Circuit",
        "year": 1986,
        "imdb_id": "tt1",
        "cast": ["Somebody Else"],
        "overview": "A robot.",
    }
    enrichment = enriched(table, wikipedia, Source("justwatch", [part(wrong)]))
    combined = enrichment.combined()
    assert combined["cast"].to_list() == [["Ally Sheedy"]]
    assert combined["overview"].to_list() == ["A robot."]
    assert enrichment.reports["justwatch"].foreign_casts == 1


def test_values_come_by_priority_and_ids_are_lent_once() -> None:
    table = films({"title": "Alien", "year": 1979}, {"title": "Aliens", "year": 1986})
    rows = [{"title": "Alien", "year": 1979, "tmdb_id": 348, "overview": "TMDb's words.", "keywords": ["space"]}]
    tmdb = Source("tmdb5000", [part(*rows)], lends_ids=True)
    wikipedia = Source(
        "wikipedia",
        [part({"title": "Alien", "year": 1979, "overview": "Wikipedia's.", "overview_url": "u", "cast": ["W"]})],
    )
    combined = enriched(table, tmdb, wikipedia).combined()
    first = combined.row(0, named=True)
    assert first["overview"] == "TMDb's words."
    assert first["overview_source"] == "tmdb5000"
    assert first["overview_url"] is None
    assert first["cast"] == ["W"]
    assert first["tmdb_id"] == 348
    assert first["metadata_sources"] == ["tmdb5000", "wikipedia"]
    assert combined.row(1, named=True)["tmdb_id"] is None


def test_an_id_another_film_has_is_not_lent() -> None:
    table = films({"title": "Pusher", "year": 1996, "tmdb_id": 7}, {"title": "Pusher II", "year": 2004})
    source = Source("tmdb5000", [part({"title": "Pusher 2", "year": 2004, "tmdb_id": 7})], lends_ids=True)
    assert enriched(table, source).combined()["tmdb_id"].to_list() == [7, None]


def test_other_spellings_become_alternative_titles_without_repeats() -> None:
    table = films({"title": "Seven", "alternative_titles": ["Se7en"], "year": 1995, "imdb_id": "tt1"})
    row = {"title": "SE7EN", "other_titles": ["Sieben"], "year": 1995, "imdb_id": "tt1"}
    combined = enriched(table, Source("justwatch", [part(row)])).combined()
    assert combined["alternative_titles"].to_list() == [["Se7en", "Sieben"]]


def test_names_are_compared_without_accents_and_spacing_of_initials() -> None:
    frame = part({"title": "x", "directors": ["D. W. Griffith"], "cast": ["Penélope Cruz"]})
    assert set(people_of(frame, "row")["people"][0]) == {"dwgriffith", "penelopecruz"}


TITLES = st.sampled_from(["Home", "The Home", "Alone", "Alone 2", "Alone II", "Run", "Run."])
YEARS = st.integers(2000, 2003)
IDS = st.sampled_from([None, "tt1", "tt2", "tt3"])
ROWS = st.lists(st.fixed_dictionaries({"title": TITLES, "year": YEARS, "imdb_id": IDS}), min_size=1, max_size=8)


@settings(deadline=None, max_examples=60)
@given(ROWS, ROWS)
def test_no_row_ever_serves_two_films_nor_a_film_two_rows(
    ours: list[dict[str, Any]], theirs: list[dict[str, Any]]
) -> None:
    found = pairs(films(*ours), part(*theirs))
    assert len({movie for movie, _ in found}) == len(found) == len({row for _, row in found})
    for movie, row in found:
        film, other = ours[movie - 1], theirs[row]
        same_id = film["imdb_id"] is not None and film["imdb_id"] == other["imdb_id"]
        assert same_id or abs(film["year"] - other["year"]) <= 1
        assert same_id or film["imdb_id"] is None or other["imdb_id"] is None
