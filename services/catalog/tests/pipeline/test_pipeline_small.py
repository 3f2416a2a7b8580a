from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from cine_catalog.pipeline import (
    ColumnMissing,
    OptionInvalid,
    PipelineOptions,
    PipelineReport,
    SourceBroken,
    SourceMissing,
    manifest_path,
    read_merged,
    run_pipeline,
    tmdb_ids,
)

JUSTWATCH_TITLES = """id,title,type,description,release_year,runtime,genres,production_countries,seasons,imdb_id,imdb_score,imdb_votes
tm1,The Matrix,MOVIE,A hacker learns the truth.,1999,136,"['scifi', 'action']",['US'],,tt0133093,8.7,1000.0
tm2,Home,MOVIE,An alien hides.,2015,94,"['animation', 'family']","['US', 'GB']",,,6.6,10.0
"""
JUSTWATCH_CREDITS = """person_id,id,name,character,role
1,tm1,Keanu Reeves,Neo,ACTOR
2,tm1,Lana Wachowski,,DIRECTOR
3,tm2,Jim Parsons,Oh,ACTOR
"""
HULU = """show_id,type,title,director,cast,country,date_added,release_year,rating,duration,listed_in,description
s1,Movie,The Matrix,Lana Wachowski,"Keanu Reeves, Bo Jr.",United States,2021-01-01,1999,R,136 min,"Action, Science Fiction",Short.
s2,TV Show,Home,,,,2021-01-01,2015,R,1 Season,Drama,No film.
"""
WIKIPEDIA: list[dict[str, Any]] = [
    {
        "title": "Bare But Described",
        "year": 2005,
        "cast": ["Some Body", "(voice)"],
        "genres": [],
        "href": "Bare_But_Described",
        "extract": "Bare But Described is a film written and directed by Jane Q. Doe Jr. and Ann Other. Short.",
        "thumbnail": "https://upload.wikimedia.org/wikipedia/en/a/aa/Bare.jpg",
    },
    {"title": "Home", "year": 2016, "cast": [], "genres": ["Science Fiction", "History"], "extract": "A drama."},
    {"year": 2000},
]


def run(data: Any, **options: Any) -> tuple[PipelineReport, dict[int, dict[str, Any]]]:
    output = data.root.parent / "out" / "movies_merged.csv"
    report = run_pipeline(PipelineOptions(data_dir=data.root, output=output, **options))
    films = read_merged(output).films
    return report, {row["movie_id"]: row for row in films.iter_rows(named=True)}


def with_metadata(data: Any) -> Any:
    data.write("justwatch-netflix/titles.csv", JUSTWATCH_TITLES)
    data.write("justwatch-netflix/credits.csv", JUSTWATCH_CREDITS)
    data.write("ott-titles/hulu_titles.csv", HULU)
    data.write("wikipedia-movie-data/movies-2000s.json", json.dumps(WIKIPEDIA))
    return data


def test_a_film_card_holds_what_every_source_knows(small_movielens: Any) -> None:
    report, films = run(with_metadata(small_movielens))
    matrix = films[1]
    assert matrix["title"] == "The Matrix"
    assert matrix["year"] == 1999
    assert matrix["genres"] == ["Action", "Sci-Fi", "Thriller"]
    assert matrix["directors"] == ["Lana Wachowski"]
    assert matrix["cast"] == ["Keanu Reeves"]
    assert matrix["overview"] == "A hacker learns the truth."
    assert matrix["overview_source"] == "justwatch"
    assert matrix["runtime_minutes"] == 136
    assert matrix["countries"] == ["US"]
    assert matrix["imdb_id"] == "tt0133093"
    assert matrix["tmdb_id"] == 603
    assert matrix["streaming_services"] == ["Hulu", "Netflix"]
    assert matrix["streaming_source"] == "justwatch|ott-titles"
    assert matrix["keywords"] == ["simulation"]
    assert (matrix["average_rating"], matrix["rating_count"]) == (4.5, 2)
    assert matrix["metadata_sources"] == ["justwatch", "ott-titles"]
    assert films[2]["alternative_titles"] == ["La Cité des enfants perdus"]
    assert films[5]["countries"] == ["US", "GB"]
    bare = films[7]
    assert bare["directors"] == ["Jane Q. Doe Jr.", "Ann Other"]
    assert bare["writers"] == ["Jane Q. Doe Jr.", "Ann Other"]
    assert bare["cast"] == ["Some Body"]
    assert bare["poster_url"] == WIKIPEDIA[0]["thumbnail"]
    assert bare["overview_url"] == "https://en.wikipedia.org/wiki/Bare_But_Described"
    assert report.streaming_providers == ["justwatch", "ott-titles"]
    assert [(bad.file, bad.row) for bad in report.bad_rows] == [("wikipedia-movie-data/movies-2000s.json", 3)]


def test_the_filters_count_and_explain_every_cut(small_movielens: Any) -> None:
    report, films = run(with_metadata(small_movielens))
    assert [(step.name, step.before, step.after) for step in report.filters] == [
        ("read", 7, 7),
        ("min_year 1980", 7, 6),
        ("drop_bare", 6, 5),
    ]
    assert set(films) == {1, 2, 5, 6, 7}
    assert report.num_films == 5
    assert report.coverage_kept.films == 5
    words = report.to_words()
    assert "after min_year 1980: 1 left out, 1 from before 1980 and 0 without a year" in words
    assert "4 kept films have a genre from MovieLens, 0 gained one from metadata, 1 have none but an overview" in words
    assert PipelineReport.model_validate_json(report.model_dump_json()) == report


def test_filters_are_options(small_movielens: Any) -> None:
    _, everything = run(small_movielens, min_year=1900, drop_bare=False)
    assert set(everything) == {1, 2, 3, 4, 5, 6, 7}
    _, late = run(small_movielens, min_year=2005)
    assert set(late) == {5, 6}
    small_movielens.write(
        "tmdb-top10k/top10K-TMDB-movies.csv",
        "id,title,genre,original_language,overview,popularity,release_date,vote_average,vote_count\n"
        '603,The Matrix,"Action,Science Fiction",en,Words.,1,30-03-1999,8.2,100\n'
        "77,Nothing Known,Drama,fr,Gained a genre.,1,30-03-2001,8.0,100\n",
    )
    report, from_tmdb = run(small_movielens, require_tmdb=True)
    assert set(from_tmdb) == {1, 4}
    assert from_tmdb[4]["genres"] == ["Drama"]
    assert from_tmdb[4]["tmdb_id"] == 77
    assert from_tmdb[4]["external_rating"] == 4.0
    assert report.filters[-1].name == "require_tmdb"


def test_the_same_files_give_the_same_bytes_and_another_file_another_fingerprint(small_movielens: Any) -> None:
    first, _ = run(with_metadata(small_movielens))
    again, _ = run(small_movielens)
    assert (first.sha256, first.fingerprint) == (again.sha256, again.fingerprint)
    small_movielens.write("ml-small/tags.csv", "userId,movieId,tag,timestamp\n")
    other, _ = run(small_movielens)
    assert other.fingerprint != first.fingerprint


def test_the_manifest_tells_where_the_table_came_from(small_movielens: Any) -> None:
    report, films = run(small_movielens)
    output = Path(report.output)
    manifest = read_merged(output).manifest
    assert manifest.sha256 == hashlib.sha256(output.read_bytes()).hexdigest() == report.sha256
    assert manifest.rows == len(films)
    assert manifest.base_source == "movielens"
    assert manifest.synthetic_audience is False
    assert manifest.options["min_year"] == 1980
    assert manifest_path(output).name == "movies_merged.manifest.json"


def test_every_kind_of_broken_row_is_listed_and_the_rest_kept(data: Any) -> None:
    data.write(
        "movies.csv",
        b"movieId,title,genres\n"
        b"1,Good (1999),Drama\n"
        b"x,Bad Id (1999),Drama\n"
        b"1,Again (1999),Drama\n"
        b'4,"Open quote (1999),Drama\n'
        b"5,\xff\xfe (1999),Drama\n"
        b"6,Far Future (3025),Drama\n"
        b"7,,Drama\n"
        b"8,Short row\n"
        b"9,Also Good (2000),Comedy\n",
    )
    data.write(
        "ratings.csv", "userId,movieId,rating,timestamp\n1,1,4.0,100\n1,1,7.5,100\n1,zwei,4.0,100\n1,9,3.0,200\n"
    )
    data.write("links.csv", "movieId,imdbId,tmdbId\n1,abc,12\n9,0000123,\n")
    report, films = run(data)
    assert set(films) == {1, 9}
    assert films[9]["imdb_id"] == "tt0000123"
    assert films[1]["imdb_id"] is None
    assert films[1]["tmdb_id"] == 12
    assert films[1]["rating_count"] == 1
    listed = {(bad.file.rpartition("/")[2], bad.row) for bad in report.bad_rows}
    assert listed == {("movies.csv", row) for row in (3, 4, 5, 6, 7, 8, 9)} | {
        ("ratings.csv", 3),
        ("ratings.csv", 4),
        ("links.csv", 2),
    }
    assert report.bad_row_count == 10
    assert "data/movies.csv:5: an unclosed quote" in report.to_words()


@pytest.mark.parametrize(
    ("name", "content", "error", "message"),
    [
        ("ml-small/movies.csv", "movieId,name\n1,x\n", ColumnMissing, r"movies\.csv: column 'title' is missing"),
        ("ml-small/links.csv", "movieId,imdbId\n1,1\n", ColumnMissing, r"links\.csv: column 'tmdbId' is missing"),
        (
            "ml-small/ratings.csv",
            "userId,movieId,rating\n",
            ColumnMissing,
            r"ratings\.csv: column 'timestamp' is missing",
        ),
        ("ml-small/ratings.csv", "", SourceBroken, r"ratings\.csv: the file is empty"),
        ("ml-small/tags.csv", "userId,movieId\n", ColumnMissing, r"tags\.csv: column 'tag' is missing"),
        ("justwatch-netflix/titles.csv", "id,title\n", ColumnMissing, r"titles\.csv: column 'type' is missing"),
        ("ott-titles/hulu_titles.csv", "show_id\n", ColumnMissing, r"hulu_titles\.csv: column 'type' is missing"),
        ("tmdb5000/tmdb_5000_movies.csv", "id\n", ColumnMissing, r"tmdb_5000_movies\.csv: column 'title' is missing"),
        ("wikipedia-movie-data/movies-1990s.json", '[{"title": ', SourceBroken, r"movies-1990s\.json: not valid JSON"),
        ("wikipedia-movie-data/movies-1990s.json", "{}", SourceBroken, r"movies-1990s\.json: a JSON list"),
    ],
)
def test_unusable_files_are_named_and_the_old_result_stays(
    small_movielens: Any, name: str, content: str, error: type[Exception], message: str
) -> None:
    before, _ = run(small_movielens)
    small_movielens.write(name, content)
    with pytest.raises(error, match=message):
        run(small_movielens)
    assert read_merged(Path(before.output)).manifest.sha256 == before.sha256


def test_a_broken_json_cell_costs_only_its_field(small_movielens: Any) -> None:
    header = "id,title,original_title,original_language,overview,release_date,runtime,genres,keywords,production_countries,spoken_languages"
    small_movielens.write(
        "tmdb5000/tmdb_5000_movies.csv",
        f'{header}\n603,The Matrix,The Matrix,en,"Two\nlines.",1999-03-30,136.0,"[{{""id"": 1, ""name"": ""Action""}}]",[oops,'
        '"[{""iso_3166_1"": ""US""}]","[{""iso_639_1"": ""en""}, {""iso_639_1"": ""de""}]"\n',
    )
    report, films = run(small_movielens)
    assert films[1]["overview"] == "Two lines."
    assert films[1]["languages"] == ["en", "de"]
    assert films[1]["keywords"] == ["simulation"]
    assert [(bad.row, bad.reason) for bad in report.bad_rows] == [
        (2, "keywords is not a JSON list (only this field was left out)")
    ]


def test_options_out_of_range_and_missing_folders_are_typed(small_movielens: Any, tmp_path: Path) -> None:
    with pytest.raises(OptionInvalid, match="min_year: 1500"):
        run(small_movielens, min_year=1500)
    with pytest.raises(SourceMissing, match="no such folder"):
        run_pipeline(PipelineOptions(data_dir=tmp_path / "nowhere"))
    with pytest.raises(OptionInvalid, match="neither data_dir"):
        run_pipeline(PipelineOptions())
    (tmp_path / "empty").mkdir()
    with pytest.raises(SourceMissing, match=r"movies\.csv"):
        run_pipeline(PipelineOptions(data_dir=tmp_path / "empty"))
    with pytest.raises(OptionInvalid, match=r"'ml-none' has no movies\.csv"):
        run(small_movielens, movielens_folder="ml-none")


def test_without_its_own_ratings_the_largest_folder_takes_those_of_others_once(small_movielens: Any) -> None:
    movies = (small_movielens.root / "ml-small/movies.csv").read_text()
    small_movielens.write("ml-big/movies.csv", movies + "8,Only Here (2010),Drama\n")
    small_movielens.write(
        "ml-other/movies.csv", 'movieId,title,genres\n1,"Matrix, The (1999)",Action\n5,Another Film (1990),Drama\n'
    )
    small_movielens.write(
        "ml-other/ratings.csv",
        "userId,movieId,rating,timestamp\n77,1,5.0,1500000000\n77,1,1.0,1500000500\n77,5,1.0,1500000600\n",
    )
    report, films = run(small_movielens)
    assert report.base_folder == "ml-big"
    assert [(r.folder, r.ratings, r.duplicates_dropped) for r in report.ratings] == [
        ("ml-small", 3, 0),
        ("ml-other", 1, 1),
    ]
    assert films[1]["rating_count"] == 3
    assert films[5]["rating_count"] == 1, "ml-other's film 5 is another film"
    assert films[1]["imdb_id"] == "tt0133093"
    assert any("ml-big has no ratings.csv" in note for note in report.notes)


def test_popularity_forgets_and_recent_counts_the_last_90_days(small_movielens: Any) -> None:
    day = 86_400
    end = 1_700_000_000
    rows = [f"1,1,4.0,{end}", f"2,5,4.0,{end - 730 * day}", f"3,5,4.0,{end - 89 * day}", f"4,6,4.0,{end - 91 * day}"]
    small_movielens.write("ml-small/ratings.csv", "userId,movieId,rating,timestamp\n" + "\n".join(rows) + "\n")
    _, films = run(small_movielens)
    assert films[1]["popularity"] == 1.0
    assert films[5]["popularity"] == pytest.approx(0.5 + 2 ** (-89 / 730), abs=1e-4)
    assert [films[i]["recent_rating_count"] for i in (1, 5, 6, 2)] == [1, 1, 0, 0]
    assert films[2]["popularity"] == 0.0
    assert films[2]["average_rating"] is None


def test_trailers_are_taken_for_the_same_film_only(small_movielens: Any) -> None:
    small_movielens.write(
        "ml-20m-youtube/ml-youtube.csv",
        'youtubeId,movieId,title\nK26_sDKnvMU,1,"Matrix, The (1999)"\nK26_sDKnvMX,5,Other Film (1970)\nnot-an-id,6,Home (2016)\n',
    )
    _, films = run(small_movielens)
    assert [films[i]["trailer_youtube_id"] for i in (1, 5, 6)] == ["K26_sDKnvMU", None, None]


def test_progress_is_told_step_by_step_to_the_end(small_movielens: Any) -> None:
    seen: list[tuple[str, int, int]] = []
    options = PipelineOptions(data_dir=small_movielens.root, output=small_movielens.root.parent / "o.csv")
    report = run_pipeline(options, lambda what, done, total: seen.append((what, done, total)))
    total = seen[0][2]
    assert seen[-1] == ("write", total, total)
    assert [done for _, done, _ in seen] == sorted(done for _, done, _ in seen)
    assert len(report.steps) == total


def test_ids_to_fetch_come_newest_first(small_movielens: Any) -> None:
    assert tmdb_ids(small_movielens.root) == [603, 902]
    assert tmdb_ids(small_movielens.root, min_year=1999) == [603]
    with pytest.raises(SourceMissing):
        tmdb_ids(small_movielens.root / "nowhere")
