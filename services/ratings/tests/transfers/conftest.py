from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

import grpc
import pytest
import sqlalchemy as sa
from google.protobuf.any_pb2 import Any as Packed
from google.protobuf.message import Message

from cine.ratings.v1 import (
    diary_pb2_grpc,
    events_pb2,
    ratings_pb2,
    ratings_pb2_grpc,
    reviews_pb2_grpc,
    transfers_pb2,
    transfers_pb2_grpc,
)
from cine.watchlist.v1 import watchlist_pb2, watchlist_pb2_grpc
from cine_ratings.app import RatingsApplication
from cine_ratings.settings import RatingsSettings
from cine_ratings.store import Transaction
from cinemesh.db import Database, mesh_tables
from cinemesh.errors import CineError, Unavailable
from cinemesh.rpc_status import failure_of
from cinemesh.server import Application, Mount
from cinemesh.settings import ServiceSettings
from cinemesh.testing import Running, running, settings_for
from cinemesh.testing.catalogue import CatalogueStandIn, catalogue, film, read_whole
from cinemesh.testing.identity import StandIn, standing_in
from cinemesh.testing.tokens import TokenFactory

ADA, BOB = "ada", "bob"
NOW = dt.datetime(2026, 3, 14, 15, 9, 26, tzinfo=dt.UTC)
TODAY = NOW.date()
FILMS = (
    film(1, "The Matrix", year=1999, imdb_id="tt0133093", tmdb_id=603, rating_count=80_000, directors=["Lana Wachowski"]),
    film(2, "The Matrix Reloaded", year=2003, imdb_id="tt0234215", tmdb_id=604, rating_count=30_000),
    film(3, "Amélie", year=2001, tmdb_id=194, alternative_titles=["Le Fabuleux Destin d'Amélie Poulain"]),
    film(4, "Home", year=2015, rating_count=900),
    film(5, "Home", year=2016, rating_count=800),
    film(6, "Cléo from 5 to 7", year=1962, imdb_id="tt0055852", directors=["Agnès Varda"]),
    film(7, "The Good, the Bad and the Ugly", year=1966, alternative_titles=["Il buono, il brutto, il cattivo"]),
    film(8, "Rocky II", year=1979),
    film(9, "Se7en", year=1995, imdb_id="tt0114369", alternative_titles=["Seven"]),
    film(10, "WALL·E", year=2008),
)  # fmt: skip


class MovableClock:
    """A clock that stands still until a test moves it."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> dt.datetime:
        return self.now

    def forward(self, **amount: float) -> None:
        self.now += dt.timedelta(**amount)


@pytest.fixture
def clock() -> MovableClock:
    return MovableClock()


class WatchlistSettings(ServiceSettings):
    """Settings of the stand-in."""

    service: ClassVar[str] = "watchlist"


@dataclass
class WatchlistStandIn(Application):
    """Stands where the Watchlist service would: takes rows of imports over, each once.

    Attributes:
        rows: what it holds, by user, import and row.
        calls: how often it was asked.
        away: whether it refuses to answer.
    """

    settings: ServiceSettings
    rows: dict[tuple[str, str, int], Any] = field(default_factory=dict)
    calls: list[str] = field(default_factory=list)
    away: bool = False
    name = "watchlist"

    async def start(self) -> list[Mount]:
        app = self

        class Servicer(watchlist_pb2_grpc.WatchlistServiceServicer):
            async def ApplyImport(self, request: Any, _: Any) -> Any:  # noqa: N802 - by the contract
                app.called("ApplyImport")
                for item in request.items:
                    app.rows.setdefault((request.user_id, request.import_id, item.row_number), item)
                return watchlist_pb2.ApplyImportResponse(added=len(request.items))

            async def RollbackImport(self, request: Any, _: Any) -> Any:  # noqa: N802
                app.called("RollbackImport")
                theirs = [key for key in app.rows if key[:2] == (request.user_id, request.import_id)]
                for key in theirs:
                    del app.rows[key]
                return watchlist_pb2.RollbackImportResponse(removed=len(theirs))

        service = watchlist_pb2.DESCRIPTOR.services_by_name["WatchlistService"]
        return [Mount(Servicer(), watchlist_pb2_grpc.add_WatchlistServiceServicer_to_server, service)]

    def called(self, method: str) -> None:
        self.calls.append(method)
        if self.away:
            raise Unavailable("away")

    @property
    def held(self) -> list[tuple[int, str]]:
        """Films and the lists they are on, in the order of their rows."""
        return [(item.movie_id, item.list_name) for _, item in sorted(self.rows.items())]


@dataclass
class Mesh:
    """The service between stand-ins of those it talks to."""

    running: Running
    catalogue: CatalogueStandIn
    identity: StandIn
    watchlist: WatchlistStandIn
    tokens: TokenFactory

    @property
    def app(self) -> Any:
        return self.running.app

    @property
    def transfers(self) -> Any:
        return self.running.stub(transfers_pb2_grpc.TransferServiceStub)

    @property
    def ratings(self) -> Any:
        return self.running.stub(ratings_pb2_grpc.RatingsServiceStub)

    @property
    def diary(self) -> Any:
        return self.running.stub(diary_pb2_grpc.DiaryServiceStub)

    @property
    def reviews(self) -> Any:
        return self.running.stub(reviews_pb2_grpc.ReviewServiceStub)

    def by(self, user_id: str) -> tuple[tuple[str, str], ...]:
        """Returns the metadata of a call by a person."""
        return self.tokens.metadata(self.tokens.user(user_id))

    async def filled(self) -> None:
        """Waits until the films are there."""
        await read_whole(self.app.films)

    async def upload(
        self,
        data: bytes | str,
        name: str = "",
        source: str = "",
        who: str = ADA,
        request_id: str = "",
        piece: int = 20_000,
    ) -> Any:
        """Sends a file in pieces. Returns its import."""
        raw = data.encode() if isinstance(data, str) else data

        async def pieces() -> AsyncIterator[Any]:
            first = transfers_pb2.UploadImportRequest(source=source, file_name=name, request_id=request_id)
            for start in range(0, max(len(raw), 1), piece):
                request = first if not start else transfers_pb2.UploadImportRequest()
                request.file.data = raw[start : start + piece]
                yield request

        return await self.transfers.UploadImport(pieces(), metadata=self.by(who))

    async def rows(self, import_id: str, outcome: str = "", who: str = ADA, size: int = 100) -> list[Any]:
        """Returns all rows of an import, page by page."""
        found: list[Any] = []
        token = ""
        while True:
            request = transfers_pb2.ListImportRowsRequest(
                import_id=import_id, outcome=outcome, page_size=size, page_token=token
            )
            page = await self.transfers.ListImportRows(request, metadata=self.by(who))
            found += page.rows
            token = page.next_page_token
            if not token:
                assert page.total_size == len(found)
                return found

    async def confirm(self, import_id: str, who: str = ADA, *, skip: bool = True) -> Any:
        """Confirms an import and waits until it is applied. Returns it."""
        request = transfers_pb2.ConfirmImportRequest(import_id=import_id, skip_unsettled=skip)
        await self.transfers.ConfirmImport(request, metadata=self.by(who))
        return await self.settled(import_id, who)

    async def rollback(self, import_id: str, who: str = ADA) -> Any:
        """Undoes an import and waits until that is done. Returns it."""
        request = transfers_pb2.RollbackImportRequest(import_id=import_id)
        await self.transfers.RollbackImport(request, metadata=self.by(who))
        return await self.settled(import_id, who)

    async def settled(self, import_id: str, who: str = ADA) -> Any:
        """Follows an import until nothing more happens to it. Returns it."""
        request = transfers_pb2.WatchImportRequest(import_id=import_id)
        async for _ in self.transfers.WatchImport(request, metadata=self.by(who)):
            pass
        return await self.transfers.GetImport(
            transfers_pb2.GetImportRequest(import_id=import_id), metadata=self.by(who)
        )

    async def export(self, form: str = "json", who: str = ADA) -> bytes:
        """Returns a person's file."""
        request = transfers_pb2.ExportHistoryRequest(format=form)
        return b"".join(
            [piece.file.data async for piece in self.transfers.ExportHistory(request, metadata=self.by(who))]
        )

    async def rate(self, movie_id: int, overall: float, who: str = ADA, **more: float) -> Any:
        request = ratings_pb2.RateMovieRequest(movie_id=movie_id, overall=overall, **more)
        return await self.ratings.RateMovie(request, metadata=self.by(who))

    async def rated(self, who: str = ADA) -> dict[int, float]:
        """Returns a person's overall ratings by film."""
        answer = await self.ratings.ListMyRatings(
            ratings_pb2.ListMyRatingsRequest(page_size=100), metadata=self.by(who)
        )
        return {rating.movie_id: rating.overall for rating in answer.ratings}


@asynccontextmanager
async def meshed(
    folder: Path, clock: Callable[[], dt.datetime], films: Iterable[Any] = FILMS, **settings: Any
) -> AsyncIterator[Mesh]:
    """Runs the service and its stand-ins for the block."""
    async with (
        catalogue(folder, films) as (catalog, catalog_at),
        standing_in(folder) as (identity, identity_at),
        running(WatchlistStandIn(settings_for(WatchlistSettings, folder))) as watchlist,
    ):
        peers = {"catalog": [catalog_at], "identity": [identity_at], "watchlist": [watchlist.address]}
        own = settings_for(RatingsSettings, folder, peers=peers, **settings)
        async with running(RatingsApplication(own, clock=clock)) as server:
            stand_in: Any = watchlist.app
            mesh = Mesh(server, catalog, identity, stand_in, TokenFactory(own))
            await mesh.filled()
            yield mesh


@pytest.fixture
async def mesh(tmp_path: Path, clock: MovableClock) -> AsyncIterator[Mesh]:
    async with meshed(tmp_path / "mesh", clock) as made:
        yield made


@pytest.fixture(params=["sqlite", "postgresql"])
async def any_mesh(request: pytest.FixtureRequest, tmp_path: Path, clock: MovableClock) -> AsyncIterator[Mesh]:
    """The service on either store."""
    more = {"database_url": request.getfixturevalue("postgres_url")} if request.param == "postgresql" else {}
    async with meshed(tmp_path / "mesh", clock, **more) as made:
        yield made


async def refused(call: Awaitable[Any]) -> CineError:
    """Returns why a call was refused."""
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call
    return failure_of(caught.value)


async def told(database: Database) -> list[Message]:
    """Returns every event of a store, in order."""
    table = mesh_tables.outbox
    order = [table.c.id] if database.dialect == "sqlite" else [table.c.xid, table.c.id]

    def read(tx: Transaction) -> list[bytes]:
        return list(tx.execute(sa.select(table.c.data).order_by(*order)).scalars())

    return [_unpacked(data) for data in await database.read(read)]


def _unpacked(data: bytes) -> Message:
    packed = Packed.FromString(data)
    event: Any = getattr(events_pb2, packed.TypeName().rpartition(".")[2])()
    packed.Unpack(event)
    return event  # type: ignore[no-any-return]


async def eventually(holds: Callable[[], Awaitable[bool]]) -> None:
    """Waits until something holds that happens in the background."""
    async with asyncio.timeout(20):
        while not await holds():  # noqa: ASYNC110 - nothing wakes a test
            await asyncio.sleep(0.02)
