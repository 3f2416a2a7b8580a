"""Why an answer was what it was, over the real server: at once and later, to whom it was given alone."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from cine.recommender.v1 import recommender_pb2 as pb
from cinemesh.errors import Code

from .conftest import ADA, BEN, START, Mesh, eventually, refused
from .test_impressions import shown, stored


async def ask(mesh: Mesh, who: str, request_id: str, movie_id: int = 0) -> Any:
    request = pb.ExplainRecommendationsRequest(request_id=request_id, movie_id=movie_id)
    return await mesh.recommender.ExplainRecommendations(request, metadata=mesh.by(who))


async def test_an_answer_is_explained_at_once_and_alike_from_the_store(mesh: Mesh) -> None:
    log = mesh.app.remembering.impressions
    log.record(shown("a", experiment_id="mmr", variant="more", degraded_reason="sentiment is away"))
    at_once = await ask(mesh, ADA, "a")

    async def arrived() -> bool:
        return not log._waiting

    await eventually(arrived)
    assert await ask(mesh, ADA, "a") == at_once
    assert (at_once.request_id, at_once.model, at_once.profile, at_once.rung) == (
        "a",
        "hybrid/v1",
        "tuned",
        "personal",
    )
    assert (at_once.experiment_id, at_once.variant) == ("mmr", "more")
    assert (at_once.degraded, at_once.degraded_reason) == (True, "sentiment is away")
    assert at_once.created_at.ToDatetime(tzinfo=dt.UTC) == START
    first = at_once.recommendations[0]
    assert [(one.movie_id, one.title, one.rank) for one in at_once.recommendations] == [
        (3, "Casablanca", 1),
        (1, "Alien", 2),
        (2, "Brazil", 3),
    ]
    assert first.rank_by_score == 3
    shares = [getattr(first.components, name) for name in first.components.DESCRIPTOR.fields_by_name]
    assert sum(shares) == pytest.approx(first.score, abs=1e-6)
    assert [(one.signal, one.model, one.weight, one.score, one.rank) for one in first.signals] == [
        ("signal0", "signal0/v1", 0.5, 0.5, 9),
        ("signal1", "signal1/v1", 0.5, 0.5, 9),
    ]
    assert [(one.title, one.overall) for one in first.signals[1].because] == [("Brazil", 3.0)]
    because = first.explanation.because
    assert [(one.movie_id, one.title, one.year, one.share) for one in because] == [
        (1, "Alien", 1979, 0.25),
        (77, "", 0, 0.125),
    ]
    assert because[0].overall == 4.5 and not because[1].HasField("overall")
    assert (first.explanation.text, first.explanation.worded_by) == ("Because of film 3.", "template")


async def test_one_film_alone_and_one_that_was_not_shown(mesh: Mesh) -> None:
    mesh.app.remembering.impressions.record(shown("a"))
    one = await ask(mesh, ADA, "a", 2)
    assert [(film.movie_id, film.rank) for film in one.recommendations] == [(2, 3)]
    failure = await refused(ask(mesh, ADA, "a", 5))
    assert (failure.code, [field for field, _ in failure.violations]) == (Code.NOT_FOUND, ["movie_id"])


async def test_an_answer_of_somebody_else_is_not_there(mesh: Mesh) -> None:
    mesh.app.remembering.impressions.record(shown("a"))
    mesh.app.remembering.impressions.record(shown("anonymous", ""))
    for who, request_id in ((BEN, "a"), (ADA, "anonymous"), (ADA, "none")):
        failure = await refused(ask(mesh, who, request_id))
        assert (failure.code, [field for field, _ in failure.violations]) == (Code.NOT_FOUND, ["request_id"])


async def test_answers_of_who_left_go(mesh: Mesh) -> None:
    remembering = mesh.app.remembering
    remembering.impressions.record(shown("a"))
    remembering.impressions.record(shown("b", BEN))

    async def arrived() -> bool:
        return await stored(remembering.database, "b", BEN) is not None

    await eventually(arrived)
    await mesh.identity.delete_account(ADA)

    async def gone() -> bool:
        return await stored(remembering.database, "a") is None

    await eventually(gone)
    assert await stored(remembering.database, "b", BEN) is not None
    # one that was on its way to the store at that moment
    remembering.impressions.record(shown("late"))

    async def late() -> bool:
        return await stored(remembering.database, "late") is not None

    await eventually(late)
    assert (await remembering.housekeeping.clean())["departed"] == 1
    assert await stored(remembering.database, "late") is None
