"""Recommendations as somebody gets them, over REST on a real mesh: from an answer for strangers to reasons that name their own films."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from .mesh import Mesh, started
from .people import client_of

pytestmark = pytest.mark.timeout(300)
BASE = "/api/v1/recommendations"


@pytest.fixture(scope="module")
def mesh(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mesh]:
    with started(tmp_path_factory.mktemp("recommendations")) as made:
        yield made


@pytest.fixture
def ada(mesh: Mesh) -> Iterator[httpx.Client]:
    with client_of(mesh, f"ada{time.monotonic_ns() % 10**9}") as client:
        yield client


def asked(client: httpx.Client, path: str = "/", **fields: Any) -> dict[str, Any]:
    answer = client.get(f"{BASE}{path}", params=fields)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def ids(answer: dict[str, Any]) -> list[int]:
    return [one["movie"]["movie_id"] for one in answer["recommendations"]]


def rated(client: httpx.Client, count: int = 12) -> list[int]:
    """Rates films in turn well and badly; returns which."""
    films = client.get("/api/v1/movies/popular?page_size=40").json()["movies"][:count]
    for place, film in enumerate(films):
        body = {"movie_id": film["movie_id"], "overall": (5, 4.5, 4, 2)[place % 4]}
        client.post("/api/v1/ratings/rate", json=body).raise_for_status()
    return [film["movie_id"] for film in films]


def known(client: httpx.Client, films: list[int]) -> dict[str, Any]:
    """Returns an answer that knows all ratings, once they have arrived."""
    end = time.monotonic() + 20
    # what is expected of a film one rated is told by the other ones
    while (heard := asked(client, f"/predict/{films[0]}")["rating_count"]) < len(films) - 1:
        assert time.monotonic() < end, heard
        time.sleep(0.1)
    answer = asked(client, page_size=20)
    assert answer["rung"] == "personal"
    assert not set(films) & set(ids(answer))
    return answer


def test_a_stranger_gets_what_people_watch_and_is_asked_about_films(ada: httpx.Client) -> None:
    answer = asked(ada)
    assert (answer["rung"], answer["degraded"]) == ("genre_popularity", False)
    assert answer["model"].startswith("hybrid/")
    assert len(answer["recommendations"]) == 20
    assert asked(ada, "/onboarding")["ratings_wanted"] > 0


def test_ratings_make_it_personal_with_reasons_of_ones_own(ada: httpx.Client) -> None:
    mine = rated(ada)
    answer = known(ada, mine)
    for place, one in enumerate(answer["recommendations"], start=1):
        assert one["rank"] == place
        assert 0 < one["score"] < 1
        assert sum(one["components"].values()) == pytest.approx(one["score"], abs=1e-5)
        because = one["explanation"]["because"]
        assert {own["movie_id"] for own in because} <= set(mine)
        assert all(own["share"] > 0 for own in because)
        assert one["explanation"]["text"]
    assert any(one["explanation"]["because"] for one in answer["recommendations"])

    why = asked(ada, f"/{answer['request_id']}/why")
    assert [one["movie_id"] for one in why["recommendations"]] == ids(answer)
    behind = {one["signal"]: one["model"] for one in why["recommendations"][0]["signals"]}
    assert behind.keys() >= {"ease", "content", "graph", "succession"}
    assert behind["graph"].startswith("rp3beta/"), "the graph's model is named: LightGCN does not serve"


def test_what_is_refused_is_gone_from_the_very_next_answer_and_returns_when_undone(ada: httpx.Client) -> None:
    answer = known(ada, rated(ada))
    first = ids(answer)[0]
    body = {"movie_id": first, "kind": "not_interested", "recommendation_request_id": answer["request_id"], "rank": 1}
    said = ada.post(f"{BASE}/feedback", json=body).raise_for_status().json()
    assert first not in ids(asked(ada, page_size=100))
    ada.delete(f"{BASE}/feedback/{said['feedback_id']}").raise_for_status()
    assert first in ids(asked(ada, page_size=100))


def test_pages_are_one_ranking_and_filters_hold(ada: httpx.Client) -> None:
    known(ada, rated(ada))
    whole = asked(ada, page_size=60)
    first = asked(ada, page_size=30)
    second = asked(ada, page_size=30, page_token=first["next_page_token"])
    assert ids(first) + ids(second) == ids(whole)
    old = asked(ada, year_max=1979, genre="Drama")
    assert old["recommendations"]
    for one in old["recommendations"]:
        assert one["movie"]["year"] <= 1979
        assert "Drama" in one["movie"]["genres"]
    wish = asked(ada, query="funny 90s film under two hours")
    assert (wish["understood"]["year_min"], wish["understood"]["runtime_max"]) == (1990, 120)
    assert all(1990 <= one["movie"]["year"] <= 1999 for one in wish["recommendations"])
    refused = ada.get(f"{BASE}/", params={"genre": "Nonsense"})
    assert refused.status_code == 400
    assert "Nonsense" in refused.text


def test_both_profiles_answer_and_ratings_are_predicted(ada: httpx.Client) -> None:
    mine = rated(ada)
    known(ada, mine)
    for profile in ("default", "tuned"):
        assert asked(ada, profile=profile)["profile"] == profile
    told = asked(ada, f"/predict/{ids(asked(ada))[0]}")
    assert 0.5 <= told["low"] <= told["predicted_rating"] <= told["high"] <= 5
    assert told["rating_count"] == len(mine)


def test_what_one_prefers_in_general_narrows_answers_and_what_one_asks_for_goes_before(ada: httpx.Client) -> None:
    mine = {"Netflix", "Prime Video"}
    preferred = {"services": sorted(mine), "languages": ["en", "fr"], "year_min": 1950, "runtime_max": 150}
    ada.put("/api/v1/users/me/preferences", json=preferred).raise_for_status()
    answer = asked(ada, page_size=100)
    assert (answer["rung"], answer["degraded_reason"]) == ("genre_popularity", "")
    for one in answer["recommendations"]:
        assert mine & set(one["movie"]["streaming_services"])
        assert one["movie"]["runtime_minutes"] <= 150
        assert one["movie"]["year"] >= 1950
    older = asked(ada, year_max=1949)["recommendations"]
    assert older
    assert all(one["movie"]["year"] <= 1949 for one in older)
    ada.put("/api/v1/users/me/preferences", json={"services": ["Netflix"], "year_min": 2199}).raise_for_status()
    end = time.monotonic() + 20
    said = "too few films would be left, so preferences for years were set aside"
    while (answer := asked(ada))["degraded_reason"] != said:
        assert time.monotonic() < end, answer["degraded_reason"]
        time.sleep(0.1)
    assert (answer["rung"], len(answer["recommendations"])) == ("genre_popularity", 20)


def test_nobody_without_a_token(mesh: Mesh) -> None:
    assert mesh.get(f"{BASE}/").status_code == 401
