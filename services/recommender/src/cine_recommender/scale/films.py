"""Made-up films: how much each is watched, what it is like, when it came out; and what a catalogue would say of it.

A film has shares in a few tastes, and how often it is watched falls with its rank as in MovieLens 32M: half of all people rated the first,
one in two hundred number 4,400, ten people number 32,000. Words, makers, keywords and texts go with the tastes, none of them with a name.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from cine_recommender.interactions import Floats, Ints
from cine_recommender.scale.shape import FILMS, Shape
from cine_recommender.signals.signal import FilmFacts
from cinemesh.vocabulary import MOVIELENS_GENRES

Doubles = npt.NDArray[np.float64]

TASTES: Final = 40
_YEAR = 365.25 * 86_400
_FIRST_YEAR, _LAST_YEAR = 1902, 2023
_RANKS = np.array([1, 10, 100, 1_000, 4_400, 12_300, 32_000, 60_000, FILMS])
_WATCHED = np.array([0.95, 0.65, 0.27, 0.04, 0.005, 5e-4, 5e-5, 1.2e-5, 4e-6])
"""How often the film of each of these ranks is drawn for a person; between them straight lines of logarithms.

Nobody rates a film twice, so of the first ones more is drawn than there are people who rate them.
"""
_TERMS, _WORDS = 40_000, 45
_CREW, _KEYWORDS, _TAGGED = 12, 12_000, 8
_DIMENSIONS = 256


@dataclass(frozen=True)
class World:
    """What films are, before anybody rates them.

    Attributes:
        weights: float64 (films,), how often each is watched, summing to 1.
        tastes: float32 (films, tastes), shares that sum to 1.
        quality: float32 (films,), what people think of it, about standard normal.
        years: int32 (films,), of release.
        released: float64 (films,), Unix seconds.
        prior: float64 (tastes,), how much is watched of each taste, summing to 1.
    """

    weights: Doubles
    tastes: Floats
    quality: Floats
    years: Ints
    released: Doubles
    prior: Doubles

    def __len__(self) -> int:
        return len(self.weights)

    @cached_property
    def likely(self) -> Floats:
        """float32 (tastes, films): what somebody of one taste alone watches, each row summing to 1."""
        watched = self.tastes.T * self.weights
        found: Floats = (watched / watched.sum(axis=1, keepdims=True)).astype(np.float32)
        return found


def world_of(shape: Shape, seed: int) -> World:
    """Makes films up; equal shapes and seeds make equal films."""
    draw = np.random.default_rng([seed, 1])
    films = shape.films
    # a smaller log lacks the rare ones, as MovieLens small does
    ranks = np.arange(1, films + 1)
    weights = np.exp(np.interp(np.log(ranks), np.log(_RANKS), np.log(_WATCHED)))
    order = draw.permutation(films)
    popular = np.empty(films)
    popular[order] = np.linspace(1, -1, films)
    tastes = draw.gamma(0.12, size=(films, TASTES)).astype(np.float32) + np.float32(1e-5)
    tastes /= tastes.sum(axis=1, keepdims=True)
    mine = np.empty(films)
    mine[order] = weights / weights.sum()
    years = np.maximum(_LAST_YEAR - draw.gamma(1.2, 20, films), _FIRST_YEAR)
    quality = 0.5 * popular + draw.standard_normal(films)
    return World(
        weights=mine,
        tastes=tastes,
        quality=(quality / quality.std()).astype(np.float32),
        years=years.astype(np.int32),
        released=(years - 1970) * _YEAR,
        prior=np.asarray(mine @ tastes, dtype=np.float64),
    )


def facts_of_world(world: World, seed: int) -> FilmFacts:
    """Returns what a catalogue of the size of the real one would say of the films."""
    draw = np.random.default_rng([seed, 2])
    films = len(world)
    cumulative = np.cumsum(world.tastes.astype(np.float64), axis=1)
    genres = np.zeros((films, len(MOVIELENS_GENRES)), dtype=np.float32)
    for _ in range(2):
        genres[np.arange(films), drawn(cumulative, np.arange(films), draw) % genres.shape[1]] = 1
    meaning = world.tastes @ draw.standard_normal((TASTES, _DIMENSIONS)).astype(np.float32)
    meaning += draw.standard_normal((films, _DIMENSIONS), dtype=np.float32) * np.float32(0.5)
    meaning /= np.linalg.norm(meaning, axis=1, keepdims=True)
    keywords = _bag(cumulative, _KEYWORDS, _TAGGED, draw)
    keywords.data[:] = 1
    crew = _bag(cumulative, max(200, 2 * films), _CREW, draw)
    crew.data[:] = 1
    return FilmFacts(
        years=world.years,
        genres=genres,
        terms=_rarity(_bag(cumulative, _TERMS, _WORDS, draw)),
        people=crew,
        keywords=keywords,
        meaning=meaning,
        runtimes=draw.normal(105, 20, films).clip(40, 240).astype(np.int32),
        genre_names=tuple(MOVIELENS_GENRES),
        keyword_names=tuple(f"keyword {at}" for at in range(_KEYWORDS)),
    )


def drawn(cumulative: Doubles, rows: npt.NDArray[np.int64], draw: np.random.Generator) -> npt.NDArray[np.int64]:
    """Returns a column drawn for each of `rows`, int64 (len(rows),).

    Args:
        cumulative: float64 (n, m), running sums of each row's chances, ending at about 1.
        rows: which row each is drawn from.
        draw: lots.
    """
    width = cumulative.shape[1]
    # rows one after another make a single ascending list: row r lies between r and r + 1
    line = (np.minimum(cumulative, 1 - 1e-12) + np.arange(len(cumulative))[:, None]).ravel()
    places = np.searchsorted(line, rows + draw.random(len(rows)) * (1 - 1e-9), side="right")
    found: npt.NDArray[np.int64] = np.minimum(places - rows * width, width - 1)
    return found


def _bag(cumulative: Doubles, size: int, each: int, draw: np.random.Generator) -> sp.csr_matrix:
    """Returns names drawn for each film by its tastes, float32 (films, size): common names often, rare ones seldom."""
    films = len(cumulative)
    rows = np.repeat(np.arange(films), each)
    tastes = drawn(cumulative, rows, draw)
    # of each taste its own names, the first ones more often (Zipf, about); a third of all names belong to none
    free = draw.random(len(rows)) < 1 / 3
    names = (size * draw.random(len(rows)) ** 3).astype(np.int64)
    own = names - names % TASTES + tastes
    columns = np.minimum(np.where(free, names, own), size - 1)
    found = sp.csr_matrix((np.ones(len(rows), np.float32), (rows, columns)), shape=(films, size))
    found.sum_duplicates()
    return found


def _rarity(counts: sp.csr_matrix) -> sp.csr_matrix:
    """Returns TF-IDF with rows of length 1."""
    often = np.bincount(counts.indices, minlength=counts.shape[1])
    counts.data *= np.log((counts.shape[0] + 1) / (often + 1)).astype(np.float32)[counts.indices]
    lengths = np.sqrt(np.asarray(counts.multiply(counts).sum(axis=1)).ravel())
    return (sp.diags((1 / np.maximum(lengths, 1e-9)).astype(np.float32)) @ counts).tocsr()
