"""Histories of films as people have them elsewhere: real titles with the differences that real exports show."""

from __future__ import annotations

import csv
import io
import random
import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

_ARTICLE: Final = re.compile(r"(The|An?|Las?|Les?|Los|Der|Die|Das|El|Il|Un|Une|Una) (.+)\Z", re.DOTALL)
_YEARS_OFF: Final = 0.10
_OFTEN: Final = 0.15
_SELDOM: Final = 0.05


@dataclass(frozen=True, slots=True)
class Meant:
    """A row, and the film it means.

    Attributes:
        title: as the row has it.
        year: as the row has it.
        movie_id: the film; 0 for one that the catalogue does not have.
    """

    title: str
    year: int
    movie_id: int


def noisy(title: str, year: int, rng: random.Random) -> tuple[str, int]:
    """Returns title and year as another place may have them.

    One year in ten is off by one; accents are stripped, punctuation is changed, "and" and "&" take each other's place, and articles
    move behind in about one title in seven each; one in twenty is in capitals.
    """
    if rng.random() < _OFTEN:
        title = "".join(ch for ch in unicodedata.normalize("NFKD", title) if not unicodedata.combining(ch))
    if rng.random() < _OFTEN:
        title = title.replace(":", " -") if ":" in title else re.sub(r"[,.!?]", "", title.replace("-", " ")) or title
    if rng.random() < _OFTEN:
        title = title.replace("'", "’") if "'" in title else title.replace("·", "-")
    if rng.random() < _OFTEN:
        title = title.replace(" and ", " & ") if " and " in title else title.replace(" & ", " and ")
    if rng.random() < _OFTEN:
        found = _ARTICLE.match(title)
        title = f"{found[2]}, {found[1]}" if found else title
    if rng.random() < _SELDOM:
        title = title.upper()
    if year and rng.random() < _YEARS_OFF:
        year += rng.choice((-1, 1))
    return title, year


def history(
    films: Sequence[tuple[int, str, int]], absent: Sequence[tuple[str, int]], count: int, rng: random.Random
) -> list[Meant]:
    """Returns rows that mean films, one in fifty of them one that the catalogue does not have.

    Args:
        films: id, title and year of films that the catalogue has.
        absent: title and year of films that it does not have.
        count: rows wanted; no more than there are films.
        rng: decides everything.
    """
    strangers = rng.sample(absent, min(count // 50, len(absent)))
    known = rng.sample(films, count - len(strangers))
    rows = [Meant(*noisy(title, year, rng), movie_id) for movie_id, title, year in known]
    rows += [Meant(*noisy(title, year, rng), 0) for title, year in strangers]
    rng.shuffle(rows)
    return rows


def letterboxd_ratings(rows: Iterable[Meant], rng: random.Random) -> str:
    """Returns the `ratings.csv` of an export with these rows, rated and dated at random."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(("Date", "Name", "Year", "Letterboxd URI", "Rating"))
    for row in rows:
        date = f"20{rng.randint(12, 24)}-{rng.randint(1, 12):02}-{rng.randint(1, 28):02}"
        address = f"https://boxd.it/{rng.randrange(36**5):x}"
        writer.writerow((date, row.title, row.year or "", address, rng.randint(1, 10) / 2))
    return text.getvalue()
