"""The tantivy index: what is indexed of a film, and how the files on disk are built and opened.

Documents are written by one thread into one segment in the order of the films, so a hit's document number *is* the film's
ordinal and no stored field has to be read on the hot path. `open_index` refuses files for which that does not hold.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import tantivy

from cine_catalog.domain.film import Film
from cine_catalog.search.analysis import folded, tokens, words

#: Part of the index folder's name: raise it when fields or analysis change.
SCHEMA_VERSION = 2
#: Token fields and how much a match in each weighs (measured on the relevance suite, `make relevance`).
FIELD_WEIGHTS = {
    "title": 3.0,
    "alt": 2.2,
    "directors": 1.7,
    "cast": 1.6,
    "keywords": 0.9,
    "genres": 0.8,
    "year_word": 1.0,
}
#: Shares of the catalogue that count as best-known, narrowest first; a film of one is in the wider ones too.
TIERS = (0.01, 0.05, 0.2)
_HEAP_BYTES = 1_000_000_000
_STEMMER = tantivy.TextAnalyzerBuilder(tantivy.Tokenizer.whitespace()).filter(tantivy.Filter.stemmer("english")).build()


class IndexUnusable(Exception):
    """The files on disk are not an index of these films; build them again."""


def stems(text: str) -> list[str]:
    """Returns the English stems of the words of a text, as the overview field holds them."""
    return list(_STEMMER.analyze(" ".join(words(text))))


def schema() -> tantivy.Schema:
    """Returns the fields of the index; see `FIELD_WEIGHTS` for the searched ones."""
    builder = tantivy.SchemaBuilder()
    for name in FIELD_WEIGHTS:
        builder.add_text_field(name, tokenizer_name="whitespace", index_option="position")
    builder.add_text_field("overview", tokenizer_name="whitespace", index_option="freq")
    # titles and people together: misspelt words are looked up here, one automaton instead of one a field
    builder.add_text_field("names", tokenizer_name="whitespace", index_option="basic")
    for name in ("genre", "service", "keyword"):
        builder.add_text_field(name, tokenizer_name="raw", index_option="basic", fast=True)
    builder.add_text_field("tier", tokenizer_name="whitespace", index_option="basic")
    for name in ("year", "runtime", "decade", "popularity_rank", "rating_rank", "title_rank"):
        builder.add_unsigned_field(name, indexed=True, fast=True)
    builder.add_float_field("rating", indexed=True, fast=True)
    return builder.build()


def ranks(values: Sequence[Any] | np.ndarray) -> np.ndarray:
    """Returns each element's 0-based rank in ascending order, ties in the order given."""
    order = np.argsort(np.asarray(values), kind="stable")
    result = np.empty(len(order), dtype=np.int64)
    result[order] = np.arange(len(order))
    return result


def _tier_words(popularity_rank: int, count: int) -> str:
    """Returns the popularity tiers a film belongs to, 0 being the best-known hundredth; used as constant-score boosts."""
    place = popularity_rank / max(count, 1)
    return " ".join(f"t{i}" for i, share in enumerate(TIERS) if place < share)


def _document(film: Film, popularity_rank: int, rating_rank: int, title_rank: int, count: int) -> tantivy.Document:
    document = tantivy.Document()
    document.add_text("title", " ".join(tokens(film.title)))
    document.add_text("alt", " ".join(token for name in film.alternative_titles for token in tokens(name)))
    document.add_text("directors", " ".join(token for name in film.directors for token in tokens(name)))
    document.add_text("cast", " ".join(token for name in film.cast for token in tokens(name)))
    named = (film.title, *film.alternative_titles, *film.directors, *film.cast)
    document.add_text("names", " ".join(dict.fromkeys(token for name in named for token in tokens(name))))
    document.add_text("keywords", " ".join(token for word in film.keywords for token in tokens(word)))
    document.add_text("genres", " ".join(token for genre in film.genres for token in tokens(genre)))
    document.add_text("year_word", str(film.year) if film.year else "")
    document.add_text("overview", " ".join(stems(film.overview)))
    for genre in film.genres:
        document.add_text("genre", genre)
    for service in film.streaming_services:
        document.add_text("service", service)
    for keyword in film.keywords:
        document.add_text("keyword", folded(keyword))
    document.add_text("tier", _tier_words(popularity_rank, count))
    document.add_unsigned("year", film.year)
    document.add_unsigned("decade", film.year // 10 * 10)
    document.add_unsigned("runtime", film.runtime_minutes)
    document.add_unsigned("popularity_rank", popularity_rank)
    document.add_unsigned("rating_rank", rating_rank)
    document.add_unsigned("title_rank", title_rank)
    document.add_float("rating", film.average_rating)
    return document


def build_index(
    folder: Path,
    films: Sequence[Film],
    damped_rating: np.ndarray,
    progress: Callable[[str, int, int], None] = lambda _step, _done, _total: None,
) -> None:
    """Writes the index of these films into a new folder.

    Args:
        folder: replaced when it exists.
        films: in the order that gives them their ordinals.
        damped_rating: (n,) rating used for ordering by rating.
        progress: called with ("search index", done, total).
    """
    if folder.exists():
        shutil.rmtree(folder)
    folder.mkdir(parents=True)
    count = len(films)
    popularity_rank = ranks([-film.popularity for film in films])
    rating_rank = ranks(-damped_rating)
    title_rank = ranks([" ".join(words(film.title)) for film in films])
    index = tantivy.Index(schema(), path=str(folder))
    writer = index.writer(heap_size=_HEAP_BYTES, num_threads=1)
    for ordinal, film in enumerate(films):
        ranked = (int(popularity_rank[ordinal]), int(rating_rank[ordinal]), int(title_rank[ordinal]))
        writer.add_document(_document(film, *ranked, count))
        if ordinal % 5000 == 0:
            progress("search index", ordinal, count)
    writer.commit()
    writer.wait_merging_threads()
    progress("search index", count, count)
    (folder / "catalogue.json").write_text(json.dumps({"schema": SCHEMA_VERSION, "films": count}))


def open_index(folder: Path, count: int) -> tantivy.Index:
    """Opens an index built for `count` films.

    Raises:
        IndexUnusable: there is none, or it was built by other code or for another number of films.
    """
    try:
        facts = json.loads((folder / "catalogue.json").read_text())
        if facts != {"schema": SCHEMA_VERSION, "films": count}:
            raise IndexUnusable(f"{folder.name} was built for other films")
        index = tantivy.Index.open(str(folder))
        index.reload()
        searcher = index.searcher()
    except (OSError, ValueError) as error:
        raise IndexUnusable(f"{folder.name} cannot be opened") from error
    if searcher.num_docs != count or (count and searcher.num_segments != 1):
        raise IndexUnusable(f"{folder.name} holds {searcher.num_docs} films in {searcher.num_segments} segments")
    return index
