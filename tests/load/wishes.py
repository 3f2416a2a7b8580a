"""Whether a wish in plain words finds the film that is meant: by the static encoder alone, and re-ranked by the sentence encoder.

`make wishes` asks `wishes.tsv` of the starter catalogue. With `CINE_DATA_DIR` set it asks of the real one, too: `tot-dev`, descriptions of
half-remembered films (the first 500 characters of each, as a wish may have), and `wikipedia`, the sentence in which Wikipedia says what
a film is about, of films whose overview is another text. Films that the catalogue does not describe are left out. How many films are
re-ranked, and the share of the sentence encoder, were chosen on `wikipedia` (ARGS="--candidates 400 --share 1" tries others).
Films are ranked by how well they fit the wish and by nothing else, with the very code that serves. MRR@10 is the mean of 1/rank, 0 beyond
the first ten. The encoder is the one that `make sentence-encoder` published; models are kept under `var/wishes/`.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import random
import re
import shutil
import statistics
import sys
import time
from collections import defaultdict
from pathlib import Path

import numpy as np

from cine.common.v1.film_card_pb2 import FilmCard
from cine_catalog.pipeline.options import PipelineOptions
from cine_catalog.pipeline.run import run_pipeline
from cine_catalog.search.analysis import exact_key
from cine_cli.jobs import starter_folder
from cine_cli.mesh.options import MeshSettings
from cine_recommender.flows import meaning
from cine_recommender.flows.meaning import Meaning
from cine_recommender.models.content import ContentModel, load_content
from cine_recommender.training.content import train_content
from cinemesh.artifacts import Artifact, ArtifactError, ArtifactStore
from cinemesh.textencoder import SENTENCE_KIND
from cinemesh.textencoder.present import PresentEncoder
from tests.load.relevance import without_brackets

WISHES = Path(__file__).with_name("wishes.tsv")
DEPTH = 10
SEED = 1
_CHARACTERS, _LONG, _PAGES = 500, 250, 600
_SENTENCE = re.compile(r"(?<=[.!?])\s+")
_PLOT = re.compile(r"\b(follows|tells|stars? as|about|story|plot|centers|focuses)\b")
Wishes = list[tuple[str, list[int]]]
"""A wish, and the rows of the films that it may mean."""


def model_of(folder: Path, data_dir: Path | None, encoder: Artifact) -> tuple[ContentModel, ArtifactStore]:
    """Returns a content model with sentence embeddings, made where it is missing."""
    store, merged = ArtifactStore(folder / "artifacts"), folder / "movies_merged.csv"
    home = store.root / SENTENCE_KIND
    if store.current_version(SENTENCE_KIND) != encoder.version:
        home.mkdir(parents=True, exist_ok=True)
        shutil.copytree(encoder.path, home / encoder.version, dirs_exist_ok=True)
        store.activate(SENTENCE_KIND, encoder.version)
    if not merged.exists():
        run_pipeline(PipelineOptions(output=merged, data_dir=data_dir, starter_dir=starter_folder(folder)))

    def told(step: str, share: float) -> None:
        print(f"\r  {share:4.0%} {step:<12}", end="", file=sys.stderr)

    model = load_content(train_content(merged, store, progress=told))
    print("\r" + " " * 20 + "\r", end="", file=sys.stderr)
    return model, store


def written(model: ContentModel) -> Wishes:
    """Returns our own wishes."""
    rows = {
        (title, int(year)): row for row, (title, year) in enumerate(zip(model.titles, model.filters.years, strict=True))
    }
    found: Wishes = []
    for line in WISHES.read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            wish, film = line.split("\t")
            title, year = film[:-7], int(film[-5:-1])
            found.append((wish, [rows[title, year]]))
    return found


def half_remembered(model: ContentModel, path: Path) -> Wishes:
    """Returns descriptions of `tot-dev` whose films are described."""
    described = set(model.likeness.described.tolist())
    named: dict[str, list[int]] = defaultdict(list)
    for row, title in enumerate(model.titles):
        if row in described:
            named[exact_key(without_brackets(title))].append(row)
    with path.open(newline="") as handle:
        rows = list(csv.DictReader(handle, delimiter="\t", quoting=csv.QUOTE_NONE))
    keys = [(row["QuestionBody"][:_CHARACTERS], exact_key(without_brackets(row["movieName"]))) for row in rows]
    return [(wish, named[key]) for wish, key in keys if key in named]


def told_by_wikipedia(model: ContentModel, folder: Path) -> Wishes:
    """Returns what Wikipedia says 600 films are about, without their titles."""
    described = set(model.likeness.described.tolist())
    named: dict[tuple[str, int], list[int]] = defaultdict(list)
    for row, (title, year) in enumerate(zip(model.titles, model.filters.years.tolist(), strict=True)):
        if row in described:
            named[exact_key(without_brackets(title)), year].append(row)
    pages = [
        page for path in sorted(folder.glob("movies-*.json")) for page in json.loads(path.read_text(encoding="utf-8"))
    ]
    random.Random(SEED).shuffle(pages)
    found: Wishes = []
    for page in pages:
        opening, rows = (
            page.get("extract") or "",
            named.get((exact_key(without_brackets(page["title"])), page["year"]), []),
        )
        if len(found) == _PAGES or len(opening) < _LONG or len(rows) != 1:
            continue
        overview = FilmCard.FromString(model.cards.card(rows[0])).overview
        if not overview or overview[:40] in opening or opening[:40] in overview:
            continue
        sentences = _SENTENCE.split(opening.replace(page["title"], "the film"))
        if plot := next((one for one in sentences if _PLOT.search(one)), ""):
            found.append((plot[:300], rows))
    return found


def ranks(words: Meaning, wishes: Wishes, films: int) -> tuple[list[int], list[float]]:
    """Returns the rank of the film meant by each wish, from 1, and how many milliseconds the wish took."""
    everything, found, took = np.ones(films, dtype=bool), [], []
    for wish, rows in wishes:
        began = time.perf_counter()
        fit = words.fit(wish, everything)
        took.append((time.perf_counter() - began) * 1000)
        among = fit is not None and fit.best[rows].any()
        found.append(1 + int((fit.films > fit.films[rows].max()).sum()) if fit is not None and among else films)
    return found, took


def figures(found: list[int]) -> dict[str, float]:
    """Returns MRR@10 and the shares of wishes whose film is first, or among the first ten or hundred."""
    place = np.array(found)
    return {
        "mrr10": float(np.where(place <= DEPTH, 1 / place, 0).mean()),
        **{f"hit{depth}": float((place <= depth).mean()) for depth in (1, DEPTH, 100)},
    }


def compared(model: ContentModel, store: ArtifactStore, wishes: Wishes, *, each: bool) -> dict[str, dict[str, float]]:
    """Returns the figures of both ways; prints the ranks of each wish if asked to."""
    told: dict[str, dict[str, float]] = {"asked": {"wishes": len(wishes), "described": len(model.likeness.described)}}
    places = []
    for how, words in (("static", Meaning(model)), ("re-ranked", Meaning(model, PresentEncoder(store)))):
        words.fit("warming up", np.ones(len(model), dtype=bool))
        found, took = ranks(words, wishes, len(model))
        told[how] = {**figures(found), "ms": statistics.median(took)}
        places.append(found)
    if each:
        for (wish, _), static, better in zip(wishes, *places, strict=True):
            print(f"  {static:>6} → {better:<6} {wish[:100]}")
    return told


def main() -> int:
    """Prints the figures; ends with 2 where there is no sentence encoder to measure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="one JSON object on standard output")
    parser.add_argument("--each", action="store_true", help="also print the ranks of each wish")
    parser.add_argument("--candidates", type=int, default=meaning.CANDIDATES, help="films that are re-ranked")
    parser.add_argument(
        "--share", type=float, default=meaning.SENTENCE_SHARE, help="of the sentence encoder in the fit"
    )
    arguments = parser.parse_args()
    vars(meaning).update(CANDIDATES=arguments.candidates, SENTENCE_SHARE=arguments.share)
    var_dir = MeshSettings().var_dir
    try:
        encoder = ArtifactStore(var_dir / "artifacts").current(SENTENCE_KIND)
    except ArtifactError as error:
        print(f"{error}: run `make sentence-encoder` first", file=sys.stderr)
        return 2
    folder = os.environ.get("CINE_DATA_DIR")
    data = Path(folder) if folder else None
    model, store = model_of(var_dir / "wishes" / "starter", None, encoder)
    report = {"wishes": compared(model, store, written(model), each=arguments.each)}
    if data is not None:
        model, store = model_of(var_dir / "wishes" / "data", data, encoder)
        for name, wishes in (
            ("tot-dev", half_remembered(model, data / "tot-dev" / "tot-dev.tsv")),
            ("wikipedia", told_by_wikipedia(model, data / "wikipedia-movie-data")),
        ):
            report[name] = compared(model, store, wishes, each=arguments.each)
    if arguments.json:
        print(json.dumps(report))
        return 0
    for name, told in report.items():
        print(f"{name}: {told['asked']['wishes']:.0f} over {told['asked']['described']:,.0f} described films")
        for how in ("static", "re-ranked"):
            one = told[how]
            hits = "".join(f"   hit@{depth} {one[f'hit{depth}']:.3f}" for depth in (1, DEPTH, 100))
            print(f"  {how:<10} MRR@10 {one['mrr10']:.3f}{hits}   {one['ms']:.1f} ms")
    return 0


if __name__ == "__main__":
    sys.exit(main())
