"""Real lists: what a data file says a service carries."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl


@dataclass(frozen=True, slots=True)
class ListedServices:
    """Offers from a file, already joined to films: ``table`` has movie_id and services (list of names), unique by movie_id."""

    name: str
    table: pl.DataFrame

    @property
    def is_mock(self) -> bool:
        """Never: a file said so."""
        return False

    def services_for(self, films: pl.DataFrame) -> pl.Series:
        """The listed services of each film, in the films' order; empty where the file does not list it."""
        joined = films.select("movie_id").join(self.table, on="movie_id", how="left", maintain_order="left")
        return joined["services"].fill_null([])
