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

# what people here did, copied from the feed of Ratings: one row a rating or diary entry, so that an event that comes twice, or late,
# changes nothing, and the lists can be made again from the rows alone
doings = sa.Table(
    "doings",
    metadata,
    sa.Column("kind", sa.String(8), primary_key=True),  # rating, watch
    sa.Column("doing_id", sa.String(64), primary_key=True),  # id at Ratings
    sa.Column("movie_id", sa.Integer, nullable=False),
    sa.Column("day", sa.Integer, nullable=False),  # days since 1970-01-01, UTC
    sa.Column("halves", sa.SmallInteger, nullable=False),  # half stars, 0 to 10; 0 for a watch
    sa.Column("gone", sa.Boolean, nullable=False),  # taken back; kept so that a late event cannot bring it back
    sa.Column("told_at", UtcDateTime, nullable=False),  # time of the event applied last
)
sa.Index("ix_doings_movie_id_day", doings.c.movie_id, doings.c.day)
sa.Index("ix_doings_told_at", doings.c.told_at)
