"""Ratings and diary entries that belong to somebody, for the access table."""

from __future__ import annotations

import datetime as dt
from collections.abc import Awaitable, Callable
from typing import Any, Final

from google.protobuf.message import Message

from cine.ratings.v1 import diary_pb2, ratings_pb2
from cine_ratings.domain.diary import DiaryEntry, DiaryWish
from cine_ratings.domain.rating import Rating, RatingWish, Score
from cine_ratings.store import Transaction, diary, ratings

from .owned_things import Owned


async def _a_rating(app: Any, user_id: str) -> Owned:
    def rate(tx: Transaction) -> Rating:
        (change,) = app.rating_book.apply(tx, user_id, [RatingWish(1, Score(7))])
        return change.after  # type: ignore[no-any-return]

    rating: Rating = await app.database.write(rate)

    async def remains() -> bool:
        return await app.database.read(lambda tx: ratings.by_id(tx, rating.rating_id)) is not None

    return Owned(ratings_pb2.DeleteRatingRequest(rating_id=rating.rating_id), remains)


async def _an_entry(app: Any, user_id: str) -> tuple[str, Callable[[], Awaitable[bool]]]:
    def note(tx: Transaction) -> DiaryEntry:
        (entry,) = app.diary_book.apply(tx, user_id, [DiaryWish(1, dt.date(2026, 3, 1))])
        return entry  # type: ignore[no-any-return]

    entry: DiaryEntry = await app.database.write(note)

    async def remains() -> bool:
        return bool(await app.database.read(lambda tx: diary.by_id(tx, entry.entry_id)) == entry)

    return entry.entry_id, remains


def _acting_on_an_entry(request: Callable[[str], Message]) -> Callable[[Any, str], Awaitable[Owned]]:
    async def make(app: Any, user_id: str) -> Owned:
        entry_id, remains = await _an_entry(app, user_id)
        return Owned(request(entry_id), remains)

    return make


OWNED_RATINGS: Final[dict[str, Callable[[Any, str], Awaitable[Owned]]]] = {
    "/cine.ratings.v1.RatingsService/DeleteRating": _a_rating,
    "/cine.ratings.v1.DiaryService/UpdateDiaryEntry": _acting_on_an_entry(
        lambda entry_id: diary_pb2.UpdateDiaryEntryRequest(entry_id=entry_id, notes="Rain.")
    ),
    "/cine.ratings.v1.DiaryService/DeleteDiaryEntry": _acting_on_an_entry(
        lambda entry_id: diary_pb2.DeleteDiaryEntryRequest(entry_id=entry_id)
    ),
}
