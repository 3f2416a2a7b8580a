"""The chain every call goes through: one file a step, named here outermost first.

The steps are composed once a method when a servicer is mounted, not by gRPC's interceptors: those are looked up and
stacked again on every call, and cannot see bytes that do not parse.
"""

from __future__ import annotations

from typing import Final

from cinemesh.interceptors import access, deadline, errors, metrics, request_log, shedding, tracing, validation
from cinemesh.interceptors.call import Call, Equipment, Lifetime, Method, Proceed, Step

CHAIN: Final[tuple[tuple[str, Step], ...]] = (
    ("tracing", tracing.step),
    ("request_log", request_log.step),
    ("metrics", metrics.step),
    ("deadline", deadline.step),
    ("errors", errors.step),
    ("shedding", shedding.step),
    ("access", access.step),
    ("validation", validation.step),
)
"""Names and steps, outermost first: a call meets them in this order, its answer in the reverse one."""

__all__ = ["CHAIN", "Call", "Equipment", "Lifetime", "Method", "Proceed", "Step"]
