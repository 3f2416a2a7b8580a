"""The models that `cine evaluate` judges, with the options each may choose from on validation.

A model enters here with one line; what it needs is `signals.signal.Fit`. Grids hold what a careful person would try, not only what won.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import product
from typing import Any

from cine_recommender.evaluation import biasonly
from cine_recommender.evaluation.rating import RatingCandidate
from cine_recommender.evaluation.shown import Shown
from cine_recommender.fusion import training
from cine_recommender.fusion.hybrid import Hybrid
from cine_recommender.interactions import Interactions
from cine_recommender.signals import bpr, content, ease, gaussian, graph, ials, neighbours, popularity, svd
from cine_recommender.signals.signal import Candidate, FilmFacts
from cine_recommender.training import lightgcn

Options = dict[str, Any]


def grid(**choices: Sequence[Any]) -> list[Options]:
    """Returns every combination of these choices."""
    return [dict(zip(choices, values, strict=True)) for values in product(*choices.values())]


def candidates() -> list[Candidate]:
    """Returns the models for U and T, in the order in which they run."""
    rows = ("all", "3.5", "4")
    return [
        Candidate("popular", popularity.fit, grid(rows=rows)),
        Candidate("recent popular", popularity.fit, grid(rows=rows, days=(90,))),
        Candidate("EASE", ease.fit, grid(rows=rows, grade=(0.0, 1.0), reg=(50.0, 100.0, 200.0, 400.0))),
        Candidate(
            "iALS",
            ials.fit,
            # around what does well: the whole product would take a night
            [
                *grid(rows=("4",), factors=(64,), reg=(0.002, 0.004, 0.008), unseen=(0.5, 1.0)),
                *grid(rows=("all", "3.5"), factors=(64,), reg=(0.004,), unseen=(1.0,), grade=(2.0,)),
                *grid(rows=("4",), factors=(128,), reg=(0.004,), unseen=(1.0,)),
            ],
        ),
        Candidate("item-kNN", neighbours.fit_items, grid(rows=rows, shrink=(3.0, 10.0), sharpen=(1.0, 1.5, 2.0))),
        Candidate(
            "user-kNN",
            neighbours.fit_people,
            [
                *grid(rows=("4",), shrink=(3.0, 10.0), keep=(50, 100), sharpen=(2.0, 3.0)),
                *grid(rows=("all", "3.5"), shrink=(10.0,), keep=(50,), sharpen=(2.0,)),
            ],
        ),
        Candidate(
            "BPR",
            bpr.fit,
            [
                *grid(rows=("4",), factors=(64,), reg=(0.1, 0.2, 0.3), epochs=(50,)),
                *grid(rows=("all", "3.5"), factors=(64,), reg=(0.2,), epochs=(50,)),
            ],
        ),
        Candidate("RP3beta", graph.fit, grid(rows=rows, alpha=(0.5, 1.0), beta=(0.3, 0.5, 0.7))),
        Candidate("content", content.fit, grid(rows=rows, genres=(0.0, 0.5, 1.0))),
        Candidate("SVD", svd.fit, [{}]),
        *_lightgcn(),
        Candidate("hybrid", _fused, [{}], learned_fusion=True),
        Candidate("hybrid, stated weights", _fused, [{"profile": "default"}], learned_fusion=True),
        Candidate("hybrid, as shown", _shown, [{}], learned_fusion=True),
    ]


def _lightgcn() -> list[Candidate]:
    """Returns LightGCN where the `train` extra is installed."""
    return [Candidate("LightGCN", lightgcn.fit, [{}])] if lightgcn.installed() else []


_last: list[tuple[Interactions, FilmFacts | None, int, Hybrid]] = []


def _fused(interactions: Interactions, facts: FilmFacts | None, options: Options, seed: int) -> Hybrid:
    """Learns the hybrid, once for both profiles: they are two ways to weigh the same parts."""
    if not (_last and _last[0][0] is interactions and _last[0][1] is facts and _last[0][2] == seed):
        made = training.fit(interactions, facts, {}, seed)
        _last[:] = [(interactions, facts, seed, made)]
    return _last[0][3].preferring(str(options.get("profile", "tuned")))


def _shown(interactions: Interactions, facts: FilmFacts | None, options: Options, seed: int) -> Shown:
    if facts is None:
        raise ValueError("what is shown hangs on what films are")
    return Shown.of(_fused(interactions, facts, options, seed), facts)


def rating_candidates() -> list[RatingCandidate]:
    """Returns the models for R; gains are over the first."""
    return [
        RatingCandidate("SVD", svd.fit, [{}]),  # as others take it: with its defaults
        RatingCandidate("bias only", biasonly.fit, [{}]),
        RatingCandidate("Gaussian", gaussian.fit, [{}]),
    ]


def named(models: Iterable[str], offered: Sequence[str]) -> list[str]:
    """Returns the offered names that are meant, however they are written; all for none.

    Raises:
        ValueError: A name is not offered; the message lists those that are.
    """
    plain = {_plain(name): name for name in offered}
    wanted = [_plain(name) for name in models]
    for given, name in zip(models, wanted, strict=True):
        if name not in plain:
            raise ValueError(f"unknown model {given!r}; there are {', '.join(offered)}")
    return [name for key, name in plain.items() if not wanted or key in wanted]


def _plain(name: str) -> str:
    return "".join(letter for letter in name.lower() if letter.isalnum())
