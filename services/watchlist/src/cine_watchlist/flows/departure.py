"""What becomes of a person's watchlist and lists when their account is deleted."""

from __future__ import annotations

from cine_watchlist.flows.list_events import told_deleted, told_members
from cine_watchlist.flows.watchlist import told_removed
from cine_watchlist.store import Transaction, comments, imports, list_items, lists, members, watchlist_items
from cinemesh.clock import Clock, utc_now
from cinemesh.outbox import Outbox


class Departure:
    """Forgets people.

    Their watchlist and the lists they own go, with everything on them, and are not handed to anybody: nobody was asked. What they
    added to lists of others stays there, and so do their comments; neither says any more whose they were.

    Args:
        outbox: tells other services.
        clock: tells the time.
    """

    def __init__(self, outbox: Outbox, clock: Clock = utc_now) -> None:
        self._outbox = outbox
        self._clock = clock

    def forget(self, tx: Transaction, user_id: str) -> None:
        """Forgets a person; once more for the same one changes nothing.

        Args:
            tx: the transaction in which their leaving is applied.
            user_id: who.
        """
        events = [told_removed(item) for item in watchlist_items.delete_all(tx, user_id)]
        owned = lists.owned(tx, user_id, lock=True)
        lists.delete(tx, [one.list_id for one in owned])
        events += [told_deleted(one) for one in owned]
        for list_id in members.lists_of(tx, user_id):
            if lists.by_id(tx, list_id, lock=True) is not None:
                members.leave(tx, list_id, user_id)
                events.append(told_members(list_id, members.of_lists(tx, [list_id])[list_id]))
        members.forget_invitations(tx, user_id)
        list_items.forget_adder(tx, user_id)
        comments.forget_author(tx, user_id)
        imports.forget(tx, user_id)
        self._outbox.append_many(tx, events, time=self._clock())
