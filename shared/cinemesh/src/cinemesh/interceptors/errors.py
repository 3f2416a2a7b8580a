"""Errors: what a service raises becomes a status with details; what it did not mean to raise is masked and logged."""

from __future__ import annotations

import asyncio
from typing import Any

import grpc

from cinemesh import telemetry
from cinemesh.errors import CineError, Code, DeadlineExceeded, Internal, Unavailable
from cinemesh.interceptors.call import Call, Equipment, Method, Proceed
from cinemesh.interceptors.refusal import refuse
from cinemesh.rpc_status import code_of

_PEER_IS_AWAY = frozenset(
    {grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.RESOURCE_EXHAUSTED, grpc.StatusCode.DEADLINE_EXCEEDED}
)


def step(method: Method, equipment: Equipment, proceed: Proceed) -> Proceed:  # noqa: ARG001
    """Wraps the chain in the one place where exceptions turn into statuses."""
    domain = equipment.domain
    log = telemetry.logger(equipment.application)

    async def around(call: Call) -> Any:
        try:
            return await proceed(call)
        except asyncio.CancelledError:
            # never swallowed: the task must end as cancelled
            call.code = Code.DEADLINE_EXCEEDED if call.info.time_left() == 0 else Code.CANCELLED
            raise
        except grpc.aio.AbortError:
            # a third-party servicer (health, reflection) ended the call itself; its status is sent already
            call.code = code_of(call.context.code())
            raise
        except Exception as error:
            failure = explain(error, call)
            if failure is None:
                call.fault = error
                log.exception("unexpected error", method=call.method.path)
                failure = Internal(f"internal error, request id {call.info.request_id}")
        return await refuse(call, failure, domain)

    return around


def explain(error: BaseException, call: Call) -> CineError | None:
    """Returns what the client may be told about an exception; None when it must be masked."""
    if isinstance(error, CineError):
        return error
    if isinstance(error, BaseExceptionGroup):  # a TaskGroup wraps what its tasks raised
        told = [explain(inner, call) for inner in error.exceptions]
        return told[0] if all(told) else None
    if isinstance(error, grpc.aio.AioRpcError) and error.code() in _PEER_IS_AWAY:
        if call.info.time_left() == 0:
            return DeadlineExceeded("the time given ran out while waiting for another service")
        return Unavailable("a service this call needs does not answer")
    return None
