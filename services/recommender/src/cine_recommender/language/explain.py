"""Says in a sentence why a film is recommended: only what its true contributions say, always in the same words for the same facts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

MOST_CHARACTERS: Final = 200


@dataclass(frozen=True, slots=True)
class OwnFilm:
    """A film of the person's own that speaks for the recommended one.

    Attributes:
        title: as people write it.
        share: by how much the score falls without it, 0 to 1.
        overall: what the person rated it, 0 to 5; None when not rated.
    """

    title: str
    share: float
    overall: float | None = None


@dataclass(frozen=True, slots=True)
class ExplanationFacts:
    """What is true of a recommendation, and all that may be said of it.

    Attributes:
        title: of the recommended film.
        because: films of the person's own that speak for it, most first; empty where nothing is known of the person.
        components: share of the score by name of component (`domain.taste.COMPONENTS`); missing ones are 0.
        directors: of the film, that are also of a film in `because`, or that the person asked for.
        cast: likewise.
        keywords: likewise, such as "heist".
        genres: of the film, that were asked for or that the person prefers or that a film in `because` has too.
        mood: what was asked for and suits the film; empty for none.
        time_of_day: `morning`, `afternoon`, `evening` or `night` where it is known and suits the film.
        rung: of the ladder that answered, as `ListRecommendationsResponse.rung`.
    """

    title: str
    because: tuple[OwnFilm, ...] = ()
    components: tuple[tuple[str, float], ...] = ()
    directors: tuple[str, ...] = ()
    cast: tuple[str, ...] = ()
    keywords: tuple[str, ...] = ()
    genres: tuple[str, ...] = ()
    mood: str = ""
    time_of_day: str = ""
    rung: str = "personal"


def sentence(facts: ExplanationFacts) -> str:
    """Returns the reason in plain words, one or two sentences, at most `MOST_CHARACTERS` characters, never empty."""
    if facts.because:
        return f"Because you liked {facts.because[0].title}."[:MOST_CHARACTERS]
    return "Many people watch it."
