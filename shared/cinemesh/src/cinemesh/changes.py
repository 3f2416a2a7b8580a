"""What an update request changes, by its mask or by what it holds."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

from google.protobuf.message import Message


def changes_of(request: Message, names: Iterable[str], *, nullable: Collection[str] = ()) -> dict[str, Any]:
    """Returns the fields to change with their new values.

    With an `update_mask` those it names, which are emptied when the request lacks them; without one those the request holds: fields
    with presence that are set, and lists that are not empty.

    Args:
        request: has `update_mask`.
        names: fields that may change.
        nullable: those of them that become None when they are emptied; the others become what is empty for their type.
    """
    named = frozenset(getattr(request, "update_mask").paths)  # noqa: B009 - every update request has it
    fields = request.DESCRIPTOR.fields_by_name
    changes: dict[str, Any] = {}
    for name in names:
        value = getattr(request, name)
        many = bool(fields[name].is_repeated)
        present = len(value) > 0 if many else request.HasField(name)
        if name in named or (not named and present):
            changes[name] = list(value) if many else None if name in nullable and not present else value
    return changes
