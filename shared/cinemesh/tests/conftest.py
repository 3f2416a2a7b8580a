"""Fixtures of cinemesh's own tests: the echo application, its contract compiled on the spot, and what it logs."""

from __future__ import annotations

import importlib
import json
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any, ClassVar

import pytest
from grpc_tools import protoc  # type: ignore[import-untyped]

import cine
from cinemesh import telemetry
from cinemesh.server import Application, Mount, Probe
from cinemesh.settings import ServiceSettings
from cinemesh.testing import TokenFactory, settings_for

PROTO = Path(__file__).parent / "proto"
Behaviour = Callable[[Any, Any], Awaitable[Any]]


def compile_contract(target: Path) -> None:
    """Compiles echo.proto and makes it importable; what it imports comes from the generated descriptor set."""
    descriptors = Path(next(iter(cine.__path__))).parent / "descriptors.binpb"
    status = protoc.main(
        [
            "protoc",
            f"-I{PROTO}",
            f"--descriptor_set_in={descriptors}",
            f"--python_out={target}",
            f"--grpc_python_out={target}",
            "cinemesh_test/v1/echo.proto",
        ]
    )
    assert status == 0, "protoc failed; run scripts/generate.py first"
    sys.path.insert(0, str(target))
    importlib.invalidate_caches()


def pb2() -> Any:
    """Returns the compiled messages."""
    return importlib.import_module("cinemesh_test.v1.echo_pb2")


def pb2_grpc() -> Any:
    """Returns the compiled stubs."""
    return importlib.import_module("cinemesh_test.v1.echo_pb2_grpc")


class EchoSettings(ServiceSettings):
    """Settings of the echo service; it sits where the catalogue would."""

    service: ClassVar[str] = "catalog"
    greeting: str = "hello"


class EchoApplication(Application):
    """Echoes, unless the text of the request is a key of `on`: then that behaviour answers."""

    name = "echo"
    version = "1.2.3"

    def __init__(self, settings: ServiceSettings) -> None:
        """Starts without behaviours, probes or a feed."""
        self.settings = settings
        self.on: dict[str, Behaviour] = {}
        self.before_start: Callable[[], Awaitable[None]] | None = None
        self.dependencies: dict[str, Probe] = {}
        self.feed_servicer: Any = None
        self.stopped = 0

    async def start(self) -> list[Mount]:
        """Mounts the echo service."""
        if self.before_start is not None:
            await self.before_start()
        add = pb2_grpc().add_EchoServiceServicer_to_server
        return [Mount(_servicer(self), add, pb2().DESCRIPTOR.services_by_name["EchoService"])]

    async def stop(self) -> None:
        """Counts."""
        self.stopped += 1

    async def probes(self) -> dict[str, Probe]:
        """Returns what the test set."""
        return self.dependencies

    def feed(self) -> Any:
        """Returns what the test set."""
        return self.feed_servicer


def _servicer(app: EchoApplication) -> Any:
    messages = pb2()

    class EchoServicer(pb2_grpc().EchoServiceServicer):  # type: ignore[misc]
        async def Echo(self, request: Any, context: Any) -> Any:  # noqa: N802
            behaviour = app.on.get(request.text)
            if behaviour is not None:
                return await behaviour(request, context)
            return messages.EchoResponse(text=request.text, count=1)

        Write = ForUser = ForOwner = ForSettingUp = ForAdmin = ForService = Unstated = Echo

        async def Repeat(self, request: Any, context: Any) -> AsyncIterator[Any]:  # noqa: N802
            for number in range(request.count):
                yield messages.EchoResponse(text=request.text, count=number)
            behaviour = app.on.get(request.text)
            if behaviour is not None:
                await behaviour(request, context)

        async def Collect(self, request_iterator: Any, context: Any) -> Any:  # noqa: N802
            texts = [request.text async for request in request_iterator]
            return messages.EchoResponse(text=",".join(texts), count=len(texts))

        async def Chat(self, request_iterator: Any, context: Any) -> AsyncIterator[Any]:  # noqa: N802
            async for request in request_iterator:
                yield messages.EchoResponse(text=request.text, count=1)

    return EchoServicer()


@pytest.fixture(scope="session")
def echo_contract(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Returns the compiled messages of the test contract."""
    if "cinemesh_test" not in sys.modules:
        compile_contract(tmp_path_factory.mktemp("contract"))
    return pb2()


@pytest.fixture
def echo_settings(tmp_path: Path) -> Any:
    """Returns settings of an echo application that uses nothing but the test's folder."""
    # no Identity here: neither its keys nor its feed
    keys = tmp_path / "var" / "keys" / "jwks.json"
    return settings_for(EchoSettings, tmp_path, jwks=[str(keys)], revocation=False)


@pytest.fixture
def tokens(echo_settings: Any) -> TokenFactory:
    """Returns a factory of tokens that the echo application understands."""
    return TokenFactory(echo_settings)


@pytest.fixture
def app(echo_contract: Any, echo_settings: Any) -> Any:
    """Returns an echo application."""
    return EchoApplication(echo_settings)


@pytest.fixture
def stub_class(echo_contract: Any) -> Any:
    """Returns the stub class of the test contract."""
    return pb2_grpc().EchoServiceStub


@pytest.fixture
def log_lines(echo_settings: Any, capfd: pytest.CaptureFixture[str]) -> Iterator[Callable[[], list[dict[str, Any]]]]:
    """Returns a reader of the log lines written since the last look, parsed; a line that is not JSON fails the test."""
    telemetry.set_up(echo_settings)
    yield lambda: [json.loads(line) for line in capfd.readouterr().out.splitlines() if line]
