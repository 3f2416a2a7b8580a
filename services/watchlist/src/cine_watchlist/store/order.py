"""Orders that people arrange by hand: the items of a watchlist, the films of a list. See `domain.places`.

Whoever changes an order has locked the row it hangs on first (`watchlists`, `lists`), so that changes come one after another: each
moves an item in the order that the one before left.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from cine_watchlist.domain import places
from cine_watchlist.store.schema import list_items, lists, watchlist_items, watchlists


class UnknownNeighbour(LookupError):
    """The item that another is to follow is not in the order."""


@dataclass(frozen=True, slots=True)
class Order:
    """A kind of order.

    Attributes:
        items: table of what is ordered; has `item_id` and `place`.
        whose: column of it that tells orders apart.
        holder: table of what an order hangs on; has `spreads`.
        holder_id: its key.
    """

    items: sa.Table
    whose: sa.Column[Any]
    holder: sa.Table
    holder_id: sa.Column[Any]

    def ends(self, tx: Session, owner: str) -> tuple[int | None, int | None]:
        """Returns the lowest and the highest place of an order; None without items."""
        place = self.items.c.place
        low = sa.select(sa.func.min(place)).where(self.whose == owner).scalar_subquery()
        high = sa.select(sa.func.max(place)).where(self.whose == owner).scalar_subquery()
        lowest, highest = tx.execute(sa.select(low, high)).one()
        return lowest, highest

    def room_after(self, tx: Session, owner: str, after_item_id: str, moved_item_id: str = "") -> int:
        """Returns a place behind an item, or before all others; makes room where there is none.

        An item that is where it is to go keeps the place it has.

        Args:
            tx: a transaction that has locked what the order hangs on.
            owner: whose order.
            after_item_id: the item to follow; empty for the top.
            moved_item_id: the item that moves; empty for a new one.

        Raises:
            UnknownNeighbour: the item to follow is not in the order.
        """
        if "\x00" in after_item_id:
            raise UnknownNeighbour(after_item_id)  # PostgreSQL takes none
        for _ in range(2):
            lower = self._place_of(tx, owner, after_item_id) if after_item_id else None
            following = self._next(tx, owner, lower)
            if following is not None and following[0] == moved_item_id:
                return following[1]
            place = places.between(lower, following[1] if following is not None else None)
            if place is not None:
                return place
            self._spread(tx, owner)
        raise AssertionError("places that were spread leave room")

    def _place_of(self, tx: Session, owner: str, item_id: str) -> int:
        query = sa.select(self.items.c.place).where(self.whose == owner, self.items.c.item_id == item_id)
        place: int | None = tx.execute(query).scalar_one_or_none()
        if place is None:
            raise UnknownNeighbour(item_id)
        return place

    def _next(self, tx: Session, owner: str, lower: int | None) -> tuple[str, int] | None:
        place = self.items.c.place
        query = sa.select(self.items.c.item_id, place).where(self.whose == owner)
        if lower is not None:
            query = query.where(place > lower)
        return tx.execute(query.order_by(place).limit(1)).tuples().one_or_none()

    def _spread(self, tx: Session, owner: str) -> None:
        lowest, highest = self.ends(tx, owner)
        assert lowest is not None and highest is not None, "an order without room has items"
        ranks = self._ranks(owner)
        count = sa.select(sa.func.count()).select_from(self.items).where(self.whose == owner)
        start = places.fresh_start(lowest, highest, tx.execute(count).scalar_one())
        statement = sa.update(self.items).where(self.items.c.item_id == ranks.c.item_id)
        tx.execute(statement.values(place=start + (ranks.c.position - 1) * places.GAP))
        tx.execute(sa.update(self.holder).where(self.holder_id == owner).values(spreads=self.holder.c.spreads + 1))

    def _ranks(self, owner: str) -> sa.Subquery:
        place = self.items.c.place
        position = sa.cast(sa.func.row_number().over(order_by=place), sa.BigInteger).label("position")
        return sa.select(self.items.c.item_id, position).where(self.whose == owner).subquery("ranks")

    def positions(self, tx: Session, owner: str, item_ids: Collection[str]) -> dict[str, int]:
        """Returns the positions of items, from 1; those that are not in the order are left out."""
        if not item_ids:
            return {}
        ranks = self._ranks(owner)
        found = tx.execute(sa.select(ranks.c.item_id, ranks.c.position).where(ranks.c.item_id.in_(item_ids)))
        return {row.item_id: row.position for row in found}

    def spreads(self, tx: Session, owner: str) -> int:
        """Returns how often the items of an order got new places; a place read before the last time says nothing now."""
        found = tx.execute(sa.select(self.holder.c.spreads).where(self.holder_id == owner)).scalar_one_or_none()
        return found or 0

    def beyond(self, tx: Session, owner: str, spreads: int, place: int, item_id: str) -> int | None:
        """Returns the place that a page begins after, from what an earlier page ended with.

        Args:
            tx: the transaction.
            owner: whose order.
            spreads: what `spreads` was then.
            place: place of the last item then.
            item_id: the last item.

        Returns:
            The place; None when all items got new places since and that one is gone.
        """
        if self.spreads(tx, owner) == spreads:
            return place
        query = sa.select(self.items.c.place).where(self.whose == owner, self.items.c.item_id == item_id)
        found: int | None = tx.execute(query).scalar_one_or_none()
        return found


WATCHLIST = Order(watchlist_items, watchlist_items.c.user_id, watchlists, watchlists.c.user_id)
LIST = Order(list_items, list_items.c.list_id, lists, lists.c.list_id)
