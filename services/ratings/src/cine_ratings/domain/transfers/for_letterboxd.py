"""The CSV that Letterboxd imports (letterboxd.com/about/importing-data): a row a watching, a review or a rating.

Letterboxd matches by the ids when there are any. It knows half a star to five: no star becomes half a star, which is the nearest it
has. Its reviews are plain text with a little HTML, so Markdown stays as it is written.
"""

from __future__ import annotations

from typing import Final

from cine_ratings.domain.diary import DiaryEntry
from cine_ratings.domain.rating import Rating, stars_of
from cine_ratings.domain.review import Review
from cine_ratings.domain.transfers.own import FilmFacts

COLUMNS: Final = ("tmdbID", "imdbID", "Title", "Year", "Rating", "WatchedDate", "Rewatch", "Tags", "Review")
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")


def watching(entry: DiaryEntry, film: FilmFacts) -> list[str]:
    """Returns the row of a diary entry."""
    tags = ", ".join(tag.replace(",", " ") for tag in entry.tags)
    return [
        *_film(film),
        _stars(entry.overall),
        entry.watched_on.isoformat(),
        "true" if entry.rewatch else "false",
        _as_text(tags),
        "",
    ]


def review(written: Review, film: FilmFacts) -> list[str]:
    """Returns the row of a review, with the rating of its film."""
    text = f"{written.title}\n\n{written.text.markdown}" if written.title else written.text.markdown
    return [*_film(film), _stars(written.overall), "", "", "", _as_text(text)]


def rating(rated: Rating, film: FilmFacts) -> list[str]:
    """Returns the row of a rating."""
    return [*_film(film), _stars(rated.score.overall), "", "", "", ""]


def _film(film: FilmFacts) -> list[str]:
    return [str(film.tmdb_id or ""), film.imdb_id, film.title, str(film.year or "")]


def _stars(halves: int | None) -> str:
    return "" if halves is None else f"{stars_of(max(halves, 1)):g}"


def _as_text(text: str) -> str:
    # a space in front: no spreadsheet takes it for a formula, and Letterboxd does not show it
    return f" {text}" if text.startswith(_FORMULA) else text
