"""Request id and log: takes or makes the id, hands it back, writes one line a call. Never bodies, never tokens.

The id goes back in the trailers, where it costs nothing: sending headers of their own first costs more than the rest of the chain
together (107 µs a call). Streams get it in the headers as well, for they may last. Over HTTP the gateway answers with the id anyway.
"""

from __future__ import annotations

import asyncio
import base64
import os
import re
import time
from typing import Any, Final

from cinemesh import telemetry
from cinemesh.errors import Code
from cinemesh.interceptors.call import Call, Equipment, Method, Proceed

REQUEST_ID: Final = "x-request-id"
_ACCEPTED: Final = re.compile(r"[A-Za-z0-9._-]{1,64}\Z")  # anything else could forge log lines or headers
_WARN: Final = frozenset({Code.DEADLINE_EXCEEDED, Code.UNAVAILABLE, Code.RESOURCE_EXHAUSTED})
_ERROR: Final = frozenset({Code.UNKNOWN, Code.INTERNAL, Code.DATA_LOSS})
_CROCKFORD: Final = bytes.maketrans(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", b"0123456789ABCDEFGHJKMNPQRSTVWXYZ")


def new_request_id() -> str:
    """Returns a ULID: 26 characters that sort by time. The library for it takes 70 µs, a third of a call."""
    value = time.time_ns() // 1_000_000 << 80 | int.from_bytes(os.urandom(10), "big")
    return base64.b32encode(value.to_bytes(20, "big"))[6:].translate(_CROCKFORD).decode()


def step(method: Method, equipment: Equipment, proceed: Proceed) -> Proceed:
    """Wraps the chain in an id and a log line."""
    usual = "debug" if method.infrastructure else "info"
    write = telemetry.line_writer(equipment.application, "call", method=method.path)

    async def around(call: Call) -> Any:
        given = call.header(REQUEST_ID)
        call.info.request_id = given if given and _ACCEPTED.match(given) else new_request_id()
        echo = ((REQUEST_ID, call.info.request_id),)
        if method.server_streaming:
            await call.context.send_initial_metadata(echo)
        call.context.set_trailing_metadata(echo)
        try:
            return await proceed(call)
        except asyncio.CancelledError:
            if call.code is Code.OK:
                call.code = Code.CANCELLED
            raise
        finally:
            level = "error" if call.code in _ERROR else "warning" if call.code in _WARN else usual
            write(
                level,
                code=call.code.name,
                reason=call.failure.reason.value if call.failure is not None else "",
                ms=round((time.perf_counter() - call.started) * 1000, 3),
                principal=call.info.principal.kind,
                peer=call.context.peer(),
            )

    return around
