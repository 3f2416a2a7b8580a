"""The hybrid: signals read for a person, put together by learned curves (profile `tuned`) or by stated weights (profile `default`)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar, Final, Self

import numpy as np
import numpy.typing as npt

from cine_recommender.domain.taste import COMPONENTS, Ranked, SignalView
from cine_recommender.fusion.additive import Additive
from cine_recommender.fusion.calibration import Calibration, sigmoid
from cine_recommender.fusion.features import FEATURES, READINGS, Features, Person
from cine_recommender.fusion.options import HybridOptions
from cine_recommender.fusion.stated import SOURCES, WEIGHTS, Stated
from cine_recommender.interactions import Floats, History, Ints, Mask
from cine_recommender.signals.context import Context, Situation
from cine_recommender.signals.signal import Contribution

PROFILES: Final = ("tuned", "default")
_FEELING = 0.5  # logits between neutral and the best reviews there can be: stated, since no log tells of reviews
_SUITING = 1.5  # likewise for an occasion
_OF_FEATURE = np.array([COMPONENTS.index(one.component) for one in FEATURES])
# what features without a film-to-film matrix are called where signals are listed: by what they are
_SIGNAL_OF = tuple(one.signal or one.component + " facts" for one in FEATURES)
_SENTIMENT, _CONTEXT, _POPULARITY = (COMPONENTS.index(name) for name in ("sentiment", "context", "popularity"))
_MORE = 3  # films asked about besides those that are told as reasons


@dataclass(frozen=True)
class Hybrid:
    """Ranks films for anybody.

    Attributes:
        features: makes columns.
        curves: what each column is worth, of `tuned`.
        calibration: from its logits to scores.
        stated: of `default`.
        options: how it was learned.
        context: what suits which occasion; None where nothing is known of films.
        feelings: float32 (films,): mean sentiment of reviews, -1 to 1; 0 for unknown.
        order: `PROFILES`, the one that is used unless another is asked for first.
    """

    name: ClassVar[str] = "hybrid"

    features: Features
    curves: Additive
    calibration: Calibration
    stated: Stated
    options: HybridOptions
    context: Context | None
    feelings: Floats
    order: tuple[str, ...] = PROFILES

    def __len__(self) -> int:
        return len(self.features.traits.counts)

    def preferring(self, profile: str) -> Self:
        """Returns the same with another profile first.

        Raises:
            ValueError: It is unknown.
        """
        first = self._chosen(profile)
        return replace(self, order=(first, *(one for one in self.order if one != first)))

    def scores(
        self, histories: Sequence[History], now: npt.NDArray[np.int64] | None = None, profile: str = ""
    ) -> Floats:
        """Returns float32 (histories, films), for evaluation: films that are not worth a look stand behind all others, by popularity.

        Args:
            histories: whose.
            now: the moment of each; None for that of the last rating.
            profile: one of `PROFILES`; empty for the first of `order`.
        """
        often = self.features.traits.often
        out = np.repeat((often / (often.max(initial=0) + 1) - 2)[None, :], len(histories), axis=0).astype(np.float32)
        for row, history in enumerate(histories):
            moment = int(now[row]) if now is not None else int(history.times[-1]) if len(history) else 0
            allowed = self.features.traits.counts > 0
            allowed[history.films] = False
            found = self.rank(history, now=moment, profile=profile, allowed=allowed, depth=len(self))
            # by place: scores of neighbours may be too near for float32
            out[row, found.rows] = np.linspace(1, 0, len(found.rows), dtype=np.float32)
        return out

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
        """Returns the best films for somebody; see `TasteModel.rank`."""
        person = self.features.person(history, now)
        readings = self.features.readings(person)
        among = np.ones(len(self), dtype=np.bool_) if allowed is None else allowed
        suiting = self._suiting(situation)
        rows = self.features.candidates(person, readings, among, self.options.candidates, suiting)
        table = self.features.table(person, rows, {name: one[rows] for name, one in readings.items()})
        logits, shares = self._told(table, rows, person.activity, profile, suiting)
        best = np.argsort(-logits, kind="stable")[:depth]
        return Ranked(rows[best], shares[best].sum(axis=1), shares[best])

    def scored(
        self, history: History, rows: Ints, *, now: int, profile: str = "", situation: Situation | None = None
    ) -> Floats:
        """Returns each component's share of the score of some films, float32 (rows, 6): as `rank` has them, for any film."""
        person = self.features.person(history, now)
        return self._shares(person, rows, self.features.spoken(history.films, rows), profile, situation)

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
        """Returns the films of the history that speak most for each film; see `TasteModel.reasons`.

        The films that say most of it in any reading are left out one by one, and it is scored anew.
        """
        if not len(history) or not len(rows):
            return [() for _ in rows]
        spoken = self.features.spoken(history.films, rows)
        person = self.features.person(history, now)
        score = self._scored(person, rows, spoken, profile, situation)[0]
        asked = _suspects(person, spoken, min(len(history), most + _MORE))
        places, position = np.unique(asked, return_inverse=True)
        less = self.features.person(history, now, places)
        amounts = score - self._scored(less, rows, spoken, profile, situation)
        position = position.reshape(asked.shape)
        found: list[Sequence[Contribution]] = []
        for at in range(len(rows)):
            told = [
                Contribution(int(history.films[places[one]]), float(amounts[one, at]))
                for one in position[:, at].tolist()
            ]
            speaking = [one for one in told if one.amount > 0]
            found.append(sorted(speaking, key=lambda one: (-one.amount, one.film))[:most])
        return found

    def views(
        self, history: History, rows: Ints, *, now: int, profile: str = "", situation: Situation | None = None
    ) -> list[Sequence[SignalView]]:
        """Returns what each signal knew of each film; see `TasteModel.views`.

        In `tuned` a score of one half says nothing for or against a film, and weights are how far curves swing; in `default` scores are
        shares of films beaten, and weights the stated ones.
        """
        person = self.features.person(history, now)
        table = self.features.table(person, rows, _read(person.weights, self.features.spoken(history.films, rows)))
        feelings, suits = self._beside(rows, self._suiting(situation))
        if self._chosen(profile) == "default":
            scores = self.stated.scores(table, feelings, suits)
            return [
                [
                    SignalView(SOURCES.get(name, name), name, WEIGHTS[name], float(row[at]))
                    for at, name in enumerate(COMPONENTS)
                ]
                for row in scores
            ]
        given = self.curves.contributions(table, person.activity)
        swings = np.append(self.curves.swings(), [_FEELING, _SUITING])
        swings /= swings.sum()
        names = dict.fromkeys(_SIGNAL_OF)
        told: list[list[SignalView]] = [[] for _ in rows]
        for name in names:
            mine = [at for at, one in enumerate(_SIGNAL_OF) if one == name]
            summed = sigmoid(given[:, mine].sum(axis=1).astype(np.float64))
            for row, score in zip(told, summed, strict=True):
                row.append(SignalView(name, COMPONENTS[_OF_FEATURE[mine[0]]], float(swings[mine].sum()), float(score)))
        for name, parts, swing in (("sentiment", _FEELING * feelings, -2), ("context", _SUITING * suits, -1)):
            for row, score in zip(told, sigmoid(parts.astype(np.float64)), strict=True):
                row.append(SignalView(name, name, float(swings[swing]), float(score)))
        return list(told)

    def _scored(
        self,
        person: Person,
        rows: Ints,
        spoken: Mapping[str, Floats],
        profile: str,
        situation: Situation | None,
    ) -> npt.NDArray[np.float64]:
        """Returns the score of each film by each history, float64 (histories, rows)."""
        shares = self._shares(person, rows, spoken, profile, situation)
        summed: npt.NDArray[np.float64] = shares.sum(axis=1, dtype=np.float64).reshape(-1, len(rows))
        return summed

    def _shares(
        self,
        person: Person,
        rows: Ints,
        spoken: Mapping[str, Floats],
        profile: str,
        situation: Situation | None,
    ) -> Floats:
        """Returns each component's share of the score, float32 (histories * rows, 6), history by history."""
        table = self.features.table(person, rows, _read(person.weights, spoken))
        many = np.tile(rows, len(person.years))
        return self._told(table, many, person.activity, profile, self._suiting(situation))[1]

    def _chosen(self, profile: str) -> str:
        chosen = profile or self.order[0]
        if chosen not in PROFILES:
            raise ValueError(f"unknown profile {chosen!r}; there are {', '.join(PROFILES)}")
        return chosen

    def _suiting(self, situation: Situation | None) -> Floats | None:
        if self.context is None or situation is None:
            return None
        return self.context.suiting(situation)

    def _beside(self, rows: Ints, suiting: Floats | None) -> tuple[Floats, Floats]:
        """Returns what is known of films beside their features, float32 (rows,) each: mean sentiment, and how well they suit."""
        return self.feelings[rows], suiting[rows] if suiting is not None else np.zeros(len(rows), dtype=np.float32)

    def _told(
        self, table: Floats, rows: Ints, activity: float, profile: str, suiting: Floats | None
    ) -> tuple[Floats, Floats]:
        """Returns what to order by, float32 (rows,), and each component's share of the score, float32 (rows, 6)."""
        feelings, suits = self._beside(rows, suiting)
        if self._chosen(profile) == "default":
            shares = self.stated.shares(table, feelings, suits)
            return shares.sum(axis=1), shares
        given = self.curves.contributions(table, activity)
        parts = np.zeros((len(rows), len(COMPONENTS)), dtype=np.float32)
        for component in range(len(COMPONENTS)):
            parts[:, component] = given[:, component == _OF_FEATURE].sum(axis=1)
        parts[:, _SENTIMENT] += _FEELING * feelings
        parts[:, _CONTEXT] += _SUITING * suits
        base = self.curves.intercept(activity)
        shares = self.calibration.shares(base, parts)
        # what any film is worth before anything speaks for it is what people in general like
        shares[:, 1 + _POPULARITY] += shares[:, 0]
        return base + parts.sum(axis=1), shares[:, 1:]


def _read(weights: Mapping[str, Floats], spoken: Mapping[str, Floats]) -> dict[str, Floats]:
    """Returns the readings of some films: weights of a history times what its films say of them."""
    return {one.name: weights[one.weighing] @ spoken[one.signal] for one in READINGS}


def _suspects(person: Person, spoken: Mapping[str, Floats], most: int) -> npt.NDArray[np.intp]:
    """Returns which films of a history say most of each film, by place in it: (most, rows)."""
    said = np.zeros(next(iter(spoken.values())).shape, dtype=np.float32)
    for one in READINGS:
        part = person.weights[one.weighing][0][:, None] * spoken[one.signal]
        # readings have scales of their own: each says what share of it a film is
        said += part / (np.abs(part).sum(axis=0, keepdims=True) + np.float32(1e-6))
    return np.argsort(-said, axis=0, kind="stable")[:most]
