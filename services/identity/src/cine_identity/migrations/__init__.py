"""Alembic scripts of identity."""
