"""What is left of the reviews and comments of a deleted account: what was said, without who said it."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.orm import Session

from cine_ratings.store.review_tables import (
    comments,
    report_reporters,
    review_likes,
    review_revisions,
    reviews,
)


def forget(tx: Session, user_id: str) -> list[tuple[str, int]]:
    """Takes somebody's name off what they wrote, and drops their likes and what only they could read.

    Args:
        tx: the transaction that learns of the deletion.
        user_id: the deleted account.

    Returns:
        Ids of the reviews they liked, with the number of likes that are left.
    """
    liked = sa.select(review_likes.c.review_id).where(review_likes.c.user_id == user_id)
    said = sa.select(comments.c.review_id).where(comments.c.user_id == user_id)
    wrote = sa.select(reviews.c.review_id).where(reviews.c.user_id == user_id)
    touched = sa.or_(reviews.c.user_id == user_id, reviews.c.review_id.in_(liked), reviews.c.review_id.in_(said))
    # in one order, so that two deletions never wait for each other in a circle
    tx.execute(sa.select(reviews.c.review_id).where(touched).order_by(reviews.c.review_id).with_for_update()).all()
    fewer = sa.update(reviews).where(reviews.c.review_id.in_(liked)).values(like_count=reviews.c.like_count - 1)
    left = [
        (row.review_id, row.like_count)
        for row in tx.execute(fewer.returning(reviews.c.review_id, reviews.c.like_count))
    ]
    tx.execute(sa.delete(review_likes).where(review_likes.c.user_id == user_id))
    tx.execute(sa.delete(review_revisions).where(review_revisions.c.review_id.in_(wrote)))
    for table in (reviews, comments):
        nameless = sa.update(table).where(table.c.user_id == user_id)
        tx.execute(nameless.values(user_id=None, version=table.c.version + 1))
    tx.execute(sa.delete(report_reporters).where(report_reporters.c.user_id == user_id))
    return sorted(left)
