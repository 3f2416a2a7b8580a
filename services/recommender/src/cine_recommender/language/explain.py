"""Says in a sentence why a film is recommended: only what its true contributions say, always in the same words for the same facts."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

MOST_CHARACTERS: Final = 200
_LONGEST_NAME: Final = 60
_LIKED: Final = 3.5
_SMALL: Final = 0.02
"""A share below this is not worth a word."""


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
    seed = zlib.crc32(facts.title.encode("utf-8", "replace"))
    for detail in (True, False):
        said = " ".join(part for part in (_main(facts, seed), _aside(facts) if detail else "") if part)
        if len(said) <= MOST_CHARACTERS:
            return said
    return _cut(_main(facts, seed))


def _main(facts: ExplanationFacts, seed: int) -> str:
    """The strongest true reason."""
    shared = _shared(facts)
    films = [film for film in facts.because if film.share >= _SMALL] or list(facts.because[:1])
    component = _strongest(facts)
    if films:
        return _because(films[:2], component, shared, seed)
    if facts.rung == "shipped_list":
        return "From a short list of films that many people know."
    if component == "context" and (suits := _suits(facts)):
        return f"It suits {suits}."
    if facts.rung == "genre_popularity" and facts.genres:
        return f"Widely watched in {_listed(facts.genres[:3])}."
    if shared:
        return _pick(seed, f"What you asked for or like: {shared}.", f"It has {shared}.")
    if component == "sentiment":
        return _pick(seed, "Those who reviewed it were warm about it.", "Its reviews are warm.")
    if component == "content":
        return "It is close in subject to what you asked for."
    if component in ("collaborative", "graph"):
        return "It goes well with the films that others watch alongside."
    return _pick(seed, "Many people watch it.", "One of the films that many here watch.")


def _because(films: Sequence[OwnFilm], component: str, shared: str, seed: int) -> str:
    named = _listed([_short(film.title) for film in films])
    they, liked = "it" if len(films) == 1 else "them", all((film.overall or 0) >= _LIKED for film in films)
    came = f"Because you {'liked' if liked else 'watched'} {named}"
    if component == "content" and not shared:
        return _pick(seed, f"{came}: it is close to {they} in subject.", f"Close in subject to {named}.")
    if component == "collaborative":
        return _pick(
            seed,
            f"{came}: people who watch {they} often watch this one too.",
            f"Often watched by people who watch {named}.",
        )
    if component == "graph":
        return _pick(
            seed,
            f"{came}: a few steps through people, genres and viewers lead from {they} to this one.",
            f"A few steps from {named} through people, genres and viewers.",
        )
    if shared:
        return f"{came}: this one has {shared}."
    return f"{came}."


def _aside(facts: ExplanationFacts) -> str:
    """A second true reason, where it has a share of its own."""
    strongest = _strongest(facts)
    if facts.because and strongest in ("collaborative", "graph") and (shared := _shared(facts)):
        return f"It has {shared}."
    if strongest != "context" and dict(facts.components).get("context", 0.0) >= _SMALL and (suits := _suits(facts)):
        return f"It also suits {suits}."
    return ""


def _strongest(facts: ExplanationFacts) -> str:
    """The component with the largest share above zero; the first of several."""
    best = max(facts.components, key=lambda pair: pair[1], default=("", 0.0))
    return best[0] if best[1] > 0 else ""


def _shared(facts: ExplanationFacts) -> str:
    if facts.directors:
        return f"the director {_listed([_short(name) for name in facts.directors[:1]])}"
    if facts.cast:
        return _listed([_short(name) for name in facts.cast[:2]])
    if facts.keywords:
        return f"the theme {_listed([_short(word) for word in facts.keywords[:2]])}"
    if facts.genres:
        return f"a mix of {_listed(facts.genres[:3])}" if len(facts.genres) > 1 else f"the genre {facts.genres[0]}"
    return ""


def _suits(facts: ExplanationFacts) -> str:
    if facts.mood:
        return f"a {facts.mood} mood" if facts.mood[0] not in "aeiou" else f"an {facts.mood} mood"
    if facts.time_of_day:
        return {"night": "the night"}.get(facts.time_of_day, f"the {facts.time_of_day}")
    return ""


def _pick(seed: int, *ways: str) -> str:
    return ways[seed % len(ways)]


def _listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def _short(name: str) -> str:
    return name if len(name) <= _LONGEST_NAME else name[: _LONGEST_NAME - 1].rstrip() + "…"


def _cut(text: str) -> str:
    return text if len(text) <= MOST_CHARACTERS else text[: MOST_CHARACTERS - 1].rstrip() + "…"
