"""An answer as it was shown: who got it, which films, and why these."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from cine_recommender.domain.taste import COMPONENTS
from cine_recommender.interactions import Floats, Ints


@dataclass(frozen=True, slots=True)
class Because:
    """A film of the person's own that speaks for one shown.

    Attributes:
        movie_id: the film.
        share: by how much the score would fall without it, 0 to 1.
        stars: what the person rated it, 0 to 5; None when they did not.
    """

    movie_id: int
    share: float
    stars: float | None = None


@dataclass(frozen=True, slots=True)
class Told:
    """Why a film is recommended, as the person was told.

    Attributes:
        text: a sentence or two.
        because: films named or meant, most first.
        worded_by: `template`, or the language model.
    """

    text: str
    because: Sequence[Because] = ()
    worded_by: str = "template"


@dataclass(frozen=True, slots=True)
class SignalUsed:
    """A signal behind an answer.

    Attributes:
        signal: its name, such as "ease".
        model: model behind it, such as "ease/20261121T004300".
        weight: its weight in the profile, 0 to 1.
    """

    signal: str
    model: str
    weight: float


@dataclass(frozen=True, slots=True)
class Details:
    """What was known of the films shown; the first axis is the films in the order they were shown, n of them.

    Attributes:
        ranks: int32 (n,), place over all pages, from 1.
        ranks_by_score: int32 (n,), place by score alone, from 1.
        scores: float32 (n,), 0 to 1.
        shares: float32 (n, 6), each component's share of the score, in the order of `taste.COMPONENTS`.
        told: (n,), why each was recommended, as it was told.
        signals: (s,), the signals behind the answer; none when details of signals are not known.
        signal_scores: float32 (n, s), each signal's own score of each film, calibrated, 0 to 1.
        signal_ranks: int32 (n, s), each signal's place for the film among the films that were ranked, from 1; 0 when unknown.
        signal_because: (place of the film from 0, place of the signal from 0) → films of the person's own behind that score.
    """

    ranks: Ints
    ranks_by_score: Ints
    scores: Floats
    shares: Floats
    told: Sequence[Told]
    signals: Sequence[SignalUsed]
    signal_scores: Floats
    signal_ranks: Ints
    signal_because: Mapping[tuple[int, int], Sequence[Because]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Checks that all parts are about the same films and signals.

        Raises:
            ValueError: they are not.
        """
        films, signals = len(self.scores), len(self.signals)
        shapes = {
            "ranks": (self.ranks.shape, (films,)),
            "ranks_by_score": (self.ranks_by_score.shape, (films,)),
            "scores": (self.scores.shape, (films,)),
            "shares": (self.shares.shape, (films, len(COMPONENTS))),
            "told": ((len(self.told),), (films,)),
            "signal_scores": (self.signal_scores.shape, (films, signals)),
            "signal_ranks": (self.signal_ranks.shape, (films, signals)),
        }
        for name, (is_, wanted) in shapes.items():
            if is_ != wanted:
                raise ValueError(f"{name} of an impression has the shape {is_}, not {wanted}")


@dataclass(frozen=True, slots=True)
class Impression:
    """An answer that was given.

    Attributes:
        request_id: names the answer.
        user_id: who got it; empty for somebody without an account.
        created_at: when.
        movie_ids: films shown, in their order; those of the page asked for.
        details: what was known of them, as `impression_bytes.encode` wrote it. Called once or more, on any thread and after the answer has
            left, so that it may take its time: it must hold on to the models it needs, not need the event loop, and say the same each time.
        model: models that answered, such as "hybrid/20261121T004300".
        profile: weights used.
        rung: rung of the ladder that answered.
        experiment_id: experiment it was part of; empty for none.
        variant: variant of the experiment; empty for none.
        degraded_reason: what was missing; empty when nothing was.
    """

    request_id: str
    user_id: str
    created_at: dt.datetime
    movie_ids: Sequence[int]
    details: Callable[[], bytes]
    model: str = ""
    profile: str = ""
    rung: str = ""
    experiment_id: str = ""
    variant: str = ""
    degraded_reason: str = ""
