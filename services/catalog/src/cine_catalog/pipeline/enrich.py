"""Joining metadata sources to films and choosing, field by field, whose value a film card shows."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

import polars as pl

from cine_catalog.pipeline.matching import Films, Matches, match, people_of, title_keys
from cine_catalog.pipeline.report import SourceReport
from cine_catalog.pipeline.sources import PRIORITY
from cine_catalog.pipeline.sources.schema import METADATA, Source
from cine_catalog.pipeline.titles import normalised

_MAX_ALTERNATIVES = 8
_MAX_CAST = 20
_FIELDS = tuple(
    name
    for name in METADATA
    if name not in ("row", "movie_id", "imdb_id", "tmdb_id", "title", "other_titles", "services")
)
_NO_PEOPLE = pl.DataFrame(schema={"movie_id": pl.Int32, "people": pl.List(pl.String)})


@dataclass
class Enrichment:
    """Films and everything found about them so far.

    ``films``: movie_id, title, alternative_titles, year, genres, imdb_id, tmdb_id. ``joined``: METADATA rows with their film and source.
    """

    films: pl.DataFrame
    joined: list[pl.DataFrame] = field(default_factory=list)
    reports: dict[str, SourceReport] = field(default_factory=dict)
    _people: pl.DataFrame = field(default_factory=lambda: _NO_PEOPLE)
    _left: list[tuple[Source, pl.DataFrame, Matches]] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Prepare the films' side of every join once."""
        self._own_keys = title_keys(self.films, "movie_id", "title", "alternative_titles")
        self._keys = self._own_keys
        self._table = self.films.select("movie_id", "year", "imdb_id", "tmdb_id", "genres")

    def add(self, source: Source) -> None:
        """Match a source and keep its rows."""
        self.reports[source.name] = SourceReport(name=source.name, rows=source.rows)
        for part in source.parts:
            found = self._match(source, part, self._table)
            self._left.append((source, part, found))

    def look_again(self) -> int:
        """Retry refused rows with what was learnt since: shared cast outweighs a foreign id and settles ties.

        Returns:
            Films gained.
        """
        gained = 0
        for source, part, first in self._left:
            if first.refused.height:
                report = self.reports[source.name]
                report.ambiguous -= first.ambiguous
                report.contradicted -= first.contradicted
                rest = part.join(first.refused, on="row", how="semi", maintain_order="left")
                table = self._table.join(first.pairs, on="movie_id", how="anti")
                gained += self._match(source, rest, table).pairs.height
        self._left.clear()
        return gained

    def _match(self, source: Source, part: pl.DataFrame, table: pl.DataFrame) -> Matches:
        found = match(Films(table, self._keys, self._people), part)
        report = self.reports[source.name]
        report.matched_by_movie_id += found.by_movie_id
        report.matched_by_imdb_id += found.by_imdb_id
        report.matched_by_tmdb_id += found.by_tmdb_id
        report.matched_by_title_and_year += found.by_title
        report.ambiguous += found.ambiguous
        report.contradicted += found.contradicted
        rows = found.pairs.join(part.drop("movie_id"), on="row").with_columns(pl.lit(source.name).alias("source"))
        rows = self._without_foreign_people(rows, found.by_id, report)
        self.joined.append(rows)
        self._people = _merged_people(self._people, people_of(rows, "movie_id"))
        self._learn_titles(rows.join(found.by_id, on="row", how="semi"))
        if source.lends_ids:
            self._take_ids(rows)
        return found

    def _without_foreign_people(self, rows: pl.DataFrame, by_id: pl.DataFrame, report: SourceReport) -> pl.DataFrame:
        """Blank the people of rows whose id fits but whose cast shares nobody with what is known: somebody else's credits."""
        pairs = people_of(rows, "movie_id").join(self._people, on="movie_id", suffix="_known")
        foreign = pairs.filter(pl.col("people").list.set_intersection("people_known").list.len() == 0)
        foreign = foreign.join(by_id, on="movie_id", how="semi")
        report.foreign_casts += foreign.height
        strange = pl.col("movie_id").is_in(foreign["movie_id"].implode())
        return rows.with_columns(
            pl.when(~strange).then(pl.col(name)).alias(name) for name in ("directors", "cast", "writers")
        )

    def _learn_titles(self, rows: pl.DataFrame) -> None:
        """What a source calls a film whose id it knows helps the next sources to find it ("The 51st State")."""
        learnt = title_keys(rows, "movie_id", "title", "other_titles").with_columns(pl.col("alternative") | 1)
        self._keys = pl.concat([self._keys, learnt]).unique(["movie_id", "key"], keep="first", maintain_order=True)

    def _take_ids(self, rows: pl.DataFrame) -> None:
        """Give films without an id the row's, unless another film has it or two would get it."""
        for column in ("imdb_id", "tmdb_id"):
            free = self._table.filter(pl.col(column).is_null()).select("movie_id")
            offered = (
                rows.select("movie_id", pl.col(column).alias("offered"))
                .drop_nulls()
                .join(free, on="movie_id", how="semi")
            )
            offered = offered.join(self._table, left_on="offered", right_on=column, how="anti")
            offered = offered.filter(pl.len().over("offered") == 1).unique("movie_id", keep="none")
            joined = self._table.join(offered, on="movie_id", how="left", maintain_order="left")
            self._table = joined.with_columns(pl.coalesce(column, "offered").alias(column)).drop("offered")

    def combined(self) -> pl.DataFrame:
        """One row a film: best value of every METADATA field, ids, alternative_titles, sources, services by source."""
        ranks = {name: rank for rank, name in enumerate(PRIORITY)}
        rows = pl.concat([*self.joined, _EMPTY_ROWS], how="diagonal").with_columns(
            pl.col("source").replace_strict(ranks, return_dtype=pl.Int32).alias("rank")
        )
        rows = rows.sort("movie_id", "rank", "row", maintain_order=True)
        best = rows.group_by("movie_id", maintain_order=True).agg(
            *(pl.col(name).drop_nulls().first() for name in _FIELDS),
            pl.col("source").filter(pl.col("overview").is_not_null()).first().alias("overview_source"),
            # The page credits the overview that is shown, not another source's.
            pl.col("overview_url").filter(pl.col("overview").is_not_null()).first().alias("page"),
            pl.col("source").unique(maintain_order=True).alias("metadata_sources"),
        )
        best = best.with_columns(pl.col("page").alias("overview_url")).drop("page")
        best = best.with_columns(pl.col("cast").list.head(_MAX_CAST))
        films = self.films.drop("imdb_id", "tmdb_id", "genres").join(
            self._table.select("movie_id", "imdb_id", "tmdb_id"), on="movie_id", maintain_order="left"
        )
        films = films.join(best, on="movie_id", how="left", suffix="_found", maintain_order="left")
        return _with_alternatives(
            films.with_columns(pl.coalesce("year", "year_found").alias("year")).drop("year_found"), self._own_keys, rows
        )

    def services(self) -> dict[str, pl.DataFrame]:
        """What each source that lists streaming offers lists: source → movie_id, services."""
        rows = pl.concat([*self.joined, _EMPTY_ROWS], how="diagonal").filter(pl.col("services").is_not_null())
        lists: dict[str, pl.DataFrame] = {}
        for name in (name for name in PRIORITY if (rows["source"] == name).any()):
            lists[name] = (
                rows.filter(pl.col("source") == name)
                .select("movie_id", "services")
                .explode("services")
                .group_by("movie_id")
                .agg(pl.col("services").unique().sort())
                .sort("movie_id")
            )
        return lists


_EMPTY_ROWS = pl.DataFrame(schema={**METADATA, "source": pl.String()})


def _merged_people(known: pl.DataFrame, found: pl.DataFrame) -> pl.DataFrame:
    together = pl.concat([known, found]).explode("people")
    return together.group_by("movie_id", maintain_order=True).agg(pl.col("people").unique())


def _with_alternatives(films: pl.DataFrame, keys: pl.DataFrame, rows: pl.DataFrame) -> pl.DataFrame:
    """Add the sources' other spellings of a title to ``alternative_titles`` (at most 8, none that reads the same)."""
    named: Iterable[pl.DataFrame] = (
        rows.select("movie_id", "rank", pl.col("title").alias("name")),
        rows.select("movie_id", "rank", pl.col("other_titles").alias("name")).explode("name"),
    )
    spelled = pl.concat(named).drop_nulls("name").sort("movie_id", "rank", maintain_order=True)
    fresh = (
        spelled.with_columns(normalised(pl.col("name")).alias("key"))
        .join(keys, on=["movie_id", "key"], how="anti", maintain_order="left")
        .unique(["movie_id", "key"], keep="first", maintain_order=True)
        .group_by("movie_id", maintain_order=True)
        .agg(pl.col("name").alias("further"))
    )
    return (
        films.join(fresh, on="movie_id", how="left", maintain_order="left")
        .with_columns(
            pl.concat_list(pl.col("alternative_titles").fill_null([]), pl.col("further").fill_null([]))
            .list.head(_MAX_ALTERNATIVES)
            .alias("alternative_titles")
        )
        .drop("further")
    )
