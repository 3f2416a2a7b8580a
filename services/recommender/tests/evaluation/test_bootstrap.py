from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cine_recommender.evaluation import bootstrap
from cine_recommender.evaluation.bootstrap import Bootstrap, estimate


def test_every_model_meets_the_same_resamples() -> None:
    values = np.random.default_rng(1).random((80, 3))
    together = Bootstrap(80, 300, seed=4).means(values)
    for column in range(3):
        alone = Bootstrap(80, 300, seed=4).means(values[:, [column]])[:, 0]
        np.testing.assert_allclose(alone, together[:, column], rtol=1e-12)
    assert not np.allclose(Bootstrap(80, 300, seed=5).means(values), together)


def test_a_constant_lead_is_certain_however_much_people_differ() -> None:
    one = np.random.default_rng(1).random(60) * 100
    means = Bootstrap(60, 500).means(np.column_stack([one, one + 0.01]))
    lead = estimate(0.01, means[:, 1] - means[:, 0])
    assert lead.low == pytest.approx(0.01) and lead.high == pytest.approx(0.01)
    assert means[:, 0].std() > 1


@settings(deadline=None, max_examples=20)
@given(st.integers(1, 30), st.integers(0, 1000))
def test_means_are_those_of_drawing_person_by_person(people: int, seed: int) -> None:
    lots = np.random.default_rng(seed)
    counts = lots.integers(0, 4, people).astype(float)
    counts[0] += 1
    sums = lots.random((people, 2)) * counts[:, None]
    drawn = np.random.default_rng(seed).integers(people, size=(50, people))
    found = Bootstrap(people, 50, seed).means(sums, counts)
    for row, chosen in zip(found, drawn, strict=True):
        if counts[chosen].sum():
            np.testing.assert_allclose(row, sums[chosen].sum(axis=0) / counts[chosen].sum())
        else:
            assert np.isnan(row).all()


def test_drawing_in_pieces_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    values = np.random.default_rng(1).random((20, 1))
    whole = Bootstrap(20, 1000).means(values)
    monkeypatch.setattr(bootstrap, "_AT_ONCE", 300)
    np.testing.assert_allclose(Bootstrap(20, 1000).means(values), whole, rtol=1e-12)


def test_95_of_100_intervals_hold_the_truth() -> None:
    lots = np.random.default_rng(3)
    held = 0
    for trial in range(400):
        sample = lots.exponential(1.0, 150)
        around = estimate(sample.mean(), Bootstrap(150, 800, seed=trial).means(sample[:, None])[:, 0])
        assert around.low < around.mean < around.high
        held += around.low <= 1.0 <= around.high
    assert 0.91 <= held / 400 <= 0.985


def test_people_with_several_values_are_drawn_whole() -> None:
    # 20 people with the same 10 values each: as much is known as from 20 values, not from 200
    each = np.random.default_rng(2).normal(size=20)
    whole = Bootstrap(20, 2000).means(10 * each[:, None], np.full(20, 10.0))[:, 0].std()
    single = Bootstrap(20, 2000).means(each[:, None])[:, 0].std()
    assert whole == pytest.approx(single)
