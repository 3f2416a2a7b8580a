"""What the training of the content model may be told."""

from __future__ import annotations

from typing import Self

from pydantic import BaseModel, ConfigDict, Field, model_validator


class Weights(BaseModel):
    """Share of each kind of evidence in the likeness of two films; they sum to 1."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    genres: float = Field(default=0.20, ge=0, le=1)
    directors: float = Field(default=0.10, ge=0, le=1)
    cast: float = Field(default=0.10, ge=0, le=1)
    keywords: float = Field(default=0.20, ge=0, le=1)
    words: float = Field(default=0.20, ge=0, le=1, description="TF-IDF over title and overview")
    meaning: float = Field(default=0.20, ge=0, le=1, description="the static text encoder over overview and keywords")

    @model_validator(mode="after")
    def _whole(self) -> Self:
        total = sum(self.model_dump().values())
        if abs(total - 1) > 1e-6:
            raise ValueError(f"the weights sum to {total:.3f}, not to 1")
        return self


class ContentOptions(BaseModel):
    """How the content model is made; every field is part of its manifest."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    max_features: int = Field(default=40_000, ge=1000, le=500_000, description="terms the word index may hold")
    ngram_min: int = Field(default=1, ge=1, le=3)
    ngram_max: int = Field(default=2, ge=1, le=3)
    min_df: int = Field(default=3, ge=1, le=1000, description="films a term must occur in to count")
    weights: Weights = Weights()
    prior_weight: float = Field(
        default=0.4, ge=0, le=1, description="share of quality and popularity in a CineMatch score"
    )
    membership_weight: float = Field(
        default=0.7, ge=0, le=1, description="share of being listed under a genre, against texts"
    )
    sentences: bool = Field(
        default=True, description="embed described films with the sentence encoder, where one is present"
    )
    ranked_depth: int = Field(default=128, ge=16, le=4096, description="length of the precomputed rankings")

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.ngram_min > self.ngram_max:
            raise ValueError(f"ngram_min {self.ngram_min} is above ngram_max {self.ngram_max}")
        return self
