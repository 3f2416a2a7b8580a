"""Feedback over the real server, between stand-ins of the catalogue and Identity."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from cine.common.v1 import feed_pb2, feed_pb2_grpc
from cine.recommender.v1 import recommender_pb2 as pb
from cinemesh.errors import Code, Reason
from cinemesh.testing.catalogue import film

from .conftest import ADA, BEN, Mesh, MovableClock, events_of, eventually, refused


async def send(mesh: Mesh, who: str, movie_id: int, kind: str, **more: Any) -> Any:
    return await mesh.recommender.SendFeedback(
        pb.SendFeedbackRequest(movie_id=movie_id, kind=kind, **more), metadata=mesh.by(who)
    )


async def listed(mesh: Mesh, who: str, **query: Any) -> Any:
    return await mesh.recommender.ListFeedback(pb.ListFeedbackRequest(**query), metadata=mesh.by(who))


async def undo(mesh: Mesh, who: str, feedback_id: str) -> Any:
    return await mesh.recommender.UndoFeedback(pb.UndoFeedbackRequest(feedback_id=feedback_id), metadata=mesh.by(who))


async def test_feedback_is_given_listed_and_taken_back(mesh: Mesh, clock: MovableClock) -> None:
    sent = await send(mesh, ADA, 1, "like", recommendation_request_id="answer", rank=3, reason="Rain.\nAnd light.")
    assert (sent.movie_id, sent.kind, sent.created_at.ToDatetime(tzinfo=clock.now.tzinfo)) == (1, "like", clock.now)
    clock.forward(seconds=1)
    await send(mesh, ADA, 2, "not_interested")
    page = await listed(mesh, ADA)
    assert [(one.movie_id, one.kind, one.movie.title) for one in page.feedback] == [
        (2, "not_interested", "Brazil"),
        (1, "like", "Alien"),
    ]
    assert (page.total_size, page.next_page_token) == (2, "")
    assert [one.kind for one in (await listed(mesh, ADA, kind="like")).feedback] == ["like"]
    known = await mesh.app.remembering.memory.of(ADA)
    assert (known.liked.tolist(), known.refused.tolist()) == ([1], [2])
    assert (await undo(mesh, ADA, sent.feedback_id)).movie_id == 1
    assert [one.kind for one in (await listed(mesh, ADA)).feedback] == ["not_interested"]
    assert (await mesh.app.remembering.memory.of(ADA)).liked.size == 0
    failure = await refused(undo(mesh, ADA, sent.feedback_id))
    assert (failure.code, [field for field, _ in failure.violations]) == (Code.NOT_FOUND, ["feedback_id"])


async def test_others_neither_see_nor_undo_it(mesh: Mesh) -> None:
    sent = await send(mesh, ADA, 1, "like")
    assert (await refused(undo(mesh, BEN, sent.feedback_id))).code is Code.NOT_FOUND
    assert (await listed(mesh, BEN)).total_size == 0
    assert (await listed(mesh, ADA)).total_size == 1
    nobody = mesh.recommender.SendFeedback(pb.SendFeedbackRequest(movie_id=1, kind="like"))
    assert (await refused(nobody)).code is Code.UNAUTHENTICATED


async def test_what_is_no_feedback_is_refused(mesh: Mesh) -> None:
    for field, request in {
        "movie_id": pb.SendFeedbackRequest(kind="like"),
        "kind": pb.SendFeedbackRequest(movie_id=1, kind="adore"),
        "rank": pb.SendFeedbackRequest(movie_id=1, kind="like", rank=-1),
        "reason": pb.SendFeedbackRequest(movie_id=1, kind="like", reason="a\x00b"),
        "recommendation_request_id": pb.SendFeedbackRequest(
            movie_id=1, kind="like", recommendation_request_id="a\x00b"
        ),
        "request_id": pb.SendFeedbackRequest(movie_id=1, kind="like", request_id="a b"),
    }.items():
        failure = await refused(mesh.recommender.SendFeedback(request, metadata=mesh.by(ADA)))
        assert failure.code is Code.INVALID_ARGUMENT, field
        assert [name for name, _ in failure.violations] == [field]
    assert await events_of(mesh.app.remembering.database) == []


async def test_there_must_be_such_a_film(mesh: Mesh) -> None:
    failure = await refused(send(mesh, ADA, 99, "like"))
    assert (failure.code, failure.reason) == (Code.NOT_FOUND, Reason.MOVIE_NOT_FOUND)
    assert [field for field, _ in failure.violations] == ["movie_id"]
    assert (await mesh.app.remembering.memory.of(ADA)).version == 0
    await mesh.catalogue.put(film(99, "Vertigo"))

    async def there() -> bool:
        try:
            await send(mesh, ADA, 99, "like")
        except Exception:
            return False
        return True

    await eventually(there)


async def test_sent_again_it_has_one_effect_and_one_answer(mesh: Mesh) -> None:
    first = await send(mesh, ADA, 1, "like", request_id="one")
    await send(mesh, ADA, 1, "dislike")
    again = await asyncio.gather(*(send(mesh, ADA, 1, "like", request_id="one") for _ in range(5)))
    assert all(one == first for one in again)
    assert [one.kind for one in (await listed(mesh, ADA)).feedback] == ["dislike"]
    failure = await refused(send(mesh, ADA, 2, "like", request_id="one"))
    assert failure.reason is Reason.REQUEST_ID_REUSED
    other = await send(mesh, BEN, 1, "like", request_id="one")
    assert other.feedback_id != first.feedback_id


async def test_the_same_kind_again_is_one_feedback_and_what_contradicts_replaces(mesh: Mesh) -> None:
    first = await send(mesh, ADA, 1, "like")
    assert (await send(mesh, ADA, 1, "like")).feedback_id == first.feedback_id
    assert (await listed(mesh, ADA)).total_size == 1
    second = await send(mesh, ADA, 1, "dislike")
    assert [one.kind for one in (await listed(mesh, ADA)).feedback] == ["dislike"]
    await undo(mesh, ADA, second.feedback_id)
    assert [one.kind for one in (await listed(mesh, ADA)).feedback] == ["like"]
    told = [(type(one).__name__, one.kind) for one in await events_of(mesh.app.remembering.database)]
    given, undone = "FeedbackGiven", "FeedbackUndone"
    assert told == [
        (given, "like"),
        (undone, "like"),
        (given, "dislike"),
        (undone, "dislike"),
        (given, "like"),
    ]


async def test_pages_hold_everything_once_newest_first(mesh: Mesh, clock: MovableClock) -> None:
    for movie_id in (1, 2, 3, 4, 5):
        for kind in ("clicked", "seen"):
            await send(mesh, ADA, movie_id, kind)
        clock.forward(seconds=1)
    whole = [one.feedback_id for one in (await listed(mesh, ADA)).feedback]
    found, token = list[str](), ""
    for _ in range(10):
        page = await listed(mesh, ADA, page_size=3, page_token=token)
        assert page.total_size == 10
        found += [one.feedback_id for one in page.feedback]
        token = page.next_page_token
        if not token:
            break
    assert found == whole and len(set(found)) == 10
    failure = await refused(
        listed(mesh, ADA, kind="seen", page_token=(await listed(mesh, ADA, page_size=3)).next_page_token)
    )
    assert failure.reason is Reason.INVALID_PAGE_TOKEN


async def test_the_feed_tells_what_was_given(mesh: Mesh) -> None:
    await send(mesh, ADA, 1, "like", recommendation_request_id="answer", rank=3)
    feed = mesh.running.stub(feed_pb2_grpc.FeedServiceStub)
    service = mesh.tokens.metadata(mesh.tokens.service())
    answers = [one async for one in feed.WatchEvents(feed_pb2.WatchEventsRequest(once=True), metadata=service)]
    assert [one.event.type for one in answers] == ["cine.recommender.v1.FeedbackGiven"]
    (given,) = await events_of(mesh.app.remembering.database)
    assert (given.user_id, given.movie_id, given.recommendation_request_id, given.rank) == (ADA, 1, "answer", 3)


async def test_who_left_is_forgotten_and_can_say_no_more(mesh: Mesh) -> None:
    await send(mesh, ADA, 1, "like")
    await send(mesh, BEN, 1, "like")
    await mesh.identity.delete_account(ADA)
    memory = mesh.app.remembering.memory

    async def forgotten() -> bool:
        return (await memory.of(ADA)).version == 0

    await eventually(forgotten)
    failure = await refused(send(mesh, ADA, 2, "like"))
    assert (failure.code, failure.reason) == (Code.UNAUTHENTICATED, Reason.TOKEN_REVOKED)
    assert (len(await memory.of(ADA)), len(await memory.of(BEN))) == (0, 1)
    told = [(type(one).__name__, one.user_id) for one in await events_of(mesh.app.remembering.database)]
    assert told[-1] == ("FeedbackUndone", ADA)


async def test_the_service_says_how_what_it_follows_does(mesh: Mesh) -> None:
    probes = mesh.app.remembering.probes()
    assert set(probes) >= {"store", "films", "people", "ratings_feed", "watchlist_feed"}
    assert [name for name, probe in probes.items() if probe.required] == ["store"]
    assert (await probes["store"].check()).split()[0] == mesh.app.remembering.database.dialect


@pytest.mark.parametrize("kind", ["like", "not_interested"])
async def test_every_answer_after_an_acknowledged_word_knows_it(mesh: Mesh, kind: str) -> None:
    """People who send and read at once, over the wire."""

    async def live(who: str) -> None:
        for movie_id in (1, 2, 3):
            await send(mesh, who, movie_id, kind)
            known = await mesh.app.remembering.memory.of(who)
            words = known.liked if kind == "like" else known.refused
            assert words.tolist() == list(range(1, movie_id + 1))

    await asyncio.gather(*(live(f"person{number}") for number in range(12)))
