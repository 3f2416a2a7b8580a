"""Finds what is wrong with bytes that protobuf refuses, so that the error names the field."""

from __future__ import annotations

from google.protobuf.descriptor import Descriptor, FieldDescriptor

_VARINT, _FIXED64, _LENGTH, _START_GROUP, _END_GROUP, _FIXED32 = range(6)
_MAX_DEPTH = 100
BROKEN = "is not a valid protobuf message"
NOT_UTF8 = "is not valid UTF-8"


class _Broken(Exception):
    pass


def locate_fault(raw: bytes, descriptor: Descriptor) -> tuple[str, str]:
    """Returns the path of the field at fault and what is wrong; the path is empty when the framing is broken."""
    try:
        found = _scan(memoryview(raw), descriptor, "", 0)
    except _Broken as broken:
        found = (str(broken), BROKEN)
    return found or ("", BROKEN)


def _scan(data: memoryview, descriptor: Descriptor, prefix: str, depth: int) -> tuple[str, str] | None:
    if depth > _MAX_DEPTH:
        raise _Broken(prefix.rstrip("."))
    position = 0
    seen: dict[int, int] = {}
    while position < len(data):
        tag, position = _varint(data, position, prefix)
        field = descriptor.fields_by_number.get(tag >> 3)
        wire_type = tag & 7
        if wire_type == _LENGTH:
            size, position = _varint(data, position, prefix)
            if position + size > len(data):
                raise _Broken(prefix + field.name if field else prefix.rstrip("."))
            if field is not None:
                found = _look(data[position : position + size], field, prefix, seen, depth)
                if found is not None:
                    return found
            position += size
        elif wire_type == _VARINT:
            _, position = _varint(data, position, prefix)
        elif wire_type in (_FIXED64, _FIXED32):
            position += 8 if wire_type == _FIXED64 else 4
            if position > len(data):
                raise _Broken(prefix + field.name if field else prefix.rstrip("."))
        else:
            raise _Broken(prefix.rstrip("."))
    return None


def _look(
    chunk: memoryview, field: FieldDescriptor, prefix: str, seen: dict[int, int], depth: int
) -> tuple[str, str] | None:
    path = prefix + field.name
    if field.is_repeated:
        index = seen.get(field.number, 0)
        seen[field.number] = index + 1
        path = f"{path}[{index}]"
    if field.type == FieldDescriptor.TYPE_STRING:
        try:
            str(chunk, "utf-8")
        except UnicodeDecodeError:
            return path, NOT_UTF8
    elif field.type == FieldDescriptor.TYPE_MESSAGE and field.message_type is not None:
        return _scan(chunk, field.message_type, f"{path}.", depth + 1)
    return None


def _varint(data: memoryview, position: int, prefix: str) -> tuple[int, int]:
    value = shift = 0
    while position < len(data) and shift < 70:
        byte = data[position]
        position += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, position
        shift += 7
    raise _Broken(prefix.rstrip("."))
