"""A film as the catalogue knows it."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Film:
    """Facts of one film; the meaning and unit of each field is that of `cine.catalog.v1.GetMovieResponse`.

    `popularity` is recency-weighted interest (≥ 0), `recent_rating_count` the ratings of the last 90 days of the data. A film whose
    figures count in what people here did since carries the etag it was imported with, `imported_etag`.
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
    imported_etag: str = field(default="", compare=False, repr=False)

    def etag(self) -> str:
        """Returns a short fingerprint of all facts: it changes whenever one of them does.

        Up to a dot it is that of the facts as they were imported, which the feed announces.
        """
        known = asdict(self)
        if known.pop("imported_etag"):
            shown = hashlib.blake2b(f"{self.rating_count} {self.average_rating}".encode(), digest_size=4).hexdigest()
            return f"{self.imported_etag}.{shown}"
        facts = json.dumps(known, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
        return hashlib.blake2b(facts.encode(), digest_size=9).hexdigest()
