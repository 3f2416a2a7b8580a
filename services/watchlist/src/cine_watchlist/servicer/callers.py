"""Who calls."""

from __future__ import annotations

from cinemesh import context as calls


def caller() -> str:
    """Returns the id of the person who calls; empty for nobody, and for another service, which is nobody's friend here."""
    principal = calls.current().principal
    return principal.user_id if principal.kind == "user" else ""
