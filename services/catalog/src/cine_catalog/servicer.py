"""Turns CatalogService calls into questions to the catalogue, and its answers into messages."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from concurrent.futures import Executor
from typing import Any

import numpy as np

from cine.catalog.v1 import catalog_pb2, catalog_pb2_grpc
from cine_catalog.cards import details
from cine_catalog.catalogue import Catalogue
from cine_catalog.domain.film import Film
from cine_catalog.domain.rankings import Ranking
from cine_catalog.domain.search import Filters, Order, SearchAnswer, SearchQuery
from cine_catalog.generation import Generation
from cinemesh.errors import NotFound, Reason
from cinemesh.paging import PageTokens, page_size

_STREAM_BATCH = 500


class CatalogServicer(catalog_pb2_grpc.CatalogServiceServicer):
    """Answers from the current generation. Lists are serialized messages, joined from cards (see docs/adr/0007), hence `Any`.

    Args:
        catalogue: the films.
        tokens: makes and reads page tokens.
        executor: threads for searches that would hold up the event loop.
    """

    def __init__(self, catalogue: Catalogue, tokens: PageTokens, executor: Executor) -> None:
        self._catalogue = catalogue
        self._tokens = tokens
        self._executor = executor

    async def SearchMovies(self, request: catalog_pb2.SearchMoviesRequest, context: Any) -> Any:
        """Finds films by words and filters."""
        generation = self._catalogue.current
        offset = self._offset(request)
        query = _query(request, generation, offset)
        engine = generation.engine
        if engine.is_quick(query):
            answer = engine.search(query)
        else:
            answer = await asyncio.get_running_loop().run_in_executor(self._executor, engine.search, query)
        rest = catalog_pb2.SearchMoviesResponse(
            next_page_token=self._next(request, offset + len(answer.ordinals), answer.total),
            total_size=answer.total,
            facets=_facets(answer),
            fuzzy=answer.fuzzy,
        )
        return generation.cards.joined(answer.ordinals) + rest.SerializeToString()

    async def ListPopularMovies(self, request: catalog_pb2.ListPopularMoviesRequest, context: Any) -> Any:
        """Lists films by popularity."""
        return self._listed(request, self._catalogue.current.rankings.popular)

    async def ListTrendingMovies(self, request: catalog_pb2.ListTrendingMoviesRequest, context: Any) -> Any:
        """Lists films by recent growth."""
        return self._listed(request, self._catalogue.current.rankings.trending)

    async def ListTopRatedMovies(self, request: catalog_pb2.ListTopRatedMoviesRequest, context: Any) -> Any:
        """Lists films by damped mean rating."""
        return self._listed(request, self._catalogue.current.rankings.top_rated)

    def _listed(self, request: Any, ranking: Ranking) -> bytes:
        generation = self._catalogue.current
        genre = generation.genres.resolve(request.genre, "genre") if request.genre else None
        order = ranking.of(genre)
        offset = self._offset(request)
        page: np.ndarray = order[offset : offset + page_size(request.page_size)]
        # the three responses are alike field by field
        rest = catalog_pb2.ListPopularMoviesResponse(
            next_page_token=self._next(request, offset + len(page), len(order)), total_size=len(order)
        )
        return generation.cards.joined(page.tolist()) + rest.SerializeToString()

    async def GetMovie(self, request: catalog_pb2.GetMovieRequest, context: Any) -> catalog_pb2.GetMovieResponse:
        """Describes one film."""
        generation = self._catalogue.current
        ordinal = generation.ordinal_of.get(request.movie_id)
        if ordinal is None:
            raise NotFound(f"there is no film {request.movie_id}", reason=Reason.MOVIE_NOT_FOUND)
        return details(generation.films[ordinal])

    async def BatchGetMovies(self, request: catalog_pb2.BatchGetMoviesRequest, context: Any) -> Any:
        """Describes several films."""
        generation = self._catalogue.current
        found = [generation.ordinal_of.get(movie_id) for movie_id in request.movie_ids]
        missing = [movie_id for movie_id, ordinal in zip(request.movie_ids, found, strict=True) if ordinal is None]
        rest = catalog_pb2.BatchGetMoviesResponse(missing_movie_ids=missing)
        return generation.cards.joined(o for o in found if o is not None) + rest.SerializeToString()

    async def ListGenres(self, request: catalog_pb2.ListGenresRequest, context: Any) -> catalog_pb2.ListGenresResponse:
        """Lists the genres."""
        counts = self._catalogue.current.genre_counts
        return catalog_pb2.ListGenresResponse(genres=[catalog_pb2.FacetValue(value=v, count=n) for v, n in counts])

    async def ListStreamingServices(
        self, request: catalog_pb2.ListStreamingServicesRequest, context: Any
    ) -> catalog_pb2.ListStreamingServicesResponse:
        """Lists the streaming services."""
        generation = self._catalogue.current
        services = [catalog_pb2.FacetValue(value=value, count=count) for value, count in generation.service_counts]
        return catalog_pb2.ListStreamingServicesResponse(services=services, source=generation.streaming_source)

    async def StreamMovies(
        self, request: catalog_pb2.StreamMoviesRequest, context: Any
    ) -> AsyncIterator[catalog_pb2.StreamMoviesResponse]:
        """Streams the whole catalogue of one generation in the order of ids."""
        generation = self._catalogue.current
        wanted = [film for film in generation.films if film.movie_id > request.after_movie_id]
        for start in range(0, len(wanted), _STREAM_BATCH):
            yield await asyncio.to_thread(_batch, wanted[start : start + _STREAM_BATCH], generation.data_version)

    async def ImportMovies(
        self, request: catalog_pb2.ImportMoviesRequest, context: Any
    ) -> catalog_pb2.ImportMoviesResponse:
        """Takes over what the pipeline wrote."""
        counts, version = await self._catalogue.take_over(dry_run=request.dry_run)
        return catalog_pb2.ImportMoviesResponse(
            total=counts.total, added=counts.added, changed=counts.changed, removed=counts.removed, data_version=version
        )

    def _offset(self, request: Any) -> int:
        return int(self._tokens.decode(request) or 0)

    def _next(self, request: Any, reached: int, total: int) -> str:
        return self._tokens.encode(reached, request) if reached < total else ""


def _batch(films: Sequence[Film], data_version: str) -> catalog_pb2.StreamMoviesResponse:
    return catalog_pb2.StreamMoviesResponse(movies=[details(film) for film in films], data_version=data_version)


def _query(request: catalog_pb2.SearchMoviesRequest, generation: Generation, offset: int) -> SearchQuery:
    filters = Filters(
        genres=tuple(generation.genres.resolve_all(request.genre, "genre")),
        services=tuple(generation.services.resolve_all(request.service, "service")),
        cast=request.cast,
        director=request.director,
        keyword=request.keyword,
        year_min=request.year_min,
        year_max=request.year_max,
        rating_min=request.rating_min,
        runtime_max=request.runtime_max,
    )
    order = Order(request.order_by) if request.order_by else None
    return SearchQuery(request.query, filters, order, offset, page_size(request.page_size), request.facets)


def _facets(answer: SearchAnswer) -> list[catalog_pb2.Facet]:
    return [
        catalog_pb2.Facet(
            name=name, values=[catalog_pb2.FacetValue(value=value, count=count) for value, count in counts]
        )
        for name, counts in answer.facets.items()
    ]
