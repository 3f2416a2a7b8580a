"""Moments between protobuf and Python."""

from __future__ import annotations

import datetime as dt

from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp

from cinemesh.errors import InvalidArgument


def stamp(moment: dt.datetime) -> Timestamp:
    """Returns a moment as a protobuf timestamp."""
    result = Timestamp()
    result.FromDatetime(moment)
    return result


def moment(request: Message, field: str) -> dt.datetime | None:
    """Returns the moment in a field of a request, in UTC; None when the field is absent.

    Raises:
        InvalidArgument: it is none of the years 1 to 9999, which JSON cannot hold and a native caller may send.
    """
    if not request.HasField(field):
        return None
    value: Timestamp = getattr(request, field)
    try:
        return value.ToDatetime(tzinfo=dt.UTC)
    except (ValueError, OverflowError):
        problem = "must be a moment of the years 1 to 9999"
        raise InvalidArgument(f"{field} {problem}", violations=[(field, problem)]) from None
