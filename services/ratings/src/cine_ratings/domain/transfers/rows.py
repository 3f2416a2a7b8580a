"""What a row of somebody's file says, whichever place the file is from."""

from __future__ import annotations

import datetime as dt
import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from enum import IntFlag, StrEnum
from typing import Any, Final

TITLE_LENGTH: Final = 300
NOTES_LENGTH: Final = 2_000
HEADLINE_LENGTH: Final = 200
BODY_LENGTH: Final = 20_000
LIST_NAME_LENGTH: Final = 100
TAG_LENGTH: Final = 40
MOST_TAGS: Final = 20
MOST_ROWS: Final = 100_000
"""Rows one import may have."""

FIRST_DAY: Final = dt.date(1895, 1, 1)
_FIRST_YEAR: Final = 1870
_LAST_YEAR: Final = 2100
_CONTROLS: Final = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff\ud800-\udfff]"
)
# people who write from right to left need the marks that are not seen: a text keeps them, a title does not
_IN_BODY: Final = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\ud800-\udfff]")
_SPACES: Final = re.compile(r"\s+")
_IMDB_ID: Final = re.compile(r"tt\d{7,9}\Z")
_DIMENSIONS: Final = ("plot", "acting", "cinematography", "soundtrack")


class Source(StrEnum):
    """Where a file comes from."""

    LETTERBOXD = "letterboxd"
    IMDB = "imdb"
    TRAKT = "trakt"
    CINE = "cine"


class Kind(StrEnum):
    """What a row brings."""

    RATING = "rating"
    WATCH = "watch"
    REVIEW = "review"
    WATCHLIST = "watchlist"
    LIST_ITEM = "list_item"


class Outcome(StrEnum):
    """What became of a row."""

    MATCHED = "matched"
    AMBIGUOUS = "ambiguous"
    UNKNOWN = "unknown"
    INVALID = "invalid"
    UNCHANGED = "unchanged"
    SKIPPED = "skipped"


class Part(IntFlag):
    """The effects a row may have; a row of a diary may set a rating, too."""

    NOTHING = 0
    RATING = 1
    WATCH = 2
    REVIEW = 4
    WATCHLIST = 8


@dataclass(frozen=True, slots=True)
class Row:
    """A row, in the terms of this house.

    Attributes:
        kind: what it brings first of all.
        file_name: file within a ZIP it is of; empty otherwise.
        title: title as the file has it.
        year: year as the file has it; 0 for none.
        movie_id: id of the film here, in our own files; 0 otherwise.
        imdb_id: such as "tt0133093"; empty for none.
        tmdb_id: 0 for none.
        directors: who directed it, when the file says.
        other_title: its title in its own language, when the file says.
        overall: the film as a whole in half stars, 0 to 10; None for none.
        plot: likewise its plot.
        acting: likewise.
        cinematography: likewise.
        soundtrack: likewise.
        whole: whether a dimension the row lacks is not rated, rather than not spoken of.
        rates: whether `overall` becomes the person's rating; always so for a rating.
        logs: whether it makes a diary entry; always so for a watch.
        watched_on: day it was watched; None for none.
        rewatch: whether the person had seen it before.
        tags: labels, lower case.
        notes: notes to oneself, plain text.
        headline: headline of a review.
        body: text of a review, Markdown.
        spoilers: whether the review tells too much.
        list_name: list it is on.
        at: when it was rated, written or added there; None when the file does not say.
        problem: what is wrong with it, naming the column; empty when nothing is.
        left_out: why it is no film (an episode, a game); empty when it is one. Such a row is left out unless an id tells
            that the catalogue has it: films and series share titles.
    """

    kind: Kind
    file_name: str = ""
    title: str = ""
    year: int = 0
    movie_id: int = 0
    imdb_id: str = ""
    tmdb_id: int = 0
    directors: tuple[str, ...] = ()
    other_title: str = ""
    overall: int | None = None
    plot: int | None = None
    acting: int | None = None
    cinematography: int | None = None
    soundtrack: int | None = None
    whole: bool = False
    rates: bool = False
    logs: bool = False
    watched_on: dt.date | None = None
    rewatch: bool = False
    tags: tuple[str, ...] = ()
    notes: str = ""
    headline: str = ""
    body: str = ""
    spoilers: bool = False
    list_name: str = ""
    at: dt.datetime | None = None
    problem: str = ""
    left_out: str = ""

    @property
    def brings_rating(self) -> bool:
        """Whether applying it sets a rating."""
        return self.kind is Kind.RATING or (self.rates and self.overall is not None)

    @property
    def brings_watch(self) -> bool:
        """Whether applying it makes a diary entry."""
        return self.kind is Kind.WATCH or (self.logs and self.watched_on is not None)

    @property
    def brings_review(self) -> bool:
        """Whether applying it publishes a review."""
        return self.kind is Kind.REVIEW

    @property
    def brings(self) -> Part:
        """What applying it does, as far as the row alone tells."""
        parts = Part.NOTHING
        if self.brings_rating:
            parts |= Part.RATING
        if self.brings_watch:
            parts |= Part.WATCH
        if self.brings_review:
            parts |= Part.REVIEW
        return parts | Part.WATCHLIST if self.is_for_watchlist else parts

    @property
    def is_for_watchlist(self) -> bool:
        """Whether it belongs to the Watchlist service: the watchlist or a list."""
        return self.kind in (Kind.WATCHLIST, Kind.LIST_ITEM)

    @property
    def dimensions(self) -> dict[str, int]:
        """The dimensions it rates beside the film as a whole, in half stars."""
        return {name: value for name in _DIMENSIONS if (value := getattr(self, name)) is not None}


_DEFAULTS: Final = {field.name: field.default for field in fields(Row)}


def document_of(row: Row) -> dict[str, Any]:
    """Returns a row as JSON holds it: what it says, without what it does not."""
    said = {name: getattr(row, name) for name in _DEFAULTS}
    return {
        name: value.isoformat() if isinstance(value, dt.date) else value
        for name, value in said.items()
        if value != _DEFAULTS[name]
    }


def row_of(document: Mapping[str, Any]) -> Row:
    """Returns the row that `document_of` was given."""
    values = dict(document)
    values["kind"] = Kind(values["kind"])
    for name in ("directors", "tags"):
        values[name] = tuple(values.get(name, ()))
    if "watched_on" in values:
        values["watched_on"] = dt.date.fromisoformat(values["watched_on"])
    if "at" in values:
        values["at"] = dt.datetime.fromisoformat(values["at"])
    return Row(**values)


class Unreadable(Exception):
    """A file that cannot be read; the text says why, and where, in a sentence for people."""


class Flaw(Exception):
    """A value that cannot be used; the text says what is wrong with it, naming the column."""


def clean(text: str, limit: int, *, lines: bool = False) -> str:
    """Returns text as it may be kept: NFC, no control characters or unseen marks, no space around it, cut to `limit`.

    Args:
        text: as the file has it.
        limit: longest wanted, in characters.
        lines: whether it may hold line breaks.
    """
    plain = _CONTROLS.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))
    if not lines:
        plain = _SPACES.sub(" ", plain)
    return unicodedata.normalize("NFC", plain).strip()[:limit].rstrip()


def body_of(text: str) -> str:
    """Returns the text of a review as it may be kept: NFC, without control characters and space around it, at any length."""
    return unicodedata.normalize("NFC", _IN_BODY.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))).strip()


def title_of(text: str, column: str) -> str:
    """Returns a title.

    Raises:
        Flaw: there is none, or it is too long to be one.
    """
    title = clean(text, TITLE_LENGTH + 1)
    if not title:
        raise Flaw(f"{column} is empty")
    if len(title) > TITLE_LENGTH:
        raise Flaw(f"{column} has more than {TITLE_LENGTH} characters")
    return title


def year_of(text: str, column: str) -> int:
    """Returns a year; 0 for none.

    Raises:
        Flaw: it is no year of a film.
    """
    text = text.strip()
    if not text:
        return 0
    if not (text.isascii() and text.isdigit() and len(text) <= 4):
        raise Flaw(f"{column} is not a year")
    year = int(text)
    if year and not _FIRST_YEAR <= year <= _LAST_YEAR:
        raise Flaw(f"{column} is not a year of a film")
    return year


def imdb_id_of(text: str, column: str) -> str:
    """Returns an IMDb id; empty for none.

    Raises:
        Flaw: it has another form.
    """
    text = text.strip()
    if text and not _IMDB_ID.match(text):
        raise Flaw(f"{column} is not an IMDb id such as tt0133093")
    return text


def number_of(text: str, column: str) -> int:
    """Returns a positive whole number below 2³¹; 0 for none.

    Raises:
        Flaw: it is none.
    """
    text = text.strip()
    if not text:
        return 0
    if not (text.isascii() and text.isdigit() and len(text) <= 10 and int(text) < 2**31):
        raise Flaw(f"{column} is not a number of an id")
    return int(text)


def half_stars(text: str, column: str, *, out_of: int = 5, lowest: float = 0.0) -> int | None:
    """Returns a rating in half stars, 0 to 10; None for none.

    Args:
        text: a number.
        column: where it stands.
        out_of: best rating of that scale: 5 in halves, or 10 in whole steps.
        lowest: lowest rating of that scale.

    Raises:
        Flaw: it is no step of the scale.
    """
    text = text.strip()
    if not text:
        return None
    steps = 10 // out_of
    if re.fullmatch(r"\d{1,2}(?:\.\d{1,3})?", text, re.ASCII):
        value = float(text) * steps
        if value == int(value) and lowest * steps <= value <= 10:
            return int(value)
    kind = "halves" if steps == 2 else "whole steps"
    raise Flaw(f"{column} is not a rating of {lowest:g} to {out_of} in {kind}")


def day_of(text: str, column: str, today: dt.date) -> dt.date | None:
    """Returns a day; None for none.

    Args:
        text: "YYYY-MM-DD".
        column: where it stands.
        today: the present day in UTC. Tomorrow passes, too: it is there already east of Greenwich.

    Raises:
        Flaw: it is no day, or lies in the future or before the first film.
    """
    text = text.strip()
    if not text:
        return None
    if not re.fullmatch(r"\d{4}-\d{2}-\d{2}", text, re.ASCII):
        raise Flaw(f"{column} is not a day such as 2026-03-31")
    try:
        day = dt.date.fromisoformat(text)
    except ValueError:
        raise Flaw(f"{column} is not a day of the calendar") from None
    if day > today + dt.timedelta(days=1):
        raise Flaw(f"{column} lies in the future")
    if day < FIRST_DAY:
        raise Flaw(f"{column} lies before the first film")
    return day


def moment_of(text: str, column: str, today: dt.date) -> dt.datetime | None:
    """Returns a moment of ISO 8601, or the beginning of a day, in UTC; None for none.

    Raises:
        Flaw: it is neither, or lies in the future or before the first film.
    """
    text = text.strip()
    if len(text) <= 10:
        day = day_of(text, column, today)
        return None if day is None else dt.datetime(day.year, day.month, day.day, tzinfo=dt.UTC)
    try:
        moment = dt.datetime.fromisoformat(text)
        moment = moment.replace(tzinfo=dt.UTC) if moment.tzinfo is None else moment.astimezone(dt.UTC)
    except (ValueError, OverflowError):
        raise Flaw(f"{column} is not a moment such as 2026-03-31T20:15:00Z") from None
    day_of(moment.date().isoformat(), column, today)
    return moment


def tags_of(texts: Iterable[str]) -> tuple[str, ...]:
    """Returns labels, lower case and each once; those that are too long are cut, and no more than 20 are kept."""
    labels = (clean(text, TAG_LENGTH).lower()[:TAG_LENGTH].strip() for text in texts)
    return tuple(dict.fromkeys(label for label in labels if label))[:MOST_TAGS]
