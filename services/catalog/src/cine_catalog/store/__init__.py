"""The catalogue's own tables; the only room with SQL."""

from sqlalchemy.orm import Session as Transaction

from cine_catalog.store.films import FilmStore, ImportCounts

__all__ = ["FilmStore", "ImportCounts", "Transaction"]
