"""The calls of the sentiment service.

A call without a method here is in the contract and answers UNIMPLEMENTED with reason NOT_IMPLEMENTED, saying so: frontends and
generated clients can be written against it already.
"""

from __future__ import annotations

from cine.sentiment.v1 import sentiment_pb2_grpc


class SentimentServicer(sentiment_pb2_grpc.SentimentServiceServicer):
    """Answers none of its calls yet."""
