"""`make chaos-refusals`: thousands of people send feedback while others read; no answer shows a film its reader has seen or refused.

Everybody is a reader and a writer at once: several calls of one person are under way together. What an answer may show is decided by what
was acknowledged before it was asked for. Real service, real store, the hybrid trained on the starter catalogue.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cine.recommender.v1 import recommender_pb2 as pb
from cine.recommender.v1 import recommender_pb2_grpc
from cine_recommender.app import RecommenderApplication
from cine_recommender.domain.preferences import Preferences
from cine_recommender.settings import RecommenderSettings
from cine_recommender.store import schema
from cinemesh.testing import TokenFactory, running, settings_for
from cinemesh.testing.catalogue import film
from cinemesh.testing.seeds import seed_films, seed_people
from tests.integration import prepared

GONE = ("not_interested", "seen")
KINDS = (*GONE, *GONE, "like", "dislike", "clicked")
PAGE = 20


class NoPreferences:
    """People who said nothing of their taste."""

    async def of(self, user_id: str) -> Preferences:
        """Returns nothing."""
        return Preferences()


@dataclass
class Tally:
    """What happened.

    Attributes:
        said: acknowledged feedback by kind.
        answers: by rung.
        shown: films shown.
        wrong: answers that showed what they must not, in words.
    """

    said: Counter[str] = field(default_factory=Counter)
    answers: Counter[str] = field(default_factory=Counter)
    shown: int = 0
    wrong: list[str] = field(default_factory=list)


class Person:
    """Somebody who reads and answers back.

    Args:
        stub: of the service.
        metadata: their token.
        seed: of what they do.
        tally: of everybody.
    """

    def __init__(self, stub: Any, metadata: Any, seed: int, tally: Tally) -> None:
        self._stub, self._metadata, self._tally = stub, metadata, tally
        self._lots = random.Random(seed)
        self._gone: set[int] = set()
        self._shown: list[int] = []
        self._name = f"person {seed}"

    async def act(self, rounds: int) -> None:
        """Reads first, then says something and reads, several times."""
        await self._read()
        for _ in range(rounds):
            # another reading is under way while it is said
            await asyncio.gather(self._say(), self._read())
            await self._read()

    async def _read(self) -> None:
        forbidden = set(self._gone)
        answer = await self._stub.ListRecommendations(
            pb.ListRecommendationsRequest(page_size=PAGE), metadata=self._metadata
        )
        shown = [one.movie.movie_id for one in answer.recommendations]
        self._shown = shown
        self._tally.answers[answer.rung] += 1
        self._tally.shown += len(shown)
        if forbidden & set(shown):
            self._tally.wrong.append(f"{self._name} was shown {sorted(forbidden & set(shown))}")
        if len(set(shown)) != len(shown) or not shown:
            self._tally.wrong.append(f"{self._name} was shown {len(shown)} films, {len(set(shown))} different ones")

    async def _say(self) -> None:
        movie_id, kind = self._lots.choice(self._shown), self._lots.choice(KINDS)
        await self._stub.SendFeedback(pb.SendFeedbackRequest(movie_id=movie_id, kind=kind), metadata=self._metadata)
        self._tally.said[kind] += 1
        if kind in GONE:
            self._gone.add(movie_id)
        elif kind == "like":
            self._gone.discard(movie_id)  # the last word holds: who likes a film does not refuse it


async def interleaved(folder: Path, people: int, rounds: int, at_once: int, store_url: str | None = None) -> Tally:
    """Lets so many people act, so many of them at a time, and returns what happened."""
    prepared.put_into(folder)
    peers = {name: ["127.0.0.1:1"] for name in ("catalog", "identity", "ratings", "watchlist")}
    more = {"database_url": store_url} if store_url else {}
    settings = settings_for(
        RecommenderSettings,
        folder,
        peers=peers,
        model_check_seconds=60,
        artifacts_dir=folder / "var" / "artifacts",
        **more,
    )
    app, tokens, tally = RecommenderApplication(settings, preferences=NoPreferences()), TokenFactory(settings), Tally()
    async with running(app) as server:
        movie_ids = app.content.serving.model.movie_ids.tolist()
        films = [film(movie_id, f"Film {movie_id}") for movie_id in movie_ids]
        names = {f"u{number}": f"user{number}" for number in range(people)}
        await app.remembering.database.write(lambda tx: seed_films(tx, schema.films, films))
        await app.remembering.database.write(lambda tx: seed_people(tx, schema.people, names))
        stub = server.stub(recommender_pb2_grpc.RecommenderServiceStub)
        waiting = iter(range(people))

        async def some() -> None:
            for number in waiting:
                metadata = tokens.metadata(tokens.user(f"u{number}"))
                await Person(stub, metadata, number, tally).act(rounds)

        await asyncio.gather(*(some() for _ in range(at_once)))
    return tally


def main() -> int:
    """Runs it; exits with 1 when anything was shown that must not be."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--people", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=2, help="how often each says something")
    parser.add_argument("--at-once", type=int, default=24)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        tally = asyncio.run(interleaved(Path(folder), arguments.people, arguments.rounds, arguments.at_once))
    found = {
        "people": arguments.people,
        "feedback": dict(tally.said),
        "answers": dict(tally.answers),
        "films_shown": tally.shown,
        "wrong": tally.wrong[:20],
        "seconds": round(time.monotonic() - began, 1),
    }
    if arguments.json:
        print(json.dumps(found))
    else:
        said, answers = tally.said.total(), tally.answers.total()
        print(f"{arguments.people} people, {said} pieces of feedback, {answers} answers, {tally.shown} films shown")
        print(f"answers that showed what was seen or refused: {len(tally.wrong)}")
        for one in tally.wrong[:20]:
            print(f"  {one}")
    return 1 if tally.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
