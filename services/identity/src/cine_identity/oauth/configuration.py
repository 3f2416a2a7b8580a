"""OpenID providers as the settings write them."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, SecretStr, TypeAdapter, ValidationError

from cine_identity.domain.oauth import METHODS_OF_OUR_OWN, PROVIDER_NAME
from cine_identity.oauth.fetching import safe_address

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
