"""The contracts as compiled: routes, files and messages, without going through any service."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from google.protobuf import descriptor_pb2
from google.protobuf.descriptor import Descriptor

ROOT = Path(__file__).resolve().parents[2]
CONTRACTS = ROOT / "shared" / "contracts"


@pytest.fixture(scope="session")
def routes_script() -> ModuleType:
    """`scripts/routes.py` as a module."""
    spec = importlib.util.spec_from_file_location("scripts_routes", ROOT / "scripts" / "routes.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def routes(routes_script: ModuleType) -> list[Any]:
    return routes_script.read()


@pytest.fixture(scope="session")
def files() -> list[descriptor_pb2.FileDescriptorProto]:
    """Our own files, with comments."""
    everything = descriptor_pb2.FileDescriptorSet.FromString((CONTRACTS / "descriptors.binpb").read_bytes())
    return [file for file in everything.file if file.package.startswith("cine.")]


@pytest.fixture(scope="session")
def modules(files: list[descriptor_pb2.FileDescriptorProto]) -> list[ModuleType]:
    """The generated modules: what a service really imports."""
    return [importlib.import_module(file.name.removesuffix(".proto").replace("/", ".") + "_pb2") for file in files]


@pytest.fixture(scope="session")
def messages(modules: list[ModuleType]) -> dict[str, Descriptor]:
    """Every message by its full name."""
    return {found.full_name: found for module in modules for found in module.DESCRIPTOR.message_types_by_name.values()}


@pytest.fixture(scope="session")
def methods(modules: list[ModuleType]) -> dict[str, Any]:
    """Every method by "package.Service/Method"."""
    return {
        f"{service.full_name}/{method.name}": method
        for module in modules
        for service in module.DESCRIPTOR.services_by_name.values()
        for method in service.methods
    }
