"""The hybrid: signals read for a person, put together by learned curves (profile `tuned`) or by stated weights (profile `default`)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import ClassVar, Final, Self

import numpy as np
import numpy.typing as npt

from cine_recommender.domain.taste import COMPONENTS, Ranked, Signal, Views
from cine_recommender.fusion.calibration import sigmoid
from cine_recommender.fusion.features import FEATURES, READINGS, Features, Person
from cine_recommender.fusion.options import HybridOptions
from cine_recommender.fusion.sessions import Learned, Sessions
from cine_recommender.fusion.stated import SOURCES, WEIGHTS, Stated
from cine_recommender.interactions import Floats, History, Ints, Mask
from cine_recommender.signals.context import Context, Situation
from cine_recommender.signals.signal import Contribution

PROFILES: Final = ("tuned", "default")
Arranged = Callable[[History, Ranked], Ints]
"""From a history and a ranking to its rows in the order in which they are shown."""
LEARNERS: Final = {
    "ease": "ease",
    "ease-all": "ease",
    "succession": "succession",
    "graph": "rp3beta",
    "content": "content",
}
"""The model behind each film-to-film signal. The graph is walked at random (RP3β): LightGCN is trained with torch, and only judged."""
_FEELING = 0.5  # logits between neutral and the best reviews there can be: stated, since no log tells of reviews
_SUITING = 1.5  # likewise for an occasion
_OF_FEATURE = np.array([COMPONENTS.index(one.component) for one in FEATURES])
# what features without a film-to-film matrix are called where signals are listed: by what they are
_SIGNAL_OF = tuple(one.signal or one.component + " facts" for one in FEATURES)
_SIGNAL_NAMES = tuple(dict.fromkeys(_SIGNAL_OF))
# (features, signals): whose each feature is
_OF_SIGNAL = np.array([[name == one for name in _SIGNAL_NAMES] for one in _SIGNAL_OF], dtype=np.float32)
_OF_COMPONENT = np.array([[part == one for part in range(len(COMPONENTS))] for one in _OF_FEATURE], dtype=np.float32)
_SENTIMENT, _CONTEXT, _POPULARITY = (COMPONENTS.index(name) for name in ("sentiment", "context", "popularity"))
_STATED = np.array([WEIGHTS[name] for name in COMPONENTS], dtype=np.float32)
_MORE = 3  # films asked about besides those that are told as reasons


@dataclass(frozen=True)
class _Told:
    """What is made of the features of some films.

    Attributes:
        logits: float32 (rows,), what to order by.
        shares: float32 (rows, 6), each component's share of the score.
        said: float32 (rows, n), what is behind them: in `tuned` what each feature, sentiment and context add to the logit, in `default`
            each component's score.
    """

    logits: Floats
    shares: Floats
    said: Floats

    @property
    def scores(self) -> npt.NDArray[np.float64]:
        summed: npt.NDArray[np.float64] = self.shares.sum(axis=1, dtype=np.float64)
        return summed


@dataclass(frozen=True)
class Hybrid:
    """Ranks films for anybody.

    Attributes:
        features: makes columns.
        sessions: what each column is worth, of `tuned`.
        stated: of `default`.
        options: how it was learned.
        context: what suits which occasion; None where nothing is known of films.
        feelings: float32 (films,): mean sentiment of reviews, -1 to 1; 0 for unknown.
        order: `PROFILES`, the one that is used unless another is asked for first.
    """

    name: ClassVar[str] = "hybrid"

    features: Features
    sessions: Sessions
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
        self,
        histories: Sequence[History],
        now: npt.NDArray[np.int64] | None = None,
        profile: str = "",
        arranged: Arranged | None = None,
    ) -> Floats:
        """Returns float32 (histories, films), for evaluation: films that are not worth a look stand behind all others, by popularity.

        Args:
            histories: whose.
            now: the moment of each; None for that of the last rating.
            profile: one of `PROFILES`; empty for the first of `order`.
            arranged: what else than the score decides the order; None for nothing.
        """
        often = self.features.traits.often
        out = np.repeat((often / (often.max(initial=0) + 1) - 2)[None, :], len(histories), axis=0).astype(np.float32)
        for row, history in enumerate(histories):
            moment = int(now[row]) if now is not None else int(history.times[-1]) if len(history) else 0
            allowed = self.features.traits.counts > 0
            allowed[history.films] = False
            found = self.rank(history, now=moment, profile=profile, allowed=allowed, depth=len(self))
            rows = found.rows if arranged is None else arranged(history, found)
            # by place: scores of neighbours may be too near for float32
            out[row, rows] = np.linspace(1, 0, len(rows), dtype=np.float32)
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
        heard = self.features.readings(person)
        among = np.ones(len(self), dtype=np.bool_) if allowed is None else allowed
        suiting = self._suiting(situation)
        rows = self.features.candidates(person, heard, among, self.options.candidates, suiting)
        table = self.features.table(person, rows, heard.of(rows))
        told = self._told(table, rows, person, profile, suiting)
        best = np.argsort(-told.logits, kind="stable")[:depth]
        shares = told.shares[best]
        views = self._views(told.said[best], profile)
        signals = self._signals[self._chosen(profile), bool(person.going_on[0])]
        return Ranked(rows[best], shares.sum(axis=1), shares, views, signals)

    def scored(
        self, history: History, rows: Ints, *, now: int, profile: str = "", situation: Situation | None = None
    ) -> Floats:
        """Returns each component's share of the score of some films, float32 (rows, 6): as `rank` has them, for any film."""
        person = self.features.person(history, now)
        readings = _read(person, self.features.stacked.between(history.films, rows))
        table = self.features.table(person, rows, {name: one[0] for name, one in readings.items()})
        return self._told(table, rows, person, profile, self._suiting(situation)).shares

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
        spoken = self.features.stacked.between(history.films, rows)
        suiting = self._suiting(situation)
        person = self.features.person(history, now)
        readings = {name: one[0] for name, one in _read(person, spoken).items()}
        whole = self.features.table(person, rows, readings)
        score = self._told(whole, rows, person, profile, suiting).scores
        asked = _suspects(person, spoken, min(len(history), most + _MORE))
        places, position = np.unique(asked, return_inverse=True)
        # of all histories without a film and all films only those pairs matter in which the one says much of the other
        pairs = position.reshape(asked.shape).T.ravel()
        at = np.repeat(np.arange(len(rows)), len(asked))
        less = self.features.person(history, now, places)
        readings = {name: one[pairs, at] for name, one in _read(less, spoken).items()}
        paired = less.each(pairs)
        table = self.features.table(paired, rows[at], readings)
        lost = score[at] - self._told(table, rows[at], paired, profile, suiting).scores
        films, amounts = history.films[places[pairs]].reshape(len(rows), -1), lost.reshape(len(rows), -1)
        order = np.lexsort((films, -amounts))[:, :most]
        return [
            [
                Contribution(int(film), float(amount))
                for film, amount in zip(of[best], each[best], strict=True)
                if amount > 0
            ]
            for of, each, best in zip(films, amounts, order, strict=True)
        ]

    @cached_property
    def _signals(self) -> dict[tuple[str, bool], tuple[Signal, ...]]:
        """The signals behind the scores of a profile, in a session and later, in the order of the columns of `_views`."""
        return {(profile, which): self._behind(profile, which) for profile in PROFILES for which in (True, False)}

    def _behind(self, profile: str, going_on: bool) -> tuple[Signal, ...]:
        """Returns what a score is made of.

        In `tuned` a view of one half says nothing for or against a film, and weights are how far curves swing; in `default` views are
        shares of films beaten, and weights the stated ones.
        """
        if profile == "default":
            sources = [(SOURCES.get(name, name), name) for name in COMPONENTS]
            return tuple(Signal(source, name, WEIGHTS[name], _learner(source)) for source, name in sources)
        swings = np.append(self._learned(going_on).curves.swings() @ _OF_SIGNAL, [_FEELING, _SUITING])
        components = [COMPONENTS[_OF_FEATURE[_SIGNAL_OF.index(name)]] for name in _SIGNAL_NAMES]
        return tuple(
            Signal(name, component, float(weight), _learner(name))
            for name, component, weight in zip(
                (*_SIGNAL_NAMES, "sentiment", "context"),
                (*components, "sentiment", "context"),
                swings / swings.sum(),
                strict=True,
            )
        )

    def _views(self, said: Floats, profile: str) -> Views:
        if self._chosen(profile) == "default":
            return said.astype(np.float16)
        summed = np.column_stack([said[:, :-2] @ _OF_SIGNAL, said[:, -2:]])
        return sigmoid(summed.astype(np.float64)).astype(np.float16)

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

    def _learned(self, going_on: bool) -> Learned:
        return self.sessions.going_on if going_on else self.sessions.later

    def _told(self, table: Floats, rows: Ints, person: Person, profile: str, suiting: Floats | None) -> _Told:
        """Says what is made of films: of one history, or of one for each film."""
        feelings, suits = self._beside(rows, suiting)
        if self._chosen(profile) == "default":
            scores = self.stated.scores(table, feelings, suits)
            shares = scores * _STATED
            return _Told(shares.sum(axis=1), shares, scores)
        if person.going_on.all() or not person.going_on.any():
            return self._fused(self._learned(bool(person.going_on[0])), table, person.activity, feelings, suits)
        # without the last film it may be a long time since the one before
        one, other = (
            self._fused(self._learned(which), table, person.activity, feelings, suits) for which in (True, False)
        )
        mine = person.going_on
        return _Told(
            np.where(mine, one.logits, other.logits),
            np.where(mine[:, None], one.shares, other.shares),
            np.where(mine[:, None], one.said, other.said),
        )

    def _fused(self, learned: Learned, table: Floats, activity: float, feelings: Floats, suits: Floats) -> _Told:
        given = learned.curves.contributions(table, activity)
        feeling, suited = _FEELING * feelings, _SUITING * suits
        parts = given @ _OF_COMPONENT
        parts[:, _SENTIMENT] += feeling
        parts[:, _CONTEXT] += suited
        base = learned.curves.intercept(activity)
        shares = learned.calibration.shares(base, parts)
        # what any film is worth before anything speaks for it is what people in general like
        shares[:, 1 + _POPULARITY] += shares[:, 0]
        said = np.column_stack([given, feeling, suited])
        return _Told(base + parts.sum(axis=1), shares[:, 1:], said)


def _learner(source: str) -> str:
    """Returns which model a signal or one of its readings comes from."""
    return LEARNERS.get(source.partition(":")[0], "")


def _read(person: Person, spoken: Mapping[str, Floats]) -> dict[str, Floats]:
    """Returns the readings of some films, float32 (histories, films): weights of a history times what its films say of them."""
    return {one.name: person.weights[one.weighing] @ spoken[one.signal] for one in READINGS}


def _suspects(person: Person, spoken: Mapping[str, Floats], most: int) -> npt.NDArray[np.intp]:
    """Returns which films of a history say most of each film, by place in it: (most, rows)."""
    said = np.zeros(next(iter(spoken.values())).shape, dtype=np.float32)
    for one in READINGS:
        part = person.weights[one.weighing][0][:, None] * spoken[one.signal]
        # readings have scales of their own: each says what share of it a film is
        said += part / (np.abs(part).sum(axis=0, keepdims=True) + np.float32(1e-6))
    return np.argsort(-said, axis=0, kind="stable")[:most]
