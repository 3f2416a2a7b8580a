"""The keys that two spellings of one title share, from strict to loose."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

# letters that no decomposition takes apart
_LETTERS: Final = str.maketrans(
    {
        "ø": "o",
        "ł": "l",
        "đ": "d",
        "ð": "d",
        "þ": "th",
        "æ": "ae",
        "œ": "oe",
        "ı": "i",
        "½": " 1 2",
        "⅓": " 1 3",
        "⁄": " ",
    }
    | {"&": " and ", "+": " and ", "@": "at"}
)
_APOSTROPHES: Final = re.compile("['’‘`´ʻʼ]")
_NOT_WORDS: Final = re.compile(r"[\W_]+")
_ARTICLE: Final = (
    "the|an?|le|la|les|un|une|der|die|das|ein|eine|il|lo|gli|el|los|las|una|uno|os|as|um|uma|het|een|den|det|en|ett|et"
)
_LEADING: Final = re.compile(rf"(?:{_ARTICLE}|i|o|l|de) (?=.)")
_TRAILING: Final = re.compile(rf"(?P<rest>.+), ?(?P<article>{_ARTICLE}|I|O|De|L['’])\Z", re.IGNORECASE | re.DOTALL)
_INNER: Final = re.compile(r"(?P<rest>[^:,]+), (?P<article>The|An?)(?P<tail>(?:: | - | \().+)\Z", re.DOTALL)
_NUMBERS: Final = {
    **{
        "ii": "2",
        "iii": "3",
        "iv": "4",
        "vi": "6",
        "vii": "7",
        "viii": "8",
        "ix": "9",
        "xi": "11",
        "xii": "12",
        "xiii": "13",
    },
    **{
        "one": "1",
        "two": "2",
        "three": "3",
        "four": "4",
        "five": "5",
        "six": "6",
        "seven": "7",
        "eight": "8",
        "nine": "9",
    },
    **{"ten": "10", "eleven": "11", "twelve": "12", "first": "1st", "second": "2nd", "third": "3rd"},
}
# "v" and "x" are numbers at the end of a title only ("Rocky V"; "V for Vendetta" and "X" are none)
_LAST_NUMBERS: Final = {"v": "5", "x": "10", "i": "1"}
_COUNTERS: Final = frozenset({"part", "pt", "vol", "volume", "chapter", "episode", "no", "number"})
_OWNER: Final = re.compile(
    r"(?:(?:walt )?disneys?|disney pixars?|marvel studios|marvels|tyler perrys|national lampoons|monty pythons|"
    r"lemony snickets|dr seuss|bram stokers|mary shelleys|john carpenters|wes cravens|clive barkers|stephen kings|"
    r"guillermo del toros|lee daniels|william shakespeares|dc showcase|lego dc comics) (?=.)"
)
_SUBTITLE: Final = re.compile(r"(?<=\w)\s*(?::|\s[-–—]|\s?\(|;|\saka\s|,? or,? )\s*", re.IGNORECASE)
_BRACKETS: Final = re.compile(r"\s*[(\[][^()\[\]]*[)\]]\s*\Z")


def in_front(title: str) -> str:
    """Returns "Matrix, The" as "The Matrix" and "Thing, The (1982 cut)" as "The Thing (1982 cut)"; other titles as they are."""
    found = _TRAILING.match(title)
    if found is None:
        inner = _INNER.match(title)
        return f"{inner['article']} {inner['rest']}{inner['tail']}" if inner else title
    article = found["article"]
    return f"{article}{found['rest']}" if article.endswith(("'", "’")) else f"{article} {found['rest']}"


def strict(title: str) -> str:
    """Returns the strict key: case, accents, punctuation and signs for "and" do not count; "WALL·E" and "Wall-E" share one.

    A title of signs alone ("$", "???") keeps its signs, so that it only matches itself.
    """
    lowered = in_front(title).casefold()
    if not lowered.isascii():
        marked = unicodedata.normalize("NFKD", lowered.translate(_LETTERS)).casefold()
        lowered = "".join(ch for ch in marked if not unicodedata.combining(ch))
    folded = lowered.translate(_LETTERS)
    words = _NOT_WORDS.sub(" ", _APOSTROPHES.sub("", folded)).strip()
    return words or lowered.strip()


def loose(key: str) -> str:
    """Returns the loose key of a strict one: articles, numerals, "and", counters, owners and spaces do not count, either.

    "Bio-Dome" meets "Biodome", "Death Wish II" meets "Death Wish 2", "Kill Bill: Vol. 1" meets "Kill Bill 1".
    """
    words = _OWNER.sub("", key, count=1) if key[:1] in "bcdglmntwjs" else key
    words = _LEADING.sub("", words, count=1) if _LEADING.match(words) else words
    kept: list[str] = []
    parts = words.split(" ")
    last = len(parts) - 1
    for place, word in enumerate(parts):
        word = _NUMBERS.get(word, word)
        if place and place == last:
            word = _LAST_NUMBERS.get(word, word)
        counted = place < last and (parts[place + 1].isdigit() or parts[place + 1] in _NUMBERS or place + 1 == last)
        if (word in _COUNTERS and place and counted) or (word == "and" and 0 < place < last):
            continue
        kept.append(word)
    return "".join(kept)


def short(title: str) -> str:
    """Returns the strict key of a title without its subtitle or final bracket; empty when it has neither, or little is left.

    "Star Wars: Episode IV - A New Hope" is "star wars" then. What is left of a title says less than the whole.
    """
    bare = _BRACKETS.sub("", title)
    head = _SUBTITLE.split(bare, maxsplit=1)[0]
    if head == title or len(head) < 4:
        return ""
    return strict(head)
