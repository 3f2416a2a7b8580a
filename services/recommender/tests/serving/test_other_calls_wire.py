"""The other calls that recommend, as callers see them."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from cine.recommender.v1 import recommender_pb2 as pb
from cine_recommender.domain.preferences import Preferences
from cine_recommender.store import preferences
from cinemesh.errors import Code, Reason

from .test_recommendations_wire import Shop, refused, shop  # noqa: F401


async def test_rows_over_the_wire(shop: Shop) -> None:  # noqa: F811
    await shop.say("u0", 2571, "like")
    answer = await shop.stub.ListBecauseYouWatched(pb.ListBecauseYouWatchedRequest(row_size=4), metadata=shop.by("u0"))
    assert [row.because.title for row in answer.rows] == ["The Matrix"]
    row = answer.rows[0].recommendations
    assert [one.movie.title for one in row[:1]] == ["The Matrix Reloaded"]
    assert [one.rank for one in row] == [1, 2, 3, 4]
    assert all(one.explanation.text for one in row)
    assert answer.request_id
    assert answer.model == "hybrid/tiny"
    failure = await refused(
        shop.stub.ListBecauseYouWatched(pb.ListBecauseYouWatchedRequest(service=["x"]), metadata=shop.by("u0"))
    )
    assert failure.reason is Reason.UNKNOWN_STREAMING_SERVICE


async def test_picks_over_the_wire(shop: Shop) -> None:  # noqa: F811
    async def picks(**fields: Any) -> Any:
        return await shop.stub.ListOnboardingPicks(pb.ListOnboardingPicksRequest(**fields), metadata=shop.by("u1"))

    first = await picks()
    assert len(first.movies) == 12
    assert (first.rating_count, first.ratings_wanted) == (0, 10)
    shown = [movie.movie_id for movie in first.movies]
    more = await picks(limit=5, exclude_movie_ids=shown)
    assert len(more.movies) == 5
    assert not {movie.movie_id for movie in more.movies} & set(shown)


async def test_predictions_over_the_wire(shop: Shop) -> None:  # noqa: F811
    await shop.say("u2", int(shop.taste.film_ids[3]), "dislike")
    request = pb.PredictRatingRequest(movie_id=int(shop.taste.film_ids[5]))
    found = await shop.stub.PredictRating(request, metadata=shop.by("u2"))
    assert (found.movie_id, found.predicted_rating, found.low, found.high) == (request.movie_id, 1.5, 0.5, 2.5)
    assert (found.rating_count, found.model, found.degraded) == (1, "hybrid/tiny", False)
    unknown = shop.stub.PredictRating(pb.PredictRatingRequest(movie_id=999_999), metadata=shop.by("u2"))
    assert (await refused(unknown)).code is Code.NOT_FOUND


async def test_a_group_over_the_wire(shop: Shop) -> None:  # noqa: F811
    await shop.say("u0", 2571, "like")
    await shop.say("u1", int(shop.taste.film_ids[4]), "like")

    async def ask(**fields: Any) -> Any:
        return await shop.stub.RecommendForGroup(pb.RecommendForGroupRequest(**fields), metadata=shop.by("u0"))

    failure = await refused(ask(members=[pb.GroupMember(username="user1")]))
    assert (failure.code, [field for field, _ in failure.violations]) == (
        Code.INVALID_ARGUMENT,
        ["members[0].username"],
    )
    app: Any = shop.running.app
    told = Preferences(share_taste=True)
    await app.remembering.database.write(lambda tx: preferences.note(tx, "u1", told, dt.datetime.now(dt.UTC)))
    answer = await ask(
        members=[pb.GroupMember(username="user1"), pb.GroupMember(name="Guest", preferred_genres=["comedy"])],
        vetoed_genres=["horror"],
        strategy="fair",
        limit=8,
    )
    assert len(answer.recommendations) == 8
    for place, one in enumerate(answer.recommendations):
        assert [each.name for each in one.member_scores] == ["user0", "user1", "Guest"]
        assert one.score == pytest.approx(sum(each.score for each in one.member_scores) / 3, abs=1e-6)
        assert one.rank == place + 1
        assert "Horror" not in one.movie.genres
        assert one.explanation.text
    bad = await refused(ask(members=[pb.GroupMember(name="G", preferred_genres=["x"])]))
    assert [field for field, _ in bad.violations] == ["members[0].preferred_genres[0]"]
    assert (await refused(ask(members=[pb.GroupMember()]))).reason is Reason.INVALID_FIELD
