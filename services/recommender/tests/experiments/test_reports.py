"""Reports of experiments from a store that holds answers, ratings and feedback, on SQLite and PostgreSQL."""

from __future__ import annotations

import random

import pytest

from cine_recommender.experiments.reading import parse
from cine_recommender.experiments.report import ExperimentReport
from cine_recommender.flows import experiments as flow
from cine_recommender.flows.experiments import Experiments
from cine_recommender.store import experiments as store
from cinemesh.db import Database

from .conftest import BEGAN, TOML, Log, day

WEIGHTS, _ = parse(TOML)


async def reported(database: Database) -> ExperimentReport:
    return await Experiments(database, lambda: day(20)).report(WEIGHTS)


def values(report: ExperimentReport) -> dict[tuple[str, str], float]:
    return {(one.variant, one.metric): one.value for one in report.effects}


async def test_a_report_counts_what_people_did_about_films_shown_to_them(database: Database, log: Log) -> None:
    await log.shown("ada", 1, "stated", [1, 2, 3])
    await log.shown("ada", 2, "stated", [4, 5])
    await log.shown("ben", 1, "learned", [1, 2, 3])
    await log.rated("ada", 3, 1, 4.0)
    await log.rated("ada", 3, 2, 3.5)  # not liked
    await log.said("ada", 4, 4, "like")
    await log.said("ada", 4, 4, "clicked")
    await log.rated("ben", 3, 1, 5.0)
    await log.said("ben", 3, 2, "not_interested")
    await log.said("ben", 3, 3, "dismissed")  # no outcome

    report = await reported(database)
    assert [(one.variant, one.users, one.answers) for one in report.exposures] == [("stated", 1, 2), ("learned", 1, 1)]
    assert values(report) == {
        ("stated", "liked_per_answer"): 1.0,
        ("stated", "clicked_per_answer"): 0.5,
        ("stated", "refused_per_answer"): 0.0,
        ("stated", "people_who_liked"): 1.0,
        ("learned", "liked_per_answer"): 1.0,
        ("learned", "clicked_per_answer"): 0.0,
        ("learned", "refused_per_answer"): 1.0,
        ("learned", "people_who_liked"): 1.0,
    }
    assert report.created_at == day(20)
    assert report.sample_ratio_ok


async def test_what_does_not_belong_to_the_experiment_is_left_out(database: Database, log: Log) -> None:
    await log.shown("ada", -1, "stated", [1])  # before it started
    await log.shown("", 1, "stated", [1])  # somebody without an account
    await log.shown("ben", 1, "a", [1], "earlier")
    await log.shown("cy", 1, "", [1], "")
    await log.shown("dot", 1, "stated", [1])
    await log.shown("dot", 2, "a", [2], "earlier")  # the same person elsewhere
    await log.said("dot", 3, 2, "like")
    await log.said("dot", 2, 1, "like", holds=False)  # taken back by a later word
    await log.rated("dot", 3, 1, 5.0, gone=True)
    await log.rated("dot", 0.5, 1, 5.0)  # before it was shown
    report = await reported(database)
    assert [(one.users, one.answers) for one in report.exposures] == [(1, 1), (0, 0)]
    assert set(values(report).values()) == {0.0}


async def test_a_rating_in_the_second_of_the_answer_counts(database: Database, log: Log) -> None:
    await log.shown("ada", 1 + 0.9 / 86_400, "stated", [1])
    await log.rated("ada", 1, 1, 4.5)
    assert values(await reported(database))["stated", "liked_per_answer"] == 1.0


async def test_feedback_given_again_counts_at_both_times(database: Database, log: Log) -> None:
    await log.shown("ada", 1, "stated", [1])
    await log.shown("ben", 10, "stated", [1])
    await log.said("ada", 2, 1, "like", again=12)
    await log.said("ben", 2, 1, "like", again=12)
    assert values(await reported(database))["stated", "liked_per_answer"] == 1.0


async def test_people_read_in_parts_are_the_same_people(
    database: Database, log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    draw = random.Random(6)
    for number in range(11):
        variant = draw.choice(("stated", "learned"))
        for _ in range(draw.randint(1, 3)):
            await log.shown(f"user{number}", draw.uniform(0, 5), variant, draw.sample(range(1, 9), 4))
        await log.rated(f"user{number}", draw.uniform(3, 9), draw.randint(1, 8), draw.choice((3.0, 4.0, 5.0)))
    whole = await reported(database)
    assert sum(one.users for one in whole.exposures) == 11
    monkeypatch.setattr(flow, "PEOPLE_AT_ONCE", 2)
    assert await reported(database) == whole


async def test_the_store_knows_who_took_part(database: Database, log: Log) -> None:
    for user_id in ("cy", "ada", "ada", "ben"):
        await log.shown(user_id, 1, "stated", [1])
    assert await database.read(lambda tx: store.people_of(tx, "weights", BEGAN)) == ["ada", "ben", "cy"]
    assert await database.read(lambda tx: store.people_of(tx, "weights", day(2))) == []
