"""The messages that Envoy and a rate limit service exchange, as far as they are used here.

They are built from the field numbers of Envoy's public API (`envoy/service/ratelimit/v3/rls.proto`) under names of our own: the
package that holds the generated ones shares its name, `envoy`, with the one that brings Envoy itself, and only numbers and types
travel. Fields that are not listed are skipped when read.
"""

from __future__ import annotations

from typing import Any, Final

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

SERVICE: Final = "envoy.service.ratelimit.v3.RateLimitService"
METHOD: Final = "ShouldRateLimit"
OK: Final = 1
OVER_LIMIT: Final = 2
USER_ENTRY: Final = "user"
"""What the limiter is told of a call with a verified token: its `sub`."""
ADDRESS_ENTRY: Final = "masked_remote_address"
"""What it is told of every call: the address it came from, of IPv6 the network. The name is Envoy's."""
COUNTED_HEADER: Final = "x-envoy-counted"
"""Put on a request that the limiter has seen; Envoy's own limit counts those without it. Clients cannot send it."""

_Field = descriptor_pb2.FieldDescriptorProto
_STRING, _BYTES, _UINT32, _ENUM = _Field.TYPE_STRING, _Field.TYPE_BYTES, _Field.TYPE_UINT32, _Field.TYPE_UINT32
_PACKAGE: Final = "cine.gateway.limiter"
# message → (number, name, type or message, repeated); an enum travels as a number
_MESSAGES: Final[dict[str, list[tuple[int, str, Any, bool]]]] = {
    "Entry": [(1, "key", _STRING, False), (2, "value", _STRING, False)],
    "Descriptor": [(1, "entries", "Entry", True)],
    "Request": [(1, "domain", _STRING, False), (2, "descriptors", "Descriptor", True)],
    "Header": [(1, "key", _STRING, False), (2, "value", _STRING, False)],
    "Response": [
        (1, "overall_code", _ENUM, False),
        (3, "response_headers_to_add", "Header", True),
        (4, "request_headers_to_add", "Header", True),
        (5, "raw_body", _BYTES, False),
    ],
}


def _built() -> dict[str, Any]:
    file = descriptor_pb2.FileDescriptorProto(name="cine/gateway/limiter.proto", package=_PACKAGE, syntax="proto3")
    for name, fields in _MESSAGES.items():
        message = file.message_type.add(name=name)
        for number, field, kind, repeated in fields:
            added = message.field.add(name=field, number=number)
            added.label = _Field.LABEL_REPEATED if repeated else _Field.LABEL_OPTIONAL
            if isinstance(kind, str):
                added.type, added.type_name = _Field.TYPE_MESSAGE, f".{_PACKAGE}.{kind}"
            else:
                added.type = kind
    pool = descriptor_pool.DescriptorPool()  # of its own: nobody else needs to find these
    pool.Add(file)
    return {
        name: message_factory.GetMessageClass(pool.FindMessageTypeByName(f"{_PACKAGE}.{name}")) for name in _MESSAGES
    }


_classes: Final = _built()
Request: Final[Any] = _classes["Request"]
"""`RateLimitRequest`: `domain`, and `descriptors` of `entries` with `key` and `value`."""
Response: Final[Any] = _classes["Response"]
"""`RateLimitResponse`: `overall_code`, headers to add to the answer and to the request, the body of a refusal."""
