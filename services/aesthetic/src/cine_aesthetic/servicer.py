"""The calls of the aesthetic service.

A call without a method here is in the contract and answers UNIMPLEMENTED with reason NOT_IMPLEMENTED, saying so: frontends and
generated clients can be written against it already.
"""

from __future__ import annotations

from cine.aesthetic.v1 import aesthetic_pb2_grpc


class AestheticServicer(aesthetic_pb2_grpc.AestheticServiceServicer):
    """Answers none of its calls yet."""
