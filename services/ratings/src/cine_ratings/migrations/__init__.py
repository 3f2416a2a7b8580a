"""Alembic scripts of ratings."""
