"""People who use Ratings at once, by its own calls: they rate, keep diaries, review, like, comment, import, undo imports and leave."""

from __future__ import annotations

import asyncio
import csv
import datetime as dt
import io
import random
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from typing import Any, Final

import grpc

from cine.ratings.v1 import (
    comments_pb2,
    comments_pb2_grpc,
    diary_pb2,
    diary_pb2_grpc,
    ratings_pb2,
    ratings_pb2_grpc,
    reviews_pb2,
    reviews_pb2_grpc,
    transfers_pb2,
    transfers_pb2_grpc,
)
from cinemesh.testing import TokenFactory
from cinemesh.testing.identity import StandIn
from tests.chaos.service import ServiceProcess, film_title, film_year

PEOPLE: Final = 48
_DEADLINE: Final = 8.0
_TOKEN_SECONDS: Final = 200.0
_IMPORTED: Final = 120
_KEPT_IN_MIND: Final = 400
# what races and kills bring about; everything else is a fault
_EXPECTED: Final = {
    grpc.StatusCode.NOT_FOUND,
    grpc.StatusCode.ALREADY_EXISTS,
    grpc.StatusCode.ABORTED,
    grpc.StatusCode.FAILED_PRECONDITION,
    grpc.StatusCode.RESOURCE_EXHAUSTED,
    grpc.StatusCode.UNAVAILABLE,
    grpc.StatusCode.DEADLINE_EXCEEDED,
}
_OPTIONS: Final = (
    ("grpc.use_local_subchannel_pool", 1),
    ("grpc.initial_reconnect_backoff_ms", 50),
    ("grpc.max_reconnect_backoff_ms", 200),
    ("grpc.enable_retries", 0),
)
_STUBS: Final[tuple[Callable[[Any], Any], ...]] = (
    ratings_pb2_grpc.RatingsServiceStub,
    diary_pb2_grpc.DiaryServiceStub,
    reviews_pb2_grpc.ReviewServiceStub,
    comments_pb2_grpc.CommentServiceStub,
    transfers_pb2_grpc.TransferServiceStub,
)


class Writers:
    """Some people at once, until told to stop.

    Args:
        process: the ratings service.
        tokens: makes their tokens.
        identity: where their accounts are.
        films: ids of films are 1 to this.
        chooser: decides everything.

    Attributes:
        outcomes: calls by what became of them.
        faults: answers that nothing explains.
    """

    def __init__(
        self, process: ServiceProcess, tokens: TokenFactory, identity: StandIn, films: int, chooser: random.Random
    ) -> None:
        self._process = process
        self._tokens = tokens
        self._identity = identity
        self._films = films
        self._random = chooser
        self._made: dict[str, tuple[float, Any]] = {}
        self._people: list[str] = []
        self._number = 0
        # ids are noted when an answer names them, and taken for gone when they are used up
        self._ratings: list[tuple[str, str]] = []
        self._entries: list[tuple[str, str]] = []
        self._reviews: list[tuple[str, str]] = []
        self._comments: list[tuple[str, str]] = []
        self.outcomes: Counter[str] = Counter()
        self.faults: list[str] = []

    async def arrive(self) -> None:
        """Opens the first accounts."""
        while len(self._people) < PEOPLE:
            await self._open()

    async def _open(self) -> None:
        self._number += 1
        person = f"person-{self._number}"
        await self._identity.open_account(person, f"name{self._number}")
        self._people.append(person)

    @property
    def somebody(self) -> str:
        """One of those who are there."""
        return self._random.choice(self._people)

    async def run(self, clients: int, importers: int, enough: Callable[[], bool]) -> None:
        """Lets so many of them do something at a time until there is enough."""
        async with asyncio.TaskGroup() as group:
            for _ in range(clients):
                group.create_task(self._client(self._act, enough))
            for _ in range(importers):
                group.create_task(self._client(self._import, enough))

    async def _client(self, act: Callable[..., Any], enough: Callable[[], bool]) -> None:
        async with AsyncExitStack() as stack:
            channel = await stack.enter_async_context(grpc.aio.insecure_channel(self._process.address, _OPTIONS))
            stubs = [stub(channel) for stub in _STUBS]
            while not enough():
                await self._process.serving.wait()
                try:
                    done = await act(*stubs)
                except grpc.aio.AioRpcError as fault:
                    self._failed(fault)
                else:
                    self.outcomes[done] += 1

    def _failed(self, fault: grpc.aio.AioRpcError) -> None:
        code = fault.code()
        self.outcomes[code.name] += 1
        leaving = code is grpc.StatusCode.UNAUTHENTICATED  # their token was good a moment ago
        if code not in _EXPECTED and not leaving:
            self.faults.append(f"{code.name}: {fault.details()}")

    def _as(self, person: str) -> dict[str, Any]:
        made_at, metadata = self._made.get(person, (0.0, None))
        if time.monotonic() - made_at > _TOKEN_SECONDS:
            metadata = self._tokens.metadata(self._tokens.user(person))
            self._made[person] = (time.monotonic(), metadata)
        return {"metadata": metadata, "timeout": _DEADLINE}

    def _film(self) -> int:
        # some films are on everybody's mind
        return self._random.randint(1, 12 if self._random.random() < 0.3 else self._films)

    def _stars(self) -> float:
        return self._random.randint(0, 10) / 2

    def _day(self) -> str:
        return (dt.date(2024, 1, 1) + dt.timedelta(days=self._random.randrange(700))).isoformat()

    def _note(self, known: list[tuple[str, str]], person: str, id_: str) -> None:
        known.append((person, id_))
        if len(known) > _KEPT_IN_MIND:
            known.pop(self._random.randrange(len(known)))

    def _one(self, known: list[tuple[str, str]], *, forget: bool = False) -> tuple[str, str]:
        place = self._random.randrange(len(known))
        return known.pop(place) if forget else known[place]

    async def _act(self, ratings: Any, diary: Any, reviews: Any, comments: Any, _: Any) -> str:
        lot = self._random.random()
        if lot < 0.0004:
            return await self._leave()
        if lot < 0.50 or not self._ratings:
            return await self._rate(ratings)
        if lot < 0.58:
            person, id_ = self._one(self._ratings, forget=True)
            await ratings.DeleteRating(ratings_pb2.DeleteRatingRequest(rating_id=id_), **self._as(person))
            return "rating deleted"
        if lot < 0.80:
            return await self._keep_diary(diary, lot)
        return await self._talk(reviews, comments, lot)

    async def _leave(self) -> str:
        person = self.somebody
        self._people.remove(person)
        for known in (self._ratings, self._entries, self._reviews, self._comments):
            known[:] = [one for one in known if one[0] != person]
        await self._identity.delete_account(person)
        await self._open()
        return "left"

    async def _rate(self, ratings: Any) -> str:
        person, film = self.somebody, self._film()
        parts = {name: self._stars() for name in ("plot", "acting", "soundtrack") if self._random.random() < 0.2}
        request = ratings_pb2.RateMovieRequest(movie_id=film, overall=self._stars(), **parts)
        answer = await ratings.RateMovie(request, **self._as(person))
        self._note(self._ratings, person, answer.rating_id)
        return "rated"

    async def _keep_diary(self, diary: Any, lot: float) -> str:
        if lot < 0.72 or not self._entries:
            person = self.somebody
            request = diary_pb2.CreateDiaryEntryRequest(movie_id=self._film(), watched_on=self._day())
            if self._random.random() < 0.5:
                request.overall, request.rate = self._stars(), True
            answer = await diary.CreateDiaryEntry(request, **self._as(person))
            self._note(self._entries, person, answer.entry_id)
            return "watched"
        person, id_ = self._one(self._entries, forget=lot >= 0.76)
        if lot < 0.76:
            change = diary_pb2.UpdateDiaryEntryRequest(entry_id=id_, watched_on=self._day())
            await diary.UpdateDiaryEntry(change, **self._as(person))
            return "diary changed"
        await diary.DeleteDiaryEntry(diary_pb2.DeleteDiaryEntryRequest(entry_id=id_), **self._as(person))
        return "diary entry deleted"

    async def _talk(self, reviews: Any, comments: Any, lot: float) -> str:
        if lot < 0.85 or not self._reviews:
            person = self.somebody
            request = reviews_pb2.CreateReviewRequest(movie_id=self._film(), body_markdown="A *quiet* film.")
            if self._random.random() < 0.5:
                request.overall = self._stars()
            answer = await reviews.CreateReview(request, **self._as(person))
            self._note(self._reviews, person, answer.review_id)
            return "reviewed"
        author, review = self._one(self._reviews, forget=lot >= 0.995)
        if lot < 0.93:
            request = reviews_pb2.LikeReviewRequest(review_id=review)
            if self._random.random() < 0.7:
                await reviews.LikeReview(request, **self._as(self.somebody))
                return "liked"
            await reviews.UnlikeReview(reviews_pb2.UnlikeReviewRequest(review_id=review), **self._as(self.somebody))
            return "unliked"
        if lot < 0.96:
            text = f"Seen *{self._random.randrange(10**6)}* times."
            change = reviews_pb2.UpdateReviewRequest(review_id=review, body_markdown=text)
            await reviews.UpdateReview(change, **self._as(author))
            return "review changed"
        if lot < 0.985 or (lot < 0.995 and not self._comments):
            person = self.somebody
            said = comments_pb2.CreateCommentRequest(review_id=review, body_markdown="So it is.")
            answer = await comments.CreateComment(said, **self._as(person))
            self._note(self._comments, person, answer.comment_id)
            return "commented"
        if lot < 0.995:
            person, id_ = self._one(self._comments, forget=True)
            await comments.DeleteComment(comments_pb2.DeleteCommentRequest(comment_id=id_), **self._as(person))
            return "comment deleted"
        await reviews.DeleteReview(reviews_pb2.DeleteReviewRequest(review_id=review), **self._as(author))
        return "review deleted"

    async def _import(self, *stubs: Any) -> str:
        """Brings a history, some of whose films are rated twice; undoes it again now and then."""
        transfers, person = stubs[-1], self.somebody
        made = await transfers.UploadImport(self._pieces(), **self._as(person))
        await self._settled(transfers, person, made.import_id)
        confirm = transfers_pb2.ConfirmImportRequest(import_id=made.import_id, skip_unsettled=True)
        await transfers.ConfirmImport(confirm, **self._as(person))
        await self._settled(transfers, person, made.import_id)
        if self._random.random() < 0.7:
            return "imported"
        undo = transfers_pb2.RollbackImportRequest(import_id=made.import_id)
        await transfers.RollbackImport(undo, **self._as(person))
        await self._settled(transfers, person, made.import_id)
        return "imported and undone"

    async def _settled(self, transfers: Any, person: str, import_id: str) -> None:
        """Waits until nothing is being done to an import, through kills."""
        wanted = transfers_pb2.GetImportRequest(import_id=import_id)
        while True:
            await self._process.serving.wait()
            try:
                found = await transfers.GetImport(wanted, **self._as(person))
            except grpc.aio.AioRpcError as fault:
                if fault.code() is not grpc.StatusCode.UNAVAILABLE:
                    raise
            else:
                if found.state not in ("receiving", "matching", "applying", "rolling_back"):
                    break
            await asyncio.sleep(0.1)
        if found.state == "failed":
            self.faults.append(f"an import failed: {found.error}")

    async def _pieces(self) -> AsyncIterator[Any]:
        text = io.StringIO()
        columns = ("kind", "movie_id", "title", "year", "overall", "rated_at", "watched_on")
        table = csv.writer(text)
        table.writerow(columns)
        for _ in range(_IMPORTED):
            film = self._film()
            named = (film, film_title(film), film_year(film))
            if self._random.random() < 0.6:
                table.writerow(("rating", *named, self._stars(), f"{self._day()}T20:15:00Z", ""))
            else:
                table.writerow(("watch", *named, "", "", self._day()))
        request = transfers_pb2.UploadImportRequest(file_name="history.csv")
        request.file.data = text.getvalue().encode()
        yield request
