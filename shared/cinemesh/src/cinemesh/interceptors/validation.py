"""Validation: reads the request and holds it against its contract; every broken rule is named."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any, cast

import protovalidate
from google.protobuf.descriptor import Descriptor
from google.protobuf.message import DecodeError, Message

from cinemesh.errors import InvalidArgument
from cinemesh.interceptors.call import Call, Equipment, Method, Proceed, Requests
from cinemesh.interceptors.wire import locate_fault

_VALIDATOR = protovalidate.Validator()


def step(method: Method, equipment: Equipment, proceed: Proceed) -> Proceed:  # noqa: ARG001
    """Wraps the chain in reading and checking; the messages of a client stream are checked one by one as they come."""
    request_type = method.request_type

    if method.client_streaming:

        async def around(call: Call) -> Any:
            call.request = _each(call.request, request_type)
            return await proceed(call)

    else:

        async def around(call: Call) -> Any:
            call.request = read(call.request, request_type)
            return await proceed(call)

    return around


async def _each(raw: Requests, request_type: type[Message]) -> AsyncIterator[Message]:
    async for item in raw:
        yield read(item, request_type)


def read(raw: bytes, request_type: type[Message]) -> Message:
    """Parses and checks a message.

    Raises:
        InvalidArgument: it cannot be read, or it breaks a rule; `violations` names every field.
    """
    try:
        message = request_type.FromString(raw)
    except DecodeError:
        field, problem = locate_fault(raw, cast(Descriptor, request_type.DESCRIPTOR))
        where = f"{field}: " if field else ""
        raise InvalidArgument(f"the request cannot be read: {where}{problem}", violations=[(field, problem)]) from None
    check(message)
    return message


def check(message: Message) -> None:
    """Holds a message against its rules; also for messages that came by another way, such as a file.

    Raises:
        InvalidArgument: it breaks at least one; the violations come in the order of the contract's fields.
    """
    found = _VALIDATOR.collect_violations(message)
    if not found:
        return
    descriptor = cast(Descriptor, message.DESCRIPTOR)
    order = {field.name: index for index, field in enumerate(descriptor.fields)}
    violations = [_told(violation.proto) for violation in found]
    violations.sort(key=lambda pair: order.get(_head(pair[0]), len(order)))
    summary = "; ".join(
        f"{field} {text}" if field and not text.startswith(field) else text for field, text in violations[:5]
    )
    if len(violations) > 5:
        summary += f"; and {len(violations) - 5} more"
    raise InvalidArgument(summary, violations=violations)


def _head(path: str) -> str:
    return path.split(".", 1)[0].split("[", 1)[0]


def _told(violation: Any) -> tuple[str, str]:
    path = _path(violation.field)
    text = _plainly(violation.rule_id, violation.message)
    if not path:
        # a rule over the whole message: its id starts with the field to blame ("year_max.before_year_min")
        path = violation.rule_id.split(".", 1)[0]
    return path, text


def _plainly(rule_id: str, message: str) -> str:
    """Returns the rule's own message, reworded where it reads badly."""
    if message == "must be at least 1 characters":
        return "must not be empty"
    if rule_id.endswith(".in") and message.startswith("must be in list ["):
        return f"must be one of {', '.join(name for name in message[17:-1].split(', ') if name)}"
    return message or f"breaks the rule {rule_id}"


def _path(field: Any) -> str:
    """Returns a field path as people write it: `filters.genre[2]`, `weights["plot"]`."""
    if field is None:
        return ""
    parts: list[str] = []
    for element in field.elements:
        parts.append(f".{element.field_name}" if parts else element.field_name)
        parts.append(_subscript(element.subscript))
    return "".join(parts)


def _subscript(subscript: Any) -> str:
    if subscript is None:
        return ""
    value = subscript.value
    return f'["{value}"]' if isinstance(value, str) else f"[{value}]"
