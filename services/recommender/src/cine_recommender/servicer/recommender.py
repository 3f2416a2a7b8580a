"""RecommenderService, put together from parts that answer some of its calls each."""

from __future__ import annotations

from cine.recommender.v1 import recommender_pb2, recommender_pb2_grpc

_METHODS = frozenset(recommender_pb2.DESCRIPTOR.services_by_name["RecommenderService"].methods_by_name)


class RecommenderServicer(recommender_pb2_grpc.RecommenderServiceServicer):
    """Hands each call to the part that has a method of its name; calls that no part has are left to the base class, which says so.

    Args:
        parts: objects with methods named as those of the contract, such as `SimilarCalls`.

    Raises:
        ValueError: two parts answer the same call, or one answers none.
    """

    def __init__(self, *parts: object) -> None:
        answered: set[str] = set()
        for part in parts:
            names = _METHODS & set(dir(part))
            if not names or names & answered:
                raise ValueError(f"{type(part).__name__} answers {sorted(names & answered) or 'no call'}")
            answered |= names
            for name in names:
                setattr(self, name, getattr(part, name))
