"""Alembic scripts of the recommender."""
