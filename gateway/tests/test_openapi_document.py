"""The OpenAPI document: valid, complete, and as strict as the contracts."""

from __future__ import annotations

from typing import Any

import hypothesis
import pytest
import schemathesis

from cine.common.v1 import access_pb2
from cine_gateway import contracts as contracts_of
from cine_gateway import openapi
from cine_gateway.envoy import model


@pytest.fixture(scope="module")
def contracts() -> contracts_of.Contracts:
    return contracts_of.load()


@pytest.fixture(scope="module")
def document(contracts: contracts_of.Contracts) -> dict[str, Any]:
    return openapi.document(contracts, "https://films.example/")


def operation(document: dict[str, Any], verb: str, path: str) -> dict[str, Any]:
    found: dict[str, Any] = document["paths"][path][verb]
    return found


def parameter(document: dict[str, Any], path: str, name: str) -> dict[str, Any]:
    found: dict[str, Any] = next(one for one in operation(document, "get", path)["parameters"] if one["name"] == name)
    return found


def test_it_is_valid(document: dict[str, Any]) -> None:
    validator = pytest.importorskip("openapi_spec_validator", reason="openapi-spec-validator is not installed")
    validator.validate(document)
    assert document["servers"] == [{"url": "https://films.example"}]


def test_it_has_every_rest_call_once_without_the_slash_form(
    document: dict[str, Any], contracts: contracts_of.Contracts
) -> None:
    wanted = {
        (binding.verb.lower(), binding.path.rstrip("/"))
        for service in model.served(contracts)
        for method in service.methods
        for binding in method.bindings
    }
    found = {(verb, path) for path, item in document["paths"].items() for verb in item}
    health = {("get", f"/health/{one}") for one in ("live", "ready", "detailed")}
    assert found == wanted | health
    assert len(wanted) >= 40
    names = [one["operationId"] for item in document["paths"].values() for one in item.values()]
    assert len(names) == len(set(names))


def test_everything_has_words(document: dict[str, Any]) -> None:
    for path, item in document["paths"].items():
        for verb, one in item.items():
            assert one["summary"] and one["description"], (verb, path)
            assert all(each["description"] for each in one["parameters"]), (verb, path)
    for name, schema in document["components"]["schemas"].items():
        assert schema["description"], name
    assert all(tag["description"] for tag in document["tags"])


def test_rules_become_constraints(document: dict[str, Any]) -> None:
    search = "/api/v1/movies/search"
    assert parameter(document, search, "query")["schema"]["maxLength"] == 500
    year = parameter(document, search, "year_min")["schema"]
    assert (year["type"], year["format"], year["minimum"], year["maximum"]) == ("integer", "int32", 0, 2200)
    rating = parameter(document, search, "rating_min")["schema"]
    assert (rating["type"], rating["format"], rating["maximum"]) == ("number", "float", 5)
    genre = parameter(document, search, "genre")
    assert (genre["schema"]["type"], genre["schema"]["maxItems"], genre["explode"]) == ("array", 10, True)
    assert genre["schema"]["items"]["minLength"] == 1
    assert "title" in parameter(document, search, "order_by")["schema"]["enum"]
    body = document["components"]["schemas"]["MatchMoviesRequest"]["properties"]
    assert body["preferred_genres"]["maxItems"] == 20
    assert body["liked_movie_ids"]["items"]["exclusiveMinimum"] == 0


def test_what_may_not_be_left_out_is_required(document: dict[str, Any]) -> None:
    assert parameter(document, "/api/v1/movies/batch", "movie_ids")["required"] is True
    assert parameter(document, "/api/v1/movies/search", "query")["required"] is False
    assert parameter(document, "/api/v1/movies/{movie_id}", "movie_id")["required"] is True


def test_answers_are_as_the_transcoder_writes_them(document: dict[str, Any]) -> None:
    card = document["components"]["schemas"]["FilmCard"]["properties"]
    assert card["movie_id"]["type"] == "integer"
    assert card["cast"] == {"type": "array", "items": card["cast"]["items"], "description": card["cast"]["description"]}
    # 64 bits travel as text
    assert all(
        field.get("type") == "string"
        for schema in document["components"]["schemas"].values()
        for field in schema.get("properties", {}).values()
        if field.get("format") == "int64" and "minimum" not in field
    )


def test_access_becomes_security(document: dict[str, Any], contracts: contracts_of.Contracts) -> None:
    for service in model.served(contracts):
        for method in service.methods:
            for binding in method.bindings:
                one = operation(document, binding.verb.lower(), binding.path.rstrip("/"))
                public = method.access == access_pb2.ACCESS_PUBLIC
                assert one["security"] == ([] if public else [{"bearer": []}]), binding.path
                # a bad token is refused even where none is needed
                assert "401" in one["responses"]
                assert ("403" in one["responses"]) is not public


def test_errors_are_described_everywhere(document: dict[str, Any]) -> None:
    for path, item in document["paths"].items():
        for one in item.values():
            assert "default" in one["responses"], path
    status = document["components"]["schemas"]["Status"]
    assert set(status["required"]) == {"code", "status", "message", "details"}


def test_raw_bodies_streams_and_downloads_say_so(document: dict[str, Any], contracts: contracts_of.Contracts) -> None:
    raw = {"type": "string", "format": "binary"}
    upload = operation(document, "post", "/api/v1/aesthetic-search/by-image")
    assert upload["requestBody"]["content"] == {"*/*": {"schema": raw}}
    thumbnail = operation(document, "get", "/api/v1/aesthetic-search/frames/{frame_id}/thumbnail")
    assert thumbnail["responses"]["200"]["content"] == {"*/*": {"schema": raw}}
    for service in model.served(contracts):
        for method in service.methods:
            for binding in method.bindings:
                if method.server_streaming and not binding.response_body:
                    answer = operation(document, binding.verb.lower(), binding.path.rstrip("/"))["responses"]["200"]
                    assert set(answer["content"]) == {"text/event-stream"}, binding.path


def test_examples_keep_the_rules(document: dict[str, Any]) -> None:
    jsonschema_rs = pytest.importorskip("jsonschema_rs")
    checked = 0
    for path, item in document["paths"].items():
        for one in item.values():
            for each in one["parameters"]:
                if "example" in each:
                    assert jsonschema_rs.is_valid(each["schema"], each["example"]), (path, each["name"])
                    checked += 1
            for media in one.get("requestBody", {}).get("content", {}).values():
                if "example" in media:
                    schema = {**media["schema"], "components": document["components"]}
                    assert jsonschema_rs.is_valid(schema, media["example"]), (path, media["example"])
                    checked += 1
    assert checked > 20


def test_schemathesis_can_make_a_case_for_every_call(document: dict[str, Any]) -> None:
    schema = schemathesis.openapi.from_dict(document)
    made = 0
    for found in schema.get_all_operations():
        one = found.ok()

        @hypothesis.settings(
            max_examples=1,
            database=None,
            deadline=None,
            suppress_health_check=list(hypothesis.HealthCheck),
            derandomize=True,
        )
        @hypothesis.given(case=one.as_strategy())
        def make(case: Any) -> None:
            assert case.formatted_path.startswith("/")

        make()
        made += 1
    assert made == sum(len(item) for item in document["paths"].values())
