"""Messages and fields as JSON Schema, the way Envoy's transcoder writes and reads them."""

from __future__ import annotations

from collections import Counter
from typing import Any

from google.protobuf.descriptor_pb2 import DescriptorProto, FieldDescriptorProto

from cine_gateway.contracts import Contracts
from cine_gateway.openapi import examples, rules

Schema = dict[str, Any]
HTTP_BODY = "google.api.HttpBody"

_INT32 = {"type": "integer", "format": "int32", "minimum": -(2**31), "maximum": 2**31 - 1}
_UINT32 = {"type": "integer", "format": "int64", "minimum": 0, "maximum": 2**32 - 1}
# JSON numbers lose digits above 2^53, so 64 bits travel as text
_INT64 = {"type": "string", "format": "int64", "pattern": "^-?[0-9]{1,19}$"}
_UINT64 = {"type": "string", "format": "uint64", "pattern": "^[0-9]{1,20}$"}
_F = FieldDescriptorProto
_SCALARS: dict[int, Schema] = {
    _F.TYPE_DOUBLE: {"type": "number", "format": "double"},
    _F.TYPE_FLOAT: {"type": "number", "format": "float", "minimum": -3.4e38, "maximum": 3.4e38},
    _F.TYPE_INT32: _INT32,
    _F.TYPE_SINT32: _INT32,
    _F.TYPE_SFIXED32: _INT32,
    _F.TYPE_UINT32: _UINT32,
    _F.TYPE_FIXED32: _UINT32,
    _F.TYPE_INT64: _INT64,
    _F.TYPE_SINT64: _INT64,
    _F.TYPE_SFIXED64: _INT64,
    _F.TYPE_UINT64: _UINT64,
    _F.TYPE_FIXED64: _UINT64,
    _F.TYPE_BOOL: {"type": "boolean"},
    _F.TYPE_STRING: {"type": "string"},
    _F.TYPE_BYTES: {"type": "string", "format": "byte", "contentEncoding": "base64"},
}
_WELL_KNOWN: dict[str, Schema] = {
    "google.protobuf.Timestamp": {"type": "string", "format": "date-time"},
    "google.protobuf.Duration": {"type": "string", "pattern": "^-?[0-9]+(\\.[0-9]{1,9})?s$"},
    "google.protobuf.FieldMask": {"type": "string"},
    "google.protobuf.Struct": {"type": "object"},
    "google.protobuf.Value": {},
    "google.protobuf.ListValue": {"type": "array", "items": {}},
    "google.protobuf.Empty": {"type": "object"},
    "google.protobuf.Any": {"type": "object", "properties": {"@type": {"type": "string"}}, "required": ["@type"]},
    "google.protobuf.BoolValue": {"type": ["boolean", "null"]},
    "google.protobuf.StringValue": {"type": ["string", "null"]},
    "google.protobuf.Int32Value": {**_INT32, "type": ["integer", "null"]},
    "google.protobuf.FloatValue": {"type": ["number", "null"]},
    "google.protobuf.DoubleValue": {"type": ["number", "null"]},
    HTTP_BODY: {"type": "string", "format": "binary"},
}


class Schemas:
    """Turns messages into component schemas as they are asked for."""

    def __init__(self, contracts: Contracts) -> None:
        """Starts with no component."""
        self._contracts = contracts
        self._short = Counter(name.rpartition(".")[2] for name in contracts.messages if name.startswith("cine."))
        self.components: dict[str, Schema] = {}

    def message(self, full_name: str) -> Schema:
        """Returns a reference to the schema of a message, which becomes a component."""
        if full_name in _WELL_KNOWN:
            return dict(_WELL_KNOWN[full_name])
        name = self.component_name(full_name)
        if name not in self.components:
            self.components[name] = {}  # stands here while the fields are read, for messages that hold themselves
            self.components[name] = self.object(full_name)
        return {"$ref": f"#/components/schemas/{name}"}

    def component_name(self, full_name: str) -> str:
        """Returns the short name where it is unique, else the one with its package."""
        short = full_name.rpartition(".")[2]
        return short if self._short[short] <= 1 else full_name.removeprefix("cine.").replace(".", "_")

    def object(self, full_name: str, without: frozenset[str] = frozenset()) -> Schema:
        """Returns the schema of a message itself, without some of its fields."""
        descriptor = self._contracts.messages[full_name]
        properties: Schema = {}
        required: list[str] = []
        for field in descriptor.field:
            if field.name in without:
                continue
            schema = self.field(full_name, field)
            if rules.is_required(field, schema):
                required.append(field.name)
            properties[field.name] = schema
        described = [self._contracts.comments.get(full_name, ""), *(f"{one}." for one in rules.sentences(descriptor))]
        result: Schema = {
            "type": "object",
            "description": " ".join(one for one in described if one),
            "properties": properties,
        }
        if required:
            result["required"] = required
        return result

    def field(self, message: str, field: FieldDescriptorProto) -> Schema:
        """Returns the schema of a field with its comment, rules and an example."""
        own = rules.of(field)
        entry = self._map_entry(field)
        if entry is not None:
            value = next(one for one in entry.field if one.name == "value")
            schema: Schema = {
                "type": "object",
                "additionalProperties": self._value(value, own.map.values),
                **rules.map_keywords(own),
            }
        elif field.label == _F.LABEL_REPEATED:
            items = self._value(field, own.repeated.items)
            if example := examples.of_item(field.name):
                items["examples"] = example
            schema = {"type": "array", "items": items, **rules.list_keywords(own)}
        else:
            schema = self._value(field, own)
            example = examples.of(field.name)
            if example is not None and "$ref" not in schema:
                schema["examples"] = [example]
        if comment := self._contracts.comments.get(f"{message}.{field.name}", ""):
            schema["description"] = comment
        return schema

    def is_repeated_message(self, field: FieldDescriptorProto) -> bool:
        """Whether a field holds several messages, which a query string cannot say."""
        return field.label == _F.LABEL_REPEATED and field.type == _F.TYPE_MESSAGE

    def nested(self, field: FieldDescriptorProto) -> str:
        """Returns the name of the message a field holds, or nothing for scalars and what JSON writes as one."""
        name = field.type_name.lstrip(".")
        return "" if field.type != _F.TYPE_MESSAGE or name in _WELL_KNOWN else name

    def _value(self, field: FieldDescriptorProto, own: Any) -> Schema:
        if field.type == _F.TYPE_MESSAGE:
            return self.message(field.type_name.lstrip("."))
        if field.type == _F.TYPE_ENUM:
            values = self._contracts.enums[field.type_name.lstrip(".")].value
            return {"type": "string", "enum": [one.name for one in values if rules.allows_enum_number(own, one.number)]}
        schema = dict(_SCALARS[field.type])
        found = rules.keywords(own)
        # a rule replaces the bound that the type alone has
        for inclusive, exclusive in (("minimum", "exclusiveMinimum"), ("maximum", "exclusiveMaximum")):
            if exclusive in found:
                schema.pop(inclusive, None)
        return schema | found

    def _map_entry(self, field: FieldDescriptorProto) -> DescriptorProto | None:
        if field.type != _F.TYPE_MESSAGE or field.label != _F.LABEL_REPEATED:
            return None
        found = self._contracts.messages.get(field.type_name.lstrip("."))
        return found if found is not None and found.options.map_entry else None
