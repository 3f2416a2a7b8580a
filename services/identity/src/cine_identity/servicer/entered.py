"""The answer to a completed sign-in: its fields, and the cookies that go with it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from cine_identity.domain.session import SignedIn
from cine_identity.flows.entrance import Entered
from cine_identity.servicer.visits import DEVICE_COOKIE, REFRESH_COOKIE, set_cookie

_DEVICE_SECONDS = 365 * 24 * 3600


async def entered_fields(
    entered: Entered, context: Any, *, use_cookie: bool, cookies_secure: bool, more: Sequence[tuple[str, str]] = ()
) -> dict[str, Any]:
    """Sets the cookies of a sign-in and returns the fields of its answer.

    Args:
        entered: the sign-in.
        context: the call's, before its first answer.
        use_cookie: whether the refresh token goes into a cookie.
        cookies_secure: whether browsers keep our cookies.
        more: metadata that sets other cookies.
    """
    cookies = [*more, *([refresh_cookie(entered.tokens)] if use_cookie else [])]
    if cookies_secure:
        cookies.append(set_cookie(DEVICE_COOKIE, entered.device_cookie, seconds=_DEVICE_SECONDS))
    if cookies:
        await context.send_initial_metadata(tuple(cookies))
    return token_fields(entered.tokens, in_cookie=use_cookie)


def refresh_cookie(tokens: SignedIn) -> tuple[str, str]:
    """Returns the metadata that keeps a refresh token in the browser."""
    return set_cookie(REFRESH_COOKIE, tokens.refresh_token, seconds=tokens.refresh_expires_in)


def token_fields(tokens: SignedIn, *, in_cookie: bool) -> dict[str, Any]:
    """Returns tokens as fields of an answer; without the refresh token when a cookie holds it."""
    return {
        "access_token": tokens.access_token,
        "refresh_token": "" if in_cookie else tokens.refresh_token,
        "token_type": "bearer",
        "expires_in": tokens.expires_in,
        "refresh_expires_in": tokens.refresh_expires_in,
        "session_id": tokens.session_id,
        "user_id": tokens.user_id,
    }
