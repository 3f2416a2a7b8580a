"""Signals, traits and the frame that curves are learned from, out of the parts of a log on Spark; see `scale.spark`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from cine_recommender.evaluation.splits import RELEVANT
from cine_recommender.fusion.features import Features
from cine_recommender.fusion.options import HybridOptions
from cine_recommender.fusion.training import Frame, drawn_people, framed, looked_at
from cine_recommender.fusion.traits import Sums, Traits, sums_of, traits_of_sums
from cine_recommender.interactions import Interactions, Ints
from cine_recommender.scale.spark import Parts
from cine_recommender.signals import ease, graph, neighbours, succession
from cine_recommender.signals.filmtofilm import SparseWeights
from cine_recommender.signals.signal import FilmFacts
from cine_recommender.signals.weighing import Weighing

Doubles = npt.NDArray[np.float64]
Options = Mapping[str, Any]
_BLOCK = 1024


def cooccurrence(parts: Parts, weighing: Weighing, films: Ints) -> Doubles:
    """Returns XᵀX of some films, float64 (n, n) in Fortran's order, of which the upper triangle counts.

    Args:
        parts: of a log.
        weighing: what each rating counts.
        films: int32 (n,), ascending.
    """

    def pairs(part: Interactions) -> Iterator[tuple[int, sp.csr_matrix]]:
        liked = _liked(part, weighing)[:, films].tocsr()
        by_film = liked.T.tocsr()
        for first in range(0, len(films), _BLOCK):
            # a part adds up few people: float32 is exact there, and float64 from part to part
            yield first, (by_film[first : first + _BLOCK] @ liked[:, first:]).tocsr().astype(np.float64)

    found = np.zeros((len(films), len(films)), order="F")
    for first, block in parts.rdd.flatMap(pairs).reduceByKey(lambda one, other: one + other).toLocalIterator():
        found[first : first + block.shape[0], first:] = block.toarray()
    return found


def fit_ease(parts: Parts, options: Options) -> ease.Ease:
    """Learns EASE as `ease.fit` does; its Gram matrix is inverted on the driver.

    Raises:
        pydantic.ValidationError: An option is unknown or out of range.
    """
    chosen = ease.EaseOptions(**options)
    films = ease.taking_part(_often(parts, chosen), chosen)
    among = ease.solved(cooccurrence(parts, chosen, films), chosen.reg)
    return ease.among_films(among, films, len(parts.film_ids), chosen)


def fit_items(parts: Parts, options: Options) -> neighbours.ItemNeighbours:
    """Finds neighbours as `neighbours.fit_items` does.

    Raises:
        pydantic.ValidationError: An option is unknown or out of range.
    """
    chosen = neighbours.NeighbourOptions(**options)
    ratings = int(_often(parts, chosen).sum())
    busy = parts.summed(
        lambda part: neighbours.sum_of_busy(_liked(part, chosen), chosen), lambda one, other: one + other
    )

    def less(part: Interactions) -> sp.csr_matrix:
        return neighbours.busy_less(_liked(part, chosen), ratings, busy, chosen)

    squares = parts.summed(lambda part: np.asarray(less(part).power(2).sum(axis=0)).ravel().astype(np.float64), np.add)
    sizes = np.power(squares, chosen.damp).astype(np.float32)
    found = parts.blocks(_products(less), lambda first, block: neighbours.alike(block, first, sizes, chosen))
    return neighbours.ItemNeighbours(SparseWeights(found), chosen)


def fit_succession(parts: Parts, options: Options) -> succession.Succession:
    """Counts as `succession.fit` does.

    Raises:
        pydantic.ValidationError: An option is unknown or out of range.
    """
    chosen = succession.SuccessionOptions(**options)
    films = len(parts.film_ids)
    often = parts.summed(lambda part: np.bincount(part.films, minlength=films), np.add)
    held = succession.held_back(often, chosen)

    def both_ways(part: Interactions) -> Iterator[tuple[int, sp.csr_matrix]]:
        followed = succession.counted(part, chosen)
        both = (followed + chosen.backwards * followed.T).tocsr()
        for first in range(0, films, _BLOCK):
            yield first, both[first : first + _BLOCK]

    found = parts.blocks(both_ways, lambda first, block: succession.nearest_of(block, first, held, chosen))
    return succession.Succession(SparseWeights(found), chosen)


def fit_walks(parts: Parts, facts: FilmFacts | None, options: Options) -> graph.Walks:
    """Walks as `graph.fit` does; walks of two hops are summed on the driver.

    Raises:
        pydantic.ValidationError: An option is unknown or out of range.
    """
    chosen = graph.GraphOptions(**options)
    often = _often(parts, chosen)
    leaving = parts.summed(lambda part: np.asarray(_liked(part, chosen).sum(axis=0)).ravel().astype(np.float64), np.add)
    ways = graph.facts_walked(facts, chosen)
    held = graph.held_back(often, ways, chosen)
    through = [
        (weight, graph.steps(way, chosen.alpha), graph.steps(way.T.tocsr(), chosen.alpha)) for weight, way in ways
    ]

    def hops(part: Interactions) -> Iterator[tuple[int, sp.csr_matrix]]:
        liked = _liked(part, chosen)
        there, back = graph.steps(liked.T.tocsr(), chosen.alpha, leaving), graph.steps(liked, chosen.alpha)
        for first in range(0, len(often), _BLOCK):
            yield first, there[first : first + _BLOCK] @ back

    def ends(first: int, block: sp.csr_matrix) -> sp.csr_matrix:
        rows = slice(first, first + block.shape[0])
        summed = block + sum(weight * (there[rows] @ back) for weight, there, back in through)
        return graph.best_ends(summed.tocsr(), held, chosen.keep, first)

    hop = parts.blocks(hops, ends)
    return graph.Walks(SparseWeights(graph.second_hop(hop, held, chosen) if chosen.second else hop), chosen)


def traits(parts: Parts, facts: FilmFacts) -> Traits:
    """Counts as `fusion.traits.traits_of` does: popularity, how films are liked, where they stand in histories, and the weeks."""
    first = parts.summed(lambda part: sums_of(part).first_week if len(part) else 1 << 30, min)
    whole = parts.summed(lambda part: sums_of(part, first), _sums_added)
    whole.weeks.sum_duplicates()
    return traits_of_sums(whole, facts)


def frame(parts: Parts, features: Features, options: HybridOptions, seed: int) -> Frame:
    """Returns what curves are learned from, as `fusion.training.rehearsed` has it: films worth a look for people drawn by lot.

    Args:
        parts: of the whole log; everybody's last fifth is what is to be found.
        features: of the log without that; sent to all workers.
        options: how many people and films.
        seed: of the people drawn.

    Raises:
        TooFewRatings: Nobody has enough films before and one liked among the last.
    """
    before, after = parts.cut()
    enough = before.history_lengths() >= options.least_history
    people = len(parts.person_ids)
    liked = after.summed(lambda part: np.bincount(part.people[part.ratings >= RELEVANT], minlength=people), np.add) > 0
    drawn = drawn_people(np.flatnonzero(enough & liked), options, seed)
    shared = parts.rdd.context.broadcast(features)

    def rows(pair: tuple[Interactions, Interactions]) -> list[Frame]:
        first, last = pair
        mine = drawn[np.isin(drawn, first.people)].tolist()
        return [looked_at(shared.value, one, first.history(one), last.history(one), options) for one in mine]

    return framed(before.rdd.zip(after.rdd).flatMap(rows).collect())


def _liked(part: Interactions, weighing: Weighing) -> sp.csr_matrix:
    return part.matrix(weighing.learned(part.ratings))


def _often(parts: Parts, weighing: Weighing) -> npt.NDArray[np.int64]:
    """Returns how many ratings that count each film has."""
    films = len(parts.film_ids)
    return parts.summed(lambda part: np.bincount(_liked(part, weighing).indices, minlength=films), np.add)


def _products(
    of: Callable[[Interactions], sp.csr_matrix],
) -> Callable[[Interactions], Iterator[tuple[int, sp.csr_matrix]]]:
    def blocks(part: Interactions) -> Iterator[tuple[int, sp.csr_matrix]]:
        liked = of(part)
        by_film = liked.T.tocsr()
        for first in range(0, by_film.shape[0], _BLOCK):
            yield first, by_film[first : first + _BLOCK] @ liked

    return blocks


def _sums_added(one: Sums, other: Sums) -> Sums:
    weeks = max(one.weeks.shape[0], other.weeks.shape[0])
    longer = [sp.csr_matrix((part.weeks.data, part.weeks.indices, _padded(part.weeks.indptr, weeks)),
                            shape=(weeks, one.weeks.shape[1])) for part in (one, other)]  # fmt: skip
    return Sums(
        rated=one.rated + other.rated,
        liked=one.liked + other.liked,
        stars=one.stars + other.stars,
        places=one.places + other.places,
        weeks=longer[0] + longer[1],
        first_week=one.first_week,
    )


def _padded(starts: npt.NDArray[Any], rows: int) -> npt.NDArray[Any]:
    return np.concatenate([starts, np.full(rows + 1 - len(starts), starts[-1], dtype=starts.dtype)])
