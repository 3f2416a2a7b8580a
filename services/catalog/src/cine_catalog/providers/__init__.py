"""Which streaming services carry a film: one interface, real lists where files have them, else a labelled mock."""

from cine_catalog.providers.listed import ListedServices
from cine_catalog.providers.mock import MockServices
from cine_catalog.providers.provider import StreamingProvider, streaming_columns
from cine_catalog.providers.services import SERVICES, canonical_or_given, canonical_service

__all__ = [
    "SERVICES",
    "ListedServices",
    "MockServices",
    "StreamingProvider",
    "canonical_or_given",
    "canonical_service",
    "streaming_columns",
]
