"""What a person asks for, in the terms of the catalogue."""

from __future__ import annotations

from collections.abc import Container
from dataclasses import dataclass, field, replace

from cine_recommender.domain.filters import Filters
from cine_recommender.language.wish import Wish
from cine_recommender.signals.context import Situation


@dataclass(frozen=True, slots=True)
class Question:
    """What to recommend.

    Attributes:
        filters: what a film must be.
        situation: when, where and in what mood it will be watched.
        like_movie_ids: films that count as liked for this answer alone, and are not part of it.
        about: what the films should be about, to be matched by meaning; empty for anything.
        include_seen: whether films the person has seen may come back.
        diversity: 0 to 1; None for the usual one.
        profile: weights to use; empty for those that serve.
    """

    filters: Filters = field(default_factory=Filters)
    situation: Situation = field(default_factory=Situation)
    like_movie_ids: tuple[int, ...] = ()
    about: str = ""
    include_seen: bool = False
    diversity: float | None = None
    profile: str = ""

    def narrowed(self, wish: Wish, people: Container[str] | None = None) -> Question:
        """Returns the question with what a wish in words adds: a field that was filled in keeps what it says.

        Years belong together, and so do the two running times: where one of them was filled in, the wish says nothing of either.

        Args:
            wish: what was understood.
            people: those that films can be asked for by; others of the wish are looked for by meaning. None for everybody.
        """
        mine = self.filters
        known = tuple(name for name in wish.people if people is None or name in people)
        about = " ".join((wish.about, *(name for name in wish.people if name not in known))).strip()
        years = (mine.year_min, mine.year_max) if mine.year_min or mine.year_max else (wish.year_min, wish.year_max)
        runtimes = (
            (mine.runtime_min, mine.runtime_max)
            if mine.runtime_min or mine.runtime_max
            else (wish.runtime_min, wish.runtime_max)
        )
        filters = replace(
            mine,
            genres=mine.genres or wish.genres,
            excluded_genres=tuple(name for name in wish.excluded_genres if name not in mine.genres),
            services=mine.services or wish.services,
            languages=mine.languages or wish.languages,
            people=mine.people or known,
            year_min=years[0],
            year_max=years[1],
            runtime_min=runtimes[0],
            runtime_max=runtimes[1],
        )
        situation = replace(self.situation, mood=self.situation.mood or wish.mood)
        return replace(self, filters=filters, situation=situation, like_movie_ids=wish.like_movie_ids, about=about)
