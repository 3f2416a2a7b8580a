"""Wires the identity service: its whole contract is mounted, none of its calls is built yet."""

from __future__ import annotations

from cine.identity.v1 import (
    admin_pb2,
    admin_pb2_grpc,
    auth_pb2,
    auth_pb2_grpc,
    oauth_pb2,
    oauth_pb2_grpc,
    passkeys_pb2,
    passkeys_pb2_grpc,
    second_factor_pb2,
    second_factor_pb2_grpc,
    sessions_pb2,
    sessions_pb2_grpc,
    users_pb2,
    users_pb2_grpc,
)
from cine_identity.settings import IdentitySettings
from cinemesh.handlers import unanswered
from cinemesh.server import Application, Mount

_CONTRACT = (
    (admin_pb2, admin_pb2_grpc),
    (auth_pb2, auth_pb2_grpc),
    (oauth_pb2, oauth_pb2_grpc),
    (passkeys_pb2, passkeys_pb2_grpc),
    (second_factor_pb2, second_factor_pb2_grpc),
    (sessions_pb2, sessions_pb2_grpc),
    (users_pb2, users_pb2_grpc),
)


class IdentityApplication(Application):
    """The identity service as a serving process."""

    name = "identity"

    def __init__(self, settings: IdentitySettings | None = None) -> None:
        self.settings: IdentitySettings = settings or IdentitySettings()

    async def start(self) -> list[Mount]:
        """Mounts every gRPC service of the contract; each call answers UNIMPLEMENTED and says so."""
        return [mount for messages, stubs in _CONTRACT for mount in unanswered(messages, stubs)]
