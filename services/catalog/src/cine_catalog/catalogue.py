"""Holds the current generation and replaces it: at start, and whenever the pipeline has written something new."""

from __future__ import annotations

import asyncio
import dataclasses
import datetime as dt
import json
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from cine_catalog.audience import Audience, day_of
from cine_catalog.domain.film import Film
from cine_catalog.generation import Generation, assemble
from cine_catalog.pipeline.errors import DataCorrupt, SourceMissing
from cine_catalog.pipeline.merged import MergedManifest, manifest_path, read_merged
from cine_catalog.store import FilmStore, ImportCounts
from cinemesh import telemetry
from cinemesh.artifacts import ArtifactStore
from cinemesh.errors import CineError, DataLoss, FailedPrecondition, Unavailable


class Catalogue:
    """The films being served.

    Args:
        store: where films are kept.
        artifacts: where the search index is kept.
        merged_csv: result of the pipeline.
        audience: what people here do with films.
    """

    def __init__(self, store: FilmStore, artifacts: ArtifactStore, merged_csv: Path, audience: Audience) -> None:
        self._store = store
        self._audience = audience
        self._imported_at: dt.datetime | None = None
        self._artifacts = artifacts
        self._merged_csv = merged_csv
        self._generation: Generation | None = None
        self._importing = asyncio.Lock()
        self._refused = ""
        self._log = telemetry.logger("catalog")

    @property
    def current(self) -> Generation:
        """The generation being served.

        Raises:
            Unavailable: none has been loaded yet.
        """
        if self._generation is None:
            raise Unavailable("the catalogue is loading; try again shortly", retry_after=1.0)
        return self._generation

    async def load(self) -> None:
        """Serves what the store holds, after taking over newer data where there is some.

        Damaged data is refused with a log line and the films in the store go on being served.
        """
        try:
            await self.take_over(dry_run=False)
        except (DataLoss, FailedPrecondition) as error:
            self._log.warning("data not taken over", reason=error.message)
        if self._generation is None:
            await self._serve(await self._store.all_films())

    async def take_over(self, *, dry_run: bool) -> tuple[ImportCounts, str]:
        """Reads the pipeline's result and makes the store hold it; returns the counts and the data's version.

        Raises:
            FailedPrecondition: there is no result, or an import is running.
            DataLoss: the result fails its checksum.
        """
        if self._importing.locked():
            raise FailedPrecondition("an import is running already; wait for it to end")
        async with self._importing:
            try:
                version = _version_on_disk(self._merged_csv)
                if version and version == await self._store.data_version():
                    if self._generation is None:
                        await self._serve(await self._store.all_films())
                    return ImportCounts(len(self.current.films), 0, 0, 0), version
                films, version = await asyncio.to_thread(read_films, self._merged_csv)
            except SourceMissing:
                raise FailedPrecondition("the pipeline has written no catalogue yet: run `cine preprocess`") from None
            except DataCorrupt as error:
                # the path is for the log, not for callers
                self._log.error("merged catalogue refused", reason=error.message)
                raise DataLoss("the merged catalogue fails its checks; run the pipeline again") from error
            if dry_run:
                return await self._store.take_over(films, version, dry_run=True), version
            # before the store tells others: whoever hears that a film changed and asks for it gets it as it is now
            generation = await asyncio.to_thread(assemble, films, version, self._artifacts)
            counts = await self._store.take_over(films, version)
            self._imported_at = await self._store.imported_at()
            self._generation = await self._counted_in(generation)
            self._log.info("catalogue taken over", version=version, added=counts.added, changed=counts.changed)
            return counts, version

    async def watch(self, every_seconds: float) -> None:
        """Takes over new data as it appears, until cancelled; a refused version is reported once and not tried again."""
        while True:
            await asyncio.sleep(every_seconds)
            version = _version_on_disk(self._merged_csv)
            if version in ("", self.current.data_version, self._refused) or self._importing.locked():
                continue
            try:
                await self.take_over(dry_run=False)
            except (DataLoss, FailedPrecondition) as error:
                self._refused = version
                self._log.warning("data not taken over", reason=error.message)

    async def _serve(self, films: list[Film]) -> None:
        version = await self._store.data_version()
        self._imported_at = await self._store.imported_at()
        generation = await asyncio.to_thread(assemble, films, version, self._artifacts)
        self._generation = await self._counted_in(generation)

    async def follow_audience(self, every_seconds: float) -> None:
        """Counts in what people rate and watch, until cancelled. Call it once films are served."""
        while True:
            try:
                if await self._audience.refresh():
                    before = self.current
                    counted = await self._counted_in(before)
                    if self._generation is before:  # else an import was quicker, and has counted it in itself
                        self._generation = counted
            except CineError as error:
                self._log.warning("audience not read", reason=error.message)
            await asyncio.sleep(every_seconds)

    async def _counted_in(self, generation: Generation) -> Generation:
        now = dt.datetime.now(dt.UTC)
        age = (now - (self._imported_at or now)) / dt.timedelta(days=1)
        return await asyncio.to_thread(generation.with_audience, self._audience.live, age, day_of(now))


def _version_on_disk(merged_csv: Path) -> str:
    """Returns what the manifest says the version is, unchecked and cheap; empty when there is no readable manifest."""
    try:
        return MergedManifest.model_validate_json(manifest_path(merged_csv).read_bytes()).sha256
    except (OSError, ValidationError):
        return ""


def read_films(merged_csv: Path) -> tuple[list[Film], str]:
    """Returns the checked films in the order of ids, and their version. Blocks for a second or two."""
    merged = read_merged(merged_csv)
    frame = merged.films.sort("movie_id")
    names = [field.name for field in dataclasses.fields(Film) if field.name in frame.columns]
    columns = [frame[name].to_list() for name in names]
    films = [_film(dict(zip(names, row, strict=True))) for row in zip(*columns, strict=True)]
    return films, merged.manifest.sha256


def _film(row: dict[str, Any]) -> Film:
    known = {name: value for name, value in row.items() if value is not None and value != []}
    if "look" in known:
        known["look"] = json.loads(known["look"])
    values: dict[str, Any] = {name: tuple(value) if isinstance(value, list) else value for name, value in known.items()}
    return Film(**values)
