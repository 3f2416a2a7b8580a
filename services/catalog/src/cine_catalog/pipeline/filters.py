"""Which films stay, each cut counted and explained."""

from __future__ import annotations

import polars as pl

from cine_catalog.pipeline.columns import LIST_COLUMNS
from cine_catalog.pipeline.options import PipelineOptions
from cine_catalog.pipeline.report import Coverage, FilterStep
from cine_catalog.pipeline.sources import TMDB_SOURCES


def filtered(films: pl.DataFrame, options: PipelineOptions) -> tuple[pl.DataFrame, list[FilterStep]]:
    """Apply ``min_year``, ``drop_bare`` and ``require_tmdb`` (already resolved to the base's defaults).

    ``films`` has year, genres, metadata_sources, own_year and own_genre (whether MovieLens itself had them).
    """
    steps = [
        FilterStep(name="read", before=films.height, after=films.height, why="films in movies.csv that could be read")
    ]
    kept = films
    if options.min_year is not None:
        undated = films.filter(pl.col("year").is_null()).height
        gained = films.filter(pl.col("year").is_not_null() & ~pl.col("own_year")).height
        early = films.filter(pl.col("year") < options.min_year).height
        kept = films.filter((pl.col("year") >= options.min_year).fill_null(value=False))
        own = kept.filter("own_year").height
        steps.append(
            FilterStep(
                name=f"min_year {options.min_year}",
                before=films.height,
                after=kept.height,
                why=f"{early:,} from before {options.min_year} and {undated:,} without a year in any source; by MovieLens' own "
                f"years alone {own:,} would stay ({gained:,} films got their year from metadata)",
            )
        )
    if options.drop_bare:
        before = kept
        has_genre = pl.col("genres").list.len() > 0
        described = has("overview") | has("cast") | has("directors") | has("keywords")
        kept = before.filter((has_genre | described).fill_null(value=False))
        own = kept.filter("own_genre").height
        gained = kept.filter(has_genre & ~pl.col("own_genre")).height
        steps.append(
            FilterStep(
                name="drop_bare",
                before=before.height,
                after=kept.height,
                why="of which no source knows more than a title and a year: nothing to search or recommend them by. "
                f"{own:,} kept films have a genre from MovieLens, {gained:,} gained one from metadata, "
                f"{kept.height - own - gained:,} have none but an overview, people or keywords",
            )
        )
    if options.require_tmdb:
        before = kept
        from_tmdb = pl.col("metadata_sources").list.eval(pl.element().is_in(TMDB_SOURCES)).list.any()
        kept = before.filter(from_tmdb.fill_null(value=False))
        steps.append(
            FilterStep(
                name="require_tmdb",
                before=before.height,
                after=kept.height,
                why="no metadata of TMDb was joined to them",
            )
        )
    return kept, steps


def has(column: str) -> pl.Expr:
    """Whether a text, number or list column holds anything."""
    return pl.col(column).list.len() > 0 if column in LIST_COLUMNS else pl.col(column).is_not_null()


def coverage(films: pl.DataFrame) -> Coverage:
    """Count films by the kinds of metadata they have."""

    def count(expression: pl.Expr) -> int:
        return films.filter(expression.fill_null(value=False)).height

    people = has("cast").fill_null(value=False) | has("directors").fill_null(value=False)
    return Coverage(
        films=films.height,
        with_genre=count(has("genres")),
        with_overview=count(has("overview")),
        with_cast_or_director=count(people),
        with_keywords=count(has("keywords")),
        with_runtime=count(has("runtime_minutes")),
        with_poster=count(has("poster_url")),
        with_imdb_id=count(has("imdb_id")),
        with_tmdb_id=count(has("tmdb_id")),
        with_streaming=count(has("streaming_services")),
        with_ratings=count(pl.col("rating_count") > 0),
        with_trailer=count(has("trailer_youtube_id")),
        with_look=count(has("look")),
    )
