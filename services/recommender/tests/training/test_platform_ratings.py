"""What people rate here is learned from: read from either store, joined to the ratings that came with the data."""

from __future__ import annotations

import asyncio
import datetime as dt
import stat
from collections.abc import AsyncIterator
from pathlib import Path

import numpy as np
import pytest

from cine_recommender.evaluation.reading import RatingsUnusable, read_log
from cine_recommender.flows import training_ratings
from cine_recommender.flows.training_ratings import export
from cine_recommender.store import doings
from cine_recommender.store.doings import Doing
from cine_recommender.training.ratings import joined
from cinemesh.db import Database, migrate

from ..evaluation.audience import audience
from .conftest import ratings_of, write_ratings

NOW = dt.datetime(2026, 3, 14, tzinfo=dt.UTC)


@pytest.fixture
async def database(store_url: str) -> AsyncIterator[Database]:
    await asyncio.to_thread(migrate, store_url, "cine_recommender")
    async with Database(store_url) as opened:
        yield opened


def rating(number: int, user_id: str, movie_id: int, halves: int, at: int, **more: object) -> Doing:
    return Doing(doings.RATING, f"r{number:05}", user_id, movie_id, NOW, halves=halves, happened_at=at, **more)  # type: ignore[arg-type]


async def kept(database: Database, *told: Doing) -> None:
    await database.write(lambda tx: doings.note(tx, told))


async def test_only_ratings_that_hold_are_read_and_nobody_is_named(database: Database, tmp_path: Path) -> None:
    await kept(
        database,
        rating(1, "ada", 100, 9, 50),
        rating(2, "ben", 101, 0, 60),  # rated in other dimensions alone
        rating(3, "cleo", 102, 8, 70, gone=True),
        Doing(doings.DIARY, "d1", "ada", 103, NOW, halves=8, happened_at=80),
    )
    file = tmp_path / "rated" / "ratings.csv"
    made = await export(database, file)
    assert (made.rows, len(made.digest)) == (1, 64)
    header, line = file.read_text().splitlines()
    assert header == "person,movie_id,halves,at"
    assert line.split(",")[1:] == ["100", "9", "50"]
    assert "ada" not in line
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


async def test_every_page_is_read_and_the_digest_follows_what_is_rated(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(training_ratings, "_PAGE", 7)
    assert (await export(database, None)).digest == ""
    await kept(database, *(rating(one, f"u{one % 5}", 100 + one, 8, one) for one in range(50)))
    whole = await export(database, tmp_path / "ratings.csv")
    lines = (tmp_path / "ratings.csv").read_text().splitlines()[1:]
    assert sorted(int(line.split(",")[1]) for line in lines) == [100 + one for one in range(50)]
    assert whole.rows == 50
    assert (await export(database, None)) == whole
    await database.write(lambda tx: doings.note(tx, [rating(3, "u3", 103, 2, 3)]))
    assert (await export(database, None)).digest != whole.digest


async def test_ratings_of_this_platform_join_those_of_the_folder(database: Database, tmp_path: Path) -> None:
    log = read_log(write_ratings(tmp_path / "ratings", ratings_of(audience(6))))
    await kept(
        database,
        rating(1, "ada", 100, 9, 50),
        rating(2, "ada", 100, 3, 40),  # older, though told later
        rating(3, "ada", 7, 10, 30),  # a film that the folder lacks, before all of its films
        rating(4, "ben", 101, 1, 10),
    )
    file = tmp_path / "rated.csv"
    await export(database, file)
    both = joined(log, file)
    before, after = log.interactions, both.interactions
    assert both.fingerprint != log.fingerprint
    assert len(after) == len(before) + 3
    assert (np.diff(after.people) >= 0).all()
    assert after.film_ids.tolist() == sorted({7, 101, *before.film_ids.tolist()})
    assert after.person_ids[-2:].tolist() == [before.person_ids.max() + 1, before.person_ids.max() + 2]
    for person in range(len(before.person_ids)):
        old, new = before.history(person), after.history(person)
        assert before.film_ids[old.films].tolist() == after.film_ids[new.films].tolist()
        assert old.ratings.tolist() == new.ratings.tolist()
    said = [
        [(int(after.film_ids[film]), float(stars)) for film, stars in zip(one.films, one.ratings, strict=True)]
        for one in map(after.history, (len(after.person_ids) - 2, len(after.person_ids) - 1))
    ]
    assert sorted(said, key=len) == [[(101, 0.5)], [(7, 5.0), (100, 4.5)]]


async def test_where_nobody_rated_the_log_is_that_of_the_folder(database: Database, tmp_path: Path) -> None:
    log = read_log(write_ratings(tmp_path / "ratings", ratings_of(audience(6))))
    file = tmp_path / "rated.csv"
    assert (await export(database, file)).rows == 0
    assert joined(log, file).fingerprint == log.fingerprint
    assert joined(log, None) is log


def test_a_file_that_is_not_whole_is_refused(tmp_path: Path) -> None:
    log = read_log(write_ratings(tmp_path / "ratings", ratings_of(audience(6))))
    file = tmp_path / "rated.csv"
    file.write_text("person,movie_id,halves,at\n1,100,x,5\n")
    with pytest.raises(RatingsUnusable, match=r"rated\.csv"):
        joined(log, file)
