"""What a pipeline run may be told."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict

from cine_catalog.pipeline.errors import OptionInvalid, SourceMissing
from cine_catalog.pipeline.titles import FIRST_YEAR, LAST_YEAR

DEFAULT_MIN_YEAR = 1980


class PipelineOptions(BaseModel):
    """Where to read, what to keep, where to write."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    output: Path = Path("data/movies_merged.csv")
    data_dir: Path | None = None
    """Folder of MovieLens-format files and metadata (``CINE_DATA_DIR``), or a plain folder that holds ``movies.csv``."""
    starter_dir: Path | None = None
    """Folder written by ``cine_starter.write_movielens``: the films themselves without ``data_dir``, metadata with it."""
    tmdb_dir: Path | None = None
    """Folder of the TMDb fetcher's store; else ``data_dir/tmdb`` is looked for."""
    base: Literal["auto", "movielens", "starter"] = "auto"
    """Whose films: ``auto`` takes MovieLens when ``data_dir`` has it, else the starter catalogue."""
    movielens_folder: str | None = None
    """Name of the MovieLens folder under ``data_dir``; default: the one with the most films."""
    min_year: int | None = None
    """Films before this year are left out. Default: 1980 for MovieLens, none for the starter catalogue."""
    require_tmdb: bool = False
    """Keep only films that metadata of TMDb itself was joined to."""
    drop_bare: bool | None = None
    """Leave out films of which no source knows a genre, an overview, people or keywords. Default: yes for MovieLens."""
    mock_streaming: bool = True
    """Fill streaming services with a labelled mock when no file lists any."""
    mock_seed: int = 20_260_101

    def checked(self) -> PipelineOptions:
        """These options, or a typed error naming the one that cannot be.

        Raises:
            OptionInvalid: ``min_year`` outside 1870–2050, or neither folder given.
            SourceMissing: a given folder does not exist.
        """
        if self.min_year is not None and not FIRST_YEAR <= self.min_year <= LAST_YEAR:
            raise OptionInvalid("min_year", f"{self.min_year} is not within {FIRST_YEAR}–{LAST_YEAR}")
        if self.data_dir is None and self.starter_dir is None:
            raise OptionInvalid("data_dir", "neither data_dir (CINE_DATA_DIR) nor starter_dir was given")
        for folder in (self.data_dir, self.starter_dir):
            if folder is not None and not folder.is_dir():
                raise SourceMissing(folder, "no such folder")
        return self
