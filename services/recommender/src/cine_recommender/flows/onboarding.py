"""Films to ask somebody about of whom little is known."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from concurrent.futures import Executor
from dataclasses import dataclass

import numpy as np

from cine_recommender.domain.onboarding import POOL, information, most_telling
from cine_recommender.flows.asking import Asking, Caller
from cine_recommender.flows.pipeline import Models
from cine_recommender.interactions import Ints


@dataclass(frozen=True, eq=False)
class Picks:
    """Films to ask about, serialized `FilmCard`s, most telling first; and how many ratings of the person there are."""

    cards: Sequence[bytes]
    rating_count: int


class Onboarding:
    """Picks films to ask about.

    Args:
        asking: who asks, and the models of the moment.
        executor: threads for the work of models.
    """

    def __init__(self, asking: Asking, executor: Executor) -> None:
        self._asking, self._executor = asking, executor

    async def picks(self, user_id: str, limit: int, exclude: Sequence[int]) -> Picks:
        """Returns films whose rating would say most about somebody; never one they know, refused, or were asked about.

        Args:
            user_id: who is asked.
            limit: films wanted.
            exclude: ids of films asked about before.

        Raises:
            Unavailable: there is no model.
        """
        caller = await self._asking.caller(user_id)
        models, _, _ = await self._asking.models()
        asked = np.array(exclude, dtype=np.int32)
        chosen = await asyncio.get_running_loop().run_in_executor(self._executor, _chosen, models, caller, asked, limit)
        cards = [models.content.cards.card(row) for row in chosen.tolist()]
        return Picks(cards, caller.known.rating_count)


def _chosen(models: Models, caller: Caller, asked: Ints, limit: int) -> Ints:
    content, known = models.content, caller.known
    told = information(content.rating_counts, content.filters.mean_ratings)
    away = np.concatenate([known.movie_ids, known.seen, known.refused, known.dismissed, asked])
    told[models.numbering.known_rows(away)] = 0
    never = [content.genres.index(name) for name in caller.preferences.excluded_genres if name in content.genres]
    if never:
        told[content.filters.in_genre[never].any(axis=0)] = 0
    pool = np.argsort(-told, kind="stable")[: max(POOL, limit)].astype(np.int32)
    pool = pool[told[pool] > 0]
    if not len(pool):
        return pool
    return pool[most_telling(told[pool], content.likeness.among(pool), limit)]
