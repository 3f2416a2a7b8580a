"""What experiments are judged by, in the store: who was shown what, and what they did about it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Final

import numpy as np
import sqlalchemy as sa

from cine_recommender.domain.feedback import CLICKED, LIKE, NOT_INTERESTED
from cine_recommender.experiments.outcomes import LIKED_FROM, Act, Answer, Outcome
from cine_recommender.store import Transaction
from cine_recommender.store.doings import RATING
from cine_recommender.store.schema import doings, feedback, impressions

_EPOCH: Final = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_SECOND: Final = dt.timedelta(seconds=1)
_TICK: Final = dt.timedelta(microseconds=1)
_SAYS: Final = {LIKE: Outcome.LIKED, CLICKED: Outcome.CLICKED, NOT_INTERESTED: Outcome.REFUSED}


# made once: they are asked for every few people of an experiment
_SOME: sa.BindParameter[Sequence[str]] = sa.bindparam("some", expanding=True)
_ANSWERS = sa.select(
    impressions.c.user_id, impressions.c.created_at, impressions.c.variant, impressions.c.movie_ids
).where(
    impressions.c.user_id.in_(_SOME),
    impressions.c.experiment_id == sa.bindparam("experiment"),
    impressions.c.created_at >= sa.bindparam("since"),
)
_RATED = sa.select(doings.c.user_id, doings.c.movie_id, doings.c.happened_at).where(
    doings.c.user_id.in_(_SOME),
    doings.c.source == RATING,
    doings.c.gone.is_(False),
    doings.c.halves >= LIKED_FROM,
    doings.c.happened_at >= sa.bindparam("since"),
)
_SAID = sa.select(
    feedback.c.user_id, feedback.c.movie_id, feedback.c.kind, feedback.c.created_at, feedback.c.said_at
).where(
    feedback.c.user_id.in_(_SOME),
    feedback.c.kind.in_(list(_SAYS)),
    feedback.c.holds.is_(True),
    feedback.c.said_at >= sa.bindparam("since"),
)


def people_of(tx: Transaction, experiment_id: str, since: dt.datetime) -> list[str]:
    """Returns everybody with an account who got an answer of an experiment from a moment on, in the order of their ids."""
    query = sa.select(impressions.c.user_id).where(
        impressions.c.experiment_id == experiment_id, impressions.c.created_at >= since, impressions.c.user_id != ""
    )
    return sorted(tx.execute(query.distinct()).scalars())


def answers_to(tx: Transaction, experiment_id: str, since: dt.datetime, user_ids: Sequence[str]) -> list[Answer]:
    """Returns the answers of an experiment that some people got from a moment on."""
    found = tx.execute(_ANSWERS, {"some": user_ids, "experiment": experiment_id, "since": since})
    return [
        Answer(user_id, at, variant, np.frombuffer(films, dtype="<i4"))
        for user_id, at, variant, films in found.tuples()
    ]


def acts_of(tx: Transaction, user_ids: Sequence[str], since: dt.datetime) -> list[Act]:
    """Returns what some people did about films from a moment on: ratings of four stars and more, and feedback that holds.

    Feedback that was given again counts at both times. Ratings are known to the second: they count at its end.
    """
    rated = tx.execute(_RATED, {"some": user_ids, "since": int(since.timestamp())})
    acts = [
        Act(user_id, movie_id, _EPOCH + at * _SECOND + _SECOND - _TICK, Outcome.LIKED)
        for user_id, movie_id, at in rated.tuples()
    ]
    said = tx.execute(_SAID, {"some": user_ids, "since": (since - _EPOCH) // _TICK})
    for user_id, movie_id, kind, first_at, last_at in said.tuples():
        acts += [Act(user_id, movie_id, at, _SAYS[kind]) for at in {first_at, _EPOCH + last_at * _TICK}]
    return acts
