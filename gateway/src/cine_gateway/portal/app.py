"""The portal's application: `/`, `/docs`, `/redoc`, `/openapi.json`, `/health/*`, and 404 and 405 for what the API does not have."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import json
import re
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import Receive, Scope, Send

from cine_gateway import contracts as contracts_of
from cine_gateway import openapi, replies
from cine_gateway.envoy import model
from cine_gateway.portal import health, keys, pages
from cine_gateway.settings import GatewaySettings
from cinemesh import client

FOREVER = "public, max-age=31536000, immutable"
REVALIDATE = "no-cache"
PAGE_VERBS = ("GET", "HEAD")
_PATH_OF_PAGES = re.compile(
    r"/(?:docs|redoc|openapi\.json|health/(?:live|ready|detailed))/?|/assets/.*|/oauth/callback/[a-z0-9-]{1,40}|/"
)


class CachedFiles(StaticFiles):
    """Static files with a `Cache-Control` of their own; ETag and 304 come from Starlette."""

    def __init__(self, *, directory: Path, cache: str, policy: str = "", html: bool = False) -> None:
        """Serves a folder. `policy` is the Content-Security-Policy of its pages."""
        super().__init__(directory=directory, html=html, check_dir=False)
        self._cache = cache
        self._policy = policy

    def file_response(self, *args: Any, **kwargs: Any) -> Response:
        """Answers with a file."""
        response = super().file_response(*args, **kwargs)
        response.headers["cache-control"] = self._cache
        if self._policy:
            response.headers["content-security-policy"] = self._policy
        return response

    async def check_config(self) -> None:
        """Takes a missing folder for an empty one: the explorer may be installed later, and the rest works without it."""


@dataclass(frozen=True)
class Verbs:
    """The verbs of every REST path, to tell a wrong path from a wrong verb."""

    paths: tuple[tuple[re.Pattern[str], str], ...]

    @classmethod
    def of(cls, contracts: contracts_of.Contracts) -> Verbs:
        """Collects them; literal paths come first, as in the transcoder."""
        found: dict[tuple[bool, str], set[str]] = defaultdict(set)
        for service in model.served(contracts):
            for method in service.methods:
                for binding in method.bindings:
                    found[not binding.literal, binding.regex].add(binding.verb)
        return cls(
            tuple(
                (re.compile(regex), ", ".join(sorted({*verbs, "OPTIONS"})))
                for (_, regex), verbs in sorted(found.items())
            )
        )

    def allowed(self, path: str) -> str:
        """Returns the verbs a path takes, or nothing when it is unknown."""
        api = next((verbs for pattern, verbs in self.paths if pattern.fullmatch(path)), "")
        return api or (", ".join(PAGE_VERBS) if _PATH_OF_PAGES.fullmatch(path) else "")


def policy_of_pages(settings: GatewaySettings, *, styles_itself: bool = False) -> str:
    """Returns the Content-Security-Policy of a page. No page runs inline scripts; `styles_itself` is for Redoc, which writes styles."""
    rules = [
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self' 'unsafe-inline'" if styles_itself else "style-src 'self'",
        " ".join(["img-src 'self' data:", *settings.image_origins]),
        "font-src 'self' data:",
        "connect-src 'self'",
        "manifest-src 'self'",
        "worker-src 'self' blob:" if styles_itself else "worker-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "object-src 'none'",
        "frame-ancestors 'none'",
    ]
    return "; ".join(rules)


def create_app(settings: GatewaySettings, contracts: contracts_of.Contracts | None = None) -> Starlette:
    """Builds the portal.

    Raises:
        ContractsMissingError: nothing has been generated.
        AssetsMissingError: the documentation's files are not installed.
    """
    contracts = contracts or contracts_of.load()
    assets = pages.find()
    verbs = Verbs.of(contracts)
    policy = policy_of_pages(settings)
    document = json.dumps(
        openapi.document(contracts, settings.public_url), ensure_ascii=False, separators=(",", ":")
    ).encode()

    @contextlib.asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        app.state.monitor = health.HealthMonitor(settings)
        app.state.keys = keys.PublicKeys(settings)
        yield
        await app.state.keys.close()
        await app.state.monitor.close()
        await client.close_channels()

    async def ready(request: Request) -> Response:
        whole, body = health.readiness(await request.app.state.monitor.ask(), settings.required_services)
        return JSONResponse(body, status_code=200 if whole else 503)

    async def refused(request: Request, error: Exception) -> Response:
        return _refusal(request, verbs, error.status_code if isinstance(error, HTTPException) else 500)

    explorer = CachedFiles(directory=settings.web_dir, cache=REVALIDATE, policy=policy, html=True)
    routes: list[BaseRoute] = [
        *_both("/docs", _fixed(pages.swagger(assets).encode(), "text/html; charset=utf-8", policy)),
        *_both(
            "/redoc",
            _fixed(
                pages.redoc(assets).encode(), "text/html; charset=utf-8", policy_of_pages(settings, styles_itself=True)
            ),
        ),
        *_both("/openapi.json", _fixed(document, "application/json")),
        Route("/keys/jwks.json", _keys, methods=["GET"]),
        *_both("/health/live", _live),
        *_both("/health/ready", ready),
        *_both("/health/detailed", _detailed),
        Route("/oauth/callback/{provider}", _back_from_provider, methods=["GET"]),
        Mount(assets.prefix, CachedFiles(directory=assets.folder, cache=FOREVER)),
        Mount("/assets/start", CachedFiles(directory=pages.own_folder(), cache=REVALIDATE)),
        # a path of the API that arrives here is one that the transcoder did not take
        Mount("/api", _nothing_here),
        Mount("/", explorer),
    ]
    app = Starlette(routes=routes, lifespan=lifespan, exception_handlers={HTTPException: refused, 500: refused})
    app.router.redirect_slashes = False
    return app


def _both(path: str, endpoint: Callable[[Request], Awaitable[Response]]) -> list[Route]:
    return [Route(path, endpoint, methods=["GET"]), Route(f"{path}/", endpoint, methods=["GET"])]


def _fixed(content: bytes, media_type: str, policy: str = "") -> Callable[[Request], Awaitable[Response]]:
    """Returns an endpoint that always answers the same, or 304 to whoever has it."""
    etag = f'"{hashlib.sha256(content).hexdigest()[:32]}"'
    headers = {"etag": etag, "cache-control": REVALIDATE} | ({"content-security-policy": policy} if policy else {})

    async def answer(request: Request) -> Response:
        known = {tag.strip().removeprefix("W/") for tag in request.headers.get("if-none-match", "").split(",")}
        if etag in known:
            return Response(status_code=304, headers=headers)
        return Response(content, media_type=media_type, headers=headers)

    return answer


async def _live(_: Request) -> Response:
    return JSONResponse({"status": "ok"})


async def _detailed(request: Request) -> Response:
    monitor: health.HealthMonitor = request.app.state.monitor
    return JSONResponse(health.detailed(*await asyncio.gather(monitor.ask(), monitor.ask_limiter())))


async def _back_from_provider(request: Request) -> Response:
    """Leads a browser that comes back from an OAuth provider into the explorer, whose addresses lie behind the `#`.

    What the provider sent goes along there, where no server and no log sees it again; the explorer takes it out of the address.
    """
    if not _PATH_OF_PAGES.fullmatch(request.url.path):
        raise HTTPException(404)
    sent = urlencode(parse_qsl(request.url.query, keep_blank_values=True))
    place = f"/#/oauth/{request.path_params['provider']}?{sent}"
    return Response(status_code=303, headers={"location": place, "cache-control": "no-store"})


async def _keys(request: Request) -> Response:
    # every request from outside has an id by the time it is here; Envoy's own have none
    if "x-request-id" in request.headers:
        raise HTTPException(404)
    document = await request.app.state.keys.document()
    if document is None:
        return JSONResponse(replies.body(503, "no key is known yet"), 503)
    return Response(document, media_type="application/jwk-set+json")


async def _nothing_here(scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG001 - an ASGI application
    raise HTTPException(404)


def _refusal(request: Request, verbs: Verbs, status: int) -> Response:
    path, request_id = request.url.path, request.headers.get("x-request-id", "")
    if status >= 500:
        return JSONResponse(replies.body(500, "the portal failed; the request id finds it in the log", request_id), 500)
    allowed = verbs.allowed(path)
    if allowed and request.method == "OPTIONS":
        return Response(status_code=204, headers={"allow": allowed})
    if allowed and request.method not in allowed.split(", "):
        return JSONResponse(replies.body(405, f"this path takes {allowed}", request_id), 405, {"allow": allowed})
    return JSONResponse(replies.body(404, "no such path; /openapi.json lists those of the API", request_id), 404)
