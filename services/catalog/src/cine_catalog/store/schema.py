"""Tables of the catalogue.

A film's facts are one JSON document: they are always read and written whole, and searched in the index. What the store itself
needs to compare or order by has a column.
"""

from __future__ import annotations

import sqlalchemy as sa

from cinemesh.db import UtcDateTime, new_metadata

metadata = new_metadata()

films = sa.Table(
    "films",
    metadata,
    sa.Column("movie_id", sa.Integer, primary_key=True, autoincrement=False),  # MovieLens or starter id
    sa.Column("title", sa.Text, nullable=False),  # title as people write it, for whoever looks at the table
    sa.Column("etag", sa.String(24), nullable=False),  # fingerprint of the facts
    sa.Column("facts", sa.Text, nullable=False),  # every fact of the film, JSON
)

imports = sa.Table(
    "imports",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("data_version", sa.String(128), nullable=False),  # version of the pipeline's result
    sa.Column("total", sa.Integer, nullable=False),  # films after the import
    sa.Column("imported_at", UtcDateTime, nullable=False),
)
