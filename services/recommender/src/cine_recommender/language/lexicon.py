"""Words of wishes and what they mean, as `words.toml` states them."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from functools import cache
from importlib.resources import files
from typing import Any, Final, TypeVar

from pydantic import BaseModel, ConfigDict, field_validator

from cine_recommender.signals.context import stated_rules
from cinemesh.vocabulary import MOVIELENS_GENRES, fold

_TYPO_LETTERS: Final = 5
T = TypeVar("T")


class _Words(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    plain: list[str]
    no_typos: list[str]
    ordinary: list[str]
    phrases: list[str]
    noise: list[str]
    genres: dict[str, list[str]]
    genres_and_more: dict[str, list[str]]
    unwanted: dict[str, list[str]]
    moods: dict[str, list[str]]
    opposites: dict[str, str]
    newer_than: dict[str, int]
    older_than: dict[str, int]
    shorter_than: dict[str, int]
    longer_than: dict[str, int]
    not_too: dict[str, int]
    languages: dict[str, str]


Phrase = tuple[str, ...]
"""Folded tokens."""
Stated = dict[str, tuple[Phrase, ...]]
"""Phrases by their first token, longer ones before shorter ones."""


class Phrases(BaseModel):
    """How clauses begin and end, as `phrases.toml` states it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    denials: Stated
    no_clauses: Stated
    fillers: Stated
    by: Stated
    like: Stated
    about: Stated
    films: Stated
    at_most: Stated
    at_least: Stated
    around: Stated
    or_less: Stated
    or_more: Stated
    or_so: Stated
    before: Stated
    until: Stated
    after: Stated
    since: Stated
    onwards: Stated
    backwards: Stated
    in_years: Stated

    @field_validator("*", mode="before")
    @classmethod
    def _by_first(cls, stated: list[str]) -> Stated:
        known: dict[str, list[Phrase]] = {}
        for phrase in sorted((tuple(phrase.split()) for phrase in stated), key=len, reverse=True):
            known.setdefault(phrase[0], []).append(phrase)
        return {first: tuple(some) for first, some in known.items()}


class Lexicon:
    """What words mean; every key is folded.

    Attributes:
        plain: spellings of genres that a sentence does not mean as one.
        ordinary: surnames that are also words.
        phrases: kept whole.
        noise: no part of a wish at the ends of what is left.
        genres: word → genres.
        genres_and_more: word → genres; the word stays in what is left.
        unwanted: word → genres not wanted when it is denied.
        moods: word → mood.
        opposites: mood → the one meant by not wanting it.
        newer_than: word → years back.
        older_than: likewise.
        shorter_than: word → minutes.
        longer_than: likewise.
        not_too: word → minutes, or years back.
        languages: word → ISO 639-1.
        language_names: ISO 639-1 → word.
    """

    def __init__(self, words: _Words) -> None:
        """Folds the keys.

        Raises:
            ValueError: a genre or mood does not exist.
        """
        named = [*words.genres.values(), *words.genres_and_more.values(), *words.unwanted.values()]
        for genre in (genre for some in named for genre in some):
            if genre not in MOVIELENS_GENRES:
                raise ValueError(f"there is no genre {genre!r}")
        for mood in (*words.moods, *words.opposites, *words.opposites.values()):
            if mood not in stated_rules().mood:
                raise ValueError(f"there is no mood {mood!r}")
        self.plain, self.ordinary = _set(words.plain), _set(words.ordinary)
        self.phrases, self.noise = _set(words.phrases), _set(words.noise)
        self._no_typos = _set(words.no_typos)
        self.genres, self.genres_and_more = _folded(words.genres), _folded(words.genres_and_more)
        self.unwanted = _folded(words.unwanted)
        self.moods = {fold(word): mood for mood, some in words.moods.items() for word in some}
        self.opposites = words.opposites
        self.newer_than, self.older_than = _folded(words.newer_than), _folded(words.older_than)
        self.shorter_than, self.longer_than = _folded(words.shorter_than), _folded(words.longer_than)
        self.not_too = _folded(words.not_too)
        self.languages = _folded(words.languages)
        self.language_names: dict[str, str] = {}
        for word, code in words.languages.items():
            self.language_names.setdefault(code, word)

    def misspelt(self, key: str, known: Iterable[str]) -> str | None:
        """Returns the known spelling that a word of five letters or more misses by one; None when there is none, or several.

        Args:
            key: one word, folded.
            known: spellings, folded.
        """
        if len(key) < _TYPO_LETTERS or key in self._no_typos or not key.isalpha():
            return None
        near = {one for one in known if one[:1] == key[0] and len(one) >= _TYPO_LETTERS and one_edit(key, one)}
        return near.pop() if len(near) == 1 else None


def one_edit(left: str, right: str) -> bool:
    """Returns whether one letter more, less, other or swapped turns one word into the other; the first letter is the same."""
    if left == right or abs(len(left) - len(right)) > 1 or left[:1] != right[:1]:
        return False
    same = next((n for n, (one, other) in enumerate(zip(left, right, strict=False)) if one != other), None)
    if same is None:
        return True
    rest, other = left[same:], right[same:]
    swapped = rest[:2] == other[:2][::-1] and rest[2:] == other[2:]
    return rest[1:] == other or rest == other[1:] or rest[1:] == other[1:] or swapped


@cache
def lexicon() -> Lexicon:
    """Returns what `words.toml` states."""
    return Lexicon(_Words(**_stated("words.toml")))


@cache
def phrases() -> Phrases:
    """Returns what `phrases.toml` states."""
    return Phrases(**_stated("phrases.toml"))


def _stated(name: str) -> dict[str, Any]:
    return tomllib.loads(files("cine_recommender.language").joinpath(name).read_text(encoding="utf-8"))


def _set(words: Iterable[str]) -> frozenset[str]:
    return frozenset(map(fold, words))


def _folded(words: Mapping[str, T]) -> dict[str, T]:
    return {fold(word): value for word, value in words.items()}
