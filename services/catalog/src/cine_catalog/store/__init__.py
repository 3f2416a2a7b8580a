"""The catalogue's own tables; the only room with SQL."""

from cine_catalog.store.films import FilmStore, ImportCounts

__all__ = ["FilmStore", "ImportCounts"]
