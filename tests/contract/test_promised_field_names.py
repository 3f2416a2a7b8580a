"""Field names that frontends read and send are in the contracts, with the type they expect."""

from __future__ import annotations

from typing import Any

import pytest
from google.protobuf.descriptor import Descriptor, FieldDescriptor

F = FieldDescriptor
NUMBER = {F.TYPE_INT32, F.TYPE_FLOAT, F.TYPE_DOUBLE}
KINDS = {"text": {F.TYPE_STRING}, "number": NUMBER, "flag": {F.TYPE_BOOL}, "object": {F.TYPE_MESSAGE}}

TOKENS = "access_token refresh_token token_type expires_in:number"
ACCOUNT = "user_id username email email_verified:flag roles[]"
CARD = (
    "movie_id:number title year:number genres[] directors[] cast[] keywords[] overview runtime_minutes:number poster_url "
    "streaming_services[] imdb_id tmdb_id:number average_rating:number rating_count:number"
)
ITEM = "item_id movie_id:number priority:number watched:flag watched_at:object notes"
LIST = "list_id name visibility collaborators:object[] share_url"
RATING = "movie_id:number overall:number plot:number acting:number cinematography:number soundtrack:number"
REVIEW = "review_id movie_id:number body_markdown body_html like_count:number comment_count:number sentiment:object"
FEELING = "label confidence:number positive:number neutral:number negative:number"
PAGED = "next_page_token total_size:number"
PAGING = "page_size:number page_token"
DEGRADED = "request_id model degraded:flag degraded_reason"

# what answers hold: "POST /path" → fields at the top level, "." goes into a message
ANSWERS = {
    "POST /api/v1/auth/login": TOKENS,
    "POST /api/v1/auth/refresh": TOKENS,
    "GET /api/v1/auth/oauth/{provider}/callback": TOKENS,
    "POST /api/v1/auth/register": ACCOUNT,
    "GET /api/v1/auth/me": ACCOUNT,
    "GET /api/v1/movies/search": f"movies:object[] {PAGED}",
    "GET /api/v1/movies/popular": f"movies:object[] {PAGED}",
    "GET /api/v1/movies/trending": f"movies:object[] {PAGED}",
    "GET /api/v1/movies/top-rated": f"movies:object[] {PAGED}",
    "GET /api/v1/movies/{movie_id}": CARD,
    "GET /api/v1/recommendations": f"recommendations:object[] {PAGED} {DEGRADED}",
    "GET /api/v1/recommendations/similar/{movie_id}": f"recommendations:object[] {PAGED} {DEGRADED}",
    "POST /api/recommendations": "recommendations:object[]",
    "POST /api/v1/ratings/rate": RATING,
    "GET /api/v1/ratings/my-ratings": f"ratings:object[] {PAGED}",
    "POST /api/v1/ratings/review": REVIEW,
    "PUT /api/v1/ratings/review/{review_id}": REVIEW,
    "GET /api/v1/ratings/movie/{movie_id}/reviews": f"reviews:object[] {PAGED}",
    "POST /api/v1/watchlist": ITEM,
    "PUT /api/v1/watchlist/{item_id}": ITEM,
    "GET /api/v1/watchlist": f"items:object[] {PAGED}",
    "POST /api/v1/watchlist/lists": LIST,
    "GET /api/v1/watchlist/lists": f"lists:object[] {PAGED}",
    "GET /api/v1/watchlist/lists/{list_id}": LIST,
    "GET /api/v1/watchlist/lists/{list_id}/items": f"items:object[] {PAGED}",
    "GET /api/v1/aesthetic-search": "results:object[] encoder no_match:flag",
    "POST /api/v1/aesthetic-search/by-color": "results:object[] encoder no_match:flag",
    "POST /api/v1/aesthetic-search/by-image": "results:object[] encoder no_match:flag",
    "POST /api/v1/sentiment/analyze": "sentiment:object emotions:object aspects:object[] model",
    "GET /health": "status num_items:number service",
}
# what requests take
REQUESTS = {
    "POST /api/v1/auth/register": "username email password",
    "POST /api/v1/auth/login": "username email password",
    "POST /api/v1/auth/refresh": "refresh_token",
    "GET /api/v1/movies/search": (
        f"query genre[] cast director year_min:number year_max:number service[] order_by keyword rating_min:number {PAGING}"
    ),
    "GET /api/v1/recommendations": (
        f"genre[] year_min:number year_max:number service[] runtime_max:number mood device time_of_day query {PAGING}"
    ),
    "POST /api/v1/recommendations/feedback": "movie_id:number kind",
    "POST /api/recommendations": "user_id preferred_genres[] services[] limit:number",
    "POST /api/v1/ratings/rate": RATING,
    "POST /api/v1/ratings/review": "movie_id:number body_markdown",
    "POST /api/v1/watchlist": "movie_id:number priority:number notes",
    "PUT /api/v1/watchlist/{item_id}": "priority:number watched:flag watched_at:object notes",
    "POST /api/v1/watchlist/lists": "name visibility",
    "GET /api/v1/aesthetic-search": "query limit:number visual_element[] scene_type[] cinematography_style[]",
    "POST /api/v1/aesthetic-search/by-color": "colors:object[] limit:number",
    "POST /api/v1/aesthetic-search/by-image": "image:object limit:number",
    "POST /api/v1/sentiment/analyze": "text",
}
# what is inside: the full name of a message → its fields
WITHIN = {
    "cine.common.v1.FilmCard": CARD,
    "cine.recommender.v1.MatchedMovie": f"{CARD} score:number",
    "cine.recommender.v1.Recommendation": "movie:object score:number rank:number components:object explanation:object",
    "cine.recommender.v1.Explanation": "text because:object[]",
    "cine.ratings.v1.Rating": RATING,
    "cine.ratings.v1.Review": REVIEW,
    "cine.watchlist.v1.WatchlistItem": ITEM,
    "cine.watchlist.v1.MovieList": LIST,
    "cine.aesthetic.v1.WeightedColor": "hex weight:number",
    "cine.aesthetic.v1.LookMatch": "movie:object score:number evidence:object[]",
    "cine.aesthetic.v1.Evidence": "frame timestamp:number thumbnail matched similarity:number",
    "cine.common.v1.Sentiment": FEELING,
    "cine.sentiment.v1.Emotions": "joy:number sadness:number anger:number fear:number surprise:number disgust:number",
    "cine.sentiment.v1.AspectSentiment": "aspect label confidence:number quote",
}


def check(message: Descriptor, wanted: str) -> None:
    for entry in wanted.split():
        name, _, kind = entry.partition(":")
        repeated = entry.endswith("[]")
        name, kind = name.removesuffix("[]"), kind.removesuffix("[]") or "text"
        field = message.fields_by_name.get(name)
        assert field is not None, f"{message.full_name} lacks {name}"
        assert field.is_repeated == repeated, field.full_name
        assert field.type in KINDS[kind], f"{field.full_name} is no {kind}"
        # the gateway keeps proto names; a json_name of its own would show in native JSON clients only
        assert field.json_name.lower() == name.replace("_", ""), field.full_name


@pytest.mark.parametrize("route", ANSWERS)
def test_answer_fields(route: str, routes: list[Any], methods: dict[str, Any]) -> None:
    calls = {f"{one.verb} {one.path}": one.call for one in routes}
    check(methods[calls[route]].output_type, ANSWERS[route])


@pytest.mark.parametrize("route", REQUESTS)
def test_request_fields(route: str, routes: list[Any], methods: dict[str, Any]) -> None:
    calls = {f"{one.verb} {one.path}": one.call for one in routes}
    check(methods[calls[route]].input_type, REQUESTS[route])


@pytest.mark.parametrize("name", WITHIN)
def test_fields_within(name: str, messages: dict[str, Descriptor]) -> None:
    check(messages[name], WITHIN[name])


def test_only_overall_is_required_of_a_rating(messages: dict[str, Descriptor]) -> None:
    import protovalidate

    from cine.ratings.v1 import ratings_pb2

    protovalidate.validate(ratings_pb2.RateMovieRequest(movie_id=603, overall=0.0))
    for dimension in ("overall", "plot", "acting", "cinematography", "soundtrack"):
        for half in range(11):
            protovalidate.validate(
                ratings_pb2.RateMovieRequest(**{"movie_id": 603, "overall": 3.5, dimension: half / 2})
            )
        for wrong in (-0.5, 0.25, 4.9, 5.5, float("nan"), float("inf")):
            with pytest.raises(protovalidate.ValidationError) as refused:
                protovalidate.validate(
                    ratings_pb2.RateMovieRequest(**{"movie_id": 603, "overall": 3.5, dimension: wrong})
                )
            assert {v.proto.field.elements[0].field_name for v in refused.value.violations} == {dimension}
    with pytest.raises(protovalidate.ValidationError):
        protovalidate.validate(ratings_pb2.RateMovieRequest(movie_id=603, plot=3.0))
