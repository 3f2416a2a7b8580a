"""Wishes and reasons over a real server beside a language model that helps, fails or is hostile."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from cine.recommender.v1 import recommender_pb2, recommender_pb2_grpc
from cine_recommender.app import RecommenderApplication
from cine_recommender.settings import RecommenderSettings
from cine_recommender.training.content import train_content
from cinemesh.artifacts import ArtifactStore
from cinemesh.testing import TokenFactory, running, settings_for
from cinemesh.testing.ports import free_port

from ..conftest import catalogue_rows, write_merged
from .in_time import within
from .ollama_server import MODES, ollama_server

WISH = "a heist on netflix"
FORM = {"genres": ["Drama"], "services": ["Netflix"], "mood": "funny", "about": "heist"}
SECONDS = 0.4


def says(_: str, question: str) -> dict[str, Any]:
    """Reads the wish, and words reasons by the first fact told."""
    if "<wish>" in question:
        return FORM
    items = json.loads(question.removeprefix("<facts>").removesuffix("</facts>"))
    return {
        "sentences": [
            {"number": one["number"], "text": f"It suits you: {' and '.join(one.get('genres', ['nothing']))}."}
            for one in items
        ]
    }


@asynccontextmanager
async def asking(folder: Path, **settings: Any) -> AsyncIterator[Any]:
    """The recommender with nobody else there; yields what asks it as somebody."""
    nobody = f"127.0.0.1:{free_port()}"
    peers = {peer: [nobody] for peer in ("ratings", "catalog", "identity", "watchlist")}
    options = settings_for(RecommenderSettings, folder, peers=peers, **settings)
    write_merged(options.merged_csv, catalogue_rows(240))
    train_content(options.merged_csv, ArtifactStore(options.artifacts_dir))
    metadata = TokenFactory(options).metadata(TokenFactory(options).user("ann"))
    async with running(RecommenderApplication(options)) as server:
        stub = server.stub(recommender_pb2_grpc.RecommenderServiceStub)

        async def ask(**wanted: Any) -> recommender_pb2.ListRecommendationsResponse:
            request = recommender_pb2.ListRecommendationsRequest(**wanted)
            answer: recommender_pb2.ListRecommendationsResponse = await stub.ListRecommendations(
                request, metadata=metadata
            )
            return answer

        yield ask


async def test_the_model_reads_the_wish_and_its_words_come_later(tmp_path: Path) -> None:
    async with (
        ollama_server(says=says) as server,
        asking(tmp_path, ollama_url=server.url, ollama_timeout_seconds=20, cache_seconds=0) as ask,
    ):
        answer = await ask(query=WISH, page_size=5)
        understood = answer.understood
        assert (list(understood.service), understood.mood, understood.about) == (["Netflix"], "funny", "heist")
        assert understood.parsed_by == "ollama/mistral"
        assert answer.recommendations
        assert all("Drama" in one.movie.genres for one in answer.recommendations)
        assert all("Netflix" in one.movie.streaming_services for one in answer.recommendations)
        assert {one.explanation.worded_by for one in answer.recommendations} == {"template"}
        for _ in range(200):
            await asyncio.sleep(0.02)
            answer = await ask(query=WISH, page_size=5)
            if "ollama/mistral" in {one.explanation.worded_by for one in answer.recommendations}:
                break
        by_model = [
            one.explanation.text for one in answer.recommendations if one.explanation.worded_by == "ollama/mistral"
        ]
        assert by_model
        assert all(text.startswith("It suits you: ") for text in by_model)


@pytest.mark.parametrize("mode", [mode for mode in MODES if mode != "right"])
async def test_otherwise_nothing_of_it_reaches_the_answer(tmp_path: Path, mode: str) -> None:
    async with (
        ollama_server(mode, says=says) as server,
        ollama_server(says=says) as other,
        asking(
            tmp_path,
            ollama_url=server.url,
            ollama_timeout_seconds=SECONDS,
            ollama_background_seconds=SECONDS,
            cache_seconds=0,
        ) as ask,
    ):
        server.elsewhere = other.url
        await ask(query="comedy", page_size=5)  # learns the names of the catalogue, and opens connections
        async with within(SECONDS):
            first = await ask(query=WISH, page_size=5)
        await asyncio.sleep(SECONDS)
        second = await ask(query=WISH, page_size=5)
        for answer in (first, second):
            assert answer.understood.parsed_by == "grammar"
            assert list(answer.understood.service) == ["Netflix"]
            assert answer.understood.about == "heist"
            assert answer.recommendations
            assert {one.explanation.worded_by for one in answer.recommendations} == {"template"}
            assert not any(word in str(answer) for word in ("evil", "script", "Casablanca", "Betamax", "hangry"))
        assert server.asked
        assert not other.asked
