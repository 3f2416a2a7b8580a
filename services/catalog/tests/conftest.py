from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import polars as pl
import pytest

from cine.catalog.v1 import catalog_pb2_grpc
from cine_catalog.app import CatalogApplication
from cine_catalog.domain.film import Film
from cine_catalog.pipeline.columns import MERGED
from cine_catalog.pipeline.merged import write_merged
from cine_catalog.settings import CatalogSettings
from cinemesh.testing import Running, running, settings_for

SMALL = (
    Film(1, "The Matrix", 1999, genres=("Action", "Sci-Fi"), directors=("Lana Wachowski", "Lilly Wachowski"), runtime_minutes=136,
         cast=("Keanu Reeves", "Carrie-Anne Moss"), keywords=("simulation", "artificial intelligence"), average_rating=4.2,
         rating_count=900, recent_rating_count=20, popularity=300.0, streaming_services=("Netflix",), streaming_source="justwatch",
         overview="A hacker learns that the world he knows is a simulation run by machines."),
    Film(2, "The Matrix Reloaded", 2003, genres=("Action", "Sci-Fi"), cast=("Keanu Reeves",), average_rating=3.4, rating_count=500,
         recent_rating_count=5, popularity=120.0, runtime_minutes=138, overview="The war against the machines goes on."),
    Film(3, "Amélie", 2001, alternative_titles=("Le Fabuleux Destin d'Amélie Poulain",), genres=("Comedy", "Romance"),
         directors=("Jean-Pierre Jeunet",), cast=("Audrey Tautou",), average_rating=4.1, rating_count=400, recent_rating_count=60,
         popularity=200.0, runtime_minutes=122, overview="A shy waitress in Paris decides to change the lives of those around her."),
    Film(4, "Spider-Man", 2002, genres=("Action",), cast=("Tobey Maguire",), average_rating=3.6, rating_count=450, popularity=150.0,
         recent_rating_count=1, runtime_minutes=121, streaming_services=("Disney+",), streaming_source="justwatch"),
    Film(5, "Rocky II", 1979, genres=("Drama",), cast=("Sylvester Stallone",), average_rating=3.3, rating_count=90, popularity=40.0),
    Film(6, "A Perfect Stranger", 1994, genres=("Drama",), average_rating=5.0, rating_count=1, popularity=0.4),
    Film(7, "Seven", 1995, alternative_titles=("Se7en",), genres=("Crime", "Thriller"), cast=("Brad Pitt", "Morgan Freeman"),
         directors=("David Fincher",), average_rating=4.1, rating_count=700, recent_rating_count=9, popularity=210.0),
    Film(8, "Holy Matrimony", 1994, genres=("Comedy",), average_rating=2.5, rating_count=12, popularity=2.0),
)  # fmt: skip


def write_catalogue(path: Path, films: tuple[Film, ...]) -> None:
    rows = {name: [_cell(film, name) for film in films] for name in MERGED}
    frame = pl.DataFrame({name: pl.Series(values, dtype=MERGED[name]) for name, values in rows.items()})
    write_merged(
        path,
        frame,
        fingerprint=f"test {len(films)}",
        base_source="movielens",
        synthetic_audience=False,
        counts={},
        options={},
    )


def _cell(film: Film, name: str) -> object:
    value = getattr(film, name, None)
    if isinstance(value, tuple):
        return list(value)
    return None if value in ("", {}) else value


@pytest.fixture
def settings(tmp_path: Path) -> CatalogSettings:
    made = settings_for(CatalogSettings, tmp_path, import_check_seconds=0.1)
    made.merged_csv.parent.mkdir(parents=True, exist_ok=True)
    write_catalogue(made.merged_csv, SMALL)
    return made


@pytest.fixture
async def catalog(settings: CatalogSettings) -> AsyncIterator[Running]:
    async with running(CatalogApplication(settings)) as server:
        yield server


@pytest.fixture
def stub(catalog: Running) -> catalog_pb2_grpc.CatalogServiceAsyncStub:
    return catalog.stub(catalog_pb2_grpc.CatalogServiceStub)
