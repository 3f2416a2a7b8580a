"""What reviewers say of a film: summed up once for each state of its reviews, by template, or by the language model once it is done."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Final

from cachetools import TTLCache

from cine_recommender.language.digest import TEMPLATE, Digest, digest, digest_by
from cine_recommender.language.ollama import Ollama
from cine_recommender.reviews import FilmReviews, Newest
from cinemesh.clock import Clock, utc_now
from cinemesh.errors import Unavailable

_KEPT: Final = 5_000
_KEPT_SECONDS: Final = 6 * 3600.0
_AGAIN: Final = dt.timedelta(minutes=5)
_AWAY: Final = "the ratings service does not answer"


@dataclass(frozen=True, slots=True)
class ReviewSummary:
    """What reviewers say of a film.

    Attributes:
        digest: in a few sentences; empty where there are no reviews, or none could be read.
        count: number of reviews behind it.
        created_at: when it was written.
        degraded_reason: what was missing; empty in the usual case.
    """

    digest: Digest
    count: int
    created_at: dt.datetime
    degraded_reason: str = ""


@dataclass(frozen=True, slots=True)
class _Kept:
    """`asked_at`: when the language model was last asked for it; None where it was not, or gave it."""

    newest: Newest
    summary: ReviewSummary
    asked_at: dt.datetime | None = None


class ReviewSummaries:
    """Sums up reviews.

    A summary is kept for six hours, and made anew as soon as a review was added, changed or taken away. The language model takes longer
    than people wait: whoever asks waits for it for `seconds`, and gets counts and quotations when it is not done by then; it goes on, and
    the next one to ask gets its words.

    Args:
        reviews: gives the reviews.
        require: makes sure that a film exists; raises `NotFound` when it does not.
        title: the title of a film; empty where it is not known.
        model: the language model; None for none.
        seconds: how long somebody waits for the model.
        background_seconds: how long the model may take.
        clock: tells the time.
    """

    def __init__(
        self,
        reviews: FilmReviews,
        require: Callable[[int], Awaitable[None]],
        title: Callable[[int], str],
        model: Ollama | None = None,
        *,
        seconds: float = 2.0,
        background_seconds: float = 30.0,
        clock: Clock = utc_now,
    ) -> None:
        self._reviews, self._require, self._title = reviews, require, title
        self._model, self._seconds, self._background_seconds = model, seconds, background_seconds
        self._clock = clock
        self._kept: TTLCache[int, _Kept] = TTLCache(_KEPT, _KEPT_SECONDS)
        self._making: dict[tuple[int, Newest], asyncio.Task[ReviewSummary]] = {}
        self._wording: dict[tuple[int, Newest], asyncio.Task[None]] = {}

    async def of(self, movie_id: int) -> ReviewSummary:
        """Returns the summary of a film's reviews; empty where it has none.

        When the Ratings service does not answer, it is the last one there was, or an empty one, and says so.

        Raises:
            NotFound: there is no such film.
            Unavailable: nobody can tell whether there is.
        """
        await self._require(movie_id)
        try:
            newest = await self._reviews.newest(movie_id)
            kept = self._kept.get(movie_id)
            if kept is not None and kept.newest == newest and not self._may_be_worded(kept):
                return kept.summary
            return await self._made(movie_id, newest)
        except Unavailable:
            kept = self._kept.get(movie_id)
            if kept is not None:
                return replace(kept.summary, degraded_reason=f"{_AWAY}: this is what its reviews were before")
            return ReviewSummary(Digest(""), 0, self._clock(), _AWAY)

    async def close(self) -> None:
        """Gives up what is being made."""
        tasks = [*self._making.values(), *self._wording.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _may_be_worded(self, kept: _Kept) -> bool:
        """Whether the language model is to be asked for what a template said so far."""
        model, summary = self._model, kept.summary
        if model is None or self._wording or not model.willing:
            return False
        by_template = summary.count > 0 and summary.digest.worded_by == TEMPLATE
        return by_template and (kept.asked_at is None or self._clock() - kept.asked_at >= _AGAIN)

    async def _made(self, movie_id: int, newest: Newest) -> ReviewSummary:
        """Makes a summary, once for all who ask meanwhile."""
        key = (movie_id, newest)
        if key not in self._making:
            task = asyncio.create_task(self._make(movie_id, newest), name="review summary")
            self._making[key] = task
            task.add_done_callback(lambda done: self._end(key, done))
        # somebody who goes away takes nothing from the others
        return await asyncio.shield(self._making[key])

    def _end(self, key: tuple[int, Newest], done: asyncio.Task[ReviewSummary]) -> None:
        self._making.pop(key, None)
        if not done.cancelled():
            done.exception()  # nobody may be left to ask what went wrong

    async def _make(self, movie_id: int, newest: Newest) -> ReviewSummary:
        read = await self._reviews.most_liked(movie_id) if newest.count else []
        by_template = ReviewSummary(
            await asyncio.to_thread(digest, read, max(newest.count, len(read))),
            max(newest.count, len(read)),
            self._clock(),
        )
        model = self._model
        self._kept[movie_id] = kept = _Kept(newest, by_template)
        if model is None or not self._may_be_worded(kept):
            return by_template
        self._kept[movie_id] = asked = replace(kept, asked_at=self._clock())

        async def word() -> None:
            found = await digest_by(model, self._title(movie_id), read, seconds=self._background_seconds)
            if found is not None and self._kept.get(movie_id) == asked:
                worded = replace(by_template, digest=found, created_at=self._clock())
                self._kept[movie_id] = _Kept(newest, worded)

        # one film at a time: a model of one's own answers one question after the other
        key = (movie_id, newest)
        self._wording[key] = task = asyncio.create_task(word(), name="review summary in words")
        task.add_done_callback(lambda _: self._wording.pop(key, None))
        await asyncio.wait([task], timeout=self._seconds)
        latest = self._kept.get(movie_id)
        return latest.summary if latest is not None and latest.newest == newest else by_template
