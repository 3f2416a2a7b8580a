"""What is known of a film for a person, in columns: how the films of the history speak for it, and what it is.

Signals that are a sum over a history are read several times: by what was liked, by what was watched lately, by everything, by how far each
rating lies from the person's own mean. Each such reading is the sum over the history of a weight times what that film says of the other.
So a reading without one film of the history is known exactly without asking the models again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import numpy.typing as npt

from cine_recommender.fusion.stacked import Stacked
from cine_recommender.fusion.traits import DAY, Traits
from cine_recommender.interactions import Floats, History, Ints, Mask

_LIKED, _NEUTRAL = 4.0, 3.0
_YEAR = 365.25 * DAY
_DAYS_KEPT = 64
_LATELY = 20  # films of a history whose years say what is watched now
_SESSION_SECONDS = 6 * 3600  # after so long without a rating somebody comes back; succession's longest gap, too


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
    Feature("last 15 days", "popularity"),
    Feature("last 60 days", "popularity"),
    Feature("last 500 days", "popularity"),
    Feature("age", "popularity"),
)
READINGS: Final = tuple(one for one in FEATURES if one.signal)
SIGNALS: Final = tuple(dict.fromkeys(one.signal for one in READINGS))
WEIGHINGS: Final = ("liked", "lately", "last", "watched", "leaning")
_WEIGHING: Final = {name: at for at, name in enumerate(WEIGHINGS)}


def weighings(stars: Floats, without: npt.NDArray[np.intp] | None = None) -> dict[str, Floats]:
    """Returns what each film of a history counts in each kind of reading, float32 (histories, n).

    Args:
        stars: float32 (n,), how a history is rated, oldest first.
        without: places in it, each of which is left out of one history of its own; None for the one history that is whole.
    """
    places = np.full(1, -1) if without is None else without
    at = np.arange(len(stars))
    there = at != places[:, None]
    # films before the one left out stand one place nearer to the end
    back = (len(stars) - 1 - at - ((places[:, None] > at) & (places[:, None] >= 0))).astype(np.float32)
    graded = np.where(stars >= _NEUTRAL, stars / np.float32(5), np.float32(0))
    counted = there.sum(axis=1)
    means = (there @ stars) / np.maximum(counted, 1)
    weighed = {
        "liked": np.where(stars >= _LIKED, np.float32(1), np.float32(0)) * there,
        "lately": np.exp(-back / 20) * graded * there,
        "last": np.exp(-back / 4) * graded * there,
        "watched": there.astype(np.float32),
        "leaning": (stars - means[:, None]) / np.float32(5) * there,
    }
    # long histories and short ones compare
    return {
        name: (one / (np.sqrt(np.abs(one).sum(axis=1, keepdims=True)) + 1)).astype(np.float32)
        for name, one in weighed.items()
    }


@dataclass(frozen=True)
class Person:
    """Somebody as features see them, or the same person several times, each time without a film of the history.

    Attributes:
        films: int32 (n,), of the history.
        weights: float32 (m, n) of each of `weighings`; m is 1, or how many histories there are.
        activity: log(1 + number of films).
        genres: float32 (m, genres): mean of what was liked.
        years: float32 (m,), mean year of release of what was rated.
        late_years: float32 (m,), likewise of the last films.
        now: Unix seconds.
        going_on: bool (m,), whether that is still in the session in which the last film of each history was rated.
    """

    films: Ints
    weights: Mapping[str, Floats]
    activity: float
    genres: Floats
    years: Floats
    late_years: Floats
    now: int
    going_on: Mask

    def each(self, histories: npt.NDArray[np.intp]) -> Person:
        """Returns the histories of these numbers, one for each film of a table; without their weights."""
        genres, years, late = self.genres[histories], self.years[histories], self.late_years[histories]
        going_on = self.going_on[histories]
        return replace(self, weights={}, genres=genres, years=years, late_years=late, going_on=going_on)


@dataclass(frozen=True)
class Heard:
    """Every reading of a history.

    Attributes:
        stacked: what films say of each other.
        summed: float32 (columns of it, len(WEIGHINGS)).
    """

    stacked: Stacked
    summed: Floats

    def known(self, one: Feature) -> tuple[Ints, Floats]:
        """Returns the films that a reading knows, int32 (n,), and what it says of each, float32 (n,)."""
        mine = self.stacked.columns(one.signal)
        return self.stacked.films[mine], self.summed[mine, _WEIGHING[one.weighing]]

    def of(self, rows: Ints) -> dict[str, Floats]:
        """Returns each reading of some films, float32 (rows,) by the feature's name; 0 for what a signal does not know."""
        places = self.stacked.places[:, rows]
        told = np.where((places >= 0)[:, :, None], self.summed[places], np.float32(0))
        return {one.name: told[self.stacked.signals.index(one.signal), :, _WEIGHING[one.weighing]] for one in READINGS}


class Features:
    """Makes columns.

    Args:
        stacked: what films say of each other in each of `SIGNALS`.
        traits: of the films.
    """

    def __init__(self, stacked: Stacked, traits: Traits) -> None:
        self.stacked = stacked
        self.traits = traits
        self._known = traits.years > 0
        self._middle_year = float(traits.years[self._known].mean()) if self._known.any() else 0.0
        self._kept_watched: dict[tuple[int, int], Floats] = {}
        self._orders: dict[tuple[int, int], Ints] = {}
        self._often = _falling(traits.liked_often)

    def person(self, history: History, now: int, without: npt.NDArray[np.intp] | None = None) -> Person:
        """Returns somebody as features see them.

        Args:
            history: what they rated.
            now: Unix seconds.
            without: places in the history: somebody for each, as if that film had never been rated. None for the whole history.
        """
        weights = weighings(history.ratings, without)
        there = weights["watched"] > 0
        liked = weights["liked"] > 0
        counted = np.where(liked.any(axis=1, keepdims=True), liked, there).astype(np.float32)
        summed = counted @ self.traits.genres[history.films]
        years = self.traits.years[history.films].astype(np.float32)
        dated = there & (years > 0)
        late = dated & (np.cumsum(dated[:, ::-1], axis=1)[:, ::-1] <= _LATELY)
        return Person(
            films=history.films,
            weights=weights,
            activity=float(np.log1p(len(history) - (without is not None))),
            genres=(summed / np.maximum(counted.sum(axis=1, keepdims=True), 1)).astype(np.float32),
            years=self._mean_year(dated, years),
            late_years=self._mean_year(late, years),
            now=now,
            going_on=now - _last_times(history, without) <= _SESSION_SECONDS,
        )

    def _mean_year(self, chosen: npt.NDArray[np.bool_], years: Floats) -> Floats:
        count = chosen.sum(axis=1)
        mean = (chosen @ years.astype(np.float64)) / np.maximum(count, 1)
        return np.where(count > 0, mean, self._middle_year).astype(np.float32)

    def readings(self, person: Person) -> Heard:
        """Returns each reading of all films; of one whole history."""
        weights = np.stack([person.weights[one][0] for one in WEIGHINGS], axis=1)
        return Heard(self.stacked, self.stacked.summed(person.films, weights))

    def table(self, person: Person, rows: Ints, readings: Mapping[str, Floats]) -> Floats:
        """Returns the features of films, float32 (n, features).

        Args:
            person: whose; one history for all films, or one for each.
            rows: int32 (n,), which films.
            readings: of each of `READINGS` float32 (n,), of these films.
        """
        traits = self.traits
        years = traits.years[rows].astype(np.float32)
        known = years > 0
        genres = traits.genres[rows]
        columns = {
            **readings,
            "genres": np.einsum("ng,ng->n", np.broadcast_to(person.genres, genres.shape), genres),
            "years apart": np.where(known, np.abs(years - person.years), 20),
            "years from latest": np.where(known, years - person.late_years, 0),
            "often": traits.often[rows],
            "liked often": traits.liked_often[rows],
            "mean": traits.means[rows],
            "liked share": traits.shares[rows],
            "place": traits.places[rows],
            "age": np.where(known, 1970 + person.now / _YEAR - years, -1),
            **{f"last {days} days": self.watched(person.now, days)[rows] for days in (15, 60, 500)},
        }
        # a column after the other: each is read by its own curve
        found = np.empty((len(rows), len(FEATURES)), dtype=np.float32, order="F")
        for column, one in enumerate(FEATURES):
            found[:, column] = columns[one.name]
        return found

    def watched(self, now: int, days: int) -> Floats:
        """Returns `Traits.watched_before` of a day; the last few are kept."""
        key = (now // DAY, days)
        found = self._kept_watched.get(key)
        if found is None:
            if len(self._kept_watched) > _DAYS_KEPT:
                self._kept_watched.clear()
            found = self._kept_watched[key] = self.traits.watched_before(key[0] * DAY + DAY // 2, days)
        return found

    def candidates(
        self,
        person: Person,
        heard: Heard,
        allowed: Mask,
        most: int,
        suiting: Floats | None = None,
    ) -> Ints:
        """Returns the films worth a look, ascending: the best of several readings and of what is watched now.

        Args:
            person: whose.
            heard: of `readings`.
            allowed: bool (films,): the only ones.
            most: how many of each.
            suiting: float32 (films,), how well films suit an occasion, -1 to 1; None where it does not matter.
        """
        among = np.flatnonzero(allowed)
        if len(among) <= 2 * most:
            return among.astype(np.int32)
        chosen = np.zeros(len(allowed), dtype=np.bool_)
        for one in _SOURCES:
            films, said = heard.known(one)
            # most films have nothing to do with a history
            speaking = np.flatnonzero(said > 0)
            speaking = speaking[allowed[films[speaking]]]
            if len(speaking) > most:
                found = said[speaking]
                speaking = speaking[np.argpartition(found, len(found) - most)[len(found) - most :]]
            chosen[films[speaking]] = True
        for order in (self._often, self._watched(person.now, 500), self._watched(person.now, 60)):
            chosen[_first(order, allowed, most)] = True
        if suiting is not None and suiting.any():
            # of those that suit equally well the ones people like
            liked = self.traits.liked_often
            suited = np.where(suiting > 0, suiting + liked / (4 * (liked.max(initial=0) + 1)), 0)
            chosen[_first(_falling(suited), allowed, most)] = True
        return np.flatnonzero(chosen).astype(np.int32)

    def _watched(self, now: int, days: int) -> Ints:
        """Returns the films watched until a day, most first."""
        key = (now // DAY, days)
        found = self._orders.get(key)
        if found is None:
            if len(self._orders) > _DAYS_KEPT:
                self._orders.clear()
            found = self._orders[key] = _falling(self.watched(now, days))
        return found


def _last_times(history: History, without: npt.NDArray[np.intp] | None) -> npt.NDArray[np.int64]:
    """Returns when the last film of each history was rated, int64 (m,); long ago where there is none."""
    long_ago = np.iinfo(np.int64).min // 2
    last, before = (int(history.times[-at]) if len(history) >= at else long_ago for at in (1, 2))
    if without is None:
        return np.array([last])
    return np.where(without == len(history) - 1, before, last)


def _falling(values: Floats) -> Ints:
    """Returns which are above 0, largest first."""
    above = np.flatnonzero(values > 0)
    return above[np.argsort(-values[above], kind="stable")].astype(np.int32)


def _first(order: Ints, allowed: Mask, most: int) -> Ints:
    """Returns the first of an order that are allowed, at most `most`."""
    # nearly always these are among the first few; all are looked at only where filters leave little
    found = order[: 8 * most][allowed[order[: 8 * most]]]
    return (found if len(found) >= most else order[allowed[order]])[:most]


_SOURCES: Final = tuple(
    one
    for one in READINGS
    if one.name
    in ("ease:liked", "ease-all:watched", "ease:lately", "graph:liked", "succession:lately", "content:liked")
)
