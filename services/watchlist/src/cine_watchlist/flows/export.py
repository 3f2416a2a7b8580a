"""The export: a person's watchlist and their own lists as a file."""

from __future__ import annotations

import asyncio
import csv
import datetime as dt
import io
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from cine.common.v1.film_card_pb2 import FilmCard
from cine_watchlist.domain.items import Item
from cine_watchlist.domain.lists import ListItem, MovieList
from cine_watchlist.store import Transaction, list_items, lists, watchlist_items
from cinemesh.clock import Clock, utc_now
from cinemesh.db import Database
from cinemesh.projections import Films

FORMAT = "cine-watchlist-export/1"
JSON, CSV = "application/json", "text/csv"
_PIECE_BYTES = 64 * 1024
_CARDS_AT_ONCE = 500
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_NO_FILM = FilmCard()
_COLUMNS = (
    *("list", "position", "movie_id", "title", "year", "imdb_id", "tmdb_id"),
    *("priority", "watched", "watched_at", "notes", "added_at"),
)
_LETTERBOXD = ("Title", "Year", "Directors", "imdbID", "tmdbID")


@dataclass(frozen=True, slots=True)
class Collected:
    """Everything that goes into a file, as it was at one moment.

    Attributes:
        items: the watchlist in the person's own order.
        lists: their own lists with what is on them, oldest first.
        cards: films by id; what the catalogue has not told of is missing.
    """

    items: Sequence[Item]
    lists: Sequence[tuple[MovieList, Sequence[ListItem]]]
    cards: dict[int, FilmCard]

    def card(self, movie_id: int) -> FilmCard:
        """Returns a film; an empty card for one that the catalogue has not told of."""
        return self.cards.get(movie_id, _NO_FILM)


class WatchlistExport:
    """Writes the file.

    Args:
        database: the store.
        films: gives film cards.
        clock: tells the time.
    """

    def __init__(self, database: Database, films: Films, clock: Clock = utc_now) -> None:
        self._database = database
        self._films = films
        self._clock = clock

    async def write(self, user_id: str, kind: str) -> tuple[str, Iterator[bytes]]:
        """Returns the media type and the pieces, of at most 64 KiB, of a file in UTF-8.

        Args:
            user_id: whose watchlist.
            kind: `json`, `csv`, or `letterboxd` (films of the watchlist that were not watched yet, as Letterboxd imports a watchlist).
        """
        collected = await self._database.read(lambda tx: self._collect(tx, user_id))
        # tens of thousands of rows take a while to write down
        return await asyncio.to_thread(_written, collected, kind, self._clock())

    def _collect(self, tx: Transaction, user_id: str) -> Collected:
        items = watchlist_items.all_of(tx, user_id)
        owned = lists.owned(tx, user_id)
        on_lists = list_items.all_of(tx, [one.list_id for one in owned])
        found = [(one, on_lists[one.list_id]) for one in owned]
        wanted = sorted({item.movie_id for item in items} | {item.movie_id for _, some in found for item in some})
        cards: dict[int, FilmCard] = {}
        for start in range(0, len(wanted), _CARDS_AT_ONCE):
            cards |= self._films.cards(tx, wanted[start : start + _CARDS_AT_ONCE])
        return Collected(items, found, cards)


def _written(collected: Collected, kind: str, now: dt.datetime) -> tuple[str, Iterator[bytes]]:
    if kind == "csv":
        return CSV, _cut(_table(_COLUMNS, _rows(collected)))
    if kind == "letterboxd":
        return CSV, _cut(_table(_LETTERBOXD, _letterboxd(collected)))
    return JSON, _cut(json.dumps(_document(collected, now), default=_plain, ensure_ascii=False, indent=1) + "\n")


def _film(card: FilmCard, movie_id: int) -> dict[str, Any]:
    return {
        "movie_id": movie_id,
        "title": card.title,
        "year": card.year,
        "imdb_id": card.imdb_id,
        "tmdb_id": card.tmdb_id,
    }


def _document(collected: Collected, now: dt.datetime) -> dict[str, Any]:
    return {
        "format": FORMAT,
        "exported_at": now,
        "watchlist": [
            {
                "position": position,
                **_film(collected.card(item.movie_id), item.movie_id),
                "priority": item.priority,
                "watched": item.watched,
                "watched_at": item.watched_at,
                "notes": item.notes,
                "added_at": item.created_at,
            }
            for position, item in enumerate(collected.items, 1)
        ],
        "lists": [
            {
                "list_id": one.list_id,
                "name": one.name,
                "description": one.description,
                "visibility": one.visibility.value,
                "ranked": one.ranked,
                "comments_enabled": one.comments_enabled,
                "created_at": one.created_at,
                "items": [
                    {
                        "position": position,
                        **_film(collected.card(item.movie_id), item.movie_id),
                        "notes": item.notes,
                        "added_at": item.created_at,
                    }
                    for position, item in enumerate(some, 1)
                ],
            }
            for one, some in collected.lists
        ],
    }


def _rows(collected: Collected) -> Iterator[dict[str, Any]]:
    for position, item in enumerate(collected.items, 1):
        yield {
            "list": "",
            "position": position,
            **_film(collected.card(item.movie_id), item.movie_id),
            "priority": item.priority,
            "watched": "yes" if item.watched else "no",
            "watched_at": _stamp(item.watched_at) if item.watched_at is not None else "",
            "notes": item.notes,
            "added_at": _stamp(item.created_at),
        }
    for one, some in collected.lists:
        for position, on_list in enumerate(some, 1):
            yield {
                "list": one.name,
                "position": position,
                **_film(collected.card(on_list.movie_id), on_list.movie_id),
                "notes": on_list.notes,
                "added_at": _stamp(on_list.created_at),
            }


def _letterboxd(collected: Collected) -> Iterator[dict[str, Any]]:
    for item in collected.items:
        card = collected.card(item.movie_id)
        if not item.watched and card.title:
            yield {
                "Title": card.title,
                "Year": card.year or "",
                "Directors": ", ".join(card.directors),
                "imdbID": card.imdb_id,
                "tmdbID": card.tmdb_id or "",
            }


def _table(columns: Sequence[str], rows: Iterator[dict[str, Any]]) -> str:
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, columns, restval="", lineterminator="\r\n")
    writer.writeheader()
    for row in rows:
        writer.writerow({name: _harmless(value) for name, value in row.items()})
    return text.getvalue()


def _harmless(value: Any) -> Any:
    """Returns text that no spreadsheet takes for a formula: it may be somebody else's words."""
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value


def _stamp(moment: dt.datetime) -> str:
    return moment.astimezone(dt.UTC).isoformat().replace("+00:00", "Z")


def _plain(value: Any) -> Any:
    if isinstance(value, dt.datetime):
        return _stamp(value)
    raise TypeError(f"an export cannot hold {type(value).__name__}")


def _cut(text: str) -> Iterator[bytes]:
    data = text.encode()
    return (data[start : start + _PIECE_BYTES] for start in range(0, len(data), _PIECE_BYTES))
