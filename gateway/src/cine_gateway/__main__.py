"""Command line of the gateway: `python -m cine_gateway render|envoy|portal|limiter|openapi`."""

from __future__ import annotations

import argparse
import errno
import json
import os
import socket
import sys
from pathlib import Path

from cine_gateway import __version__
from cine_gateway.settings import GatewaySettings, split_address
from cinemesh.settings import load

EXIT_FAILED = 1
EXIT_PORT_IN_USE = 3  # the same as of a service (cinemesh.server)


def _render(settings: GatewaySettings, *, check: bool) -> None:
    from cine_gateway import envoy

    config = envoy.render(settings)
    if check:
        envoy.validate(config)
    print(config)


def _envoy(settings: GatewaySettings) -> None:
    """Renders, then becomes the small process that watches Envoy: nothing of what rendering needed stays in memory."""
    from cine_gateway import envoy

    config = envoy.render(settings)
    _require_free(settings.host, settings.port, "CINE_GATEWAY_PORT")
    if settings.https_port is not None:
        _require_free(settings.host, settings.https_port, "CINE_GATEWAY_HTTPS_PORT")
    _require_free("127.0.0.1", settings.admin_port, "CINE_PORT_BASE")
    watcher = Path(__file__).with_name("watcher.py")
    waits = [str(settings.admin_port), str(settings.drain_seconds), str(settings.grace_seconds)]
    sys.stdout.flush()
    os.execv(sys.executable, [sys.executable, str(watcher), *waits, *envoy.command(settings, config)])


def _portal(settings: GatewaySettings) -> None:
    import uvicorn

    from cine_gateway.portal import certificates, create_app
    from cinemesh import telemetry

    telemetry.set_up(settings, name="portal", version=__version__)
    host, port = settings.portal_host, split_address(settings.portal_endpoint)[1]
    _require_free(host, port, "CINE_PORT_BASE")
    uvicorn.run(
        create_app(settings),
        host=host,
        port=port,
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=max(1, int(settings.grace_seconds)),
        **certificates(settings),
    )


def _limiter(settings: GatewaySettings) -> None:
    from cine_gateway.limiter import server
    from cinemesh import telemetry

    telemetry.set_up(settings, name="limiter", version=__version__)
    _require_free(settings.limiter_host, split_address(settings.limiter_endpoint)[1], "CINE_PORT_BASE")
    _require_free(settings.metrics_host, settings.limiter_metrics_port, "CINE_PORT_BASE")
    server.run(settings)


def _openapi(settings: GatewaySettings) -> None:
    from cine_gateway import contracts as contracts_of
    from cine_gateway import openapi

    print(json.dumps(openapi.document(contracts_of.load(), settings.public_url), indent=2, ensure_ascii=False))


def _require_free(host: str, port: int, setting: str) -> None:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            taken = error.errno == errno.EADDRINUSE
            why = "is in use" if taken else f"cannot be bound: {os.strerror(error.errno or 0)}"
            print(f"gateway: port {port} {why}; set {setting} or stop the process that holds it", file=sys.stderr)
            raise SystemExit(EXIT_PORT_IN_USE) from None


def main() -> None:
    """Runs one command.

    Raises:
        SystemExit: 1 when Envoy or the contracts are missing or refused, 2 for a bad setting, 3 when a port is taken; one plain
            line on stderr says which.
    """
    parser = argparse.ArgumentParser(prog="python -m cine_gateway", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    render = commands.add_parser("render", help="write Envoy's configuration and print where")
    render.add_argument("--check", action="store_true", help="let Envoy validate it")
    commands.add_parser("envoy", help="write the configuration and run Envoy; SIGTERM drains it first")
    commands.add_parser("portal", help="serve documentation, health and explorer on loopback")
    commands.add_parser("limiter", help="count calls for Envoy, exactly, in memory or in Redis")
    commands.add_parser("openapi", help="print the OpenAPI document")
    arguments = parser.parse_args()
    settings = load(GatewaySettings)
    try:
        if arguments.command == "render":
            _render(settings, check=arguments.check)
        elif arguments.command == "envoy":
            _envoy(settings)
        elif arguments.command == "portal":
            _portal(settings)
        elif arguments.command == "limiter":
            _limiter(settings)
        else:
            _openapi(settings)
    except (RuntimeError, FileNotFoundError, ValueError) as error:
        print(f"gateway: {error}", file=sys.stderr)
        raise SystemExit(EXIT_FAILED) from None


if __name__ == "__main__":
    main()
