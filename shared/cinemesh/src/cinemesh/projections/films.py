"""Films as a service needs them: the catalogue's facts in its own store, so that no list waits for another service."""

from __future__ import annotations

import datetime as dt
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, Final, TypeVar

import grpc
import sqlalchemy as sa
from sqlalchemy.orm import Session

from cine.common.v1 import feed_pb2, feed_pb2_grpc, film_card_pb2
from cinemesh import contracts, telemetry
from cinemesh.client import channel
from cinemesh.db import Database, after_commit
from cinemesh.errors import NotFound, Reason, Unavailable
from cinemesh.feed import Consumer
from cinemesh.projections import film_rows
from cinemesh.projections.film_reading import FilmReading
from cinemesh.projections.progress import Progress
from cinemesh.settings import ServiceSettings

if TYPE_CHECKING:
    from cine.common.v1.feed_pb2_grpc import FeedServiceAsyncStub

_PACKAGE: Final = "cine.catalog.v1"
_CHANGED: Final = f"{_PACKAGE}.MovieChanged"
_REMOVED: Final = f"{_PACKAGE}.MovieRemoved"
_REPLACED: Final = f"{_PACKAGE}.CatalogReplaced"
_BEHIND_SECONDS: Final = 5.0
_ASK_AT_ONCE: Final = 200
T = TypeVar("T")
Cards = Mapping[int, film_card_pb2.FilmCard]
FindCards = Callable[[Session], Cards]
"""Returns the cards of the films that a write is about, in its transaction."""


class _Unheard(Exception):
    """This copy lacks a film: the catalogue has to be asked, which no transaction may wait for."""


class Films:
    """A copy of the catalogue's films.

    The feed only says which films changed: its handler marks them in the transaction that moves the cursor, and a task reads them
    from the catalogue afterwards. After a replacement of the whole catalogue, and at the very first start, everything is
    read once. Replicas that share a store take turns.

    Args:
        owner: name of the service, such as "ratings".
        settings: where the catalogue is.
        database: the service's store, migrated.
        table: what `film_table` declared.
    """

    def __init__(self, owner: str, settings: ServiceSettings, database: Database, table: sa.Table) -> None:
        self._settings = settings
        self._database = database
        self._table = table
        self._log = telemetry.logger(f"{owner}.films")
        self._progress = Progress(database, f"{owner}.films")
        self._reading = FilmReading(settings, database, table, self._progress, f"{owner}.films")
        self._consumer = Consumer(
            f"{owner}.catalog",
            self._feed,
            database,
            self._apply,
            types=[_CHANGED, _REMOVED, _REPLACED],
            rebuild=self._rebuild,
        )
        self._filled = False

    def _feed(self) -> FeedServiceAsyncStub:
        stub: Any = feed_pb2_grpc.FeedServiceStub
        made: FeedServiceAsyncStub = stub(channel("catalog", self._settings))
        return made

    async def start(self) -> None:
        """Begins to follow and to read in the background; the catalogue need not answer yet."""
        self._filled = (await self._progress.state()).filled
        self._reading.start(self._consumer)

    async def stop(self) -> None:
        """Stops following; what was half read is read again after the next start."""
        await self._reading.stop()
        await self._consumer.stop()

    async def require(self, movie_ids: Collection[int], field: str = "movie_id") -> None:
        """Makes sure that films exist. The catalogue is asked only while this copy is not whole, or has not heard of it lately.

        Args:
            movie_ids: which; in the order of the request where `field` is a list.
            field: the field of the request they came in. Of several ids each one's place is named, as `movie_ids[3]`.

        Raises:
            NotFound: some do not, with reason MOVIE_NOT_FOUND; the message and the violations name them.
            Unavailable: nobody can tell at present.
        """
        wanted = list(movie_ids)
        found = await self._database.read(lambda session: film_rows.known(session, self._table, wanted))
        missing = [movie_id for movie_id in dict.fromkeys(wanted) if movie_id not in found]
        if missing:
            unknown = await self._unknown(missing)
            if unknown:
                raise _not_found(wanted, unknown, field)

    async def write_about(
        self, movie_ids: Collection[int], write: Callable[[FindCards], Awaitable[T]], field: str = "movie_id"
    ) -> T:
        """Runs a write about films that must exist, and finds that out in its own transaction.

        So a write about films that are here, as nearly all are, waits for nobody and needs no transaction more; and an attempt that
        is sent again can be given its first answer before anybody asks for its films, which may have left the catalogue since.

        Args:
            movie_ids: films that must exist.
            write: runs a transaction, and in it, before anything about the films is written, what it is given: that returns their
                cards. It is run a second time where the catalogue had to be asked first.
            field: as in `require`.

        Raises:
            NotFound: some do not exist; nothing was changed.
            Unavailable: nobody can tell at present; nothing was changed.
        """

        def find(session: Session) -> Cards:
            found = film_rows.find_cards(session, self._table, movie_ids, present=True) if movie_ids else {}
            if not found.keys() >= set(movie_ids):
                raise _Unheard
            return found

        try:
            return await write(find)
        except _Unheard:
            await self.require(movie_ids, field)
            return await write(lambda session: self.cards(session, movie_ids))

    async def _unknown(self, missing: Sequence[int]) -> set[int]:
        whole = await self.whole()
        if whole and self._consumer.lag_seconds < _BEHIND_SECONDS:
            announced = await self._database.read(lambda session: self._announced(session, missing))
            if not announced:
                return set(missing)
        try:
            return set(missing) - await self._ask(missing)
        except grpc.aio.AioRpcError as fault:
            if whole:
                return set(missing)  # what this copy has is the newest that anybody knows
            self._log.warning("the catalogue cannot be asked", answer=fault.code().name, details=fault.details() or "")
            raise Unavailable(
                "the catalogue does not answer, so it cannot be told whether there is such a film; nothing was changed",
                retry_after=2.0,
            ) from None

    async def whole(self) -> bool:
        """Returns whether the catalogue was read whole at least once; until then a film may only look unknown."""
        if not self._filled:
            self._filled = (await self._progress.state()).filled
        return self._filled

    def _announced(self, session: Session, movie_ids: Collection[int]) -> bool:
        """Returns whether the feed told of one of them that is not read yet."""
        table = self._table
        fresh = sa.select(table.c.movie_id).where(
            table.c.movie_id.in_(movie_ids), table.c.wanted != "", table.c.wanted != film_rows.REMOVED
        )
        return session.execute(fresh.limit(1)).first() is not None

    async def _ask(self, movie_ids: Sequence[int]) -> set[int]:
        """Asks the catalogue, keeps what it says, and returns the ids it knows."""
        found: set[int] = set()
        for start in range(0, len(movie_ids), _ASK_AT_ONCE):
            cards = await self._reading.cards(movie_ids[start : start + _ASK_AT_ONCE])
            rows = [film_rows.row_of_card(card) for card in cards]
            await self._database.write(partial(film_rows.put_cards, table=self._table, rows=rows))
            found.update(card.movie_id for card in cards)
        return found

    def cards(self, session: Session, movie_ids: Collection[int]) -> dict[int, film_card_pb2.FilmCard]:
        """Returns film cards by id, in one statement; films that were never heard of are missing.

        A film that left the catalogue still has the card it had: lists go on showing what people put into them.
        """
        return film_rows.find_cards(session, self._table, movie_ids) if movie_ids else {}

    async def probe(self) -> str:
        """Says how the copy is doing: `Probe(films.probe, required=False)`.

        Raises:
            Unavailable: it is not whole yet, or does not follow.
        """
        if not await self.whole():
            raise Unavailable(f"films are not read yet: {self._reading.problem or 'reading'}")
        following = await self._consumer.probe()
        return f"{following}; {self._reading.problem}" if self._reading.problem else following

    def _apply(self, session: Session, events: Sequence[feed_pb2.Event]) -> None:
        for event in events:
            fact: Any = contracts.message(event.type)()
            event.data.Unpack(fact)
            if event.type == _CHANGED:
                film_rows.mark(session, self._table, fact.movie_id, fact.etag)
            elif event.type == _REMOVED:
                film_rows.mark(session, self._table, fact.movie_id, film_rows.REMOVED)
            elif event.type == _REPLACED:
                film_rows.forget_marks(session, self._table)
                self._progress.want(session, fact.data_version, since=event.time.ToDatetime(tzinfo=dt.UTC))
        after_commit(session, self._reading.wake)

    async def _rebuild(self) -> None:
        def change(session: Session) -> None:
            film_rows.forget_marks(session, self._table)
            self._progress.want(session)

        await self._database.write(change)
        self._reading.wake()


def _not_found(asked: Sequence[int], unknown: Collection[int], field: str) -> NotFound:
    if len(asked) == 1:
        violations = [(field, f"there is no film {asked[0]}")]
    else:
        violations = [
            (f"{field}[{place}]", f"there is no film {movie_id}")
            for place, movie_id in enumerate(asked)
            if movie_id in unknown
        ]
    listed = ", ".join(str(movie_id) for movie_id in sorted(unknown)[:10])
    more = f" and {len(unknown) - 10} more" if len(unknown) > 10 else ""
    message = f"there is no film {listed}" if len(unknown) == 1 else f"there are no films {listed}{more}"
    return NotFound(message, reason=Reason.MOVIE_NOT_FOUND, violations=violations)
