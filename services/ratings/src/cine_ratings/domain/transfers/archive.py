"""Reads the files of a ZIP without trusting it: not its names, not its sizes, not its count. Nothing is written to a disk."""

from __future__ import annotations

import struct
import zipfile
import zlib
from collections.abc import Collection
from pathlib import PurePosixPath
from typing import BinaryIO, Final

from cine_ratings.domain.transfers.rows import Unreadable

MOST_BYTES: Final = 50 * 1024 * 1024
"""Bytes an upload may have."""
UNPACKED_BYTES: Final = 100 * 1024 * 1024
"""Bytes the files of a ZIP that are read may have together."""
MOST_FILES: Final = 5_000
_DIRECTORY_BYTES: Final = 1024 * 1024
_BLOCK: Final = 256 * 1024
_END: Final = b"PK\x05\x06"
_END_64: Final = b"PK\x06\x07"
_END_BYTES: Final = 22
_COMMENT_BYTES: Final = 65_535
_LOCATOR_BYTES: Final = 20
_ENCRYPTED: Final = 0x1
# what a damaged ZIP makes the standard library raise
_FAULTS: Final = (
    zipfile.BadZipFile,
    zlib.error,
    EOFError,
    NotImplementedError,
    RuntimeError,
    struct.error,
    UnicodeDecodeError,
    ValueError,
    OverflowError,
    OSError,
)


class Archive:
    """The files of a ZIP.

    Attributes:
        names: their names, with the folder that all of them are in taken off; each once.
    """

    def __init__(self, file: BinaryIO, folders: Collection[str] = ()) -> None:
        """Reads the directory.

        Args:
            file: the ZIP.
            folders: names of folders that say what is in them, and so stay.

        Raises:
            Unreadable: it is no ZIP, is damaged, or has too many files.
        """
        _check_directory(file)
        try:
            self._zip = zipfile.ZipFile(file)
        except _FAULTS:
            raise Unreadable("the ZIP file is damaged") from None
        infos = self._zip.infolist()
        if len(infos) > MOST_FILES:
            raise Unreadable(f"the ZIP file holds more than {MOST_FILES} files")
        found: dict[str, zipfile.ZipInfo] = {}
        for info in infos:
            name = _safe_name(info.filename)
            if name and not info.is_dir():
                found.setdefault(name, info)
        self._infos = _without_folder(found, folders)
        self._left = UNPACKED_BYTES
        self.names = tuple(self._infos)

    def read(self, name: str) -> bytes:
        """Returns the bytes of a file.

        Raises:
            Unreadable: it is encrypted, damaged or packed in a way no export uses, or the files unpack to too much.
        """
        info = self._infos[name]
        if info.flag_bits & _ENCRYPTED:
            raise Unreadable(f"{name} is encrypted")
        if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise Unreadable(f"{name} is packed in a way that is not read here")
        blocks: list[bytes] = []
        try:
            with self._zip.open(info) as packed:
                # the size a ZIP gives is a claim: what comes out is counted
                while block := packed.read(_BLOCK):
                    self._left -= len(block)
                    if self._left < 0:
                        size = UNPACKED_BYTES // (1024 * 1024)
                        raise Unreadable(f"the files of the ZIP unpack to more than {size} MB")
                    blocks.append(block)
        except _FAULTS:
            raise Unreadable(f"{name} is damaged") from None
        return b"".join(blocks)


def is_zip(head: bytes) -> bool:
    """Whether a file that begins like this is a ZIP."""
    return head.startswith((b"PK\x03\x04", _END))


def _check_directory(file: BinaryIO) -> None:
    """Looks at the size of the directory before the standard library makes an object of each of its entries."""
    size = file.seek(0, 2)
    start = max(size - _END_BYTES - _COMMENT_BYTES - _LOCATOR_BYTES, 0)
    file.seek(start)
    tail = file.read()
    # the same places, in the same order, as zipfile looks at
    plain = tail[-_END_BYTES:]
    place = len(tail) - _END_BYTES if plain.startswith(_END) and plain.endswith(b"\x00\x00") else tail.rfind(_END)
    if place < 0 or len(tail) - place < _END_BYTES:
        raise Unreadable("the ZIP file is damaged")
    (directory,) = struct.unpack_from("<L", tail, place + 12)
    if directory > _DIRECTORY_BYTES or _END_64 in tail[max(place - _LOCATOR_BYTES, 0) : place]:
        raise Unreadable(f"the ZIP file holds more than {MOST_FILES} files")
    file.seek(0)


def _safe_name(name: str) -> str:
    """Returns a name that stays within the ZIP; empty for any other, and for the litter of packing programs."""
    path = PurePosixPath(name.replace("\\", "/"))
    parts = path.parts
    if path.is_absolute() or ".." in parts or (parts and ":" in parts[0]):
        return ""
    if not parts or parts[0] == "__MACOSX" or parts[-1].startswith("."):
        return ""
    return "/".join(parts)


def _without_folder(found: dict[str, zipfile.ZipInfo], folders: Collection[str]) -> dict[str, zipfile.ZipInfo]:
    tops = {name.partition("/")[0] for name in found}
    if len(tops) != 1 or tops & set(folders) or not all("/" in name for name in found):
        return found
    return {name.partition("/")[2]: info for name, info in found.items()}
