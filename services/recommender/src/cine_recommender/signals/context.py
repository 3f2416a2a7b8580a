"""Context: which films suit the time of day, the weekday, the device, the mood and the minutes at hand.

What suits what is stated in `context_rules.toml`, to be read and changed by people; nothing of it is learned. Each occasion is turned
into a row of amounts over all films once; an answer is the mean of a few rows.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, Field

from cine_recommender.interactions import Floats, History, Interactions, Ints
from cine_recommender.signals.signal import Contribution, FilmFacts
from cine_recommender.signals.storage import Array, read_arrays, write_arrays
from cinemesh.vocabulary import MOVIELENS_GENRES

_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_HOURS = ((5, "night"), (12, "morning"), (18, "afternoon"), (23, "evening"), (24, "night"))
_TOO_LONG = 15.0  # minutes above the time at hand at which a film does not suit at all
_OUTSIDE = 0.5  # what a film loses that is far longer or shorter than films of the occasion


class UnknownOccasion(ValueError):
    """An occasion that no rule speaks of; the message names those that there are."""


class _Rule(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    genres: dict[str, float] = Field(default_factory=dict)
    keywords: dict[str, float] = Field(default_factory=dict)
    minutes: tuple[int, int] | None = None


class Rules(BaseModel):
    """What suits which occasion: a rule for each value of each kind of occasion."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    time_of_day: dict[str, _Rule]
    weekday: dict[str, _Rule]
    device: dict[str, _Rule]
    mood: dict[str, _Rule]

    def rows(self) -> dict[tuple[str, str], _Rule]:
        """Returns every rule by kind and value, in the order of the file."""
        return {(kind, value): rule for kind in type(self).model_fields for value, rule in getattr(self, kind).items()}


def read_rules(text: str) -> Rules:
    """Reads rules.

    Raises:
        ValueError: It is no TOML, lacks a kind of occasion, or names a genre that does not exist or an amount outside -1 to 1.
    """
    rules = Rules(**tomllib.loads(text))
    for (kind, value), rule in rules.rows().items():
        for name in rule.genres:
            if name not in MOVIELENS_GENRES:
                raise ValueError(f"{kind}.{value}: there is no genre {name!r}")
        for name, amount in {**rule.genres, **rule.keywords}.items():
            if not -1 <= amount <= 1:
                raise ValueError(f"{kind}.{value}: {name!r} has the amount {amount}, not one from -1 to 1")
        if rule.minutes is not None and not 0 <= rule.minutes[0] <= rule.minutes[1]:
            raise ValueError(f"{kind}.{value}: minutes {list(rule.minutes)} are no range")
    return rules


@cache
def stated_rules() -> Rules:
    """Returns the rules of `context_rules.toml`."""
    return read_rules(files("cine_recommender.signals").joinpath("context_rules.toml").read_text(encoding="utf-8"))


@dataclass(frozen=True)
class Situation:
    """What is known of an occasion; empty or 0 for what is not.

    Attributes:
        time_of_day: `morning`, `afternoon`, `evening` or `night`, where the person is.
        weekday: `monday` to `sunday`.
        device: `tv`, `desktop`, `tablet` or `phone`.
        mood: one of those that the rules know.
        minutes: time at hand.
    """

    time_of_day: str = ""
    weekday: str = ""
    device: str = ""
    mood: str = ""
    minutes: int = 0


class Context:
    """What suits an occasion, as a signal.

    Args:
        kinds: kind and value of each row.
        amounts: float32 (rows, films), -1 to 1.
        runtimes: int32 (films,), minutes; 0 for unknown.
    """

    name: ClassVar[str] = "context"

    def __init__(self, kinds: Sequence[tuple[str, str]], amounts: Floats, runtimes: Ints) -> None:
        self._kinds = {kind: row for row, kind in enumerate(kinds)}
        self._amounts = amounts
        self._runtimes = runtimes

    def moods(self) -> tuple[str, ...]:
        """Returns the moods it knows."""
        return tuple(value for kind, value in self._kinds if kind == "mood")

    def suiting(self, situation: Situation) -> Floats:
        """Returns how well each film suits, float32 (films,), -1 to 1; zeros where nothing is known of the occasion.

        Raises:
            UnknownOccasion: A mood, device, weekday or time of day that no rule speaks of.
        """
        rows = [
            self._amounts[self._row(kind, value)] for kind in Rules.model_fields if (value := getattr(situation, kind))
        ]
        if situation.minutes > 0:
            rows.append(fitting(self._runtimes, situation.minutes))
        if not rows:
            return np.zeros(self._amounts.shape[1], dtype=np.float32)
        return np.asarray(np.mean(rows, axis=0), dtype=np.float32)

    def scores(self, histories: Sequence[History], now: npt.NDArray[np.int64] | None = None) -> Floats:
        """Returns how well each film suits the moment, float32 (histories, films); zeros without moments.

        The history does not matter. Time of day and weekday are those of UTC: whoever knows where the person is asks `suiting`.
        """
        films = self._amounts.shape[1]
        if now is None:
            return np.zeros((len(histories), films), dtype=np.float32)
        return np.array([self.suiting(moment(int(one))) for one in now], dtype=np.float32).reshape(
            len(histories), films
        )

    def explain(self, history: History, film: int) -> list[Contribution]:  # noqa: ARG002
        """Returns nothing: it does not depend on what the person watched."""
        return []

    def save(self, folder: Path) -> None:
        """Writes the rows."""
        arrays: dict[str, Array] = {"amounts": self._amounts, "runtimes": self._runtimes}
        write_arrays(folder, self.name, arrays, {"kinds": [list(kind) for kind in self._kinds]})

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Reads what `save` wrote, mapped."""
        arrays, options = read_arrays(folder, cls.name)
        return cls([(kind, value) for kind, value in options["kinds"]], arrays["amounts"], arrays["runtimes"])

    def _row(self, kind: str, value: str) -> int:
        row = self._kinds.get((kind, value))
        if row is None:
            known = ", ".join(other for one, other in self._kinds if one == kind)
            raise UnknownOccasion(f"unknown {kind.replace('_', ' ')} {value!r}; known are {known}")
        return row


def fit(interactions: Interactions, facts: FilmFacts | None, options: dict[str, Any], seed: int) -> Context:  # noqa: ARG001
    """Applies the stated rules to the films; there are no options and nothing is learned.

    Raises:
        ValueError: There is an option, or nothing is told of the films, or genres or keywords have no names.
    """
    if options:
        raise ValueError(f"the context signal has no options, not {', '.join(sorted(options))}")
    if facts is None:
        raise ValueError("the context signal needs facts of the films")
    if len(facts.genre_names) != facts.genres.shape[1] or len(facts.keyword_names) != facts.keywords.shape[1]:
        raise ValueError("the context signal needs the names of genres and keywords")
    rules = stated_rules().rows()
    return Context(list(rules), np.vstack([amounts(rule, facts) for rule in rules.values()]), facts.runtimes)


def amounts(rule: _Rule, facts: FilmFacts) -> Floats:
    """Returns what a rule gives each film, float32 (films,), -1 to 1."""
    told = facts.genres @ _weights(rule.genres, facts.genre_names)
    told = told + facts.keywords @ _weights(rule.keywords, tuple(name.lower() for name in facts.keyword_names))
    if rule.minutes is not None:
        least, most = rule.minutes
        beside = np.maximum(np.maximum(least - facts.runtimes, facts.runtimes - most), 0) / 60
        told = told - np.where(facts.runtimes > 0, _OUTSIDE * np.minimum(beside, 1), 0)
    held: Floats = np.clip(told, -1, 1).astype(np.float32)
    return held


def _weights(stated: Mapping[str, float], names: Sequence[str]) -> Floats:
    return np.array([stated.get(name, 0) for name in names], dtype=np.float32)


def fitting(runtimes: Ints, minutes: int) -> Floats:
    """Returns how well runtimes fit the time at hand, float32 (films,).

    1 for a film that fills it, falling to 0 for one of half the time or less; -1 for one that is a quarter of an hour too long; 0 for
    unknown ones.
    """
    spare = minutes - runtimes.astype(np.float64)
    fits = np.where(spare >= 0, np.maximum(1 - 2 * spare / minutes, 0), np.maximum(1 + 2 * spare / _TOO_LONG, -1))
    return np.where(runtimes > 0, fits, 0).astype(np.float32)


def moment(seconds: int) -> Situation:
    """Returns time of day and weekday of a moment in Unix seconds, in UTC."""
    day, rest = divmod(seconds, 86_400)
    hour = rest // 3600
    # 1 January 1970 was a Thursday
    return Situation(time_of_day=next(name for end, name in _HOURS if hour < end), weekday=_DAYS[(day + 3) % 7])
