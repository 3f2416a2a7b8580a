"""Why a TMDb run stops. No message ever holds the token."""

from __future__ import annotations


class TmdbError(Exception):
    """Base of the fetcher's errors."""


class TokenMissing(TmdbError):
    """``TMDB_BEARER_TOKEN`` is not set."""


class TokenRefused(TmdbError):
    """TMDb answered 401 or 403: going on would only collect refusals."""


class StoreBusy(TmdbError):
    """Another fetcher is writing to the same store."""
