"""The contracts as the gateway sees them: services, methods, REST bindings and comments, read from the descriptor set.

Nothing here names a service. What `scripts/generate.py` compiled is what the gateway routes and documents, so a new call needs
no change in this room.
"""

from __future__ import annotations

import functools
import importlib.util
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from buf.validate import validate_pb2
from google.api import annotations_pb2, http_pb2, httpbody_pb2
from google.protobuf import any_pb2, descriptor_pb2, duration_pb2
from google.rpc import error_details_pb2, status_pb2

from cine.common.v1 import access_pb2

PACKAGE = re.compile(r"^cine\.(?P<owner>[a-z]+)\.v\d+$")
VARIABLE = re.compile(r"\{(?P<name>[^=}]+)(?:=(?P<pattern>[^}]+))?\}")
SAFE_VERBS = frozenset({"GET", "HEAD"})

# Messages that no contract imports, but that travel as `Any` inside an error or as a raw body: without their descriptors the
# transcoder could not turn an error into JSON.
_FOR_ERRORS = (any_pb2, duration_pb2, status_pb2, error_details_pb2, httpbody_pb2)
# Parsing keeps an option only if its extension is registered, which importing these does.
_EXTENSIONS = (annotations_pb2, access_pb2, validate_pb2)
_HTTP: Any = annotations_pb2.http  # its published type leaves out which message it extends


class ContractsMissingError(RuntimeError):
    """The descriptor set has not been generated."""


@dataclass(frozen=True)
class Binding:
    """One REST form of a method."""

    verb: str
    path: str
    body: str
    response_body: str

    @property
    def variables(self) -> tuple[str, ...]:
        """Names of the path variables, in order, such as `("movie_id",)`."""
        return tuple(found["name"] for found in VARIABLE.finditer(self.path))

    @property
    def literal(self) -> bool:
        """Whether the path has no variable."""
        return "{" not in self.path

    @property
    def regex(self) -> str:
        """An RE2 expression for the whole path, with or without a trailing slash."""
        parts: list[str] = []
        end = 0
        for found in VARIABLE.finditer(self.path):
            parts.append(re.escape(self.path[end : found.start()]))
            segments = (found["pattern"] or "*").split("/")
            parts.append("/".join({"*": "[^/]+", "**": ".*"}.get(s, re.escape(s)) for s in segments))
            end = found.end()
        parts.append(re.escape(self.path[end:].rstrip("/") if end < len(self.path) else ""))
        return "".join(parts).replace(r"\-", "-") + "/?"


@dataclass(frozen=True)
class Method:
    """One call of a service."""

    service: str
    name: str
    input_type: str
    output_type: str
    client_streaming: bool
    server_streaming: bool
    access: access_pb2.Access.ValueType
    before_second_factor: bool
    bindings: tuple[Binding, ...]
    comment: str
    idempotent: bool

    @property
    def path(self) -> str:
        """Path of the native call, such as `/cine.catalog.v1.CatalogService/GetMovie`."""
        return f"/{self.service}/{self.name}"

    @property
    def safe(self) -> bool:
        """Whether sending the call twice does no harm: its contract says so, or every REST form of it is a GET."""
        return self.idempotent or (bool(self.bindings) and all(binding.verb in SAFE_VERBS for binding in self.bindings))

    @property
    def internal(self) -> bool:
        """Whether only services of the mesh may call it."""
        return self.access == access_pb2.ACCESS_SERVICE


@dataclass(frozen=True)
class Service:
    """One gRPC service. `owner` is the process that serves it: the package's second word."""

    full_name: str
    owner: str
    methods: tuple[Method, ...]
    comment: str

    @property
    def name(self) -> str:
        """Name without the package."""
        return self.full_name.rpartition(".")[2]

    @property
    def has_rest(self) -> bool:
        """Whether any method has a REST form."""
        return any(method.bindings for method in self.methods)


@dataclass(frozen=True)
class Contracts:
    """Everything the descriptor set says."""

    services: tuple[Service, ...]
    messages: Mapping[str, descriptor_pb2.DescriptorProto]
    enums: Mapping[str, descriptor_pb2.EnumDescriptorProto]
    comments: Mapping[str, str]
    files: descriptor_pb2.FileDescriptorSet = field(repr=False)

    def methods(self) -> Iterator[Method]:
        """Yields every method of every service."""
        for service in self.services:
            yield from service.methods

    def field(self, message: str, path: str) -> descriptor_pb2.FieldDescriptorProto:
        """Returns the field at a dotted path below a message."""
        return self.holder(message, path)[1]

    def holder(self, message: str, path: str) -> tuple[str, descriptor_pb2.FieldDescriptorProto]:
        """Returns the message that holds the last part of a dotted path, and that field."""
        first, _, rest = path.partition(".")
        found = next(one for one in self.messages[message].field if one.name == first)
        return self.holder(found.type_name.lstrip("."), rest) if rest else (message, found)

    def serialized(self) -> bytes:
        """Returns the descriptor set for Envoy: without comments, with the messages that errors carry.

        Bindings that only add a trailing slash are left out: Envoy's path matcher ignores a trailing slash in a request and
        refuses to start on one in a template.
        """
        result = descriptor_pb2.FileDescriptorSet()
        present = set()
        for file in self.files.file:
            copy = result.file.add()
            copy.CopyFrom(file)
            copy.ClearField("source_code_info")
            _drop_slash_forms(copy)
            present.add(file.name)
        for module in _FOR_ERRORS:
            if module.DESCRIPTOR.name not in present:
                module.DESCRIPTOR.CopyToProto(result.file.add())
                present.add(module.DESCRIPTOR.name)
        return result.SerializeToString(deterministic=True)


def default_path() -> Path:
    """Returns where the generated descriptor set lies: beside the generated `cine` package."""
    spec = importlib.util.find_spec("cine")
    for location in (spec.submodule_search_locations or ()) if spec else ():
        candidate = Path(location).parent / "descriptors.binpb"
        if candidate.is_file():
            return candidate
    raise ContractsMissingError("descriptors.binpb is missing: run `python scripts/generate.py`")


@functools.lru_cache(maxsize=4)
def load(path: Path | None = None) -> Contracts:
    """Reads the descriptor set at `path`, by default the generated one.

    Raises:
        ContractsMissingError: there is none.
    """
    return parse((path or default_path()).read_bytes())


def parse(data: bytes) -> Contracts:
    """Reads a serialized FileDescriptorSet with source info."""
    files = descriptor_pb2.FileDescriptorSet.FromString(data)
    services: list[Service] = []
    messages: dict[str, descriptor_pb2.DescriptorProto] = {}
    enums: dict[str, descriptor_pb2.EnumDescriptorProto] = {}
    comments: dict[str, str] = {}
    for file in files.file:
        comments.update(_comments(file))
        for message in file.message_type:
            _collect(message, f"{file.package}.{message.name}", messages, enums)
        for enum in file.enum_type:
            enums[f"{file.package}.{enum.name}"] = enum
    for file in files.file:
        package = PACKAGE.match(file.package)
        if package is None:
            continue
        for service in file.service:
            full_name = f"{file.package}.{service.name}"
            methods = tuple(_method(full_name, method, comments) for method in service.method)
            services.append(Service(full_name, package["owner"], methods, comments.get(full_name, "")))
    return Contracts(tuple(services), messages, enums, comments, files)


def _collect(
    message: descriptor_pb2.DescriptorProto,
    full_name: str,
    messages: dict[str, descriptor_pb2.DescriptorProto],
    enums: dict[str, descriptor_pb2.EnumDescriptorProto],
) -> None:
    messages[full_name] = message
    for nested in message.nested_type:
        _collect(nested, f"{full_name}.{nested.name}", messages, enums)
    for enum in message.enum_type:
        enums[f"{full_name}.{enum.name}"] = enum


def _method(service: str, method: descriptor_pb2.MethodDescriptorProto, comments: Mapping[str, str]) -> Method:
    bindings: list[Binding] = []
    if method.options.HasExtension(_HTTP):
        rule: http_pb2.HttpRule = method.options.Extensions[_HTTP]
        bindings = [_binding(one) for one in (rule, *rule.additional_bindings)]
    return Method(
        service=service,
        name=method.name,
        input_type=method.input_type.lstrip("."),
        output_type=method.output_type.lstrip("."),
        client_streaming=method.client_streaming,
        server_streaming=method.server_streaming,
        access=method.options.Extensions[access_pb2.access],
        before_second_factor=method.options.Extensions[access_pb2.before_second_factor],
        bindings=tuple(bindings),
        comment=comments.get(f"{service}.{method.name}", ""),
        idempotent=method.options.idempotency_level != descriptor_pb2.MethodOptions.IDEMPOTENCY_UNKNOWN,
    )


def _drop_slash_forms(file: descriptor_pb2.FileDescriptorProto) -> None:
    for service in file.service:
        for method in service.method:
            if not method.options.HasExtension(_HTTP):
                continue
            rule: http_pb2.HttpRule = method.options.Extensions[_HTTP]
            kept = [one for one in rule.additional_bindings if not _binding(one).path.endswith("/")]
            del rule.additional_bindings[:]
            rule.additional_bindings.extend(kept)


def _binding(rule: http_pb2.HttpRule) -> Binding:
    verb = rule.WhichOneof("pattern") or ""
    if verb == "custom":
        return Binding(rule.custom.kind.upper(), rule.custom.path, rule.body, rule.response_body)
    return Binding(verb.upper(), getattr(rule, verb), rule.body, rule.response_body)


def _comments(file: descriptor_pb2.FileDescriptorProto) -> Iterator[tuple[str, str]]:
    """Yields the full name and the leading comment of everything in a file that has one."""
    for location in file.source_code_info.location:
        if location.leading_comments and (name := _name_at(file, location.path)):
            lines = (line.strip() for line in location.leading_comments.strip().splitlines())
            yield name, " ".join(line for line in lines if line)


# Field numbers of descriptor.proto that a location's path is made of: (parent kind, number) → (list attribute, child kind).
_STEPS = {
    ("file", 4): ("message_type", "message"),
    ("file", 5): ("enum_type", "enum"),
    ("file", 6): ("service", "service"),
    ("message", 2): ("field", "leaf"),
    ("message", 3): ("nested_type", "message"),
    ("message", 4): ("enum_type", "enum"),
    ("enum", 2): ("value", "leaf"),
    ("service", 2): ("method", "leaf"),
}


def _name_at(file: descriptor_pb2.FileDescriptorProto, path: Iterable[int]) -> str:
    """Returns the full name of what a source location points at, or nothing for options and the like."""
    numbers = list(path)
    kind, name = "file", file.package
    node: Any = file
    if not numbers or len(numbers) % 2:
        return ""
    for number, index in zip(numbers[::2], numbers[1::2], strict=True):
        step = _STEPS.get((kind, number))
        if step is None:
            return ""
        attribute, kind = step
        node = getattr(node, attribute)[index]
        name = f"{name}.{node.name}"
    return name
