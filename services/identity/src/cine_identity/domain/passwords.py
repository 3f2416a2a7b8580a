"""Which passwords are taken: long enough, not common, not built on the person's own name. No rules of composition.

Slow (milliseconds): never call it on the event loop. The list of common passwords is zxcvbn's own, so nothing is asked of anybody.
"""

from __future__ import annotations

import functools
import re
import unicodedata
from collections.abc import Iterable

from zxcvbn import zxcvbn
from zxcvbn.frequency_lists import FREQUENCY_LISTS

from cine_identity.domain.hashing import one_form
from cinemesh.errors import InvalidArgument, Reason

SHORTEST, LONGEST = 8, 256
PRODUCT = ("CineAesthete", "Aesthete", "Cine")
_SCORED_CHARACTERS = 72  # zxcvbn refuses more
_LONG = 20
"""From this length on a password is not scored: zxcvbn knows words and patterns, and underrates what repeats."""
_FEWEST_GUESSES = 10**6
_LONGEST_DECORATION = 6
_SHORTEST_WORD = 3
_REMAINDER = 6
# what people write for a letter; `l` and `i` share their stand-ins, so they are one
_STAND_INS = str.maketrans("0134578@$!|l", "oieastbasiii")


def words_of(username: str, email: str, display_name: str) -> tuple[str, ...]:
    """Returns what a person's password must not be built on: name, parts of the address, the product's own name."""
    local, _, domain = email.partition("@")
    parts = [username, display_name, local, email, domain, *domain.split(".")[:-1], *PRODUCT]
    pieces = [piece for part in (username, display_name, local) for piece in re.split(r"[\W_]+", part)]
    return tuple(dict.fromkeys(word for word in [*parts, *pieces] if len(word) >= _SHORTEST_WORD))


def require_strong(password: str, field: str, words: Iterable[str]) -> None:
    """Checks a new password.

    Args:
        password: as it was sent.
        field: its field in the request.
        words: what it must not be built on, see `words_of`.

    Raises:
        InvalidArgument: it is too short or long, common, built on one of the words, or easy to guess; never repeats it.
    """
    problem = weakness(password, tuple(words))
    if problem:
        raise InvalidArgument(f"{field} {problem}", reason=Reason.PASSWORD_WEAK, violations=[(field, problem)])


def weakness(password: str, words: tuple[str, ...] = ()) -> str:
    """Returns what is wrong with a new password, as the end of a sentence; empty when nothing is."""
    password = one_form(password)
    if len(password) < SHORTEST:
        return f"must have at least {SHORTEST} characters"
    if len(password) > LONGEST:
        return f"must have at most {LONGEST} characters"
    if _common(password):
        return "is one of the most common passwords; choose another"
    if _built_on(password, words):
        return "is built on your own name, your address or ours; choose another"
    if len(password) < _LONG:
        found = zxcvbn(password[:_SCORED_CHARACTERS], user_inputs=list(words))
        if found["guesses"] < _FEWEST_GUESSES:
            return "is too easy to guess; choose a longer one, such as several unrelated words"
    return ""


@functools.cache
def _common_ones() -> frozenset[str]:
    known = [word.casefold() for word in FREQUENCY_LISTS["passwords"]]
    return frozenset(known) | frozenset(_plain_letters(word) for word in known if len(word) >= 4)


def _common(password: str) -> bool:
    folded = unicodedata.normalize("NFKC", password).casefold()
    known = _common_ones()
    unit = _repeated(folded)
    if len(unit) <= 2 and unit.isascii():
        return True  # one or two letters over and over
    bare = re.sub(r"^[\W\d_]+|[\W\d_]+$", "", folded)  # "Passw0rd!2026" is "passw0rd" with a decoration
    candidates = {folded, folded[::-1], unit}
    if len(bare) >= 4 and len(folded) - len(bare) <= _LONGEST_DECORATION:
        candidates |= {bare, bare[::-1]}
    return any(one in known or _plain_letters(one) in known for one in candidates if len(one) >= 4)


def _repeated(text: str) -> str:
    """Returns the shortest piece that a text is repetitions of; itself when it is none."""
    return text[: (text + text).index(text, 1)]


def _plain_letters(text: str) -> str:
    return text.translate(_STAND_INS)


def _squeezed(text: str) -> str:
    folded = _plain_letters(unicodedata.normalize("NFKC", text).casefold())
    return "".join(ch for ch in folded if ch.isalnum())


def _built_on(password: str, words: tuple[str, ...]) -> bool:
    """Returns whether little is left of a password once the words are taken out of it, written either way round."""
    body = rest = _squeezed(password)
    plain = {_squeezed(word) for word in words}
    for word in sorted((word for word in plain if len(word) >= _SHORTEST_WORD), key=len, reverse=True):
        rest = rest.replace(word, "").replace(word[::-1], "")
    return rest != body and len(rest) < _REMAINDER
