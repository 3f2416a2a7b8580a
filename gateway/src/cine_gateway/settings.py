"""Settings of the gateway: where it listens, what it lets through, how long it waits."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import urlsplit

from pydantic import AliasChoices, Field, field_validator

from cinemesh import topology
from cinemesh.settings import CommaSeparated, ServiceSettings

GATEWAY_ROOT = Path(__file__).resolve().parents[2]


class GatewaySettings(ServiceSettings):
    """Settings of Envoy and the portal: `CINE_GATEWAY_<FIELD>`, and what the whole mesh shares as `CINE_<FIELD>`."""

    service: ClassVar[str] = "gateway"

    port: int = Field(default=topology.DEFAULT_GATEWAY_PORT, ge=1, le=65535, description="port Envoy listens on")
    https_port: int | None = Field(
        default=None, ge=1, le=65535, description="port Envoy serves HTTPS on; the plain port then sends people there"
    )
    tls_cert: Path | None = Field(default=None, description="certificate of the HTTPS port, PEM, with those above it")
    tls_key: Path | None = Field(default=None, description="its private key, PEM")
    cors_origins: CommaSeparated = Field(
        default_factory=lambda: ["http://localhost:3000", "http://localhost:5173"],
        validation_alias=AliasChoices("CINE_CORS_ORIGINS", "CINE_GATEWAY_CORS_ORIGINS", "cors_origins"),
        description="origins whose pages may call the API; named one by one, never a wildcard",
    )
    image_origins: CommaSeparated = Field(
        default_factory=lambda: ["https://image.tmdb.org", "https://upload.wikimedia.org"],
        description="origins the pages may load posters from",
    )
    portal: str = Field(default="", description="host:port of the portal, where not beside Envoy")
    portal_host: str = Field(default=topology.LOOPBACK, description="address the portal listens on")
    limiter: str = Field(default="", description="host:port of the rate limiter, where not beside Envoy")
    limiter_host: str = Field(default=topology.LOOPBACK, description="address the rate limiter listens on")
    rate_limit: int = Field(
        default=60, ge=0, le=100_000, description="calls a user, or an address without one, may make; 0: no limit"
    )
    rate_limit_window_seconds: int = Field(default=60, ge=1, le=3600, description="in any so many seconds on end")
    sign_ins_per_second: int = Field(
        default=15,
        ge=0,
        le=100_000,
        description="calls that wait for a password hash, let through in a second by each gateway; 0: no limit",
    )
    web_dir: Path = Field(default=GATEWAY_ROOT / "web", description="folder of the explorer's files")
    max_body_bytes: int = Field(default=4 << 20, ge=1024, le=64 << 20, description="largest JSON body, in bytes")
    max_response_bytes: int = Field(default=16 << 20, ge=1024, description="largest JSON answer, in bytes")
    request_seconds: float = Field(default=15.0, gt=0, le=300, description="longest a call may take, in seconds")
    admin_seconds: float = Field(default=120.0, gt=0, le=3600, description="longest a call of an admin may take")
    stream_seconds: float = Field(default=3600.0, gt=0, description="longest a stream may stay open, in seconds")
    # half the cores: a worker forwards more calls than a Python process answers, and a core it takes lengthens everybody's tail
    workers: int = Field(
        default_factory=lambda: max(1, min((os.cpu_count() or 1) // 2, 4)), ge=1, le=64, description="worker threads"
    )
    max_connections: int = Field(default=10_000, ge=1, description="connections held at once; more are refused")
    max_heap_mb: int = Field(default=512, ge=64, description="memory at which Envoy sheds load, in MiB")
    trusted_hops: int = Field(default=0, ge=0, le=5, description="proxies in front whose X-Forwarded-* is believed")
    access_log: str = Field(default="stdout", min_length=1, description="file of the access log, or stdout")
    required_services: CommaSeparated = Field(
        default_factory=lambda: list(topology.SERVICES), description="services without which /health/ready says no"
    )
    health_seconds: float = Field(default=2.0, gt=0, le=10, description="how long /health/* waits for a service")

    @field_validator("https_port", "tls_cert", "tls_key", mode="before")
    @classmethod
    def _empty_is_none(cls, value: Any) -> Any:
        return None if value == "" else value

    @field_validator("cors_origins", "image_origins", "required_services", mode="before")
    @classmethod
    def _split_words(cls, value: Any) -> Any:
        if isinstance(value, str):
            return [part.strip() for part in value.split(",") if part.strip()]
        return value

    @field_validator("cors_origins", "image_origins")
    @classmethod
    def _are_origins(cls, value: list[str]) -> list[str]:
        for origin in value:
            parts = urlsplit(origin)
            if parts.scheme not in {"http", "https"} or "*" in origin or origin != f"{parts.scheme}://{parts.netloc}":
                raise ValueError(f"{origin!r} is not an origin such as https://films.example (no path, no wildcard)")
        return value

    @field_validator("required_services")
    @classmethod
    def _are_services(cls, value: list[str]) -> list[str]:
        if unknown := [name for name in value if name not in topology.SERVICES]:
            raise ValueError(f"no such service: {', '.join(unknown)}; there are {', '.join(topology.SERVICES)}")
        return value

    @property
    def https(self) -> bool:
        """Whether people reach the gateway over TLS."""
        return self.https_port is not None or self.public_url.startswith("https://")

    @property
    def redirect_port(self) -> int | None:
        """Port people are sent to from the plain one; None when that serves everything itself."""
        if self.https_port is None:
            return None
        parts = urlsplit(self.public_url)
        return (parts.port or 443) if parts.scheme == "https" else self.https_port

    @property
    def portal_endpoint(self) -> str:
        """`host:port` of the portal as Envoy reaches it."""
        return self.portal or f"{topology.LOOPBACK}:{topology.portal_port(self.port_base)}"

    @property
    def limiter_endpoint(self) -> str:
        """`host:port` of the rate limiter as Envoy reaches it."""
        return self.limiter or f"{topology.LOOPBACK}:{topology.limiter_port(self.port_base)}"

    @property
    def limiter_metrics_port(self) -> int:
        """Port of the rate limiter's `/metrics`."""
        return topology.limiter_metrics_port(self.port_base)

    @property
    def admin_port(self) -> int:
        """Port of Envoy's admin interface, on loopback."""
        return topology.admin_port(self.port_base)


def split_address(address: str) -> tuple[str, int]:
    """Splits `host:port`; an IPv6 host stands in brackets.

    Raises:
        ValueError: it is something else.
    """
    host, _, port = address.rpartition(":")
    if not host or not port.isdigit():
        raise ValueError(f"{address!r} is not host:port")
    return host.strip("[]"), int(port)
