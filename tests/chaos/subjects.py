"""What histories are made of: ratings and watchlists, seen as stores of one thing a person and film, call by call."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Protocol

import grpc

from cine.ratings.v1 import ratings_pb2, ratings_pb2_grpc
from cine.watchlist.v1 import watchlist_pb2, watchlist_pb2_grpc
from cinemesh.rpc_status import failure_of

_DEADLINE = 5.0
Answer = Any
Note = Callable[[str, Any, Awaitable[Answer]], Awaitable[Answer]]
"""Awaits the answer of one call, and notes it: what kind of call, what was sent, the answer. See `models` for the kinds."""


class Subject(Protocol):
    """One service, in the name of one person. Each method makes one or more calls and has each of them noted."""

    async def write(self, film: int, value: float, note: Note) -> None:
        """Creates or changes."""
        ...

    async def read(self, film: int, note: Note) -> None:
        """Looks."""
        ...

    async def delete(self, id_: str, note: Note) -> None:
        """Deletes what has an id."""
        ...

    def values(self) -> list[float]:
        """Returns what may be written."""
        ...


class Ratings:
    """Ratings, through the ratings service."""

    def __init__(self, channel: grpc.aio.Channel, token: str) -> None:
        self._stub: Any = ratings_pb2_grpc.RatingsServiceStub(channel)
        self._with: Any = {"metadata": [("authorization", f"Bearer {token}")], "timeout": _DEADLINE}

    async def write(self, film: int, value: float, note: Note) -> None:
        """Rates."""
        await note("write", value, self._rate(film, value))

    async def read(self, film: int, note: Note) -> None:
        """Reads the rating."""
        await note("read", None, self._read(film))

    async def delete(self, id_: str, note: Note) -> None:
        """Takes the rating back."""
        await note("delete", id_, self._delete(id_))

    async def _rate(self, film: int, value: float) -> Answer:
        answer = await self._stub.RateMovie(ratings_pb2.RateMovieRequest(movie_id=film, overall=value), **self._with)
        return answer.rating_id, answer.overall

    async def _read(self, film: int) -> Answer:
        try:
            answer = await self._stub.GetMyRating(ratings_pb2.GetMyRatingRequest(movie_id=film), **self._with)
        except grpc.aio.AioRpcError as fault:
            return _absent(fault)
        return answer.rating_id, answer.overall

    async def _delete(self, id_: str) -> Answer:
        try:
            await self._stub.DeleteRating(ratings_pb2.DeleteRatingRequest(rating_id=id_), **self._with)
        except grpc.aio.AioRpcError as fault:
            return _absent(fault)
        return "deleted"

    def values(self) -> list[float]:
        """Half stars."""
        return [n / 2 for n in range(11)]


class Watchlist:
    """Films on a watchlist with their priority, through the watchlist service."""

    def __init__(self, channel: grpc.aio.Channel, token: str) -> None:
        self._stub: Any = watchlist_pb2_grpc.WatchlistServiceStub(channel)
        self._with: Any = {"metadata": [("authorization", f"Bearer {token}")], "timeout": _DEADLINE}

    async def write(self, film: int, value: float, note: Note) -> None:
        """Adds the film; where it is there already, changes the priority of the item that the refusal names."""
        id_, added = await note("add", value, self._add(film, value))
        if added is None:
            await note("change", (id_, value), self._change(id_, value))

    async def read(self, film: int, note: Note) -> None:
        """Looks for the film."""
        await note("read", None, self._read(film))

    async def delete(self, id_: str, note: Note) -> None:
        """Takes the item off."""
        await note("delete", id_, self._delete(id_))

    async def _add(self, film: int, value: float) -> Answer:
        request = watchlist_pb2.AddItemRequest(movie_id=film, priority=int(value))
        try:
            answer = await self._stub.AddItem(request, **self._with)
        except grpc.aio.AioRpcError as fault:
            if fault.code() is not grpc.StatusCode.ALREADY_EXISTS:
                raise
            return failure_of(fault).metadata.get("item_id", ""), None
        return answer.item_id, float(answer.priority)

    async def _change(self, id_: str, value: float) -> Answer:
        request = watchlist_pb2.UpdateItemRequest(item_id=id_, priority=int(value))
        try:
            answer = await self._stub.UpdateItem(request, **self._with)
        except grpc.aio.AioRpcError as fault:
            return _absent(fault)
        return answer.item_id, float(answer.priority)

    async def _read(self, film: int) -> Answer:
        answer = await self._stub.ListItems(watchlist_pb2.ListItemsRequest(movie_id=film), **self._with)
        if len(answer.items) > 1:
            return "twice", float(len(answer.items))  # no model allows it
        return (answer.items[0].item_id, float(answer.items[0].priority)) if answer.items else "absent"

    async def _delete(self, id_: str) -> Answer:
        try:
            await self._stub.RemoveItem(watchlist_pb2.RemoveItemRequest(item_id=id_), **self._with)
        except grpc.aio.AioRpcError as fault:
            return _absent(fault)
        return "deleted"

    def values(self) -> list[float]:
        """Priorities."""
        return [float(n) for n in range(1, 11)]


def _absent(fault: grpc.aio.AioRpcError) -> str:
    if fault.code() is grpc.StatusCode.NOT_FOUND:
        return "absent"
    raise fault


SUBJECTS: dict[str, Callable[[grpc.aio.Channel, str], Subject]] = {"ratings": Ratings, "watchlist": Watchlist}
