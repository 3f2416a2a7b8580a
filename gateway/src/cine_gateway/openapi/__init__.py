"""The OpenAPI description of the REST surface, made from the contracts: paths, fields, comments and validation rules."""

from __future__ import annotations

from cine_gateway.openapi.document import document

__all__ = ["document"]
