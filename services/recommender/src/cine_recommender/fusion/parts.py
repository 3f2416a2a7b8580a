"""What a hybrid consists of besides its curves, learned from a log: the film-to-film matrices and the films' traits."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import scipy.sparse as sp

from cine_recommender.fusion.features import SIGNALS, Features
from cine_recommender.fusion.options import HybridOptions
from cine_recommender.fusion.stacked import Stacked
from cine_recommender.fusion.traits import traits_of
from cine_recommender.interactions import Interactions
from cine_recommender.signals import content, ease, graph, succession
from cine_recommender.signals.filmtofilm import FilmWeights, SparseWeights
from cine_recommender.signals.signal import FilmFacts

Step = Callable[[str], None]
"""Called with the name of each step as it begins."""


def parts_of(
    interactions: Interactions,
    facts: FilmFacts,
    options: HybridOptions,
    seed: int,
    step: Step,
    alike: Mapping[str, sp.csr_matrix],
) -> Features:
    """Learns all signals.

    Args:
        interactions: what to learn from.
        facts: of the films.
        options: how.
        seed: of their lots.
        step: told of each signal.
        alike: of `likenesses`.
    """
    kept = {"keep": options.keep}
    among = {**kept, "min_ratings": options.least_ratings, "most_films": options.most_films}
    wanted: dict[str, tuple[Callable[..., Any], dict[str, Any]]] = {
        "ease": (ease.fit, {**among, "rows": "3.5", "grade": 1.0, "reg": options.ease_reg}),
        "ease-all": (ease.fit, {**among, "rows": "all", "grade": 1.0, "reg": options.ease_all_reg}),
        "succession": (succession.fit, kept),
        "graph": (graph.fit, {**kept, "rows": "4"}),
    }
    matrices: dict[str, sp.csr_matrix] = {}
    for signal in SIGNALS:
        if signal in alike:
            matrices[signal] = alike[signal]
            continue
        step(signal)
        fit, chosen = wanted[signal]
        matrices[signal] = _sparse(fit(interactions, facts, chosen, seed).weights)
    step("traits")
    return Features(Stacked.of(matrices), traits_of(interactions, facts))


def _sparse(weights: FilmWeights) -> sp.csr_matrix:
    if not isinstance(weights, SparseWeights):
        raise TypeError(f"a hybrid is served from sparse matrices, not {type(weights).__name__}")
    return weights.matrix.astype(np.float32)


def likenesses(
    interactions: Interactions, facts: FilmFacts, options: HybridOptions, seed: int
) -> dict[str, sp.csr_matrix]:
    """Returns the matrices that hang on films alone, not on who watched what: by signal, for `parts_of`."""
    chosen = {"rows": "4", "keep": options.keep_content, "genres": 0.5, "rated": True}
    return {"content": _sparse(content.fit(interactions, facts, chosen, seed).weights)}
