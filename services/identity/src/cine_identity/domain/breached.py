"""A set of breached passwords in a file: the format in which Have I Been Pwned gives its own away, ordered by hash.

Every line is the SHA-1 of a password in hexadecimal, upper case, and how often it was seen (`HASH:COUNT`; the count may be missing).
The file is mapped, not read: a gigabyte costs no memory of ours, and looking one password up touches some thirty pages of it.
"""

from __future__ import annotations

import hashlib
import mmap
import re
from pathlib import Path
from typing import Final

_LINE: Final = re.compile(rb"[0-9A-F]{40}(:[0-9]+)?\r?")
_DIGITS: Final = 40
_SAMPLES: Final = 64


class BreachedPasswords:
    """Looks passwords up.

    Args:
        path: the file.

    Raises:
        ValueError: it cannot be read, or is not such a file; the text names it.
    """

    def __init__(self, path: Path) -> None:
        try:
            with path.open("rb") as file:
                self._data = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        except (OSError, ValueError) as error:
            raise ValueError(f"{path.name} cannot be read: {error}") from None
        self._check(path.name)

    def __contains__(self, password: str) -> bool:
        """Returns whether a password is in the set, exactly as it is spelled."""
        wanted = hashlib.sha1(password.encode(), usedforsecurity=False).hexdigest().upper().encode()
        low, high = 0, len(self._data)  # a line that begins in [low, high) is the one, or none is
        while low < high:
            middle = self._line_at((low + high) // 2)
            found = self._data[middle : middle + _DIGITS]
            if found == wanted:
                return True
            if found < wanted:
                low = self._after(middle)
            else:
                high = middle
        return False

    def close(self) -> None:
        """Gives the file back."""
        self._data.close()

    def _line_at(self, position: int) -> int:
        """Returns where the line begins that holds a position."""
        return self._data.rfind(b"\n", 0, position) + 1

    def _after(self, start: int) -> int:
        end = self._data.find(b"\n", start)
        return len(self._data) if end < 0 else end + 1

    def _check(self, name: str) -> None:
        """Looks at lines all over the file: whether they are hashes, and in order."""
        size, before = len(self._data), b""
        for sample in range(_SAMPLES):
            start = self._line_at(sample * (size - 1) // (_SAMPLES - 1))
            end = self._after(start)
            line = self._data[start:end].rstrip(b"\n")
            if not _LINE.fullmatch(line):
                raise ValueError(f"{name} has a line that is not HASH:COUNT, at byte {start}")
            if line[:_DIGITS] < before:
                raise ValueError(f"{name} is not ordered by hash, at byte {start}")
            before = line[:_DIGITS]
