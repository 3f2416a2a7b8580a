"""Secrets sent through every call of the mesh, by REST and natively: none may turn up in a log, a trace or an error.

Passwords, tokens, codes and cookies travel where their contracts say so (fields marked `debug_redact`), in `authorization` and in
`cookie`. Then every log file of the mesh, every span of every process, and every error is searched for them.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import grpc
import httpx
import pytest

from cine_gateway import contracts as contracts_of
from cine_gateway.contracts import Contracts
from cinemesh import topology

from .canaries import Canaries, Collector, Requests, collecting, methods, rest_call
from .mesh import Mesh, started

pytestmark = pytest.mark.timeout(300)


@dataclass
class Evidence:
    """What was sent, and what came back when it was refused."""

    canaries: Canaries = field(default_factory=Canaries)
    errors: list[str] = field(default_factory=list)
    calls: int = 0


@pytest.fixture(scope="module")
def contracts() -> Contracts:
    return contracts_of.load()


@pytest.fixture(scope="module")
def traced(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Mesh, Collector]]:
    settings = {"CINE_LOG_LEVEL": "debug", "CINE_IDENTITY_BCRYPT_COST": "4"}
    with (
        collecting() as (address, collector),
        started(tmp_path_factory.mktemp("canaries"), CINE_OTLP_ENDPOINT=address, **settings) as mesh,
    ):
        yield mesh, collector


def natively(mesh: Mesh, contracts: Contracts, evidence: Evidence) -> None:
    """Sends every call straight to its service."""
    requests = Requests(contracts, evidence.canaries)
    for service in contracts.services:
        if service.owner not in topology.SERVICES:
            continue
        address = f"127.0.0.1:{topology.grpc_port(service.owner, mesh.base)}"
        with grpc.insecure_channel(address) as channel:
            for method in methods(contracts):
                if method.service != service.full_name:
                    continue
                token, cookie = evidence.canaries.new(), evidence.canaries.new()
                for metadata in (
                    (("cookie", f"__Host-cine_refresh={cookie}; __Host-cine_oauth={cookie}"),),
                    (("authorization", f"Bearer {token}"),),
                ):
                    call = channel.unary_stream(method.path)(
                        requests.make(method.input_type).SerializeToString(), timeout=5, metadata=metadata
                    )
                    try:
                        next(call, None)
                        call.cancel()
                    except grpc.RpcError as error:
                        evidence.errors.append(f"{error.details()} {error.trailing_metadata()}")
                    evidence.calls += 1


def over_rest(mesh: Mesh, contracts: Contracts, evidence: Evidence) -> None:
    """Sends every REST form of every call through the gateway."""
    requests = Requests(contracts, evidence.canaries)
    with httpx.Client(base_url=mesh.address, timeout=10, trust_env=False) as client:
        for method in methods(contracts):
            for binding in method.bindings:
                verb, path, body = rest_call(binding, requests.make(method.input_type))
                token, cookie = evidence.canaries.new(), evidence.canaries.new()
                for headers in ({"cookie": f"__Host-cine_refresh={cookie}"}, {"authorization": f"Bearer {token}"}):
                    with client.stream(verb, path, json=body, headers=headers) as answer:
                        if answer.status_code >= 400:
                            answer.read()
                            evidence.errors.append(f"{answer.text} {answer.headers}")
                    evidence.calls += 1


def test_no_secret_reaches_a_log_a_trace_or_an_error(traced: tuple[Mesh, Collector], contracts: Contracts) -> None:
    mesh, collector = traced
    evidence = Evidence()
    natively(mesh, contracts, evidence)
    over_rest(mesh, contracts, evidence)
    # a sign-in that goes all the way: its secrets are good ones
    person = {"username": "canary.bird", "email": "canary@example.org", "password": evidence.canaries.new()}
    registered = httpx.post(f"{mesh.address}/api/v1/auth/register", json=person, timeout=10, trust_env=False)
    assert registered.status_code == 200, registered.text
    for password in (person["password"], evidence.canaries.new()):
        body = {"username": person["username"], "password": password}
        refused = httpx.post(f"{mesh.address}/api/v1/auth/login", json=body, timeout=10, trust_env=False)
        assert refused.status_code == 401, refused.text
        evidence.errors.append(refused.text)
    assert evidence.calls > 400 and len(evidence.canaries.sent) > 500
    time.sleep(6)  # spans go out in batches, five seconds apart
    logs = {
        path.name: path.read_text(errors="replace")
        for path in (Path(mesh.environment["CINE_VAR_DIR"]) / "log").iterdir()
    }
    assert {"identity.log", "envoy.log", "catalog.log"} <= set(logs)
    assert all("canary.bird" not in text for name, text in logs.items() if name != "identity.log")
    assert len(collector.texts) > 10
    for name, text in (*logs.items(), ("traces", "\n".join(collector.texts)), ("errors", "\n".join(evidence.errors))):
        assert evidence.canaries.found_in(text) == set(), name
