"""The calls that the portal answers itself: the health of the mesh."""

from __future__ import annotations

from typing import Any

TAG = {"name": "Health", "description": "How the mesh is doing, asked of every process of every service."}

_DEPENDENCY: dict[str, Any] = {
    "type": "object",
    "description": "A store, model or peer of a service.",
    "properties": {
        "name": {"type": "string", "examples": ["store"]},
        "status": {"type": "string", "enum": ["ok", "down"]},
        "required": {"type": "boolean", "description": "Whether the service cannot work without it."},
        "latency_ms": {"type": "number", "description": "Time of the probe, in milliseconds."},
        "detail": {"type": "string", "description": "Version, size or the reason it does not answer."},
    },
}
_SERVICE: dict[str, Any] = {
    "type": "object",
    "description": "A service: its only process, or the best of several with all of them under `replicas`.",
    "properties": {
        "status": {"type": "string", "enum": ["ok", "degraded", "down"]},
        "reason": {"type": "string", "description": "Why it is not ok."},
        "version": {"type": "string"},
        "profile": {"type": "string"},
        "uptime_seconds": {"type": "integer", "format": "int64", "minimum": 0},
        "latency_ms": {"type": "number", "description": "Time of the question, in milliseconds."},
        "dependencies": {"type": "array", "items": {"$ref": "#/components/schemas/DependencyHealth"}},
        "replicas": {"type": "array", "items": {"$ref": "#/components/schemas/ServiceHealth"}},
    },
    "required": ["status", "latency_ms"],
}
_MESH: dict[str, Any] = {
    "type": "object",
    "description": "The whole mesh.",
    "properties": {
        "status": {"type": "string", "enum": ["ok", "degraded"]},
        "checked_at": {"type": "string", "format": "date-time"},
        "down": {
            "type": "array",
            "items": {"type": "string"},
            "description": "Services that do not answer or are not ready.",
        },
        "services": {"type": "object", "additionalProperties": {"$ref": "#/components/schemas/ServiceHealth"}},
        "limiter": {
            "type": "object",
            "description": "What counts calls for every gateway; without it each counts by itself.",
            "properties": {
                "status": {"type": "string", "enum": ["ok", "degraded"]},
                "latency_ms": {"type": "number"},
                "reason": {"type": "string"},
            },
            "required": ["status", "latency_ms"],
        },
    },
    "required": ["status", "checked_at", "down", "services", "limiter"],
}
_READY: dict[str, Any] = {
    "type": "object",
    "description": "Whether traffic should be sent here.",
    "properties": {
        "status": {"type": "string", "enum": ["ok", "unavailable"]},
        "not_ready": {"type": "object", "additionalProperties": {"type": "string"}, "description": "Service → why."},
    },
    "required": ["status", "not_ready"],
}
_LIVE: dict[str, Any] = {
    "type": "object",
    "description": "The process is alive.",
    "properties": {"status": {"const": "ok"}},
    "required": ["status"],
}
SCHEMAS = {
    "DependencyHealth": _DEPENDENCY,
    "ServiceHealth": _SERVICE,
    "MeshHealth": _MESH,
    "Readiness": _READY,
    "Liveness": _LIVE,
}


def paths() -> dict[str, Any]:
    """Returns the path items."""
    return {
        "/health/live": _get("Health_live", "Says that the gateway is alive.", "Liveness"),
        "/health/ready": _get(
            "Health_ready", "Says whether every required service is ready.", "Readiness", unavailable="Readiness"
        ),
        "/health/detailed": _get(
            "Health_detailed",
            "Lists every service with its stores, models and latency. Always 200: `status` is `degraded` when something is wrong, "
            "`down` names the services, and each says why.",
            "MeshHealth",
        ),
    }


def _get(operation: str, description: str, schema: str, unavailable: str = "") -> dict[str, Any]:
    responses: dict[str, Any] = {"200": _json("The answer.", schema)}
    if unavailable:
        responses["503"] = _json("A required service is not ready.", unavailable)
    responses["default"] = {"$ref": "#/components/responses/Error"}
    return {
        "get": {
            "operationId": operation,
            "tags": [TAG["name"]],
            "summary": description.split(".")[0],
            "description": description,
            "parameters": [],
            "responses": responses,
            "security": [],
        }
    }


def _json(description: str, schema: str) -> dict[str, Any]:
    return {
        "description": description,
        "content": {"application/json": {"schema": {"$ref": f"#/components/schemas/{schema}"}}},
    }
