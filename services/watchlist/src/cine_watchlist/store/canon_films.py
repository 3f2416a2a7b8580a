"""Films of the catalogue by their titles."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection

import sqlalchemy as sa

from cine_watchlist.domain.canon import Namesake
from cine_watchlist.store import Transaction
from cine_watchlist.store.schema import films


def namesakes(tx: Transaction, sort_titles: Collection[str]) -> dict[str, list[Namesake]]:
    """Returns the films that have some titles, by title as films are sorted by it."""
    found: dict[str, list[Namesake]] = defaultdict(list)
    query = sa.select(films.c.sort_title, films.c.movie_id, films.c.year)
    for row in tx.execute(query.where(films.c.sort_title.in_(sort_titles), films.c.gone.is_(False))):
        found[row.sort_title].append(Namesake(row.movie_id, row.year))
    return found
