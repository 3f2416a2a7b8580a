"""The way back from an OAuth provider into the explorer."""

from __future__ import annotations

import httpx
import pytest


def test_a_browser_back_from_a_provider_lands_in_the_explorer(http: httpx.Client) -> None:
    answer = http.get("/oauth/callback/google?code=4%2F0A&state=s%26t&scope=openid%20email", follow_redirects=False)

    assert answer.status_code == 303
    assert answer.headers["location"] == "/#/oauth/google?code=4%2F0A&state=s%26t&scope=openid+email"
    assert answer.headers["cache-control"] == "no-store"


@pytest.mark.parametrize("path", ["/oauth/callback/", "/oauth/callback/Goo%0d%0ag", "/oauth/callback/a/b", "/oauth"])
def test_nothing_else_leads_there(http: httpx.Client, path: str) -> None:
    assert http.get(path, follow_redirects=False).status_code == 404
