"""Stands where Identity would: its keys and its feed behind the real server, for tests of everybody else."""

from __future__ import annotations

import asyncio
import importlib
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, ClassVar

from google.protobuf.message import Message

from cinemesh import contracts
from cinemesh.context import current
from cinemesh.db import Database, migrate
from cinemesh.errors import NotFound, Unavailable
from cinemesh.feed import FeedServicer
from cinemesh.keys import public_part
from cinemesh.outbox import Outbox
from cinemesh.server import Application, Mount, Server
from cinemesh.settings import ServiceSettings
from cinemesh.testing.harness import settings_for
from cinemesh.testing.ports import free_port


class IdentitySettings(ServiceSettings):
    """Settings of the stand-in."""

    service: ClassVar[str] = "identity"


class StandIn(Application):
    """Answers `GetJsonWebKeySet`, `BatchGetUsers`, `GetPublicProfile`, `GetPreferences`, and nothing else of the contract; serves a feed.

    Attributes:
        keys: private or public JWKs whose public parts it publishes; change them at will.
        asked: how often it was asked for them.
        people: user names by user id, as calls see them.
        preferences: what people prefer by user id, as fields of `GetPreferencesResponse`; nothing for others.
        questions: how often it was asked for people and what they prefer.
        away: whether it refuses to say, as an Identity that starts.
    """

    name = "identity"

    def __init__(self, settings: ServiceSettings) -> None:
        self.settings = settings
        self.keys: Sequence[dict[str, Any]] = ()
        self.asked = 0
        self.people: dict[str, str] = {}
        self.preferences: dict[str, dict[str, Any]] = {}
        self.questions = 0
        self.away = False
        self._db: Database | None = None
        self._outbox = Outbox("identity")
        self._feed: FeedServicer | None = None

    async def start(self) -> list[Mount]:
        """Opens its store, which outlives a restart in the same folder."""
        await asyncio.to_thread(migrate, self.settings.store_url, None)
        self._db = Database(self.settings.store_url, pool=2)
        self._feed = FeedServicer(self._db, self._outbox)
        stubs = importlib.import_module("cine.identity.v1.auth_pb2_grpc")
        described = importlib.import_module("cine.identity.v1.auth_pb2").DESCRIPTOR.services_by_name["AuthService"]
        users = importlib.import_module("cine.identity.v1.users_pb2_grpc")
        of_users = importlib.import_module("cine.identity.v1.users_pb2").DESCRIPTOR.services_by_name["UserService"]
        return [
            Mount(_servicer(stubs, self), stubs.add_AuthServiceServicer_to_server, described),
            Mount(_user_servicer(users, self), users.add_UserServiceServicer_to_server, of_users),
        ]

    async def stop(self) -> None:
        """Closes the store."""
        if self._feed is not None:
            self._feed.stop()
        if self._db is not None:
            await self._db.close()

    def feed(self) -> FeedServicer | None:
        """Returns its feed."""
        return self._feed

    async def own_keys(self) -> bytes:
        """Returns the document it publishes."""
        return json.dumps({"keys": [public_part(key) for key in self.keys]}).encode()

    async def open_account(self, user_id: str, username: str) -> None:
        """Adds a person whose address is proven, and tells of it."""
        self.people[user_id] = username
        opened = contracts.message("cine.identity.v1.UserRegistered")
        await self.tell(opened(user_id=user_id, username=username, display_name=username.title(), roles=["user"]))
        await self.tell(contracts.message("cine.identity.v1.EmailVerified")(user_id=user_id))

    async def rename(self, user_id: str, username: str) -> None:
        """Changes a person's name, and tells of it."""
        self.people[user_id] = username
        changed = contracts.message("cine.identity.v1.ProfileChanged")
        await self.tell(changed(user_id=user_id, username=username, display_name=username.title()))

    async def delete_account(self, user_id: str) -> None:
        """Removes a person, and tells of it."""
        self.people.pop(user_id, None)
        await self.tell(contracts.message("cine.identity.v1.UserDeleted")(user_id=user_id))

    @property
    def database(self) -> Database:
        """Its store."""
        assert self._db is not None
        return self._db

    @property
    def outbox(self) -> Outbox:
        """What its feed serves."""
        return self._outbox

    async def tell(self, event: Message) -> None:
        """Commits one event of `cine.identity.v1` to the feed."""
        assert self._db is not None
        subject = f"users/{getattr(event, 'user_id', '')}"
        await self._db.write(lambda session: self._outbox.append(session, subject=subject, data=event))


def _servicer(stubs: Any, app: StandIn) -> Any:
    answer_class: Any = contracts.message("cine.identity.v1.GetJsonWebKeySetResponse")

    class Servicer(stubs.AuthServiceServicer):  # type: ignore[misc]
        async def GetJsonWebKeySet(self, request: Any, context: Any) -> Any:  # noqa: ARG002, N802 - by the contract
            app.asked += 1
            if app.away:
                raise Unavailable("starting")
            answer = answer_class()
            answer.key_set.content_type = "application/jwk-set+json"
            answer.key_set.data = await app.own_keys()
            return answer

    return Servicer()


def _user_servicer(stubs: Any, app: StandIn) -> Any:
    batch: Any = contracts.message("cine.identity.v1.BatchGetUsersResponse")
    user: Any = contracts.message("cine.identity.v1.PublicUser")
    profile: Any = contracts.message("cine.identity.v1.GetPublicProfileResponse")
    preferences: Any = contracts.message("cine.identity.v1.GetPreferencesResponse")

    class Servicer(stubs.UserServiceServicer):  # type: ignore[misc]
        async def BatchGetUsers(self, request: Any, context: Any) -> Any:  # noqa: ARG002, N802 - by the contract
            app.questions += 1
            if app.away:
                raise Unavailable("starting")
            known = [(user_id, app.people[user_id]) for user_id in request.user_ids if user_id in app.people]
            return batch(
                users=[user(user_id=user_id, username=name, display_name=name.title()) for user_id, name in known]
            )

        async def GetPublicProfile(self, request: Any, context: Any) -> Any:  # noqa: ARG002, N802
            app.questions += 1
            if app.away:
                raise Unavailable("starting")
            for user_id, username in app.people.items():
                if username.casefold() == request.username.casefold():
                    return profile(user_id=user_id, username=username)
            raise NotFound("there is no person of that name")

        async def GetPreferences(self, request: Any, context: Any) -> Any:  # noqa: ARG002, N802
            app.questions += 1
            if app.away:
                raise Unavailable("starting")
            return preferences(**app.preferences.get(current().principal.user_id, {}))

    return Servicer()


@asynccontextmanager
async def standing_in(folder: Path, *, port: int = 0, **values: Any) -> AsyncIterator[tuple[StandIn, str]]:
    """Serves a stand-in for the block; yields it and its address, for `peers={"identity": [address]}`.

    Args:
        folder: an empty folder, or one used before: its store, and the keys of the mesh, are in it.
        port: port to listen on; any free one when 0.
        values: further settings.
    """
    app = StandIn(settings_for(IdentitySettings, folder, **values))
    app.settings.service_dir.mkdir(parents=True, exist_ok=True)
    server = Server(app)
    await server.bind(port or free_port(), None)
    try:
        await server.start()
        yield app, f"127.0.0.1:{server.port}"
    finally:
        await server.stop()
