"""How well each film suits each genre: the part of a CineMatch answer that can be known in advance."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import polars as pl

from cine_recommender.training.features import Features
from cine_recommender.training.films import Films
from cine_recommender.training.options import ContentOptions

Floats = npt.NDArray[np.float32]
Booleans = npt.NDArray[np.bool_]

_DAMPING = 25.0
"""Imagined ratings at the mean of all films: three perfect votes do not beat three thousand good ones."""
_VOTES_A_RATING = 200.0
"""Outside votes (IMDb, TMDb) that say as much as one rating of our own: they are coarser and there are far more."""
_MAX_OUTSIDE = 30.0
"""Most ratings that outside votes stand for: only some films have any, and they must not outshine the others for it."""
_DILUTION = 0.08
"""What each further genre of a film takes from its belonging to one of them."""
_FULL_MARKS = 99.0
"""Percentile of a genre's own films that counts as wholly typical of it."""


def prior(films: Films) -> Floats:
    """Return how good and how well known each film is, 0 to 1, whatever anyone's taste.

    Half is a damped mean rating (2.5 counts as 0, 4.5 as 1), half the logarithm of the number of ratings against the
    most rated film. A film without any rating gets the mean rating and no fame.
    """
    table = films.table
    own, votes = _column(table, "rating_count"), _column(table, "external_votes")
    outside = np.minimum(votes / _VOTES_A_RATING, _MAX_OUTSIDE)
    outside *= _column(table, "external_rating") > 0
    total = own * _column(table, "average_rating") + outside * _column(table, "external_rating")
    count = own + outside
    mean = total.sum() / count.sum() if count.sum() > 0 else 3.0
    quality = np.clip(((total + _DAMPING * mean) / (count + _DAMPING) - 2.5) / 2.0, 0, 1)
    fame = np.log1p(count)
    if fame.max() > 0:
        fame = fame / fame.max()
    combined: Floats = (0.5 * quality + 0.5 * fame).astype(np.float32)
    return combined


def membership(films: Films, genres: tuple[str, ...]) -> Booleans:
    """Return which film is listed under which genre, (genres, films)."""
    listed = films.table.select("genres").with_row_index("row").explode("genres").drop_nulls()
    member = np.zeros((len(genres), len(films)), dtype=bool)
    if genres:
        column = np.searchsorted(np.array(genres), listed["genres"].to_numpy().astype(np.str_))
        member[column, listed["row"].to_numpy()] = True
    return member


def typicality(features: Features, member: Booleans, prior: Floats) -> Floats:
    """Return how much each film's texts and people are like those of each genre, (genres, films), 0 to 1.

    A genre's profile is the mean of its films, better and better known ones counting more, minus the mean of all films:
    what is typical of it and not of films in general. The genre's own name is left out, or it would only repeat the
    listing. Films without texts and people get 0.
    """
    everyone = np.ones(len(prior), dtype=np.float32)
    shares = np.vstack([_share(prior * one) for one in member] + [_share(prior * everyone)]) if len(member) else None
    if shares is None:
        return np.zeros(member.shape, dtype=np.float32)
    terms = features.terms[:, features.genre_columns :]
    profile = np.asarray(terms.T @ shares.T).T
    likeness = np.asarray(terms @ (profile[:-1] - profile[-1]).T).T
    if len(features.described):
        meaning = shares[:, features.described] @ features.meaning
        likeness[:, features.described] += (meaning[:-1] - meaning[-1]) @ features.meaning.T
    for row, one in zip(likeness, member, strict=True):
        own = row[one & (row > 0)]
        row /= np.percentile(own, _FULL_MARKS) if own.size else 1.0
    clipped: Floats = np.clip(likeness, 0, 1).astype(np.float32)
    return clipped


def genre_scores(features: Features, member: Booleans, prior: Floats, options: ContentOptions) -> Floats:
    """Return the score of every film for every genre, and for none, float32 (genres + 1, films), 0 to 1.

    The score for several genres is the mean of their rows: the prior is part of each row, so rankings of single genres
    can be combined (see `domain.ranking`).
    """
    listed = member / (1 + _DILUTION * np.maximum(member.sum(axis=0) - 1, 0))
    likeness = options.membership_weight * listed + (1 - options.membership_weight) * typicality(
        features, member, prior
    )
    scores = (1 - options.prior_weight) * likeness + options.prior_weight * prior
    return np.vstack([scores, prior]).astype(np.float32)


def _share(weight: Floats) -> Floats:
    total = weight.sum()
    return (weight / total if total > 0 else weight).astype(np.float32)


def _column(table: pl.DataFrame, name: str) -> npt.NDArray[np.float64]:
    return table[name].to_numpy().astype(np.float64)
