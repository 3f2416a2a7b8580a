"""US films from Wikipedia's lists: ``wikipedia-movie-data/movies-<decade>s.json`` (text CC BY-SA, credited by its page)."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import polars as pl

from cine_catalog.pipeline.errors import SourceBroken
from cine_catalog.pipeline.report import BadRows
from cine_catalog.pipeline.sources.schema import Source, conform
from cine_catalog.pipeline.sources.vocabulary import genre_names
from cine_catalog.pipeline.tables import read_bytes

PATTERN = "movies-*.json"
_UNIT = "\x1f"
_TEXTS = ("title", "overview", "overview_url", "poster_url")
_LISTS = ("cast", "genres", "directors", "writers")
_PAGE = "https://en.wikipedia.org/wiki/"

# A full stop ends the sentence unless it follows an initial or a known abbreviation.
_WORD = r"(?:(?:[A-ZÀ-ÖØ-ÞŁŠŽ]\.)+|(?:St|Dr|Wm|Chas|Geo|Th)\.|(?!(?:Jr|Sr)\b)[A-ZÀ-ÖØ-ÞŁŠŽ][\w'’-]*)"
_PARTICLES = r"(?:(?:de|del|della|van|von|der|den|la|le|di|da|du|dos|af|ten|ter|bin|el|al) )"
_PERSON = rf"{_WORD}(?: (?:\"[^\"]+\" )?{_PARTICLES}{{0,3}}{_WORD})+(?:,? (?:Jr|Sr)\b\.?)?"
_PEOPLE = rf"(?P<people>{_PERSON}(?:(?:, and |, & |, | and | & ){_PERSON})*)"
_ROLES = (
    r"(?:, | and | & |, and |/)?(?:co-)?(?:written|produced|edited|directed|narrated|scored|animated|created|filmed)"
)
_AND_STARRING = r"(?:and (?:co-)?(?:starring|featuring|written|edited|produced|narrated)(?: by)? )?"
_BY = re.compile(
    rf"(?:{_ROLES})* (?:entirely |jointly )?by {_AND_STARRING}(?:[a-z/-]+ )??(?:brothers |siblings |winner |member )?"
    rf"(?:(?P<sibling>{_WORD}) and )?{_PEOPLE}"
)
# "The 1946 French film of the same name directed by Jean Cocteau" speaks of another film, "German Expressionist filmmaker" of no name.
_ANOTHER_FILM = re.compile(r"(?:same name|same title|(?:novel|story|remake of the .{0,60}film)),? $")
_NO_NAME = re.compile(r" (?:film|filmmaker|director|actor|actress|writer|animator|auteur|artist)")
_EDITION = re.compile(r" \[[a-z]{2}\]$")
_SPLIT = re.compile(r", and |, & |, | and | & ")
_HONORIFIC = re.compile(r"^(?:Academy Award|Directors?|Producer|Sir|Dame)\b ?")
_NOT_A_NAME = re.compile(r"[\[\](){}<>?:/\d]|^(?:and|with|the|of|none|unknown|cast)$", re.IGNORECASE)


def load(folder: Path, bad: BadRows) -> Source:
    """Read every decade file; an entry without title or year is listed and left out."""
    rows: dict[str, list[Any]] = {name: [] for name in (*_TEXTS, *_LISTS, "year")}
    pages: set[tuple[str, int]] = set()
    for path in sorted(folder.glob(PATTERN)):
        try:
            entries = json.loads(read_bytes(path))
        except ValueError as error:
            raise SourceBroken(path, f"not valid JSON ({error})") from None
        if not isinstance(entries, list):
            raise SourceBroken(path, "a JSON list of films was expected")
        for number, entry in enumerate(entries, start=1):
            _append(rows, pages, entry, path, number, bad)
    schema = {name: pl.Int32 if name == "year" else pl.String for name in rows}
    # Lists travel as one string: building nested columns from Python lists takes ten times as long.
    frame = pl.DataFrame(rows, schema=schema).with_columns(
        genre_names(pl.col("genres").str.split(_UNIT)),
        *(pl.col(name).str.split(_UNIT) for name in _LISTS if name != "genres"),
        pl.concat_list(pl.lit("US")).alias("countries"),
    )
    return Source("wikipedia", [conform(frame)])


def _append(
    rows: dict[str, list[Any]], pages: set[tuple[str, int]], entry: Any, path: Path, number: int, bad: BadRows
) -> None:
    title, year = (entry.get("title"), entry.get("year")) if isinstance(entry, dict) else (None, None)
    if not isinstance(title, str) or not isinstance(year, int):
        bad.add(path, number, "an entry without title or year", json.dumps(entry)[:120])
        return
    page = entry.get("href")
    if page:
        # The same page listed twice in a year is one film.
        if (page, year) in pages:
            return
        pages.add((page, year))
    text = entry.get("extract") or ""
    # "[de]" marks a page that only another edition of Wikipedia has.
    rows["title"].append(_EDITION.sub("", title))
    rows["year"].append(year)
    rows["cast"].append(_UNIT.join(name for name in entry.get("cast") or [] if name and not _NOT_A_NAME.search(name)))
    rows["genres"].append(_UNIT.join(entry.get("genres") or []))
    rows["overview"].append(text)
    rows["overview_url"].append(f"{_PAGE}{page}" if page and text else None)
    rows["poster_url"].append(_poster(entry.get("thumbnail") or ""))
    rows["directors"].append(_UNIT.join(directors_in(text)))
    rows["writers"].append(_UNIT.join(writers_in(text)))


def _poster(thumbnail: str) -> str | None:
    """Non-free thumbnails of film pages are posters; free ones are often a photograph of somebody."""
    name = thumbnail.rsplit("/", 1)[-1].lower()
    return thumbnail if "/wikipedia/en/" in thumbnail or "poster" in name else None


def directors_in(text: str) -> list[str]:
    """Directors an English opening text names ("directed by A B and C D"); empty when it names none."""
    return _people_after("irected", text) or _people_after("documentary film", text)


def writers_in(text: str) -> list[str]:
    """Writers the text names ("written and directed by A B"); empty when it names none."""
    return _people_after("ritten", text)


def _people_after(word: str, text: str) -> list[str]:
    """Names behind the first ``word`` that "by" and a name follow. Words lack their first letter: it may be a capital."""
    start = text.find(word)
    while start >= 0:
        found = _BY.match(text, start + len(word))
        # The word lacks its first letter, so what came before it ends one character earlier.
        if found and not _ANOTHER_FILM.search(text, 0, start - 1) and not _NO_NAME.match(text, found.end()):
            names = [_HONORIFIC.sub("", name).strip(" ,") for name in _SPLIT.split(found["people"])]
            if found["sibling"]:
                # "Josh and Benny Safdie" are two of a family.
                names.insert(0, f"{found['sibling']} {names[0].rsplit(' ', 1)[-1]}")
            return [re.sub(r"['’]s$", "", name) for name in names if " " in name]
        start = text.find(word, start + 1)
    return []
