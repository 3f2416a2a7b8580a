"""One film from TMDb: asked politely, asked again when the answer is broken, never trusted unchecked."""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from types import TracebackType

import httpx
from pydantic import ValidationError
from tenacity import AsyncRetrying, RetryCallState, retry_if_exception_type, stop_after_attempt, wait_exponential

from cine_catalog.tmdb.errors import TokenRefused
from cine_catalog.tmdb.pace import Pace
from cine_catalog.tmdb.records import StoredAnswer, TmdbAnswer, TmdbFilm
from cine_catalog.tmdb.settings import TmdbSettings

_APPENDED = "credits,keywords,watch/providers,release_dates"
_PATIENCE = 10
"""How many times more often a film may be throttled (429) than it may be answered badly."""


class _BrokenAnswer(Exception):
    """An answer worth asking for again: 5xx, a cut body, no JSON, a timeout."""


class _TooMany(Exception):
    """429: not the film's fault, so it does not use up the film's attempts."""


class TmdbClient:
    """Asynchronous client; use as ``async with``. Counts what it met in ``retries`` and ``throttled``."""

    def __init__(self, settings: TmdbSettings) -> None:
        """Nothing is sent before the first ``film`` call."""
        self._settings = settings
        self._pace = Pace(settings.requests_per_second)
        self._http = httpx.AsyncClient(
            base_url=settings.base_url,
            headers={"Authorization": f"Bearer {settings.token.get_secret_value()}", "Accept": "application/json"},
            timeout=settings.timeout_seconds,
            limits=httpx.Limits(max_connections=settings.concurrency),
            # A redirect would carry the token to another host.
            follow_redirects=False,
        )
        self.retries = 0
        self.throttled = 0

    async def __aenter__(self) -> TmdbClient:
        """Open the connection pool."""
        await self._http.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the connection pool."""
        await self._http.__aexit__(kind, error, trace)

    async def film(self, tmdb_id: int) -> StoredAnswer:
        """Ask for one film.

        Returns:
            ``ok`` with the film, ``not_found`` for 404, or ``invalid`` with a reason when every attempt failed.

        Raises:
            TokenRefused: TMDb does not accept the token.
        """
        retrying = AsyncRetrying(
            retry=retry_if_exception_type(_BrokenAnswer),
            stop=stop_after_attempt(self._settings.attempts),
            wait=wait_exponential(self._settings.backoff_seconds, max=self._settings.longest_wait_seconds),
            before_sleep=self._count_retry,
            reraise=True,
        )
        try:
            return await retrying(self._unthrottled, tmdb_id)
        except _BrokenAnswer as broken:
            return StoredAnswer(tmdb_id=tmdb_id, status="invalid", reason=str(broken))

    def _count_retry(self, _: RetryCallState) -> None:
        self.retries += 1

    async def _unthrottled(self, tmdb_id: int) -> StoredAnswer:
        for _ in range(self._settings.attempts * _PATIENCE):
            try:
                return await self._once(tmdb_id)
            except _TooMany:
                self.throttled += 1
        raise _BrokenAnswer("throttled (429) without end")

    async def _once(self, tmdb_id: int) -> StoredAnswer:
        await self._pace.turn()
        try:
            response = await self._http.get(f"/3/movie/{tmdb_id}", params={"append_to_response": _APPENDED})
        except httpx.HTTPError as error:
            # The exception's own text may quote the request; its type says enough.
            raise _BrokenAnswer(f"the connection failed ({type(error).__name__})") from None
        if response.status_code == httpx.codes.NOT_FOUND:
            return StoredAnswer(tmdb_id=tmdb_id, status="not_found")
        if response.status_code == httpx.codes.TOO_MANY_REQUESTS:
            self._pace.pause(min(_retry_after(response), self._settings.longest_wait_seconds))
            raise _TooMany
        if response.status_code in (httpx.codes.UNAUTHORIZED, httpx.codes.FORBIDDEN):
            raise TokenRefused(f"TMDb refused the token (HTTP {response.status_code}): check TMDB_BEARER_TOKEN")
        if response.status_code >= httpx.codes.INTERNAL_SERVER_ERROR:
            raise _BrokenAnswer(f"HTTP {response.status_code}")
        if response.status_code != httpx.codes.OK:
            return StoredAnswer(tmdb_id=tmdb_id, status="invalid", reason=f"HTTP {response.status_code}")
        try:
            answer = TmdbAnswer.model_validate_json(response.content)
        except ValidationError as error:
            first = error.errors(include_input=False, include_url=False)[0]
            where = ".".join(str(part) for part in first["loc"]) or "body"
            raise _BrokenAnswer(f"not a TMDb film ({where}: {first['type']})") from None
        if answer.id != tmdb_id:
            raise _BrokenAnswer(f"asked for {tmdb_id}, got {answer.id}")
        film = TmdbFilm.from_answer(answer, self._settings.region)
        return StoredAnswer(tmdb_id=tmdb_id, status="ok", film=film)


def _retry_after(response: httpx.Response) -> float:
    """Seconds to wait: the header's number or date, else one second."""
    value = response.headers.get("Retry-After", "")
    try:
        return max(0.0, float(value))
    except ValueError:
        pass
    try:
        return max(0.0, (parsedate_to_datetime(value) - datetime.now(UTC)).total_seconds())
    except (ValueError, TypeError):
        return 1.0
