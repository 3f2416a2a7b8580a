"""What a person prefers in general narrows what is recommended, where the question leaves it open and enough films are left.

Softer than the filters of a question: a film of unknown language, running time or year passes, so does one without words, and what leaves
too few films is set aside. Genres are no part of it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np

from cine_recommender.domain.filters import FilmFilter, Filters, Marks
from cine_recommender.domain.preferences import Preferences
from cine_recommender.domain.question import Question

FEWEST: Final = 40
"""Films that are enough to be shown alone: two pages of the usual size."""


def narrow(
    films: FilmFilter, preferences: Preferences, question: Question, open_: Marks, fewest: int = FEWEST
) -> tuple[Marks, str]:
    """Returns which films suit what somebody prefers, bool (films,), and in words what of it was set aside; empty when nothing was.

    Each preference counts as long as it leaves enough films together with the more important ones: languages, years, running time,
    streaming services. So services are the first to be set aside, and nothing is where that gives no more films.

    Args:
        films: facts of the films.
        preferences: what the person prefers.
        question: what is asked for; what it says of one of these things goes before what is preferred.
        open_: bool (films,), those that could be shown without it, which are counted.
        fewest: films that are enough.
    """
    suits, count, aside = np.ones(len(open_), dtype=bool), int(np.count_nonzero(open_)), list[str]()
    for name, wanted in _left_open(films, preferences, question):
        narrower = suits & films.passing(wanted, unknown=True)
        left = int(np.count_nonzero(narrower & open_))
        if left < min(count, fewest):
            aside.append(name)
        else:
            suits, count = narrower, left
    return suits, _words(aside[::-1]) if aside else ""


def _left_open(films: FilmFilter, preferences: Preferences, question: Question) -> Iterator[tuple[str, Filters]]:
    """The preferences of which the question says nothing, the most important first; names that no film bears say nothing."""
    asked = question.filters
    languages = tuple(code for code in preferences.languages if code in films.languages)
    if languages and not asked.languages:
        yield "languages", Filters(languages=languages)
    if (preferences.year_min or preferences.year_max) and not (asked.year_min or asked.year_max):
        yield "years", Filters(year_min=preferences.year_min, year_max=preferences.year_max)
    # whoever says how much time they have says of this evening what is preferred in general
    if preferences.runtime_max and not (asked.runtime_min or asked.runtime_max or question.situation.minutes):
        yield "running time", Filters(runtime_max=preferences.runtime_max)
    if preferences.services and not asked.services:
        # a catalogue that knows nothing of where films are says nothing of what is available
        services = tuple(
            name for name, there in zip(films.services, films.on_service, strict=True)
            if name in preferences.services and there.any()
        )  # fmt: skip
        if services:
            yield "streaming services", Filters(services=services)


def _words(aside: list[str]) -> str:
    *first, last = aside
    named = f"{', '.join(first)} and {last}" if first else last
    return f"too few films would be left, so preferences for {named} were set aside"
