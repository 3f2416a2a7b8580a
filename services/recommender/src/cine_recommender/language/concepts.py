"""Genres, moods, languages and streaming services in words, each looked up where a token begins."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from cine_recommender.language.draft import Draft
from cine_recommender.language.known import WishVocabulary
from cine_recommender.language.lexicon import Lexicon, lexicon
from cine_recommender.language.tokens import Sentence
from cinemesh.vocabulary import GENRE_ALIASES, STREAMING_SERVICES, Vocabulary, fold

_LONGEST_PHRASE: Final = 5
_LONGEST: Final = 4  # words of a genre, mood or service
# names of services that are ordinary words, or studios: they need "on" in front
_ORDINARY: Final = frozenset(
    map(fold, ("max", "prime", "apple", "amazon", "paramount", "criterion", "peacock", "disney", "peacock tv"))
)
_ALIASES: Final = frozenset(map(fold, GENRE_ALIASES))
_ON: Final = ("on", "via", "through", "using", "from")
_LINKS: Final = ("or", "and", ",", "/", "&")


@dataclass(frozen=True, slots=True)
class Concept:
    """What a few words mean.

    Attributes:
        used: tokens.
        genres: wanted by it.
        unwanted: not wanted when it is denied.
        mood: asked for by it; empty for none.
        kept: whether the words also stay in what is left.
        named: whether the words are those of the genre, not of something it often has ("gore").
    """

    used: int
    genres: tuple[str, ...] = ()
    unwanted: tuple[str, ...] = ()
    mood: str = ""
    kept: bool = False
    named: bool = True


def concept(sentence: Sentence, place: int, vocabulary: WishVocabulary) -> Concept | None:
    """Returns what genre or mood the words here mean, the longest run of words first; None for neither."""
    words = lexicon()
    keys = sentence.keys(place, _LONGEST)
    for used, key in keys:
        if found := _meaning(key, used, words, vocabulary):
            return found
    for used, key in keys[-1:]:
        spelling = words.misspelt(key, _spellings(vocabulary.genres))
        if spelling and (found := _meaning(spelling, used, words, vocabulary)):
            return found
    return None


def _meaning(key: str, used: int, words: Lexicon, vocabulary: WishVocabulary) -> Concept | None:
    forms = [key, key.removesuffix("s")] if len(key) > 3 else [key]
    mood = next((words.moods[form] for form in forms if form in words.moods), "")
    mood = mood if mood in vocabulary.moods else ""
    more = next((words.genres_and_more[form] for form in forms if form in words.genres_and_more), None)
    stated = more or next((words.genres[form] for form in forms if form in words.genres), None)
    plain = key in words.plain or (forms[-1] in words.plain and key not in _ALIASES)
    if stated is None and not plain:
        named = _genres(vocabulary.genres)
        stated = next(([named[form]] for form in forms if form in named), None)
    known = vocabulary.genres.names
    wanted = tuple(genre for genre in stated or () if genre in known)
    disliked = next((words.unwanted[form] for form in forms if form in words.unwanted), None)
    denied = (stated or []) if disliked is None else disliked
    unwanted = tuple(genre for genre in denied if genre in known)
    if not (wanted or mood or unwanted):
        return None
    return Concept(used, wanted, unwanted, mood, kept=more is not None, named=bool(wanted))


@lru_cache(8)
def _genres(vocabulary: Vocabulary) -> dict[str, str]:
    """Every spelling of the catalogue's genres, folded."""
    known = {fold(alias): genre for alias, genre in GENRE_ALIASES.items() if genre in vocabulary.names}
    return known | {fold(name): name for name in vocabulary.names}


@lru_cache(8)
def _spellings(vocabulary: Vocabulary) -> tuple[str, ...]:
    words = lexicon()
    return tuple(sorted({*_genres(vocabulary), *words.genres} - words.plain))


@lru_cache(8)
def _services(vocabulary: Vocabulary) -> dict[str, str]:
    """Every spelling of the catalogue's services, folded."""
    known = {
        fold(spelling): name
        for name, others in STREAMING_SERVICES.items()
        if name in vocabulary.names
        for spelling in others
    }
    return known | {fold(name): name for name in vocabulary.names}


def read_concept(sentence: Sentence, place: int, draft: Draft, vocabulary: WishVocabulary) -> int:
    """Reads a genre or mood."""
    if used := _mood_alone(sentence, place, draft, vocabulary):
        return used
    found = concept(sentence, place, vocabulary)
    if found is None or not (found.genres or found.mood):
        return 0
    draft.genres.update(found.genres)
    if found.mood:
        draft.moods.append(found.mood)
    if found.kept:
        draft.left.append((place, place + found.used))
    return found.used


def _mood_alone(sentence: Sentence, place: int, draft: Draft, vocabulary: WishVocabulary) -> int:
    """Reads "in a funny mood": how one feels, no genre."""
    behind = place
    while sentence.low(behind) in ("in", "a", "an", "my", "mood", ":") and behind - place < 3:
        behind += 1
    named = sentence.low(behind)
    if named not in vocabulary.moods:
        named = lexicon().moods.get(named, "")
    if named not in vocabulary.moods or not named:
        return 0
    if sentence.low(behind + 1) == "mood":
        draft.moods.append(named)
        return behind + 2 - place
    if "mood" in (sentence.low(behind - 1), sentence.low(behind - 2)) and behind > place:
        draft.moods.append(named)
        return behind + 1 - place
    return 0


def read_language(sentence: Sentence, place: int, draft: Draft) -> int:
    """Reads a language: "French", "in Korean", "Danish-language"."""
    behind = place
    while sentence.low(behind) in ("in", "spoken", "speaking") and behind - place < 2:
        behind += 1
    code = lexicon().languages.get(sentence.low(behind))
    end = behind + 1
    after = sentence.low(end) if sentence.low(end) != "-" else sentence.low(end + 1)
    protected = any(key in lexicon().phrases for _, key in sentence.keys(behind, _LONGEST_PHRASE))
    if (
        code is None
        or protected
        or after in ("subtitles", "subtitle", "subs", "subtitled", "dub", "dubbed", "captions")
    ):
        return 0
    if after in ("language", "speaking", "spoken"):
        end += 1 + (sentence.low(end) == "-")
    elif sentence.low(end) == "-":  # Italian-American
        return 0
    draft.languages.add(code)
    return end - place


def read_services(
    sentence: Sentence, place: int, draft: Draft, vocabulary: WishVocabulary, *, led: bool = False
) -> int:
    """Reads streaming services: "on Netflix or Prime", "Netflix".

    Args:
        sentence: what is read.
        place: where.
        draft: takes what is found.
        vocabulary: services there are.
        led: whether only "on …" counts.
    """
    behind = place
    while sentence.low(behind) in (
        "available",
        "streaming",
        "that",
        "is",
        "thats",
        "i",
        "have",
        "to",
        "stream",
        "watch",
    ) and (behind - place < 4):
        behind += 1
    lead = sentence.low(behind) in _ON
    if not lead and (led or behind > place):
        return 0
    behind += lead
    found = _service(sentence, behind, vocabulary, lead=lead)
    if found is None:
        return 0
    while found is not None:
        draft.services.add(found[0])
        behind += found[1]
        link = behind
        while sentence.low(link) in _LINKS or (link > behind and sentence.low(link) == "on"):
            link += 1
        # after a comma a bare ordinary word begins something new
        found = _service(sentence, link, vocabulary, lead=lead) if link > behind else None
        if found is not None:
            behind = link
    return behind - place


def _service(sentence: Sentence, place: int, vocabulary: WishVocabulary, *, lead: bool) -> tuple[str, int] | None:
    known = _services(vocabulary.services)
    keys = sentence.keys(place, _LONGEST)
    for used, key in keys:
        if key in known and (lead or key not in _ORDINARY):
            return known[key], used
    for used, key in keys[-1:]:
        if key in known:
            break
        spelling = lexicon().misspelt(key, [one for one in known if lead or one not in _ORDINARY])
        if spelling:
            return known[spelling], used
    return None
