"""How a hybrid is learned."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from cine_recommender.fusion.additive import AdditiveOptions


class HybridOptions(BaseModel):
    """Options of all its parts."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    ease_reg: float = Field(default=100.0, gt=0, description="ridge of EASE on what was liked")
    ease_all_reg: float = Field(default=200.0, gt=0, description="ridge of EASE on all that was watched")
    least_ratings: int = Field(default=1, ge=1, description="films with fewer ratings take no part in EASE")
    most_films: int = Field(
        default=12_000,
        ge=0,
        description="the most rated films, which alone take part in EASE where there are more; 0: all",
    )
    keep: int = Field(default=200, ge=1, description="films that each film says something of, in each signal")
    keep_content: int = Field(default=100, ge=1, description="likewise by content")
    candidates: int = Field(default=150, ge=1, description="best films of each source that are looked at")
    people: int = Field(default=4000, ge=10, description="people whose last films the curves are learned from, at most")
    least_history: int = Field(default=5, ge=1, description="films they have rated before, at least")
    additive: AdditiveOptions = AdditiveOptions()
