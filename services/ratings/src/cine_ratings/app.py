"""Wires ratings: store, copies of films and people, flows, servicers, feed."""

from __future__ import annotations

import asyncio
from types import ModuleType
from typing import Any

from cine.ratings.v1 import (
    comments_pb2,
    comments_pb2_grpc,
    diary_pb2,
    diary_pb2_grpc,
    moderation_pb2,
    moderation_pb2_grpc,
    ratings_pb2,
    ratings_pb2_grpc,
    reviews_pb2,
    reviews_pb2_grpc,
    transfers_pb2,
    transfers_pb2_grpc,
)
from cine_ratings.domain.transfers.job import State
from cine_ratings.flows.anonymity import forget_author
from cine_ratings.flows.comments import Comments
from cine_ratings.flows.diary import Diary
from cine_ratings.flows.diary_book import DiaryBook
from cine_ratings.flows.film_index import FilmFinder
from cine_ratings.flows.history_export import HistoryExport
from cine_ratings.flows.import_applying import ImportApplying
from cine_ratings.flows.import_intake import ImportIntake, prune
from cine_ratings.flows.import_matching import ImportMatching
from cine_ratings.flows.import_reading import Imports
from cine_ratings.flows.import_undoing import ImportUndoing
from cine_ratings.flows.import_worker import Bell, ImportWorker
from cine_ratings.flows.moderation import Moderation
from cine_ratings.flows.rating_book import RatingBook
from cine_ratings.flows.ratings import Ratings
from cine_ratings.flows.review_reading import ReviewReading
from cine_ratings.flows.reviews import Reviews
from cine_ratings.flows.statistics import FilmSummaries, MyStatistics
from cine_ratings.servicer.attempts import Attempts
from cine_ratings.servicer.comments import CommentServicer
from cine_ratings.servicer.diary import DiaryServicer
from cine_ratings.servicer.moderation import ModerationServicer
from cine_ratings.servicer.ratings import RatingsServicer
from cine_ratings.servicer.reviews import ReviewServicer
from cine_ratings.servicer.transfers import TransferServicer
from cine_ratings.settings import RatingsSettings
from cine_ratings.store import Transaction, imports, schema
from cine_ratings.watchlist import RemoteWatchlist
from cinemesh.clock import Clock, utc_now
from cinemesh.db import Database, migrate
from cinemesh.feed import FeedServicer
from cinemesh.handlers import unanswered
from cinemesh.housekeeping import Housekeeping, mesh_jobs
from cinemesh.idempotency import RequestIds
from cinemesh.outbox import Outbox
from cinemesh.paging import PageTokens
from cinemesh.projections import Films, People
from cinemesh.server import Application, Mount, Probe

_CONTRACT = (
    (comments_pb2, comments_pb2_grpc),
    (diary_pb2, diary_pb2_grpc),
    (moderation_pb2, moderation_pb2_grpc),
    (ratings_pb2, ratings_pb2_grpc),
    (reviews_pb2, reviews_pb2_grpc),
    (transfers_pb2, transfers_pb2_grpc),
)


class RatingsApplication(Application):
    """The ratings service as a serving process.

    Args:
        settings: its settings; read from the environment when None.
        clock: tells the time; tests move it.
    """

    name = "ratings"

    def __init__(self, settings: RatingsSettings | None = None, *, clock: Clock = utc_now) -> None:
        self.settings: RatingsSettings = settings or RatingsSettings()
        self.clock = clock
        self.database = Database(self.settings.store_url)
        self.outbox = Outbox(self.name)
        self.request_ids = RequestIds(clock)
        self.films = Films(self.name, self.settings, self.database, schema.films)
        self.people = People(self.name, self.settings, self.database, schema.people, forget=self._forget, clock=clock)
        self.rating_book = RatingBook(self.outbox, clock)
        self.diary_book = DiaryBook(self.rating_book, self.outbox, clock)
        self.housekeeping = Housekeeping(
            self.name,
            {
                **mesh_jobs(self.database, self.outbox, self.request_ids),
                "people": self.people.prune,
                "imports": lambda: prune(self.database, clock),
            },
        )
        self._background: list[asyncio.Task[None]] = []

    async def start(self) -> list[Mount]:
        """Opens the store and begins to follow the catalogue and Identity."""
        await asyncio.to_thread(migrate, self.settings.store_url, "cine_ratings")
        await self.database.open()
        self.pages = PageTokens.of(self.settings)
        self.attempts = Attempts(self.database, self.request_ids)
        servicers: dict[str, Any] = {**self._ratings(), **self._reviews(), **self._transfers()}
        mounts = [self._mount(messages, stubs, servicers) for messages, stubs in _CONTRACT]
        await self.films.start()
        await self.people.start()
        self._background += [
            asyncio.create_task(self.housekeeping.run(), name="housekeeping"),
            asyncio.create_task(self.import_worker.run(), name="imports"),
        ]
        return mounts

    def _ratings(self) -> dict[str, Any]:
        """Wires ratings and the diary."""
        database, films, people = self.database, self.films, self.people
        ratings = RatingsServicer(
            Ratings(database, self.rating_book, films, people),
            FilmSummaries(database, films),
            MyStatistics(database, films),
            self.attempts,
            self.pages,
        )
        diary = Diary(database, self.diary_book, films, people, self.clock)
        return {
            "RatingsService": ratings,
            "DiaryService": DiaryServicer(diary, self.attempts, self.pages, self.clock),
        }

    def _reviews(self) -> dict[str, Any]:
        """Wires reviews, what is said under them, and what administrators do about it."""
        database, outbox, films, people, clock = self.database, self.outbox, self.films, self.people, self.clock
        self.reviews = Reviews(database, outbox, films, people, self.rating_book, clock)
        comments = Comments(database, outbox, people, clock)
        moderation = Moderation(database, outbox, people, clock)
        reading = ReviewReading(database, films, people)
        return {
            "ReviewService": ReviewServicer(self.reviews, reading, self.attempts, self.pages),
            "CommentService": CommentServicer(comments, self.attempts, self.pages),
            "ModerationService": ModerationServicer(moderation, self.pages),
        }

    def _transfers(self) -> dict[str, Any]:
        """Wires imports, with the work on them, and exports. Reviews come first."""
        database, outbox, people, clock = self.database, self.outbox, self.people, self.clock
        bell, finder = Bell(), FilmFinder(database, self.films)
        hands = (database, (self.rating_book, self.diary_book), self.reviews, RemoteWatchlist(self.settings), people)
        steps = {
            State.MATCHING: ImportMatching(database, finder, clock).step,
            State.APPLYING: ImportApplying(*hands, outbox, clock).step,
            State.ROLLING_BACK: ImportUndoing(*hands, outbox, clock).step,
        }
        self.import_worker = worker = ImportWorker(database, steps, bell, clock, rest=finder.rest)
        transfers = TransferServicer(
            ImportIntake(database, people, worker.wake, clock),
            Imports(database, self.films, bell, clock),
            HistoryExport(database, clock),
            worker.wake,
            self.attempts,
            self.pages,
        )
        return {"TransferService": transfers}

    def _forget(self, tx: Transaction, user_id: str) -> None:
        """Drops what a person who left rated and watched, and takes their name off what they wrote."""
        # reviews, then counts of ratings, then those of films, as everywhere: nobody waits for anybody in a circle
        forget_author(tx, user_id, self.outbox, self.clock)
        imports.forget(tx, user_id)
        self.rating_book.forget(tx, user_id)
        self.diary_book.forget(tx, user_id)

    def _mount(self, messages: ModuleType, stubs: ModuleType, servicers: dict[str, Any]) -> Mount:
        (service,) = messages.DESCRIPTOR.services_by_name.values()
        if service.name not in servicers:
            return unanswered(messages, stubs)[0]
        return Mount(servicers[service.name], getattr(stubs, f"add_{service.name}Servicer_to_server"), service)

    async def stop(self) -> None:
        """Closes what `start` opened."""
        for task in self._background:
            task.cancel()
        await asyncio.gather(*self._background, return_exceptions=True)
        await self.films.stop()
        await self.people.stop()
        await self.database.close()

    async def probes(self) -> dict[str, Probe]:
        """Asks the store, and whether films and people are followed."""
        return {
            "store": Probe(self.database.probe),
            "films": Probe(self.films.probe, required=False),
            "people": Probe(self.people.probe, required=False),
        }

    def feed(self) -> FeedServicer:
        """Serves what happened to ratings, the diary and reviews."""
        return FeedServicer(self.database, self.outbox)
