"""LightGCN: what serving computes is what the trained graph brings; without the extra random walks stand in for it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from cine_recommender.interactions import Interactions
from cine_recommender.signals.filmtofilm import VectorWeights
from cine_recommender.signals.lightgcn import LightGcn, LightGcnOptions
from cine_recommender.training import lightgcn

from .conftest import FILMS, film_facts, history

pytestmark = pytest.mark.filterwarnings("ignore:.torch.jit:FutureWarning")  # torch-geometric still uses it
trained_here = pytest.mark.skipif(
    not lightgcn.installed(), reason="the train extra is not installed (requirements/train.txt)"
)


def test_without_the_extra_walks_stand_in_and_say_so(log: Interactions, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lightgcn, "installed", lambda: False)
    assert lightgcn.fit_graph(log, film_facts(), {}, 0).name == "rp3beta"
    with pytest.raises(lightgcn.TrainExtraMissing, match=r"requirements/train\.txt"):
        lightgcn.fit(log, film_facts(), {}, 0)


def test_it_is_served_without_the_extra(tmp_path: Path) -> None:
    saying, said = np.random.default_rng(0).standard_normal((2, FILMS, 4)).astype(np.float32)
    LightGcn(VectorWeights(saying, said), LightGcnOptions()).save(tmp_path)
    read = LightGcn.load(tmp_path)
    mine = history((3, 5), (8, 4))
    scores = read.scores([mine])[0]
    expected = said @ (1.0 * saying[3] + 0.8 * saying[8])
    others = np.setdiff1d(np.arange(FILMS), [3, 8])
    np.testing.assert_allclose(scores[others], expected[others], rtol=1e-4, atol=1e-5)
    told = {one.film: one.amount for one in read.explain(mine, 20)}
    assert sum(told.values()) == pytest.approx(scores[20], rel=1e-4)


def test_what_only_one_film_has_joins_nothing() -> None:
    facts = film_facts()
    shared = lightgcn._shared(facts, LightGcnOptions())
    assert (np.asarray(shared.sum(axis=0)) > 1).all()
    assert lightgcn._shared(facts, LightGcnOptions(genres=False, people=False, keywords=False)).shape == (FILMS, 0)


@trained_here
def test_a_person_is_what_the_graph_brings_them(log: Interactions) -> None:
    import torch  # type: ignore[import-not-found]
    from torch_geometric.nn import LGConv  # type: ignore[import-not-found]

    options = LightGcnOptions(factors=4, layers=2, epochs=2, grade=0)
    liked = log.matrix(options.learned(log.ratings))
    shared = lightgcn._shared(film_facts(), options)
    edges = torch.from_numpy(lightgcn._edges(liked, shared))
    nodes = FILMS + shared.shape[1] + liked.shape[0]
    start = torch.zeros(nodes, 4)
    start[: FILMS + shared.shape[1]] = torch.randn(
        FILMS + shared.shape[1], 4, generator=torch.Generator().manual_seed(1)
    )
    layers = [start]
    for _ in range(2):
        layers.append(LGConv()(layers[-1], edges))
    whole = torch.stack(layers).mean(dim=0).numpy()
    films = torch.stack(layers)[:, :FILMS].numpy()
    degrees = np.maximum(np.bincount(liked.indices, minlength=FILMS) + np.diff(shared.indptr), 1)
    saying = films[:-1].sum(axis=0) / (3 * np.sqrt(degrees))[:, None]
    for person in (0, 5):
        mine = liked[person].indices
        np.testing.assert_allclose(
            saying[mine].sum(axis=0) / np.sqrt(len(mine)), whole[FILMS + shared.shape[1] + person], rtol=1e-4, atol=1e-5
        )


@trained_here
def test_it_learns_tastes_and_the_same_again(log: Interactions) -> None:
    options = {"lightgcn": {"factors": 8, "epochs": 40, "batch": 256}}
    signal, again = (lightgcn.fit_graph(log, film_facts(), options, 5) for _ in range(2))
    assert signal.name == "lightgcn"
    scores = signal.scores([history((0, 5), (3, 5), (6, 4.5))])[0]
    np.testing.assert_array_equal(scores, again.scores([history((0, 5), (3, 5), (6, 4.5))])[0])
    rest = np.setdiff1d(np.arange(FILMS - 1), [0, 3, 6])
    assert (rest[np.argsort(-scores[rest])][:6] % 3 == 0).sum() >= 5
