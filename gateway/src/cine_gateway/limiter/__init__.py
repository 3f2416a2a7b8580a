"""The rate limiter that Envoy asks before every call: so many calls in any so many seconds, exactly, for each user or address.

The times of the calls let through are kept, in this process or in Redis, where several gateways share them.
"""

from __future__ import annotations

from cine_gateway.limiter.window import Decision, MemoryWindow, Window

__all__ = ["Decision", "MemoryWindow", "Window"]
