"""Which metadata row belongs to which film: by id, else by title and year, one row to one film at most.

Titles are weak evidence: "Home" came out in 2008, 2009, 2015 and 2016. So a title match needs the year within one, must not be
contradicted (by an id, or by cast and directors that share nobody), and must be the only best candidate on both sides.
Candidates are settled best first: shared people, then the exact year, then main titles before alternative ones. A tie goes to
the candidate whose genres agree clearly better ("Cold War (2018)" is two films), else to nobody.
"""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from cine_catalog.pipeline.titles import loosened, normalised

PAIR = {"movie_id": pl.Int32, "row": pl.UInt32}
_ID_YEARS_APART = 2
_CLEAR_MARGIN = 0.25
_NO_PAIRS = pl.DataFrame(schema=PAIR)


@dataclass(frozen=True, slots=True)
class Films:
    """The films' side of the join.

    ``table``: movie_id, year, imdb_id, tmdb_id, genres (nulls allowed), unique by movie_id.
    ``keys``: movie_id, key, alternative, as ``title_keys`` makes them.
    ``people``: movie_id, people (normalised names), only films with any.
    """

    table: pl.DataFrame
    keys: pl.DataFrame
    people: pl.DataFrame


@dataclass(frozen=True, slots=True)
class Matches:
    """Pairs of movie_id and row, unique on both sides, and what was left out.

    ``by_id``: the pairs an id vouches for. ``refused``: rows that had a candidate but were ambiguous or contradicted.
    """

    pairs: pl.DataFrame
    by_id: pl.DataFrame
    refused: pl.DataFrame
    by_movie_id: int = 0
    by_imdb_id: int = 0
    by_tmdb_id: int = 0
    by_title: int = 0
    ambiguous: int = 0
    contradicted: int = 0


def title_keys(frame: pl.DataFrame, identity: str, title: str, others: str) -> pl.DataFrame:
    """Long table of match keys, without repeats: ``identity``, key, alternative.

    ``alternative`` grades the key: 0 the main title, 1 another title, 2 and 3 the same two loosened.
    """
    main = frame.select(identity, pl.col(title).alias("name"), pl.lit(0, pl.UInt8).alias("alternative"))
    rest = (
        frame.select(identity, pl.col(others).alias("name"), pl.lit(1, pl.UInt8).alias("alternative"))
        .filter(pl.col("name").list.len() > 0)
        .explode("name")
    )
    strict = (
        pl.concat([main, rest])
        .drop_nulls("name")
        .select(identity, normalised(pl.col("name")).alias("key"), "alternative")
    )
    loose = strict.select(identity, loosened(pl.col("key")).alias("key"), pl.col("alternative") + 2)
    return (
        pl.concat([strict, loose])
        .sort(identity, "alternative", maintain_order=True)
        .unique([identity, "key"], keep="first", maintain_order=True)
    )


def people_of(frame: pl.DataFrame, identity: str) -> pl.DataFrame:
    """Normalised names of cast and directors, for rows that have any: ``identity``, people."""
    names = pl.concat_list(pl.col("directors").fill_null([]), pl.col("cast").fill_null([]))
    long = frame.select(identity, names.alias("people")).filter(pl.col("people").list.len() > 0).explode("people")
    # Initials are spaced at will ("D.W." and "D. W."), so spaces do not count.
    spelled = normalised(pl.col("people")).str.replace_all(" ", "", literal=True)
    return long.with_columns(spelled).group_by(identity, maintain_order=True).agg(pl.col("people").unique())


def match(films: Films, part: pl.DataFrame) -> Matches:
    """Pair the rows of one source part (``METADATA`` shape) with films."""
    keys = title_keys(part, "row", "title", "other_titles")
    own = films.table.select("movie_id").join(part.select("movie_id", "row"), on="movie_id").unique("movie_id")
    by_imdb, doubled_imdb = _by_id(films, part, keys, "imdb_id", own)
    by_tmdb, doubled_tmdb = _by_id(films, part, keys, "tmdb_id", pl.concat([own, by_imdb]))
    taken = pl.concat([own, by_imdb, by_tmdb])
    by_title, tied, contradicted = _by_title(films, part, keys, taken)
    pairs = pl.concat([taken, by_title])
    ambiguous = pl.concat([doubled_imdb, doubled_tmdb, tied]).unique().join(pairs, on="row", how="anti")
    refused = contradicted.unique().join(pairs, on="row", how="anti").join(ambiguous, on="row", how="anti")
    return Matches(
        pairs=pairs,
        by_id=taken,
        refused=pl.concat([ambiguous, refused]),
        by_movie_id=own.height,
        by_imdb_id=by_imdb.height,
        by_tmdb_id=by_tmdb.height,
        by_title=by_title.height,
        ambiguous=ambiguous.height,
        contradicted=refused.height,
    )


def _by_id(
    films: Films, part: pl.DataFrame, keys: pl.DataFrame, column: str, taken: pl.DataFrame
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Pairs that share an id, and the rows that were left out.

    When an id stands on several films or rows, only a pair with the same title is believed. Ids are wrong now and then
    (a 1998 re-release linked to a film of 1967): a pair that shares no title and lies years apart is left to its title.
    """
    rows = part.filter(pl.col(column).is_not_null()).join(taken, on="row", how="anti")
    known = films.table.filter(pl.col(column).is_not_null()).join(taken, on="movie_id", how="anti")
    pairs = known.select("movie_id", "year", column).join(rows.select("row", "year", column), on=column, suffix="_row")
    named_alike = (
        films.keys.select("movie_id", "key")
        .join(keys.join(pairs, on="row", how="semi").select("row", "key"), on="key")
        .select("movie_id", "row", pl.lit(value=True).alias("titled"))
        .unique(["movie_id", "row"])
    )
    pairs = pairs.join(named_alike, on=["movie_id", "row"], how="left", maintain_order="left")
    apart = (pl.col("year") - pl.col("year_row")).abs()
    pairs = pairs.filter(pl.col("titled").fill_null(value=False) | (apart <= _ID_YEARS_APART).fill_null(value=True))
    single, doubled = _single(pairs)
    agreed, _ = _single(doubled.filter("titled"))
    settled = pl.concat([single.select("movie_id", "row"), agreed.select("movie_id", "row")])
    return settled, doubled.select("row").unique()


def _by_title(
    films: Films, part: pl.DataFrame, keys: pl.DataFrame, taken: pl.DataFrame
) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    """Pairs by title and year, the rows with two equally good films, and the rows something spoke against."""
    rows = part.filter(pl.col("title").is_not_null() & pl.col("year").is_not_null()).join(taken, on="row", how="anti")
    known = films.table.filter(pl.col("year").is_not_null()).join(taken, on="movie_id", how="anti")
    pairs = (
        keys.join(films.keys, on="key", suffix="_film")
        .join(rows.select("row", "year", "imdb_id", "tmdb_id", "genres"), on="row")
        .join(known.select("movie_id", "year", "imdb_id", "tmdb_id", "genres"), on="movie_id", suffix="_film")
        .with_columns((pl.col("year") - pl.col("year_film")).abs().alias("apart"))
        .filter(pl.col("apart") <= 1)
    )
    cast = people_of(rows.join(pairs, on="row", how="semi"), "row")
    pairs = pairs.join(cast, on="row", how="left").join(films.people, on="movie_id", how="left", suffix="_film")
    shared = pl.col("people").list.set_intersection("people_film").list.len()
    pairs = pairs.with_columns(
        pl.max_horizontal("alternative", "alternative_film").alias("grade"), shared.alias("shared")
    )
    other_imdb = (pl.col("imdb_id") != pl.col("imdb_id_film")).fill_null(value=False)
    other_tmdb = (pl.col("tmdb_id") != pl.col("tmdb_id_film")).fill_null(value=False)
    # JustWatch gives one title in fourteen a foreign IMDb id: two shared people in the same year outweigh it.
    same_people = ((pl.col("shared") >= 2) & (pl.col("apart") == 0)).fill_null(value=False)
    contradicts = ((other_imdb | other_tmdb) & ~same_people) | (pl.col("shared") == 0).fill_null(value=False)
    # A loosened title needs the exact year or somebody in common.
    enough = (pl.col("grade") < 2) | (pl.col("apart") == 0) | (pl.col("shared") > 0).fill_null(value=False)
    credible = pairs.filter(~contradicts & enough)
    rank = pl.when(pl.col("shared") > 0).then(0).otherwise(8) + pl.col("apart") * 4 + pl.col("grade")
    credible = (
        credible.select("movie_id", "row", rank.alias("rank"), _genre_agreement().alias("agreement"))
        .sort("rank", "movie_id", "row")
        .unique(["movie_id", "row"], keep="first", maintain_order=True)
    )
    settled, tied = _best_first(credible)
    return settled, tied, pairs.filter(contradicts).select("row")


def _best_first(candidates: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Settle candidates rank by rank; whoever has two equally good partners gets none, now and later."""
    settled: list[pl.DataFrame] = [_NO_PAIRS]
    ties: list[pl.DataFrame] = [_NO_PAIRS.select("row")]
    left = candidates
    for rank in sorted(candidates["rank"].unique().to_list()):
        single, doubled = _single(left.filter(pl.col("rank") == rank))
        clear = _clearly_best(doubled)
        settled += [single.select("movie_id", "row"), clear.select("movie_id", "row")]
        ties.append(doubled.join(clear, on="row", how="anti").select("row"))
        used = pl.concat([single, doubled])
        left = left.join(used, on="row", how="anti").join(used, on="movie_id", how="anti")
    return pl.concat(settled), pl.concat(ties)


def _genre_agreement() -> pl.Expr:
    """Shared genres over all genres of both sides, 0–1; null when either side has none."""
    ours, theirs = pl.col("genres_film"), pl.col("genres")
    both = (ours.list.len() > 0) & (theirs.list.len() > 0)
    shared = ours.list.set_intersection(theirs).list.len()
    return pl.when(both).then(shared / ours.list.set_union(theirs).list.len())


def _clearly_best(tied: pl.DataFrame) -> pl.DataFrame:
    """Pairs whose genre agreement beats every rival's by a margin, on both sides; silent where a rival's genres are unknown."""
    if tied.is_empty():
        return tied
    mine = pl.col("agreement")
    wins = []
    for side in ("row", "movie_id"):
        rival = mine.sort(descending=True).slice(1, 1).first().over(side)
        known = mine.is_not_null().all().over(side)
        wins.append(
            known & ((pl.len().over(side) == 1) | ((mine == mine.max().over(side)) & (mine - rival >= _CLEAR_MARGIN)))
        )
    return tied.filter(wins[0] & wins[1])


def _single(pairs: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Split pairs into those unique on both sides and the others."""
    alone = (pl.len().over("row") == 1) & (pl.len().over("movie_id") == 1)
    marked = pairs.with_columns(alone.alias("_alone"))
    return marked.filter("_alone").drop("_alone"), marked.filter(~pl.col("_alone")).drop("_alone")
