"""Settings of the recommender."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any, ClassVar

from pydantic import Field, field_validator

from cine_recommender.language.ollama import safe_url
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
    max_per_director: int = Field(
        default=2, ge=1, le=100, description="films of one director in a CineMatch answer, and in 20 recommendations"
    )
    max_per_series: int = Field(
        default=2, ge=1, le=100, description="films of one series in a CineMatch answer, and in 20 recommendations"
    )
    diversity: float = Field(
        default=0.1,
        ge=0,
        le=1,
        description="balance of recommendations between the best films (0) and different ones (1)",
    )
    calibration: float = Field(
        default=0.1, ge=0, le=1, description="how closely the genres of recommendations follow those of the history"
    )
    cache_seconds: float = Field(
        default=3600.0, ge=0, le=86_400, description="how long an answer is kept, while nothing changes; 0: never"
    )
    cache_mib: int = Field(default=128, ge=1, le=16_384, description="most memory that kept answers take")
    memory_people: int = Field(
        default=10_000, ge=1, le=1_000_000, description="people whose history is kept at hand for the next answer"
    )
    impression_queue: int = Field(
        default=2_000, ge=1, le=100_000, description="answers that may wait to be written into the log"
    )
    experiments_file: Path | None = Field(default=None, description="TOML file that declares experiments; empty: none")
    ollama_url: str = Field(default="", description="Ollama server that reads wishes and words answers; empty: none")
    ollama_model: str = Field(default="mistral", pattern=r"^[\w.:/-]{1,100}$", description="language model asked there")
    ollama_timeout_seconds: float = Field(
        default=2.0, gt=0, le=30, description="how long somebody waits for the language model"
    )
    ollama_background_seconds: float = Field(
        default=30.0, gt=0, le=600, description="how long it may take for what nobody waits for"
    )
    max_features: int = Field(default=40_000, ge=1000, le=500_000, description="training: terms of the word index")
    ngram_min: int = Field(default=1, ge=1, le=3, description="training: shortest run of words that is a term")
    ngram_max: int = Field(default=2, ge=1, le=3, description="training: longest run of words that is a term")
    min_df: int = Field(default=3, ge=1, le=1000, description="training: films a term must occur in to count")

    sentences: bool = Field(
        default=True, description="training: embed described films with the sentence encoder, where one is present"
    )

    ratings_dir: Path | None = Field(
        default=None,
        description="training: folder with ratings.csv and movies.csv; empty: the largest of the data, or the starter's",
    )

    training_at: dt.time | None = Field(
        default=dt.time(3, 30), description="hour in UTC at which models are trained anew every night; empty: never"
    )

    @field_validator("experiments_file", "ratings_dir", "training_at", mode="before")
    @classmethod
    def _empty_is_none(cls, value: Any) -> Any:
        return None if value == "" else value

    @field_validator("training_at")
    @classmethod
    def _of_utc(cls, value: dt.time | None) -> dt.time | None:
        if value is not None and value.tzinfo is not None:
            raise ValueError("must be an hour such as 03:30, without a zone: it is in UTC")
        return value

    @field_validator("ollama_url")
    @classmethod
    def _safe(cls, value: str) -> str:
        return safe_url(value)

    def content_options(self) -> ContentOptions:
        """Returns the options of the content model's training.

        Raises:
            pydantic.ValidationError: `ngram_min` is above `ngram_max`.
        """
        return ContentOptions(
            max_features=self.max_features,
            ngram_min=self.ngram_min,
            ngram_max=self.ngram_max,
            min_df=self.min_df,
            sentences=self.sentences,
        )
