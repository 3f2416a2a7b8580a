"""What the portal shows to Envoy and asks of it, where the processes of the mesh show each other certificates."""

from __future__ import annotations

import ssl
from typing import Any

from cine_gateway.settings import GatewaySettings


def certificates(settings: GatewaySettings) -> dict[str, Any]:
    """Returns options for uvicorn, none without `mtls`: pages and the keys of tokens pass between the portal and Envoy.

    Raises:
        FileNotFoundError: a certificate is missing.
    """
    if not settings.mtls:
        return {}
    files = settings.tls_files("portal")
    files.client_context()  # says plainly what is missing or open to others
    return {
        "ssl_certfile": files.cert,
        "ssl_keyfile": files.key,
        "ssl_ca_certs": str(files.ca),
        "ssl_cert_reqs": ssl.CERT_REQUIRED,
    }
