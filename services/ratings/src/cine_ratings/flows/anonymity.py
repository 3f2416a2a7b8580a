"""What happens to reviews and comments when their author's account is deleted."""

from __future__ import annotations

from cine.ratings.v1 import events_pb2
from cine_ratings.store import Transaction, anonymity
from cinemesh.clock import Clock, utc_now
from cinemesh.outbox import Outbox


def forget_author(tx: Transaction, user_id: str, outbox: Outbox, clock: Clock = utc_now) -> None:
    """Takes somebody's name off what they wrote and takes their likes back, in the transaction that learns of their leaving.

    That what they wrote has no author any more needs no event of ours: whoever follows us follows Identity, too.

    Args:
        tx: that transaction; called again for the same person, it changes nothing.
        user_id: the deleted account.
        outbox: tells other services of the likes.
        clock: tells the time.
    """
    left = anonymity.forget(tx, user_id)
    events = (
        (
            f"reviews/{review_id}",
            events_pb2.ReviewLiked(review_id=review_id, user_id=user_id, liked=False, like_count=count),
        )
        for review_id, count in left
    )
    outbox.append_many(tx, events, time=clock())
