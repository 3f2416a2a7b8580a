"""Etags: one writer learns that another one came first, instead of undoing what that one wrote.

Imports neither grpc nor protobuf, so that `domain/` may use it.
"""

from __future__ import annotations

from cinemesh.errors import Aborted, Reason

_TAIL = 6


def etag_of(version: int, owner: str = "") -> str:
    """Returns the etag of a version.

    Args:
        version: grows with every change.
        owner: id of what has the version; its end becomes part of the etag, so that the etag of one thing is not taken for
            that of another.
    """
    return f"{owner[-_TAIL:].lower()}-{version}" if owner else f"v{version}"


def check_etag(sent: str, version: int, owner: str = "", *, thing: str = "it") -> None:
    """Makes sure that nothing changed since the caller read.

    Call it in the transaction of the change, on a row that is locked: on PostgreSQL another change may otherwise come between.

    Args:
        sent: the etag the caller last read; empty to change whatever is there.
        version: the present one.
        owner: as `etag_of` was given it.
        thing: what changed, for the message, such as "the list".

    Raises:
        Aborted: it is another version by now, with reason ETAG_MISMATCH.
    """
    if sent and sent != etag_of(version, owner):
        raise Aborted(
            f"{thing} changed since it was read: read it again, then change it",
            reason=Reason.ETAG_MISMATCH,
            violations=[("etag", "is not the current one")],
        )
