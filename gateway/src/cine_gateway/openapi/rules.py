"""Validation rules of a field (protovalidate) as JSON Schema keywords."""

from __future__ import annotations

from typing import Any

from buf.validate import validate_pb2
from google.protobuf import descriptor_pb2

Schema = dict[str, Any]

_FORMATS = {
    "email": "email",
    "hostname": "hostname",
    "ip": "ip",
    "ipv4": "ipv4",
    "ipv6": "ipv6",
    "uri": "uri",
    "uri_ref": "uri-reference",
    "uuid": "uuid",
}
_NUMBERS = frozenset(
    {
        "float",
        "double",
        "int32",
        "int64",
        "uint32",
        "uint64",
        "sint32",
        "sint64",
        "fixed32",
        "fixed64",
        "sfixed32",
        "sfixed64",
    }
)


def of(field: descriptor_pb2.FieldDescriptorProto) -> validate_pb2.FieldRules:
    """Returns the rules of a field; empty ones when it has none."""
    return field.options.Extensions[validate_pb2.field]


def keywords(rules: validate_pb2.FieldRules) -> Schema:
    """Returns the keywords for a scalar or enum field, or for an item of a list."""
    kind = rules.WhichOneof("type")
    if kind == "string":
        return _string(rules.string)
    if kind == "bytes":
        # base64 makes four characters of three bytes
        return {"maxLength": -(-rules.bytes.max_len // 3) * 4} if rules.bytes.HasField("max_len") else {}
    if kind in _NUMBERS:
        return _number(getattr(rules, kind))
    if kind == "bool" and rules.bool.HasField("const"):
        return {"const": rules.bool.const}
    return {}


def list_keywords(rules: validate_pb2.FieldRules) -> Schema:
    """Returns the keywords for a list as a whole."""
    if rules.WhichOneof("type") != "repeated":
        return {}
    found: Schema = {}
    if rules.repeated.HasField("min_items"):
        found["minItems"] = rules.repeated.min_items
    if rules.repeated.HasField("max_items"):
        found["maxItems"] = rules.repeated.max_items
    if rules.repeated.unique:
        found["uniqueItems"] = True
    return found


def map_keywords(rules: validate_pb2.FieldRules) -> Schema:
    """Returns the keywords for a map as a whole."""
    if rules.WhichOneof("type") != "map":
        return {}
    found: Schema = {}
    if rules.map.HasField("min_pairs"):
        found["minProperties"] = rules.map.min_pairs
    if rules.map.HasField("max_pairs"):
        found["maxProperties"] = rules.map.max_pairs
    return found


def allows_enum_number(rules: validate_pb2.FieldRules, number: int) -> bool:
    """Whether the rules let an enum field hold a value."""
    if rules.WhichOneof("type") != "enum":
        return True
    allowed = getattr(rules.enum, "in")
    return (not allowed or number in allowed) and number not in rules.enum.not_in


def is_required(field: descriptor_pb2.FieldDescriptorProto, schema: Schema) -> bool:
    """Whether leaving the field out breaks a rule: it is marked so, or its zero value would.

    `schema` is the field's own, with its keywords.
    """
    rules = of(field)
    if rules.required:
        return True
    if (
        field.proto3_optional
        or rules.ignore == validate_pb2.IGNORE_IF_ZERO_VALUE
        or rules.ignore == validate_pb2.IGNORE_ALWAYS
    ):
        return False
    if schema.get("minLength", 0) > 0 or schema.get("minItems", 0) > 0 or schema.get("minProperties", 0) > 0:
        return True
    if schema.get("type") in {"integer", "number"} and (
        schema.get("minimum", 0) > 0
        or schema.get("exclusiveMinimum", -1) >= 0
        or schema.get("maximum", 0) < 0
        or schema.get("exclusiveMaximum", 1) <= 0
    ):
        return True
    if rules.WhichOneof("type") == "enum":
        return not allows_enum_number(rules, 0)
    if rules.WhichOneof("type") == "string" and (schema.get("format") or "enum" in schema or "const" in schema):
        return "" not in schema.get("enum", [schema.get("const")])
    return False


def sentences(message: descriptor_pb2.DescriptorProto) -> list[str]:
    """Returns what the rules over a whole message say in words."""
    rules = message.options.Extensions[validate_pb2.message]
    return [rule.message for rule in rules.cel if rule.message]


def _string(rules: validate_pb2.StringRules) -> Schema:
    found: Schema = {}
    if rules.HasField("min_len"):
        found["minLength"] = rules.min_len
    if rules.HasField("max_len"):
        found["maxLength"] = rules.max_len
    if rules.HasField("len"):
        found["minLength"] = found["maxLength"] = rules.len
    if rules.HasField("pattern"):
        found["pattern"] = rules.pattern
    if rules.HasField("const"):
        found["const"] = rules.const
    if allowed := list(getattr(rules, "in")):
        found["enum"] = allowed
    well_known = rules.WhichOneof("well_known")
    if well_known in _FORMATS and getattr(rules, well_known):
        found["format"] = _FORMATS[well_known]
    return found


def _number(rules: Any) -> Schema:
    found: Schema = {}
    for name, keyword in (
        ("gte", "minimum"),
        ("gt", "exclusiveMinimum"),
        ("lte", "maximum"),
        ("lt", "exclusiveMaximum"),
    ):
        if rules.HasField(name):
            found[keyword] = getattr(rules, name)
    if rules.HasField("const"):
        found["const"] = rules.const
    if allowed := list(getattr(rules, "in")):
        found["enum"] = allowed
    return found
