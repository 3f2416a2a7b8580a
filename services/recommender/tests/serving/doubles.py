"""A small honest model of taste and the people around it, for tests of what serves it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

from cine_recommender.domain.impression import Impression
from cine_recommender.domain.known import Known
from cine_recommender.domain.preferences import Preferences
from cine_recommender.domain.taste import COMPONENTS, Predicted, Ranked, Signal, TasteModel
from cine_recommender.experiments.assignment import Assignment
from cine_recommender.interactions import Floats, History, Interactions, Ints, Mask
from cine_recommender.signals import ease
from cine_recommender.signals.context import Situation
from cine_recommender.signals.signal import Contribution
from cinemesh.errors import Unavailable

NOW = 1_800_000_000
_COLLABORATIVE, _POPULARITY, _CONTEXT = (COMPONENTS.index(name) for name in ("collaborative", "popularity", "context"))
_EASE, _POPULAR, _SITUATION = 0.2, 0.1, 0.05


def ratings_of(movie_ids: Ints, people: int = 80, seed: int = 3) -> Interactions:
    """People of four tastes over the films of a catalogue."""
    draw = np.random.default_rng(seed)
    films = len(movie_ids)
    rows = []
    for person in range(people):
        likely = np.where(np.arange(films) % 4 == person % 4, 5.0, 1.0) / (1 + np.arange(films) % 17)
        seen = draw.choice(films, size=min(films, int(draw.integers(10, 40))), replace=False, p=likely / likely.sum())
        rows += [(person, int(film), 4.5 if film % 4 == person % 4 else 3.0) for film in seen]
    numbers, rated, stars = (np.array(column) for column in zip(*rows, strict=True))
    return Interactions(
        numbers.astype(np.int32), rated.astype(np.int32), stars.astype(np.float32),
        np.arange(len(rows), dtype=np.int64) + 1_700_000_000, np.arange(people, dtype=np.int64), movie_ids,
    )  # fmt: skip


class TinyTaste:
    """EASE, popularity and a little context, scaled so that scores stay between 0 and 1: a `TasteModel`.

    Args:
        movie_ids: films of the catalogue; it knows all but the first, and numbers them in its own way.
    """

    def __init__(self, movie_ids: Ints, name: str = "hybrid/tiny") -> None:
        self.name = name
        self.film_ids: Ints = np.random.default_rng(1).permutation(movie_ids[1:]).astype(np.int32)
        self.profiles: tuple[str, ...] = ("tuned", "default")
        log = ratings_of(self.film_ids)
        self._ease = ease.fit(log, None, {"reg": 20.0}, 0)
        counts = np.bincount(log.films, minlength=len(self.film_ids))
        self._popular = (counts / counts.max()).astype(np.float32)
        self.ranked = 0
        self.broken = False

    def history(self, movie_ids: Ints, ratings: Floats, times: npt.NDArray[np.int64]) -> History:
        place = {int(movie_id): row for row, movie_id in enumerate(self.film_ids)}
        kept = [at for at, movie_id in enumerate(movie_ids.tolist()) if movie_id in place]
        rows = np.array([place[int(movie_ids[at])] for at in kept], dtype=np.int32)
        return History(rows, ratings[kept], times[kept])

    def rank(
        self,
        history: History,
        *,
        now: int,
        profile: str = "",
        situation: Situation | None = None,
        allowed: Mask | None = None,
        depth: int = 500,
    ) -> Ranked:
        self.ranked += 1
        if self.broken:
            raise RuntimeError("broken on purpose")
        if profile and profile not in self.profiles:
            raise ValueError(f"unknown profile {profile}")
        shares = self._shares(history, profile, situation)
        scores = shares.sum(axis=1)
        rows = np.flatnonzero(allowed if allowed is not None else np.ones(len(scores), bool))
        best = rows[np.argsort(-scores[rows], kind="stable")][:depth].astype(np.int32)
        said = np.clip(self._ease.scores([history])[0], 0, 1)
        signals = (Signal("ease", "collaborative", self._weight(profile)),)
        return Ranked(best, scores[best], shares[best], said[best][:, None].astype(np.float16), signals)

    def reasons(
        self,
        history: History,
        rows: Ints,
        *,
        now: int,
        profile: str = "",
        situation: Situation | None = None,
        most: int = 3,
    ) -> list[Sequence[Contribution]]:
        weight = self._weight(profile)
        said = [self._ease.explain(history, int(row)) for row in rows]
        return [[Contribution(one.film, one.amount * weight) for one in each if one.amount > 0][:most] for each in said]

    def predict(self, history: History, rows: Ints) -> list[Predicted]:
        mean = float(history.ratings.mean()) if len(history) else 3.5
        return [Predicted(mean, max(mean - 1, 0.5), min(mean + 1, 5)) for _ in rows]

    def _weight(self, profile: str) -> float:
        return _EASE / 2 if profile == "default" else _EASE

    def _shares(self, history: History, profile: str, situation: Situation | None) -> Floats:
        shares = np.zeros((len(self.film_ids), len(COMPONENTS)), dtype=np.float32)
        shares[:, _COLLABORATIVE] = self._weight(profile) * self._ease.scores([history])[0]
        shares[:, _POPULARITY] = _POPULAR * self._popular + 0.3
        if situation is not None and situation != Situation():
            shares[:, _CONTEXT] = _SITUATION * (np.arange(len(self.film_ids)) % 2)
        return shares


def known(
    rated: Sequence[tuple[int, float]] = (),
    *,
    seen: Sequence[int] = (),
    refused: Sequence[int] = (),
    dismissed: Sequence[tuple[int, int]] = (),
    version: int = 1,
    last: int = NOW - 86_400,
) -> Known:
    """What is known of somebody who rated films an hour apart, the last one at `last`."""
    put_aside = sorted(dismissed)
    times = last - 3600 * np.arange(len(rated), dtype=np.int64)[::-1]
    return Known(
        movie_ids=np.array([film for film, _ in rated], dtype=np.int32),
        ratings=np.array([stars for _, stars in rated], dtype=np.float32),
        times=times,
        seen=np.unique(np.array([*(film for film, _ in rated), *seen], dtype=np.int32)),
        refused=np.unique(np.array(refused, dtype=np.int32)),
        dismissed=np.array([film for film, _ in put_aside], dtype=np.int32),
        dismissed_at=np.array([at for _, at in put_aside], dtype=np.int64),
        rating_count=len(rated),
        version=version,
    )


@dataclass
class People:
    """What is remembered of people, what they prefer, in which experiment they are; and what was taken down."""

    known: dict[str, Known] = field(default_factory=dict)
    preferences: dict[str, Preferences] = field(default_factory=dict)
    assigned: dict[str, Assignment] = field(default_factory=dict)
    taken_down: list[Impression] = field(default_factory=list)
    away: bool = False

    async def memory_of(self, user_id: str) -> Known:
        if self.away:
            raise Unavailable("the store does not answer")
        return self.known.get(user_id, Known())

    async def preferences_of(self, user_id: str) -> Preferences:
        return self.preferences.get(user_id, Preferences())

    def rate(self, user_id: str, movie_id: int, stars: float, at: int) -> None:
        """Adds a rating, as the memory would show it."""
        before = self.known.get(user_id, Known())
        self.known[user_id] = replace(
            before,
            movie_ids=np.append(before.movie_ids, np.int32(movie_id)),
            ratings=np.append(before.ratings, np.float32(stars)),
            times=np.append(before.times, np.int64(at)),
            seen=np.unique(np.append(before.seen, np.int32(movie_id))),
            rating_count=before.rating_count + 1,
            version=before.version + 1,
        )


@dataclass(frozen=True)
class FixedTaste:
    """A hybrid model that never changes, or none."""

    taste: TasteModel | None = None
    taste_reason: str = ""


class NoPreferences:
    """People who said nothing of their taste."""

    async def of(self, user_id: str) -> Preferences:
        return Preferences()
