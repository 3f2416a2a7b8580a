"""Films as weighted TF-IDF vectors: one block for each field, joined with the static encoder's vectors.

Each block has rows of length 1 (or 0, for a film that lacks the field), multiplied by the square root of the field's
weight. The product of two rows is then the weighted mean of the blocks' cosines, between 0 and 1, and a film that
lacks a field gets nothing for it: a film known by its genre alone is never "exactly like" a hundred others.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import polars as pl
import scipy.sparse
from sklearn.feature_extraction.text import TfidfTransformer, TfidfVectorizer
from sklearn.preprocessing import normalize

from cine_recommender.training.films import Films
from cine_recommender.training.options import ContentOptions
from cinemesh.textencoder import StaticTextEncoder

Sparse: TypeAlias = Any  # a scipy.sparse.csr_matrix; scipy publishes no types
_CAST_DECAY = 0.9


@dataclass(frozen=True, slots=True)
class Features:
    """What the content model knows of each film.

    Attributes:
        terms: Sparse float32 (films, terms): all blocks but the encoder's, side by side.
        genre_columns: How many leading columns of `terms` are genres, in the order of `genres`.
        genres: Names of the genres, sorted.
        described: Rows with a text, ascending int32.
        meaning: float32 (len(described), dimensions): the encoder's vectors times the root of their weight.
    """

    terms: Sparse
    genre_columns: int
    genres: tuple[str, ...]
    described: npt.NDArray[np.int32]
    meaning: npt.NDArray[np.float32]


def build_features(films: Films, options: ContentOptions, encoder: StaticTextEncoder) -> Features:
    """Turn films into vectors."""
    table, weights = films.table, options.weights
    genres, genre_counts = _listed(table["genres"], min_df=1)
    blocks = [
        (weights.genres, genre_counts),
        (weights.directors, _listed(table["directors"], min_df=2)[1]),
        (weights.cast, _listed(table["cast"], min_df=2, decay=_CAST_DECAY)[1]),
        (weights.keywords, _listed(table["keywords"], min_df=2)[1]),
    ]
    scaled = [_scaled(_weighed(counts), weight) for weight, counts in blocks]
    scaled.append(_scaled(_words(table, options), weights.words))
    described, texts = described_texts(table)
    meaning = encoder.encode(texts)
    return Features(
        terms=scipy.sparse.hstack(scaled, format="csr", dtype=np.float32),
        genre_columns=len(genres),
        genres=genres,
        described=described,
        meaning=meaning * np.float32(np.sqrt(weights.meaning)),
    )


def _listed(lists: pl.Series, *, min_df: int, decay: float = 1.0) -> tuple[tuple[str, ...], Sparse]:
    """Count the entries of a list column: names (sorted) and a matrix (films, names).

    With `decay` below 1, each later entry counts that much less than the one before: billing order matters.
    """
    frame = pl.DataFrame({"name": lists}).with_row_index("row")
    frame = frame.explode("name").drop_nulls("name").with_columns(place=pl.int_range(pl.len()).over("row"))
    common = frame.group_by("name").agg(pl.col("row").n_unique()).filter(pl.col("row") >= min_df)["name"].sort()
    columns = pl.DataFrame({"name": common}).with_row_index("column")
    entries = frame.join(columns, on="name")
    values = np.power(decay, entries["place"].to_numpy()).astype(np.float32)
    position = (entries["row"].to_numpy(), entries["column"].to_numpy())
    matrix = scipy.sparse.csr_matrix((values, position), shape=(len(lists), len(common)), dtype=np.float32)
    return tuple(common), matrix


def _words(table: pl.DataFrame, options: ContentOptions) -> Sparse:
    """TF-IDF over title, overview and the words of the keywords; films without an overview or keywords stay empty.

    A title alone says too little: "The Return" is like no other film because of its name.
    """
    texts = table.select(
        pl.when((pl.col("overview") == "") & (pl.col("keywords").list.len() == 0))
        .then(pl.lit(""))
        .otherwise(pl.concat_str("title", "overview", pl.col("keywords").list.join(" "), separator=" "))
    ).to_series()
    vectorizer = TfidfVectorizer(
        max_features=options.max_features,
        ngram_range=(options.ngram_min, options.ngram_max),
        # A small catalogue has no term in as many films: never ask for more than a hundredth of it.
        min_df=min(options.min_df, max(1, len(texts) // 100)),
        stop_words="english",
        strip_accents="unicode",
        sublinear_tf=True,
        dtype=np.float32,
    )
    try:
        return vectorizer.fit_transform(texts)
    except ValueError as error:
        # scikit-learn's only way to say that no text holds a word.
        if "empty vocabulary" not in str(error) and "no terms remain" not in str(error):
            raise
        return scipy.sparse.csr_matrix((len(texts), 0), dtype=np.float32)


def described_texts(table: pl.DataFrame) -> tuple[npt.NDArray[np.int32], list[str]]:
    """Return rows of the films that are described, ascending int32, and what text encoders read of each: overview and keywords."""
    texts = table.with_row_index("row").filter((pl.col("overview") != "") | (pl.col("keywords").list.len() > 0))
    joined = texts.select(pl.concat_str("overview", pl.col("keywords").list.join(", "), separator=" ")).to_series()
    return texts["row"].to_numpy().astype(np.int32), joined.to_list()


def _weighed(counts: Sparse) -> Sparse:
    """Let rare names count more."""
    return TfidfTransformer().fit_transform(counts) if counts.shape[1] else counts


def _scaled(matrix: Sparse, weight: float) -> Sparse:
    if not matrix.shape[1]:  # nobody has this field; scikit-learn refuses a matrix without columns
        return matrix
    return normalize(matrix, copy=False).astype(np.float32) * np.float32(np.sqrt(weight))
