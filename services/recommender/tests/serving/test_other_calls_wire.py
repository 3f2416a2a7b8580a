"""The other calls that recommend, as callers see them."""

from __future__ import annotations

from typing import Any

from cine.recommender.v1 import recommender_pb2 as pb
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
