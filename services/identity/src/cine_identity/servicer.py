"""The calls of the identity service.

A call without a method here is in the contract and answers UNIMPLEMENTED with reason NOT_IMPLEMENTED, saying so: frontends and
generated clients can be written against it already.
"""

from __future__ import annotations

from cine.identity.v1 import (
    admin_pb2_grpc,
    auth_pb2_grpc,
    oauth_pb2_grpc,
    passkeys_pb2_grpc,
    second_factor_pb2_grpc,
    sessions_pb2_grpc,
    users_pb2_grpc,
)


class AuthServicer(auth_pb2_grpc.AuthServiceServicer):
    """Answers none of its calls yet."""


class SessionServicer(sessions_pb2_grpc.SessionServiceServicer):
    """Answers none of its calls yet."""


class UserServicer(users_pb2_grpc.UserServiceServicer):
    """Answers none of its calls yet."""


class SecondFactorServicer(second_factor_pb2_grpc.SecondFactorServiceServicer):
    """Answers none of its calls yet."""


class PasskeyServicer(passkeys_pb2_grpc.PasskeyServiceServicer):
    """Answers none of its calls yet."""


class OAuthServicer(oauth_pb2_grpc.OAuthServiceServicer):
    """Answers none of its calls yet."""


class IdentityAdminServicer(admin_pb2_grpc.IdentityAdminServiceServicer):
    """Answers none of its calls yet."""
