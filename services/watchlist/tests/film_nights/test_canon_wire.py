"""CanonService over the wire: what the catalogue has, what it lacks, what one has seen."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from google.protobuf.any_pb2 import Any as Packed

from cine.common.v1 import feed_pb2
from cine.ratings.v1.events_pb2 import RatingChanged
from cine.watchlist.v1 import canon_pb2 as pb
from cine_watchlist.canon import canon_lists
from cine_watchlist.flows.canon import Canon
from cine_watchlist.flows.seen_films import apply
from cinemesh.errors import Code, Reason
from cinemesh.stamps import stamp
from cinemesh.testing.catalogue import film

from .conftest import ADA, BEN, MovableClock
from .wire import Mesh, mesh_of, refused

FILMS = (
    film(1, "Marty", year=1955),
    film(2, "The Third Man", year=1949),
    film(3, "Viridiana", year=1962),  # a year beside
    film(4, "Parasite", year=2019),
    film(5, "Parasite", year=1982),
    film(6, "Alien", year=1979),
    film(7, "The Unvanquished", year=1957),  # Aparajito
    film(8, "Taxi", year=2015),
    film(134680, "Taxi", year=2015),
)
PALME = next(one for one in canon_lists() if one.canon_id == "palme-dor")


@pytest.fixture
async def mesh(tmp_path: Path, clock: MovableClock) -> AsyncIterator[Mesh]:
    async with mesh_of(tmp_path, clock, FILMS) as made:
        yield made


async def rate(mesh: Mesh, user_id: str, *movie_ids: int) -> None:
    def event(movie_id: int) -> feed_pb2.Event:
        fact = RatingChanged(rating_id=f"{user_id}{movie_id}", user_id=user_id, movie_id=movie_id)
        packed = Packed()
        packed.Pack(fact)
        time = stamp(mesh.app.clock())
        return feed_pb2.Event(id=fact.rating_id, type=fact.DESCRIPTOR.full_name, time=time, data=packed)

    await mesh.app.database.write(lambda tx: apply(tx, [event(movie_id) for movie_id in movie_ids]))


async def get(mesh: Mesh, user_id: str = "", **fields: Any) -> Any:
    request = pb.GetCanonListRequest(**{"canon_id": "palme-dor", "page_size": 100, **fields})
    return await mesh.canon.GetCanonList(request, metadata=mesh.by(user_id) if user_id else ())


async def test_a_list_shows_what_is_there_what_is_lacking_and_what_one_has_seen(mesh: Mesh) -> None:
    await rate(mesh, ADA, 1, 3, 5, 6)
    answer = await get(mesh, ADA)
    assert (answer.name, answer.item_count, answer.absent_count, answer.seen_count) == ("Palme d'Or", 4, 81, 2)
    assert [item.position for item in answer.items] == list(range(1, len(PALME.entries) + 1))
    there = {item.title: item for item in answer.items if item.movie_id}
    assert {title: item.movie_id for title, item in there.items()} == {
        "The Third Man": 2,
        "Marty": 1,
        "Viridiana": 3,
        "Parasite": 4,
    }
    assert {title for title, item in there.items() if item.seen} == {"Marty", "Viridiana"}
    assert there["Viridiana"].movie.title == "Viridiana" and there["Viridiana"].note == "1961"
    lacking = next(item for item in answer.items if item.title == "Pulp Fiction")
    assert (lacking.movie_id, lacking.seen, lacking.HasField("movie"), lacking.year) == (0, False, False, 1994)


async def test_every_list_counts_for_each_caller(mesh: Mesh) -> None:
    await rate(mesh, ADA, 1, 7)
    for user_id, seen in ((ADA, {"best-picture": 1, "palme-dor": 1, "golden-lion": 1}), (BEN, {}), ("", {})):
        metadata = mesh.by(user_id) if user_id else ()
        answer = await mesh.canon.ListCanonLists(pb.ListCanonListsRequest(), metadata=metadata)
        assert [one.canon_id for one in answer.lists] == [one.canon_id for one in canon_lists()]
        assert {one.canon_id: one.seen_count for one in answer.lists if one.seen_count} == seen
        sizes = {one.canon_id: one.item_count + one.absent_count for one in answer.lists}
        assert sizes == {one.canon_id: len(one.entries) for one in canon_lists()}
    service = mesh.tokens.metadata(mesh.tokens.service(ADA))
    answer = await mesh.canon.ListCanonLists(pb.ListCanonListsRequest(), metadata=service)
    assert not any(one.seen_count for one in answer.lists)  # a service has seen nothing, whatever its name


async def test_of_two_films_of_one_name_and_year_the_one_that_is_meant(mesh: Mesh) -> None:
    answer = await get(mesh, canon_id="golden-bear")
    assert {item.movie_id for item in answer.items if item.title == "Taxi"} == {134680}


async def test_pages_hold_every_film_once(mesh: Mesh) -> None:
    titles: list[str] = []
    token = ""
    while True:
        page = await get(mesh, ADA, page_size=30, page_token=token)
        titles += [item.title for item in page.items]
        token = page.next_page_token
        if not token:
            break
    assert titles == [entry.title for entry in PALME.entries]
    failure = await refused(
        get(mesh, canon_id="golden-bear", page_token=(await get(mesh, page_size=1)).next_page_token)
    )
    assert failure.reason is Reason.INVALID_PAGE_TOKEN


async def test_a_film_that_comes_or_goes_is_noticed(mesh: Mesh) -> None:
    canon = Canon(mesh.app.database, mesh.app.films, canon_lists(), fresh_seconds=0.0)

    async def present() -> int:
        return next(one.present for one in await canon.standings("") if one.canon.canon_id == "palme-dor")

    assert await present() == 4
    await mesh.catalogue.put(film(9, "Pulp Fiction", year=1994))

    async def came() -> bool:
        return await present() == 5

    await mesh.until(came)
    await mesh.catalogue.remove(1, 9)

    async def went() -> bool:
        return await present() == 3

    await mesh.until(went)


async def test_there_is_no_such_list(mesh: Mesh) -> None:
    assert (await refused(get(mesh, canon_id="top-250"))).code is Code.NOT_FOUND
