"""Which providers there are: those that the settings set up."""

from __future__ import annotations

from cine_identity.oauth.fetching import Fetcher
from cine_identity.oauth.github import GitHub
from cine_identity.oauth.oidc import Client, OpenIdProvider
from cine_identity.oauth.provider import Provider
from cine_identity.settings import IdentitySettings

GOOGLE_ISSUER = "https://accounts.google.com"
_GOOGLE_TOO = "accounts.google.com"


def providers_of(settings: IdentitySettings, fetcher: Fetcher) -> dict[str, Provider]:
    """Returns the providers by their names, in the order to show them.

    Args:
        settings: those that set them up.
        fetcher: asks them.
    """
    found: list[Provider] = []
    if settings.google_client_secret is not None:
        secret = settings.google_client_secret.get_secret_value()
        client = Client(GOOGLE_ISSUER, settings.google_client_id, secret, also=(_GOOGLE_TOO,))
        found.append(OpenIdProvider("google", "Google", client, fetcher))
    if settings.github_client_secret is not None:
        secret = settings.github_client_secret.get_secret_value()
        found.append(GitHub(settings.github_url, settings.github_client_id, secret, fetcher))
    for one in settings.further_providers():
        client = Client(one.issuer, one.client_id, one.client_secret.get_secret_value())
        found.append(OpenIdProvider(one.name, one.display_name or one.name, client, fetcher))
    return {one.name: one for one in found}
