"""Revocation: tokens that verify and are refused all the same, because Identity ended their session, account or roles.

Every service follows Identity's feed and keeps in memory what concerns tokens that may still be alive. Nothing is stored: a process that
starts reads the last quarter of an hour again, and no token lives longer than ten minutes.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import grpc
from google.protobuf.timestamp_pb2 import Timestamp
from prometheus_client import Gauge

from cine.common.v1 import feed_pb2, feed_pb2_grpc
from cinemesh import contracts, telemetry
from cinemesh.client import channel
from cinemesh.context import Principal
from cinemesh.errors import Unavailable
from cinemesh.settings import ServiceSettings

REMEMBERED_SECONDS: Final = 900.0
"""Longer than any token lives, clocks that differ included."""
_PACKAGE: Final = "cine.identity.v1"
_SESSION: Final = f"{_PACKAGE}.SessionRevoked"
_SESSIONS: Final = f"{_PACKAGE}.SessionsRevoked"
_ROLES: Final = f"{_PACKAGE}.RolesChanged"
_CLOSED: Final = (f"{_PACKAGE}.UserDisabled", f"{_PACKAGE}.UserDeleted")
_TYPES: Final = (_SESSION, _SESSIONS, _ROLES, *_CLOSED)
_RENEW_SECONDS: Final = 300.0
_FIRST_WAIT, _LONGEST_WAIT = 0.1, 2.0
_FORGET_EVERY_SECONDS: Final = 10.0
_KEPT = Gauge("cine_revocations_kept", "Sessions and accounts whose tokens are refused.", registry=telemetry.REGISTRY)


@dataclass(frozen=True, slots=True)
class _Cut:
    """Tokens of an account issued before a moment are refused, those of one session excepted."""

    before: float
    kept_session: str
    forget_at: float


class Revocations:
    """What is revoked. Only touched on the event loop: no lock.

    Args:
        clock: Unix seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._sessions: dict[str, float] = {}
        self._accounts: dict[str, list[_Cut]] = {}
        self._forget_at = 0.0

    def __len__(self) -> int:
        """Returns how many sessions and accounts are remembered."""
        return len(self._sessions) + len(self._accounts)

    def refuses(self, principal: Principal) -> bool:
        """Returns whether a person's verified token is refused."""
        if principal.session_id in self._sessions:
            return True
        cuts = self._accounts.get(principal.user_id)
        if cuts is None:
            return False
        return any(principal.issued_at < cut.before and principal.session_id != cut.kept_session for cut in cuts)

    def apply(self, event: feed_pb2.Event) -> None:
        """Takes over one event; the same one again changes nothing, and events of other types are passed over."""
        now = self._clock()
        if event.type not in _TYPES or event.time.ToSeconds() < now - REMEMBERED_SECONDS:
            return
        fact: Any = contracts.message(event.type)()
        event.data.Unpack(fact)
        forget_at = now + REMEMBERED_SECONDS
        if event.type == _SESSION:
            self._sessions[fact.session_id] = forget_at
        elif event.type in _CLOSED:
            # a token of the very second may be older than the change: all of them are refused
            self._cut(fact.user_id, _Cut(event.time.ToSeconds() + 1.0, "", forget_at))
        else:
            kept = fact.kept_session_id if event.type == _SESSIONS else ""
            self._cut(fact.user_id, _Cut(_unix(fact.tokens_valid_from), kept, forget_at))
        self._forget(now)

    def _cut(self, user_id: str, cut: _Cut) -> None:
        others = [
            one
            for one in self._accounts.get(user_id, ())
            if not (one.before <= cut.before and cut.kept_session in ("", one.kept_session))
        ]
        self._accounts[user_id] = [*others, cut]

    def _forget(self, now: float) -> None:
        if now >= self._forget_at:
            self._forget_at = now + _FORGET_EVERY_SECONDS
            self._sessions = {name: until for name, until in self._sessions.items() if until > now}
            alive = {name: [cut for cut in cuts if cut.forget_at > now] for name, cuts in self._accounts.items()}
            self._accounts = {name: cuts for name, cuts in alive.items() if cuts}
        _KEPT.set(len(self))


class RevocationFollower:
    """Follows Identity's feed for one process, for ever; what it hears goes into `revocations`.

    While Identity is away, what is known goes on being refused, and tokens run out by themselves within ten minutes.

    Args:
        settings: where Identity is.
        revocations: takes over what is heard.
    """

    def __init__(self, settings: ServiceSettings, revocations: Revocations) -> None:
        self._settings = settings
        self._revocations = revocations
        self._task: asyncio.Task[None] | None = None
        self._problem = "not started"
        self._log = telemetry.logger("revocation")

    def start(self) -> None:
        """Begins to follow in the background."""
        self._problem = "connecting"
        self._task = asyncio.create_task(self._follow_for_ever(), name="revocations")

    async def stop(self) -> None:
        """Stops following."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task

    async def probe(self) -> str:
        """Says whether sign-outs are heard of.

        Raises:
            Unavailable: they are not, at present.
        """
        if self._problem:
            raise Unavailable(f"sign-outs are not heard of: {self._problem}")
        return f"following, {len(self._revocations)} kept"

    async def _follow_for_ever(self) -> None:
        fruitless = 0
        while True:
            try:
                await self._follow()
                fruitless = 0
            except grpc.aio.AioRpcError as fault:
                if fault.code() is grpc.StatusCode.DEADLINE_EXCEEDED and not self._problem:
                    continue  # our own renewal
                fruitless = 1 if not self._problem else fruitless + 1
                self._trouble(f"the feed answers {fault.code().name}")
            except Exception as fault:
                fruitless += 1
                self._trouble(f"failed: {type(fault).__name__}")
                self._log.warning("revocations cannot be followed", error=type(fault).__name__)
            wait = min(_LONGEST_WAIT, _FIRST_WAIT * 2.0 ** min(fruitless, 10))
            await asyncio.sleep(wait * random.uniform(0.5, 1.0))

    async def _follow(self) -> None:
        since = Timestamp()
        since.FromSeconds(int(time.time() - REMEMBERED_SECONDS))
        stub: feed_pb2_grpc.FeedServiceAsyncStub = feed_pb2_grpc.FeedServiceStub(channel("identity", self._settings))
        # a deadline, so that a connection that died unnoticed is noticed
        seconds = _RENEW_SECONDS * random.uniform(0.8, 1.0)
        call = stub.WatchEvents(feed_pb2.WatchEventsRequest(types=_TYPES, not_before=since), timeout=seconds)
        try:
            await call.initial_metadata()
            self._problem = ""
            async for answer in call:
                self._revocations.apply(answer.event)
            self._trouble("the feed closed the stream")
        finally:
            call.cancel()

    def _trouble(self, problem: str) -> None:
        if not self._problem:
            self._log.info("sign-outs are not heard of for now", reason=problem)
        self._problem = problem


def _unix(moment: Timestamp) -> float:
    return float(moment.seconds) + moment.nanos / 1e9
