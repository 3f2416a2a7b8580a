"""What the recommender remembers, wired: its store, copies of films and people, feeds it follows, feedback, the log of answers."""

from __future__ import annotations

import asyncio

from cine_recommender.flows.doings import Doings
from cine_recommender.flows.feedback import FeedbackBook
from cine_recommender.flows.impressions import Impressions
from cine_recommender.flows.memory import Memory
from cine_recommender.flows.preferences import PreferenceCopy
from cine_recommender.flows.trainings import Trainings
from cine_recommender.servicer.feedback import FeedbackCalls
from cine_recommender.servicer.why import WhyCalls
from cine_recommender.settings import RecommenderSettings
from cine_recommender.store import Transaction, doings, memories, schema
from cinemesh.clock import Clock, utc_now
from cinemesh.db import Database, migrate
from cinemesh.feed import FeedServicer
from cinemesh.housekeeping import Housekeeping, mesh_jobs
from cinemesh.idempotency import RequestIds
from cinemesh.outbox import Outbox
from cinemesh.paging import PageTokens
from cinemesh.projections import Films, People
from cinemesh.server import Probe

_OWNER = "recommender"


class Remembering:
    """Everything with a memory.

    Attributes:
        database: the store.
        memory: what is known of a person.
        impressions: the log of answers.
        films: the copy of the catalogue.
        people: the copy of names.
        preferences: the copy of what people prefer.

    Args:
        settings: of the service.
        clock: tells the time.
    """

    def __init__(self, settings: RecommenderSettings, clock: Clock = utc_now) -> None:
        self._settings = settings
        self.database = Database(settings.store_url)
        self.outbox = Outbox(_OWNER)
        self.request_ids = RequestIds(clock)
        self.films = Films(_OWNER, settings, self.database, schema.films)
        self.people = People(_OWNER, settings, self.database, schema.people, forget=self._forget, clock=clock)
        self.memory = Memory(self.database, settings.memory_people)
        self.preferences = PreferenceCopy(settings, self.database, self.people)
        self.doings = Doings(settings, self.database, self.memory, clock)
        self.feedback = FeedbackBook(self.database, self.outbox, self.memory, self.films, self.people, clock)
        self.impressions = Impressions(self.database, self.films, capacity=settings.impression_queue, clock=clock)
        self.housekeeping = Housekeeping(
            _OWNER,
            {
                **mesh_jobs(self.database, self.outbox, self.request_ids),
                "doings": self.doings.prune,
                "impressions": self.impressions.prune,
                # while those who left are still remembered
                "departed": lambda: self.database.write(memories.drop_departed),
                "people": self.people.prune,
                "trainings": Trainings(self.database, clock).prune,
            },
        )
        self._cleaning: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Opens the store and begins to follow the catalogue, Identity, Ratings and Watchlist; none need answer yet."""
        await asyncio.to_thread(migrate, self._settings.store_url, "cine_recommender")
        await self.database.open()
        await self.films.start()
        await self.people.start()
        await self.preferences.start()
        await self.doings.start()
        await self.impressions.start()
        self._cleaning = asyncio.create_task(self.housekeeping.run(), name="housekeeping")

    async def stop(self) -> None:
        """Writes what waits, and closes what `start` opened."""
        if self._cleaning is not None:
            self._cleaning.cancel()
            await asyncio.gather(self._cleaning, return_exceptions=True)
        await self.doings.stop()
        await self.preferences.stop()
        await self.films.stop()
        await self.people.stop()
        await self.impressions.stop()
        await self.database.close()

    def parts(self, pages: PageTokens) -> tuple[object, ...]:
        """Returns what answers the calls about feedback and about answers given, for `RecommenderServicer`."""
        return FeedbackCalls(self.feedback, self.database, self.request_ids, pages), WhyCalls(self.impressions)

    def probes(self) -> dict[str, Probe]:
        """Asks the store, and whether films, people and what they do are followed."""
        return {
            "store": Probe(self.database.probe),
            "films": Probe(self.films.probe, required=False),
            "people": Probe(self.people.probe, required=False),
            "preferences": Probe(self.preferences.consumer.probe, required=False),
            "ratings_feed": Probe(self.doings.ratings.probe, required=False),
            "watchlist_feed": Probe(self.doings.watchlist.probe, required=False),
        }

    def feed(self) -> FeedServicer:
        """Serves feedback given and taken back."""
        return FeedServicer(self.database, self.outbox)

    def _forget(self, tx: Transaction, user_id: str) -> None:
        """Drops what is kept of a person who left."""
        self.feedback.forget(tx, user_id)
        doings.forget(tx, user_id)
        self.impressions.forget(tx, user_id)
        self.preferences.forget(tx, user_id)
        self.memory.forget(tx, user_id)
