"""Curves: they find what made the labels, say exactly what each feature gave, and never jump."""

from __future__ import annotations

import numpy as np
import pytest

from cine_recommender.fusion.additive import Additive, AdditiveOptions, learn
from cine_recommender.fusion.calibration import calibrated, sigmoid
from cine_recommender.interactions import Floats, Mask


def drawn(rows: int = 20_000) -> tuple[Floats, Floats, Mask]:
    """Two features that matter, the second only for people who rated much, and one that does not."""
    lots = np.random.default_rng(5)
    table = lots.standard_normal((rows, 3)).astype(np.float32)
    activity = lots.uniform(1, 5, rows).astype(np.float32)
    logits = 1.2 * table[:, 0] + np.where(activity > 3, 1.0, 0.0) * np.abs(table[:, 1]) - 1
    return table, activity, lots.random(rows) < sigmoid(logits.astype(np.float64))


@pytest.fixture(scope="module")
def model() -> Additive:
    return learn(*drawn(), AdditiveOptions(trees=120), seed=1, rising=[True, False, False])


def test_a_curve_follows_what_made_the_labels(model: Additive) -> None:
    at = np.array([[-1, 0, 0], [0, 0, 0], [1, 0, 0]], dtype=np.float32)
    for activity in (2.0, 4.0):
        given = model.contributions(at, activity)[:, 0]
        assert np.diff(given) == pytest.approx([1.2, 1.2], abs=0.4)


def test_what_a_feature_is_worth_changes_with_how_much_is_known(model: Additive) -> None:
    at = np.array([[0, 0, 0], [0, 1.5, 0]], dtype=np.float32)
    few, many = (np.ptp(model.contributions(at, activity)[:, 1]) for activity in (1.5, 4.5))
    assert many > 0.8
    assert few < 0.4


def test_what_says_nothing_gets_next_to_nothing(model: Additive) -> None:
    at = np.linspace(-2, 2, 40, dtype=np.float32)[:, None] * np.array([0, 0, 1], dtype=np.float32)
    assert np.abs(model.contributions(at, 3.0)[:, 2]).mean() < 0.2


def test_a_rising_curve_never_falls(model: Additive) -> None:
    at = np.linspace(-4, 4, 300, dtype=np.float32)[:, None] * np.array([1, 0, 0], dtype=np.float32)
    for activity in np.linspace(0, 6, 9):
        assert (np.diff(model.contributions(at, float(activity))[:, 0]) >= -1e-6).all()


def test_curves_do_not_jump(model: Additive) -> None:
    at = np.linspace(-3, 3, 6000, dtype=np.float32)[:, None] * np.ones(3, dtype=np.float32)
    assert np.abs(np.diff(model.contributions(at, 2.9), axis=0)).max() < 0.1
    levels = np.array([model.contributions(at[3000:3001], float(one))[0] for one in np.linspace(1, 5, 400)])
    assert np.abs(np.diff(levels, axis=0)).max() < 0.15


def test_probabilities_are_what_happens(model: Additive) -> None:
    table, activity, wanted = drawn()
    logits = np.array(
        [
            model.contributions(row[None], float(a)).sum() + model.intercept(float(a))
            for row, a in zip(table[:4000], activity[:4000], strict=True)
        ]
    )
    told = sigmoid(logits)
    for low, high in ((0, 0.2), (0.2, 0.5), (0.5, 1)):
        mine = (told >= low) & (told < high)
        assert told[mine].mean() == pytest.approx(wanted[:4000][mine].mean(), abs=0.06)


def test_a_calibration_gives_probabilities_and_keeps_the_order() -> None:
    lots = np.random.default_rng(2)
    logits = lots.normal(-3, 2, 5000).astype(np.float32)
    liked = lots.random(5000) < sigmoid(0.5 * logits.astype(np.float64) + 2)
    found = calibrated(logits, liked)
    assert found.slope == pytest.approx(0.5, abs=0.08)
    assert found.offset == pytest.approx(2, abs=0.25)
    scores = found.scores(np.sort(logits))
    assert (np.diff(scores) >= 0).all()


@pytest.mark.parametrize("liked", [True, False])
def test_a_calibration_of_one_sided_or_no_labels_still_rises(liked: bool) -> None:
    logits = np.linspace(-2, 2, 50, dtype=np.float32)
    for asked in (logits, logits[:0], logits[:1]):
        found = calibrated(asked, np.full(len(asked), liked))
        assert found.slope > 0
        assert np.isfinite(found.offset)


def test_shares_sum_to_the_score_and_follow_the_parts() -> None:
    found = calibrated(np.linspace(-3, 3, 100, dtype=np.float32), np.arange(100) > 50)
    parts = np.array([[1, -0.4, 0], [0.3, -0.3, 0], [0, 0, 0], [-2, -1, 0.5]], dtype=np.float32)
    shares = found.shares(-0.5, parts)
    np.testing.assert_allclose(
        shares.sum(axis=1), found.scores((parts.sum(axis=1) - 0.5).astype(np.float32)), atol=1e-6
    )
    assert (np.sign(shares[:, 1:]) == np.sign(parts)).all()
    assert shares[:, 0] == pytest.approx(shares[2, 0])
