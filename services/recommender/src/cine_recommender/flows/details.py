"""What the log keeps of an answer besides what was shown: worked out when the log writes, after the answer has left."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from cine_recommender.domain.impression import Because, Details, SignalUsed, Told
from cine_recommender.domain.taste import SignalView
from cine_recommender.flows.pipeline import Models, Ranking
from cine_recommender.flows.telling import Page
from cine_recommender.language.wording import Worded


def details_of(
    models: Models | None, ranking: Ranking | None, page: Page, words: Sequence[Worded]
) -> Callable[[], Details]:
    """Returns what works the details out, once it is called.

    Args:
        models: those that answered; None when there were none.
        ranking: the ranking; None likewise.
        page: films shown.
        words: why, as it was told.
    """

    def details() -> Details:
        views = _views(models, ranking, page)
        signals = (
            [
                SignalUsed(one.signal, models.taste.name if models and models.taste else "", one.weight)
                for one in views[0]
            ]
            if views
            else []
        )
        scores = np.array([[one.score for one in each] for each in views], dtype=np.float32)
        shape = (len(page.movie_ids), len(signals))
        return Details(
            ranks=page.ranks,
            ranks_by_score=page.by_score,
            scores=page.scores,
            shares=page.shares,
            told=[
                Told(word.text, [Because(own.movie_id, own.share, own.overall) for own in because], word.worded_by)
                for word, because in zip(words, page.because, strict=True)
            ],
            signals=signals,
            signal_scores=scores.reshape(shape),
            signal_ranks=np.zeros(shape, dtype=np.int32),
        )

    return details


def _views(models: Models | None, ranking: Ranking | None, page: Page) -> Sequence[Sequence[SignalView]]:
    if models is None or models.taste is None or ranking is None or ranking.history is None or not page.movie_ids:
        return []
    asked = ranking.asked
    rows = models.taste_rows[models.numbering.rows(np.array(page.movie_ids, dtype=np.int32))]
    return models.taste.views(
        ranking.history, rows, now=asked.now, profile=asked.profile, situation=asked.question.situation
    )
