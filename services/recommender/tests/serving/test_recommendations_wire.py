"""Recommendations as callers see them, over a real server with a real store."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import grpc
import pytest

from cine.recommender.v1 import recommender_pb2 as pb
from cine.recommender.v1 import recommender_pb2_grpc
from cine_recommender.app import RecommenderApplication
from cine_recommender.models.content import load_content
from cine_recommender.settings import RecommenderSettings
from cine_recommender.store import schema
from cine_recommender.training.content import train_content
from cinemesh.artifacts import ArtifactStore
from cinemesh.errors import CineError, Code, Reason, Unavailable
from cinemesh.rpc_status import failure_of
from cinemesh.testing import Running, TokenFactory, running, settings_for
from cinemesh.testing.catalogue import film
from cinemesh.testing.seeds import seed_films, seed_people

from ..conftest import catalogue_rows, write_merged
from .doubles import FixedTaste, NoPreferences, TinyTaste

NOBODY = ["127.0.0.1:1"]
PEOPLE = {f"u{number}": f"user{number}" for number in range(8)}


@dataclass
class Shop:
    """The service, and people who call it."""

    running: Running
    tokens: TokenFactory
    taste: TinyTaste

    @property
    def stub(self) -> Any:
        return self.running.stub(recommender_pb2_grpc.RecommenderServiceStub)

    def by(self, user_id: str) -> Any:
        return self.tokens.metadata(self.tokens.user(user_id))

    async def ask(self, user_id: str = "u0", **fields: Any) -> Any:
        return await self.stub.ListRecommendations(pb.ListRecommendationsRequest(**fields), metadata=self.by(user_id))

    async def say(self, user_id: str, movie_id: int, kind: str) -> Any:
        return await self.stub.SendFeedback(
            pb.SendFeedbackRequest(movie_id=movie_id, kind=kind), metadata=self.by(user_id)
        )


@pytest.fixture
async def shop(tmp_path: Path, store_url: str) -> AsyncIterator[Shop]:
    peers = dict.fromkeys(("catalog", "identity", "ratings", "watchlist"), NOBODY)
    settings = settings_for(RecommenderSettings, tmp_path, database_url=store_url, peers=peers, model_check_seconds=60)
    write_merged(settings.merged_csv, catalogue_rows(200))
    artifact = train_content(settings.merged_csv, ArtifactStore(settings.artifacts_dir))
    movie_ids = load_content(artifact).movie_ids
    taste, tokens = TinyTaste(movie_ids), TokenFactory(settings)
    app = RecommenderApplication(settings, taste=FixedTaste(taste), preferences=NoPreferences())
    async with running(app) as server:
        films = [film(int(movie_id), f"Film {movie_id}") for movie_id in movie_ids]
        await app.remembering.database.write(lambda tx: seed_films(tx, schema.films, films))
        await app.remembering.database.write(lambda tx: seed_people(tx, schema.people, PEOPLE))
        yield Shop(server, tokens, taste)


def ids(answer: Any) -> list[int]:
    return [one.movie.movie_id for one in answer.recommendations]


async def refused(call: Any) -> CineError:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call
    return failure_of(caught.value)


async def test_an_answer_from_what_was_said_a_moment_ago(shop: Shop) -> None:
    new = await shop.ask()
    assert (new.rung, new.degraded, new.profile, new.model) == ("genre_popularity", False, "tuned", "hybrid/tiny")
    assert len(new.recommendations) == 20
    liked = int(shop.taste.film_ids[4])
    await shop.say("u0", liked, "like")
    answer = await shop.ask()
    assert (answer.rung, answer.degraded, answer.degraded_reason) == ("personal", False, "")
    assert liked not in ids(answer)
    because = {own.movie_id for one in answer.recommendations for own in one.explanation.because}
    assert because == {liked}
    assert not any(own.HasField("overall") for one in answer.recommendations for own in one.explanation.because)
    for one in answer.recommendations:
        named = one.components.DESCRIPTOR.fields
        assert sum(getattr(one.components, field.name) for field in named) == pytest.approx(one.score, abs=1e-6)
    assert (await shop.ask("u1")).rung == "genre_popularity"


async def test_pages_over_the_wire_are_one_ranking_and_ignore_what_happens_between(shop: Shop) -> None:
    await shop.say("u0", int(shop.taste.film_ids[4]), "like")
    whole = await shop.ask(page_size=100)
    assert whole.total_size == 200 - 1 - 1
    page = await shop.ask(page_size=15)
    assert ids(page) == ids(whole)[:15]
    await shop.say("u0", ids(page)[2], "seen")
    await shop.say("u0", ids(whole)[17], "not_interested")
    second = await shop.ask(page_size=15, page_token=page.next_page_token)
    assert ids(second) == [one for one in ids(whole)[15:31] if one != ids(whole)[17]]
    assert second.recommendations[0].rank == 16
    assert second.request_id != page.request_id


async def test_whole_rankings_end(shop: Shop) -> None:
    found, token = [], ""
    while True:
        page = await shop.ask(page_size=33, page_token=token)
        found += ids(page)
        token = page.next_page_token
        if not token:
            break
    assert len(found) == len(set(found)) == page.total_size == 199


async def test_bad_questions_name_the_field_and_what_is_accepted(shop: Shop) -> None:
    cases: list[tuple[dict[str, Any], Reason, str, str]] = [
        ({"genre": ["Drama", "Dramarama"]}, Reason.UNKNOWN_GENRE, "genre[1]", "Comedy"),
        ({"service": ["Blockbuster"]}, Reason.UNKNOWN_STREAMING_SERVICE, "service[0]", "Netflix"),
        ({"language": ["xx"]}, Reason.INVALID_FIELD, "language[0]", "language"),
        ({"language": ["english"]}, Reason.INVALID_FIELD, "language[0]", ""),
        ({"mood": "hangry"}, Reason.INVALID_FIELD, "mood", "cosy"),
        ({"device": "fridge"}, Reason.INVALID_FIELD, "device", ""),
        ({"year_min": 2000, "year_max": 1999}, Reason.INVALID_FIELD, "year_max", ""),
        ({"runtime_min": 100, "runtime_max": 90}, Reason.INVALID_FIELD, "runtime_max", ""),
        ({"rating_min": 5.5}, Reason.INVALID_FIELD, "rating_min", ""),
        ({"diversity": 1.5}, Reason.INVALID_FIELD, "diversity", ""),
        ({"profile": "best"}, Reason.INVALID_FIELD, "profile", ""),
        ({"page_size": 101}, Reason.INVALID_FIELD, "page_size", ""),
        ({"page_token": "abc"}, Reason.INVALID_PAGE_TOKEN, "page_token", ""),
    ]
    for fields, reason, blamed, named in cases:
        failure = await refused(shop.ask(**fields))
        assert (failure.code, failure.reason) == (Code.INVALID_ARGUMENT, reason), fields
        assert blamed in [field for field, _ in failure.violations]
        assert named in str(failure)


async def test_a_token_of_another_question_is_refused(shop: Shop) -> None:
    page = await shop.ask(page_size=5)
    failure = await refused(shop.ask(page_size=5, page_token=page.next_page_token, genre=["Drama"]))
    assert failure.reason is Reason.INVALID_PAGE_TOKEN
    assert ids(await shop.ask(page_size=9, page_token=page.next_page_token)), (
        "another size of page is no other question"
    )


async def test_nobody_without_an_account(shop: Shop) -> None:
    failure = await refused(shop.stub.ListRecommendations(pb.ListRecommendationsRequest()))
    assert failure.code is Code.UNAUTHENTICATED


async def test_filters_mood_and_device_together(shop: Shop) -> None:
    answer = await shop.ask(
        genre=["comedy"], service=["prime"], year_min=1985, mood="Funny", device="tv", weekday="friday", page_size=50
    )
    assert answer.recommendations
    for one in answer.recommendations:
        assert "Comedy" in one.movie.genres
        assert "Prime Video" in one.movie.streaming_services
        assert one.movie.year >= 1985
    assert any(one.components.context > 0 for one in answer.recommendations)


async def test_a_wish_in_words_narrows_and_shows_what_was_understood(shop: Shop) -> None:
    answer = await shop.ask(query="drama between 1985 and 2010 on Netflix, not horror", page_size=50)
    understood = answer.understood
    assert list(understood.genre) == ["Drama"]
    assert (understood.year_min, understood.year_max) == (1985, 2010)
    assert list(understood.service) == ["Netflix"]
    assert list(understood.excluded_genre) == ["Horror"]
    assert understood.parsed_by == "grammar"
    assert answer.recommendations
    for one in answer.recommendations:
        assert "Drama" in one.movie.genres
        assert "Horror" not in one.movie.genres
        assert 1985 <= one.movie.year <= 2010
        assert "Netflix" in one.movie.streaming_services
    elsewhere = await shop.ask(query="drama between 1985 and 2010 on Netflix", service=["Hulu"], page_size=50)
    assert all("Hulu" in one.movie.streaming_services for one in elsewhere.recommendations)
    assert not (await shop.ask()).HasField("understood")


async def test_films_like_one_and_films_with_somebody(shop: Shop) -> None:
    like = await shop.ask(query="like The Matrix")
    assert list(like.understood.like_movie_ids) == [2571]
    assert like.rung == "personal"
    assert 2571 not in ids(like)
    with_somebody = await shop.ask(query="with Keanu Reeves")
    assert set(ids(with_somebody)) == {2571, 6365, 6934}


async def test_the_log_explains_the_answer_at_once(shop: Shop) -> None:
    await shop.say("u0", int(shop.taste.film_ids[4]), "like")
    answer = await shop.ask(page_size=5)
    why = await shop.stub.ExplainRecommendations(
        pb.ExplainRecommendationsRequest(request_id=answer.request_id), metadata=shop.by("u0")
    )
    assert [one.movie_id for one in why.recommendations] == ids(answer)
    assert (why.rung, why.model, why.profile) == ("personal", "hybrid/tiny", "tuned")
    for told, shown in zip(why.recommendations, answer.recommendations, strict=True):
        assert told.score == shown.score
        assert told.components == shown.components
        assert told.explanation.text == shown.explanation.text
        assert [one.signal for one in told.signals] == ["ease"]
    hidden = pb.ExplainRecommendationsRequest(request_id=answer.request_id)
    assert (await refused(shop.stub.ExplainRecommendations(hidden, metadata=shop.by("u1")))).code is Code.NOT_FOUND


async def test_without_its_store_it_answers_from_what_it_knew(shop: Shop) -> None:
    await shop.say("u0", int(shop.taste.film_ids[4]), "like")
    before = await shop.ask()
    app: Any = shop.running.app
    app.recommending.recommend._asking._memory = SimpleNamespace(of=_away)
    answer = await shop.ask()
    assert (answer.rung, answer.degraded) == ("cached_personal", True)
    assert "cannot be read" in answer.degraded_reason
    assert ids(answer) == ids(before)


async def _away(user_id: str) -> Any:
    raise Unavailable("the store does not answer")


async def test_feedback_and_answers_interleaved_never_show_what_was_seen_or_refused(shop: Shop) -> None:
    async def live(user_id: str, seed: int) -> int:
        draw, gone, token = random.Random(seed), set[int](), ""
        fields: dict[str, Any] = {}
        for step in range(30):
            if not token:
                fields = draw.choice([{}, {"genre": ["drama"]}, {"year_min": 1990, "diversity": 0.5}])
            answer = await shop.ask(user_id, page_size=draw.choice([3, 20]), page_token=token, **fields)
            assert not set(ids(answer)) & gone, f"step {step}"
            for movie_id in draw.sample(ids(answer), min(2, len(answer.recommendations))):
                kind = draw.choice(["like", "seen", "not_interested", "dislike", "dismissed"])
                await shop.say(user_id, movie_id, kind)
                if kind != "dismissed":
                    gone.add(movie_id)
            token = answer.next_page_token if draw.random() < 0.5 else ""
        return len(gone)

    gone = await asyncio.gather(*(live(user_id, seed) for seed, user_id in enumerate(PEOPLE)))
    assert min(gone) > 15
