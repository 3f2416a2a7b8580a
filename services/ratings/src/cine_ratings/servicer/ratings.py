"""RatingsService: a person's own ratings, what everybody thinks of a film, a year in film."""

from __future__ import annotations

import math
from collections.abc import AsyncIterator, Sequence
from typing import Any, Final, TypeVar

from google.protobuf.message import Message

from cine.ratings.v1 import ratings_pb2 as pb
from cine.ratings.v1 import ratings_pb2_grpc
from cine_ratings.domain.counts import Histogram
from cine_ratings.domain.rating import DIMENSIONS, HALVES, Rating, RatingWish, score_of, stars_of
from cine_ratings.domain.statistics import Bucket
from cine_ratings.flows.ratings import Ratings, ShownRating
from cine_ratings.flows.statistics import FilmSummaries, MyStatistics
from cine_ratings.servicer.attempts import Attempts
from cine_ratings.store.my_ratings import RatingFilter
from cinemesh import context as calls
from cinemesh.paging import PageTokens, page_size
from cinemesh.plain_text import searchable
from cinemesh.vocabulary import MOVIELENS_GENRES, genres

M = TypeVar("M", bound=Message)
_GENRES: Final = genres(MOVIELENS_GENRES)
_STREAMED: Final = 1000


class RatingsServicer(ratings_pb2_grpc.RatingsServiceServicer):
    """Turns calls about ratings into flows and back.

    Args:
        ratings: those of the caller.
        summaries: what everybody thinks.
        statistics: the caller's year in film.
        attempts: gives first answers again.
        pages: makes and reads page tokens.
    """

    def __init__(
        self,
        ratings: Ratings,
        summaries: FilmSummaries,
        statistics: MyStatistics,
        attempts: Attempts,
        pages: PageTokens,
    ) -> None:
        self._ratings = ratings
        self._summaries = summaries
        self._statistics = statistics
        self._attempts = attempts
        self._pages = pages

    async def RateMovie(self, request: pb.RateMovieRequest, _: Any) -> pb.RateMovieResponse:
        """Rates a film, or changes the caller's rating of it."""
        stars = {name: getattr(request, name) for name in DIMENSIONS if request.HasField(name)}
        wish = RatingWish(request.movie_id, score_of(stars), etag=request.etag)
        once = self._attempts.of("RateMovie", request, pb.RateMovieResponse, _shown)
        return await self._ratings.rate(_caller(), wish, once)

    async def ListMyRatings(self, request: pb.ListMyRatingsRequest, _: Any) -> pb.ListMyRatingsResponse:
        """Lists the caller's ratings."""
        wanted = RatingFilter(
            user_id=_caller(),
            order=request.order_by or "newest",
            lowest=math.ceil(request.rating_min * 2),
            highest=math.floor(request.rating_max * 2) if request.rating_max else HALVES - 1,
            genre=_GENRES.resolve(request.genre, "genre") if request.genre else "",
            year_min=request.year_min,
            year_max=request.year_max,
            text=searchable(request.query.strip(), "query"),
        )
        page = await self._ratings.list(wanted, page_size(request.page_size), self._pages.decode(request))
        return pb.ListMyRatingsResponse(
            ratings=[_shown(pb.Rating, one) for one in page.ratings],
            next_page_token=self._pages.encode(page.following, request) if page.following else "",
            total_size=page.total,
        )

    async def GetMyRating(self, request: pb.GetMyRatingRequest, _: Any) -> pb.GetMyRatingResponse:
        """Gives the caller's rating of one film."""
        return _shown(pb.GetMyRatingResponse, await self._ratings.get(_caller(), request.movie_id))

    async def DeleteRating(self, request: pb.DeleteRatingRequest, _: Any) -> pb.DeleteRatingResponse:
        """Takes a rating back."""
        await self._ratings.delete(_caller(), searchable(request.rating_id, "rating_id"), request.etag)
        return pb.DeleteRatingResponse()

    async def GetMovieRatings(self, request: pb.GetMovieRatingsRequest, _: Any) -> pb.GetMovieRatingsResponse:
        """Gives the means and histograms of one film."""
        summary = await self._summaries.of(request.movie_id)
        counts = summary.counts
        return pb.GetMovieRatingsResponse(
            movie_id=request.movie_id,
            average_rating=counts.overall.mean,
            rating_count=counts.overall.count,
            damped_rating=summary.damped_mean,
            review_count=counts.review_count,
            watch_count=counts.watch_count,
            dimensions=[
                _dimension(name, histogram) for name, histogram in zip(DIMENSIONS, counts.dimensions, strict=True)
            ],
        )

    async def GetMyStatistics(self, request: pb.GetMyStatisticsRequest, _: Any) -> pb.GetMyStatisticsResponse:
        """Counts what the caller watched and rated."""
        counted, review_count, best = await self._statistics.of(_caller(), request.year)
        return pb.GetMyStatisticsResponse(
            year=counted.year,
            watch_count=counted.watch_count,
            movie_count=counted.movie_count,
            rewatch_count=counted.rewatch_count,
            minutes_watched=counted.minutes_watched,
            rating_count=counted.ratings.count,
            average_rating=counted.ratings.mean,
            review_count=review_count,
            histogram=counted.ratings.counts,
            by_period=_buckets(counted.by_period),
            by_genre=_buckets(counted.by_genre),
            by_decade=_buckets(counted.by_decade),
            by_director=_buckets(counted.by_director),
            by_country=_buckets(counted.by_country),
            highest_rated=[_shown(pb.Rating, one) for one in best],
            longest_streak_days=counted.longest_streak_days,
            years_available=counted.years_available,
        )

    async def StreamRatings(self, request: pb.StreamRatingsRequest, _: Any) -> AsyncIterator[pb.StreamRatingsResponse]:
        """Streams all ratings to a service."""
        after = searchable(request.after_rating_id, "after_rating_id")
        while found := await self._ratings.following(after, _STREAMED):
            yield pb.StreamRatingsResponse(
                ratings=[pb.OwnedRating(user_id=one.user_id, rating=_rating(pb.Rating, one)) for one in found]
            )
            after = found[-1].rating_id


def _caller() -> str:
    return calls.current().principal.user_id


def _shown(kind: type[M], shown: ShownRating) -> M:
    answer: Any = _rating(kind, shown.rating)
    if shown.movie is not None:
        answer.movie.CopyFrom(shown.movie)
    return answer  # type: ignore[no-any-return]


def _rating(kind: type[M], rating: Rating) -> M:
    answer: Any = kind(rating_id=rating.rating_id, movie_id=rating.movie_id, etag=rating.etag)
    for name, halves in rating.score.values.items():
        if halves is not None:
            setattr(answer, name, stars_of(halves))
    answer.created_at.FromDatetime(rating.created_at)
    answer.updated_at.FromDatetime(rating.updated_at)
    return answer  # type: ignore[no-any-return]


def _dimension(name: str, histogram: Histogram) -> pb.DimensionSummary:
    return pb.DimensionSummary(dimension=name, mean=histogram.mean, count=histogram.count, histogram=histogram.counts)


def _buckets(buckets: Sequence[Bucket]) -> list[pb.StatisticsBucket]:
    return [
        pb.StatisticsBucket(
            name=one.name,
            watch_count=one.watch_count,
            rating_count=one.rating_count,
            average_rating=one.average_rating,
        )
        for one in buckets
    ]
