"""What everybody marked as watched, for services that read it whole."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.orm import Session

from cine_watchlist.domain.items import Item
from cine_watchlist.store.schema import watchlist_items
from cine_watchlist.store.watchlist_items import of_row


def following(tx: Session, after: str, limit: int) -> list[Item]:
    """Returns at most `limit` watched items of anybody with an id above one, in the order of their ids."""
    table = watchlist_items
    query = sa.select(table).where(table.c.item_id > after, table.c.watched_at.is_not(None))
    return [of_row(row) for row in tx.execute(query.order_by(table.c.item_id).limit(limit)).mappings()]
