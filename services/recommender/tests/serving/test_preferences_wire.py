"""What people tell Identity that they prefer, in the very answers they get: asked for where it was not told, then followed."""

from __future__ import annotations

import asyncio
import datetime as dt
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from cine.identity.v1 import events_pb2
from cine.recommender.v1 import recommender_pb2 as pb
from cine.recommender.v1 import recommender_pb2_grpc
from cine_recommender.app import RecommenderApplication
from cine_recommender.models.content import load_content
from cine_recommender.settings import RecommenderSettings
from cine_recommender.store import schema
from cine_recommender.training.content import train_content
from cinemesh.artifacts import ArtifactStore
from cinemesh.client import close_channels
from cinemesh.testing import Running, TokenFactory, running, settings_for
from cinemesh.testing.identity import StandIn, standing_in

from ..conftest import catalogue_rows, write_merged
from .doubles import FixedTaste, TinyTaste

NOBODY = ["127.0.0.1:1"]
ADA = "ada"


@dataclass
class Pair:
    """The recommender, and Identity beside it."""

    recommender: Running
    identity: StandIn
    caller: Any

    async def ask(self, **fields: Any) -> Any:
        stub: Any = self.recommender.stub(recommender_pb2_grpc.RecommenderServiceStub)
        return await stub.ListRecommendations(pb.ListRecommendationsRequest(**fields), metadata=self.caller)

    async def tell(self, **fields: Any) -> None:
        """Tells of a change, and waits until the recommender has heard of it."""
        await self.identity.tell(events_pb2.PreferencesChanged(user_id=ADA, **fields))
        copy, began = self.recommender.app.remembering.preferences, time.monotonic()  # type: ignore[attr-defined]
        while True:
            kept = await copy.of_sharing(ADA)
            if kept is not None and list(kept.services) == fields["services"] and ADA not in copy._kept:
                return
            assert time.monotonic() - began < 20, kept
            await asyncio.sleep(0.01)


@pytest.fixture
async def pair(tmp_path: Path, store_url: str) -> AsyncIterator[Pair]:
    async with standing_in(tmp_path) as (identity, identity_at):
        identity.people[ADA] = "Ada"
        peers = {**dict.fromkeys(("catalog", "ratings", "watchlist"), NOBODY), "identity": [identity_at]}
        settings = settings_for(
            RecommenderSettings, tmp_path, database_url=store_url, peers=peers, model_check_seconds=60
        )
        write_merged(settings.merged_csv, catalogue_rows(200))
        artifact = train_content(settings.merged_csv, ArtifactStore(settings.artifacts_dir))
        taste, tokens = TinyTaste(load_content(artifact).movie_ids), TokenFactory(settings)
        async with running(RecommenderApplication(settings, taste=FixedTaste(taste))) as server:
            yield Pair(server, identity, tokens.metadata(tokens.user(ADA)))
    await close_channels()


async def test_preferences_count_from_the_first_answer_on_and_change_with_what_is_told(pair: Pair) -> None:
    # a row that an earlier version left: Identity is asked about what it lacks
    row = {"user_id": ADA, "preferred_genres": [], "excluded_genres": [], "share_taste": True}
    told_at = dt.datetime(2026, 3, 1, tzinfo=dt.UTC)
    database = pair.recommender.app.remembering.database  # type: ignore[attr-defined]
    await database.write(lambda tx: tx.execute(sa.insert(schema.preferences), [{**row, "told_at": told_at}]))
    pair.identity.preferences[ADA] = {"services": ["Netflix"], "share_taste": True}
    answer = await pair.ask(page_size=100)
    assert (answer.rung, answer.degraded_reason) == ("genre_popularity", "")
    assert answer.total_size < 199
    assert all("Netflix" in one.movie.streaming_services for one in answer.recommendations)
    questions = pair.identity.questions
    await pair.tell(services=["Prime Video", "Hulu"], year_max=2015, share_taste=True)
    answer = await pair.ask(page_size=100)
    assert answer.degraded_reason == ""
    for one in answer.recommendations:
        assert {"Prime Video", "Hulu"} & set(one.movie.streaming_services)
        assert one.movie.year <= 2015
    assert pair.identity.questions == questions, "what was told is not asked for"
    wish = await pair.ask(query="films after 2016 on Netflix", page_size=100)
    assert wish.recommendations
    for one in wish.recommendations:
        assert one.movie.year >= 2016
        assert "Netflix" in one.movie.streaming_services


async def test_preferences_that_leave_too_little_are_set_aside_in_so_many_words(pair: Pair) -> None:
    await pair.tell(services=["Netflix"], year_min=2023, share_taste=True)
    answer = await pair.ask()
    said = "too few films would be left, so preferences for years were set aside"
    assert (answer.rung, answer.degraded, answer.degraded_reason) == ("genre_popularity", True, said)
    assert len(answer.recommendations) == 20
    assert all("Netflix" in one.movie.streaming_services for one in answer.recommendations)
    assert any(one.movie.year < 2023 for one in answer.recommendations)
