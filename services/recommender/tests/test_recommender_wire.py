"""What callers of the recommender see, over a real server."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.rpc import error_details_pb2, status_pb2

from cine.recommender.v1 import cinematch_pb2 as pb
from cine.recommender.v1 import cinematch_pb2_grpc as pb_grpc
from cine.recommender.v1 import recommender_pb2, recommender_pb2_grpc
from cine_recommender.app import RecommenderApplication
from cine_recommender.settings import RecommenderSettings
from cine_recommender.training.content import train_content
from cinemesh.artifacts import ArtifactStore
from cinemesh.testing import Running, running, settings_for

from .conftest import catalogue_rows, write_merged


@pytest.fixture
def options(tmp_path: Path) -> RecommenderSettings:
    return settings_for(RecommenderSettings, tmp_path, model_check_seconds=0.05)


def train(options: RecommenderSettings, films: int = 240) -> None:
    write_merged(options.merged_csv, catalogue_rows(films))
    train_content(options.merged_csv, ArtifactStore(options.artifacts_dir))


@pytest.fixture
async def server(options: RecommenderSettings) -> AsyncIterator[Running]:
    train(options)
    async with running(RecommenderApplication(options)) as server:
        yield server


@pytest.fixture
def cinematch(server: Running) -> Any:
    return server.stub(pb_grpc.CineMatchServiceStub)


@pytest.fixture
def recommender(server: Running) -> Any:
    return server.stub(recommender_pb2_grpc.RecommenderServiceStub)


def details_of(error: grpc.aio.AioRpcError) -> tuple[str, list[str]]:
    status = status_pb2.Status.FromString(error.trailing_metadata()["grpc-status-details-bin"])
    info, bad = error_details_pb2.ErrorInfo(), error_details_pb2.BadRequest()
    for detail in status.details:
        detail.Unpack(info) or detail.Unpack(bad)
    return info.reason, [violation.field for violation in bad.field_violations]


async def test_the_call_of_the_requirements(cinematch: Any) -> None:
    answer = await cinematch.MatchMovies(
        pb.MatchMoviesRequest(user_id="test", preferred_genres=["action", "sci-fi"], services=["Netflix"])
    )
    assert len(answer.recommendations) == 20
    assert all("Netflix" in film.streaming_services for film in answer.recommendations)
    assert answer.recommendations[0].title == "The Matrix"
    scores = [film.score for film in answer.recommendations]
    assert scores == sorted(scores, reverse=True)
    assert 0 < scores[-1] <= scores[0] <= 1
    assert answer.model.startswith("content/")
    assert (answer.degraded, answer.degraded_reason) == (False, "")


@pytest.mark.parametrize("limit", [1, 20, 100])
async def test_exactly_as_many_as_asked_for(cinematch: Any, limit: int) -> None:
    answer = await cinematch.MatchMovies(pb.MatchMoviesRequest(limit=limit))
    assert len({film.movie_id for film in answer.recommendations}) == limit


async def test_fewer_only_when_the_filters_leave_fewer(cinematch: Any) -> None:
    answer = await cinematch.MatchMovies(
        pb.MatchMoviesRequest(preferred_genres=["sci-fi"], year_min=1999, year_max=1999, limit=100)
    )
    expected = sum(1 for row in catalogue_rows() if row.get("year") == 1999)
    assert len(answer.recommendations) == expected > 0


@pytest.mark.parametrize(
    ("request_", "reason", "field"),
    [
        (pb.MatchMoviesRequest(preferred_genres=["action", "scy-phy"]), "UNKNOWN_GENRE", "preferred_genres[1]"),
        (pb.MatchMoviesRequest(services=["Blockbuster"]), "UNKNOWN_STREAMING_SERVICE", "services[0]"),
        (pb.MatchMoviesRequest(limit=-1), "INVALID_FIELD", "limit"),
        (pb.MatchMoviesRequest(limit=101), "INVALID_FIELD", "limit"),
        (pb.MatchMoviesRequest(preferred_genres=[""]), "INVALID_FIELD", "preferred_genres[0]"),
        (pb.MatchMoviesRequest(year_min=2001, year_max=2000), "INVALID_FIELD", "year_max"),
        (pb.MatchMoviesRequest(liked_movie_ids=[0]), "INVALID_FIELD", "liked_movie_ids[0]"),
    ],
)
async def test_bad_input_is_invalid_argument_and_names_the_field(
    cinematch: Any, request_: Any, reason: str, field: str
) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await cinematch.MatchMovies(request_)
    assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert details_of(caught.value) == (reason, [field])


async def test_liked_films_that_nobody_knows_are_owned_up_to(cinematch: Any) -> None:
    answer = await cinematch.MatchMovies(pb.MatchMoviesRequest(liked_movie_ids=[2571, 424242], limit=5))
    assert answer.recommendations[0].title == "The Matrix Reloaded"
    assert 2571 not in [film.movie_id for film in answer.recommendations]
    assert answer.degraded
    assert "424242" in answer.degraded_reason


async def test_health_of_the_requirements(cinematch: Any) -> None:
    health = await cinematch.GetHealth(pb.GetHealthRequest())
    assert (health.status, health.num_items, health.service) == ("ok", 240, "cinematch-ml-backend")
    assert health.model.startswith("content/")


async def test_without_a_model_it_is_loading_until_one_is_published(options: RecommenderSettings) -> None:
    async with running(RecommenderApplication(options)) as server:
        stub = server.stub(pb_grpc.CineMatchServiceStub)
        health = await stub.GetHealth(pb.GetHealthRequest())
        assert (health.status, health.num_items) == ("loading", 0)
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await stub.MatchMovies(pb.MatchMoviesRequest())
        assert caught.value.code() is grpc.StatusCode.UNAVAILABLE
        assert details_of(caught.value)[0] == "MODEL_NOT_READY"
        train(options, 60)
        for _ in range(400):
            health = await stub.GetHealth(pb.GetHealthRequest())
            if health.status == "ok":
                break
        assert (health.status, health.num_items) == ("ok", 60)


async def test_similar_films_with_reasons_and_pages(recommender: Any) -> None:
    first = await recommender.ListSimilarMovies(recommender_pb2.ListSimilarMoviesRequest(movie_id=2571, page_size=2))
    assert [one.movie.title for one in first.recommendations] == ["The Matrix Reloaded", "The Matrix Revolutions"]
    assert [one.rank for one in first.recommendations] == [1, 2]
    best = first.recommendations[0]
    assert best.components.content + best.components.popularity == pytest.approx(best.score, abs=1e-6)
    assert best.explanation.text == (
        "Like The Matrix: also directed by Lana Wachowski and Lilly Wachowski; with Keanu Reeves and Laurence Fishburne again; "
        "both about simulation and artificial intelligence."
    )
    assert first.total_size > 100
    seen = {one.movie.movie_id for one in first.recommendations}
    again = recommender_pb2.ListSimilarMoviesRequest(movie_id=2571, page_size=100, page_token=first.next_page_token)
    while True:
        page = await recommender.ListSimilarMovies(again)
        ids = {one.movie.movie_id for one in page.recommendations}
        assert not ids & seen
        seen |= ids
        if not page.next_page_token:
            break
        again.page_token = page.next_page_token
    assert len(seen) == first.total_size
    assert 2571 not in seen


async def test_similar_films_that_pass_a_filter(recommender: Any) -> None:
    answer = await recommender.ListSimilarMovies(
        recommender_pb2.ListSimilarMoviesRequest(
            movie_id=2571, genre=["science fiction", "action"], service=["netflix"], year_min=2000, page_size=100
        )
    )
    assert len(answer.recommendations) >= 2
    for one in answer.recommendations:
        assert {"Sci-Fi", "Action"} <= set(one.movie.genres)
        assert "Netflix" in one.movie.streaming_services
        assert one.movie.year >= 2000


async def test_diversity_spreads_similar_films_out(recommender: Any) -> None:
    orders = []
    for diversity in (0.0, 0.7):
        asked = recommender_pb2.ListSimilarMoviesRequest(movie_id=2571, page_size=100, diversity=diversity)
        orders.append([one.movie.movie_id for one in (await recommender.ListSimilarMovies(asked)).recommendations])
    assert orders[0][:2] == [6365, 6934]
    assert orders[1][0] == 6365
    assert orders[1].index(6934) > orders[0].index(6934), "the third Matrix is too much like the second"
    assert set(orders[0]) == set(orders[1])


@pytest.mark.parametrize(
    ("request_", "code", "reason"),
    [
        (recommender_pb2.ListSimilarMoviesRequest(movie_id=123456), grpc.StatusCode.NOT_FOUND, "MOVIE_NOT_FOUND"),
        (
            recommender_pb2.ListSimilarMoviesRequest(movie_id=2571, genre=["x"]),
            grpc.StatusCode.INVALID_ARGUMENT,
            "UNKNOWN_GENRE",
        ),
        (
            recommender_pb2.ListSimilarMoviesRequest(movie_id=2571, page_token="x"),
            grpc.StatusCode.INVALID_ARGUMENT,
            "INVALID_PAGE_TOKEN",
        ),
        (
            recommender_pb2.ListSimilarMoviesRequest(movie_id=2571, page_size=-1),
            grpc.StatusCode.INVALID_ARGUMENT,
            "INVALID_FIELD",
        ),
        (recommender_pb2.ListSimilarMoviesRequest(), grpc.StatusCode.INVALID_ARGUMENT, "INVALID_FIELD"),
    ],
)
async def test_bad_questions_about_similar_films(
    recommender: Any, request_: Any, code: grpc.StatusCode, reason: str
) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await recommender.ListSimilarMovies(request_)
    assert caught.value.code() is code
    assert details_of(caught.value)[0] == reason
