"""The steps of the pipeline as functions: check data, preprocess, fetch from TMDb, models. Training is `cine_cli.training`."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cine_cli.mesh.options import MeshSettings
from cine_cli.output import Output
from cinemesh.files import file_stamp, read_object


@dataclass(frozen=True)
class Report:
    """Outcome of a job: an object for machines, text for people."""

    value: dict[str, Any]
    text: str


@contextmanager
def reported(output: Output) -> Iterator[None]:
    """Turns the errors of jobs that have a message for people into that message and exit status 1."""
    from cine_catalog.pipeline.errors import CatalogDataError
    from cine_catalog.tmdb import TmdbError
    from cine_recommender.evaluation.reading import RatingsUnusable
    from cine_recommender.training.films import FilmsUnusable
    from cine_recommender.training.stamps import NothingToLearnFrom
    from cine_starter import StarterInvalid
    from cinemesh.artifacts import ArtifactError

    try:
        yield
    except (
        *(CatalogDataError, TmdbError, FilmsUnusable, RatingsUnusable, NothingToLearnFrom, StarterInvalid),
        ArtifactError,
    ) as error:
        output.fail(str(error))


def check_data() -> Report:
    """Says which data there is, and what `preprocess` would use."""
    from cine_catalog.pipeline import movielens

    settings = MeshSettings()
    folder = settings.data_dir
    found = movielens.discover(folder) if folder is not None and folder.is_dir() else []
    merged = settings.merged_csv
    value: dict[str, Any] = {
        "data_dir": str(folder) if folder else None,
        "movielens": [entry.name for entry in found],
        "source": "movielens" if found else "starter",
        "merged_csv": str(merged) if merged.exists() else None,
        "tmdb_token": bool(os.environ.get("TMDB_BEARER_TOKEN")),
    }
    lines = []
    if folder is None:
        lines.append("CINE_DATA_DIR is not set: the starter catalogue will be used")
        lines.append("  for 87,585 films, point it at an unpacked MovieLens archive (ml-32m) and run this again")
    elif not found:
        lines.append(f"{folder} holds no movies.csv: the starter catalogue will be used")
    else:
        lines.append(f"{folder}: {', '.join(value['movielens'])}")
    lines.append(f"merged catalogue: {merged if merged.exists() else 'not made yet'}")
    lines.append(
        f"TMDb token: {'set' if value['tmdb_token'] else 'not set (TMDB_BEARER_TOKEN); metadata comes from the files alone'}"
    )
    return Report(value, "\n".join(lines))


def preprocess(output: Output, *, force: bool) -> Report:
    """Writes the merged catalogue from `CINE_DATA_DIR`, or from the starter catalogue; skipped when nothing changed."""
    from cine_catalog.pipeline.options import PipelineOptions
    from cine_catalog.pipeline.run import run_pipeline

    settings = MeshSettings()
    stamp = settings.var_dir / "run" / "preprocess.json"
    wanted = _inputs_stamp(settings)
    if (
        not force
        and settings.merged_csv.exists()
        and read_object(stamp) == wanted | {"output": file_stamp(settings.merged_csv)}
    ):
        return Report({"skipped": True, "output": str(settings.merged_csv)}, f"{settings.merged_csv} is up to date")
    output.say("preparing the catalogue")
    starter_dir = starter_folder(settings.var_dir)
    options = PipelineOptions(
        output=settings.merged_csv,
        data_dir=settings.data_dir,
        starter_dir=starter_dir,
        tmdb_dir=tmdb_folder(settings.var_dir) if tmdb_folder(settings.var_dir).is_dir() else None,
        min_year=settings.min_year,
        require_tmdb=settings.require_tmdb,
    )
    with output.progress() as progress:
        report = run_pipeline(options, progress)
    stamp.parent.mkdir(parents=True, exist_ok=True)
    stamp.write_text(json.dumps(wanted | {"output": file_stamp(settings.merged_csv)}))
    output.say(f"  {report.num_films:,} films in {report.seconds:.1f} s")
    return Report(report.model_dump(mode="json"), report.to_words())


def starter_folder(var_dir: Path) -> Path:
    """Writes the starter catalogue in MovieLens format where it is missing or another version. Returns the folder."""
    from cine_starter import FILMS, fingerprint, write_movielens

    folder = var_dir / "starter"
    mark = folder / ".fingerprint"
    wanted = fingerprint(FILMS)
    if not mark.exists() or mark.read_text() != wanted:
        write_movielens(folder)
        mark.write_text(wanted)
    return folder


def _inputs_stamp(settings: MeshSettings) -> dict[str, Any]:
    """Returns what the merged file depends on: sizes and times of the data files, options, code of the pipeline."""
    from cine_catalog.pipeline import columns
    from cine_starter import FILMS, fingerprint

    digest = hashlib.sha256()
    # a change of the pipeline's own code makes its result stale as well
    for path in sorted(Path(columns.__file__).parent.rglob("*.py")):
        digest.update(path.read_bytes())
    fetched = tmdb_folder(settings.var_dir) / "movies.jsonl"
    if fetched.exists():
        digest.update(file_stamp(fetched).encode())
    if settings.data_dir is not None and settings.data_dir.is_dir():
        for path in sorted(settings.data_dir.rglob("*.*")):
            if path.suffix in {".csv", ".json", ".jsonl", ".tsv"}:
                digest.update(f"{path.relative_to(settings.data_dir)} {file_stamp(path)}\n".encode())
    options = {"min_year": settings.min_year, "require_tmdb": settings.require_tmdb, "schema": columns.SCHEMA_VERSION}
    return {"data_dir": str(settings.data_dir), "files": digest.hexdigest(), "starter": fingerprint(FILMS), **options}


def fetch_tmdb(output: Output, *, limit: int) -> Report:
    """Fetches metadata of the films of `CINE_DATA_DIR` from TMDb into `var/tmdb`; goes on where it was stopped."""
    from cine_catalog.pipeline.errors import SourceMissing
    from cine_catalog.pipeline.ids import tmdb_ids
    from cine_catalog.tmdb import TmdbSettings, fetch

    settings = MeshSettings()
    if settings.data_dir is None:
        raise SourceMissing(Path("CINE_DATA_DIR"), "not set: there are no films with TMDb ids to ask for")
    ids = tmdb_ids(settings.data_dir, settings.min_year) if settings.min_year else tmdb_ids(settings.data_dir)
    with output.progress() as progress:
        report = fetch(
            ids[:limit] if limit else ids, tmdb_folder(settings.var_dir), TmdbSettings.from_environment(), progress
        )
    return Report(report.model_dump(mode="json"), report.to_words() + "\nrun `cine preprocess` to join them")


def tmdb_folder(var_dir: Path) -> Path:
    """Returns where fetched TMDb metadata is kept."""
    return var_dir / "tmdb"


def list_models(var_dir: Path) -> Report:
    """Lists the versions of every kind of artifact, and which one is served."""
    from cinemesh.artifacts import ArtifactStore

    store = ArtifactStore(var_dir / "artifacts")
    value = {kind: {"current": store.current_version(kind), "versions": store.versions(kind)} for kind in store.kinds()}
    lines = []
    for kind, told in value.items():
        lines.append(kind)
        lines += [
            f"  {version}{'  (served)' if version == told['current'] else ''}" for version in told["versions"] or []
        ]
    return Report(value, "\n".join(lines) or "no models yet: run `cine train`")


def rollback_model(var_dir: Path, kind: str) -> Report:
    """Makes the version before the current one current again."""
    from cinemesh.artifacts import ArtifactMissing, ArtifactStore

    store = ArtifactStore(var_dir / "artifacts")
    try:
        artifact = store.rollback(kind)
    except ValueError as error:
        raise ArtifactMissing(kind, reason=str(error)) from error
    return Report({"kind": kind, "current": artifact.version}, f"{kind}: {artifact.version} is current again")
