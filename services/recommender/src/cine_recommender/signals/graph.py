"""Random walks over films, people who rated them, and what films share: genres, directors and cast, keywords (RP3β; Paudel et al., 2017).

A walk goes from a film of the history to somebody who liked it, or to a genre, a keyword, a person of the film, and from there to another
film: a hop. Each step is a transition of the graph to the power `alpha`, and where a walk ends is held back by how much leads there, to the
power `beta`. With two hops a film is found that shares nothing with the history but a film between them. Walks of a whole history are
a sum over its films, so what each of them gave is exact. It is what stands for the trained network without the `train` extra.
"""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp
from pydantic import Field

from cine_recommender.interactions import Floats, Interactions
from cine_recommender.signals.blocks import stacked
from cine_recommender.signals.filmtofilm import FilmToFilm, SparseWeights
from cine_recommender.signals.neighbours import nearest
from cine_recommender.signals.signal import FilmFacts
from cine_recommender.signals.weighing import Weighing


class GraphOptions(Weighing):
    """How walks go."""

    alpha: float = Field(
        default=0.5, gt=0, le=3, description="power of each step's probability; above 1 the likely ones more so"
    )
    beta: float = Field(default=0.5, ge=0, le=1.5, description="how much films that much leads to are held back")
    keep: int = Field(default=500, ge=1, description="ends to keep for each film")
    genres: float = Field(default=0.0, ge=0, le=1, description="share of walks through a genre")
    people: float = Field(default=0.02, ge=0, le=1, description="share of walks through a director or actor")
    keywords: float = Field(default=0.02, ge=0, le=1, description="share of walks through a keyword")
    second: float = Field(default=0.0, ge=0, le=1, description="weight of walks of two hops beside those of one")


class Walks(FilmToFilm):
    """Where random walks from the films of the history end."""

    name: ClassVar[str] = "rp3beta"
    options: ClassVar[type[Weighing]] = GraphOptions


def fit(interactions: Interactions, facts: FilmFacts | None, options: dict[str, Any], seed: int) -> Walks:  # noqa: ARG001
    """Walks from every film; options are those of `GraphOptions`. No walk is drawn by lot: all are summed.

    Without facts there are only people to walk through.

    Raises:
        pydantic.ValidationError: An option is unknown or out of range.
    """
    chosen = GraphOptions(**options)
    liked = interactions.matrix(chosen.learned(interactions.ratings))
    by_film = liked.T.tocsr()
    ways = facts_walked(facts, chosen)
    through = [(weight, steps(way, chosen.alpha), steps(way.T.tocsr(), chosen.alpha)) for weight, way in ways]
    through.append((1.0, steps(by_film, chosen.alpha), steps(liked, chosen.alpha)))
    held = held_back(np.diff(by_film.indptr), ways, chosen)

    def hops(first: int, end: int) -> sp.csr_matrix:
        summed = sum(weight * (there[first:end] @ back) for weight, there, back in through)
        return best_ends(summed.tocsr(), held, chosen.keep, first)

    hop = stacked(liked.shape[1], liked.shape[1], hops)
    return Walks(SparseWeights(second_hop(hop, held, chosen) if chosen.second else hop), chosen)


Ways = list[tuple[float, sp.csr_matrix]]
"""What is walked through besides people: its weight, and (films, n)."""


def facts_walked(facts: FilmFacts | None, options: GraphOptions) -> Ways:
    """Returns the ways through what films share."""
    if facts is None:
        return []
    shared = ((options.genres, facts.genres), (options.people, facts.people), (options.keywords, facts.keywords))
    return [(weight, sp.csr_matrix(way)) for weight, way in shared if weight and way.shape[1]]


def held_back(liked: npt.NDArray[Any], ways: Ways, options: GraphOptions) -> Floats:
    """Returns what walks that end at each film are multiplied by, float32 (films,).

    Args:
        liked: (films,), how many people liked each.
        ways: of `facts_walked`.
        options: how much.
    """
    leading = liked + sum(weight * np.asarray(way.astype(bool).sum(axis=1)).ravel() for weight, way in ways)
    held: Floats = np.power(np.maximum(leading, 1), -options.beta).astype(np.float32)
    return held


def second_hop(hop: sp.csr_matrix, held: Floats, options: GraphOptions) -> sp.csr_matrix:
    """Returns hops and, beside them, hops from where they end."""
    # the way on from a film is taken with its probability, not held back twice
    free = hop @ sp.diags(1 / held)
    onward = sp.diags(1 / np.maximum(np.asarray(free.sum(axis=1)).ravel(), 1e-12)) @ free

    def both(first: int, end: int) -> sp.csr_matrix:
        mine = free[first:end]
        return best_ends((mine + options.second * (mine @ onward)).tocsr(), held, options.keep, first)

    return stacked(hop.shape[0], hop.shape[0], both)


def best_ends(ends: sp.csr_matrix, held: Floats, keep: int, first: int) -> sp.csr_matrix:
    """Returns where walks from some films, those from number `first` on, end most often; ends are altered."""
    rows = first + np.repeat(np.arange(ends.shape[0]), np.diff(ends.indptr))
    ends.data = (ends.data * held[ends.indices]).astype(np.float32)
    ends.data[rows == ends.indices] = 0  # a film is not a reason for itself
    ends.eliminate_zeros()
    return nearest(ends, keep)


def steps(way: sp.csr_matrix, alpha: float, leaving: npt.NDArray[Any] | None = None) -> sp.csr_matrix:
    """Returns the probability of each step, by row, to a power.

    Args:
        way: (n, m).
        alpha: the power.
        leaving: (n,), what leaves each row in the whole log, where `way` is a part of it.
    """
    sums = np.asarray(way.sum(axis=1)).ravel() if leaving is None else leaving
    found = (sp.diags(1 / np.maximum(sums, 1e-12)) @ way).tocsr().astype(np.float32)
    found.data **= np.float32(alpha)
    return found
