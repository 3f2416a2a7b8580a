"""Generated contracts found by name at run time: a peer's messages without an import of its stubs.

cinemesh itself knows the shared contracts only; the few calls and events of a service that concern the whole mesh (keys,
revocations, retry rules) are looked up here, so that the layering stays as it is.
"""

from __future__ import annotations

import functools
import importlib
import pkgutil

from google.protobuf.descriptor import FileDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass


@functools.cache
def files(package: str) -> tuple[FileDescriptor, ...]:
    """Returns the contract files of a package such as "cine.catalog.v1"; none when it was not generated here."""
    try:
        folder = importlib.import_module(package)
    except ModuleNotFoundError:
        return ()
    names = [module.name for module in pkgutil.iter_modules(folder.__path__) if module.name.endswith("_pb2")]
    return tuple(importlib.import_module(f"{package}.{name}").DESCRIPTOR for name in sorted(names))


@functools.cache
def message(full_name: str) -> type[Message]:
    """Returns the class of a message such as "cine.identity.v1.SessionRevoked".

    Raises:
        LookupError: no generated contract has it.
    """
    package, _, name = full_name.rpartition(".")
    for file in files(package):
        if name in file.message_types_by_name:
            return GetMessageClass(file.message_types_by_name[name])
    raise LookupError(f"no contract of {package} has a message {name}")
