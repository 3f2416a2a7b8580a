"""Other providers that people sign in through."""

from __future__ import annotations

from cine_identity.oauth.faults import ProviderFault
from cine_identity.oauth.fetching import Fetcher
from cine_identity.oauth.provider import Provider

__all__ = ["Fetcher", "Provider", "ProviderFault"]
