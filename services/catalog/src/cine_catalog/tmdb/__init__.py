"""Fetching film metadata from TMDb: polite, resumable, and silent about its token."""

from cine_catalog.tmdb.errors import StoreBusy, TmdbError, TokenMissing, TokenRefused
from cine_catalog.tmdb.fetch import FetchReport, fetch, fetch_films
from cine_catalog.tmdb.settings import TmdbSettings

__all__ = [
    "FetchReport",
    "StoreBusy",
    "TmdbError",
    "TmdbSettings",
    "TokenMissing",
    "TokenRefused",
    "fetch",
    "fetch_films",
]
