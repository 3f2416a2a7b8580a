"""Feedback and answers that belong to somebody, for the access table."""

from __future__ import annotations

import datetime as dt
from collections.abc import Awaitable, Callable
from typing import Any, Final

import numpy as np
from ulid import ULID

from cine.recommender.v1 import recommender_pb2 as pb
from cine_recommender.domain import impression_bytes
from cine_recommender.domain.feedback import Change, Feedback
from cine_recommender.domain.impression import Details, Impression, Told
from cine_recommender.store import Transaction, feedback

from .owned_things import Owned


async def _a_feedback(app: Any, user_id: str) -> Owned:
    now = dt.datetime.now(dt.UTC)
    said = Feedback(str(ULID()), user_id, 1, "like", created_at=now, said_at=now)

    def give(tx: Transaction) -> None:
        feedback.apply(tx, Change((said,), (), (said,), ()))

    await app.remembering.database.write(give)

    async def remains() -> bool:
        found = await app.remembering.database.read(lambda tx: feedback.by_id(tx, said.feedback_id))
        return bool(found == said)

    return Owned(pb.UndoFeedbackRequest(feedback_id=said.feedback_id), remains)


async def _an_answer(app: Any, user_id: str) -> Owned:
    details = Details(
        ranks=np.ones(1, np.int32),
        ranks_by_score=np.ones(1, np.int32),
        scores=np.ones(1, np.float32),
        shares=np.zeros((1, 6), np.float32),
        told=[Told("Many watch it.")],
        signals=[],
        signal_scores=np.zeros((1, 0), np.float32),
        signal_ranks=np.zeros((1, 0), np.int32),
    )
    request_id = str(ULID())
    kept = impression_bytes.encode(details)
    answer = Impression(request_id, user_id, dt.datetime.now(dt.UTC), (1,), lambda: kept, model="hybrid/v1")
    app.remembering.impressions.record(answer)

    async def remains() -> bool:
        return await app.remembering.impressions.find(user_id, request_id) is not None

    return Owned(pb.ExplainRecommendationsRequest(request_id=request_id), remains, reads=True)


_SERVICE: Final = "/cine.recommender.v1.RecommenderService"
OWNED_RECOMMENDER: Final[dict[str, Callable[[Any, str], Awaitable[Owned]]]] = {
    f"{_SERVICE}/UndoFeedback": _a_feedback,
    f"{_SERVICE}/ExplainRecommendations": _an_answer,
}
