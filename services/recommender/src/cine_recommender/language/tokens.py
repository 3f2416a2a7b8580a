"""A sentence in pieces: words, numbers, marks and what stands in quotation marks, with where each came from."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from cine_recommender.language.lexicon import Stated
from cinemesh.vocabulary import fold

_QUOTES: Final = str.maketrans(
    dict.fromkeys("“”„‟«»", '"') | dict.fromkeys("‘’‛`´", "'") | dict.fromkeys("‐‑‒–—−", "-")
)
_DECIMAL: Final = re.compile(r"\d+[.,:]\d")
_PIECES: Final = re.compile(
    r"""
    "(?P<quoted>[^"]*)"
    | (?P<word>
        \d+[.,:]\d+(?:[^\W\d_]+)?                 # 2.5  1:45
        | [^\W_]+(?:'[^\W_]+)*\+?                  # words, 90s, 1h45, don't, Disney+
      )
    | (?P<mark>\S)
    """,
    re.VERBOSE,
)


@dataclass(frozen=True, slots=True)
class Token:
    """A piece of a sentence.

    Attributes:
        low: folded: no case, accents or apostrophes; a mark as it is; of what is quoted, nothing.
        start: where it begins in `Sentence.text`.
        end: behind its last character.
        quoted: what stands in quotation marks; None for anything else.
        word: whether it is a word or number.
        capital: whether it begins with a capital letter.
    """

    low: str
    start: int
    end: int
    quoted: str | None = None
    word: bool = False
    capital: bool = False


@dataclass(frozen=True, slots=True)
class Sentence:
    """Text and its tokens. Places beyond its end are empty."""

    text: str
    tokens: tuple[Token, ...]

    def __len__(self) -> int:
        """Number of tokens."""
        return len(self.tokens)

    def low(self, place: int) -> str:
        """Returns a token folded; nothing beyond the end."""
        return self.tokens[place].low if 0 <= place < len(self.tokens) else ""

    def between(self, start: int, end: int) -> str:
        """Returns the text of tokens `start` to `end` (exclusive)."""
        return self.text[self.tokens[start].start : self.tokens[end - 1].end]

    def starts(self, place: int, words: tuple[str, ...]) -> bool:
        """Returns whether these folded words stand here."""
        return all(self.low(place + step) == word for step, word in enumerate(words))

    def leading(self, place: int, stated: Stated) -> int:
        """Returns how many tokens the longest of these phrases that stands here has; 0 when none does."""
        return next((len(phrase) for phrase in self.standing(place, stated)), 0)

    def standing(self, place: int, stated: Stated) -> Iterator[tuple[str, ...]]:
        """Gives those of the phrases that stand here, longer ones first."""
        for phrase in stated.get(self.low(place), ()):
            if self.starts(place, phrase):
                yield phrase

    def keys(self, place: int, most: int) -> list[tuple[int, str]]:
        """Returns how many tokens each run of words from here has, and its key: folded, without spaces; the longest first.

        Args:
            place: first token.
            most: most words.
        """
        found: list[tuple[int, str]] = []
        key, words = "", 0
        for end in range(place, len(self.tokens)):
            token = self.tokens[end]
            if token.word:
                key += token.low
                words += 1
                found.append((end + 1 - place, key))
                if words == most:
                    break
            elif token.low != "-" or not words:
                break
        return found[::-1]

    def windows(self, place: int, most: int, marks: str = "-") -> list[tuple[int, str]]:
        """Returns how many tokens each run of words from here has, and its text; the longest first.

        Args:
            place: first token.
            most: most words.
            marks: marks that may stand between words.
        """
        found: list[tuple[int, str]] = []
        words = 0
        for end in range(place, len(self.tokens)):
            token = self.tokens[end]
            if token.word:
                words += 1
                found.append((end + 1 - place, self.between(place, end + 1)))
                if words == most:
                    break
            elif token.quoted is not None or token.low not in marks or not words:
                break
        return found[::-1]


def read_sentence(text: str) -> Sentence:
    """Cuts text into tokens; white space and control characters are spaces, quotation marks and dashes are of one kind."""
    spaced = "".join(" " if unicodedata.category(ch) in ("Cc", "Cs") else ch for ch in text)
    clean = " ".join(unicodedata.normalize("NFC", spaced).translate(_QUOTES).split())
    tokens = []
    for found in _PIECES.finditer(clean):
        quoted, word, mark = found["quoted"], found["word"], found["mark"]
        low = fold(word) if word is not None else (mark or "")
        if word is not None and not low:  # letters that folding takes away altogether
            low = word.casefold()
        tokens.append(
            Token(
                # folding takes "." and ":" away, which tell 2.5 from 25
                low=word.casefold() if word is not None and _DECIMAL.match(word) else low,
                start=found.start(),
                end=found.end(),
                quoted=quoted,
                word=word is not None,
                capital=word is not None and word[0].isupper(),
            )
        )
    return Sentence(clean, tuple(tokens))
