"""Settings of the recommender."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

from pydantic import Field, field_validator

from cine_recommender.training.options import ContentOptions
from cinemesh.settings import ServiceSettings


class RecommenderSettings(ServiceSettings):
    """What only the recommender needs; read under `CINE_RECOMMENDER_`."""

    service: ClassVar[str] = "recommender"

    model_check_seconds: float = Field(
        default=2.0, gt=0, description="how often new models and experiments are looked for"
    )
    likeness_threads: int = Field(
        default=2, ge=1, le=32, description="threads for similar films, which take milliseconds"
    )
    max_per_director: int = Field(default=2, ge=1, le=100, description="films of one director in a CineMatch answer")
    max_per_series: int = Field(default=2, ge=1, le=100, description="films of one series in a CineMatch answer")
    memory_people: int = Field(
        default=10_000, ge=1, le=1_000_000, description="people whose history is kept at hand for the next answer"
    )
    impression_queue: int = Field(
        default=2_000, ge=1, le=100_000, description="answers that may wait to be written into the log"
    )
    experiments_file: Path | None = Field(default=None, description="TOML file that declares experiments; empty: none")
    max_features: int = Field(default=40_000, ge=1000, le=500_000, description="training: terms of the word index")
    ngram_min: int = Field(default=1, ge=1, le=3, description="training: shortest run of words that is a term")
    ngram_max: int = Field(default=2, ge=1, le=3, description="training: longest run of words that is a term")
    min_df: int = Field(default=3, ge=1, le=1000, description="training: films a term must occur in to count")

    @field_validator("experiments_file", mode="before")
    @classmethod
    def _no_file(cls, value: Any) -> Any:
        return None if value == "" else value

    def content_options(self) -> ContentOptions:
        """Returns the options of the content model's training.

        Raises:
            pydantic.ValidationError: `ngram_min` is above `ngram_max`.
        """
        return ContentOptions(
            max_features=self.max_features, ngram_min=self.ngram_min, ngram_max=self.ngram_max, min_df=self.min_df
        )
