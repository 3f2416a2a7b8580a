"""Years in words: "90s", "from 1999 on", "before 1980", "between 1970 and 1985", "last ten years", "recent"."""

from __future__ import annotations

import re
from typing import Final

from cine_recommender.language.draft import Draft
from cine_recommender.language.durations import number
from cine_recommender.language.lexicon import lexicon, phrases
from cine_recommender.language.tokens import Sentence

_FIRST: Final = 1870
_DECADES: Final = {
    "twenties": 1920, "thirties": 1930, "forties": 1940, "fifties": 1950, "sixties": 1960, "seventies": 1970, "eighties": 1980,
    "nineties": 1990, "noughties": 2000, "naughties": 2000, "aughts": 2000, "tens": 2010, "twentytens": 2010,
}  # fmt: skip
_DECADE: Final = re.compile(r"((?:18|19|20)\d|\d)0s\Z")
_YEAR: Final = re.compile(r"(?:18|19|20)\d\d\Z")
# what "20s" to "90s" mean; "00s" and "10s" are of this century
_CENTURY: Final = 1900
_PARTS: Final = {"early": (0, 3), "mid": (4, 6), "middle": (4, 6), "late": (7, 9)}
Span = tuple[int, int]


def _year(sentence: Sentence, place: int, now: int) -> int | None:
    low = sentence.low(place)
    if _YEAR.match(low) and _FIRST <= int(low) <= now + 5:
        return int(low)
    return None


def _decade(sentence: Sentence, place: int) -> tuple[Span, int] | None:
    """A decade and how many tokens name it, with "early", "mid" or "late" in front."""
    behind = place
    part = _PARTS.get(sentence.low(place))
    if part:
        behind += 1 + (sentence.low(place + 1) == "-")
    behind += sentence.low(behind) in ("the", "'")
    low = sentence.low(behind)
    start = _DECADES.get(low)
    if start is None and (found := _DECADE.match(low)):
        digits = int(found[1]) * 10
        start = digits if digits >= 1000 else digits + (_CENTURY if digits >= 20 else _CENTURY + 100)
    if start is None:
        return None
    first, last = part or (0, 9)
    return (start + first, start + last), behind + 1 - place


def _named(sentence: Sentence, place: int, now: int) -> tuple[Span, int] | None:
    """A decade or a year, and how many tokens name it."""
    behind = place
    while sentence.low(behind) in ("the", "'", "year"):
        behind += 1
    if found := _decade(sentence, behind):
        return found[0], behind - place + found[1]
    year = _year(sentence, behind, now)
    return None if year is None else ((year, year), behind + 1 - place)


def read_years(sentence: Sentence, place: int, draft: Draft, now: int, *, strict: bool = False) -> int:
    """Reads years with what bounds them; returns how many tokens it took, 0 where none stand.

    Args:
        sentence: what is read.
        place: where.
        draft: takes what is found.
        now: the year it is.
        strict: whether a year or decade needs a word in front that says it is one of release.
    """
    used = (
        _lately(sentence, place, draft, now)
        or _range(sentence, place, draft, now)
        or _bounded(sentence, place, draft, now)
        or _single(sentence, place, draft, now, strict=strict)
    )
    if used:
        draft.years.places.append((place, place + used))
    return used


def read_age(sentence: Sentence, place: int, draft: Draft, now: int) -> int:
    """Reads "recent", "old", "classic" and their like: they count when no year is named."""
    words = lexicon()
    for used, key in sentence.keys(place, 2):
        low = key if key in words.older_than or key in words.newer_than else key.removesuffix("s")
        if low in words.newer_than:
            draft.years.soft_least.append(now - words.newer_than[low])
            return used
        if low in words.older_than:
            draft.years.soft_most.append(now - words.older_than[low])
            return used
    return 0


def _lately(sentence: Sentence, place: int, draft: Draft, now: int) -> int:
    """Last ten years, this year, last decade, no older than five years."""
    known, years = phrases(), draft.years
    bounds = (
        (known.before, years.most),
        (known.until, years.most),
        (known.after, years.least),
        (known.since, years.least),
    )
    for stated, ends in bounds:
        for phrase in sentence.standing(place, stated):
            if "than" in phrase and (ago := _years_ago(sentence, place + len(phrase))):
                ends.append(now - ago[0])
                return len(phrase) + ago[1]
    behind = place + (sentence.low(place) in ("from", "in", "of", "during", "within"))
    behind += sentence.low(behind) == "the"
    if sentence.low(behind) not in ("last", "past", "this"):
        return 0
    this = sentence.low(behind) == "this"
    unit = sentence.low(behind + 1)
    if unit == "year":
        draft.years.spans.append((now, now) if this else (now - 1, now - (sentence.low(behind) == "last")))
        return behind + 2 - place
    if unit == "decade":
        draft.years.spans.append((now - now % 10, now) if this else (now - 10, now))
        return behind + 2 - place
    if unit == "century" and this:
        draft.years.spans.append((now - now % 100, now))
        return behind + 2 - place
    counted = None if this else _years_ago(sentence, behind + 1)
    if not counted:
        return 0
    draft.years.spans.append((now - counted[0], now))
    return behind + 1 + counted[1] - place


def _years_ago(sentence: Sentence, place: int) -> tuple[int, int] | None:
    if sentence.starts(place, ("couple", "of", "years")):
        return 2, 3
    if sentence.starts(place, ("few", "years")):
        return 5, 2
    counted = number(sentence, place)
    if not counted or not 1 <= counted[0] <= 150:
        return None
    years, used = counted
    unit = sentence.low(place + used)
    if unit not in ("year", "years", "decades", "decade"):
        return None
    years *= 10 if unit.startswith("decade") else 1
    used += 1
    used += sentence.low(place + used) in ("old", "ago")
    return min(years, 150), used


def _range(sentence: Sentence, place: int, draft: Draft, now: int) -> int:
    lead = sentence.low(place)
    led = place + (lead in ("between", "from", "in", "made"))
    first = _named(sentence, led, now)
    if first is None:
        return 0
    middle = led + first[1]
    link = sentence.low(middle)
    if link not in ("to", "-", "till", "until", "through") and not (lead == "between" and link == "and"):
        return 0
    second = _named(sentence, middle + 1, now)
    if second is None:
        # 1970-85
        low = sentence.low(middle + 1)
        if not (link == "-" and low.isascii() and low.isdigit() and len(low) == 2 and first[0][0] == first[0][1]):
            return 0
        year = first[0][0] // 100 * 100 + int(low)
        if year < first[0][0]:
            return 0
        second = (year, year), 1
    ends = sorted([*first[0], *second[0]])
    draft.years.spans.append((ends[0], ends[-1]))
    return middle + 1 + second[1] - place


def _bounded(sentence: Sentence, place: int, draft: Draft, now: int) -> int:
    led = place + (sentence.low(place) in ("from", "made", "released"))
    known, years = phrases(), draft.years
    for stated, ends, end, step in (
        (known.before, years.most, 0, -1),
        (known.until, years.most, 1, 0),
        (known.after, years.least, 1, 1),
        (known.since, years.least, 0, 0),
    ):
        for phrase in sentence.standing(led, stated):
            if found := _named(sentence, led + len(phrase), now):
                ends.append(found[0][end] + step)
                return led + len(phrase) + found[1] - place
    return 0


def _single(sentence: Sentence, place: int, draft: Draft, now: int, *, strict: bool) -> int:
    behind = place
    while sentence.leading(behind, phrases().in_years) and behind - place < 3:
        behind += 1
    if strict and sentence.low(place) not in ("from", "made", "released"):
        return 0
    low = sentence.low(behind)
    if low.endswith("+") and _YEAR.match(low[:-1]) and _FIRST <= int(low[:-1]) <= now + 5:
        draft.years.least.append(int(low[:-1]))
        return behind + 1 - place
    found = _named(sentence, behind, now)
    if found is None:
        return 0
    (first, last), used = found
    end = behind + used
    if sentence.low(end) == ":":  # 2001: A Space Odyssey
        return 0
    for phrase in sentence.standing(end, phrases().onwards):
        # "90s on Netflix" is no "90s on"
        if phrase != ("on",) or sentence.low(end + 1) in ("", ",", ".", ";"):
            draft.years.least.append(first)
            return end + len(phrase) - place
    if ending := sentence.leading(end, phrases().backwards):
        draft.years.most.append(last)
        return end + ending - place
    draft.years.spans.append((first, last))
    return end - place
