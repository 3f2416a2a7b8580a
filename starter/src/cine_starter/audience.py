"""A synthetic audience: people who do not exist, with tastes a recommender can find out.

Nothing here was measured on anybody. The generator, in order, everything drawn from one seed:

1. **Films** become vectors: genres, era (six overlapping bumps from silent to today), region of the first country, and look
   (black-and-white, lightness, warmth, saturation of the palette), each block scaled so that none drowns the others.
2. **Tastes**: ten archetypes, each a liking for a few of those features ("silent and early sound", "space and machines",
   "slow light"). A person is a mix of one to three of them plus something of their own.
3. **What is seen**: films differ in fame (log-normal, newer and English-language ones more so), and people choose by fame and
   taste together, between 20 and about half the catalogue. Fame follows the long tail of real logs.
4. **Ratings**: the film's quality, the person's strictness, the person's taste for it, and noise, rounded to halves from 0.5
   to 5. About a fifth of the people only give whole stars, as on MovieLens.
5. **Times**: each person rates in sittings between joining and leaving, famous films tending to come first; all lies within the
   ten years before 2025-01-01, never before a film's release.
6. **Tags**: people sometimes put one of the film's keywords on a film they liked.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cine_starter.films import StarterFilm

Floats = NDArray[np.float64]
END = int(datetime(2025, 1, 1, tzinfo=UTC).timestamp())
START = int(datetime(2015, 1, 1, tzinfo=UTC).timestamp())
DEFAULT_PEOPLE = 600
_DAY = 86_400
_GENRES = (
    "Action", "Adventure", "Animation", "Children", "Comedy", "Crime", "Documentary", "Drama", "Fantasy", "Film-Noir",
    "Horror", "Musical", "Mystery", "Romance", "Sci-Fi", "Thriller", "War", "Western",
)  # fmt: skip
_ERAS = (1920, 1942, 1962, 1980, 1998, 2015)
_REGIONS: dict[str, str] = {
    **dict.fromkeys(("US", "CA"), "north-america"),
    **dict.fromkeys(("GB", "IE", "AU", "NZ"), "commonwealth"),
    **dict.fromkeys(("JP", "KR", "CN", "HK", "TW", "TH", "VN", "PH", "ID", "MN", "KH", "BT"), "east-asia"),
    **dict.fromkeys(("IN", "PK", "BD", "LK", "NP", "IR", "TR", "AF"), "south-west-asia"),
    **dict.fromkeys(("MX", "BR", "AR", "CL", "CO", "PE", "CU", "UY", "VE", "BO"), "latin-america"),
    **dict.fromkeys(
        ("SU", "RU", "PL", "CS", "CZ", "SK", "HU", "YU", "RO", "BG", "DD", "UA", "GE", "EE"), "east-europe"
    ),
    **dict.fromkeys(("SN", "ML", "NG", "ZA", "EG", "DZ", "MA", "TN", "ET", "BF", "MR", "CM", "TD", "KE"), "africa"),
}
_REGION_NAMES = (*dict.fromkeys(_REGIONS.values()), "west-europe")
_LOOKS = ("black-and-white", "dark", "bright", "warm", "cold", "vivid")
FEATURES = (*_GENRES, *(f"era-{era}" for era in _ERAS), *_REGION_NAMES, *_LOOKS)

_ARCHETYPES: tuple[dict[str, float], ...] = (
    {"era-1920": 2.0, "era-1942": 1.2, "black-and-white": 1.2, "Comedy": 0.5},
    {"Film-Noir": 1.5, "Crime": 1.3, "Mystery": 1.2, "era-1942": 1.0, "dark": 0.9, "Thriller": 0.7},
    {"Sci-Fi": 2.0, "Adventure": 0.9, "era-2015": 0.7, "cold": 1.0, "Action": 0.9},
    {"Horror": 2.0, "Thriller": 1.1, "dark": 1.0, "Mystery": 0.6, "Musical": -1.0, "Children": -1.0},
    {"Animation": 1.9, "Children": 1.5, "Fantasy": 1.2, "vivid": 1.1, "bright": 0.6, "War": -0.9, "Horror": -1.2},
    {"Romance": 1.7, "Musical": 1.5, "warm": 1.0, "Comedy": 0.9, "vivid": 0.5, "Horror": -1.2},
    {"east-asia": 2.0, "south-west-asia": 0.8, "Drama": 0.6, "era-1998": 0.6, "era-1962": 0.5},
    {"west-europe": 1.7, "era-1962": 1.5, "Drama": 0.8, "black-and-white": 0.5, "Action": -0.8},
    {"Western": 1.6, "War": 1.5, "Action": 0.9, "Adventure": 0.8, "warm": 0.6, "era-1962": 0.5},
    {"africa": 1.3, "latin-america": 1.4, "east-europe": 1.4, "Documentary": 1.5, "Drama": 0.5, "era-1980": 0.6},
)


@dataclass(frozen=True, slots=True)
class Audience:
    """Ratings and tags as parallel arrays, sorted by person and time.

    ``user`` from 1; ``film`` indexes the films given; ``rating`` 0.5–5 in halves; ``timestamp`` in seconds (UTC).
    """

    user: NDArray[np.int64]
    film: NDArray[np.int64]
    rating: Floats
    timestamp: NDArray[np.int64]
    tags: list[tuple[int, int, str, int]]
    """(user, film index, tag, timestamp)"""


def film_vectors(films: Sequence[StarterFilm]) -> Floats:
    """Shape (films, ``len(FEATURES)``): what tastes are about. Each of the four blocks has unit length on average."""
    rows = np.zeros((len(films), len(FEATURES)))
    column = {name: index for index, name in enumerate(FEATURES)}
    for row, film in enumerate(films):
        for genre in film.genres:
            rows[row, column[genre]] = 1 / np.sqrt(len(film.genres))
        for era in _ERAS:
            rows[row, column[f"era-{era}"]] = np.exp(-(((film.year - era) / 12) ** 2))
        rows[row, column[_REGIONS.get(film.countries[0], "west-europe")]] = 1.0
        for name, value in _look(film).items():
            rows[row, column[name]] = value
    return rows


def _look(film: StarterFilm) -> dict[str, float]:
    weights = np.array([colour.weight for colour in film.look.palette])
    rgb = np.array([colour.rgb for colour in film.look.palette]) / 255
    red, green, blue = weights @ rgb
    lightness = 0.2126 * red + 0.7152 * green + 0.0722 * blue
    warmth = red - blue
    saturation = float(weights @ (rgb.max(axis=1) - rgb.min(axis=1)))
    return {
        "black-and-white": float(film.look.colour == "black-and-white"),
        "dark": max(0.0, 0.45 - lightness) * 2,
        "bright": max(0.0, lightness - 0.4) * 2,
        "warm": max(0.0, warmth) * 3,
        "cold": max(0.0, -warmth) * 4,
        "vivid": saturation * 1.5,
    }


def synthesise(films: Sequence[StarterFilm], seed: int, people: int = DEFAULT_PEOPLE) -> Audience:
    """Draw an audience; the same films, seed and number of people always give the same one."""
    random = np.random.default_rng(seed)
    vectors = film_vectors(films)
    tastes = _tastes(random, people)
    liking = tastes @ vectors.T
    liking = (liking - liking.mean(axis=1, keepdims=True)) / (liking.std(axis=1, keepdims=True) + 1e-9)
    fame = _fame(random, films)
    # Good films are a little more famous, as everywhere.
    quality = 0.35 * random.standard_normal(len(films)) + 0.15 * (fame - fame.mean())
    seen = _seen(random, fame, liking)
    users, indexes, ratings, times = [], [], [], []
    tags: list[tuple[int, int, str, int]] = []
    for person, chosen in enumerate(seen):
        stars = _stars(random, quality[chosen], liking[person, chosen])
        when = _times(random, fame[chosen], [films[index].year for index in chosen])
        order = np.argsort(when, kind="stable")
        users.append(np.full(len(chosen), person + 1, dtype=np.int64))
        indexes.append(chosen[order])
        ratings.append(stars[order])
        times.append(when[order])
        tags += _tags(random, films, person + 1, chosen[order], stars[order], when[order])
    return Audience(
        np.concatenate(users), np.concatenate(indexes), np.concatenate(ratings), np.concatenate(times), tags
    )


def _tastes(random: np.random.Generator, people: int) -> Floats:
    bases = np.array([[archetype.get(name, 0.0) for name in FEATURES] for archetype in _ARCHETYPES])
    mixture = np.zeros((people, len(bases)))
    for person in range(people):
        count = random.choice([1, 2, 3], p=[0.35, 0.45, 0.2])
        chosen = random.choice(len(bases), size=count, replace=False)
        mixture[person, chosen] = random.dirichlet(np.full(count, 2.0))
    tastes: Floats = mixture @ bases + 0.25 * random.standard_normal((people, len(FEATURES)))
    return tastes


def _fame(random: np.random.Generator, films: Sequence[StarterFilm]) -> Floats:
    """Log of how often a film is met with."""
    newer = np.array([max(0.0, film.year - 1960) / 60 for film in films])
    english = np.array([float("en" in film.languages[:1]) for film in films])
    return 0.7 * random.standard_normal(len(films)) + 0.8 * newer + 0.5 * english


def _seen(random: np.random.Generator, fame: Floats, liking: Floats) -> list[NDArray[np.int64]]:
    """Films of each person, drawn without replacement with weights exp(fame + taste): the Gumbel-top-k trick."""
    most = max(20, len(fame) // 2)
    counts = np.clip(np.exp(random.normal(np.log(42), 0.6, size=len(liking))), 20, most).astype(int)
    keys = fame + 0.9 * liking + random.gumbel(size=liking.shape)
    order = np.argsort(-keys, axis=1, kind="stable")
    return [row[: min(count, len(fame))].astype(np.int64) for row, count in zip(order, counts, strict=True)]


def _stars(random: np.random.Generator, quality: Floats, liking: Floats) -> Floats:
    strictness = random.normal(0.0, 0.3)
    spread = random.uniform(0.45, 0.75)
    step = 1.0 if random.random() < 0.2 else 0.5
    wanted = 3.2 + strictness + quality + spread * liking + random.normal(0.0, 0.45, size=len(liking))
    return np.clip(np.round(wanted / step) * step, step, 5.0)


def _times(random: np.random.Generator, fame: Floats, years: list[int]) -> NDArray[np.int64]:
    joined = int(START + random.uniform(0, 0.93) * (END - START))
    left = int(min(END - 1, joined + random.exponential(500) * _DAY + 2 * _DAY))
    sittings = np.sort(random.uniform(joined, left, size=max(1, len(fame) // 8)))
    # Famous films tend to be rated in the first sittings.
    rank = np.argsort(np.argsort(-(fame + random.normal(0, 1.2, size=len(fame)))))
    place = (rank * len(sittings) // max(1, len(fame))).astype(int)
    when = sittings[place] + rank % 8 * 20 + random.uniform(0, 15, size=len(fame))
    released = np.array([int(datetime(min(year + 1, 2024), 1, 1, tzinfo=UTC).timestamp()) for year in years])
    late = np.maximum(when, released + random.uniform(0, 300, size=len(fame)) * _DAY)
    moments: NDArray[np.int64] = np.minimum(late, END - 1).astype(np.int64)
    return moments


def _tags(
    random: np.random.Generator,
    films: Sequence[StarterFilm],
    user: int,
    chosen: NDArray[np.int64],
    stars: Floats,
    when: NDArray[Any],
) -> list[tuple[int, int, str, int]]:
    if random.random() > 0.3:
        return []
    liked = np.flatnonzero((stars >= 4) & (random.random(len(stars)) < 0.25))
    return [
        (
            user,
            int(chosen[place]),
            str(random.choice(films[chosen[place]].keywords)),
            min(int(when[place]) + 30, END - 1),
        )
        for place in liked
    ]
