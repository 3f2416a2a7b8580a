"""The change feed between services: `FeedServicer` serves an outbox, `Consumer` follows one; see ADR 0004."""

from __future__ import annotations

from cinemesh.feed.bookmark import Handler, ParkedEvent
from cinemesh.feed.consumer import Consumer, each
from cinemesh.feed.servicer import FeedServicer

__all__ = ["Consumer", "FeedServicer", "Handler", "ParkedEvent", "each"]
