"""How to talk to TMDb."""

from __future__ import annotations

import os
from collections.abc import Mapping

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator

from cine_catalog.tmdb.errors import TokenMissing

TOKEN_VARIABLE = "TMDB_BEARER_TOKEN"


class TmdbSettings(BaseModel):
    """Address, token and manners. The token shows as ``**********`` wherever these settings are printed."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    token: SecretStr
    base_url: str = "https://api.themoviedb.org"
    region: str = Field(default="US", pattern="^[A-Z]{2}$", description="Whose streaming offers are kept.")
    requests_per_second: float = Field(default=40.0, gt=0, le=50)
    concurrency: int = Field(default=16, ge=1, le=64)
    timeout_seconds: float = Field(default=20.0, gt=0)
    attempts: int = Field(default=5, ge=1, le=20, description="Tries for a film whose answers are broken.")
    backoff_seconds: float = Field(
        default=0.5, gt=0, description="First wait after a broken answer; doubles each time."
    )
    longest_wait_seconds: float = Field(default=120.0, gt=0, description="Cap on a single wait, Retry-After included.")

    @field_validator("base_url")
    @classmethod
    def _http(cls, value: str) -> str:
        if not value.startswith(("https://", "http://")):
            raise ValueError("base_url must start with http:// or https://")
        return value.rstrip("/")

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] | None = None) -> TmdbSettings:
        """Settings with the token of ``TMDB_BEARER_TOKEN`` and, for tests and proxies, ``CINE_CATALOG_TMDB_URL``.

        Raises:
            TokenMissing: the variable is unset or empty.
        """
        values = os.environ if environment is None else environment
        token = values.get(TOKEN_VARIABLE, "").strip()
        if not token:
            raise TokenMissing(f"{TOKEN_VARIABLE} is not set: TMDb metadata cannot be fetched")
        base_url = values.get("CINE_CATALOG_TMDB_URL", "").strip()
        return cls(token=SecretStr(token), base_url=base_url) if base_url else cls(token=SecretStr(token))
