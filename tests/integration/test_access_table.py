"""Who may call what, of every call of the mesh: anonymous, another person, the owner, a premium person, an administrator, a service;
an administrator who signed in without the second factor, and a person who must set one up before anything else.

The table is made from the contracts; every service runs as itself and decides by itself, from tokens it verifies by itself. Whatever
is answered counts as let in, unless it is the refusal of the access option.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import grpc
import pytest
import pytest_asyncio

from cine.common.v1 import access_pb2
from cine_aesthetic.app import AestheticApplication
from cine_aesthetic.settings import AestheticSettings
from cine_catalog.app import CatalogApplication
from cine_catalog.settings import CatalogSettings
from cine_gateway import contracts as contracts_of
from cine_gateway.contracts import Method
from cine_identity.app import IdentityApplication
from cine_identity.settings import IdentitySettings
from cine_ratings.app import RatingsApplication
from cine_ratings.settings import RatingsSettings
from cine_recommender.app import RecommenderApplication
from cine_recommender.settings import RecommenderSettings
from cine_sentiment.app import SentimentApplication
from cine_sentiment.settings import SentimentSettings
from cine_watchlist.app import WatchlistApplication
from cine_watchlist.settings import WatchlistSettings
from cinemesh import topology
from cinemesh.errors import CineError, Code, Reason
from cinemesh.rpc_status import failure_of
from cinemesh.server import Application, Mount
from cinemesh.testing import Running, running, settings_for
from cinemesh.testing.tokens import TokenFactory

from .owned import OWNED, Caller, Metadata, join

pytestmark = [pytest.mark.timeout(120), pytest.mark.asyncio(loop_scope="module")]

APPLICATIONS: Final[dict[str, tuple[type[Any], type[Any]]]] = {
    "identity": (IdentityApplication, IdentitySettings),
    "catalog": (CatalogApplication, CatalogSettings),
    "ratings": (RatingsApplication, RatingsSettings),
    "watchlist": (WatchlistApplication, WatchlistSettings),
    "recommender": (RecommenderApplication, RecommenderSettings),
    "aesthetic": (AestheticApplication, AestheticSettings),
    "sentiment": (SentimentApplication, SentimentSettings),
}
MISSING, DENIED = (Code.UNAUTHENTICATED, Reason.TOKEN_MISSING), (Code.PERMISSION_DENIED, Reason.ACCESS_DENIED)
LACKING: Final = (Code.PERMISSION_DENIED, Reason.SECOND_FACTOR_REQUIRED)
_PEOPLE: Final = ("other", "owner", "premium", "admin", "admin without the factor")
LET_IN: Final[dict[int, tuple[str, ...]]] = {
    access_pb2.ACCESS_PUBLIC: ("anonymous", *_PEOPLE, "setting up", "service"),
    access_pb2.ACCESS_USER: _PEOPLE,
    access_pb2.ACCESS_OWNER: _PEOPLE,  # as far as the option goes; whose it is comes next
    access_pb2.ACCESS_ADMIN: ("admin",),
    access_pb2.ACCESS_SERVICE: ("service",),
}
"""By access option: who gets as far as the method itself."""
TOLD: Final[dict[int, tuple[str, ...]]] = {
    access_pb2.ACCESS_USER: ("setting up",),
    access_pb2.ACCESS_OWNER: ("setting up",),
    access_pb2.ACCESS_ADMIN: ("admin without the factor",),
}
"""By access option: who is told that a second factor is wanted first."""

OWN_CREDENTIAL: Final = {"/cine.identity.v1.AuthService/RefreshToken", "/cine.identity.v1.AuthService/Logout"}
"""Open to everybody, and refused in the same words when they bring no refresh token."""

CONTRACTS: Final = contracts_of.load()
CALLS: Final = [
    pytest.param(owner, method, id=f"{owner}-{method.path[1:]}")
    for service in CONTRACTS.services
    for method in service.methods
    for owner in ([service.owner] if service.owner in topology.SERVICES else topology.SERVICES)
]


@dataclass(frozen=True)
class World:
    """Every service, the paths that are answered, and everybody who calls."""

    services: dict[str, Running]
    answered: frozenset[str]
    callers: dict[str, Caller]

    async def call(self, service: str, method: Method, request: bytes, metadata: Metadata) -> CineError | None:
        """Sends one call; returns what failed, None when something was answered or a stream stayed open."""
        failure = await self._call(service, method, request, metadata)
        for _ in range(4):
            # the library's own word, on this side, when a write meets a call that is over already
            if failure is None or failure.message != "Internal error from Core":
                break
            failure = await self._call(service, method, request, metadata)
        return failure

    async def _call(self, service: str, method: Method, request: bytes, metadata: Metadata) -> CineError | None:
        channel = self.services[service].channel
        # bytes fit every type, and a stream of answers fits a single one
        if method.client_streaming:
            call: Any = channel.stream_stream(method.path)(timeout=20, metadata=metadata)
        else:
            call = channel.unary_stream(method.path)(request, timeout=20, metadata=metadata)
        try:
            async with asyncio.timeout(5 if method.name.startswith("Watch") else 15):
                if method.client_streaming:
                    with contextlib.suppress(
                        asyncio.InvalidStateError, grpc.aio.AioRpcError
                    ):  # refused before it was written
                        await call.write(request)
                        await call.done_writing()
                await call.read()
        except TimeoutError:
            return None
        except grpc.aio.AioRpcError as error:
            return failure_of(error)
        finally:
            call.cancel()
        return None


def note_answered(app: Application, answered: set[str]) -> None:
    """Notes the paths of the methods that an application answers, when it starts: the contract has some that nobody builds yet."""
    start = app.start

    async def noted() -> list[Mount]:
        mounts = await start()
        for mount in mounts:
            for method in mount.descriptor.methods:
                # what the servicer leaves out is that of the generated base class
                if not getattr(mount.servicer, method.name).__module__.endswith("_pb2_grpc"):
                    answered.add(f"/{mount.descriptor.full_name}/{method.name}")
        return mounts

    app.start = noted  # type: ignore[method-assign]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def world(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    folder: Path = tmp_path_factory.mktemp("everyone")
    services: dict[str, Running] = {}
    answered: set[str] = set()
    # the key of people's tokens lies there before anybody looks for keys: services follow each other's feeds from the start
    TokenFactory(settings_for(APPLICATIONS["identity"][1], folder))
    async with AsyncExitStack() as stack:
        for name, (application, settings) in APPLICATIONS.items():
            peers = {known: [running.address] for known, running in services.items()}
            app = application(settings_for(settings, folder, peers=peers))
            note_answered(app, answered)
            services[name] = await stack.enter_async_context(running(app))
        yield World(services, frozenset(answered), await everybody(services["identity"].app))


async def everybody(identity: Any) -> dict[str, Caller]:
    """Returns callers of every kind, whose accounts are new."""
    tokens = TokenFactory(identity.settings)
    name = secrets.token_hex(4)
    return {
        "anonymous": Caller(()),
        "other": await join(identity, tokens, f"other{name}"),
        "owner": await join(identity, tokens, f"owner{name}"),
        "premium": await join(identity, tokens, f"premium{name}", "premium"),
        "admin": await join(identity, tokens, f"boss{name}", "admin"),
        "admin without the factor": await join(identity, tokens, f"deputy{name}", "admin", second_factor=""),
        "setting up": Caller(tokens.metadata(tokens.setting_up(f"newcomer{name}"))),
        "service": Caller(tokens.metadata(tokens.service())),
    }


def refusal(failure: CineError | None) -> tuple[Code, Reason] | None:
    """Returns which refusal of the access option an answer is, if it is one."""
    told = (failure.code, failure.reason) if failure is not None else None
    return told if told in (MISSING, DENIED, LACKING) else None


def expected(name: str, method: Method) -> tuple[Code, Reason] | None:
    """Returns which refusal somebody gets from a method; None when they are let in."""
    if name in LET_IN[method.access] or (name == "setting up" and method.before_second_factor):
        return None
    if name in TOLD.get(method.access, ()):
        return LACKING
    return MISSING if name == "anonymous" else DENIED


@pytest.mark.parametrize(("service", "method"), CALLS)
async def test_who_may_call(world: World, service: str, method: Method) -> None:
    assert method.access in LET_IN, f"{method.path} does not say who may call it"
    served = not method.service.endswith(".FeedService") or world.services[service].app.feed() is not None
    for name, caller in world.callers.items():
        failure = await world.call(service, method, b"", caller.metadata)
        if not served:
            assert failure is not None and failure.code is Code.UNIMPLEMENTED
            continue
        if method.path in OWN_CREDENTIAL:
            assert failure is None or "refresh token" in failure.message
            continue
        assert refusal(failure) == expected(name, method), (name, failure)
        assert failure is None or failure.code not in {Code.INTERNAL, Code.UNKNOWN}, (name, failure)


@pytest.mark.parametrize(
    ("service", "method"), [one for one in CALLS if one.values[1].access == access_pb2.ACCESS_OWNER]
)
async def test_only_the_owner_acts_on_a_thing(world: World, service: str, method: Method) -> None:
    if method.path not in world.answered:
        failure = await world.call(service, method, b"", world.callers["owner"].metadata)
        assert failure is not None and failure.code in {Code.UNIMPLEMENTED, Code.INVALID_ARGUMENT}
        return
    assert method.path in OWNED, "say in OWNED what it acts on"
    callers = await everybody(world.services["identity"].app)  # calls of the table may have signed the others out
    thing = await OWNED[method.path](world.services[service].app, callers["owner"].user_id)
    request = thing.request.SerializeToString()
    closed = dict.fromkeys(("service", "setting up"), Code.PERMISSION_DENIED)
    for name in callers.keys() - {"owner"}:
        failure = await world.call(service, method, request, callers[name].metadata)
        wanted = {"anonymous": Code.UNAUTHENTICATED, **closed}.get(name, thing.others)
        assert failure is not None and failure.code is wanted, (name, failure)
        assert await thing.remains(), name
    assert await world.call(service, method, request, callers["owner"].metadata) is None
    assert await thing.remains() == thing.reads
