"""What every provider can do."""

from __future__ import annotations

from typing import Protocol

from cine_identity.domain.oauth import Secrets, Upstream


class Provider(Protocol):
    """A provider that one can sign in through.

    Attributes:
        name: in paths.
        display_name: for people.
        issuer: identities are keyed on it.
    """

    name: str
    display_name: str
    issuer: str

    async def page(self, *, state: str, secrets: Secrets, redirect_uri: str) -> str:
        """Returns the address of the page that asks the person.

        Raises:
            ProviderFault: the provider does not say where it is.
        """
        ...

    async def check_issuer(self, issuer: str) -> None:
        """Compares the issuer that came back with the browser (RFC 9207), empty for none.

        Raises:
            ProviderFault: it is another's, or is missing although the provider always sends it.
        """
        ...

    async def person(self, code: str, *, secrets: Secrets, redirect_uri: str) -> Upstream:
        """Trades a code for the person who signed in there.

        Raises:
            ProviderFault: the code is refused, or what the provider says of the person does not hold.
        """
        ...

    async def close(self) -> None:
        """Ends what runs in the background."""
        ...
