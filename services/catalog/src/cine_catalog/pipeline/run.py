"""The pipeline, start to end: films → ids → metadata → audience → filters → streaming → ``movies_merged.csv``."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from time import perf_counter

import polars as pl

from cine_catalog.pipeline import movielens
from cine_catalog.pipeline.audience import RatingsFile, figures, gather
from cine_catalog.pipeline.columns import MERGED
from cine_catalog.pipeline.enrich import Enrichment
from cine_catalog.pipeline.errors import OptionInvalid, SourceMissing
from cine_catalog.pipeline.filters import coverage, filtered
from cine_catalog.pipeline.merged import write_merged
from cine_catalog.pipeline.movielens import MovieLensFolder
from cine_catalog.pipeline.options import DEFAULT_MIN_YEAR, PipelineOptions
from cine_catalog.pipeline.report import BadRows, PipelineReport, Progress, RatingSource, Recorder
from cine_catalog.pipeline.sources import FoundSource, find_sources
from cine_catalog.pipeline.sources.starter_folder import METADATA_FILE
from cine_catalog.providers import ListedServices, MockServices, StreamingProvider, streaming_columns

TRAILERS = Path("ml-20m-youtube") / "ml-youtube.csv"
_MAX_KEYWORDS = 25
_FIXED_STEPS = 10


def run_pipeline(options: PipelineOptions, progress: Progress | None = None) -> PipelineReport:
    """Build the merged catalogue and tell how.

    Args:
        options: where to read, what to keep, where to write.
        progress: called with (step, done, total) before and after every step.

    Raises:
        OptionInvalid: an option is out of range.
        SourceMissing, SourceBroken, ColumnMissing: a file cannot be used at all; the message names file and column.
    """
    started = perf_counter()
    return _Run(options.checked(), progress).report(started)


class _Run:
    """One run's state; every method is a step."""

    def __init__(self, options: PipelineOptions, progress: Progress | None) -> None:
        self.options = options
        self.bad = BadRows()
        self.notes: list[str] = []
        self.inputs: set[Path] = set()
        self.agreed: dict[str, pl.DataFrame] = {}
        self.base, self.others = _choose_base(options)
        self.is_starter = (self.base.path / METADATA_FILE).is_file()
        starter = self.base.path if self.is_starter else options.starter_dir
        root = None if self.is_starter else options.data_dir
        self.sources: list[FoundSource] = find_sources(root, options.tmdb_dir, starter)
        self.root = root
        self.recorder = Recorder(progress, _FIXED_STEPS + len(self.sources))

    def report(self, started: float) -> PipelineReport:
        films = self._films()
        enrichment = self._metadata(films)
        with self.recorder.step("choose values") as step:
            merged = self._with_keywords_and_trailers(enrichment.combined(), films)
            step.rows = merged.height
        merged, ratings = self._with_audience(merged, films)
        with self.recorder.step("streaming services") as step:
            providers = self._providers(enrichment)
            merged = merged.with_columns(streaming_columns(providers, merged))
            step.rows = merged.filter(pl.col("streaming_services").list.len() > 0).height
        with self.recorder.step("filter") as step:
            kept, filter_steps = filtered(merged, self._effective())
            step.rows = kept.height
        all_films, kept_films = coverage(merged), coverage(kept)
        with self.recorder.step("fingerprint") as step:
            fingerprint = self._fingerprint()
            step.rows = len(self.inputs)
        synthetic = any(rating.synthetic for rating in ratings)
        with self.recorder.step("write") as step:
            manifest = write_merged(
                self.options.output,
                kept,
                fingerprint=fingerprint,
                base_source=self._base_name(),
                synthetic_audience=synthetic,
                counts=kept_films.model_dump(),
                options=self._told_options(),
            )
            step.rows = kept.height
        return PipelineReport(
            base_source=self._base_name(),
            base_folder=self.base.name,
            output=str(self.options.output),
            num_films=kept.height,
            sha256=manifest.sha256,
            fingerprint=fingerprint,
            seconds=round(perf_counter() - started, 3),
            synthetic_audience=synthetic,
            steps=self.recorder.steps,
            filters=filter_steps,
            sources=list(enrichment.reports.values()),
            ratings=ratings,
            streaming_providers=[f"{p.name}{' (made up)' if p.is_mock else ''}" for p in providers],
            coverage_all=all_films,
            coverage_kept=kept_films,
            bad_row_count=self.bad.count,
            bad_row_reasons=dict(self.bad.reasons),
            bad_rows=self.bad.rows,
            notes=self.notes,
        )

    def _base_name(self) -> str:
        return "starter" if self.is_starter else "movielens"

    def _effective(self) -> PipelineOptions:
        """Options with the defaults of the chosen base filled in."""
        options = self.options
        return options.model_copy(
            update={
                "min_year": options.min_year if options.min_year is not None or self.is_starter else DEFAULT_MIN_YEAR,
                "drop_bare": options.drop_bare if options.drop_bare is not None else not self.is_starter,
            }
        )

    def _read(self, path: Path) -> Path:
        self.inputs.add(path)
        return path

    def _films(self) -> pl.DataFrame:
        with self.recorder.step("read films") as step:
            films = movielens.load_films(self.base, self.bad)
            self._read(self.base.path / movielens.MOVIES)
            step.rows = films.height
            step.note = self.base.name
        with self.recorder.step("read links") as step:
            links = self._links(films)
            films = films.join(links, on="movie_id", how="left", maintain_order="left")
            step.rows = links.height
        return films

    def _links(self, films: pl.DataFrame) -> pl.DataFrame:
        """Ids from the base's own links file, then from other MovieLens folders where they mean the same film."""
        tables = []
        if self.base.links is not None:
            tables.append(movielens.load_links(self._read(self.base.links), self.bad))
        for folder in self.others:
            if folder.links is not None:
                links = movielens.load_links(self._read(folder.links), self.bad)
                tables.append(links.join(self._agreeing(folder, films), on="movie_id", how="semi"))
        if not tables:
            self.notes.append("No links file found: metadata is joined by title and year only.")
            return pl.DataFrame(schema={"movie_id": pl.Int32, "imdb_id": pl.String, "tmdb_id": pl.Int32})
        return (
            pl.concat(tables)
            .group_by("movie_id", maintain_order=True)
            .agg(pl.col("imdb_id").drop_nulls().first(), pl.col("tmdb_id").drop_nulls().first())
        )

    def _agreeing(self, folder: MovieLensFolder, films: pl.DataFrame) -> pl.DataFrame:
        if folder.name not in self.agreed:
            self._read(folder.path / movielens.MOVIES)
            self.agreed[folder.name] = movielens.agreeing(folder, films)
        return self.agreed[folder.name]

    def _metadata(self, films: pl.DataFrame) -> Enrichment:
        columns = ("movie_id", "title", "alternative_titles", "year", "genres", "imdb_id", "tmdb_id")
        with self.recorder.step("prepare titles") as step:
            enrichment = Enrichment(films.select(columns))
            step.rows = films.height
        for found in self.sources:
            with self.recorder.step(f"read and join {found.name}") as step:
                self.inputs.update(found.files)
                enrichment.add(found.load(self.bad))
                step.rows = enrichment.reports[found.name].matched
        with self.recorder.step("look again at refused rows") as step:
            step.rows = enrichment.look_again()
            step.note = "rows with a foreign id whose cast agrees with what other sources say"
        return enrichment

    def _with_keywords_and_trailers(self, merged: pl.DataFrame, films: pl.DataFrame) -> pl.DataFrame:
        merged = merged.join(films.select("movie_id", "genres"), on="movie_id", suffix="_own", maintain_order="left")
        own = pl.col("genres_own")
        merged = merged.with_columns(
            pl.when(own.list.len() > 0).then(own).otherwise("genres").alias("genres"),
            (own.list.len() > 0).alias("own_genre"),
            films["year"].is_not_null().alias("own_year"),
        ).drop("genres_own")
        tags = self._tags(films)
        merged = merged.join(tags, on="movie_id", how="left", maintain_order="left").with_columns(
            pl.concat_list(pl.col("keywords").fill_null([]), pl.col("tags").fill_null([]))
            .list.unique(maintain_order=True)
            .list.head(_MAX_KEYWORDS)
            .alias("keywords")
        )
        path = (self.root or self.base.path) / TRAILERS
        if not path.is_file():
            return merged.with_columns(pl.lit(None, dtype=pl.String).alias("trailer_youtube_id"))
        trailers = movielens.load_trailers(self._read(path), films, self.bad)
        return merged.join(trailers, on="movie_id", how="left", maintain_order="left")

    def _tags(self, films: pl.DataFrame) -> pl.DataFrame:
        """Tags of the first folder that has any about a film: the base, then the others, largest first."""
        tables = []
        for folder in (self.base, *self.others):
            path = folder.optional("tags.csv")
            if path is None:
                continue
            tags = movielens.load_tags(self._read(path), self.bad)
            if folder is not self.base:
                tags = tags.join(self._agreeing(folder, films), on="movie_id", how="semi")
            tables.append(tags)
        if not tables:
            return pl.DataFrame(schema={"movie_id": pl.Int32, "tags": pl.List(pl.String)})
        return pl.concat(tables).unique("movie_id", keep="first", maintain_order=True)

    def _with_audience(self, merged: pl.DataFrame, films: pl.DataFrame) -> tuple[pl.DataFrame, list[RatingSource]]:
        with self.recorder.step("audience") as step:
            ratings, told = gather(self._ratings_files(films), self.bad)
            table = figures(ratings)
            merged = merged.join(table, on="movie_id", how="left", maintain_order="left").with_columns(
                pl.col("rating_count", "recent_rating_count").fill_null(0), pl.col("popularity").fill_null(0.0)
            )
            step.rows = ratings.height
            step.note = f"{table.height:,} films rated"
        return merged, told

    def _ratings_files(self, films: pl.DataFrame) -> list[RatingsFile]:
        own = self.base.optional("ratings.csv")
        if own is not None:
            return [RatingsFile(self._read(own), self.base.name, None, self.base.synthetic_audience)]
        files = []
        for folder in self.others:
            path = folder.optional("ratings.csv")
            if path is not None:
                allowed = self._agreeing(folder, films)
                files.append(RatingsFile(self._read(path), folder.name, allowed, folder.synthetic_audience))
        if files:
            self.notes.append(
                f"{self.base.name} has no ratings.csv: the audience is taken from "
                f"{' and '.join(file.folder for file in files)}."
            )
        return files

    def _providers(self, enrichment: Enrichment) -> list[StreamingProvider]:
        listed: list[StreamingProvider] = [ListedServices(name, table) for name, table in enrichment.services().items()]
        if listed or not self.options.mock_streaming:
            return listed
        self.notes.append("No streaming list found: services are made up and labelled mock.")
        return [MockServices(self.options.mock_seed)]

    def _told_options(self) -> dict[str, str | int | bool | None]:
        effective = self._effective()
        names = ("base", "movielens_folder", "min_year", "require_tmdb", "drop_bare", "mock_streaming", "mock_seed")
        return {name: getattr(effective, name) for name in names}

    def _fingerprint(self) -> str:
        """Same files and options, same fingerprint, wherever the folder lies."""
        digest = hashlib.sha256(json.dumps(self._told_options(), sort_keys=True).encode())
        digest.update(",".join(MERGED).encode())
        for path in sorted(self.inputs, key=lambda path: (path.parent.name, path.name)):
            with path.open("rb") as file:
                content = hashlib.file_digest(file, "sha256").hexdigest()
            digest.update(f"{path.parent.name}/{path.name}:{content}\n".encode())
        return digest.hexdigest()


def _choose_base(options: PipelineOptions) -> tuple[MovieLensFolder, list[MovieLensFolder]]:
    """The folder whose films are taken, and the other MovieLens folders that may add ids, tags and ratings."""
    found = movielens.discover(options.data_dir) if options.data_dir is not None else []
    if options.base == "movielens" and not found:
        raise SourceMissing((options.data_dir or Path()) / movielens.MOVIES)
    if options.base == "starter" or not found:
        if options.starter_dir is None:
            if options.base == "starter":
                raise OptionInvalid("starter_dir", "the starter catalogue was asked for, but its folder was not given")
            # data_dir was given (checked) but holds no films, and there is nothing to fall back on.
            raise SourceMissing((options.data_dir or Path()) / movielens.MOVIES)
        path = options.starter_dir / movielens.MOVIES
        if not path.is_file():
            raise SourceMissing(path)
        return MovieLensFolder(options.starter_dir, path.stat().st_size), []
    if options.movielens_folder is not None:
        chosen = [folder for folder in found if folder.name == options.movielens_folder]
        if not chosen:
            names = ", ".join(folder.name for folder in found)
            raise OptionInvalid("movielens_folder", f"{options.movielens_folder!r} has no movies.csv (found: {names})")
        found = chosen + [folder for folder in found if folder is not chosen[0]]
    return found[0], found[1:]
