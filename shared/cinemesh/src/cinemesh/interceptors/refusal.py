"""How a step ends a call with a failure."""

from __future__ import annotations

from cinemesh.errors import CineError
from cinemesh.interceptors.call import Call
from cinemesh.rpc_status import STATUS_CODES, STATUS_DETAILS, status_of


async def refuse(call: Call, failure: CineError, domain: str) -> None:
    """Records the failure for the outer steps, sends the status with its details and raises gRPC's own abort.

    Raises:
        grpc.aio.AbortError: always, once the status is sent.
    """
    call.failure = failure
    call.code = failure.code
    status = status_of(failure, domain, call.info.request_id)
    trailers = (*(call.context.trailing_metadata() or ()), (STATUS_DETAILS, status.SerializeToString()))
    await call.context.abort(STATUS_CODES[failure.code], status.message, trailers)
