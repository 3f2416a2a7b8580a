"""Films as the wire shows them, serialized once: a page of results is then a matter of joining bytes.

A serialized message may be concatenated from its parts, so a response with `repeated FilmCard movies = 1` is the joined
chunks here followed by the other fields.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from cine.catalog.v1 import catalog_pb2
from cine.common.v1 import film_card_pb2
from cine_catalog.domain.film import Film

#: A card shows the leading cast only.
CARD_CAST = 10
_CARD_KEYWORDS = 20
_MOVIES_TAG = b"\x0a"  # field 1, length-delimited


def card(film: Film) -> film_card_pb2.FilmCard:
    """Returns what lists show of a film."""
    return film_card_pb2.FilmCard(
        movie_id=film.movie_id,
        title=film.title,
        year=film.year,
        genres=film.genres,
        directors=film.directors,
        cast=film.cast[:CARD_CAST],
        keywords=film.keywords[:_CARD_KEYWORDS],
        overview=film.overview,
        runtime_minutes=film.runtime_minutes,
        poster_url=film.poster_url,
        streaming_services=film.streaming_services,
        imdb_id=film.imdb_id,
        tmdb_id=film.tmdb_id,
        average_rating=round(film.average_rating, 3),
        rating_count=film.rating_count,
        streaming_source=film.streaming_source,
    )


def details(film: Film) -> catalog_pb2.GetMovieResponse:
    """Returns everything that is known of a film."""
    answer = catalog_pb2.GetMovieResponse()
    # the fields of a card have the same numbers in both messages
    answer.MergeFromString(card(film).SerializeToString())
    del answer.cast[:], answer.keywords[:]
    answer.cast.extend(film.cast)
    answer.keywords.extend(film.keywords)
    answer.alternative_titles.extend(film.alternative_titles)
    answer.countries.extend(film.countries)
    answer.languages.extend(film.languages)
    answer.writers.extend(film.writers)
    answer.cinematographers.extend(film.cinematographers)
    answer.composers.extend(film.composers)
    answer.trailer_youtube_id = film.trailer_youtube_id
    answer.metadata_sources.extend(film.metadata_sources)
    answer.etag = film.etag()
    if film.look:
        answer.look.CopyFrom(_look(film))
    return answer


def _look(film: Film) -> catalog_pb2.Look:
    look = film.look
    return catalog_pb2.Look(
        colour=look.get("colour", ""),
        palette=[catalog_pb2.Swatch(hex=s["hex"], weight=float(s["weight"])) for s in look.get("palette", ())],
        light=look.get("light", ""),
        composition=look.get("composition", ""),
        texture=look.get("texture", ""),
        scenes=look.get("scenes", ()),
    )


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


class Cards:
    """The serialized card of every film, each with the tag and length it has inside a response."""

    def __init__(self, films: Sequence[Film]) -> None:
        self._chunks = [self._chunk(card(film).SerializeToString()) for film in films]

    @staticmethod
    def _chunk(body: bytes) -> bytes:
        return _MOVIES_TAG + _varint(len(body)) + body

    def joined(self, ordinals: Iterable[int]) -> bytes:
        """Returns the `movies` field of a response, in the order given."""
        chunks = self._chunks
        return b"".join([chunks[ordinal] for ordinal in ordinals])
