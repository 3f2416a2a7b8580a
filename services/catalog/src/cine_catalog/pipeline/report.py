"""What a pipeline run tells: every step, every count, every row it refused, in JSON and in plain words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from time import perf_counter

from pydantic import BaseModel, ConfigDict, Field

Progress = Callable[[str, int, int], None]
"""``progress(what, done, total)``; ``done == total`` ends a bar."""

LISTED_BAD_ROWS = 10_000
"""Bad rows listed one by one in a report; further ones are only counted."""


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid")


class BadRow(_Part):
    """One input row that was left out. ``row`` counts lines from 1, the header being line 1."""

    file: str
    row: int
    reason: str
    excerpt: str = Field(default="", description="First 120 characters of the row.")


class Step(_Part):
    """One step of the run: its seconds, the rows it ended with, and a line of explanation."""

    name: str
    seconds: float
    rows: int
    note: str = ""


class FilterStep(_Part):
    """How many films a filter saw, kept and dropped, and why it exists."""

    name: str
    before: int
    after: int
    why: str

    @property
    def dropped(self) -> int:
        """Films this filter removed."""
        return self.before - self.after


class SourceReport(_Part):
    """What one metadata source offered and how its rows found their films."""

    name: str
    rows: int
    matched_by_movie_id: int = 0
    matched_by_imdb_id: int = 0
    matched_by_tmdb_id: int = 0
    matched_by_title_and_year: int = 0
    ambiguous: int = Field(default=0, description="Rows left out because two films fitted equally well.")
    foreign_casts: int = Field(
        default=0, description="Rows whose id fits but whose cast is another film's: people left out."
    )
    contradicted: int = Field(default=0, description="Title matches refused because ids, cast or directors disagree.")

    @property
    def matched(self) -> int:
        """Films this source gave metadata to."""
        return (
            self.matched_by_movie_id
            + self.matched_by_imdb_id
            + self.matched_by_tmdb_id
            + self.matched_by_title_and_year
        )


class RatingSource(_Part):
    """A ratings file the audience figures were counted from."""

    folder: str
    ratings: int
    duplicates_dropped: int
    synthetic: bool = False


class Coverage(_Part):
    """Films with each kind of metadata, before the filters and after them."""

    films: int
    with_genre: int
    with_overview: int
    with_cast_or_director: int
    with_keywords: int
    with_runtime: int
    with_poster: int
    with_imdb_id: int
    with_tmdb_id: int
    with_streaming: int
    with_ratings: int
    with_trailer: int
    with_look: int


class PipelineReport(_Part):
    """The whole run. ``num_films`` is what ``/health`` reports."""

    base_source: str
    base_folder: str
    output: str
    num_films: int
    sha256: str
    fingerprint: str
    seconds: float
    synthetic_audience: bool
    steps: list[Step]
    filters: list[FilterStep]
    sources: list[SourceReport]
    ratings: list[RatingSource]
    streaming_providers: list[str]
    coverage_all: Coverage
    coverage_kept: Coverage
    bad_row_count: int
    bad_row_reasons: dict[str, int]
    bad_rows: list[BadRow]
    notes: list[str]

    def to_words(self) -> str:
        """The run as a person would tell it, one fact a line."""
        lines = [
            f"{self.num_films:,} films from {self.base_source} written to {self.output} in {self.seconds:.1f} s",
            "",
        ]
        lines.append("How the number came about:")
        for index, step in enumerate(self.filters):
            lines.append(
                f"  {step.after:>8,}  {step.why}"
                if index == 0
                else f"  {step.after:>8,}  after {step.name}: {step.dropped:,} left out, {step.why}"
            )
        lines += ["", "Metadata (films matched by movie id / IMDb id / TMDb id / title and year):"]
        lines += [
            f"  {s.name}: {s.matched:,} of {s.rows:,} rows ({s.matched_by_movie_id:,} / {s.matched_by_imdb_id:,} / "
            f"{s.matched_by_tmdb_id:,} / {s.matched_by_title_and_year:,}); {s.ambiguous:,} ambiguous, "
            f"{s.contradicted:,} contradicted, {s.foreign_casts:,} with another film's cast"
            for s in self.sources
        ]
        for name, part in (("all films", self.coverage_all), ("kept films", self.coverage_kept)):
            lines.append(
                f"Of the {part.films:,} {name}: {part.with_overview:,} have an overview, {part.with_cast_or_director:,} "
                f"a cast or director, {part.with_keywords:,} keywords, {part.with_ratings:,} ratings, "
                f"{part.with_streaming:,} a streaming service."
            )
        if self.ratings:
            parts = [
                f"{r.folder} ({r.ratings:,}, {r.duplicates_dropped:,} duplicates dropped"
                f"{', synthetic' if r.synthetic else ''})"
                for r in self.ratings
            ]
            lines.append("Audience from " + " and ".join(parts) + ".")
        else:
            lines.append("No ratings found: popularity is empty.")
        lines.append("Streaming lists: " + (", ".join(self.streaming_providers) or "none") + ".")
        if self.bad_row_count:
            reasons = ", ".join(f"{count:,} {reason}" for reason, count in sorted(self.bad_row_reasons.items()))
            lines.append(f"{self.bad_row_count:,} rows were left out: {reasons}. The first of them:")
            lines += [f"  {bad.file}:{bad.row}: {bad.reason}: {bad.excerpt}" for bad in self.bad_rows[:10]]
        lines += self.notes
        lines += ["", "Seconds of each step:"]
        lines += [f"  {step.seconds:6.2f}  {step.name}{': ' + step.note if step.note else ''}" for step in self.steps]
        return "\n".join(lines)


class BadRows:
    """Collects refused rows: all are counted by reason, the first ``LISTED_BAD_ROWS`` are kept."""

    def __init__(self) -> None:
        """Start with none."""
        self.rows: list[BadRow] = []
        self.reasons: Counter[str] = Counter()

    def add(self, file: Path, row: int, reason: str, excerpt: str = "") -> None:
        """Record one row. Files are named by folder and name, so that a report reads the same on every machine."""
        self.reasons[reason] += 1
        if len(self.rows) < LISTED_BAD_ROWS:
            name = f"{file.parent.name}/{file.name}"
            self.rows.append(BadRow(file=name, row=row, reason=reason, excerpt=excerpt[:120]))

    @property
    def count(self) -> int:
        """All refused rows, listed or not."""
        return self.reasons.total()


class Recorder:
    """Times the steps of a run and passes them to the caller's progress bar."""

    def __init__(self, progress: Progress | None, total: int) -> None:
        """``total`` is the number of steps; ``progress(name, done, total)`` is called before and after each."""
        self.steps: list[Step] = []
        self._progress = progress
        self._total = total

    @contextmanager
    def step(self, name: str) -> Iterator[Step]:
        """Time a block; set ``rows`` and ``note`` on what is yielded."""
        if self._progress:
            self._progress(name, len(self.steps), self._total)
        started = perf_counter()
        step = Step(name=name, seconds=0.0, rows=0)
        yield step
        step.seconds = round(perf_counter() - started, 3)
        self.steps.append(step)
        if self._progress:
            self._progress(name, len(self.steps), self._total)
