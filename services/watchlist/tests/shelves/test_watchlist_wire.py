"""WatchlistService over the wire."""

from __future__ import annotations

import asyncio
import datetime as dt
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.protobuf.any_pb2 import Any as Packed
from google.protobuf.field_mask_pb2 import FieldMask

from cine.common.v1 import feed_pb2, feed_pb2_grpc
from cine.ratings.v1.events_pb2 import RatingChanged
from cine.watchlist.v1 import events_pb2, watchlist_pb2_grpc
from cine.watchlist.v1 import watchlist_pb2 as pb
from cine_watchlist.flows.seen_films import apply
from cine_watchlist.store import Transaction, schema
from cinemesh.errors import Code, Reason
from cinemesh.rpc_status import failure_of
from cinemesh.stamps import stamp
from cinemesh.testing.catalogue import film
from cinemesh.testing.seeds import seed_films

from .conftest import ADA, BEN, FILMS, MovableClock
from .wire import Calls, Mesh, mesh_of, refused


@pytest.fixture
async def mesh(tmp_path: Path, clock: MovableClock) -> AsyncIterator[Mesh]:
    async with mesh_of(tmp_path, clock, FILMS) as made:
        yield made


@pytest.fixture
def ada(mesh: Mesh) -> Calls:
    return Calls(mesh, ADA)


def names(answer: Any) -> list[str]:
    return [item.movie.title for item in answer.items]


async def test_a_film_is_added_shown_changed_and_taken_off(mesh: Mesh, ada: Calls) -> None:
    added = await ada.AddItem(pb.AddItemRequest(movie_id=1, notes="with Ben"))
    assert (added.movie_id, added.priority, added.watched, added.position) == (1, 5, False, 1)
    assert (added.movie.title, added.notes) == ("Alien", "with Ben") and not added.HasField("watched_at")
    assert added.created_at == added.updated_at == stamp(mesh.app.clock())
    got = await ada.GetItem(pb.GetItemRequest(item_id=added.item_id))
    assert got.SerializeToString() == added.SerializeToString()
    changed = await ada.UpdateItem(pb.UpdateItemRequest(item_id=added.item_id, priority=9, etag=added.etag))
    assert (changed.priority, changed.notes) == (9, "with Ben") and changed.etag != added.etag
    stale = pb.UpdateItemRequest(item_id=added.item_id, priority=1, etag=added.etag)
    failure = await refused(ada.UpdateItem(stale))
    assert (failure.code, failure.reason) == (Code.ABORTED, Reason.ETAG_MISMATCH)
    mask = FieldMask(paths=["notes", "priority"])
    emptied = await ada.UpdateItem(pb.UpdateItemRequest(item_id=added.item_id, update_mask=mask))
    assert (emptied.priority, emptied.notes) == (5, "")
    assert await ada.RemoveItem(pb.RemoveItemRequest(item_id=added.item_id)) == pb.RemoveItemResponse()
    failure = await refused(ada.GetItem(pb.GetItemRequest(item_id=added.item_id)))
    assert (failure.code, failure.reason) == (Code.NOT_FOUND, Reason.NOT_FOUND)


async def test_watched_and_when(mesh: Mesh, ada: Calls) -> None:
    before = mesh.app.clock() - dt.timedelta(days=2)
    one = await ada.AddItem(pb.AddItemRequest(movie_id=1))
    marked = await ada.MarkWatched(pb.MarkWatchedRequest(item_id=one.item_id, watched_at=stamp(before)))
    assert marked.watched and marked.watched_at == stamp(before) and marked.offer_rating
    mask = FieldMask(paths=["watched", "watched_at"])
    undone = await ada.UpdateItem(pb.UpdateItemRequest(item_id=one.item_id, update_mask=mask))
    assert not undone.watched and not undone.HasField("watched_at")
    wrong = pb.UpdateItemRequest(item_id=one.item_id, watched=False, watched_at=stamp(before))
    assert (await refused(ada.UpdateItem(wrong))).code is Code.INVALID_ARGUMENT
    future = stamp(dt.datetime.now(dt.UTC) + dt.timedelta(hours=1))
    for call in (
        ada.MarkWatched(pb.MarkWatchedRequest(item_id=one.item_id, watched_at=future)),
        ada.UpdateItem(pb.UpdateItemRequest(item_id=one.item_id, watched_at=future)),
        ada.UpdateItem(pb.UpdateItemRequest(item_id=one.item_id)),
        ada.UpdateItem(pb.UpdateItemRequest(item_id=one.item_id, priority=11)),
        ada.AddItem(pb.AddItemRequest(movie_id=0)),
        ada.AddItem(pb.AddItemRequest(movie_id=2, notes="x" * 2001)),
        ada.MoveItem(pb.MoveItemRequest(item_id=one.item_id, after_item_id=one.item_id)),
    ):
        failure = await refused(call)
        assert (failure.code, failure.reason) == (Code.INVALID_ARGUMENT, Reason.INVALID_FIELD)


async def test_a_rating_is_offered_to_those_who_have_given_none(mesh: Mesh, ada: Calls) -> None:
    fact = RatingChanged(rating_id="r1", user_id=ADA, movie_id=1)
    packed = Packed()
    packed.Pack(fact)
    event = feed_pb2.Event(id="r1", type=fact.DESCRIPTOR.full_name, time=stamp(mesh.app.clock()), data=packed)
    await mesh.app.database.write(lambda tx: apply(tx, [event]))
    for movie_id, offered in ((1, False), (2, True)):
        item = await ada.AddItem(pb.AddItemRequest(movie_id=movie_id))
        marked = await ada.MarkWatched(pb.MarkWatchedRequest(item_id=item.item_id))
        assert marked.watched and marked.offer_rating == offered


async def test_films_are_looked_for_in_the_catalogue(mesh: Mesh, ada: Calls) -> None:
    failure = await refused(ada.AddItem(pb.AddItemRequest(movie_id=77)))
    assert (failure.code, failure.reason) == (Code.NOT_FOUND, Reason.MOVIE_NOT_FOUND)
    assert failure.violations[0][0] == "movie_id"
    await mesh.catalogue.put(film(77, "Solaris", year=1972))

    async def known() -> bool:
        try:
            await ada.AddItem(pb.AddItemRequest(movie_id=77))
        except grpc.aio.AioRpcError:
            return False
        return True

    await mesh.until(known)
    await mesh.catalogue.remove(77)

    ben = Calls(mesh, BEN)

    async def gone() -> bool:
        try:
            item = await ben.AddItem(pb.AddItemRequest(movie_id=77))
        except grpc.aio.AioRpcError as failure:
            return failure_of(failure).reason is Reason.MOVIE_NOT_FOUND
        await ben.RemoveItem(pb.RemoveItemRequest(item_id=item.item_id))
        return False

    await mesh.until(gone)
    assert names(await ada.ListItems(pb.ListItemsRequest())) == ["Solaris"]  # what is on a list goes on being shown


async def test_one_request_id_has_one_effect(mesh: Mesh, ada: Calls) -> None:
    request = pb.AddItemRequest(movie_id=1, request_id="a-1")
    answers = await asyncio.gather(*(ada.AddItem(request) for _ in range(10)))
    assert len({answer.SerializeToString() for answer in answers}) == 1
    failure = await refused(ada.AddItem(pb.AddItemRequest(movie_id=2, request_id="a-1")))
    assert (failure.code, failure.reason) == (Code.INVALID_ARGUMENT, Reason.REQUEST_ID_REUSED)
    failure = await refused(ada.AddItem(pb.AddItemRequest(movie_id=1)))
    assert (failure.code, failure.reason) == (Code.ALREADY_EXISTS, Reason.ALREADY_EXISTS)
    assert failure.metadata["item_id"] == answers[0].item_id
    await Calls(mesh, BEN).AddItem(request)  # of another person it is another id
    assert (await ada.ListItems(pb.ListItemsRequest())).total_size == 1


async def test_pages_orders_and_filters(mesh: Mesh, ada: Calls) -> None:
    for movie_id in (1, 2, 3, 4, 5):
        await ada.AddItem(pb.AddItemRequest(movie_id=movie_id, priority=movie_id))
        mesh.app.clock.forward(minutes=1)
    found, token = [], ""
    while True:
        answer = await ada.ListItems(pb.ListItemsRequest(order_by="title", page_size=2, page_token=token))
        assert answer.total_size == 5
        found += names(answer)
        if not (token := answer.next_page_token):
            break
    assert found == ["Alien", "Brazil", "Casablanca", "The Duck Soup", "Marty"]
    assert names(await ada.ListItems(pb.ListItemsRequest(genre="scifi"))) == ["Brazil", "Alien"]
    assert names(await ada.ListItems(pb.ListItemsRequest(service="disney plus"))) == ["Alien"]
    assert names(await ada.ListItems(pb.ListItemsRequest(runtime_max=110))) == ["The Duck Soup", "Casablanca"]
    assert names(await ada.ListItems(pb.ListItemsRequest(movie_id=5))) == ["Marty"]
    one = (await ada.ListItems(pb.ListItemsRequest(movie_id=3))).items[0]
    await ada.MarkWatched(pb.MarkWatchedRequest(item_id=one.item_id))
    assert names(await ada.ListItems(pb.ListItemsRequest(watched=True))) == ["Casablanca"]
    assert (await ada.ListItems(pb.ListItemsRequest(watched=False))).total_size == 4
    first = await ada.ListItems(pb.ListItemsRequest(page_size=1))
    for wrong, reason in (
        (pb.ListItemsRequest(genre="vegetable"), Reason.UNKNOWN_GENRE),
        (pb.ListItemsRequest(service="vegetable"), Reason.UNKNOWN_STREAMING_SERVICE),
        (pb.ListItemsRequest(order_by="vegetable"), Reason.INVALID_FIELD),
        (pb.ListItemsRequest(page_token="vegetable"), Reason.INVALID_PAGE_TOKEN),
        (pb.ListItemsRequest(order_by="year", page_token=first.next_page_token), Reason.INVALID_PAGE_TOKEN),
    ):
        failure = await refused(ada.ListItems(wrong))
        assert (failure.code, failure.reason) == (Code.INVALID_ARGUMENT, reason)


async def test_page_tokens_have_room_for_any_title(mesh: Mesh, ada: Calls) -> None:
    long = ["\U0001f3ac" * 400, "\u5f20" * 400, "x" * 400]
    await mesh.app.database.write(lambda tx: seed(tx, long))
    for number in range(len(long)):
        await ada.AddItem(pb.AddItemRequest(movie_id=900 + number))
    token, found = "", 0
    while True:
        answer = await ada.ListItems(pb.ListItemsRequest(order_by="title", page_size=1, page_token=token))
        found += len(answer.items)
        if not (token := answer.next_page_token):
            break
    assert found == 3


def seed(tx: Transaction, titles: list[str]) -> None:
    seed_films(tx, schema.films, [film(900 + number, title) for number, title in enumerate(titles)])


async def test_an_item_moves(ada: Calls) -> None:
    ids = {movie_id: (await ada.AddItem(pb.AddItemRequest(movie_id=movie_id))).item_id for movie_id in (3, 2, 1)}
    moved = await ada.MoveItem(pb.MoveItemRequest(item_id=ids[1], after_item_id=ids[2]))
    assert moved.position == 2
    assert names(await ada.ListItems(pb.ListItemsRequest())) == ["Brazil", "Alien", "Casablanca"]
    moved = await ada.MoveItem(pb.MoveItemRequest(item_id=ids[3]))
    assert moved.position == 1
    failure = await refused(ada.MoveItem(pb.MoveItemRequest(item_id=ids[3], after_item_id="nothing")))
    assert failure.code is Code.NOT_FOUND and failure.violations[0][0] == "after_item_id"


async def test_the_export_is_a_file(ada: Calls) -> None:
    for movie_id in range(1, 6):
        await ada.AddItem(pb.AddItemRequest(movie_id=movie_id))
    for kind, content_type in (("", "application/json"), ("csv", "text/csv"), ("letterboxd", "text/csv")):
        pieces = [piece async for piece in ada.ExportWatchlist(pb.ExportWatchlistRequest(format=kind))]
        assert {piece.file.content_type for piece in pieces} == {content_type}
        text = b"".join(piece.file.data for piece in pieces).decode()
        if not kind:
            assert len(json.loads(text)["watchlist"]) == 5
        else:
            assert len(text.splitlines()) == 6


async def test_imports_come_from_services_alone(mesh: Mesh, ada: Calls) -> None:
    items = [pb.ImportedItem(row_number=1, movie_id=1), pb.ImportedItem(row_number=2, movie_id=2, list_name="Rain")]
    request = pb.ApplyImportRequest(user_id=ADA, import_id="i1", items=items)
    undo = pb.RollbackImportRequest(user_id=ADA, import_id="i1")
    for call in (ada.ApplyImport(request), ada.RollbackImport(undo)):
        assert (await refused(call)).code is Code.PERMISSION_DENIED
    ratings = mesh.tokens.metadata(mesh.tokens.service("ratings"))
    kept = mesh.running.stub(watchlist_pb2_grpc.WatchlistServiceStub)
    for _ in range(2):
        assert await kept.ApplyImport(request, metadata=ratings) == pb.ApplyImportResponse(added=2)
    assert names(await ada.ListItems(pb.ListItemsRequest())) == ["Alien"]
    for _ in range(2):
        assert await kept.RollbackImport(undo, metadata=ratings) == pb.RollbackImportResponse(removed=2)
    assert (await ada.ListItems(pb.ListItemsRequest())).total_size == 0
    for wrong in (
        pb.ApplyImportRequest(user_id="\x00", import_id="i1", items=items),
        pb.ApplyImportRequest(user_id=ADA, import_id="\x00", items=items),
        pb.ApplyImportRequest(user_id=ADA, import_id="i1"),
    ):
        assert (await refused(kept.ApplyImport(wrong, metadata=ratings))).code is Code.INVALID_ARGUMENT


async def test_what_happens_is_on_the_feed(mesh: Mesh, ada: Calls) -> None:
    item = await ada.AddItem(pb.AddItemRequest(movie_id=1))
    await ada.RemoveItem(pb.RemoveItemRequest(item_id=item.item_id))
    metadata = mesh.tokens.metadata(mesh.tokens.service())
    watching = mesh.running.stub(feed_pb2_grpc.FeedServiceStub).WatchEvents(
        feed_pb2.WatchEventsRequest(once=True), metadata=metadata
    )
    events = [answer.event async for answer in watching]
    assert [event.type.rpartition(".")[2] for event in events] == ["WatchlistItemChanged", "WatchlistItemRemoved"]
    fact = events_pb2.WatchlistItemChanged()
    assert events[0].data.Unpack(fact) and (fact.user_id, fact.movie_id, fact.added) == (ADA, 1, True)
    assert events[0].subject == f"users/{ADA}/watchlist/1"


async def test_who_leaves_is_forgotten(mesh: Mesh, ada: Calls) -> None:
    await ada.AddItem(pb.AddItemRequest(movie_id=1, request_id="a-1"))
    await mesh.identity.delete_account(ADA)

    async def forgotten() -> bool:
        return (await ada.ListItems(pb.ListItemsRequest())).total_size == 0

    await mesh.until(forgotten)
    failure = await refused(ada.AddItem(pb.AddItemRequest(movie_id=1, request_id="a-1")))
    assert (failure.code, failure.reason) == (Code.UNAUTHENTICATED, Reason.TOKEN_REVOKED)


async def test_a_service_reads_whole_what_everybody_watched(
    mesh: Mesh, ada: Calls, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cine_watchlist.servicer.watchlist._STREAMED", 2)
    watched = []
    for calls, movie_id in ((ada, 1), (Calls(mesh, BEN), 1), (ada, 2), (ada, 3)):
        item = await calls.AddItem(pb.AddItemRequest(movie_id=movie_id))
        if movie_id != 2:  # which is only wanted
            marked = await calls.MarkWatched(pb.MarkWatchedRequest(item_id=item.item_id))
            watched.append((item.item_id, ADA if calls is ada else BEN, movie_id, marked.watched_at))
    stub: Any = mesh.running.stub(watchlist_pb2_grpc.WatchlistServiceStub)
    service = mesh.tokens.metadata(mesh.tokens.service())

    async def read(after: str = "") -> list[Any]:
        request = pb.StreamWatchedItemsRequest(after_item_id=after)
        answers = [one async for one in stub.StreamWatchedItems(request, metadata=service)]
        return [(one.item_id, one.user_id, one.movie_id, one.watched_at) for part in answers for one in part.items]

    expected = sorted(watched, key=lambda one: one[0])
    assert await read() == expected
    assert await read(expected[0][0]) == expected[1:]
    failure = await refused(_first(stub.StreamWatchedItems(pb.StreamWatchedItemsRequest(), metadata=mesh.by(ADA))))
    assert failure.code is Code.PERMISSION_DENIED


async def _first(answers: Any) -> Any:
    return await answers.read()
