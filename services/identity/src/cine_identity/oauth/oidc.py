"""Providers that speak OpenID Connect: found by discovery, believed by their ID tokens."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote_plus

import httpx
import jwt

from cine_identity.domain.oauth import Secrets, Upstream, address_of, said_yes, text_of
from cine_identity.oauth.faults import ProviderFault
from cine_identity.oauth.fetching import Fetcher, safe_address
from cine_identity.oauth.id_token import header_of, usable_keys, verified
from cinemesh.jwks import KeySource

_DOCUMENT_SECONDS = 3600.0
_RETRY_SECONDS = 30.0
_LONGEST_SUBJECT = 254


@dataclass(frozen=True, slots=True)
class Client:
    """What we are to a provider.

    Attributes:
        issuer: the provider, exactly as it calls itself.
        client_id: what it calls us.
        client_secret: proves us; empty for a public client.
        scopes: what is asked for.
        also: other names it uses for itself in tokens.
    """

    issuer: str
    client_id: str
    client_secret: str = field(default="", repr=False)
    scopes: Sequence[str] = ("openid", "email", "profile")
    also: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Endpoints:
    """Where a provider is (OpenID Connect Discovery 1.0).

    Attributes:
        authorization: page for the person.
        token: trades codes.
        keys: JWKS.
        userinfo: says more of the person; empty without one.
        secret_in_form: whether our secret goes into the form; into the header otherwise.
        names_itself: whether what comes back with the browser always names the issuer (RFC 9207).
    """

    authorization: str
    token: str
    keys: str
    userinfo: str
    secret_in_form: bool
    names_itself: bool


class OpenIdProvider:
    """A provider of OpenID Connect.

    Args:
        name: in paths.
        display_name: for people.
        client: what we are to it.
        fetcher: asks it.
    """

    def __init__(self, name: str, display_name: str, client: Client, fetcher: Fetcher) -> None:
        self.name = name
        self.display_name = display_name
        self.issuer = client.issuer
        self._client = client
        self._fetcher = fetcher
        self._known: Endpoints | None = None
        self._look_again = 0.0
        self._one_look = asyncio.Lock()
        self._keys = KeySource(f"provider {name}", self._read_keys)

    async def page(self, *, state: str, secrets: Secrets, redirect_uri: str) -> str:
        """Returns the address of the page that asks the person."""
        endpoints = await self._endpoints()
        parameters = {
            "response_type": "code",
            "client_id": self._client.client_id,
            "redirect_uri": redirect_uri,
            "scope": " ".join(self._client.scopes),
            "state": state,
            "nonce": secrets.nonce,
            "code_challenge": secrets.challenge,
            "code_challenge_method": "S256",
        }
        return str(httpx.URL(endpoints.authorization).copy_merge_params(parameters))

    async def check_issuer(self, issuer: str) -> None:
        """Compares the issuer that came back with the browser."""
        if issuer and issuer != self.issuer:
            raise ProviderFault("iss of another provider")
        if not issuer and (await self._endpoints()).names_itself:
            raise ProviderFault("iss is missing")

    async def person(self, code: str, *, secrets: Secrets, redirect_uri: str) -> Upstream:
        """Trades a code for an ID token, and returns whom it names."""
        endpoints = await self._endpoints()
        answer = await self._trade(endpoints, code, secrets, redirect_uri)
        token = answer.get("id_token")
        algorithm, kid = header_of(token)
        access_token = answer.get("access_token")
        access_token = access_token if isinstance(access_token, str) else ""
        claims = verified(
            str(token),
            await self._key(kid, algorithm),
            issuers=(self.issuer, *self._client.also),
            client_id=self._client.client_id,
            nonce=secrets.nonce,
            access_token=access_token,
        )
        subject = claims["sub"]
        if not isinstance(subject, str) or not 0 < len(subject) <= _LONGEST_SUBJECT or not _printable(subject):
            raise ProviderFault("ID token: sub")
        # address and whether it is verified come from one document, whichever has an address
        about = claims if "email" in claims else await self._userinfo(endpoints, access_token, subject)
        return Upstream(
            issuer=self.issuer,
            subject=subject,
            email=address_of(about.get("email")),
            email_verified=said_yes(about.get("email_verified")),
            names=tuple(name for name in [text_of(about.get("preferred_username"), 200)] if name),
            display_name=text_of(about.get("name"), 80),
            locale=text_of(about.get("locale"), 35),
        )

    async def close(self) -> None:
        """Ends a look for keys that is under way."""
        await self._keys.close()

    async def _trade(self, endpoints: Endpoints, code: str, secrets: Secrets, redirect_uri: str) -> dict[str, Any]:
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": redirect_uri,
            "code_verifier": secrets.verifier,
        }
        headers: dict[str, str] = {}
        client_id, secret = self._client.client_id, self._client.client_secret
        if secret and not endpoints.secret_in_form:
            # each half encoded by itself first (RFC 6749, 2.3.1)
            auth = httpx.BasicAuth(quote_plus(client_id), quote_plus(secret))
            request = next(auth.auth_flow(httpx.Request("POST", endpoints.token)))
            headers["authorization"] = request.headers["authorization"]
        else:
            form["client_id"] = client_id
            if secret:
                form["client_secret"] = secret
        answer = await self._fetcher.post(endpoints.token, form, headers)
        if answer.status != 200:
            raise ProviderFault(f"code refused: {text_of(answer.document.get('error'), 40) or answer.status}")
        return answer.document

    async def _userinfo(self, endpoints: Endpoints, access_token: str, subject: str) -> dict[str, Any]:
        if not endpoints.userinfo or not access_token:
            return {}
        answer = await self._fetcher.get(endpoints.userinfo, {"authorization": f"Bearer {access_token}"})
        if answer.status != 200:
            raise ProviderFault(f"userinfo answers with {answer.status}")
        if answer.document.get("sub") != subject:  # Core 5.3.2: it may be anybody's otherwise
            raise ProviderFault("userinfo of another person")
        return answer.document

    async def _key(self, kid: str, algorithm: str) -> jwt.PyJWK:
        key = self._pick(kid, algorithm)
        if self._keys.stale() if key is not None else self._keys.worth_a_look():
            await self._keys.look()
            key = self._pick(kid, algorithm)
        if key is None:
            raise ProviderFault("ID token: unknown key", away=not self._keys.healthy)
        return key

    def _pick(self, kid: str, algorithm: str) -> jwt.PyJWK | None:
        if kid:
            return self._keys.get(kid)
        fitting = [one["kid"] for one in self._keys.listed() if one["alg"] == algorithm]
        return self._keys.get(fitting[0]) if len(fitting) == 1 else None

    async def _read_keys(self) -> bytes:
        answer = await self._fetcher.get((await self._endpoints()).keys)
        keys = usable_keys(answer.body) if answer.status == 200 else []
        if not keys:
            raise ProviderFault("publishes no key")
        return json.dumps({"keys": keys}).encode()

    async def _endpoints(self) -> Endpoints:
        """Returns where the provider is; what was found out is kept, also while it does not answer."""
        async with self._one_look:
            if self._known is None or time.monotonic() >= self._look_again:
                try:
                    self._known = await self._discover()
                    self._look_again = time.monotonic() + _DOCUMENT_SECONDS
                except ProviderFault:
                    if self._known is None:
                        raise
                    self._look_again = time.monotonic() + _RETRY_SECONDS
            return self._known

    async def _discover(self) -> Endpoints:
        answer = await self._fetcher.get(f"{self.issuer.rstrip('/')}/.well-known/openid-configuration")
        found = answer.document
        if answer.status != 200 or found.get("issuer") != self.issuer:  # Discovery 4.3: it must be the very same
            raise ProviderFault("discovery: issuer")
        places = [found.get(name) for name in ("authorization_endpoint", "token_endpoint", "jwks_uri")]
        userinfo = found.get("userinfo_endpoint") or ""
        if not all(
            safe_address(one, loopback=self._fetcher.loopback) for one in [*places, *([userinfo] if userinfo else [])]
        ):
            raise ProviderFault("discovery: addresses")
        ways = found.get("token_endpoint_auth_methods_supported") or ["client_secret_basic"]
        return Endpoints(
            authorization=str(places[0]),
            token=str(places[1]),
            keys=str(places[2]),
            userinfo=str(userinfo),
            secret_in_form="client_secret_basic" not in ways,
            names_itself=found.get("authorization_response_iss_parameter_supported") is True,
        )


def _printable(text: str) -> bool:
    return text.isascii() and text.isprintable()
