"""What callers of CatalogService see, over a real server."""

from __future__ import annotations

import asyncio
import dataclasses

import grpc
import pytest
from google.rpc import error_details_pb2, status_pb2

from cine.catalog.v1 import catalog_pb2 as pb
from cine.catalog.v1 import events_pb2
from cine.common.v1 import feed_pb2, feed_pb2_grpc
from cinemesh.testing import Running, TokenFactory

from .conftest import SMALL, write_catalogue


def titles(answer) -> list[str]:
    return [movie.title for movie in answer.movies]


def details_of(error: grpc.aio.AioRpcError) -> tuple[str, list[str]]:
    status = status_pb2.Status.FromString(error.trailing_metadata()["grpc-status-details-bin"])
    info, bad = error_details_pb2.ErrorInfo(), error_details_pb2.BadRequest()
    for detail in status.details:
        detail.Unpack(info) or detail.Unpack(bad)
    return info.reason, [violation.field for violation in bad.field_violations]


@pytest.mark.parametrize(
    ("query", "first"),
    [
        ("matrix", "The Matrix"),
        ("matrxi", "The Matrix"),
        ("the matrix reloaded", "The Matrix Reloaded"),
        ("matrix 2003", "The Matrix Reloaded"),
        ("spiderman", "Spider-Man"),
        ("spider man", "Spider-Man"),
        ("amelie", "Amélie"),
        ("fabuleux destin", "Amélie"),
        ("se7en", "Seven"),
        ("rocky 2", "Rocky II"),
        ("keanu reeves action", "The Matrix"),
        ("fincher", "Seven"),
        ("tautuo", "Amélie"),
        ("shy waitress paris", "Amélie"),
        ("a film where a hacker learns that everything he knows is a simulation run by machines", "The Matrix"),
    ],
)
async def test_search_finds_what_people_type(stub, query: str, first: str) -> None:
    answer = await stub.SearchMovies(pb.SearchMoviesRequest(query=query))
    assert titles(answer)[:1] == [first]


async def test_exact_match_is_not_called_fuzzy_and_a_repaired_one_is(stub) -> None:
    assert not (await stub.SearchMovies(pb.SearchMoviesRequest(query="matrix"))).fuzzy
    assert (await stub.SearchMovies(pb.SearchMoviesRequest(query="matrxi"))).fuzzy


async def test_search_without_match_is_empty_not_an_error(stub) -> None:
    answer = await stub.SearchMovies(pb.SearchMoviesRequest(query="qqqqzzzz"))
    assert titles(answer) == [] and answer.total_size == 0 and answer.next_page_token == ""


async def test_filters_that_leave_nothing_are_not_answered_with_other_films(stub) -> None:
    answer = await stub.SearchMovies(pb.SearchMoviesRequest(query="matrix", year_min=2010))
    assert titles(answer) == [] and not answer.fuzzy


async def test_browse_lists_by_popularity(stub) -> None:
    answer = await stub.SearchMovies(pb.SearchMoviesRequest())
    assert titles(answer)[:3] == ["The Matrix", "Seven", "Amélie"]
    assert answer.total_size == len(SMALL)


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ({"genre": ["science fiction"]}, {"The Matrix", "The Matrix Reloaded"}),
        ({"genre": ["sci-fi", "action"], "year_max": 2000}, {"The Matrix"}),
        ({"year_min": 2001, "year_max": 2002}, {"Amélie", "Spider-Man"}),
        ({"service": ["disney plus"]}, {"Spider-Man"}),
        ({"service": ["netflix", "disney+"]}, {"The Matrix", "Spider-Man"}),
        ({"cast": "keanu reves"}, {"The Matrix", "The Matrix Reloaded"}),
        ({"director": "Wachowski"}, {"The Matrix"}),
        ({"keyword": "artificial intelligence"}, {"The Matrix"}),
        ({"rating_min": 4.15}, {"The Matrix", "A Perfect Stranger"}),
        ({"runtime_max": 121}, {"Spider-Man"}),
        ({"query": "matrix", "year_min": 2000}, {"The Matrix Reloaded"}),
    ],
)
async def test_filters_narrow(stub, filters: dict, expected: set[str]) -> None:
    answer = await stub.SearchMovies(pb.SearchMoviesRequest(**filters))
    assert set(titles(answer)) == expected
    assert answer.total_size == len(expected)


@pytest.mark.parametrize(
    ("order", "first"),
    [
        ("newest", "The Matrix Reloaded"),
        ("oldest", "Rocky II"),
        ("title", "A Perfect Stranger"),
        ("rating", "The Matrix"),
    ],
)
async def test_orders(stub, order: str, first: str) -> None:
    answer = await stub.SearchMovies(pb.SearchMoviesRequest(order_by=order))
    assert titles(answer)[0] == first


async def test_facets_count_all_matches_not_the_page(stub) -> None:
    answer = await stub.SearchMovies(pb.SearchMoviesRequest(query="matrix", facets=True, page_size=1))
    facets = {facet.name: {value.value: value.count for value in facet.values} for facet in answer.facets}
    assert facets["genre"] == {"Action": 2, "Sci-Fi": 2}
    assert facets["decade"] == {"1990": 1, "2000": 1}
    assert facets["service"] == {"Netflix": 1}


async def test_pages_cover_everything_once(stub) -> None:
    seen: list[int] = []
    request = pb.SearchMoviesRequest(page_size=3)
    while True:
        answer = await stub.SearchMovies(request)
        seen += [movie.movie_id for movie in answer.movies]
        if not answer.next_page_token:
            break
        request.page_token = answer.next_page_token
    assert sorted(seen) == sorted(film.movie_id for film in SMALL)


@pytest.mark.parametrize(
    ("request_", "reason", "field"),
    [
        (pb.SearchMoviesRequest(genre=["action", "no such genre"]), "UNKNOWN_GENRE", "genre[1]"),
        (pb.SearchMoviesRequest(service=["no such service"]), "UNKNOWN_STREAMING_SERVICE", "service[0]"),
        (pb.SearchMoviesRequest(page_size=-1), "INVALID_FIELD", "page_size"),
        (pb.SearchMoviesRequest(page_token="not-ours"), "INVALID_PAGE_TOKEN", "page_token"),
        (pb.SearchMoviesRequest(order_by="sideways"), "INVALID_FIELD", "order_by"),
        (pb.SearchMoviesRequest(year_min=2000, year_max=1990), "INVALID_FIELD", "year_max"),
    ],
)
async def test_bad_input_names_the_field(stub, request_, reason: str, field: str) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await stub.SearchMovies(request_)
    assert caught.value.code() == grpc.StatusCode.INVALID_ARGUMENT
    assert details_of(caught.value) == (reason, [field])


async def test_token_of_another_query_is_refused(stub) -> None:
    token = (await stub.SearchMovies(pb.SearchMoviesRequest(page_size=2))).next_page_token
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await stub.SearchMovies(pb.SearchMoviesRequest(query="matrix", page_size=2, page_token=token))
    assert details_of(caught.value)[0] == "INVALID_PAGE_TOKEN"


async def test_unknown_genre_lists_the_accepted_and_the_nearest(stub) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await stub.SearchMovies(pb.SearchMoviesRequest(genre=["comdy"]))
    assert "Did you mean Comedy?" in caught.value.details()
    assert "Action, Comedy, Crime" in caught.value.details()


async def test_top_rated_is_damped(stub) -> None:
    answer = await stub.ListTopRatedMovies(pb.ListTopRatedMoviesRequest())
    assert titles(answer)[0] == "The Matrix"  # not the film with one perfect vote


async def test_trending_prefers_growth_over_size(stub) -> None:
    answer = await stub.ListTrendingMovies(pb.ListTrendingMoviesRequest())
    assert titles(answer)[0] == "Amélie"
    assert "A Perfect Stranger" not in titles(answer)


async def test_popular_by_genre_pages(stub) -> None:
    first = await stub.ListPopularMovies(pb.ListPopularMoviesRequest(genre="scifi", page_size=1))
    assert titles(first) == ["The Matrix"] and first.total_size == 2
    second = await stub.ListPopularMovies(
        pb.ListPopularMoviesRequest(genre="scifi", page_size=1, page_token=first.next_page_token)
    )
    assert titles(second) == ["The Matrix Reloaded"] and not second.next_page_token


async def test_movie_in_full_and_unknown_movie(stub) -> None:
    movie = await stub.GetMovie(pb.GetMovieRequest(movie_id=3))
    assert (
        movie.title == "Amélie"
        and list(movie.alternative_titles) == ["Le Fabuleux Destin d'Amélie Poulain"]
        and movie.etag
    )
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await stub.GetMovie(pb.GetMovieRequest(movie_id=424242))
    assert caught.value.code() == grpc.StatusCode.NOT_FOUND
    assert details_of(caught.value)[0] == "MOVIE_NOT_FOUND"


async def test_batch_keeps_order_and_lists_missing(stub) -> None:
    answer = await stub.BatchGetMovies(pb.BatchGetMoviesRequest(movie_ids=[7, 99, 1]))
    assert titles(answer) == ["Seven", "The Matrix"] and list(answer.missing_movie_ids) == [99]


async def test_vocabularies(stub) -> None:
    genres = await stub.ListGenres(pb.ListGenresRequest())
    assert (genres.genres[0].value, genres.genres[0].count) == ("Action", 3)
    services = await stub.ListStreamingServices(pb.ListStreamingServicesRequest())
    assert {service.value for service in services.services} == {"Netflix", "Disney+"} and services.source == "justwatch"


async def test_new_data_is_taken_over_and_told(catalog: Running, stub, settings) -> None:
    tokens = TokenFactory(settings)
    service = (("authorization", f"Bearer {tokens.service()}"),)
    feed = catalog.stub(feed_pb2_grpc.FeedServiceStub)
    before = [e.event async for e in feed.WatchEvents(feed_pb2.WatchEventsRequest(once=True), metadata=service)]
    changed = tuple(
        dataclasses.replace(film, title="Matrix, Renamed") if film.movie_id == 1 else film for film in SMALL[:-1]
    )
    write_catalogue(settings.merged_csv, changed)
    async with asyncio.timeout(10):
        while (await stub.GetMovie(pb.GetMovieRequest(movie_id=1))).title != "Matrix, Renamed":  # noqa: ASYNC110
            await asyncio.sleep(0.05)
    request = feed_pb2.WatchEventsRequest(once=True, after=before[-1].cursor)
    news = [e.event async for e in feed.WatchEvents(request, metadata=service)]
    assert {event.subject for event in news} == {"movies/1", "movies/8"}
    told = events_pb2.MovieChanged()
    assert next(e for e in news if e.subject == "movies/1").data.Unpack(told) and not told.added
    assert told.etag == (await stub.GetMovie(pb.GetMovieRequest(movie_id=1))).etag
    with pytest.raises(grpc.aio.AioRpcError):
        await stub.GetMovie(pb.GetMovieRequest(movie_id=8))


async def test_half_written_data_is_refused_and_the_old_serves(catalog: Running, stub, settings) -> None:
    tokens = TokenFactory(settings)
    settings.merged_csv.write_bytes(settings.merged_csv.read_bytes()[:-40])
    manifest = settings.merged_csv.with_suffix(".manifest.json")
    manifest.write_text(manifest.read_text().replace('"sha256": "', '"sha256": "0')[:-1])
    metadata = (("authorization", f"Bearer {tokens.admin()}"),)
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await stub.ImportMovies(pb.ImportMoviesRequest(), metadata=metadata)
    assert caught.value.code() == grpc.StatusCode.DATA_LOSS
    assert str(settings.merged_csv) not in caught.value.details()
    assert (await stub.SearchMovies(pb.SearchMoviesRequest())).total_size == len(SMALL)


async def test_import_is_for_admins(stub) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await stub.ImportMovies(pb.ImportMoviesRequest())
    assert caught.value.code() == grpc.StatusCode.UNAUTHENTICATED


async def test_stream_gives_everything_in_order(catalog: Running, stub, settings) -> None:
    tokens = TokenFactory(settings)
    metadata = (("authorization", f"Bearer {tokens.service()}"),)
    call = stub.StreamMovies(pb.StreamMoviesRequest(after_movie_id=2), metadata=metadata)
    batches = [batch async for batch in call]
    assert [movie.movie_id for batch in batches for movie in batch.movies] == [3, 4, 5, 6, 7, 8]
    assert {batch.data_version for batch in batches} == {catalog.app.catalogue.current.data_version} != {""}
