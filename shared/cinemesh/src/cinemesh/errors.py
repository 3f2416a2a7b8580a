"""The one exception tree of the mesh: what the error interceptor turns into `google.rpc.Status`.

Each class owns its gRPC code and each instance carries a `Reason`. The module imports neither grpc nor protobuf, so
`domain/` may raise from it. `Reason` repeats `cine.common.v1.Reason` without its prefix; a test holds the two together.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import IntEnum, StrEnum
from typing import ClassVar


class Code(IntEnum):
    """The gRPC status codes, with their numbers on the wire."""

    OK = 0
    CANCELLED = 1
    UNKNOWN = 2
    INVALID_ARGUMENT = 3
    DEADLINE_EXCEEDED = 4
    NOT_FOUND = 5
    ALREADY_EXISTS = 6
    PERMISSION_DENIED = 7
    RESOURCE_EXHAUSTED = 8
    FAILED_PRECONDITION = 9
    ABORTED = 10
    OUT_OF_RANGE = 11
    UNIMPLEMENTED = 12
    INTERNAL = 13
    UNAVAILABLE = 14
    DATA_LOSS = 15
    UNAUTHENTICATED = 16


class Reason(StrEnum):
    """Why a call failed; see `protos/cine/common/v1/reason.proto` for each meaning."""

    INVALID_FIELD = "INVALID_FIELD"
    INVALID_PAGE_TOKEN = "INVALID_PAGE_TOKEN"
    UNKNOWN_GENRE = "UNKNOWN_GENRE"
    UNKNOWN_STREAMING_SERVICE = "UNKNOWN_STREAMING_SERVICE"
    MOVIE_NOT_FOUND = "MOVIE_NOT_FOUND"
    NOT_FOUND = "NOT_FOUND"
    ALREADY_EXISTS = "ALREADY_EXISTS"
    FAILED_PRECONDITION = "FAILED_PRECONDITION"
    ETAG_MISMATCH = "ETAG_MISMATCH"
    REQUEST_ID_REUSED = "REQUEST_ID_REUSED"
    TOKEN_MISSING = "TOKEN_MISSING"
    TOKEN_INVALID = "TOKEN_INVALID"
    TOKEN_EXPIRED = "TOKEN_EXPIRED"
    ACCESS_DENIED = "ACCESS_DENIED"
    RATE_LIMITED = "RATE_LIMITED"
    OVERLOADED = "OVERLOADED"
    DEPENDENCY_UNAVAILABLE = "DEPENDENCY_UNAVAILABLE"
    MODEL_NOT_READY = "MODEL_NOT_READY"
    DEADLINE_EXCEEDED = "DEADLINE_EXCEEDED"
    NOT_IMPLEMENTED = "NOT_IMPLEMENTED"
    INTERNAL = "INTERNAL"
    DATA_CORRUPT = "DATA_CORRUPT"
    CANCELLED = "CANCELLED"
    CREDENTIALS_INVALID = "CREDENTIALS_INVALID"
    TOKEN_REVOKED = "TOKEN_REVOKED"
    TICKET_INVALID = "TICKET_INVALID"
    SECOND_FACTOR_INVALID = "SECOND_FACTOR_INVALID"
    PASSWORD_WEAK = "PASSWORD_WEAK"
    RECENT_SIGN_IN_REQUIRED = "RECENT_SIGN_IN_REQUIRED"
    LAST_SIGN_IN_METHOD = "LAST_SIGN_IN_METHOD"
    PROVIDER_FAILED = "PROVIDER_FAILED"
    ROUTE_NOT_FOUND = "ROUTE_NOT_FOUND"
    METHOD_NOT_ALLOWED = "METHOD_NOT_ALLOWED"
    BODY_TOO_LARGE = "BODY_TOO_LARGE"
    SECOND_FACTOR_REQUIRED = "SECOND_FACTOR_REQUIRED"


class CineError(Exception):
    """A failure that the caller may be told about: its message reaches the client as it is.

    Attributes:
        code: gRPC code, owned by the class.
        reason: stable machine-readable cause.
        message: one sentence for people; never a secret, an address or a path.
        violations: `(field, description)` pairs; the field is a path in the request, such as `genre[0]`.
        retry_after: seconds after which trying again makes sense; None when it does not.
        metadata: further string facts for `ErrorInfo.metadata`.
    """

    code: ClassVar[Code] = Code.INTERNAL
    default_reason: ClassVar[Reason] = Reason.INTERNAL

    def __init__(
        self,
        message: str,
        *,
        reason: Reason | None = None,
        violations: Sequence[tuple[str, str]] = (),
        retry_after: float | None = None,
        metadata: Mapping[str, str] | None = None,
    ) -> None:
        """Stores what the client is to be told."""
        super().__init__(message)
        self.message = message
        self.reason = reason if reason is not None else self.default_reason
        self.violations = tuple(violations)
        self.retry_after = retry_after
        self.metadata: dict[str, str] = dict(metadata or {})


class InvalidArgument(CineError):
    """The request breaks a rule whatever the state of the system; name the fields in `violations`."""

    code = Code.INVALID_ARGUMENT
    default_reason = Reason.INVALID_FIELD


class NotFound(CineError):
    """The resource does not exist, or the caller may not see it."""

    code = Code.NOT_FOUND
    default_reason = Reason.NOT_FOUND


class AlreadyExists(CineError):
    """A resource with this key exists already."""

    code = Code.ALREADY_EXISTS
    default_reason = Reason.ALREADY_EXISTS


class FailedPrecondition(CineError):
    """The system is not in the state that the call needs, and trying again alone does not help."""

    code = Code.FAILED_PRECONDITION
    default_reason = Reason.FAILED_PRECONDITION


class Aborted(CineError):
    """Another change came first: read again, then try again."""

    code = Code.ABORTED
    default_reason = Reason.ETAG_MISMATCH


class Unauthenticated(CineError):
    """No credentials, or credentials that do not verify."""

    code = Code.UNAUTHENTICATED
    default_reason = Reason.TOKEN_MISSING


class PermissionDenied(CineError):
    """The caller is known and may not do this."""

    code = Code.PERMISSION_DENIED
    default_reason = Reason.ACCESS_DENIED


class ResourceExhausted(CineError):
    """Too many calls or too much work; `retry_after` says when to come back."""

    code = Code.RESOURCE_EXHAUSTED
    default_reason = Reason.RATE_LIMITED


class Unavailable(CineError):
    """Something this call needs does not answer now; trying again may help."""

    code = Code.UNAVAILABLE
    default_reason = Reason.DEPENDENCY_UNAVAILABLE


class DeadlineExceeded(CineError):
    """The time the caller gave ran out."""

    code = Code.DEADLINE_EXCEEDED
    default_reason = Reason.DEADLINE_EXCEEDED


class NotImplementedYet(CineError):
    """The contract has this call and this version does not answer it yet."""

    code = Code.UNIMPLEMENTED
    default_reason = Reason.NOT_IMPLEMENTED


class DataLoss(CineError):
    """Stored data fails its checksum."""

    code = Code.DATA_LOSS
    default_reason = Reason.DATA_CORRUPT


class Internal(CineError):
    """A fault of ours with a message that is safe to show; anything else raised is masked."""

    code = Code.INTERNAL
    default_reason = Reason.INTERNAL
