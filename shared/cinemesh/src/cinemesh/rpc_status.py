"""How a failure travels: `google.rpc.Status` with its details, written by servers and read by clients."""

from __future__ import annotations

from typing import Any, Final

import grpc
from google.protobuf import any_pb2, duration_pb2
from google.protobuf.message import DecodeError
from google.rpc import error_details_pb2, status_pb2

from cinemesh import errors
from cinemesh.errors import CineError, Code, Reason

STATUS_DETAILS: Final = "grpc-status-details-bin"
STATUS_CODES: Final[dict[Code, grpc.StatusCode]] = {Code(code.value[0]): code for code in grpc.StatusCode}
# gRPC starts to refuse trailers at 8 KiB, and the message travels twice.
_MAX_MESSAGE: Final = 1000
_MAX_FIELD: Final = 100
_MAX_VIOLATIONS_TEXT: Final = 3000
_CLASSES: Final[dict[Code, type[CineError]]] = {
    kind.code: kind
    for kind in (
        errors.InvalidArgument,
        errors.NotFound,
        errors.AlreadyExists,
        errors.FailedPrecondition,
        errors.Aborted,
        errors.Unauthenticated,
        errors.PermissionDenied,
        errors.ResourceExhausted,
        errors.Unavailable,
        errors.DeadlineExceeded,
        errors.NotImplementedYet,
        errors.DataLoss,
        errors.Internal,
    )
}


def code_of(code: Any) -> Code:
    """Returns a status code of grpc, or its number, as ours; what is neither is UNKNOWN."""
    number = code.value[0] if isinstance(code, grpc.StatusCode) else code
    try:
        return Code(number)
    except ValueError:
        return Code.UNKNOWN


def status_of(failure: CineError, domain: str, request_id: str) -> status_pb2.Status:
    """Returns a failure as `google.rpc.Status`, cut to what trailers carry."""
    status = status_pb2.Status(code=int(failure.code), message=_cut(failure.message, _MAX_MESSAGE))
    metadata = {**failure.metadata, "request_id": request_id} if request_id else failure.metadata
    _attach(status, error_details_pb2.ErrorInfo(reason=failure.reason.value, domain=domain, metadata=metadata))
    if failure.violations:
        bad = error_details_pb2.BadRequest()
        room = _MAX_VIOLATIONS_TEXT
        for name, description in failure.violations:
            if room <= 0:
                break
            told = bad.field_violations.add(field=_cut(name, _MAX_FIELD), description=_cut(description, _MAX_MESSAGE))
            room -= len(told.field) + len(told.description) + 20
        _attach(status, bad)
    if failure.retry_after is not None:
        delay = duration_pb2.Duration()
        delay.FromMilliseconds(max(int(failure.retry_after * 1000), 0))
        _attach(status, error_details_pb2.RetryInfo(retry_delay=delay))
    return status


def failure_of(error: grpc.aio.AioRpcError) -> CineError:
    """Returns what a peer answered as the exception it raised: class, reason, violations and retry time.

    An answer without details (a proxy's, or gRPC's own) gets the class and the usual reason of its code.
    """
    code = code_of(error.code())
    kind = _CLASSES.get(code, errors.Internal)
    reason: Reason | None = None
    metadata: dict[str, str] = {}
    violations: list[tuple[str, str]] = []
    retry_after: float | None = None
    for detail in _details(error):
        if detail.TypeName() == "google.rpc.ErrorInfo":
            info = error_details_pb2.ErrorInfo()
            detail.Unpack(info)
            metadata = dict(info.metadata)
            reason = Reason(info.reason) if info.reason in Reason.__members__ else None
        elif detail.TypeName() == "google.rpc.BadRequest":
            bad = error_details_pb2.BadRequest()
            detail.Unpack(bad)
            violations = [(one.field, one.description) for one in bad.field_violations]
        elif detail.TypeName() == "google.rpc.RetryInfo":
            retry = error_details_pb2.RetryInfo()
            detail.Unpack(retry)
            retry_after = retry.retry_delay.ToMilliseconds() / 1000
    return kind(
        error.details() or code.name, reason=reason, violations=violations, retry_after=retry_after, metadata=metadata
    )


def _details(error: grpc.aio.AioRpcError) -> list[any_pb2.Any]:
    for key, value in error.trailing_metadata() or ():
        if key == STATUS_DETAILS and isinstance(value, bytes):
            try:
                return list(status_pb2.Status.FromString(value).details)
            except DecodeError:
                return []
    return []


def _attach(status: status_pb2.Status, detail: Any) -> None:
    packed = any_pb2.Any()
    packed.Pack(detail)
    status.details.append(packed)


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[: most - 1]}…"
