"""Moments as events and answers carry them."""

from __future__ import annotations

import datetime as dt

from google.protobuf.timestamp_pb2 import Timestamp


def stamp(moment: dt.datetime) -> Timestamp:
    """Returns a moment as a protobuf timestamp."""
    result = Timestamp()
    result.FromDatetime(moment)
    return result
