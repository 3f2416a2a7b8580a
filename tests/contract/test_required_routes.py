"""The REST surface that was promised is in the contracts, and nothing of it changes unnoticed."""

from __future__ import annotations

import re
from types import ModuleType
from typing import Any

import pytest

# requirements: the paths frontends already call, with the additions
PROMISED = {
    "R-auth": """
        POST /api/v1/auth/register
        POST /api/v1/auth/login
        POST /api/v1/auth/refresh
        POST /api/v1/auth/verify-email
        GET /api/v1/auth/me
        POST /api/v1/auth/logout
        POST /api/v1/auth/forgot-password
        POST /api/v1/auth/reset-password
        GET /api/v1/auth/sessions
        DELETE /api/v1/auth/sessions/{}
        GET /api/v1/auth/oauth/{}/authorize
        GET /api/v1/auth/oauth/{}/callback""",
    "R-users": """
        GET /api/v1/users/me/profile
        PUT /api/v1/users/me/profile
        GET /api/v1/users/me/preferences
        PUT /api/v1/users/me/preferences
        GET /api/v1/users/{}""",
    "R-movies": """
        GET /api/v1/movies/search
        GET /api/v1/movies/popular
        GET /api/v1/movies/trending
        GET /api/v1/movies/top-rated
        GET /api/v1/movies/{}""",
    "R-recs": """
        GET /api/v1/recommendations
        GET /api/v1/recommendations/similar/{}
        POST /api/v1/recommendations/feedback
        GET /api/v1/recommendations/{}/why""",
    "R-aesthetic": """
        GET /api/v1/aesthetic-search
        POST /api/v1/aesthetic-search/by-color
        POST /api/v1/aesthetic-search/by-image
        GET /api/v1/aesthetic-search/examples""",
    "R-ratings": """
        POST /api/v1/ratings/rate
        GET /api/v1/ratings/my-ratings
        POST /api/v1/ratings/review
        GET /api/v1/ratings/movie/{}/reviews
        POST /api/v1/ratings/review/{}/like
        DELETE /api/v1/ratings/review/{}/like
        DELETE /api/v1/ratings/rating/{}
        PUT /api/v1/ratings/review/{}
        DELETE /api/v1/ratings/review/{}
        POST /api/v1/ratings/review/{}/comments
        GET /api/v1/ratings/review/{}/comments""",
    "R-watchlist": """
        POST /api/v1/watchlist
        GET /api/v1/watchlist
        PUT /api/v1/watchlist/{}
        DELETE /api/v1/watchlist/{}
        POST /api/v1/watchlist/lists
        GET /api/v1/watchlist/lists
        POST /api/v1/watchlist/lists/{}/items
        DELETE /api/v1/watchlist/lists/{}/items/{}
        POST /api/v1/watchlist/lists/{}/items/{}/move
        POST /api/v1/watchlist/lists/{}/collaborators
        POST /api/v1/watchlist/lists/{}/share""",
    "R-sentiment": """
        POST /api/v1/sentiment/analyze
        GET /api/v1/sentiment/movies/{}
        GET /api/v1/sentiment/movies/{}/trend""",
    "R-cinematch": "POST /api/recommendations",
    "R-health": "GET /health",
}
LINES = [(ident, line.strip()) for ident, block in PROMISED.items() for line in block.splitlines() if line.strip()]
# by sending the browser to a provider or back, these change what is stored though they are GET
CHANGING_GETS = {"cine.identity.v1.OAuthService/Authorize", "cine.identity.v1.OAuthService/HandleCallback"}


def shape(path: str) -> str:
    return re.sub(r"\{[^}]*\}", "{}", path)


@pytest.mark.parametrize(("ident", "promised"), LINES, ids=[line for _, line in LINES])
def test_promised_route_is_in_the_contracts(ident: str, promised: str, routes: list[Any]) -> None:
    assert promised in {f"{route.verb} {shape(route.path)}" for route in routes}, ident


def test_golden_file_matches_the_contracts(routes_script: ModuleType, routes: list[Any]) -> None:
    pinned = routes_script.GOLDEN.read_text()
    assert routes_script.render(routes) == pinned, "if the change is meant: python scripts/routes.py --write"


def test_golden_file_shows_a_changed_path_and_access(routes_script: ModuleType, routes: list[Any]) -> None:
    from dataclasses import replace

    before = routes_script.render(routes)
    for change in ({"path": "/elsewhere"}, {"access": "PUBLIC_"}, {"verb": "PATCH"}, {"body": "other"}):
        assert routes_script.render([replace(routes[0], **change), *routes[1:]]) != before


def test_no_two_calls_share_verb_and_path(routes: list[Any]) -> None:
    seen: dict[str, str] = {}
    for route in routes:
        if route.verb:
            key = f"{route.verb} {shape(route.path)}"
            assert seen.setdefault(key, route.call) == route.call, key


def test_paths_can_be_served_with_and_without_a_trailing_slash(routes: list[Any]) -> None:
    # Envoy's transcoder matches both forms of a plain path by itself; a template that ends in "/" keeps it from starting, and
    # a custom verb ("movies:batch") does not match with a slash behind it
    for route in routes:
        if route.path:
            assert re.fullmatch(r"(/([a-z0-9.\-]+|\{[a-z_]+\}))+", route.path), f"{route.call}: {route.path}"


def test_path_variables_and_bodies_are_fields_of_the_request(routes: list[Any], methods: dict[str, Any]) -> None:
    for route in routes:
        method = methods[route.call]
        request = method.input_type.fields_by_name
        for variable in re.findall(r"\{([^}]*)\}", route.path):
            assert variable in request, f"{route.call}: {variable}"
        if route.body not in ("", "*"):
            assert request[route.body].message_type.full_name == "google.api.HttpBody", route.call
            assert route.client_streaming, f"{route.call}: a unary HttpBody is refused above the transcoder's buffer"
        if route.response_body:
            answer = method.output_type.fields_by_name[route.response_body]
            assert answer.message_type.full_name == "google.api.HttpBody", route.call


def test_verbs_say_what_calls_do(routes: list[Any]) -> None:
    for route in routes:
        reads = route.idempotency == "NO_SIDE_EFFECTS"
        if route.verb == "GET":
            assert reads != (route.call in CHANGING_GETS), route.call
        elif route.verb in ("PUT", "DELETE"):
            assert not reads, route.call
        if route.verb in ("POST", "PUT"):
            assert route.body, f"{route.call}: what is sent would be ignored"
        else:
            assert not route.body, f"{route.call}: {route.verb or 'gRPC'} has no body"
