"""Which providers there are, from the settings."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, SecretStr, TypeAdapter, ValidationError

from cine_identity.domain.oauth import METHODS_OF_OUR_OWN, PROVIDER_NAME
from cine_identity.oauth.fetching import Fetcher, safe_address
from cine_identity.oauth.github import GitHub
from cine_identity.oauth.oidc import Client, OpenIdProvider
from cine_identity.oauth.provider import Provider

GOOGLE_ISSUER = "https://accounts.google.com"
_GOOGLE_TOO = "accounts.google.com"
_TAKEN = METHODS_OF_OUR_OWN | {"google", "github"}
_Text = Annotated[str, Field(min_length=1, max_length=254)]


class OidcProvider(BaseModel):
    """An OpenID provider as the settings have it."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True, frozen=True)

    name: _Text
    display_name: str = Field(default="", max_length=80)
    issuer: _Text
    client_id: _Text
    client_secret: SecretStr = SecretStr("")


_LIST = TypeAdapter(list[OidcProvider])


def parse_oidc_providers(text: str, *, loopback: bool) -> list[OidcProvider]:
    """Reads a list of OpenID providers from JSON.

    Args:
        text: JSON.
        loopback: whether an issuer may be http on this machine.

    Raises:
        ValueError: it is none, a name is used twice or is not free, or an issuer is not https; never repeats a secret.
    """
    try:
        found = _LIST.validate_json(text)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        place = ".".join(str(part) for part in first["loc"]) or "it"
        raise ValueError(f"must be a JSON list of providers: {place}: {first['msg']}") from None
    names = set(_TAKEN)
    for one in found:
        if not PROVIDER_NAME.match(one.name) or one.name in names:
            raise ValueError(
                "each name must be of a-z, 0-9 and -, used once, and none of google, github, passkey, password"
            )
        if not safe_address(one.issuer, loopback=loopback) or "?" in one.issuer:
            raise ValueError(f"the issuer of {one.name} must be an https address")
        names.add(one.name)
    return found


def providers_of(
    *,
    google: tuple[str, str] | None,
    github: tuple[str, str] | None,
    github_url: str,
    others: list[OidcProvider],
    fetcher: Fetcher,
) -> dict[str, Provider]:
    """Returns the providers that are set up by their names, in the order to show them.

    Args:
        google: client id and secret; None where it is not offered.
        github: likewise.
        github_url: GitHub itself, or an Enterprise Server.
        others: further OpenID providers.
        fetcher: asks them.
    """
    found: list[Provider] = []
    if google is not None:
        client = Client(GOOGLE_ISSUER, *google, also=(_GOOGLE_TOO,))
        found.append(OpenIdProvider("google", "Google", client, fetcher))
    if github is not None:
        found.append(GitHub(github_url, *github, fetcher))
    for one in others:
        client = Client(one.issuer, one.client_id, one.client_secret.get_secret_value())
        found.append(OpenIdProvider(one.name, one.display_name or one.name, client, fetcher))
    return {one.name: one for one in found}
