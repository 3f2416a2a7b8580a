"""Alembic scripts of the catalogue."""
