"""Wires the identity service."""

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
from cine_identity.servicer import (
    AuthServicer,
    IdentityAdminServicer,
    OAuthServicer,
    PasskeyServicer,
    SecondFactorServicer,
    SessionServicer,
    UserServicer,
)
from cine_identity.settings import IdentitySettings
from cinemesh.server import Application, Mount


class IdentityApplication(Application):
    """The identity service as a serving process."""

    name = "identity"

    def __init__(self, settings: IdentitySettings | None = None) -> None:
        self.settings = settings or IdentitySettings()

    async def start(self) -> list[Mount]:
        """Mounts every service of the contract."""
        return [
            Mount(
                AuthServicer(),
                auth_pb2_grpc.add_AuthServiceServicer_to_server,
                auth_pb2.DESCRIPTOR.services_by_name["AuthService"],
            ),
            Mount(
                SessionServicer(),
                sessions_pb2_grpc.add_SessionServiceServicer_to_server,
                sessions_pb2.DESCRIPTOR.services_by_name["SessionService"],
            ),
            Mount(
                UserServicer(),
                users_pb2_grpc.add_UserServiceServicer_to_server,
                users_pb2.DESCRIPTOR.services_by_name["UserService"],
            ),
            Mount(
                SecondFactorServicer(),
                second_factor_pb2_grpc.add_SecondFactorServiceServicer_to_server,
                second_factor_pb2.DESCRIPTOR.services_by_name["SecondFactorService"],
            ),
            Mount(
                PasskeyServicer(),
                passkeys_pb2_grpc.add_PasskeyServiceServicer_to_server,
                passkeys_pb2.DESCRIPTOR.services_by_name["PasskeyService"],
            ),
            Mount(
                OAuthServicer(),
                oauth_pb2_grpc.add_OAuthServiceServicer_to_server,
                oauth_pb2.DESCRIPTOR.services_by_name["OAuthService"],
            ),
            Mount(
                IdentityAdminServicer(),
                admin_pb2_grpc.add_IdentityAdminServiceServicer_to_server,
                admin_pb2.DESCRIPTOR.services_by_name["IdentityAdminService"],
            ),
        ]
