"""What pages share."""

from __future__ import annotations

from cinemesh.errors import InvalidArgument, Reason


def lost_page() -> InvalidArgument:
    """Returns what is told when a page's start has lost its meaning: the order was written anew, and its item is gone."""
    problem = "belongs to an order that was rearranged since; begin again"
    return InvalidArgument(
        f"page_token {problem}", reason=Reason.INVALID_PAGE_TOKEN, violations=[("page_token", problem)]
    )
