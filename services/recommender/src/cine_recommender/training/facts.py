"""Facts of films for the hybrid, from the merged catalogue and, for films rated that it lacks, from the ratings' own folder."""

from __future__ import annotations

import numpy as np
import polars as pl
import scipy.sparse as sp
from sklearn.preprocessing import normalize

from cine_recommender.evaluation.facts import named, shared
from cine_recommender.evaluation.reading import Log
from cine_recommender.interactions import Floats, Ints
from cine_recommender.signals.signal import FilmFacts
from cine_recommender.training.features import build_features
from cine_recommender.training.films import Films
from cine_recommender.training.options import ContentOptions
from cinemesh.textencoder import StaticTextEncoder


def numbered(films: Films, log: Log) -> Ints:
    """Returns the ids of all films there are, int32: those of the catalogue in its order, then others that somebody rated, ascending."""
    known = films.table["movie_id"].to_numpy().astype(np.int32)
    return np.concatenate([known, np.setdiff1d(log.interactions.film_ids, known)]).astype(np.int32)


def facts_of(films: Films, log: Log, options: ContentOptions, encoder: StaticTextEncoder) -> FilmFacts:
    """Returns what is known of the films of `numbered`."""
    table, ids = films.table, numbered(films, log)
    features = build_features(films, options, encoder)
    others = len(ids) - len(table)
    beside = log.films.filter(pl.col("movie_id").is_in(ids[len(table) :].tolist()))
    both_ids = pl.concat([table["movie_id"], beside["movie_id"].cast(table["movie_id"].dtype)])
    genre_names, genres = named(both_ids, pl.concat([table["genres"], beside["genres"]]), ids)
    keyword_names, keywords = named(table["movie_id"], table["keywords"], ids)
    often = np.flatnonzero(np.asarray(keywords.sum(axis=0)).ravel() >= 2)
    crew = named(table["movie_id"], table.select(pl.concat_list("directors", "cast"))["directors"], ids)[1]
    meaning = np.zeros((len(ids), features.meaning.shape[1]), dtype=np.float32)
    meaning[features.described] = normalize(features.meaning)
    # genres are columns of their own to the signals
    terms = normalize(features.terms[:, features.genre_columns :].astype(np.float32))
    return FilmFacts(
        years=_years(table, beside, ids),
        genres=np.asarray(genres.toarray(), dtype=np.float32),
        terms=sp.vstack([terms, sp.csr_matrix((others, terms.shape[1]), dtype=np.float32)], format="csr"),
        people=shared(crew),
        keywords=keywords[:, often].tocsr(),
        meaning=meaning,
        runtimes=np.concatenate([table["runtime_minutes"].to_numpy(), np.zeros(others)]).astype(np.int32),
        genre_names=genre_names,
        keyword_names=tuple(keyword_names[column] for column in often),
    )


def _years(table: pl.DataFrame, beside: pl.DataFrame, ids: Ints) -> Ints:
    told = dict(zip(beside["movie_id"].to_list(), beside["year"].to_list(), strict=True))
    rest: Floats = np.array([told.get(one, 0) for one in ids[len(table) :].tolist()], dtype=np.int32)
    return np.concatenate([table["year"].to_numpy(), rest]).astype(np.int32)
