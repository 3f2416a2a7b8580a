from __future__ import annotations

import csv
import hashlib
import io
import json
import random
from pathlib import Path

import pytest

from cine_recommender.models.content import ContentModel, load_content
from cine_recommender.training.content import train_content
from cinemesh.artifacts import Artifact, ArtifactStore

COLUMNS = [
    *("movie_id", "title", "alternative_titles", "year", "genres", "directors", "cast", "keywords", "overview"),
    *("runtime_minutes", "poster_url", "imdb_id", "tmdb_id", "streaming_services", "streaming_source"),
    *("average_rating", "rating_count", "popularity", "external_rating", "external_votes"),
]
GENRES = (
    "Action",
    "Adventure",
    "Animation",
    "Children",
    "Comedy",
    "Crime",
    "Drama",
    "Film-Noir",
    "Horror",
    "Romance",
    "Sci-Fi",
    "War",
)
SERVICES = ("Netflix", "Prime Video", "Disney+", "Hulu")
FAMOUS: list[dict[str, object]] = [
    {
        "movie_id": 2571, "title": "The Matrix", "year": 1999, "genres": "Action|Sci-Fi",
        "directors": "Lana Wachowski|Lilly Wachowski",
        "cast": "Keanu Reeves|Laurence Fishburne|Carrie-Anne Moss", "keywords": "simulation|artificial intelligence|hacker",
        "overview": "A hacker learns that the world he knows is a simulation run by machines.", "runtime_minutes": 136,
        "streaming_services": "Netflix|Hulu", "streaming_source": "justwatch", "imdb_id": "tt0133093", "tmdb_id": 603,
        "average_rating": 4.1557, "rating_count": 900, "poster_url": "https://images.example/matrix.jpg",
    },
    {
        "movie_id": 6365, "title": "The Matrix Reloaded", "year": 2003, "genres": "Action|Sci-Fi",
        "directors": "Lana Wachowski|Lilly Wachowski",
        "cast": "Keanu Reeves|Laurence Fishburne", "keywords": "simulation|artificial intelligence|war",
        "overview": "The war of the free people against the machines goes on.", "streaming_services": "Netflix",
        "average_rating": 3.3, "rating_count": 500,
    },
    {
        "movie_id": 6934, "title": "The Matrix Revolutions", "year": 2003, "genres": "Action|Sci-Fi",
        "directors": "Lana Wachowski|Lilly Wachowski",
        "cast": "Keanu Reeves", "keywords": "simulation|war", "overview": "The last stand of the free people against the machines.",
        "streaming_services": "Netflix", "average_rating": 3.2, "rating_count": 400,
    },
    {
        "movie_id": 4973, "title": "Amélie", "year": 2001, "genres": "Comedy|Romance",
        "directors": "Jean-Pierre Jeunet", "cast": "Audrey Tautou",
        "keywords": "paris|waitress", "overview": "A shy waitress in Paris changes the lives of those around her.", "average_rating": 4.1,
        "rating_count": 600, "streaming_services": "Prime Video",
    },
    {"movie_id": 900, "title": "Nobody Knows When", "genres": "Drama", "keywords": r"a\|b|c\\d", "streaming_services": "Hulu"},
]  # fmt: skip


def catalogue_rows(films: int = 240, seed: int = 7) -> list[dict[str, object]]:
    """A few real films among invented ones; many of those are known by their genre alone."""
    draw = random.Random(seed)
    words = ("train", "island", "heist", "robot", "ghost", "letter", "winter", "desert", "singer", "boxer", "queen")
    rows = [dict(film) for film in FAMOUS]
    for number in range(films - len(rows)):
        rich = draw.random() < 0.5
        row: dict[str, object] = {
            "movie_id": 10_000 + number,
            "title": f"{draw.choice(words).title()} {draw.choice(words).title()} {number}",
            "year": draw.randint(1980, 2023),
            "genres": "|".join(draw.sample(GENRES, draw.randint(1, 3))),
            "streaming_services": "|".join(draw.sample(SERVICES, draw.choice((0, 1, 1, 2)))),
            "streaming_source": "mock",
        }
        if rich:
            told = [draw.choice(words) for _ in range(8)]
            row |= {
                "directors": f"Director {draw.randint(1, 15)}",
                "cast": "|".join(f"Actor {draw.randint(1, 40)}" for _ in range(4)),
                "keywords": "|".join(dict.fromkeys(told[:3])),
                "overview": f"A {told[3]}, a {told[4]} and a {told[5]} meet by the {told[6]} of the {told[7]}.",
                "average_rating": round(draw.uniform(2, 4.8), 2),
                "rating_count": draw.randint(1, 300),
            }
        rows.append(row)
    return rows


def write_merged(path: Path, rows: list[dict[str, object]], *, columns: list[str] = COLUMNS) -> Path:
    """Write the pair of files that the pipeline writes."""
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, restval="", extrasaction="ignore", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    data = text.getvalue().encode()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    path.with_suffix(".manifest.json").write_text(
        json.dumps({"sha256": hashlib.sha256(data).hexdigest(), "rows": len(rows)})
    )
    return path


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> tuple[ArtifactStore, Artifact]:
    """A model of the small catalogue; tests that damage it copy it first."""
    folder = tmp_path_factory.mktemp("trained")
    store = ArtifactStore(folder / "artifacts")
    return store, train_content(write_merged(folder / "movies_merged.csv", catalogue_rows()), store)


@pytest.fixture(scope="session")
def model(trained: tuple[ArtifactStore, Artifact]) -> ContentModel:
    return load_content(trained[1])
