"""What models may know of films, and by what films are compared in measures of variety.

People tag what they watch: a tag that somebody gave to a film of their own test says that they watched it. Models therefore get the tags
written before a cut, without those of people on films held out for them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl
import scipy.sparse as sp
from sklearn.feature_extraction.text import TfidfTransformer
from sklearn.preprocessing import normalize

from cine_recommender.evaluation.reading import Log
from cine_recommender.evaluation.splits import Fold
from cine_recommender.interactions import Floats, Ints
from cine_recommender.signals.signal import FilmFacts
from cine_recommender.training.films import Films


@dataclass(frozen=True)
class Looks:
    """By what measures of variety compare films; the same for every model and every cut.

    Attributes:
        genres: float32 (films, genres): a film's genres in equal shares that sum to 1, zeros where it has none.
        content: float32 (films, genres + tags): rows of length 1, empty where nothing is known.
    """

    genres: Floats
    content: sp.csr_matrix


def looks(log: Log, film_ids: Ints) -> Looks:
    """Returns what is known of films, in this order, by all genres and tags of the folder."""
    genres = _genres(log, film_ids)
    shares = genres / np.maximum(genres.sum(axis=1, keepdims=True), 1)
    both = sp.hstack([normalize(sp.csr_matrix(genres)), _tfidf(_counts(log.tags, film_ids))], format="csr")
    return Looks(shares.astype(np.float32), normalize(both).astype(np.float32))


def known_facts(log: Log, fold: Fold, until: int | None = None, catalogue: Films | None = None) -> FilmFacts:
    """Returns what models may know of the films of a cut, in its order.

    Args:
        log: the folder.
        fold: the cut.
        until: tags from this moment on are left out, Unix seconds; None for none.
        catalogue: the merged catalogue, for people, keywords, texts and runtimes; films are joined by id.
    """
    film_ids = fold.fit.film_ids
    tags = log.tags if until is None else log.tags.filter(pl.col("timestamp") < until)
    held = pl.DataFrame(
        {"person_id": fold.held.person_ids[fold.held.people], "movie_id": film_ids[fold.held.films]},
        schema={"person_id": pl.Int64, "movie_id": pl.Int32},
    )
    counts = _counts(tags.join(held, on=["person_id", "movie_id"], how="anti"), film_ids)
    genres = _genres(log, film_ids)
    rows = _rows(log.films["movie_id"], film_ids)
    years = np.where(rows >= 0, log.films["year"].to_numpy()[rows], 0).astype(np.int32)
    bare = FilmFacts(
        years=years,
        genres=genres,
        terms=_tfidf(counts),
        people=sp.csr_matrix((len(film_ids), 0), dtype=np.float32),
        keywords=shared(counts),
        meaning=np.zeros((len(film_ids), 0), np.float32),
        runtimes=np.zeros(len(film_ids), np.int32),
    )
    return bare if catalogue is None else _joined(bare, catalogue, film_ids)


def _rows(ids: pl.Series, film_ids: Ints) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """Returns in which row each film is, -1 where in none."""
    place = {int(one): row for row, one in enumerate(ids)}
    return np.array([place.get(int(one), -1) for one in film_ids], dtype=np.int64)


def _genres(log: Log, film_ids: Ints) -> Floats:
    found: Floats = _listed(log.films["movie_id"], log.films["genres"], film_ids).toarray()
    return found


def _listed(ids: pl.Series, lists: pl.Series, film_ids: Ints) -> sp.csr_matrix:
    """Returns which film has which of the names in a list column, 0 or 1 (films, names), names sorted."""
    return named(ids, lists, film_ids)[1]


def named(ids: pl.Series, lists: pl.Series, film_ids: Ints) -> tuple[tuple[str, ...], sp.csr_matrix]:
    """Returns the names in a list column, sorted, and which film has which, 0 or 1 (films, names).

    Args:
        ids: of films, any number of rows each.
        lists: names of each row.
        film_ids: int32 (films,); names of other films are left out.
    """
    frame = pl.DataFrame({"movie_id": ids, "name": lists}).explode("name").drop_nulls("name").unique()
    return _crossed(frame, film_ids)


def _counts(tags: pl.DataFrame, film_ids: Ints) -> sp.csr_matrix:
    """Returns how many people gave which to which film."""
    frame = tags.select("movie_id", name=pl.col("tag").str.to_lowercase().str.strip_chars())
    return _crossed(frame.filter(pl.col("name") != ""), film_ids)[1]


def _crossed(frame: pl.DataFrame, film_ids: Ints) -> tuple[tuple[str, ...], sp.csr_matrix]:
    films = pl.DataFrame({"movie_id": film_ids}, schema={"movie_id": pl.Int32}).with_row_index("row")
    found = frame.join(films, on="movie_id")
    names = found["name"].unique().sort()
    columns = names.search_sorted(found["name"]).to_numpy() if len(found) else np.empty(0, np.int64)
    ones = np.ones(len(found), np.float32)
    made = sp.csr_matrix(
        (ones, (found["row"].to_numpy(), columns)), shape=(len(film_ids), len(names)), dtype=np.float32
    )
    made.sum_duplicates()
    return tuple(names), made


def _tfidf(counts: sp.csr_matrix) -> sp.csr_matrix:
    if not counts.nnz:  # scikit-learn refuses a matrix without columns
        return counts
    return TfidfTransformer(sublinear_tf=True).fit_transform(counts).astype(np.float32)


def shared(counts: sp.csr_matrix) -> sp.csr_matrix:
    """Returns 0 or 1 (films, n) for what at least two films have."""
    made = sp.csr_matrix(counts > 0, dtype=np.float32)
    return made[:, np.asarray(made.sum(axis=0)).ravel() >= 2]


def _joined(bare: FilmFacts, catalogue: Films, film_ids: Ints) -> FilmFacts:
    # imported here: the encoder takes a moment to load, and most runs need none
    from cine_recommender.training.features import build_features
    from cine_recommender.training.options import ContentOptions
    from cinemesh.textencoder import shipped

    table = catalogue.table.filter(pl.col("movie_id").is_in(film_ids.tolist()))
    if table.is_empty():
        return bare
    features = build_features(Films(table, catalogue.fingerprint), ContentOptions(), shipped())
    rows = _rows(table["movie_id"], film_ids)
    known = rows >= 0
    place = sp.csr_matrix(
        (np.ones(int(known.sum()), np.float32), (np.flatnonzero(known), rows[known])), shape=(len(film_ids), len(table))
    )
    terms = place @ features.terms[:, features.genre_columns :]
    texts = np.zeros((len(table), features.meaning.shape[1]), np.float32)
    texts[features.described] = normalize(features.meaning)
    crew = table.select(pl.concat_list("directors", "cast"))["directors"]
    runtimes = np.where(known, table["runtime_minutes"].to_numpy()[rows], 0)
    return FilmFacts(
        years=bare.years,
        genres=bare.genres,
        terms=normalize(sp.hstack([terms, bare.terms], format="csr")).astype(np.float32),
        people=shared(_listed(table["movie_id"], crew, film_ids)),
        keywords=sp.hstack(
            [shared(_listed(table["movie_id"], table["keywords"], film_ids)), bare.keywords], format="csr"
        ),
        meaning=place @ texts,
        runtimes=runtimes.astype(np.int32),
    )
