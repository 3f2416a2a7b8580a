"""The calls about providers as a page makes them, with the cookies of its browser."""

from __future__ import annotations

from http.cookies import SimpleCookie
from typing import Any
from urllib.parse import parse_qs, urlsplit

from cine.identity.v1 import oauth_pb2 as pb
from cine.identity.v1 import oauth_pb2_grpc
from cine_identity.store import Transaction
from cine_identity.store.schema import audit
from cinemesh.testing import Running

from .server import OpenIdServer

COOKIE = "__Host-cine_oauth"
METHOD = (("user-agent", "test"),)


class Browser:
    """A jar of cookies."""

    def __init__(self) -> None:
        self.cookies: dict[str, str] = {}
        self.set: list[str] = []

    def metadata(self, *more: tuple[str, str]) -> tuple[tuple[str, str], ...]:
        kept = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        return (*((("cookie", kept),) if kept else ()), *more)

    async def call(self, method: Any, request: Any, metadata: Any = ()) -> Any:
        """Makes a call, and keeps the cookies of its answer."""
        call = method(request, metadata=self.metadata(*metadata))
        answer = await call
        for key, value in await call.initial_metadata():
            if key == "set-cookie":
                self.set.append(value)
                for name, morsel in SimpleCookie(value).items():
                    self.cookies[name] = morsel.value
                    if morsel["max-age"] == "0":
                        del self.cookies[name]
        return answer


class Client:
    """The calls."""

    def __init__(self, identity: Running) -> None:
        self.app: Any = identity.app
        self.stub = identity.stub(oauth_pb2_grpc.OAuthServiceStub)

    async def depart(self, browser: Browser, provider: str = "acme", **fields: Any) -> Any:
        return await browser.call(self.stub.Authorize, pb.AuthorizeRequest(provider=provider, **fields))

    async def depart_to_link(self, browser: Browser, person: Any, provider: str = "acme") -> Any:
        return await browser.call(self.stub.StartLink, pb.StartLinkRequest(provider=provider), person.metadata)

    async def arrive(
        self, browser: Browser, back: dict[str, str], provider: str = "acme", metadata: Any = METHOD
    ) -> Any:
        return await browser.call(
            self.stub.HandleCallback, pb.HandleCallbackRequest(provider=provider, **back), metadata
        )

    async def sign_in(
        self, server: OpenIdServer, sub: str, browser: Browser | None = None, provider: str = "acme", **fields: Any
    ) -> Any:
        """Goes the whole way."""
        browser = browser or Browser()
        departure = await self.depart(browser, provider, **fields)
        return await self.arrive(browser, await server.sign_in(departure.authorization_url, sub), provider)

    async def link(self, server: OpenIdServer, sub: str, person: Any, browser: Browser | None = None) -> Any:
        browser = browser or Browser()
        departure = await self.depart_to_link(browser, person)
        return await self.arrive(browser, await server.sign_in(departure.authorization_url, sub))

    async def held(self, metadata: Any) -> list[Any]:
        answer = await self.stub.ListLinkedIdentities(pb.ListLinkedIdentitiesRequest(), metadata=metadata)
        return list(answer.identities)

    async def unlink(self, metadata: Any, identity_id: str) -> Any:
        return await self.stub.UnlinkIdentity(pb.UnlinkIdentityRequest(identity_id=identity_id), metadata=metadata)

    async def outcomes(self, action: str) -> list[str]:
        """Returns how acts of a kind ended, first one first."""

        def read(tx: Transaction) -> list[str]:
            rows = tx.execute(audit.select().where(audit.c.action == action).order_by(audit.c.audit_id))
            return [row.outcome for row in rows]

        found: list[str] = await self.app.database.read(read)
        return found


def query(address: str) -> dict[str, str]:
    """Returns the parameters of an address."""
    return {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}
