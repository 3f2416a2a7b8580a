"""How text becomes search tokens, the same way for films and for queries.

Accents and case are folded, apostrophes dropped ("Schindler's" → "schindlers"), other punctuation separates. A hyphenated or
dotted word also gives its joined form ("Spider-Man" → spider, man, spiderman; "E.T." → et), and roman numerals after the
first word give their number ("Rocky II" → rocky, ii, 2), because people type either.
"""

from __future__ import annotations

import re
import unicodedata

_APOSTROPHES = dict.fromkeys(map(ord, "'’‘`´ʼ"))
_FOLDED = str.maketrans(
    {"ß": "ss", "æ": "ae", "œ": "oe", "ø": "o", "đ": "d", "ł": "l", "ı": "i", "þ": "th", "ð": "d", "&": " and "}
)
_WORD = re.compile(r"[^\W_]+")
_COMPOUND = re.compile(r"[^\W_]+(?:[-.·/*:][^\W_]+)+")
_ROMAN = {
    "ii": "2", "iii": "3", "iv": "4", "vi": "6", "vii": "7", "viii": "8", "ix": "9", "xi": "11", "xii": "12", "xiii": "13",
}  # fmt: skip
_NUMBERS = {
    "one": "1", "two": "2", "three": "3", "four": "4", "five": "5", "six": "6", "seven": "7", "eight": "8", "nine": "9", "ten": "10",
    "eleven": "11", "twelve": "12", "thirteen": "13",
}  # fmt: skip


def folded(text: str) -> str:
    """Returns text in lower case without accents and apostrophes."""
    if text.isascii():
        return text.lower().translate(_FOLDED).translate(_APOSTROPHES)
    # compatibility forms ("𝐀", "ﬁ") first become plain letters, whose case can then be folded
    plain = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", text).casefold())
    plain = "".join(ch for ch in plain if not unicodedata.combining(ch))
    return plain.translate(_FOLDED).translate(_APOSTROPHES)


def words(text: str) -> list[str]:
    """Returns the plain words of a text, in order: what a phrase is made of."""
    return _WORD.findall(folded(text))


def tokens(text: str) -> list[str]:
    """Returns the words and the other forms they are searched by."""
    plain = folded(text)
    found = _WORD.findall(plain)
    extra = [re.sub(r"[-.·/*:]", "", compound) for compound in _COMPOUND.findall(plain)]
    extra += [_ROMAN[word] for word in found[1:] if word in _ROMAN]
    extra += [_NUMBERS[word] for word in found if word in _NUMBERS]
    return found + [word for word in extra if word not in found]


def exact_key(text: str) -> str:
    """Returns the form in which a whole title is compared: its words without an article in front, joined by one space."""
    found = words(text)
    if len(found) > 1 and found[0] in {"the", "a", "an"}:
        found = found[1:]
    return " ".join(_ROMAN.get(word, _NUMBERS.get(word, word)) if i else word for i, word in enumerate(found))
