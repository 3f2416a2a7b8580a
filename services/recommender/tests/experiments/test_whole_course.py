"""An experiment from its declaration to its report: people ask, like what they are shown, and the report knows."""

from __future__ import annotations

import asyncio
from collections import Counter
from pathlib import Path
from typing import Any

from cine.recommender.v1 import admin_pb2, admin_pb2_grpc, recommender_pb2_grpc
from cine.recommender.v1 import recommender_pb2 as pb
from cine_recommender.app import RecommenderApplication
from cine_recommender.models.content import load_content
from cine_recommender.settings import RecommenderSettings
from cine_recommender.store import schema
from cine_recommender.training.content import train_content
from cinemesh.artifacts import ArtifactStore
from cinemesh.testing import TokenFactory, running, settings_for
from cinemesh.testing.catalogue import film
from cinemesh.testing.seeds import seed_films, seed_people

from ..conftest import catalogue_rows, write_merged
from ..serving.doubles import FixedTaste, NoPreferences, TinyTaste

NOBODY = ["127.0.0.1:1"]
PEERS = dict.fromkeys(("catalog", "identity", "ratings", "watchlist"), NOBODY)
PEOPLE = {f"u{number}": f"user{number}" for number in range(12)}
DECLARED = """
[[experiments]]
id = "variety"
state = "running"
started_at = 2020-01-01T00:00:00Z
[[experiments.variants]]
name = "plain"
share = 0.5
[[experiments.variants]]
name = "varied"
share = 0.5
diversity = 0.9
"""


async def test_an_experiment_from_its_declaration_to_its_report(tmp_path: Path, store_url: str) -> None:
    file = tmp_path / "experiments.toml"
    file.write_text(DECLARED)
    settings = settings_for(RecommenderSettings, tmp_path, database_url=store_url, peers=PEERS, experiments_file=file)
    write_merged(settings.merged_csv, catalogue_rows(120))
    artifact = train_content(settings.merged_csv, ArtifactStore(settings.artifacts_dir))
    movie_ids = load_content(artifact).movie_ids
    tokens = TokenFactory(settings)
    app = RecommenderApplication(settings, taste=FixedTaste(TinyTaste(movie_ids)), preferences=NoPreferences())
    async with running(app) as server:
        films = [film(int(movie_id), f"Film {movie_id}") for movie_id in movie_ids]
        await app.remembering.database.write(lambda tx: seed_films(tx, schema.films, films))
        await app.remembering.database.write(lambda tx: seed_people(tx, schema.people, PEOPLE))
        recommender: Any = server.stub(recommender_pb2_grpc.RecommenderServiceStub)
        admin: Any = server.stub(admin_pb2_grpc.RecommenderAdminServiceStub)

        got, shown = Counter[str](), dict[str, list[int]]()
        for user_id in PEOPLE:
            me = tokens.metadata(tokens.user(user_id))
            answer = await recommender.ListRecommendations(pb.ListRecommendationsRequest(page_size=5), metadata=me)
            assignment = app.experiments.assigner.of(user_id)
            assert assignment is not None
            got[assignment.variant] += 1
            shown[assignment.variant] = [one.movie.movie_id for one in answer.recommendations]
            first = answer.recommendations[0].movie.movie_id
            said = pb.SendFeedbackRequest(movie_id=first, kind="like", recommendation_request_id=answer.request_id)
            if assignment.variant == "varied":
                await recommender.SendFeedback(said, metadata=me)
        assert shown["plain"] != shown["varied"]  # the variants are served

        asking = admin_pb2.GetExperimentReportRequest(experiment_id="variety")
        boss = tokens.metadata(tokens.admin("boss"))
        async with asyncio.timeout(20):  # answers reach the log a moment later
            while True:
                report = await admin.GetExperimentReport(asking, metadata=boss)
                if sum(one.answers for one in report.exposures) == len(PEOPLE):
                    break
                await asyncio.sleep(0.05)
        assert {one.variant: one.users for one in report.exposures} == dict(got)
        values = {(one.variant, one.metric): one.value for one in report.effects}
        assert values["plain", "liked_per_answer"] == 0
        assert values["varied", "liked_per_answer"] == values["varied", "people_who_liked"] == 1
