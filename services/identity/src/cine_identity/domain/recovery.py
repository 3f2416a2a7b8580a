"""Recovery codes: what lets a person in whose authenticator app is lost."""

from __future__ import annotations

import secrets

COUNT = 10
_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"  # Crockford's: no letter looks like a digit
_LENGTH, _GROUP = 24, 4  # 120 bits: beyond guessing, also for who has the store and its key, so a keyed hash is enough
_MISREAD = str.maketrans({"o": "0", "i": "1", "l": "1"})


def new_codes() -> tuple[str, ...]:
    """Returns ten different codes of 120 random bits, grouped for reading, such as `7k2m-x04q-9hdt-ev3c-0r5b-w8na`."""
    codes: dict[str, None] = {}
    while len(codes) < COUNT:
        text = "".join(secrets.choice(_ALPHABET) for _ in range(_LENGTH))
        codes["-".join(text[at : at + _GROUP] for at in range(0, _LENGTH, _GROUP))] = None
    return tuple(codes)


def plain(code: str) -> str:
    """Returns a code as it is compared: case, blanks and hyphens do not count, and o, i and l are the digits they look like."""
    return "".join(code.casefold().replace("-", " ").split()).translate(_MISREAD)
