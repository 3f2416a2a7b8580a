"""Deadline: knows when the caller stops waiting, refuses what is already late, gives an end to calls that have none."""

from __future__ import annotations

import asyncio
import time
from typing import Any

from cinemesh.errors import DeadlineExceeded
from cinemesh.interceptors.call import Call, Equipment, Method, Proceed
from cinemesh.interceptors.refusal import refuse


def step(method: Method, equipment: Equipment, proceed: Proceed) -> Proceed:
    """Wraps the chain in the time the caller gave; `cinemesh.client` hands on what is left of it."""
    domain = equipment.domain
    default = equipment.settings.default_deadline_seconds
    # a stream of answers may well be meant to last (a feed): it ends when its caller goes away
    endless = method.server_streaming

    async def around(call: Call) -> Any:
        # typed as always a number; without a deadline it is None
        left: float | None = call.context.time_remaining()
        if left is not None:
            if left <= 0:
                await refuse(call, DeadlineExceeded("the deadline had passed before the call arrived"), domain)
            # gRPC cancels the handler itself when the caller's deadline passes: no timer of our own
            call.info.deadline = time.monotonic() + left
            return await proceed(call)
        if endless:
            return await proceed(call)
        call.info.deadline = time.monotonic() + default
        scope = asyncio.timeout(default)
        try:
            async with scope:
                return await proceed(call)
        except TimeoutError:
            if not scope.expired():
                raise
        late = DeadlineExceeded(f"no answer within {default:g} s; the call gave no deadline")
        return await refuse(call, late, domain)

    return around
