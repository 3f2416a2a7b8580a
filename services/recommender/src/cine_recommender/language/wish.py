"""A wish for films in a person's own words, and what was understood of it.

The grammar is a row of readers (`clauses.py`, `periods.py`, `durations.py`, `concepts.py`) that go over the words once, each taking the
clause it knows; words mean what `words.toml` and `phrases.toml` state. What nobody takes is left for matching by
meaning: it is never guessed at.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from cine_recommender.language.clauses import Grammar
from cine_recommender.language.draft import Draft
from cine_recommender.language.known import KnownPeople, NamedFilm, WishVocabulary
from cine_recommender.language.lexicon import lexicon
from cine_recommender.language.tokens import Sentence, read_sentence

__all__ = ["MOST_CHARACTERS", "KnownPeople", "NamedFilm", "Wish", "WishVocabulary", "render", "understand"]

MOST_CHARACTERS: Final = 3000
"""Characters that are read; the contract lets 500 through."""
MOST_ABOUT: Final = 500
MOST_PEOPLE: Final = 10
MOST_FILMS: Final = 10
_BREAKS: Final = frozenset(",.;!?:()[]{}|")


@dataclass(frozen=True, slots=True)
class Wish:
    """What was understood; every field is empty or 0 where nothing was said of it.

    Attributes:
        genres: canonical genres wanted, all of them, sorted.
        excluded_genres: canonical genres not wanted, sorted; none is also in `genres`.
        year_min: first year; never after `year_max` where both are given.
        year_max: last year.
        runtime_min: shortest running time, minutes; never above `runtime_max` where both are given.
        runtime_max: longest running time, minutes.
        services: canonical streaming services, any of them, sorted.
        languages: ISO 639-1, any of them, sorted.
        mood: one of the moods the vocabulary knows.
        people: names as the vocabulary writes them, sorted, at most 10.
        like_movie_ids: films named by "like …", sorted, at most 10.
        like_titles: words that lead to them, in the order of `like_movie_ids`.
        about: what is left, to be matched by meaning; at most 500 characters, no quotation marks.
        parsed_by: `grammar`, or the language model, such as "ollama/mistral".
    """

    genres: tuple[str, ...] = ()
    excluded_genres: tuple[str, ...] = ()
    year_min: int = 0
    year_max: int = 0
    runtime_min: int = 0
    runtime_max: int = 0
    services: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()
    mood: str = ""
    people: tuple[str, ...] = ()
    like_movie_ids: tuple[int, ...] = ()
    like_titles: tuple[str, ...] = ()
    about: str = ""
    parsed_by: str = "grammar"


def understand(text: str, vocabulary: WishVocabulary, now_year: int) -> Wish:
    """Reads a wish. Never raises: what makes no sense is left in `about`.

    Of a genre wanted and not wanted the second holds. Years or running times that contradict each other are left in `about`.

    Args:
        text: as the person wrote it; what is beyond `MOST_CHARACTERS` is not read.
        vocabulary: what there is to wish for.
        now_year: the year it is, for "recent" and "last ten years".
    """
    sentence = read_sentence(text[:MOST_CHARACTERS])
    draft = Draft()
    Grammar(vocabulary, now_year).read(sentence, draft)
    wish = _settled(sentence, draft, vocabulary)
    if wish.about or wish == Wish():
        return _named(sentence, vocabulary) or wish
    return wish


def render(wish: Wish) -> str:
    """Says a wish in words that `understand` reads as the same wish; empty for an empty one."""
    names = lexicon().language_names
    parts = [f'"{wish.about}"'] if wish.about else []
    parts += wish.genres
    parts += [f"not {genre}" for genre in wish.excluded_genres]
    if wish.year_min and wish.year_max:
        parts.append(f"from {wish.year_min} to {wish.year_max}")
    elif wish.year_min or wish.year_max:
        parts.append(f"since {wish.year_min}" if wish.year_min else f"until {wish.year_max}")
    if wish.runtime_min:
        parts.append(f"at least {wish.runtime_min} minutes")
    if wish.runtime_max:
        parts.append(f"at most {wish.runtime_max} minutes")
    if wish.services:
        parts.append("on " + " or ".join(wish.services))
    parts += [f"in {names[code]}" for code in wish.languages if code in names]
    if wish.mood:
        parts.append(f"in a {wish.mood} mood")
    parts += [f"with {name}" for name in wish.people]
    parts += [f'like "{title}"' for title in wish.like_titles]
    return ", ".join(parts)


def _settled(sentence: Sentence, draft: Draft, vocabulary: WishVocabulary) -> Wish:
    years, minutes = draft.years.settled(), draft.minutes.settled()
    left = list(draft.left)
    if years is None:
        left += draft.years.places
    if minutes is None:
        left += draft.minutes.places
    excluded = draft.excluded | (draft.disliked - draft.genres)
    films = sorted(draft.films.items())[:MOST_FILMS]
    return Wish(
        genres=tuple(sorted(draft.genres - excluded)),
        excluded_genres=tuple(sorted(excluded)),
        year_min=years[0] if years else 0,
        year_max=years[1] if years else 0,
        runtime_min=minutes[0] if minutes else 0,
        runtime_max=minutes[1] if minutes else 0,
        services=tuple(sorted(draft.services)),
        languages=tuple(sorted(draft.languages)),
        mood=draft.mood(vocabulary.moods),
        people=tuple(sorted(draft.people)[:MOST_PEOPLE]),
        like_movie_ids=tuple(movie_id for movie_id, _ in films),
        like_titles=tuple(title for _, title in films),
        about=_about(sentence, sorted(left), draft.firm),
    )


def _about(sentence: Sentence, left: list[tuple[int, int]], firm: set[int]) -> str:
    """Joins what is left: what stands in quotation marks as it is, the rest without what says nothing at its ends."""
    noise = lexicon().noise
    said: list[str] = []
    run: list[int] = []

    def says_nothing(place: int) -> bool:
        return place not in firm and (sentence.low(place) in noise or not sentence.tokens[place].word)

    def close() -> None:
        while run and says_nothing(run[0]):
            run.pop(0)
        while run and says_nothing(run[-1]):
            run.pop()
        if run:
            said.append(sentence.between(run[0], run[-1] + 1))
        run.clear()

    for start, end in left:
        for place in range(start, end):
            token = sentence.tokens[place]
            if run and place != run[-1] + 1:
                close()
            if token.quoted is not None:
                close()
                said.append(token.quoted.strip())
            elif token.low in _BREAKS and not token.word:
                close()
            else:
                run.append(place)
    close()
    return " ".join(" ".join(said).replace('"', "").split())[:MOST_ABOUT].strip()


def _named(sentence: Sentence, vocabulary: WishVocabulary) -> Wish | None:
    """Takes the whole wish for the name of a person or film, where it is one and the grammar has something left over.

    One word must have a capital letter: "heist" is a topic, "Heat" a film.
    """
    words = [token for token in sentence.tokens if token.word]
    if not words or any(token.quoted is not None for token in sentence.tokens):
        return None
    if len(words) == 1 and not words[0].capital and not words[0].low.isdigit():
        return None
    if len(words) == 1 and len(words[0].low) > 3 and (name := vocabulary.people.find(sentence.text)):
        return Wish(people=(name,))
    film = vocabulary.film(sentence.text)
    return Wish(like_movie_ids=(film.movie_id,), like_titles=(film.title,)) if film else None
