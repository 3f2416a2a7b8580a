"""Which processes make the mesh on this machine, and how each is started and asked whether it is ready."""

from __future__ import annotations

import json
import os
import sys
from dataclasses import dataclass, field
from pathlib import Path

from cinemesh import topology
from cinemesh.tls import TlsFiles, development_folder

ROOT = Path(__file__).resolve().parents[4]


@dataclass(frozen=True)
class ProcessPlan:
    """One process of the mesh.

    Attributes:
        name: unique, such as "catalog", "catalog-1" (second replica), "portal", "envoy".
        command: program and arguments.
        ports: loopback ports it listens on; a busy one is reported before anything starts.
        check: "grpc" (health service on the first port), "http" (`/health/live` on the first port) or "envoy" (`/ready`).
        environment: variables added to the supervisor's own.
        known_as: name in its certificate, where processes show one another certificates.
    """

    name: str
    command: tuple[str, ...]
    ports: tuple[int, ...]
    check: str
    environment: dict[str, str] = field(default_factory=dict)
    known_as: str = ""


@dataclass(frozen=True)
class MeshOptions:
    """Where the mesh listens and keeps its state.

    Attributes:
        port_base: first of the loopback ports (see `cinemesh.topology`).
        gateway_port: port of the gateway for browsers.
        var_dir: state, logs, pids.
        replicas: processes of a service, for those with more than one.
        https_port: port of the gateway for HTTPS; None when it has none.
        tls: what the supervisor shows to processes and knows them by; None when they talk in the clear.
        makes_tls: whether the certificates are those for development, made where they are missing.
        mail_dir: folder that mail is written to; None when it is sent.
    """

    port_base: int
    gateway_port: int
    var_dir: Path
    replicas: dict[str, int] = field(default_factory=dict)
    https_port: int | None = None
    tls: TlsFiles | None = None
    makes_tls: bool = False
    mail_dir: Path | None = None

    @classmethod
    def from_environment(cls) -> MeshOptions:
        """Reads `CINE_PORT_BASE`, `CINE_GATEWAY_PORT`, `CINE_VAR_DIR`, `CINE_REPLICAS` (`{"catalog": 2}`) and `.env`."""
        from cine_cli.mesh.options import MeshSettings

        settings = MeshSettings()
        var_dir = settings.var_dir.resolve()
        folder = settings.tls_dir or development_folder(var_dir)
        return cls(
            port_base=settings.port_base,
            gateway_port=settings.gateway_port,
            var_dir=var_dir,
            replicas=settings.replicas,
            https_port=settings.gateway_https_port,
            tls=TlsFiles.of(folder, "cli") if settings.mtls else None,
            makes_tls=settings.mtls and settings.tls_dir is None and settings.environment == "development",
            mail_dir=None if settings.smtp_host else var_dir / "outbox",
        )


def plan(options: MeshOptions) -> list[ProcessPlan]:
    """Returns the processes in the order they are started: services, portal, limiter, Envoy last."""
    # one BLAS thread a process: nine processes each spinning up a pool would fight over the same few cores
    quiet = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "PYTHONUNBUFFERED": "1"}
    shared = {
        **quiet,
        "CINE_PORT_BASE": str(options.port_base),
        "CINE_GATEWAY_PORT": str(options.gateway_port),
        "CINE_VAR_DIR": str(options.var_dir),
        "CINE_REPLICAS": json.dumps(options.replicas),
    }
    processes: list[ProcessPlan] = []
    for service in topology.SERVICES:
        for replica in range(options.replicas.get(service, 1)):
            grpc_port = topology.grpc_port(service, options.port_base, replica)
            metrics_port = topology.metrics_port(service, options.port_base, replica)
            processes.append(
                ProcessPlan(
                    name=service if replica == 0 else f"{service}-{replica}",
                    command=(sys.executable, "-m", f"cine_{service}"),
                    ports=(grpc_port, metrics_port),
                    check="grpc",
                    environment={**shared, "CINE_REPLICA": str(replica)},
                    known_as=service,
                )
            )
    processes.append(
        ProcessPlan(
            name="portal",
            command=(sys.executable, "-m", "cine_gateway", "portal"),
            ports=(topology.portal_port(options.port_base),),
            check="http",
            environment=shared,
            known_as="portal",
        )
    )
    processes.append(
        ProcessPlan(
            name="limiter",
            command=(sys.executable, "-m", "cine_gateway", "limiter"),
            ports=(topology.limiter_port(options.port_base), topology.limiter_metrics_port(options.port_base)),
            check="grpc",
            environment=shared,
            known_as="limiter",
        )
    )
    https = () if options.https_port is None else (options.https_port,)
    processes.append(
        ProcessPlan(
            name="envoy",
            command=(sys.executable, "-m", "cine_gateway", "envoy"),
            ports=(topology.admin_port(options.port_base), options.gateway_port, *https),
            check="envoy",
            environment=shared,
        )
    )
    return processes


def child_environment(process: ProcessPlan) -> dict[str, str]:
    """Returns the whole environment of a process: the supervisor's own with the plan's on top."""
    return {**os.environ, **process.environment}
