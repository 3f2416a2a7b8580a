"""What the log keeps of an answer besides what was shown: put together when the log writes, after the answer has left."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from cine_recommender.domain.impression import Because, Details, SignalUsed, Told
from cine_recommender.flows.pipeline import Models, Ranking
from cine_recommender.flows.telling import Page
from cine_recommender.language.wording import Worded


def details_of(
    models: Models | None, ranking: Ranking | None, page: Page, words: Sequence[Worded]
) -> Callable[[], Details]:
    """Returns what puts the details together, once it is called.

    Args:
        models: those that answered; None when there were none.
        ranking: the ranking; None likewise.
        page: films shown.
        words: why, as it was told.
    """

    def details() -> Details:
        views = page.views if page.views is not None else np.empty((len(page.movie_ids), 0), dtype=np.float16)
        return Details(
            ranks=page.ranks,
            ranks_by_score=page.by_score,
            scores=page.scores,
            shares=page.shares,
            told=[
                Told(word.text, [Because(own.movie_id, own.share, own.overall) for own in because], word.worded_by)
                for word, because in zip(words, page.because, strict=True)
            ],
            signals=_signals(models, ranking) if page.views is not None else [],
            signal_scores=views.astype(np.float32),
            signal_ranks=np.zeros(views.shape, dtype=np.int32),
        )

    return details


def _signals(models: Models | None, ranking: Ranking | None) -> list[SignalUsed]:
    if models is None or models.taste is None or ranking is None:
        return []
    name, told = models.taste.name, ranking.signals
    version = name.partition("/")[2]
    return [SignalUsed(one.name, f"{one.learner}/{version}" if one.learner else name, one.weight) for one in told]
