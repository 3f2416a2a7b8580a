"""MovieLens titles as people write them, and the key two spellings of one title share.

MovieLens writes ``"City of Lost Children, The (Cité des enfants perdus, La) (1995)"``. That is one title, one alternative
title and a year. Articles are moved to the front in the languages MovieLens uses; brackets that are part of the name
(``"(500) Days of Summer"``, ``"Babies (Bébé(s))"``) or qualify it (``"(Part 1)"``) stay.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import polars as pl

FIRST_YEAR = 1870
LAST_YEAR = 2050
"""Years outside 1870–2050 are not film years: MovieLens' oldest is 1874."""

# English, French, German, Italian, Spanish, Portuguese, Dutch, Scandinavian. Matched exactly as MovieLens capitalises them.
_ARTICLES = (
    "The|A|An|Le|La|Les|Un|Une|Der|Die|Das|Ein|Eine|Il|Lo|I|Gli|El|Los|Las|Una|Uno|O|Os|As|Um|Uma|De|Het|Den|Det|En|Ett"
)
_TRAILING_ARTICLE = re.compile(rf"^(?P<rest>.+), ?(?P<article>{_ARTICLES}|L['’])$", re.DOTALL)
_INNER_ARTICLE = re.compile(r"^(?P<rest>[^:,]+), (?P<article>The|A|An)(?P<tail>: .+)$", re.DOTALL)
_YEAR_GROUP = re.compile(r"^\s*(\d{4})\s*(?:[-–—]\s*(?:\d{2,4})?\s*)?$")
_FINAL_YEAR = re.compile(r"^(?P<rest>.*?)\s*\((?P<year>\d{4})\)+$", re.DOTALL)
_AKA = re.compile(r"\b(?:a\.k\.a\.|aka)\s*:?\s+", re.IGNORECASE)
_QUALIFIER = re.compile(
    r"^(?:parts?|vol(?:ume)?\.?|chapters?|episodes?|season|series|live|uncut|extended|unrated|short|tv|director'?s cut)\b"
    r"(?=[\s\d.IVX:-]*$|.*\b(?:cut|movie|version|edition|special|in|at|from)\b)|^\d{4}[-–]\d{2,4}$",
    re.IGNORECASE,
)
_OPEN_ENDED = re.compile(r"\s(?:or|and|&|:|-|–)$|:$", re.IGNORECASE)
_SPACES = re.compile(r"\s+")


@dataclass(frozen=True, slots=True)
class ParsedTitle:
    """A title taken apart: display form, other names, year (``None`` when the text carries none)."""

    title: str
    alternatives: tuple[str, ...]
    year: int | None


def move_article(title: str) -> str:
    """Return ``"Matrix, The"`` as ``"The Matrix"``, ``"Atalante, L'"`` as ``"L'Atalante"``; others unchanged."""
    found = _TRAILING_ARTICLE.match(title)
    if found is None:
        inner = _INNER_ARTICLE.match(title)
        return f"{inner['article']} {inner['rest']}{inner['tail']}" if inner else title
    rest, article = found["rest"].strip(), found["article"]
    # "Die, Mommie, Die": the last word repeats the first, it is no article.
    if not rest or re.match(rf"{re.escape(article)}\b", rest):
        return title
    return f"{article}{rest}" if article.endswith(("'", "’")) else f"{article} {rest}"


def parse_title(raw: str) -> ParsedTitle:
    """Take a MovieLens title apart; never fails, and ``title`` is non-empty whenever ``raw`` holds a visible character."""
    text = _SPACES.sub(" ", raw).strip()
    year: int | None = None
    # The year first: it may stand behind a bracket that never opened (":) (2018)") or under a surplus one ("(1983))").
    dated = _FINAL_YEAR.match(text)
    if dated:
        year = int(dated["year"])
        text = dated["rest"] or text
        if not text.endswith((")", ",")) and ", " not in text:
            return ParsedTitle(title=text, alternatives=(), year=year)
    base, groups = _trailing_groups(text) if not dated or dated["rest"] else (text, [])
    alternatives: list[str] = []
    qualifiers: list[str] = []
    for group in reversed(groups):
        found = _YEAR_GROUP.match(group)
        if found:
            # The last year wins: "(2017) (2019)" was re-dated; "(1957) (Your Past Is Showing)" has it in the middle.
            year = int(found[1]) if year is None else year
        elif _QUALIFIER.match(group):
            qualifiers.append(f"({group})")
        elif group:
            alternatives.extend(reversed(_alternative_names(group)))
    title = move_article(base.rstrip(", ") or base)
    if qualifiers:
        title = " ".join([title, *reversed(qualifiers)])
    seen = {title.casefold()}
    unique = []
    for name in reversed(alternatives):
        if name.casefold() not in seen:
            seen.add(name.casefold())
            unique.append(name)
    return ParsedTitle(title=title, alternatives=tuple(unique), year=year)


def _trailing_groups(text: str) -> tuple[str, list[str]]:
    """Split ``"A (b) (1999)"`` into ``("A", ["b", "1999"])``: balanced groups at the end, each after a space."""
    groups: list[str] = []
    rest = text
    while rest.endswith(")"):
        start = _opening(rest)
        if start <= 0:
            break
        # A bracket glued to its word belongs to it ("Bébé(s)"), unless it holds the year ("Title(1999)").
        group = rest[start + 1 : -1].strip()
        glued = rest[start - 1] != " "
        if glued and not _YEAR_GROUP.match(group):
            break
        before = rest[:start].rstrip()
        if not before or (_OPEN_ENDED.search(before) and not _YEAR_GROUP.match(group)):
            break
        groups.append(group)
        rest = before
    return rest, groups[::-1]


def _opening(text: str) -> int:
    """Index of the bracket that the final ``)`` closes, or -1 when unbalanced."""
    depth = 0
    for index in range(len(text) - 1, -1, -1):
        if text[index] == ")":
            depth += 1
        elif text[index] == "(":
            depth -= 1
            if depth == 0:
                return index
    return -1


def _alternative_names(group: str) -> list[str]:
    names = [part.strip(" ,;") for part in _AKA.split(group)]
    return [move_article(name) for name in names if name]


_FOLDED = {"ß": "ss", "ø": "o", "ł": "l", "đ": "d", "æ": "ae", "œ": "oe", "ı": "i", "&": " and ", "½": " 1 2", "⁄": " "}


def normalised(titles: pl.Expr) -> pl.Expr:
    """Expression of match keys: case, accents, punctuation and ``&`` folded; "WALL·E" and "Wall-E" share one.

    A title of punctuation alone ("$", "???") keeps its own characters, so that it still only matches itself.
    """
    # Lower case once more behind NFKD: it takes "ℂ" apart into a capital.
    folded = titles.str.to_lowercase().str.replace_many(_FOLDED).str.normalize("NFKD").str.to_lowercase()
    lowered = folded.str.replace_all(r"\p{M}", "").str.replace_many(_FOLDED)
    words = lowered.str.replace_all(r"['’`´ʻ]", "").str.replace_all(r"[^\p{L}\p{N}]+", " ").str.strip_chars()
    return pl.when(words.str.len_bytes() > 0).then(words).otherwise(lowered.str.strip_chars())


_ROMAN = {"ii": "2", "iii": "3", "iv": "4", "vi": "6", "vii": "7", "viii": "8", "ix": "9", "xi": "11", "xii": "12"}
_COUNTED = {
    "one": "1",
    "two": "2",
    "three": "3",
    "four": "4",
    "five": "5",
    "six": "6",
    "seven": "7",
    "eight": "8",
    "nine": "9",
}
_NUMERAL = rf"( |^)({'|'.join([*_ROMAN, *_COUNTED])})( |$)"
_BRAND = (
    r"^(?:(?:walt )?disneys?|disney pixars?|marvel studios|marvels|tyler perrys|national lampoons|monty pythons|"
    r"dc showcase|lego dc comics|american experience|frontline|national geographic) "
)


def loosened(keys: pl.Expr) -> pl.Expr:
    """Expression of looser keys from ``normalised`` ones: spacing, leading articles, numerals and owners' names fold.

    "Bio-Dome" meets "Biodome", "Death Wish II" meets "Death Wish 2", "Marvel Studios' Doctor Strange" meets "Doctor Strange".
    The key starts with "~", so that it never equals a strict one.
    """
    words = keys.str.replace(_BRAND, "").str.replace(r"^(?:the|an?|le|la|les|il|el|der|die|das) ", "")
    words = pl.when(words.str.len_bytes() > 0).then(words).otherwise(keys)
    numeral = words.str.extract(_NUMERAL, 2)
    digit = numeral.replace_strict({**_ROMAN, **_COUNTED}, default=None, return_dtype=pl.String)
    words = (
        pl.when(digit.is_not_null())
        .then(words.str.replace(_NUMERAL, pl.lit("${1}") + digit + pl.lit("${3}")).str.replace(r" part (\d)", " $1"))
        .otherwise(words)
    )
    return pl.lit("~") + words.str.replace_all(" and ", " ", literal=True).str.replace_all(" ", "", literal=True)


def normalise_title(title: str) -> str:
    """The match key of one title (the same expression the join uses)."""
    return str(pl.DataFrame({"t": [title]}).select(normalised(pl.col("t"))).item())
