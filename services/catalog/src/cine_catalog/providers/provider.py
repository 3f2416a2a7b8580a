"""The interface every source of streaming offers implements. A live JustWatch client would be one more class here."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import polars as pl


class StreamingProvider(Protocol):
    """Says which services carry which films."""

    @property
    def name(self) -> str:
        """What ``streaming_source`` shows: "justwatch", "ott-titles", "tmdb", "mock"."""
        ...

    @property
    def is_mock(self) -> bool:
        """Whether the answers are made up; cards must then say so."""
        ...

    def services_for(self, films: pl.DataFrame) -> pl.Series:
        """A list of canonical service names for each row of ``films`` (needs ``movie_id``); empty list: none known."""
        ...


def streaming_columns(providers: Sequence[StreamingProvider], films: pl.DataFrame) -> pl.DataFrame:
    """``streaming_services`` and ``streaming_source`` for each film, in the films' order.

    Services of several providers are united; the source names those that contributed, joined by ``|``. A mock next to a
    real list would be indistinguishable in a filter, so it is asked only when it is alone.
    """
    real = [provider for provider in providers if not provider.is_mock]
    asked = real or list(providers)
    empty = pl.lit([], dtype=pl.List(pl.String))
    frame = films.select("movie_id", empty.alias("streaming_services"), empty.alias("sources"))
    for provider in asked:
        found = provider.services_for(films).fill_null([]).alias("found")
        frame = frame.with_columns(found).with_columns(
            pl.concat_list("streaming_services", "found").list.unique().list.sort().alias("streaming_services"),
            pl.when(pl.col("found").list.len() > 0)
            .then(pl.concat_list("sources", pl.concat_list(pl.lit(provider.name))))
            .otherwise("sources")
            .alias("sources"),
        )
    source = pl.col("sources").list.join("|")
    return frame.select(
        "streaming_services", pl.when(source.str.len_bytes() > 0).then(source).alias("streaming_source")
    )
