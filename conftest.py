"""Fixtures for every test of the house: real stores (`cinemesh.testing.stores`)."""

from __future__ import annotations

import grpc.aio

# Without a holder of its own, gRPC's asyncio side is torn down and set up again with nearly every test, thousands of times in one
# process, as no process of the mesh ever does it; its polling thread was seen to crash in there.
grpc.aio.init_grpc_aio()

pytest_plugins = ["cinemesh.testing.stores"]
