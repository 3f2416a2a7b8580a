"""What people prefer in general, as Identity tells them and nobody else: asked for in the caller's own name."""

from __future__ import annotations

import time
from typing import Any, Final

import grpc
from cachetools import TTLCache

from cine.identity.v1 import users_pb2, users_pb2_grpc
from cine_recommender.flows.pipeline import Preferences
from cinemesh.client import channel
from cinemesh.errors import Unavailable
from cinemesh.settings import ServiceSettings

_DEADLINE_SECONDS: Final = 0.5
_KEPT_SECONDS: Final = 60.0
_AGAIN_SECONDS: Final = 5.0
_MOST_PEOPLE: Final = 10_000


class IdentityPreferences:
    """Asks Identity, and keeps what it said of somebody for a minute.

    While Identity does not answer, it is asked again every few seconds and nobody waits in between.

    Args:
        settings: where Identity is.
    """

    def __init__(self, settings: ServiceSettings) -> None:
        self._settings = settings
        self._kept: TTLCache[str, Preferences] = TTLCache(_MOST_PEOPLE, _KEPT_SECONDS)
        self._away_until = 0.0

    async def of(self, user_id: str) -> Preferences:
        """Returns what the caller prefers; `user_id` must be the caller's.

        Raises:
            Unavailable: Identity does not answer.
        """
        found = self._kept.get(user_id)
        if found is not None:
            return found
        if time.monotonic() < self._away_until:
            raise Unavailable("Identity does not answer")
        peer = channel("identity", self._settings, deadline=_DEADLINE_SECONDS, credentials="caller")
        stub: Any = users_pb2_grpc.UserServiceStub(peer)
        try:
            said = await stub.GetPreferences(users_pb2.GetPreferencesRequest())
        except grpc.aio.AioRpcError as error:
            # a caller whom Identity refuses says nothing of whether it answers others
            if error.code() in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED):
                self._away_until = time.monotonic() + _AGAIN_SECONDS
            raise Unavailable("Identity does not say what the person prefers") from None
        made = Preferences(tuple(said.preferred_genres), tuple(said.excluded_genres))
        self._kept[user_id] = made
        return made
