"""Film cards: what lists show of a film, and how serialized cards are joined into an answer (docs/adr/0007).

One place decides how much of a film a card carries, so that search and recommendations show the same: lists are read by
the dozen and transcoded to JSON, where every byte costs time; the film's page has everything.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from cine.common.v1 import film_card_pb2

CARD_CAST: Final = 6
CARD_KEYWORDS: Final = 8
CARD_OVERVIEW: Final = 300
"""Longest overview on a card, in characters."""

_FIELDS: Final = tuple(field.name for field in film_card_pb2.FilmCard.DESCRIPTOR.fields)
_LENGTH_DELIMITED: Final = 2


def film_card(facts: Mapping[str, Any]) -> film_card_pb2.FilmCard:
    """Returns the card of a film.

    Args:
        facts: the fields of `FilmCard` by name, and any others, which are left alone.
    """
    values = {name: facts[name] for name in _FIELDS}
    values["cast"] = facts["cast"][:CARD_CAST]
    values["keywords"] = facts["keywords"][:CARD_KEYWORDS]
    values["overview"] = shortened(facts["overview"])
    values["average_rating"] = round(facts["average_rating"], 3)
    return film_card_pb2.FilmCard(**values)


def shortened(text: str, limit: int = CARD_OVERVIEW) -> str:
    """Returns the text, or its beginning: whole sentences where a fair part fits, else whole words and an ellipsis."""
    if len(text) <= limit:
        return text
    head = text[:limit]
    sentence = max(head.rfind(end) for end in (". ", "! ", "? "))
    if sentence >= limit // 2:
        return head[: sentence + 1]
    return head[: max(head.rfind(" "), 1)].rstrip(" ,;:–-") + "…"


def varint(value: int) -> bytes:
    """Returns a non-negative integer as protobuf writes it."""
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def tag(number: int, wire_type: int = _LENGTH_DELIMITED) -> bytes:
    """Returns what stands before a field's value."""
    return varint(number << 3 | wire_type)


def element(number: int, bodies: Sequence[bytes]) -> list[bytes]:
    """Returns each serialized message as an element of a repeated field: tag, length, body."""
    opening = tag(number)
    return [opening + varint(len(body)) + body for body in bodies]
