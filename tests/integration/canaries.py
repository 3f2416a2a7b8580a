"""Requests that carry a secret wherever a contract says that a field is one (`debug_redact`), and a collector for what is traced."""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

import grpc
from google.protobuf import json_format
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2, trace_service_pb2_grpc

from cine_gateway.contracts import Binding, Contracts, Method

_DEPTH = 3


@dataclass
class Canaries:
    """Secrets that nobody could have made up: those sent, and a search for them."""

    sent: set[str] = field(default_factory=set)

    def new(self, pattern: str = "") -> str:
        """Returns a fresh secret: digits where the contract takes nothing else."""
        digits = "[0-9]" in pattern
        made = str(secrets.randbelow(900_000) + 100_000) if digits else f"canary{secrets.token_hex(16)}"
        self.sent.add(made)
        return made

    def found_in(self, text: str) -> set[str]:
        """Returns the secrets that a text holds; codes of six digits only where they stand alone."""
        words = set(re.findall(r"canary[0-9a-f]{32}", text))
        alone = set(re.findall(r"(?<![\w.:-])\d{6}(?![\w.])", text))
        return {secret for secret in self.sent if secret in words or secret in alone}


class Requests:
    """Makes requests of any type that pass as much of their contract's rules as can be guessed from names and options."""

    def __init__(self, contracts: Contracts, canaries: Canaries) -> None:
        self._canaries = canaries
        self._pool = DescriptorPool()
        for file in contracts.files.file:
            self._pool.Add(file)  # type: ignore[no-untyped-call]  # the published type leaves it out

    def make(self, type_name: str) -> Message:
        """Returns a request with a secret in each field that is one."""
        descriptor = self._pool.FindMessageTypeByName(type_name)
        message = GetMessageClass(descriptor)()
        self._fill(message, descriptor, 0)
        return message

    def _fill(self, message: Message, descriptor: Descriptor, depth: int) -> None:
        for one in descriptor.fields:
            if one.message_type is not None:
                if depth < _DEPTH and not one.message_type.full_name.startswith("google.protobuf."):
                    target = getattr(message, one.name)
                    self._fill(target.add() if one.is_repeated else target, one.message_type, depth + 1)
            elif one.type == FieldDescriptor.TYPE_STRING:
                value = self._text(one)
                if one.is_repeated:
                    getattr(message, one.name).append(value)
                elif value:
                    setattr(message, one.name, value)

    def _text(self, one: FieldDescriptor) -> str:
        options = str(one.GetOptions())
        if one.GetOptions().debug_redact:
            return self._canaries.new(options)
        if "email" in one.name:
            return "canary@example.org"
        if one.name.endswith("username"):
            return "canary.person"
        return "google" if one.name == "provider" else ""


def rest_call(binding: Binding, message: Message) -> tuple[str, str, dict[str, Any] | None]:
    """Returns verb, path with query, and JSON body of a request in one of its REST forms."""
    values: dict[str, Any] = json_format.MessageToDict(message, preserving_proto_field_name=True)
    path = binding.path
    for name in binding.variables:
        path = re.sub(rf"\{{{name}(=[^}}]*)?\}}", quote(str(values.pop(name, "1")), safe=""), path)
    if binding.body == "*":
        return binding.verb, path, values
    flat = [
        f"{name}={quote(str(value), safe='')}" for name, value in values.items() if not isinstance(value, dict | list)
    ]
    return binding.verb, f"{path}?{'&'.join(flat)}" if flat else path, {} if binding.body else None


def methods(contracts: Contracts) -> Iterator[Method]:
    """Yields every call that one service of the mesh owns and that takes a single request."""
    for method in contracts.methods():
        if not method.client_streaming and not method.service.startswith("cine.common."):
            yield method


class Collector(trace_service_pb2_grpc.TraceServiceServicer):
    """Keeps every trace it is sent, as text."""

    def __init__(self) -> None:
        self.texts: list[str] = []

    def Export(self, request: Any, context: Any) -> Any:  # noqa: N802
        self.texts.append(str(request))
        return trace_service_pb2.ExportTraceServiceResponse()


@contextmanager
def collecting() -> Iterator[tuple[str, Collector]]:
    """Runs a collector for the block; yields its address and what it has."""
    collector = Collector()
    server = grpc.server(ThreadPoolExecutor(4))
    trace_service_pb2_grpc.add_TraceServiceServicer_to_server(collector, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        yield f"http://127.0.0.1:{port}", collector
    finally:
        server.stop(1).wait()
