"""What makes signals bear large logs changes nothing in them: blocks, threads, dense columns, and selecting instead of sorting."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st

from cine_recommender.interactions import Interactions
from cine_recommender.signals import blocks, ease, gaussian, gram
from cine_recommender.signals.filmtofilm import strongest
from cine_recommender.signals.neighbours import nearest

from .conftest import FILMS, history, ratings_log


@pytest.mark.parametrize("often", [0.0, 0.2, 2.0])
def test_gram_is_the_product_whatever_is_dense(often: float, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gram, "_OFTEN", often)
    monkeypatch.setattr(gram, "_BLOCK", 7)
    monkeypatch.setattr(gram, "_CELLS", 200)
    draw = np.random.default_rng(0)
    liked = (draw.random((90, 40)) < draw.random(40) ** 3) * draw.integers(1, 11, (90, 40)) / 10
    found, order = gram.gram(sp.csr_matrix(liked, dtype=np.float32))
    expected = (liked.T @ liked)[np.ix_(order, order)]
    np.testing.assert_allclose(np.triu(found), np.triu(expected), rtol=1e-5, atol=1e-5)
    assert found.dtype == np.float64
    assert found.flags.f_contiguous


def test_ones_are_counted_exactly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gram, "_OFTEN", 0.3)
    liked = (np.random.default_rng(1).random((3000, 30)) < np.linspace(0.01, 0.9, 30)).astype(np.float32)
    found, order = gram.gram(sp.csr_matrix(liked))
    counted = liked.astype(np.int64)[:, order]
    np.testing.assert_array_equal(np.triu(found), np.triu(counted.T @ counted))


def test_of_many_films_the_most_rated_take_part_in_ease(log: Interactions) -> None:
    counts = np.bincount(log.films[log.ratings >= 4], minlength=FILMS)
    films = np.sort(np.argsort(-counts, kind="stable")[:20])
    other = np.setdiff1d(np.arange(FILMS), films)
    signal = ease.fit(log, None, {"grade": 0, "reg": 7.0, "most_films": 20}, 0)
    liked = log.matrix((log.ratings >= 4).astype(np.float32)).toarray()[:, films].astype(np.float64)
    inverse = np.linalg.inv(liked.T @ liked + 7 * np.eye(20))
    weights = -inverse / np.diag(inverse)
    scores = signal.scores([history((int(films[0]), 5))])[0]
    np.testing.assert_allclose(scores[films[1:]], weights[0, 1:], atol=1e-5)
    assert not scores[other].any()
    assert not signal.scores([history((int(other[0]), 5))]).any()


def test_with_few_people_all_films_take_part(log: Interactions) -> None:
    few = log.take(log.people < 12)
    whole, capped = (
        ease.fit(few, None, {"grade": 0, "reg": 7.0, "most_films": most}, 0).scores([few.history(0)])
        for most in (0, 15)
    )
    np.testing.assert_array_equal(whole, capped)
    assert len(np.unique(few.films[few.ratings >= 4])) > 15


@given(
    st.lists(st.lists(st.sampled_from([0, 0.5, 1, 1, 2, 3]), min_size=12, max_size=12), min_size=1, max_size=6),
    st.integers(1, 12),
)
@settings(max_examples=60, deadline=None)
def test_the_nearest_are_those_of_a_stable_sort(rows: list[list[float]], keep: int) -> None:
    whole = sp.csr_matrix(np.array(rows, dtype=np.float32))
    # columns in any order, as products of sparse matrices have them
    turned = whole.copy()
    for row in range(whole.shape[0]):
        mine = slice(whole.indptr[row], whole.indptr[row + 1])
        turned.indices[mine], turned.data[mine] = whole.indices[mine][::-1], whole.data[mine][::-1]
    turned.has_sorted_indices = False
    found = nearest(turned, keep)
    for row, values in enumerate(np.array(rows)):
        best = [at for at in np.argsort(-values, kind="stable")[:keep] if values[at] > 0]
        np.testing.assert_array_equal(found[row].indices, sorted(best))
        np.testing.assert_array_equal(found[row].data, values[sorted(best)])


@given(st.integers(1, 300), st.integers(1, 300), st.sampled_from([0.0, 0.5, 0.99]), st.integers(0, 2**16))
@settings(max_examples=60, deadline=None)
def test_the_strongest_are_those_of_a_stable_sort(films: int, keep: int, empty: float, seed: int) -> None:
    draw = np.random.default_rng(seed)
    row = np.where(draw.random(films) < empty, 0, draw.integers(-9, 10, films)).astype(np.float32)
    found = strongest(row[None, :].copy(), keep, films).toarray()[0]
    best = np.argsort(-np.abs(row), kind="stable")[:keep]
    expected = np.zeros_like(row)
    expected[best] = row[best]
    np.testing.assert_array_equal(found, expected)


def test_blocks_are_stacked_in_their_order() -> None:
    whole = sp.random(25, 9, 0.4, format="csr", dtype=np.float32, random_state=0)
    found = blocks.stacked(25, 9, lambda first, end: whole[first:end], block=4)
    np.testing.assert_array_equal(found.toarray(), whole.toarray())
    assert blocks.stacked(0, 9, whole.__getitem__).shape == (0, 9)
    with pytest.raises(ZeroDivisionError):  # what fails on a thread fails here
        blocks.stacked(9, 9, lambda first, end: whole[: end // first])


def test_likeness_by_ratings_is_learned_from_people_drawn_by_lot() -> None:
    log = ratings_log(people=120)
    one, again, other, all_ = (
        gaussian.fit(log, None, {"people": people}, seed).rated(log.history(0), np.arange(FILMS, dtype=np.int32))
        for people, seed in ((50, 0), (50, 0), (50, 1), (120, 0))
    )
    np.testing.assert_array_equal(one, again)
    assert (one != other).any()
    assert (one != all_).any()
    assert np.abs(one - all_).mean() < 0.3
