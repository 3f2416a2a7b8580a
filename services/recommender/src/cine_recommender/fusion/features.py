"""What is known of a film for a person, in columns: how the films of the history speak for it, and what it is.

Signals that are a sum over a history are read several times: by what was liked, by what was watched lately, by everything, by how far each
rating lies from the person's own mean. Each such reading is the sum over the history of a weight times what that film says of the other.
So a reading without one film of the history is known exactly without asking the models again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from cine_recommender.fusion.traits import DAY, Traits
from cine_recommender.interactions import Floats, History, Ints, Mask

_LIKED, _NEUTRAL = 4.0, 3.0
_YEAR = 365.25 * DAY
_LATELY = 20  # films of a history whose years say what is watched now


@dataclass(frozen=True)
class Feature:
    """A column.

    Attributes:
        name: of it.
        component: for which of `domain.taste.COMPONENTS` it counts.
        signal: the film-to-film matrix it reads; empty for none.
        weighing: how the history is weighed for that, a key of `weighings`.
        rising: whether more of it can only speak for a film.
    """

    name: str
    component: str
    signal: str = ""
    weighing: str = ""
    rising: bool = False


def _reading(signal: str, weighing: str, component: str) -> Feature:
    return Feature(f"{signal}:{weighing}", component, signal, weighing, rising=weighing != "leaning")


FEATURES: Final = (
    _reading("ease", "liked", "collaborative"),
    _reading("ease", "lately", "collaborative"),
    _reading("ease", "leaning", "collaborative"),
    _reading("ease-all", "watched", "collaborative"),
    _reading("ease-all", "leaning", "collaborative"),
    _reading("succession", "last", "collaborative"),
    _reading("succession", "lately", "collaborative"),
    _reading("graph", "liked", "graph"),
    _reading("graph", "lately", "graph"),
    _reading("content", "liked", "content"),
    _reading("content", "lately", "content"),
    Feature("genres", "content"),
    Feature("years apart", "content"),
    Feature("years from latest", "content"),
    Feature("often", "popularity"),
    Feature("liked often", "popularity"),
    Feature("mean", "popularity"),
    Feature("liked share", "popularity"),
    Feature("place", "popularity"),
    Feature("around 15 days", "popularity"),
    Feature("around 60 days", "popularity"),
    Feature("around 500 days", "popularity"),
    Feature("age", "popularity"),
)
READINGS: Final = tuple(one for one in FEATURES if one.signal)
SIGNALS: Final = tuple(dict.fromkeys(one.signal for one in READINGS))


def weighings(history: History) -> dict[str, Floats]:
    """Returns what each film of a history counts in each kind of reading, float32 (n,)."""
    stars = history.ratings
    back = np.arange(len(stars) - 1, -1, -1, dtype=np.float32)
    graded = np.where(stars >= _NEUTRAL, stars / np.float32(5), np.float32(0))
    mean = stars.mean() if len(stars) else np.float32(0)
    return {
        "liked": (stars >= _LIKED).astype(np.float32),
        "lately": np.exp(-back / 20) * graded,
        "last": np.exp(-back / 4) * graded,
        "watched": np.ones(len(stars), dtype=np.float32),
        "leaning": (stars - mean) / np.float32(5),
    }


@dataclass(frozen=True)
class Person:
    """Somebody as features see them.

    Attributes:
        history: what they rated.
        weights: of `weighings`, each divided by its own size so that long histories and short ones compare.
        activity: log(1 + number of ratings).
        genres: float32 (genres,): mean of what they liked.
        year: mean year of release of what they rated.
        late_year: likewise of the last films.
        now: Unix seconds.
    """

    history: History
    weights: Mapping[str, Floats]
    activity: float
    genres: Floats
    year: float
    late_year: float
    now: int


class Features:
    """Makes columns.

    Args:
        matrices: float32 csr (films, films) for each of `SIGNALS`: what each film, by row, says of each other.
        traits: of the films.
    """

    def __init__(self, matrices: Mapping[str, sp.csr_matrix], traits: Traits) -> None:
        self.matrices = matrices
        self.traits = traits
        self._known = traits.years > 0
        self._middle_year = float(traits.years[self._known].mean()) if self._known.any() else 0.0
        self._around: dict[tuple[int, float], Floats] = {}

    def person(self, history: History, now: int) -> Person:
        """Returns somebody as features see them."""
        weights = weighings(history)
        liked = history.films[weights["liked"] > 0] if weights["liked"].any() else history.films
        genres = self.traits.genres[liked].mean(axis=0) if len(liked) else np.zeros(self.traits.genres.shape[1])
        years = self.traits.years[history.films]
        years = years[years > 0]
        return Person(
            history=history,
            weights={name: one / np.float32(np.sqrt(np.abs(one).sum()) + 1) for name, one in weights.items()},
            activity=float(np.log1p(len(history))),
            genres=genres.astype(np.float32),
            year=float(years.mean()) if len(years) else self._middle_year,
            late_year=float(years[-_LATELY:].mean()) if len(years) else self._middle_year,
            now=now,
        )

    def readings(self, person: Person) -> dict[str, Floats]:
        """Returns each reading of all films, float32 (films,) by the feature's name."""
        films = len(self.traits.counts)
        found: dict[str, Floats] = {}
        for signal in SIGNALS:
            columns, values, lengths = _rows(self.matrices[signal], person.history.films)
            for one in READINGS:
                if one.signal == signal:
                    weights = np.repeat(person.weights[one.weighing], lengths)
                    found[one.name] = np.bincount(columns, values * weights, minlength=films).astype(np.float32)
        return found

    def spoken(self, films: Ints, rows: Ints) -> dict[str, Floats]:
        """Returns what films say of others in each signal, float32 (films, rows): with it, readings of parts of a history are cheap."""
        return {name: np.asarray(matrix[films][:, rows].toarray()) for name, matrix in self.matrices.items()}

    def table(self, person: Person, rows: Ints, readings: Mapping[str, Floats]) -> Floats:
        """Returns the features of films, float32 (rows, features).

        Args:
            person: whose.
            rows: int32 (n,), which films.
            readings: of each reading float32 (n,), of these films.
        """
        traits = self.traits
        years = traits.years[rows].astype(np.float32)
        known = years > 0
        columns = {
            **readings,
            "genres": traits.genres[rows] @ person.genres,
            "years apart": np.where(known, np.abs(years - person.year), 20),
            "years from latest": np.where(known, years - person.late_year, 0),
            "often": traits.often[rows],
            "liked often": traits.liked_often[rows],
            "mean": traits.means[rows],
            "liked share": traits.shares[rows],
            "place": traits.places[rows],
            "age": np.where(known, 1970 + person.now / _YEAR - years, -1),
            **{f"around {days} days": self.around(person.now, days)[rows] for days in (15, 60, 500)},
        }
        return np.stack([columns[one.name] for one in FEATURES], axis=1).astype(np.float32)

    def around(self, now: int, days: int) -> Floats:
        """Returns `Traits.watched_around` of a day; the last few are kept."""
        key = (now // DAY, days)
        found = self._around.get(key)
        if found is None:
            if len(self._around) > 64:
                self._around.clear()
            found = self._around[key] = self.traits.watched_around(key[0] * DAY + DAY // 2, days)
        return found

    def candidates(
        self,
        person: Person,
        readings: Mapping[str, Floats],
        allowed: Mask,
        most: int,
        suiting: Floats | None = None,
    ) -> Ints:
        """Returns the films worth a look, ascending: the best of several readings and of what is watched now.

        Args:
            person: whose.
            readings: of `readings`.
            allowed: bool (films,): the only ones.
            most: how many of each.
            suiting: float32 (films,), how well films suit an occasion, -1 to 1; None where it does not matter.
        """
        among = np.flatnonzero(allowed)
        if len(among) <= 2 * most:
            return among.astype(np.int32)
        sources: Sequence[npt.NDArray[np.float32]] = [
            *(readings[name] for name in _SOURCES),
            self.around(person.now, 500),
            self.around(person.now, 60),
            self.traits.liked_often,
        ]
        if suiting is not None and suiting.any():
            # of those that suit equally well the ones people like
            liked = self.traits.liked_often
            sources = [*sources, suiting + liked / (4 * (liked.max(initial=0) + 1))]
        chosen = np.zeros(len(allowed), dtype=np.bool_)
        for source in sources:
            mine = source[among]
            best = np.argpartition(mine, len(mine) - most)[len(mine) - most :]
            chosen[among[best[mine[best] > 0]]] = True
        return np.flatnonzero(chosen).astype(np.int32)


_SOURCES: Final = (
    "ease:liked",
    "ease-all:watched",
    "ease:lately",
    "graph:liked",
    "succession:lately",
    "content:liked",
)


def _rows(matrix: sp.csr_matrix, rows: Ints) -> tuple[Ints, Floats, npt.NDArray[np.int64]]:
    """Returns columns and values of some rows one after another, and how many there are of each row."""
    starts, ends = matrix.indptr[rows], matrix.indptr[rows + 1]
    lengths = (ends - starts).astype(np.int64)
    # positions of all entries at once: a slice for each row would be a loop
    places = np.repeat(ends - np.cumsum(lengths), lengths) + np.arange(lengths.sum())
    return matrix.indices[places], matrix.data[places], lengths
