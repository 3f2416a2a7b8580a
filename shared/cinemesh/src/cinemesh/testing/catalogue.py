"""Stands where the catalogue would: films and their feed behind the real server, for tests of those who keep copies."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import importlib
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, ClassVar

from google.protobuf.message import Message

from cine.common.v1 import film_card_pb2
from cinemesh import contracts
from cinemesh.db import Database, migrate
from cinemesh.errors import CineError, NotFound, Reason, Unavailable
from cinemesh.feed import FeedServicer
from cinemesh.outbox import Outbox
from cinemesh.projections import Films
from cinemesh.server import Application, Mount, Server
from cinemesh.settings import ServiceSettings
from cinemesh.testing.harness import settings_for
from cinemesh.testing.ports import free_port

_PACKAGE = "cine.catalog.v1"
_STREAMED = 3


class CatalogueSettings(ServiceSettings):
    """Settings of the stand-in."""

    service: ClassVar[str] = "catalog"


def film(movie_id: int, title: str, **facts: Any) -> Any:
    """Returns a film as `GetMovie` describes it: the fields given, and an etag made of them."""
    made: Any = contracts.message(f"{_PACKAGE}.GetMovieResponse")(movie_id=movie_id, title=title, **facts)
    made.etag = hashlib.blake2b(made.SerializeToString(deterministic=True), digest_size=9).hexdigest()
    return made


def card(movie: Any) -> film_card_pb2.FilmCard:
    """Returns the card of a film: the fields of both messages have the same numbers."""
    made = film_card_pb2.FilmCard.FromString(movie.SerializeToString())
    made.DiscardUnknownFields()
    return made


class CatalogueStandIn(Application):
    """Answers `GetMovie`, `BatchGetMovies` and `StreamMovies`, and serves a feed.

    What it tells and what it serves are two things, as in a replica that is behind.

    Attributes:
        served: films by id, as calls see them.
        version: version of the data, as streams name it.
        asked: how often each method was called.
        away: whether it refuses to answer.
        between: awaited between two messages of a stream.
    """

    name = "catalog"

    def __init__(self, settings: ServiceSettings, films: Iterable[Any] = ()) -> None:
        self.settings = settings
        self.served: dict[int, Any] = {movie.movie_id: movie for movie in films}
        self.version = "v1"
        self.asked: Counter[str] = Counter()
        self.away = False
        self.between: Callable[[], Any] | None = None
        self.database = Database(settings.store_url, pool=2)
        self.outbox = Outbox(self.name)
        self._feed = FeedServicer(self.database, self.outbox, poll_seconds=0.05)

    async def start(self) -> list[Mount]:
        """Opens its store, which outlives a restart in the same folder."""
        await asyncio.to_thread(migrate, self.settings.store_url, None)
        await self.database.open()
        stubs = importlib.import_module(f"{_PACKAGE}.catalog_pb2_grpc")
        described = importlib.import_module(f"{_PACKAGE}.catalog_pb2").DESCRIPTOR.services_by_name["CatalogService"]
        return [Mount(_servicer(stubs, self), stubs.add_CatalogServiceServicer_to_server, described)]

    async def stop(self) -> None:
        """Closes the store."""
        self._feed.stop()
        await self.database.close()

    def feed(self) -> FeedServicer:
        """Returns its feed."""
        return self._feed

    def film(self, movie_id: int) -> Any:
        """Returns a film it serves.

        Raises:
            NotFound: it serves none of that id.
        """
        if movie_id not in self.served:
            raise NotFound(f"there is no film {movie_id}", reason=Reason.MOVIE_NOT_FOUND)
        return self.served[movie_id]

    def called(self, method: str) -> None:
        """Counts a call.

        Raises:
            Unavailable: it is away.
        """
        self.asked[method] += 1
        if self.away:
            raise Unavailable("the catalogue is loading")

    async def put(self, *films: Any) -> None:
        """Serves films from now on, and tells of them."""
        self.served.update({movie.movie_id: movie for movie in films})
        await self.announce(*films)

    async def announce(self, *films: Any) -> None:
        """Tells of films as they are going to be served."""
        changed = contracts.message(f"{_PACKAGE}.MovieChanged")
        await self._tell([(f"movies/{one.movie_id}", changed(movie_id=one.movie_id, etag=one.etag)) for one in films])

    async def remove(self, *movie_ids: int) -> None:
        """Takes films out, and tells of it."""
        for movie_id in movie_ids:
            self.served.pop(movie_id, None)
        await self.announce_removal(*movie_ids)

    async def announce_removal(self, *movie_ids: int) -> None:
        """Tells that films are gone."""
        removed = contracts.message(f"{_PACKAGE}.MovieRemoved")
        await self._tell([(f"movies/{movie_id}", removed(movie_id=movie_id)) for movie_id in movie_ids])

    async def replace(self, films: Iterable[Any], version: str) -> None:
        """Serves other films altogether, and tells of it."""
        self.served = {movie.movie_id: movie for movie in films}
        self.version = version
        await self.announce_replacement(version)

    async def announce_replacement(self, version: str) -> None:
        """Tells that everything is to be read again."""
        replaced = contracts.message(f"{_PACKAGE}.CatalogReplaced")
        await self._tell([("catalogue", replaced(data_version=version, total=len(self.served)))])

    async def _tell(self, events: list[tuple[str, Message]]) -> None:
        await self.database.write(lambda session: self.outbox.append_many(session, events))


def _servicer(stubs: Any, app: CatalogueStandIn) -> Any:
    batch: Any = contracts.message(f"{_PACKAGE}.BatchGetMoviesResponse")
    streamed: Any = contracts.message(f"{_PACKAGE}.StreamMoviesResponse")

    class Servicer(stubs.CatalogServiceServicer):  # type: ignore[misc]
        async def GetMovie(self, request: Any, context: Any) -> Any:  # noqa: ARG002, N802 - by the contract
            app.called("GetMovie")
            return app.film(request.movie_id)

        async def BatchGetMovies(self, request: Any, context: Any) -> Any:  # noqa: ARG002, N802
            app.called("BatchGetMovies")
            found = [app.served[movie_id] for movie_id in request.movie_ids if movie_id in app.served]
            missing = [movie_id for movie_id in request.movie_ids if movie_id not in app.served]
            return batch(movies=[card(movie) for movie in found], missing_movie_ids=missing)

        async def StreamMovies(self, request: Any, context: Any) -> AsyncIterator[Any]:  # noqa: ARG002, N802
            app.called("StreamMovies")
            films, version = [app.served[movie_id] for movie_id in sorted(app.served)], app.version
            for start in range(0, len(films), _STREAMED):
                yield streamed(movies=films[start : start + _STREAMED], data_version=version)
                if app.between is not None:
                    await app.between()

    return Servicer()


async def read_whole(films: Films) -> None:
    """Waits until a copy of the films has read everything and follows, so that it answers by itself from then on."""
    async with asyncio.timeout(30):
        while True:
            with contextlib.suppress(CineError):
                await films.probe()
                return
            await asyncio.sleep(0.02)


@asynccontextmanager
async def catalogue(
    folder: Path, films: Iterable[Any] = (), *, port: int = 0
) -> AsyncIterator[tuple[CatalogueStandIn, str]]:
    """Serves a stand-in for the block; yields it and its address, for `peers={"catalog": [address]}`.

    Args:
        folder: an empty folder, or one used before: its store, and the keys of the mesh, are in it.
        films: what it serves at first, made by `film`; the feed does not tell of them.
        port: port to listen on; any free one when 0.
    """
    settings = settings_for(CatalogueSettings, folder)
    settings.service_dir.mkdir(parents=True, exist_ok=True)
    app = CatalogueStandIn(settings, films)
    server = Server(app)
    await server.bind(port or free_port(), None)
    try:
        await server.start()
        yield app, f"127.0.0.1:{server.port}"
    finally:
        await server.stop()
