"""Metadata sources: each is found by the files it consists of and brought into one shape (``schema.METADATA``)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from cine_catalog.pipeline.report import BadRows
from cine_catalog.pipeline.sources import justwatch, ott, starter_folder, tmdb_exports, tmdb_store, wikipedia
from cine_catalog.pipeline.sources.schema import Source
from cine_catalog.tmdb.store import STORE_FILE

PRIORITY = ("starter", "tmdb", "tmdb5000", "tmdb-top10k", "justwatch", "ott-titles", "wikipedia")
"""Whose value wins when several sources have one, best first."""
JOIN_ORDER = ("starter", "tmdb", "tmdb5000", "tmdb-top10k", "wikipedia", "justwatch", "ott-titles")
"""Who is joined first. Wikipedia before JustWatch: where their casts exclude each other, JustWatch's were wrong every time we looked."""
TMDB_SOURCES = ("tmdb", "tmdb5000", "tmdb-top10k")


@dataclass(frozen=True, slots=True)
class FoundSource:
    """A source that is there: its name, its files (for the fingerprint) and how to load it."""

    name: str
    files: tuple[Path, ...]
    load: Callable[[BadRows], Source]


def find_sources(root: Path | None, tmdb_folder: Path | None, starter_folder_path: Path | None) -> list[FoundSource]:
    """Every source under ``root``, and the fetcher's and the starter's folders where given, in order of ``JOIN_ORDER``."""
    found: list[FoundSource] = []
    if starter_folder_path is not None and (starter_folder_path / starter_folder.METADATA_FILE).is_file():
        files = (starter_folder_path / starter_folder.METADATA_FILE,)
        found.append(FoundSource("starter", files, lambda bad: starter_folder.load(starter_folder_path, bad)))
    stores = [folder for folder in (tmdb_folder, root / "tmdb" if root else None) if folder is not None]
    store = next((folder for folder in stores if (folder / STORE_FILE).is_file()), None)
    if store is not None:
        found.append(FoundSource("tmdb", (store / STORE_FILE,), lambda bad: tmdb_store.load(store, bad)))
    if root is not None:
        found += _published(root)
    return sorted(found, key=lambda source: JOIN_ORDER.index(source.name))


def _published(root: Path) -> list[FoundSource]:
    found: list[FoundSource] = []
    tmdb5000, top10k = root / "tmdb5000", root / "tmdb-top10k"
    if (path := tmdb5000 / tmdb_exports.TMDB5000_FILE).is_file():
        found.append(FoundSource("tmdb5000", (path,), lambda bad: tmdb_exports.load_5000(tmdb5000, bad)))
    if (path := top10k / tmdb_exports.TOP10K_FILE).is_file():
        found.append(FoundSource("tmdb-top10k", (path,), lambda bad: tmdb_exports.load_top10k(top10k, bad)))
    folders = [path.parent for path in sorted(root.glob(f"{justwatch.PREFIX}*/titles.csv"))]
    if folders:
        files = tuple(file for folder in folders for file in sorted(folder.glob("*.csv")))
        found.append(FoundSource("justwatch", files, lambda bad: justwatch.load(folders, bad)))
    if files := tuple(sorted((root / "ott-titles").glob(f"*{ott.SUFFIX}"))):
        found.append(FoundSource("ott-titles", files, lambda bad: ott.load(root / "ott-titles", bad)))
    if files := tuple(sorted((root / "wikipedia-movie-data").glob(wikipedia.PATTERN))):
        found.append(FoundSource("wikipedia", files, lambda bad: wikipedia.load(root / "wikipedia-movie-data", bad)))
    return found
