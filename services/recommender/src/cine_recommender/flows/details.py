"""What the log keeps of an answer besides what was shown: put together when the log writes, after the answer has left."""

from __future__ import annotations

import threading
from collections.abc import Sequence

import numpy as np

from cine_recommender.domain import impression_bytes
from cine_recommender.domain.impression import Because, Details, SignalUsed, Told
from cine_recommender.domain.taste import Views
from cine_recommender.flows.pipeline import Models, Ranking
from cine_recommender.flows.telling import Page
from cine_recommender.interactions import Ints
from cine_recommender.language.wording import Worded


class Noted:
    """Details of a page as bytes, worked out once, when they are first asked for; what they are made of is then let go. For any thread.

    A page that is kept is answered and taken down many times; the hundreds of objects that its reasons consist of must not live as long
    as it does, for the collector of garbage would look at all of them again and again.

    Args:
        models: those that answered; None when there were none.
        ranking: the ranking; None likewise.
        page: films shown.
        words: why, as it was told.
    """

    def __init__(self, models: Models | None, ranking: Ranking | None, page: Page, words: Sequence[Worded]) -> None:
        self._lock = threading.Lock()
        self._made_of: tuple[Models | None, Ranking | None, Page, Sequence[Worded]] | None = (
            models, ranking, page, words,
        )  # fmt: skip
        self._bytes = b""

    def __call__(self) -> bytes:
        """Returns them, as `impression_bytes.encode` writes them."""
        with self._lock:
            if self._made_of is not None:
                self._bytes = impression_bytes.encode(_details(*self._made_of))
                self._made_of = None
            return self._bytes


def _details(models: Models | None, ranking: Ranking | None, page: Page, words: Sequence[Worded]) -> Details:
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
        signal_ranks=_signal_ranks(ranking, views),
    )


def _signal_ranks(ranking: Ranking | None, views: Views) -> Ints:
    """Returns where each signal would put each film among all that were ranked, int32 (n, signals), from 1; equal ones share a place."""
    if ranking is None or ranking.views is None or not views.size:
        return np.zeros(views.shape, dtype=np.int32)
    every = np.sort(ranking.views.astype(np.float32), axis=0)
    better = [
        len(every) - np.searchsorted(column, mine.astype(np.float32), side="right")
        for column, mine in zip(every.T, views.T, strict=True)
    ]
    return (1 + np.column_stack(better)).astype(np.int32)


def _signals(models: Models | None, ranking: Ranking | None) -> list[SignalUsed]:
    if models is None or models.taste is None or ranking is None:
        return []
    name, told = models.taste.name, ranking.signals
    version = name.partition("/")[2]
    return [SignalUsed(one.name, f"{one.learner}/{version}" if one.learner else name, one.weight) for one in told]
