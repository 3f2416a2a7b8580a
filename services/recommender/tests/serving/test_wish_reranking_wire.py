"""A wish over the wire: the service asks the sentence encoder that is present, in a thread, and names it."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest

from cine.recommender.v1 import recommender_pb2 as pb
from cine.recommender.v1 import recommender_pb2_grpc
from cine_recommender.app import RecommenderApplication
from cine_recommender.settings import RecommenderSettings
from cine_recommender.training.content import train_content
from cinemesh.artifacts import ArtifactStore
from cinemesh.errors import Unavailable
from cinemesh.testing import TokenFactory, running, settings_for
from cinemesh.testing.sentence_encoder import publish_tiny_encoder
from cinemesh.textencoder import SentenceEncoder, sentence_version

from ..conftest import catalogue_rows, write_merged
from .doubles import NoPreferences


async def test_a_wish_is_ranked_by_the_encoder_that_is_present(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    peers = {name: ["127.0.0.1:1"] for name in ("catalog", "identity", "ratings", "watchlist")}
    settings = settings_for(RecommenderSettings, tmp_path, peers=peers, model_check_seconds=60)
    store = ArtifactStore(settings.artifacts_dir)
    encoder = publish_tiny_encoder(store, {"robot": [1.0, 0.0], "winter": [1.0, 0.0], "ghost": [0.0, 1.0]})
    train_content(write_merged(settings.merged_csv, catalogue_rows(120)), store)
    where: list[str] = []
    honest = SentenceEncoder.encode

    def told(self: SentenceEncoder, *arguments: Any) -> Any:
        where.append(threading.current_thread().name)
        return honest(self, *arguments)

    monkeypatch.setattr(SentenceEncoder, "encode", told)
    tokens, app = TokenFactory(settings), RecommenderApplication(settings, preferences=NoPreferences())
    async with running(app) as server:
        stub: Any = server.stub(recommender_pb2_grpc.RecommenderServiceStub)

        async def ask(query: str) -> Any:
            request = pb.ListRecommendationsRequest(query=query)
            return await stub.ListRecommendations(request, metadata=tokens.metadata(tokens.user("ann")))

        probe = (await app.probes())["model:sentence-encoder"]
        assert not probe.required
        assert await probe.check() == sentence_version(encoder.manifest)
        assert not where, "it is loaded when it is first wanted"
        plain, wish = await ask(""), await ask('"a robot in the snow"')
        named = f"content/{store.current_version('content')}"
        assert (plain.model, wish.model) == (
            named,
            f"{named}, sentence-encoder/{sentence_version(encoder.manifest)}",
        )
        assert "encoder" not in wish.degraded_reason
        assert wish.understood.about == "a robot in the snow"
        assert len(where) == 2, "once when it is loaded, once for the wish"
        assert all(one.startswith("likeness") for one in where), "never on the event loop"
        await ask('"a robot in the snow"')
        assert len(where) == 2

        encoder.file("model.onnx").write_bytes(b"?")
        with pytest.raises(Unavailable, match=r"model\.onnx"):
            await probe.check()
