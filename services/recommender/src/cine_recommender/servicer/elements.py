"""Recommendations as bytes: cards are serialized already, the rest of each element is put around them (docs/adr/0007)."""

from __future__ import annotations

import struct
from collections.abc import Sequence

from cine.recommender.v1 import recommendation_pb2, recommender_pb2
from cine_recommender.domain.taste import COMPONENTS
from cine_recommender.flows.telling import Page, Speaking
from cine_recommender.language.wording import Worded
from cinemesh.cards import tag, varint

_FIXED32, _VARINT = 5, 0
_FIELDS = recommendation_pb2.Recommendation.DESCRIPTOR.fields_by_name
_OPENING = tag(recommender_pb2.ListRecommendationsResponse.DESCRIPTOR.fields_by_name["recommendations"].number)
_MOVIE, _COMPONENTS, _EXPLANATION = (tag(_FIELDS[name].number) for name in ("movie", "components", "explanation"))
_SCORE, _RANK = tag(_FIELDS["score"].number, _FIXED32), tag(_FIELDS["rank"].number, _VARINT)
_SHARE_TAGS = [
    tag(recommendation_pb2.Components.DESCRIPTOR.fields_by_name[name].number, _FIXED32) for name in COMPONENTS
]
_FLOAT = struct.Struct("<f")


def encoded(page: Page, words: Sequence[Worded], opening: bytes = _OPENING) -> bytes:
    """Returns the films of a page as elements of a list of `Recommendation`, in their order.

    Args:
        page: the films.
        words: why each is recommended.
        opening: tag of the list; that of `ListRecommendationsResponse.recommendations` by default.
    """
    parts: list[bytes] = []
    ranks, scores = page.ranks.tolist(), page.scores.tolist()
    films = zip(page.cards, ranks, scores, page.shares.tolist(), page.because, words, strict=True)
    for card, rank, score, shares, because, worded in films:
        told = explanation(because, worded).SerializeToString()
        components = b"".join(before + _FLOAT.pack(share) for before, share in zip(_SHARE_TAGS, shares, strict=True))
        body = b"".join(
            (
                *(_MOVIE, varint(len(card)), card),
                *(_SCORE, _FLOAT.pack(score)),
                *(_RANK, varint(rank)),
                *(_COMPONENTS, varint(len(components)), components),
                *(_EXPLANATION, varint(len(told)), told),
            )
        )
        parts += (opening, varint(len(body)), body)
    return b"".join(parts)


def explanation(because: Sequence[Speaking], worded: Worded) -> recommendation_pb2.Explanation:
    """Returns why a film is recommended."""
    return recommendation_pb2.Explanation(
        text=worded.text,
        because=[
            recommendation_pb2.ExplainingMovie(
                movie_id=own.movie_id,
                title=own.facts.title,
                year=own.facts.year,
                share=own.share,
                overall=own.overall,
            )
            for own in because
        ],
        worded_by=worded.worded_by,
    )
