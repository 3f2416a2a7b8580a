"""Values that a reader recognises, by field name: what the documentation shows and "try it out" sends."""

from __future__ import annotations

from typing import Any

_VALUES: dict[str, Any] = {
    "movie_id": 603,
    "title": "The Matrix",
    "year": 1999,
    "query": "heist in dreams",
    "text": "Slow to start, but the last hour is breathtaking and the score is perfect.",
    "user_id": "test",
    "username": "ada",
    "email": "ada@films.example",
    "overview": "A programmer learns that the world he knows is a simulation.",
    "runtime_minutes": 136,
    "imdb_id": "tt0133093",
    "tmdb_id": 603,
    "average_rating": 4.16,
    "rating_count": 107056,
    "score": 0.87,
    "rank": 1,
    "num_items": 62485,
    "overall": 4.5,
    "plot": 4.0,
    "acting": 4.0,
    "cinematography": 5.0,
    "soundtrack": 4.5,
    "body_markdown": "**Breathtaking**, and the score is perfect.",
    "priority": 8,
    "name": "Rainy Sundays",
    "notes": "Recommended by Grace",
    "mood": "thoughtful",
    "director": "Lana Wachowski",
    "keyword": "simulated reality",
    "hex": "#1b4f72",
    "weight": 0.6,
    "token_type": "bearer",
    "order_by": "relevance",
}
_ITEMS: dict[str, list[Any]] = {
    "genre": ["sci-fi"],
    "genres": ["Action", "Sci-Fi"],
    "preferred_genres": ["action", "sci-fi"],
    "service": ["Netflix"],
    "services": ["Netflix"],
    "streaming_services": ["Netflix"],
    "directors": ["Lana Wachowski", "Lilly Wachowski"],
    "cast": ["Keanu Reeves", "Carrie-Anne Moss"],
    "keywords": ["simulated reality", "dystopia"],
    "movie_ids": [603, 318],
    "roles": ["user"],
}
# fields worth filling in when somebody tries a call; the others narrow it for no reason
_TELLING = frozenset(
    {"query", "text", "user_id", "preferred_genres", "services", "username", "email", "overall", "body_markdown"}
)


def of(name: str) -> Any:
    """Returns a value for a field, or None."""
    return _VALUES.get(name)


def of_item(name: str) -> list[Any]:
    """Returns values for a list field, or none."""
    return list(_ITEMS.get(name, []))


def telling(name: str) -> bool:
    """Whether a field is worth a value when somebody tries a call."""
    return name in _TELLING


def of_parameter(name: str, schema: dict[str, Any]) -> Any:
    """Returns a value for a field that must have one: the known one, else one that its schema allows; None when none is plain."""
    if schema.get("type") == "array":
        return of_item(name) or None
    known = of(name)
    if known is not None:
        return known
    if schema.get("enum"):
        return schema["enum"][-1]
    if schema.get("type") == "integer":
        return max(schema.get("minimum", 1), schema.get("exclusiveMinimum", 0) + 1, 1)
    return None
