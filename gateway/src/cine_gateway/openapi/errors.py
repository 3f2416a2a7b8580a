"""How errors are described: one schema for all of them, and the statuses that a call can answer."""

from __future__ import annotations

from typing import Any

from cine.common.v1 import access_pb2
from cine_gateway.contracts import Binding, Method

_STATUS: dict[str, Any] = {
    "type": "object",
    "description": "What went wrong: a google.rpc.Status with the name of its code.",
    "properties": {
        "code": {"type": "integer", "format": "int32", "description": "gRPC status code.", "minimum": 1, "maximum": 16},
        "status": {"type": "string", "description": "Name of the code.", "examples": ["INVALID_ARGUMENT"]},
        "message": {"type": "string", "description": "One sentence for people; it may change."},
        "details": {
            "type": "array",
            "description": "Facts for programs: always an ErrorInfo; a BadRequest where fields are wrong; a RetryInfo where waiting helps.",
            "items": {"$ref": "#/components/schemas/ErrorDetail"},
        },
    },
    "required": ["code", "status", "message", "details"],
}
_DETAIL: dict[str, Any] = {
    "type": "object",
    "description": "One detail; `@type` says which.",
    "properties": {
        "@type": {"type": "string", "examples": ["type.googleapis.com/google.rpc.ErrorInfo"]},
        "reason": {"type": "string", "description": "ErrorInfo: stable cause.", "examples": ["UNKNOWN_GENRE"]},
        "domain": {"type": "string", "description": "ErrorInfo: who says so.", "examples": ["recommender.cine"]},
        "metadata": {
            "type": "object",
            "description": "ErrorInfo: further facts.",
            "additionalProperties": {"type": "string"},
        },
        "field_violations": {
            "type": "array",
            "description": "BadRequest: fields and what is wrong with them.",
            "items": {
                "type": "object",
                "properties": {"field": {"type": "string"}, "description": {"type": "string"}},
            },
        },
        "retry_delay": {"type": "string", "description": "RetryInfo: how long to wait, such as 2.500s."},
    },
    "required": ["@type"],
}
SCHEMAS = {"Status": _STATUS, "ErrorDetail": _DETAIL}

_MEANINGS = {
    "BadRequest": "A field breaks a rule or does not parse; the details name it.",
    "Unauthenticated": "No credentials, or credentials that do not verify.",
    "PermissionDenied": "The caller is known and may not do this.",
    "NotFound": "There is no such resource, or the caller may not see it.",
    "Conflict": "It exists already, or changed since it was read.",
    "BodyTooLarge": "The body is larger than this call takes.",
    "TooManyRequests": "Too many calls, or too much work at once; Retry-After says when to come back.",
    "NotImplemented": "The contract has this call; this version does not answer it yet.",
    "Unavailable": "Something this call needs does not answer now.",
    "DeadlineExceeded": "No answer in time.",
    "Error": "Any other error.",
}


def _response(meaning: str) -> dict[str, Any]:
    return {
        "description": meaning,
        "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Status"}}},
    }


RESPONSES: dict[str, Any] = {name: _response(meaning) for name, meaning in _MEANINGS.items()}
RESPONSES["TooManyRequests"]["headers"] = {
    "Retry-After": {"description": "Seconds to wait.", "schema": {"type": "integer", "minimum": 1}},
    "RateLimit-Limit": {"description": "Calls allowed in a window.", "schema": {"type": "integer", "minimum": 1}},
    "RateLimit-Remaining": {"description": "Calls left now.", "schema": {"type": "integer", "minimum": 0}},
    "RateLimit-Reset": {
        "description": "Seconds until there is one more; only from the exact limiter.",
        "schema": {"type": "integer", "minimum": 1},
    },
}


def references(method: Method, binding: Binding) -> dict[str, Any]:
    """Returns the error responses of a call, by status."""
    # a token that does not verify is refused even where none is needed
    names = {"400": "BadRequest", "401": "Unauthenticated"}
    if method.access != access_pb2.ACCESS_PUBLIC:
        names["403"] = "PermissionDenied"
    if binding.variables:
        names["404"] = "NotFound"
    if binding.body:
        names |= {"409": "Conflict", "413": "BodyTooLarge"}
    names |= {
        "429": "TooManyRequests",
        "501": "NotImplemented",
        "503": "Unavailable",
        "504": "DeadlineExceeded",
        "default": "Error",
    }
    return {status: {"$ref": f"#/components/responses/{name}"} for status, name in names.items()}
