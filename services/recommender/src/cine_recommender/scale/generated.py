"""A log of MovieLens 32M's shape, drawn by lot, for trying whether training bears that size.

People have tastes, films have shares in them, and a film is watched by its popularity times how well both agree: a mixture of 40
tastes, so there is something of low rank to be learned. Everybody has 20 ratings or more, half of them about 70, a few tens of thousands;
nobody rates a film twice or before the year it came out, and all rate in sittings of seconds from one film to the next. Stars come half by
half and as often as in MovieLens. Written in columns, some people at a time: memory does not grow with the log, but for the columns being
written.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy.special import ndtri

from cine_recommender.interactions import Floats
from cine_recommender.scale.columns import Writer
from cine_recommender.scale.films import TASTES, Doubles, World, drawn, world_of
from cine_recommender.scale.shape import FEWEST, Shape

Longs = npt.NDArray[np.int64]

FIRST_MOMENT: Final = 789_652_009
LAST_MOMENT: Final = 1_697_164_147
"""9 January 1995 and 13 October 2023, as in MovieLens 32M."""
_STARS = (0.0158, 0.0311, 0.0160, 0.0658, 0.0505, 0.1955, 0.1272, 0.2656, 0.0882, 0.1443)
"""How often each rating is given, 0.5 to 5."""
_CUTS = ndtri(np.cumsum(_STARS)[:-1])
_AT_A_TIME = 2_000  # people
_ROUNDS = 14
_MIXED = 1.5  # how many tastes people have, about
_WIDE = 1.33  # of the logarithm of how many ratings people have
_DAY = 86_400.0
_SITTING = 60.0  # ratings
_STEP = 18.0  # seconds from one rating to the next
_APART = 25.0  # days from one sitting to the next
_BUSY = 0.03
"""Who rates more of all films than this does so until the last moment: early on there were not as many."""


def generate(folder: Path, shape: Shape, seed: int = 0, told: Callable[[int], None] = lambda _: None) -> World:
    """Writes a log, people ascending and each person's rows by time; see `scale.columns` for how to read it.

    Args:
        folder: where to; made when it is not there.
        shape: its sizes.
        seed: equal shapes and seeds give equal logs.
        told: called with the number of rows there are so far.

    Returns:
        The films, of which `scale.films.facts_of_world` tells more.
    """
    world = world_of(shape, seed)
    likely = world.likely
    films = np.cumsum(likely, axis=1, dtype=np.float64)
    films /= films[:, -1:]
    counts = activity(shape, np.random.default_rng([seed, 3]))
    with Writer(folder, int(counts.sum())) as writer:
        for part, first in enumerate(range(0, len(counts), _AT_A_TIME)):
            draw = np.random.default_rng([seed, 4, part])
            mine = counts[first : first + _AT_A_TIME]
            people, seen, stars, times = _people(mine, world, likely, films, draw)
            writer.write(people + first, seen, stars, times)
            told(writer.rows)
        writer.finish(np.arange(1, len(counts) + 1, dtype=np.int64), np.arange(1, len(world) + 1, dtype=np.int32))
    return world


def activity(shape: Shape, draw: np.random.Generator) -> Longs:
    """Returns how many ratings each person has, int64 (people,), summing to what the shape says."""
    spread = np.exp(draw.normal(0, _WIDE, shape.people))
    spread[int(draw.integers(shape.people))] = np.inf  # one has as many as anybody may
    low, high = 0.0, float(shape.ratings)
    for _ in range(80):  # by which factor the sum is right
        middle = (low + high) / 2
        counts = _counted(spread, middle, shape)
        low, high = (low, middle) if counts.sum() > shape.ratings else (middle, high)
    counts = _counted(spread, low, shape)
    open_ = np.flatnonzero(counts < shape.longest)
    missing = int(shape.ratings - counts.sum())
    counts[open_[: missing % max(1, len(open_))]] += 1
    counts[open_] += missing // max(1, len(open_))
    return counts


def _counted(spread: Doubles, factor: float, shape: Shape) -> Longs:
    counts: Longs = np.minimum(FEWEST + np.floor(spread * factor), shape.longest).astype(np.int64)
    return counts


def _people(
    counts: Longs, world: World, likely: Floats, films: Doubles, draw: np.random.Generator
) -> tuple[Longs, Longs, Floats, Longs]:
    """Returns people (from 0), films, stars and moments of some people's ratings, ordered by person and moment."""
    tastes = draw.gamma(_MIXED * world.prior, size=(len(counts), TASTES)) + 1e-6
    tastes /= tastes.sum(axis=1, keepdims=True)
    sittings, starts = _sittings(counts, counts > _BUSY * len(world), draw)
    last = sittings[starts[1:] - 1]
    people, seen = _seen(counts, tastes, last, world, likely, films, draw)
    stars = _stars(people, seen, tastes, world, draw)
    many = np.diff(starts)
    place = starts[people] + (many[people] * draw.random(len(people)) ** 1.5).astype(np.int64)
    place = np.where(world.released[seen] > sittings[place], starts[people + 1] - 1, place)
    # in a sitting one thing leads to another: films of one taste follow each other, the well known come first
    known = np.log(world.weights[seen])
    main = world.tastes[seen].argmax(axis=1)
    order = np.lexsort((draw.random(len(seen)) - 0.1 * known, main + 8 * draw.random(len(seen)), place))
    steps = np.floor(draw.exponential(_STEP, len(seen)))
    running = np.cumsum(steps)
    ordered = place[order]
    begins = np.searchsorted(ordered, ordered)
    times = np.empty(len(seen), dtype=np.int64)
    times[order] = np.minimum(sittings[ordered] + running - running[begins], LAST_MOMENT).astype(np.int64)
    rows = np.lexsort((np.argsort(order, kind="stable"), times, people))
    return people[rows], seen[rows], stars[rows], times[rows]


def _sittings(counts: Longs, busy: npt.NDArray[np.bool_], draw: np.random.Generator) -> tuple[Doubles, Longs]:
    """Returns when each sitting begins, one person's after another's, and where each person's start, (people + 1,)."""
    many = 1 + np.floor(draw.exponential(counts / _SITTING)).astype(np.int64)
    starts = np.concatenate([[0], np.cumsum(many)])
    first = FIRST_MOMENT + (LAST_MOMENT - FIRST_MOMENT) * draw.beta(1.1, 1.2, len(counts))
    whose = np.repeat(np.arange(len(counts)), many)
    gaps = draw.exponential(_APART * _DAY, len(whose))
    gaps[starts[:-1]] = 0
    running = np.cumsum(gaps)
    since = running - running[starts[:-1]][whose]
    room = LAST_MOMENT - first
    long = np.maximum(since[starts[1:] - 1], 1.0)
    # who would go on beyond the last moment goes on faster
    moments = first[whose] + since * np.minimum(1, room / long)[whose]
    moments[starts[1:][busy] - 1] = LAST_MOMENT
    return moments, starts


def _seen(
    counts: Longs,
    tastes: Doubles,
    last: Doubles,
    world: World,
    likely: Floats,
    films: Doubles,
    draw: np.random.Generator,
) -> tuple[Longs, Longs]:
    """Returns who rates what, ordered by person, no film twice for one, none that came out after the person's last sitting."""
    lacking = counts.copy()
    running = np.cumsum(tastes, axis=1)
    taken = np.empty(0, dtype=np.int64)
    for _ in range(_ROUNDS):
        asked = np.where(lacking > 0, lacking + lacking // 3 + 4, 0)
        who = np.repeat(np.arange(len(counts)), asked)
        what = drawn(films, drawn(running, who, draw), draw)
        out = world.released[what] <= last[who]
        keys = who[out] * len(world) + what[out]
        first = np.sort(np.unique(keys, return_index=True)[1])  # in the order drawn: the likely ones come sooner
        fresh = keys[first][~np.isin(keys[first], taken, assume_unique=True)]
        whose = fresh // len(world)
        kept = fresh[np.arange(len(fresh)) - np.searchsorted(whose, whose) < lacking[whose]]
        taken = np.concatenate([taken, kept])
        lacking -= np.bincount(kept // len(world), minlength=len(counts))
        if not lacking.any():
            break
    taken = np.sort(taken)
    rest = [
        _remaining(one, lacking, tastes, last, taken, world, likely, draw) for one in np.flatnonzero(lacking).tolist()
    ]
    taken = np.sort(np.concatenate([taken, *rest]))
    return taken // len(world), taken % len(world)


def _remaining(
    one: int,
    lacking: Longs,
    tastes: Doubles,
    last: Doubles,
    taken: Longs,
    world: World,
    likely: Floats,
    draw: np.random.Generator,
) -> Longs:
    """Returns what somebody rates beside what lots have given, as keys: of all films at once, by exponential clocks."""
    chances = tastes[one].astype(np.float32) @ likely
    chances[world.released > last[one]] = 0
    mine = np.searchsorted(taken, [one * len(world), (one + 1) * len(world)])
    chances[taken[mine[0] : mine[1]] % len(world)] = 0
    clocks = draw.standard_exponential(len(chances), dtype=np.float32) / np.maximum(chances, np.float32(1e-30))
    keys: Longs = one * len(world) + np.argpartition(clocks, lacking[one] - 1)[: lacking[one]]
    return keys


def _stars(people: Longs, seen: Longs, tastes: Doubles, world: World, draw: np.random.Generator) -> Floats:
    """Returns stars, float32 (n,), 0.5 to 5: what the film is worth, how generous the person is, how well both agree, and chance."""
    agree = np.einsum("nk,nk->n", tastes[people].astype(np.float32), world.tastes[seen])
    agree = (agree - agree.mean()) / max(float(agree.std()), 1e-9)
    generous = draw.standard_normal(int(people[-1]) + 1)
    felt = 0.5 * world.quality[seen] + 0.45 * generous[people] + 0.4 * agree + 0.65 * draw.standard_normal(len(people))
    felt = (felt - felt.mean()) / felt.std()
    stars: Floats = ((np.searchsorted(_CUTS, felt) + 1) / 2).astype(np.float32)
    return stars
