"""DiaryService: what the caller watched, and when."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any, Final, TypeVar

from google.protobuf.message import Message

from cine.ratings.v1 import diary_pb2 as pb
from cine.ratings.v1 import diary_pb2_grpc
from cine_ratings.domain.diary import EDITABLE, DiaryWish, day_of, tags_of
from cine_ratings.domain.rating import halves_of, stars_of
from cine_ratings.flows.diary import Diary, ShownEntry
from cine_ratings.servicer.attempts import Attempts
from cine_ratings.store.diary import DiaryFilter
from cinemesh import context as calls
from cinemesh.changes import changes_of
from cinemesh.clock import Clock, utc_now
from cinemesh.paging import PageTokens, page_size
from cinemesh.plain_text import plain_text, searchable

M = TypeVar("M", bound=Message)
_STREAMED: Final = 1000


class DiaryServicer(diary_pb2_grpc.DiaryServiceServicer):
    """Turns calls about the diary into flows and back.

    Args:
        diary: that of the caller.
        attempts: gives first answers again.
        pages: makes and reads page tokens.
        clock: tells the time.
    """

    def __init__(self, diary: Diary, attempts: Attempts, pages: PageTokens, clock: Clock = utc_now) -> None:
        self._diary = diary
        self._attempts = attempts
        self._pages = pages
        self._clock = clock

    async def CreateDiaryEntry(self, request: pb.CreateDiaryEntryRequest, _: Any) -> pb.CreateDiaryEntryResponse:
        """Notes that the caller watched a film."""
        wish = DiaryWish(
            movie_id=request.movie_id,
            watched_on=day_of(request.watched_on, self._clock()),
            rewatch=request.rewatch,
            overall=halves_of(request.overall) if request.HasField("overall") else None,
            rate=request.rate,
            notes=plain_text(request.notes, "notes", lines=True),
            tags=tags_of(request.tags),
        )
        once = self._attempts.of("CreateDiaryEntry", request, pb.CreateDiaryEntryResponse, _entry)
        return await self._diary.create(_caller(), wish, once)

    async def ListDiaryEntries(self, request: pb.ListDiaryEntriesRequest, _: Any) -> pb.ListDiaryEntriesResponse:
        """Lists the caller's diary, latest day first."""
        tag = plain_text(request.tag, "tag").lower()
        wanted = DiaryFilter(_caller(), request.year, request.movie_id, tag)
        page = await self._diary.list(wanted, page_size(request.page_size), self._pages.decode(request))
        return pb.ListDiaryEntriesResponse(
            entries=[_entry(pb.DiaryEntry, one) for one in page.entries],
            next_page_token=self._pages.encode(page.following, request) if page.following else "",
            total_size=page.total,
        )

    async def UpdateDiaryEntry(self, request: pb.UpdateDiaryEntryRequest, _: Any) -> pb.UpdateDiaryEntryResponse:
        """Changes an entry of the diary."""
        changes = changes_of(request, EDITABLE, nullable=["overall"])
        entry_id = searchable(request.entry_id, "entry_id")
        changed = await self._diary.update(_caller(), entry_id, changes, request.etag)
        return _entry(pb.UpdateDiaryEntryResponse, changed)

    async def DeleteDiaryEntry(self, request: pb.DeleteDiaryEntryRequest, _: Any) -> pb.DeleteDiaryEntryResponse:
        """Removes an entry from the diary."""
        await self._diary.delete(_caller(), searchable(request.entry_id, "entry_id"), request.etag)
        return pb.DeleteDiaryEntryResponse()

    async def StreamDiaryEntries(
        self, request: pb.StreamDiaryEntriesRequest, _: Any
    ) -> AsyncIterator[pb.StreamDiaryEntriesResponse]:
        """Streams what all diaries say was watched to a service."""
        after = searchable(request.after_entry_id, "after_entry_id")
        while found := await self._diary.following(after, _STREAMED):
            yield pb.StreamDiaryEntriesResponse(
                entries=[
                    pb.WatchedFilm(
                        entry_id=one.entry_id,
                        user_id=one.user_id,
                        movie_id=one.movie_id,
                        watched_on=one.watched_on.isoformat(),
                        rewatch=one.rewatch,
                    )
                    for one in found
                ]
            )
            after = found[-1].entry_id


def _caller() -> str:
    return calls.current().principal.user_id


def _entry(kind: type[M], shown: ShownEntry) -> M:
    entry = shown.entry
    answer: Any = kind(
        entry_id=entry.entry_id,
        movie_id=entry.movie_id,
        watched_on=entry.watched_on.isoformat(),
        rewatch=entry.rewatch,
        overall=stars_of(entry.overall) if entry.overall is not None else None,
        notes=entry.notes,
        tags=entry.tags,
        etag=entry.etag,
        movie=shown.movie,
    )
    answer.created_at.FromDatetime(entry.created_at)
    answer.updated_at.FromDatetime(entry.updated_at)
    return answer  # type: ignore[no-any-return]
