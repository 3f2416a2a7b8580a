"""Settings of the catalogue."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from cinemesh.settings import ServiceSettings


class CatalogSettings(ServiceSettings):
    """What only the catalogue needs; read under `CINE_CATALOG_`."""

    service: ClassVar[str] = "catalog"

    search_threads: int = Field(default=2, ge=1, le=32, description="threads for searches that take milliseconds")
    import_check_seconds: float = Field(default=5.0, gt=0, description="how often the pipeline's result is looked at")
    audience_seconds: float = Field(
        default=5.0, gt=0, le=3600, description="how often means and lists take in what people here rated and watched"
    )
