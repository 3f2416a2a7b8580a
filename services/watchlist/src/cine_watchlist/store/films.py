"""The service's own copy of the catalogue, as far as other tables do not join it."""

from __future__ import annotations

from collections.abc import Collection

import sqlalchemy as sa

from cine_watchlist.store import Transaction
from cine_watchlist.store.schema import films


def known(tx: Transaction, movie_ids: Collection[int]) -> set[int]:
    """Returns those of the ids that are films of the catalogue, as far as this copy knows; see `Films.require` for the rest."""
    there = sa.select(films.c.movie_id).where(
        films.c.movie_id.in_(set(movie_ids)), sa.not_(films.c.gone), films.c.card != b""
    )
    return set(tx.execute(there).scalars())
