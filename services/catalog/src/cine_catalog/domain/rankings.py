"""Popular, trending and top-rated: three orders of the same films, computed once a generation.

Top-rated uses the damped mean (r̄ᵢ·nᵢ + m·r̄) / (nᵢ + m), r̄ the mean of all ratings and m the damping: a film needs many good votes,
not one perfect one (the Bayesian average with a prior of m votes). Trending compares a film's share of the recent
ratings with its share of all ratings, both smoothed, so that a film everybody always watches is not "trending".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from cine_catalog.domain.audience import Figures
from cine_catalog.domain.film import Film

#: Ratings' worth of the overall mean that every film starts with.
DAMPING = 50.0
#: Recent ratings that an unknown film is granted before its growth is believed.
TREND_SMOOTHING = 8.0


def damped_mean(rating: np.ndarray, count: np.ndarray, damping: float = DAMPING) -> np.ndarray:
    """Returns (n,) damped mean ratings, 0 to 5.

    Args:
        rating: (n,) mean rating of each film, 0 to 5, anything where count is 0.
        count: (n,) number of ratings ≥ 0.
        damping: prior votes m ≥ 0; 0 with a count of 0 gives the overall mean.
    """
    total = float(count.sum())
    overall = float((rating * count).sum() / total) if total else 0.0
    weight = count + damping
    return np.where(weight > 0, (rating * count + damping * overall) / np.where(weight > 0, weight, 1.0), overall)


def trend(recent: np.ndarray, count: np.ndarray, smoothing: float = TREND_SMOOTHING) -> np.ndarray:
    """Returns (n,) growth: share of recent ratings over share of all, smoothed; 0 for films without recent ratings.

    Args:
        recent: (n,) ratings in the recent window.
        count: (n,) ratings in all, ≥ recent.
        smoothing: pseudo-ratings added to the recent side, spread as all ratings are.
    """
    everything, lately = float(count.sum()), float(recent.sum())
    if not everything or not lately:
        return np.zeros(len(count))
    expected = count / everything * lately
    growth = (recent + smoothing) / (expected + smoothing)
    # growth alone would put a film with one vote on top: weigh it by how many people it moved lately
    return np.where(recent > 0, np.log(growth) * np.log1p(recent), 0.0)


@dataclass(frozen=True)
class Ranking:
    """An order of films: (k,) ordinals, best first, over all films and for each genre."""

    overall: np.ndarray
    by_genre: dict[str, np.ndarray]

    def of(self, genre: str | None) -> np.ndarray:
        """Returns the order for a canonical genre, or for all films."""
        return self.overall if genre is None else self.by_genre.get(genre, self.overall[:0])


@dataclass(frozen=True)
class Rankings:
    """The three lists, and the damped rating behind one of them ((n,) float64, 0 to 5)."""

    popular: Ranking
    trending: Ranking
    top_rated: Ranking
    damped_rating: np.ndarray


def figures_of(films: Sequence[Film]) -> Figures:
    """Returns the figures that the data gives its films."""
    return Figures(
        count=np.array([film.rating_count for film in films], dtype=np.float64),
        rating=np.array([film.average_rating for film in films], dtype=np.float64),
        recent=np.array([film.recent_rating_count for film in films], dtype=np.float64),
        popularity=np.array([film.popularity for film in films], dtype=np.float64),
    )


def genre_members(films: Sequence[Film]) -> dict[str, np.ndarray]:
    """Returns, for each genre, which films have it: (n,) bool."""
    members: dict[str, np.ndarray] = {}
    for ordinal, film in enumerate(films):
        for genre in film.genres:
            members.setdefault(genre, np.zeros(len(films), dtype=bool))[ordinal] = True
    return members


def rank(figures: Figures, members: Mapping[str, np.ndarray]) -> Rankings:
    """Returns the lists of a catalogue; films nobody rated are in none but "popular", where they come last.

    Args:
        figures: numbers of the films, by ordinal.
        members: genre → (n,) bool.
    """
    count = figures.count
    damped = damped_mean(figures.rating, count)

    def ranking(score: np.ndarray, eligible: np.ndarray) -> Ranking:
        # equal scores: the more rated first, then the order of the catalogue, so that pages are stable
        order = np.lexsort((np.arange(len(score)), -count, -score))
        order = order[eligible[order]]
        return Ranking(order, {genre: order[mask[order]] for genre, mask in members.items()})

    return Rankings(
        popular=ranking(figures.popularity, np.ones(len(count), dtype=bool)),
        trending=ranking(trend(figures.recent, count), figures.recent > 0),
        top_rated=ranking(damped, count > 0),
        damped_rating=damped,
    )
