"""What reviews feel about films: their mean, believed the more the more there are. Neutral for films without reviews."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
import numpy.typing as npt
import polars as pl
from pydantic import BaseModel, ConfigDict, Field

from cine_recommender.interactions import Floats, History, Interactions, Ints
from cine_recommender.signals.signal import Contribution, FilmFacts
from cine_recommender.signals.storage import read_arrays, write_arrays


class SentimentOptions(BaseModel):
    """Where means come from and how far they are believed."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    table: Path | None = Field(
        default=None, description="CSV with movie_id, mean (-1 to 1) and reviews (a count); none: every film is neutral"
    )
    believed: float = Field(default=5.0, ge=0, description="reviews after which half of a mean is believed")


class Sentiment:
    """Mean sentiment of reviews, as a signal.

    Args:
        means: float32 (films,), -1 to 1, already held back where reviews are few; 0 for films without.
    """

    name: ClassVar[str] = "sentiment"

    def __init__(self, means: Floats) -> None:
        self._means = means

    def scores(self, histories: Sequence[History], now: npt.NDArray[np.int64] | None = None) -> Floats:  # noqa: ARG002
        """Returns the means, the same for everybody, float32 (histories, films)."""
        return np.repeat(self._means[None, :], len(histories), axis=0)

    def explain(self, history: History, film: int) -> list[Contribution]:  # noqa: ARG002
        """Returns nothing: it does not depend on what the person watched."""
        return []

    def save(self, folder: Path) -> None:
        """Writes the means."""
        write_arrays(folder, self.name, {"means": self._means}, {})

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Reads what `save` wrote, mapped."""
        return cls(read_arrays(folder, cls.name)[0]["means"])

    @classmethod
    def of(cls, film_ids: Ints, movie_ids: Ints, means: Floats, reviews: Ints, believed: float = 5.0) -> Self:
        """Makes the signal of what reviews said.

        Args:
            film_ids: int32 (films,), of the catalogue, in the order of the signal.
            movie_ids: int32 (n,), films that have reviews; others than those of `film_ids` are left out.
            means: float32 (n,), -1 to 1.
            reviews: int32 (n,), how many each mean is of.
            believed: reviews after which half of a mean is believed.

        Raises:
            ValueError: A mean is outside -1 to 1, a count below 0, or a film occurs twice.
        """
        if len(np.unique(movie_ids)) != len(movie_ids):
            raise ValueError("a film occurs twice among the sentiments")
        if not ((means >= -1) & (means <= 1)).all():
            raise ValueError("a mean sentiment is not from -1 to 1")
        if (reviews < 0).any():
            raise ValueError("a number of reviews is below 0")
        place = {int(one): at for at, one in enumerate(film_ids)}
        found = np.zeros(len(film_ids), dtype=np.float32)
        for movie, mean, count in zip(movie_ids.tolist(), means.tolist(), reviews.tolist(), strict=True):
            if movie in place and count:
                found[place[movie]] = mean * count / (count + believed)
        return cls(found)


def fit(interactions: Interactions, facts: FilmFacts | None, options: dict[str, Any], seed: int) -> Sentiment:  # noqa: ARG001
    """Reads the table; options are those of `SentimentOptions`. Without one every film is neutral.

    Raises:
        pydantic.ValidationError: An option is unknown or out of range.
        ValueError: The table cannot be read, lacks a column, or holds what `Sentiment.of` refuses; the message names the file.
    """
    chosen = SentimentOptions(**options)
    if chosen.table is None:
        return Sentiment(np.zeros(len(interactions.film_ids), dtype=np.float32))
    types = {"movie_id": pl.Int32(), "mean": pl.Float32(), "reviews": pl.Int32()}
    try:
        table = pl.read_csv(chosen.table, columns=list(types), schema_overrides=types)
        if table.null_count().sum_horizontal()[0]:
            raise ValueError("a cell is empty")
        ids, means, counts = (table[name].to_numpy() for name in types)
        return Sentiment.of(interactions.film_ids, ids, means, counts, chosen.believed)
    except (OSError, ValueError, pl.exceptions.PolarsError) as error:
        raise ValueError(f"{chosen.table}: {error}") from error
