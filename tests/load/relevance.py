"""Search quality on real data: MRR@10 of our query suite, and of `tot-dev` for natural language.

`make relevance` with `CINE_DATA_DIR` set: runs the pipeline into `var/relevance/` (reused while the data is the same), builds the
index and asks every query with the very engine that serves. MRR@10 is the mean of 1/rank of the first accepted film within the first
ten, 0 when it is not among them. `tot-dev` queries are people's descriptions of half-remembered films (CC BY-SA 4.0, not part of this
repository): they are ranked by BM25 alone and by BM25 fused with the static encoder; films the catalogue lacks count as misses.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import re
import sys
from collections import defaultdict
from pathlib import Path

import numpy as np

from cine_catalog.catalogue import read_films
from cine_catalog.domain.film import Film
from cine_catalog.domain.search import SearchQuery
from cine_catalog.generation import Generation, assemble
from cine_catalog.pipeline.options import PipelineOptions
from cine_catalog.pipeline.run import run_pipeline
from cine_catalog.search.analysis import exact_key
from cinemesh.artifacts import ArtifactStore

DEPTH = 10
QUERIES = Path(__file__).with_name("relevance_queries.tsv")
_YEAR = re.compile(r"^(.*) \((\d{4})\)$")
_BRACKETS = re.compile(r"\s*\([^)]*\)")


def without_brackets(title: str) -> str:
    """Returns a title without what stands in brackets, such as another title."""
    return _BRACKETS.sub("", title)


def read_queries(path: Path = QUERIES) -> list[tuple[str, str, list[tuple[str, int]]]]:
    """Returns (kind, query, accepted (title key, year) pairs)."""
    queries = []
    for line in path.read_text().splitlines():
        if not line or line.startswith("#"):
            continue
        kind, query, accepted = line.split("\t")
        queries.append((kind, query, [_accepted(part) for part in accepted.split("|")]))
    return queries


def _accepted(text: str) -> tuple[str, int]:
    found = _YEAR.match(text)
    if found is None:
        raise ValueError(f"{text!r} does not end in a year in brackets")
    return exact_key(without_brackets(found[1])), int(found[2])


def _keys(film: Film) -> set[str]:
    return {exact_key(without_brackets(title)) for title in (film.title, *film.alternative_titles)}


def reciprocal_rank(generation: Generation, ordinals: list[int], accepted: list[tuple[str, int]]) -> float:
    """Returns 1/rank of the first accepted film among the first ten, 0 when there is none."""
    for rank, ordinal in enumerate(ordinals[:DEPTH], 1):
        film = generation.films[ordinal]
        keys = _keys(film)
        if any(key in keys and abs(film.year - year) <= 1 for key, year in accepted):
            return 1.0 / rank
    return 0.0


def suite(generation: Generation) -> dict[str, list[float]]:
    """Returns the reciprocal ranks of our queries by kind."""
    by_kind: dict[str, list[float]] = defaultdict(list)
    for kind, query, accepted in read_queries():
        answer = generation.engine.search(SearchQuery(query, limit=DEPTH))
        by_kind[kind].append(reciprocal_rank(generation, answer.ordinals, accepted))
    return by_kind


def tip_of_tongue(generation: Generation, path: Path) -> dict[str, float]:
    """Returns MRR@10 of `tot-dev` for BM25 alone and fused, and the share of its films that the catalogue has."""
    with path.open(newline="") as handle:
        rows = list(csv.DictReader(handle, delimiter="\t", quoting=csv.QUOTE_NONE))
    known = set().union(*(_keys(film) for film in generation.films))
    engines = {"fused": generation.engine, "bm25": generation.engine.without_meaning()}
    ranks: dict[str, list[float]] = {name: [] for name in engines}
    for row in rows:
        wanted = exact_key(without_brackets(row["movieName"]))
        for name, engine in engines.items():
            ordinals = engine.search(SearchQuery(row["QuestionBody"][:500], limit=DEPTH)).ordinals
            titles = [_keys(generation.films[ordinal]) for ordinal in ordinals]
            ranks[name].append(next((1 / r for r, names in enumerate(titles, 1) if wanted in names), 0.0))
    present = sum(exact_key(without_brackets(row["movieName"])) in known for row in rows) / len(rows)
    return {name: float(np.mean(values)) for name, values in ranks.items()} | {
        "in_catalogue": present,
        "queries": len(rows),
    }


def load_generation(data_dir: Path, folder: Path) -> Generation:
    """Returns the catalogue of real data, running the pipeline when its result is missing."""
    merged = folder / "movies_merged.csv"
    if not merged.exists():
        run_pipeline(PipelineOptions(output=merged, data_dir=data_dir))
    films, version = read_films(merged)
    return assemble(films, version, ArtifactStore(folder / "artifacts"))


def main() -> int:
    """Prints the figures; ends with 1 when the suite is below 0.85."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="one JSON object on standard output")
    parser.add_argument("--misses", action="store_true", help="also print every query whose film is not first")
    arguments = parser.parse_args()
    data_dir = os.environ.get("CINE_DATA_DIR")
    if not data_dir:
        print("CINE_DATA_DIR is not set: the suite needs MovieLens data", file=sys.stderr)
        return 2
    generation = load_generation(Path(data_dir), Path("var/relevance"))
    by_kind = suite(generation)
    everything = [value for values in by_kind.values() for value in values]
    report = {
        "films": len(generation.films),
        "queries": len(everything),
        "mrr10": float(np.mean(everything)),
        "by_kind": {kind: float(np.mean(values)) for kind, values in by_kind.items()},
        "tot_dev": tip_of_tongue(generation, Path(data_dir) / "tot-dev" / "tot-dev.tsv"),
    }
    if arguments.json:
        print(json.dumps(report))
    else:
        print(f"MRR@10 of {report['queries']} queries over {report['films']:,} films: {report['mrr10']:.3f}")
        for kind, values in by_kind.items():
            print(f"  {kind:<12}{np.mean(values):.3f}  ({len(values)})")
        tot = report["tot_dev"]
        print(
            f"tot-dev MRR@10 ({tot['queries']} descriptions, {tot['in_catalogue']:.0%} of the films in the catalogue):"
        )
        print(f"  BM25 alone {tot['bm25']:.3f}   fused with the static encoder {tot['fused']:.3f}")
    if arguments.misses:
        for kind, query, accepted in read_queries():
            ordinals = generation.engine.search(SearchQuery(query, limit=DEPTH)).ordinals
            if reciprocal_rank(generation, ordinals, accepted) < 1:
                print(
                    f"  {kind}: {query!r} → {[f'{generation.films[o].title} ({generation.films[o].year})' for o in ordinals[:4]]}"
                )
    return 0 if report["mrr10"] >= 0.85 else 1


if __name__ == "__main__":
    sys.exit(main())
