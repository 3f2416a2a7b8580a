"""MovieLens-format folders: ``movies.csv`` with ``links.csv``, ``ratings.csv`` and ``tags.csv`` beside it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from cine_catalog.pipeline.errors import SourceBroken
from cine_catalog.pipeline.report import BadRows
from cine_catalog.pipeline.sources.schema import clean_text
from cine_catalog.pipeline.sources.vocabulary import NO_GENRE
from cine_catalog.pipeline.tables import ROW, read_table, whole_numbers
from cine_catalog.pipeline.titles import FIRST_YEAR, LAST_YEAR, normalised, parse_title

MOVIES = "movies.csv"
LINKS = ("links.csv", "links-partial.csv")
STARTER_MANIFEST = "manifest.json"
_UNIT = "\x1f"
_MAX_TAGS = 15
# Bookkeeping of MovieLens users, not words about a film.
_TAG_NOISE = (
    r"^(?:bd-?r|blu-?ray|dvd|clv|vhs|r|pg|pg-?13|own|owned|seen.*|want to (?:see|own)|to see|watch.*|rated .*|\d+|"
    r".*netflix.*|.*\bdvds?\b.*|.*\bvideo\b.*|betamax|less than \d+ ratings|nudity \(.*|.*\(\d{4}\)|imdb.*|tumey.*)$"
)


@dataclass(frozen=True, slots=True)
class MovieLensFolder:
    """A folder that holds ``movies.csv``; ``size`` is that file's size in bytes."""

    path: Path
    size: int

    @property
    def name(self) -> str:
        """Folder name, as reports show it."""
        return self.path.name

    @property
    def links(self) -> Path | None:
        """The links file, if any."""
        return next((self.path / name for name in LINKS if (self.path / name).exists()), None)

    def optional(self, name: str) -> Path | None:
        """``ratings.csv`` or ``tags.csv``, if it is there."""
        path = self.path / name
        return path if path.exists() else None

    @property
    def synthetic_audience(self) -> bool:
        """Whether the folder says its ratings were generated (the starter catalogue)."""
        path = self.path / STARTER_MANIFEST
        if not path.exists():
            return False
        try:
            return bool(json.loads(path.read_text("utf-8")).get("synthetic_audience", False))
        except (ValueError, AttributeError) as error:
            raise SourceBroken(path, f"not a JSON object ({error})") from None


def discover(root: Path) -> list[MovieLensFolder]:
    """``root`` itself or its sub-folders that hold ``movies.csv``, the most films first (then by name)."""
    candidates = [root, *sorted(path for path in root.iterdir() if path.is_dir())]
    found = [MovieLensFolder(path, (path / MOVIES).stat().st_size) for path in candidates if (path / MOVIES).is_file()]
    return sorted(found, key=lambda folder: (-folder.size, folder.name))


def load_films(folder: MovieLensFolder, bad: BadRows) -> pl.DataFrame:
    """Films of ``movies.csv``, sorted by movie_id: movie_id, title, alternative_titles, year, genres (empty list: none), written.

    ``written`` is the title as the file has it.

    A bad id, a repeated id, an empty title or a year outside 1870–2050 leaves the row out and lists it.
    """
    path = folder.path / MOVIES
    table = whole_numbers(read_table(path, ("movieId", "title", "genres"), bad), "movieId", path, bad)
    repeated = ~pl.col("movieId").is_first_distinct()
    for row, movie_id in table.filter(repeated).select(ROW, "movieId").iter_rows():
        bad.add(path, row, "movieId was used before", str(movie_id))
    table = table.filter(~repeated).with_columns(pl.col("title").fill_null(""))
    parsed = [parse_title(title) for title in table["title"].to_list()]
    table = table.with_columns(
        pl.Series("name", [p.title for p in parsed], dtype=pl.String),
        pl.Series("year", [p.year for p in parsed], dtype=pl.Int32),
        pl.Series("others", [_UNIT.join(p.alternatives) for p in parsed], dtype=pl.String),
    )
    nameless = pl.col("name") == ""
    absurd = ~pl.col("year").is_between(FIRST_YEAR, LAST_YEAR)
    for row, title, empty in table.filter(nameless | absurd).select(ROW, "title", nameless).iter_rows():
        bad.add(path, row, "the title is empty" if empty else f"the year is not within {FIRST_YEAR}–{LAST_YEAR}", title)
    genre = pl.element().str.strip_chars()
    return (
        table.filter(~nameless & ~absurd.fill_null(value=False))
        .select(
            pl.col("movieId").alias("movie_id"),
            pl.col("name").alias("title"),
            _without_empty(pl.col("others").str.split(_UNIT)).alias("alternative_titles"),
            "year",
            _without_empty(
                pl.col("genres").fill_null("").str.split("|").list.eval(genre.filter(genre != NO_GENRE))
            ).alias("genres"),
            pl.col("title").alias("written"),
        )
        .sort("movie_id")
    )


def _without_empty(names: pl.Expr) -> pl.Expr:
    return names.list.eval(pl.element().filter(pl.element().str.len_bytes() > 0))


def agreeing(folder: MovieLensFolder, films: pl.DataFrame) -> pl.DataFrame:
    """The movie_ids on which another folder means the same film: same title, or a year at most one apart.

    MovieLens keeps its ids from release to release, a folder of somebody's own need not. Broken rows over there concern no
    film of ours and are not listed.
    """
    path, bad = folder.path / MOVIES, BadRows()
    theirs = whole_numbers(read_table(path, ("movieId", "title"), bad), "movieId", path, bad)
    theirs = theirs.unique("movieId", keep="first", maintain_order=True)
    return _same_film(theirs.select(pl.col("movieId").alias("movie_id"), "title"), films).select("movie_id")


def _same_film(theirs: pl.DataFrame, films: pl.DataFrame) -> pl.DataFrame:
    """Rows of ``theirs`` (movie_id, title as MovieLens writes it, …) whose title means our film of that id."""
    both = theirs.join(
        films.select("movie_id", "year", "written", pl.col("title").alias("ours")), on="movie_id", maintain_order="left"
    )
    alike = both.filter(pl.col("title") == pl.col("written"))
    other = both.filter(pl.col("title") != pl.col("written"))
    parsed = [parse_title(title) for title in other["title"].to_list()]
    other = other.with_columns(
        pl.Series("theirs", [p.title for p in parsed], dtype=pl.String),
        pl.Series("their_year", [p.year for p in parsed], dtype=pl.Int32),
    )
    near = ((pl.col("year") - pl.col("their_year")).abs() <= 1).fill_null(value=False)
    other = other.filter((normalised(pl.col("theirs")) == normalised(pl.col("ours"))) | near)
    return pl.concat([alike.select(theirs.columns), other.select(theirs.columns)])


def load_links(path: Path, bad: BadRows) -> pl.DataFrame:
    """``movie_id``, ``imdb_id`` ("tt0113189"), ``tmdb_id``; an id that is not a number is listed and left empty."""
    table = whole_numbers(read_table(path, ("movieId", "imdbId", "tmdbId"), bad), "movieId", path, bad)
    table = table.unique("movieId", keep="first", maintain_order=True)
    imdb = pl.col("imdbId").str.strip_chars().str.strip_prefix("tt").str.replace(r"\.0$", "")
    tmdb = pl.col("tmdbId").str.strip_chars().str.replace(r"\.0$", "").cast(pl.Int32, strict=False)
    typed = table.select(
        ROW,
        "imdbId",
        "tmdbId",
        pl.col("movieId").alias("movie_id"),
        pl.when(imdb.str.contains(r"^\d{1,9}$")).then(pl.lit("tt") + imdb.str.zfill(7)).alias("imdb_id"),
        pl.when(tmdb > 0).then(tmdb).alias("tmdb_id"),
    )
    for given, kept in (("imdbId", "imdb_id"), ("tmdbId", "tmdb_id")):
        lost = typed.filter(pl.col(given).is_not_null() & (pl.col(given) != "") & pl.col(kept).is_null())
        for row, value in lost.select(ROW, given).iter_rows():
            bad.add(path, row, f"{given} is not an id (only this field was left out)", str(value))
    return typed.select("movie_id", "imdb_id", "tmdb_id")


def load_tags(path: Path, bad: BadRows) -> pl.DataFrame:
    """``movie_id``, ``tags``: the (at most 15) tags most people gave a film, lower case, most frequent first."""
    table = whole_numbers(read_table(path, ("userId", "movieId", "tag"), bad), "movieId", path, bad)
    tag = clean_text(pl.col("tag")).str.to_lowercase()
    words = table.select(pl.col("movieId").alias("movie_id"), "userId", tag.alias("tag")).filter(
        pl.col("tag").str.len_chars().is_between(2, 40) & ~pl.col("tag").str.contains(_TAG_NOISE)
    )
    return (
        words.group_by("movie_id", "tag")
        .agg(pl.col("userId").n_unique().alias("people"))
        .sort(["movie_id", "people", "tag"], descending=[False, True, False])
        .group_by("movie_id", maintain_order=True)
        .agg(pl.col("tag").head(_MAX_TAGS).alias("tags"))
    )


def load_trailers(path: Path, films: pl.DataFrame, bad: BadRows) -> pl.DataFrame:
    """``movie_id``, ``trailer_youtube_id`` of an ``ml-youtube.csv``, for rows that mean the same film as ``films``."""
    table = whole_numbers(read_table(path, ("youtubeId", "movieId", "title"), bad), "movieId", path, bad)
    youtube_id = pl.col("youtubeId").str.strip_chars()
    table = table.filter(youtube_id.str.contains(r"^[\w-]{11}$")).select(
        pl.col("movieId").alias("movie_id"), pl.col("title").fill_null(""), youtube_id.alias("trailer_youtube_id")
    )
    same = _same_film(table.unique("movie_id", keep="first", maintain_order=True), films)
    return same.select("movie_id", "trailer_youtube_id")
