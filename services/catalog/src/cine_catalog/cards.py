"""Films as the wire shows them, serialized once: a page of results is then a matter of joining bytes.

A serialized message may be concatenated from its parts, so a response with `repeated FilmCard movies = 1` is the joined
chunks here followed by the other fields.
"""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Iterable, Mapping, Sequence

from cine.catalog.v1 import catalog_pb2
from cine.common.v1 import film_card_pb2
from cine_catalog.domain.film import Film
from cinemesh.cards import element, film_card

_MOVIES_FIELD = 1  # `repeated FilmCard movies` of every list


def card(film: Film) -> film_card_pb2.FilmCard:
    """Returns what lists show of a film."""
    return film_card({field.name: getattr(film, field.name) for field in dataclasses.fields(film)})


def details(film: Film) -> catalog_pb2.GetMovieResponse:
    """Returns everything that is known of a film."""
    answer = catalog_pb2.GetMovieResponse()
    # the fields of a card have the same numbers in both messages
    answer.MergeFromString(card(film).SerializeToString())
    del answer.cast[:], answer.keywords[:]
    answer.overview = film.overview
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


class Cards:
    """The serialized card of every film, each with the tag and length it has inside a response."""

    def __init__(self, films: Sequence[Film]) -> None:
        self._chunks = element(_MOVIES_FIELD, [card(film).SerializeToString() for film in films])

    def with_changed(self, films: Mapping[int, Film]) -> Cards:
        """Returns the same cards but for those of some films, given by ordinal."""
        other = copy.copy(self)
        other._chunks = list(self._chunks)
        chunks = element(_MOVIES_FIELD, [card(film).SerializeToString() for film in films.values()])
        for ordinal, chunk in zip(films, chunks, strict=True):
            other._chunks[ordinal] = chunk
        return other

    def joined(self, ordinals: Iterable[int]) -> bytes:
        """Returns the `movies` field of a response, in the order given."""
        chunks = self._chunks
        return b"".join([chunks[ordinal] for ordinal in ordinals])
