"""Caches of bytes: in the process, or in Redis where replicas share one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cinemesh.cache.base import Cache, Loader
from cinemesh.cache.memory import MemoryCache

if TYPE_CHECKING:
    from cinemesh.cache.redis import RedisCache

__all__ = ["Cache", "Loader", "MemoryCache", "RedisCache", "open_cache"]


def open_cache(url: str | None, *, namespace: str) -> Cache:
    """Returns the cache that the settings ask for: `open_cache(settings.cache_url, namespace="catalog")`.

    Args:
        url: of a Redis; None for a cache in the process.
        namespace: what this service's keys begin with, and what the metrics call it.
    """
    if url is None:
        return MemoryCache(name=namespace)
    from cinemesh.cache.redis import RedisCache  # the driver is loaded where it is needed

    return RedisCache(url, namespace=namespace)


def __getattr__(name: str) -> Any:
    if name == "RedisCache":
        from cinemesh.cache.redis import RedisCache

        return RedisCache
    raise AttributeError(name)
