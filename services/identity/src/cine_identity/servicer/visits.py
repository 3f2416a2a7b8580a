"""Where a call came from, read from what the gateway adds; and the cookies that go both ways.

A cookie is set through the initial metadata, which the gateway turns into a header of the HTTP answer.
"""

from __future__ import annotations

import re
from http.cookies import CookieError, SimpleCookie
from typing import Any

from cine_identity.domain.session import Visit
from cinemesh import context

REFRESH_COOKIE = "__Host-cine_refresh"
OAUTH_COOKIE = "__Host-cine_oauth"
DEVICE_COOKIE = "__Host-cine_device"
_PRINTABLE = re.compile(r"[^ -~]")


def metadata(call: Any) -> dict[str, str]:
    """Returns the text headers of a call; of a repeated one the last."""
    return {key: value for key, value in call.invocation_metadata() or () if isinstance(value, str)}


def visit_of(call: Any, device_name: str = "", *, replaces: bool = False) -> Visit:
    """Returns where a call came from; the address is what the gateway saw, never what the client says.

    Args:
        call: its context.
        device_name: what the person calls the device.
        replaces: whether a sign-in by this call takes over the cookie of the refresh token, and so the place of its session.
    """
    headers = metadata(call)
    # the last entry is the one our own gateway appended; a trusted proxy in front is counted by the gateway itself
    address = headers.get("x-envoy-external-address") or headers.get("x-forwarded-for", "").rpartition(",")[2].strip()
    # a REST call's own program; the gateway's comes first in a native one
    agent = headers.get("x-original-user-agent") or headers.get("user-agent", "")
    return Visit(
        ip_address=address[:45],
        user_agent=_PRINTABLE.sub("", agent)[:400],
        device_name=device_name.strip(),
        device_cookie=cookie(headers, DEVICE_COOKIE)[:128],
        replaced_token=cookie(headers, REFRESH_COOKIE) if replaces else "",
        call_id=context.current().request_id,
    )


def cookie(headers: dict[str, str], name: str) -> str:
    """Returns a cookie of a call; empty without it."""
    jar: SimpleCookie = SimpleCookie()
    try:
        jar.load(headers.get("cookie", ""))
    except CookieError:
        return ""
    return jar[name].value if name in jar else ""


def set_cookie(name: str, value: str, *, seconds: int, same_site: str = "Strict") -> tuple[str, str]:
    """Returns the metadata that sets a cookie no script can read; `seconds` 0 deletes it."""
    return (
        "set-cookie",
        f"{name}={value}; Path=/; Max-Age={max(0, seconds)}; Secure; HttpOnly; SameSite={same_site}",
    )
