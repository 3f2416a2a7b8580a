"""A film as the catalogue knows it."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Film:
    """Facts of one film; the meaning and unit of each field is that of `cine.catalog.v1.GetMovieResponse`.

    `popularity` is recency-weighted interest (≥ 0), `recent_rating_count` the ratings of the last 90 days of the data.
    """

    movie_id: int
    title: str
    year: int = 0
    alternative_titles: tuple[str, ...] = ()
    genres: tuple[str, ...] = ()
    directors: tuple[str, ...] = ()
    cast: tuple[str, ...] = ()
    writers: tuple[str, ...] = ()
    cinematographers: tuple[str, ...] = ()
    composers: tuple[str, ...] = ()
    keywords: tuple[str, ...] = ()
    overview: str = ""
    runtime_minutes: int = 0
    countries: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()
    poster_url: str = ""
    imdb_id: str = ""
    tmdb_id: int = 0
    streaming_services: tuple[str, ...] = ()
    streaming_source: str = ""
    average_rating: float = 0.0
    rating_count: int = 0
    recent_rating_count: int = 0
    popularity: float = 0.0
    trailer_youtube_id: str = ""
    look: dict[str, Any] = field(default_factory=dict)
    metadata_sources: tuple[str, ...] = ()

    def etag(self) -> str:
        """Returns a short fingerprint of all facts: it changes whenever one of them does."""
        facts = json.dumps(asdict(self), sort_keys=True, ensure_ascii=False, separators=(",", ":"))
        return hashlib.blake2b(facts.encode(), digest_size=9).hexdigest()
