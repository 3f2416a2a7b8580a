"""The starter catalogue as ``cine_starter.write_movielens`` writes it: ``starter_metadata.jsonl`` beside ``movies.csv``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import polars as pl

from cine_catalog.pipeline.report import BadRows
from cine_catalog.pipeline.sources.schema import METADATA, Source, conform
from cine_catalog.pipeline.tables import read_bytes

METADATA_FILE = "starter_metadata.jsonl"
_FIELDS = tuple(name for name in METADATA if name not in ("row", "services", "external_rating", "external_votes"))


def load(folder: Path, bad: BadRows) -> Source:
    """Films of the starter catalogue; a line that is not a film is listed and left out."""
    path = folder / METADATA_FILE
    rows: list[dict[str, Any]] = []
    for number, line in enumerate(read_bytes(path).decode("utf-8", "replace").splitlines(), start=1):
        if not line.strip():
            continue
        try:
            film = json.loads(line)
            row = {name: film.get(name) for name in _FIELDS}
            row["look"] = json.dumps(film["look"], ensure_ascii=False, sort_keys=True) if film.get("look") else None
            pl.DataFrame([row], schema={name: METADATA[name] for name in _FIELDS})
        except (ValueError, TypeError, AttributeError, pl.exceptions.PolarsError) as error:
            bad.add(path, number, f"not a starter film ({type(error).__name__})", line)
            continue
        rows.append(row)
    frame = pl.DataFrame(rows, schema={name: METADATA[name] for name in _FIELDS})
    return Source("starter", [conform(frame)], lends_ids=True)
