"""Settings of the mesh as a whole, read from the environment and `.env`."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import AliasChoices, Field, SecretStr, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from cinemesh import topology


class MeshSettings(BaseSettings):
    """What the supervisor needs to know; the services read their own settings."""

    model_config = SettingsConfigDict(env_prefix="CINE_", env_file=".env", extra="ignore")

    port_base: int = Field(default=50050, ge=1024, le=65000, description="first loopback port of the mesh")
    gateway_port: int = Field(default=8000, ge=1, le=65535, description="port of the gateway for browsers")
    gateway_https_port: int | None = Field(default=None, ge=1, le=65535, description="its port for HTTPS, if any")
    var_dir: Path = Field(default=Path("var"), description="state, logs, models")
    data_dir: Path | None = Field(default=None, description="folder with MovieLens-format files")
    merged_csv: Path = Field(default=Path("data/movies_merged.csv"), description="result of the pipeline")
    min_year: int | None = Field(
        default=None, description="first year kept; default 1980 for MovieLens, all for the starter catalogue"
    )
    require_tmdb: bool = Field(default=False, description="keep only films with TMDb metadata")
    environment: Literal["development", "production"] = Field(default="development", description="as of the services")
    mtls: bool = Field(default=False, description="certificates between services, both ways")
    tls_dir: Path | None = Field(
        default=None, description="where they lie; default: var/keys/tls, made at the first start"
    )
    smtp_host: str = Field(
        default="",
        validation_alias=AliasChoices("CINE_IDENTITY_SMTP_HOST", "CINE_SMTP_HOST"),
        description="mail server of identity; empty: messages are written to var/outbox/",
    )
    token: SecretStr = Field(
        default=SecretStr(""), description="an administrator's access token, for commands that ask the running mesh"
    )
    replicas: dict[str, int] = Field(default_factory=dict, description='processes a service, as JSON: {"catalog": 2}')

    @field_validator("data_dir", "min_year", "gateway_https_port", "tls_dir", mode="before")
    @classmethod
    def _empty_is_unset(cls, value: object) -> object:
        return None if value == "" else value

    @field_validator("replicas")
    @classmethod
    def _known_services(cls, value: dict[str, int]) -> dict[str, int]:
        for name, count in value.items():
            if name not in topology.SERVICES or not 1 <= count < topology.MAX_REPLICAS:
                raise ValueError(
                    f'"{name}": {count} is not a service with a count from 1 to {topology.MAX_REPLICAS - 1}'
                )
        return value
