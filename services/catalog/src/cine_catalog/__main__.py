"""`python -m cine_catalog`: serves the catalogue."""

from cine_catalog.app import CatalogApplication
from cine_catalog.settings import CatalogSettings
from cinemesh.server import run
from cinemesh.settings import load

if __name__ == "__main__":
    run(CatalogApplication(load(CatalogSettings)))
