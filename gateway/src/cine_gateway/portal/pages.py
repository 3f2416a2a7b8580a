"""The documentation pages and the files they need: Swagger UI and Redoc from an installed package, our own starters beside them."""

from __future__ import annotations

import importlib.metadata
import importlib.util
from dataclasses import dataclass
from html import escape
from pathlib import Path

_PACKAGE = "drf-spectacular-sidecar"
_OWN = Path(__file__).parent / "assets"


class AssetsMissingError(RuntimeError):
    """The package with Swagger UI and Redoc is not installed."""


@dataclass(frozen=True)
class Assets:
    """Where the files of the documentation pages lie and which version they are."""

    folder: Path
    version: str

    @property
    def prefix(self) -> str:
        """Path below which they are served; it changes with the version, so they may be kept for good."""
        return f"/assets/{self.version}"


def find() -> Assets:
    """Finds the installed files. The package is located, never imported: it would want Django.

    Raises:
        AssetsMissingError: it is not installed.
    """
    spec = importlib.util.find_spec(_PACKAGE.replace("-", "_"))
    if spec is None or not spec.submodule_search_locations:
        raise AssetsMissingError(f"{_PACKAGE} is not installed")
    folder = Path(spec.submodule_search_locations[0]) / "static" / "drf_spectacular_sidecar"
    return Assets(folder, importlib.metadata.version(_PACKAGE))


def own_folder() -> Path:
    """Returns the folder of the scripts that start the pages."""
    return _OWN


def swagger(assets: Assets) -> str:
    """Returns the page of `/docs`."""
    base = f"{assets.prefix}/swagger-ui-dist"
    return _page(
        "API documentation",
        styles=[f"{base}/swagger-ui.css", "/assets/start/page.css"],
        icon=f"{base}/favicon-32x32.png",
        scripts=[f"{base}/swagger-ui-bundle.js", "/assets/start/docs.js"],
        body='<main id="docs"></main>',
    )


def redoc(assets: Assets) -> str:
    """Returns the page of `/redoc`."""
    return _page(
        "API reference",
        styles=["/assets/start/page.css"],
        icon=f"{assets.prefix}/swagger-ui-dist/favicon-32x32.png",
        scripts=[f"{assets.prefix}/redoc/bundles/redoc.standalone.js", "/assets/start/redoc.js"],
        body='<main id="docs"></main>',
    )


def _page(title: str, *, styles: list[str], icon: str, scripts: list[str], body: str) -> str:
    lines = [
        "<!doctype html>",
        '<html lang="en">',
        "<head>",
        '<meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f"<title>CineAesthete · {escape(title)}</title>",
        f'<link rel="icon" href="{escape(icon)}">',
        *(f'<link rel="stylesheet" href="{escape(one)}">' for one in styles),
        "</head>",
        "<body>",
        body,
        "<noscript>This page needs JavaScript; the description itself is at /openapi.json.</noscript>",
        *(f'<script src="{escape(one)}"></script>' for one in scripts),
        "</body>",
        "</html>",
    ]
    return "\n".join(lines) + "\n"
