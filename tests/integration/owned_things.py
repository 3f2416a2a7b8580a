"""What the access table needs to know of a thing that belongs to somebody."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from google.protobuf.message import Message

from cinemesh.errors import Code


@dataclass(frozen=True)
class Owned:
    """A thing of the owner, and the request that acts on it.

    Attributes:
        request: acts on it.
        remains: whether it still is what it was.
        reads: whether the request changes nothing.
        others: what people are told who may not: NOT_FOUND where they may not even know of it, PERMISSION_DENIED where everybody sees it.
    """

    request: Message
    remains: Callable[[], Awaitable[bool]]
    reads: bool = False
    others: Code = Code.NOT_FOUND
