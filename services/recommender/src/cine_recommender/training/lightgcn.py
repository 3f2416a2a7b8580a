"""Training of LightGCN with torch-geometric; needs the `train` extra (requirements/train.txt). Serving never imports it.

The graph joins films with the people who liked them, their genres, directors and cast, and keywords. Films and what they share have
vectors that are learned; people have none (they start from zeros): the trained model knows nobody by name and folds anybody in.
"""

from __future__ import annotations

import importlib.util
from typing import Any

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from cine_recommender.interactions import Floats, Interactions
from cine_recommender.signals import graph
from cine_recommender.signals.filmtofilm import FilmToFilm, VectorWeights
from cine_recommender.signals.lightgcn import LightGcn, LightGcnOptions
from cine_recommender.signals.signal import FilmFacts


class TrainExtraMissing(RuntimeError):
    """The packages that training needs are not installed; the message says how to get them."""


def installed() -> bool:
    """Returns whether torch and torch-geometric are there."""
    return all(importlib.util.find_spec(name) is not None for name in ("torch", "torch_geometric"))


def fit_graph(interactions: Interactions, facts: FilmFacts | None, options: dict[str, Any], seed: int) -> FilmToFilm:
    """Learns LightGCN where the `train` extra is installed, else random walks over the same graph; the signal's name says which.

    Args:
        interactions: who rated what.
        facts: what films share; None for people alone.
        options: of `LightGcnOptions` under the key "lightgcn", of `GraphOptions` under "rp3beta".
        seed: draws vectors and triples.
    """
    if installed():
        return fit(interactions, facts, options.get("lightgcn", {}), seed)
    return graph.fit(interactions, facts, options.get("rp3beta", {}), seed)


def fit(interactions: Interactions, facts: FilmFacts | None, options: dict[str, Any], seed: int) -> LightGcn:
    """Trains LightGCN; options are those of `LightGcnOptions`. The seed draws vectors and triples.

    Raises:
        pydantic.ValidationError: An option is unknown or out of range.
        TrainExtraMissing: torch or torch-geometric is not installed.
    """
    chosen = LightGcnOptions(**options)
    if not installed():
        raise TrainExtraMissing("LightGCN is trained with torch-geometric: pip install -r requirements/train.txt")
    liked = interactions.matrix(chosen.learned(interactions.ratings))
    shared = _shared(facts, chosen) if facts is not None else sp.csr_matrix((liked.shape[1], 0), dtype=np.float32)
    films, layers = _trained(liked, shared, chosen, seed)
    degrees = np.maximum(np.bincount(liked.indices, minlength=liked.shape[1]) + np.diff(shared.indptr), 1)
    # a person's vector is this sum times 1/√n, n films liked: that stretches all scores of a person alike and is left out
    saying = layers[:-1].sum(axis=0) / (len(layers) * np.sqrt(degrees))[:, None]
    return LightGcn(VectorWeights(saying.astype(np.float32), films), chosen)


def _shared(facts: FilmFacts, options: LightGcnOptions) -> sp.csr_matrix:
    """Returns what films share, 0 or 1 (films, attributes); what only one film has joins nothing and is left out."""
    parts = [
        sp.csr_matrix(part)
        for wanted, part in (
            (options.genres, facts.genres),
            (options.people, facts.people),
            (options.keywords, facts.keywords),
        )
        if wanted
    ]
    if not parts:
        return sp.csr_matrix((len(facts.years), 0), dtype=np.float32)
    joined = sp.hstack(parts, format="csr", dtype=np.float32)
    joined.data[:] = 1
    return joined[:, np.flatnonzero(np.asarray(joined.sum(axis=0)).ravel() > 1)].tocsr()


def _trained(liked: sp.csr_matrix, shared: sp.csr_matrix, options: LightGcnOptions, seed: int) -> tuple[Floats, Floats]:
    """Returns films' vectors, float32 (films, factors), and those of each layer, float32 (layers + 1, films, factors)."""
    import torch  # type: ignore[import-not-found]
    from torch_geometric.nn import LGConv  # type: ignore[import-not-found]

    torch.manual_seed(seed)
    draw = np.random.default_rng(seed)
    people, films = liked.shape
    attributes = shared.shape[1]
    edges = torch.from_numpy(_edges(liked, shared))
    learned = torch.nn.Parameter(torch.randn(films + attributes, options.factors) * 0.1)
    nobody = torch.zeros(people, options.factors)
    convolve = LGConv()
    descent = torch.optim.Adam([learned], lr=options.rate)

    def layers() -> list[Any]:
        found = [torch.cat([learned, nobody])]
        for _ in range(options.layers):
            found.append(convolve(found[-1], edges))
        return found

    rows = np.repeat(np.arange(people), np.diff(liked.indptr))
    rated = np.flatnonzero(np.bincount(liked.indices, minlength=films))
    size = min(options.batch, max(1, liked.nnz))
    for _ in range(max(1, options.epochs * liked.nnz // size) if len(rated) > 1 else 0):
        picked = draw.integers(0, liked.nnz, size)
        person, better = rows[picked], liked.indices[picked]
        other = rated[draw.integers(0, len(rated), size)]
        kept = np.asarray(liked[person, other]).ravel() == 0  # one that was liked, too, teaches nothing
        person, better, other = (torch.from_numpy(one[kept].astype(np.int64)) for one in (person, better, other))
        whole = torch.stack(layers()).mean(dim=0)
        apart = (whole[films + attributes + person] * (whole[better] - whole[other])).sum(dim=1)
        held = learned[better].square().sum() + learned[other].square().sum()
        loss = torch.nn.functional.softplus(-apart).mean() + options.reg * held / size
        descent.zero_grad()
        loss.backward()
        descent.step()
    with torch.no_grad():
        found = torch.stack(layers())[:, :films].numpy().astype(np.float32)
    found[:, np.setdiff1d(np.arange(films), _joined(liked, shared))] = 0
    return found.mean(axis=0), found


def _joined(liked: sp.csr_matrix, shared: sp.csr_matrix) -> npt.NDArray[Any]:
    """Returns films that anything leads to: the vectors of the others were never learned."""
    return np.flatnonzero(np.bincount(liked.indices, minlength=liked.shape[1]) + np.diff(shared.indptr))


def _edges(liked: sp.csr_matrix, shared: sp.csr_matrix) -> npt.NDArray[np.int64]:
    """Returns the graph's edges both ways, int64 (2, edges): films are numbered first, then what they share, then people."""
    films, attributes = shared.shape
    person, film = liked.nonzero()
    sharing, attribute = shared.nonzero()
    one = np.concatenate([film, sharing])
    other = np.concatenate([films + attributes + person, films + attribute])
    return np.stack([np.concatenate([one, other]), np.concatenate([other, one])]).astype(np.int64)
