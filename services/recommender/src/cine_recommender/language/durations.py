"""Running times in words: "under two hours", "90 minutes or less", "at most 1h45", "between 90 and 120 minutes", "short"."""

from __future__ import annotations

import re
from typing import Final

from cine_recommender.language.draft import Bounds, Draft
from cine_recommender.language.lexicon import lexicon, phrases
from cine_recommender.language.tokens import Sentence

_MOST: Final = 1000  # minutes; nobody means more
_SMALL: Final = (
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve", "thirteen",
    "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen",
)  # fmt: skip
_TENS: Final = {
    "twenty": 20, "thirty": 30, "forty": 40, "fifty": 50, "sixty": 60, "seventy": 70, "eighty": 80, "ninety": 90,
}  # fmt: skip
_NUMBERS: Final = {word: number for number, word in enumerate(_SMALL)} | _TENS
_HOURS: Final = frozenset({"h", "hr", "hrs", "hour", "hours"})
_MINUTES: Final = frozenset({"m", "min", "mins", "minute", "minutes"})
_COMPACT: Final = re.compile(r"(\d{1,2})h(?:rs?)?(\d{1,2})?(?:m(?:ins?)?)?\Z")
_GLUED: Final = re.compile(r"(\d{1,3})(m|mins?)\Z")
_CLOCK: Final = re.compile(r"(\d):([0-5]\d)\Z")
_DECIMAL: Final = re.compile(r"(\d{1,2})[.,](\d{1,2})(h|hrs?)?\Z")


_AROUND_MINUTES: Final = 15


def number(sentence: Sentence, place: int) -> tuple[int, int] | None:
    """Returns a whole number in digits or words, below 1000, and how many tokens it takes."""
    low = sentence.low(place)
    if low.isascii() and low.isdigit() and len(low) <= 3:
        return int(low), 1
    if low in ("hundred", "a") or low == "one":
        step = 1 if low == "hundred" else 2
        if low == "hundred" or sentence.low(place + 1) == "hundred":
            behind = place + step + (sentence.low(place + step) == "and")
            more = _below_hundred(sentence, behind)
            return (100 + more[0], behind - place + more[1]) if more else (100, step)
    return _below_hundred(sentence, place)


def _below_hundred(sentence: Sentence, place: int) -> tuple[int, int] | None:
    low = sentence.low(place)
    if low not in _NUMBERS:
        return None
    if low in _TENS:
        behind = place + 1 + (sentence.low(place + 1) == "-")
        unit = _NUMBERS.get(sentence.low(behind), 0)
        if 1 <= unit <= 9:
            return _TENS[low] + unit, behind + 1 - place
    return _NUMBERS[low], 1


def duration(sentence: Sentence, place: int) -> tuple[int, int] | None:
    """Returns minutes, 1 to 1000, and how many tokens say so; None where no duration stands."""
    found = _hours(sentence, place) or _minutes(sentence, place)
    return found if found and 1 <= found[0] <= _MOST else None


def _hours(sentence: Sentence, place: int) -> tuple[int, int] | None:
    low = sentence.low(place)
    if compact := _COMPACT.match(low):
        return 60 * int(compact[1]) + int(compact[2] or 0), 1
    if clock := _CLOCK.match(low):
        unit = sentence.low(place + 1) in _HOURS
        return 60 * int(clock[1]) + int(clock[2]), 1 + unit
    if decimal := _DECIMAL.match(low):
        if not decimal[3] and sentence.low(place + 1) not in _HOURS:
            return None
        return round(60 * float(f"{decimal[1]}.{decimal[2]}")), 1 if decimal[3] else 2
    if sentence.starts(place, ("half", "an", "hour")):
        return 30, 3
    if sentence.starts(place, ("an", "hour")) or low == "hour":
        used = 2 if low == "an" else 1
        return _with_rest(sentence, place, 60, used)
    counted = number(sentence, place)
    if counted is None:
        return None
    hours, used = counted
    if sentence.starts(place + used, ("and", "a", "half")) and sentence.low(place + used + 3) in _HOURS:
        return 60 * hours + 30, used + 4
    used += sentence.low(place + used) == "-"
    if sentence.low(place + used) not in _HOURS:
        return None
    return _with_rest(sentence, place, 60 * hours, used + 1)


def _with_rest(sentence: Sentence, place: int, minutes: int, used: int) -> tuple[int, int]:
    """Adds "and a half", "and 15 minutes" or "15" to hours."""
    behind = place + used
    if sentence.starts(behind, ("and", "a", "half")):
        return minutes + 30, used + 3
    if sentence.starts(behind, ("and", "a", "quarter")):
        return minutes + 15, used + 3
    linked = behind + (sentence.low(behind) == "and")
    if (rest := _minutes(sentence, linked)) and rest[0] < 60:
        return minutes + rest[0], linked - place + rest[1]
    low = sentence.low(behind)
    if low.isascii() and low.isdigit() and len(low) == 2 and int(low) < 60:  # 1 h 45
        return minutes + int(low), used + 1
    return minutes, used


def _minutes(sentence: Sentence, place: int) -> tuple[int, int] | None:
    if glued := _GLUED.match(sentence.low(place)):
        return int(glued[1]), 1
    counted = number(sentence, place)
    if counted is None:
        return None
    minutes, used = counted
    used += sentence.low(place + used) == "-"
    if sentence.low(place + used) not in _MINUTES:
        return None
    return minutes, used + 1


def read_minutes(sentence: Sentence, place: int, draft: Draft) -> int:
    """Reads a running time with its bound; returns how many tokens it took, 0 where none stands."""
    minutes = draft.minutes
    used = _range(sentence, place, minutes) or _bounded(sentence, place, minutes) or _bare(sentence, place, minutes)
    if used:
        # "two hours long", "90 minutes runtime"
        used += sentence.low(place + used) in ("long", "runtime", "duration")
        minutes.places.append((place, place + used))
    return used


def read_length(sentence: Sentence, place: int, draft: Draft) -> int:
    """Reads "short", "long" and their like."""
    words = lexicon()
    for used, key in sentence.keys(place, 2):
        low = key.removesuffix("s") if key.endswith("films") else key
        if low in words.shorter_than:
            draft.minutes.soft_most.append(words.shorter_than[low])
            return used
        if low in words.longer_than:
            draft.minutes.soft_least.append(words.longer_than[low])
            return used
    return 0


def _range(sentence: Sentence, place: int, bounds: Bounds) -> int:
    led = place + (sentence.low(place) in ("between", "from"))
    first = duration(sentence, led)
    # "90 to 120 minutes": the first number has no unit of its own
    if first is None and (bare := number(sentence, led)):
        first = bare
    if first is None:
        return 0
    middle = led + first[1]
    links = ("and", "to", "-", "till", "until") if sentence.low(place) == "between" else ("to", "-", "till", "until")
    if sentence.low(middle) not in links:
        return 0
    second = duration(sentence, middle + 1)
    if second is None or first[0] < 1:
        return 0
    low = first[0]
    if low < 10 and second[0] >= 60 and duration(sentence, led) is None:  # "two to three hours"
        low *= 60
    bounds.spans.append((min(low, second[0]), max(low, second[0])))
    return middle + 1 + second[1] - place


def _bounded(sentence: Sentence, place: int, bounds: Bounds) -> int:
    known = phrases()
    for stated, take in ((known.at_most, _take_most), (known.at_least, _take_least), (known.around, _take_around)):
        for phrase in sentence.standing(place, stated):
            behind = place + len(phrase)
            behind += sentence.low(behind) in ("about", "around", "roughly", "=")
            if found := duration(sentence, behind):
                take(bounds, found[0])
                return behind + found[1] - place
    return 0


def _bare(sentence: Sentence, place: int, bounds: Bounds) -> int:
    found = duration(sentence, place)
    if found is None:
        return 0
    behind = place + found[1]
    behind += sentence.low(behind) == "long"
    known = phrases()
    for stated, take in ((known.or_less, _take_most), (known.or_more, _take_least), (known.or_so, _take_around)):
        if ending := sentence.leading(behind, stated):
            take(bounds, found[0])
            return behind + ending - place
    # time at hand: "2 hours"
    _take_most(bounds, found[0])
    return found[1]


def _take_most(bounds: Bounds, minutes: int) -> None:
    bounds.most.append(minutes)


def _take_least(bounds: Bounds, minutes: int) -> None:
    bounds.least.append(minutes)


def _take_around(bounds: Bounds, minutes: int) -> None:
    bounds.spans.append((max(1, minutes - _AROUND_MINUTES), minutes + _AROUND_MINUTES))
