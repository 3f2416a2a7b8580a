"""GitHub, which speaks OAuth 2.0 and has a REST API instead of ID tokens."""

from __future__ import annotations

from typing import Any

import httpx

from cine_identity.domain.oauth import Secrets, Upstream, address_of, text_of
from cine_identity.oauth.faults import ProviderFault
from cine_identity.oauth.fetching import Fetcher

PUBLIC_GITHUB = "https://github.com"
_PUBLIC_API = "https://api.github.com"
_SCOPES = "read:user user:email"


class GitHub:
    """GitHub, or a GitHub Enterprise Server.

    Args:
        site: its address; identities are keyed on it.
        client_id: what it calls us.
        client_secret: proves us.
        fetcher: asks it.
    """

    name = "github"
    display_name = "GitHub"

    def __init__(self, site: str, client_id: str, client_secret: str, fetcher: Fetcher) -> None:
        self.issuer = site
        self._api = _PUBLIC_API if site == PUBLIC_GITHUB else f"{site}/api/v3"
        self._client_id = client_id
        self._client_secret = client_secret
        self._fetcher = fetcher

    async def page(self, *, state: str, secrets: Secrets, redirect_uri: str) -> str:
        """Returns the address of the page that asks the person."""
        parameters = {
            "client_id": self._client_id,
            "redirect_uri": redirect_uri,
            "scope": _SCOPES,
            "state": state,
            "code_challenge": secrets.challenge,
            "code_challenge_method": "S256",
        }
        return str(httpx.URL(f"{self.issuer}/login/oauth/authorize").copy_merge_params(parameters))

    async def check_issuer(self, issuer: str) -> None:
        """Compares the issuer, where one came back: GitHub names itself in two ways."""
        if issuer not in ("", self.issuer, f"{self.issuer}/login/oauth"):
            raise ProviderFault("iss of another provider")

    async def person(self, code: str, *, secrets: Secrets, redirect_uri: str) -> Upstream:
        """Trades a code for a token, and asks with it whose it is."""
        form = {
            "client_id": self._client_id,
            "client_secret": self._client_secret,
            "code": code,
            "redirect_uri": redirect_uri,
            "code_verifier": secrets.verifier,
        }
        answer = await self._fetcher.post(f"{self.issuer}/login/oauth/access_token", form)
        token = answer.document.get("access_token")
        if answer.status != 200 or not isinstance(token, str) or not token:  # errors come with 200
            raise ProviderFault(f"code refused: {text_of(answer.document.get('error'), 40) or answer.status}")
        user = (await self._ask("/user", token)).document
        number = user.get("id")
        if not isinstance(number, int) or isinstance(number, bool) or number <= 0:
            raise ProviderFault("user without an id")
        # the address on the profile says nothing of whether it is verified: only this list does
        emails = await self._ask("/user/emails", token, may_refuse=True)
        email, is_verified = _address(emails.body if emails.status == 200 else None)
        return Upstream(
            issuer=self.issuer,
            subject=str(number),  # a login may be given up and taken by somebody else; the number never is
            email=email,
            email_verified=is_verified,
            names=tuple(name for name in [text_of(user.get("login"), 200)] if name),
            display_name=text_of(user.get("name"), 80),
        )

    async def close(self) -> None:
        """Nothing runs in the background."""

    async def _ask(self, path: str, token: str, *, may_refuse: bool = False) -> Any:
        headers = {"authorization": f"Bearer {token}", "accept": "application/vnd.github+json"}
        answer = await self._fetcher.get(self._api + path, headers)
        if answer.status != 200 and not may_refuse:
            raise ProviderFault(f"{path} answers with {answer.status}")
        return answer


def _address(entries: Any) -> tuple[str, bool]:
    """Returns the primary address and whether it is verified, both from its own entry."""
    for entry in entries if isinstance(entries, list) else ():
        if isinstance(entry, dict) and entry.get("primary") is True:
            return address_of(entry.get("email")), entry.get("verified") is True
    return "", False
