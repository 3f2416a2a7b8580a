"""Figures of the content model that need nobody's ratings, for its manifest."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from cine_recommender.training.features import Features
from cinemesh.artifacts import Metric

_SAMPLE = 500
_NEIGHBOURS = 10


def measure(features: Features, member: npt.NDArray[np.bool_]) -> dict[str, Metric]:
    """Measure whether texts and people alone find films of the same genres.

    For up to 500 films with a text, drawn by a fixed seed, the ten nearest films are found without looking at genres;
    the figure is the mean Jaccard index of the genres of a film and its neighbours. Random pairs are the floor.
    """
    generator = np.random.default_rng(0)
    rows = features.described
    if len(rows) <= _NEIGHBOURS:
        return {}
    sample = generator.choice(len(rows), min(_SAMPLE, len(rows)), replace=False)
    terms = features.terms[rows, features.genre_columns :]
    likeness = (terms[sample] @ terms.T).toarray() + features.meaning[sample] @ features.meaning.T
    likeness[np.arange(len(sample)), sample] = -1
    nearest = np.argpartition(-likeness, _NEIGHBOURS, axis=1)[:, :_NEIGHBOURS]
    genres = member[:, rows].T
    random = generator.integers(0, len(rows), nearest.shape)
    return {
        "neighbour_genre_jaccard": Metric(
            value=round(_jaccard(genres, sample, nearest), 4),
            protocol=f"{len(sample)} films, seed 0: genres of the {_NEIGHBOURS} films nearest by text and people alone",
        ),
        "random_genre_jaccard": Metric(
            value=round(_jaccard(genres, sample, random), 4), protocol="the same with random films: the floor"
        ),
    }


def _jaccard(genres: npt.NDArray[np.bool_], left: npt.NDArray[np.int64], right: npt.NDArray[np.int64]) -> float:
    both = (genres[left][:, None] & genres[right]).sum(axis=2)
    either = (genres[left][:, None] | genres[right]).sum(axis=2)
    return float((both / np.maximum(either, 1)).mean())
