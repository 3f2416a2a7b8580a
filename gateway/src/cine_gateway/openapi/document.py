"""The OpenAPI document: every REST binding of every routed service as an operation."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from cine.common.v1 import access_pb2
from cine_gateway import __version__
from cine_gateway.contracts import Binding, Contracts, Method, Service
from cine_gateway.envoy import model
from cine_gateway.openapi import errors, examples, portal, rules
from cine_gateway.openapi.schemas import HTTP_BODY, Schema, Schemas

_ABOUT = (
    "Films: search, recommendations, ratings, looks and moods. Generated from the contracts in `protos/`; every call is also a plain "
    "gRPC call on the same address. Names are snake_case, every path answers with and without a trailing slash, lists go on with "
    "`page_token`, and an error is a `google.rpc.Status` whose `details` name the reason and the field."
)
_WHO = {
    access_pb2.ACCESS_USER: "Needs a signed-in person.",
    access_pb2.ACCESS_OWNER: "Needs the person the resource belongs to.",
    access_pb2.ACCESS_ADMIN: "Needs a person with the admin role.",
}
_SETTING_UP = "Also open to a person who must set up a second factor before anything else."
_MAX_DEPTH = 3


def document(contracts: Contracts, server: str = "") -> dict[str, Any]:
    """Returns the OpenAPI 3.1 document.

    Args:
        contracts: what the descriptor set says.
        server: address people use; empty for the one the document is read from.
    """
    schemas = Schemas(contracts)
    services = [service for service in model.served(contracts) if service.has_rest]
    paths: dict[str, dict[str, Any]] = {}
    for service in services:
        for method in service.methods:
            for number, binding in enumerate(_distinct(method)):
                template, operation = _operation(contracts, schemas, service, method, binding, number)
                paths.setdefault(template, {})[binding.verb.lower()] = operation
    for path, item in portal.paths().items():
        paths.setdefault(path, {}).update(item)
    return {
        "openapi": "3.1.0",
        "info": {"title": "CineAesthete", "version": __version__, "description": _ABOUT},
        "servers": [{"url": server.rstrip("/") or "/"}],
        "tags": [*({"name": _tag(one), "description": one.comment} for one in services), portal.TAG],
        "paths": dict(sorted(paths.items())),
        "components": {
            "schemas": dict(sorted({**schemas.components, **errors.SCHEMAS, **portal.SCHEMAS}.items())),
            "responses": errors.RESPONSES,
            "securitySchemes": {
                "bearer": {
                    "type": "http",
                    "scheme": "bearer",
                    "bearerFormat": "JWT",
                    "description": "The `access_token` of `POST /api/v1/auth/login`.",
                }
            },
        },
    }


def _distinct(method: Method) -> Iterator[Binding]:
    """Yields the bindings of a method without those that only add a slash."""
    seen: set[tuple[str, str]] = set()
    for binding in method.bindings:
        key = (binding.verb, binding.path.rstrip("/"))
        if key not in seen:
            seen.add(key)
            yield binding


def _tag(service: Service) -> str:
    return service.name.removesuffix("Service")


def _operation(
    contracts: Contracts, schemas: Schemas, service: Service, method: Method, binding: Binding, number: int
) -> tuple[str, dict[str, Any]]:
    template = _template(binding)
    parameters = [_path_parameter(contracts, schemas, method.input_type, name) for name in binding.variables]
    taken = frozenset(binding.variables)
    if binding.body != "*":
        parameters += _query_parameters(
            contracts, schemas, method.input_type, taken | ({binding.body} if binding.body else set())
        )
    summary, _, _ = method.comment.partition(". ")
    said = (method.comment, _WHO.get(method.access, ""), _SETTING_UP if method.before_second_factor else "")
    description = " ".join(one for one in said if one)
    operation: dict[str, Any] = {
        "operationId": f"{_tag(service)}_{method.name}{number + 1 if number else ''}",
        "tags": [_tag(service)],
        "summary": summary.rstrip("."),
        "description": description,
        "parameters": parameters,
        "responses": {"200": _answer(contracts, schemas, method, binding), **errors.references(method, binding)},
        "security": [{"bearer": []}] if method.access in _WHO else [],
        "x-grpc-method": method.path.lstrip("/"),
        "x-access": access_pb2.Access.Name(method.access).removeprefix("ACCESS_").lower(),
    }
    if binding.body:
        operation["requestBody"] = _body(contracts, schemas, method, binding, taken)
    return template, operation


def _template(binding: Binding) -> str:
    path = binding.path
    for name in binding.variables:
        start = path.index("{" + name)
        path = f"{path[:start]}{{{name}}}{path[path.index('}', start) + 1 :]}"
    return path


def _path_parameter(contracts: Contracts, schemas: Schemas, message: str, name: str) -> dict[str, Any]:
    holder, field = contracts.holder(message, name)
    schema = schemas.field(holder, field)
    schema.pop("examples", None)
    if schema.get("type") == "string":
        schema.setdefault("minLength", 1)
    parameter = {
        "name": name,
        "in": "path",
        "required": True,
        "description": schema.pop("description", ""),
        "schema": schema,
    }
    example = examples.of_parameter(field.name, schema)
    return parameter if example is None else parameter | {"example": example}


def _query_parameters(
    contracts: Contracts,
    schemas: Schemas,
    message: str,
    without: frozenset[str] | set[str],
    prefix: str = "",
    depth: int = 0,
) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for field in contracts.messages[message].field:
        name = f"{prefix}{field.name}"
        if name in without or schemas.is_repeated_message(field):
            continue
        if nested := schemas.nested(field):
            if depth < _MAX_DEPTH:
                found += _query_parameters(contracts, schemas, nested, without, f"{name}.", depth + 1)
            continue
        schema = schemas.field(message, field)
        schema.pop("examples", None)
        required = rules.is_required(field, schema) and not prefix
        parameter: dict[str, Any] = {
            "name": name,
            "in": "query",
            "required": required,
            "description": schema.pop("description", ""),
            "schema": schema,
        }
        if schema.get("type") == "array":
            parameter |= {"style": "form", "explode": True}
        if required or examples.telling(field.name):
            example = examples.of_parameter(field.name, schema)
            if example is not None:
                parameter["example"] = example
        found.append(parameter)
    return found


def _body(
    contracts: Contracts, schemas: Schemas, method: Method, binding: Binding, taken: frozenset[str]
) -> dict[str, Any]:
    if binding.body == "*":
        if method.input_type == HTTP_BODY:
            return _binary()
        whole = taken.isdisjoint(field.name for field in contracts.messages[method.input_type].field)
        reference = schemas.message(method.input_type) if whole else schemas.object(method.input_type, taken)
        inner = schemas.object(method.input_type, taken)
    else:
        field = contracts.field(method.input_type, binding.body)
        name = field.type_name.lstrip(".")
        if name == HTTP_BODY:
            return _binary()
        reference = schemas.field(method.input_type, field)
        inner = schemas.object(name) if schemas.nested(field) else {}
    content: dict[str, Any] = {"schema": reference}
    if example := _example(inner):
        content["example"] = example
    return {"required": bool(inner.get("required")), "content": {"application/json": content}}


def _binary() -> dict[str, Any]:
    return {"required": True, "content": {"*/*": {"schema": {"type": "string", "format": "binary"}}}}


def _example(schema: Schema) -> dict[str, Any]:
    """Returns a body that fills in what is required and what tells something; nothing when a required field has no plain value."""
    required = set(schema.get("required", []))
    found: dict[str, Any] = {}
    for name, one in schema.get("properties", {}).items():
        if name not in required and not examples.telling(name):
            continue
        value = examples.of_parameter(name, one)
        if value is not None:
            found[name] = value
        elif name in required:
            return {}
    return found


def _answer(contracts: Contracts, schemas: Schemas, method: Method, binding: Binding) -> dict[str, Any]:
    description = contracts.comments.get(method.output_type) or "The answer."
    output = method.output_type
    if binding.response_body:
        output = contracts.field(output, binding.response_body).type_name.lstrip(".")
    if output == HTTP_BODY:
        return {"description": description, "content": {"*/*": {"schema": {"type": "string", "format": "binary"}}}}
    schema = schemas.message(output)
    if method.server_streaming:
        events = {"schema": {"type": "string"}, "x-event": schema}
        return {
            "description": f"{description} Server-sent events, each with one as JSON.",
            "content": {"text/event-stream": events},
        }
    return {"description": description, "content": {"application/json": {"schema": schema}}}
