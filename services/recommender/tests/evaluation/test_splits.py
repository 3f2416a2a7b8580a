from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cine_recommender.evaluation.splits import Fold, arranged, latest, rolling, shuffled, temporal
from cine_recommender.interactions import Interactions

from .logs import log_of, logs


def rows_of(log: Interactions) -> list[tuple[int, int, float, int]]:
    ids = log.film_ids[log.films]
    return sorted(zip(log.people.tolist(), ids.tolist(), log.ratings.tolist(), log.times.tolist(), strict=True))


@settings(deadline=None, max_examples=30)
@given(logs(), st.integers(0, 5))
def test_arranging_keeps_every_row_and_the_order_in_time(log: Interactions, seed: int) -> None:
    made = arranged(log, seed)
    assert rows_of(made) == rows_of(log)
    for person in range(len(log.person_ids)):
        assert (np.diff(made.history(person).times) >= 0).all()


def test_arranging_draws_lots_among_equal_moments_and_among_film_numbers() -> None:
    log = log_of([(0, film, 4.0, 7) for film in range(40)] + [(0, 40, 4.0, 9)])
    orders = [arranged(log, seed) for seed in range(4)]
    assert len({tuple(one.film_ids[one.films]) for one in orders}) == 4
    assert len({tuple(one.film_ids) for one in orders}) == 4
    assert all(one.film_ids[one.films[-1]] == 140 for one in orders)
    again = arranged(log, 3)
    assert (again.films == orders[3].films).all() and (again.film_ids == orders[3].film_ids).all()
    # a film's number says nothing of when somebody rated it: in the file above it says everything
    assert abs(np.corrcoef(orders[0].films, np.arange(41))[0, 1]) < 0.5


@settings(deadline=None, max_examples=30)
@given(logs())
def test_everybody_gives_their_last_fifth_and_one_row_at_least(log: Interactions) -> None:
    counts = np.bincount(log.people, weights=latest(log), minlength=len(log.person_ids))
    assert counts.tolist() == [max(1, len(log.history(person)) // 5) for person in range(len(log.person_ids))]


def check_parts(fold: Fold, least: int) -> None:
    for person in fold.people:
        before, after = fold.fit.history(int(person)), fold.held.history(int(person))
        assert len(before) >= least and (after.ratings >= 4).any()
        assert before.times.max() <= after.times.min()
        assert not set(before.films) & set(after.films)
        judged = int(fold.now[list(fold.people).index(person)])
        assert before.times.max() <= judged <= after.times.min()
    others = set(range(len(fold.fit.person_ids))) - set(fold.people.tolist())
    for person in others:
        assert len(fold.fit.history(person)) < least or not (fold.held.history(person).ratings >= 4).any()


@settings(deadline=None, max_examples=30)
@given(logs(), st.integers(0, 3))
def test_no_row_held_out_of_a_history_is_earlier_than_what_is_learned_from(log: Interactions, seed: int) -> None:
    log = arranged(log, seed)
    validation, test = temporal(log, least=5)
    check_parts(validation, 5)
    check_parts(test, 5)
    assert rows_of(log) == sorted(rows_of(test.fit) + rows_of(test.held))
    assert rows_of(test.fit) == sorted(rows_of(validation.fit) + rows_of(validation.held))
    # what a fusion may rehearse on is what options are chosen on, and for choosing them, the fifth before that
    assert rows_of(test.fit.take(test.rehearsal)) == rows_of(validation.held)
    for person in range(len(log.person_ids)):
        rehearsed = validation.fit.take(validation.rehearsal).history(person)
        kept = validation.fit.take(~validation.rehearsal).history(person)
        assert not len(rehearsed) or not len(kept) or kept.times.max() <= rehearsed.times.min()


def test_somebody_with_few_rows_or_nothing_relevant_is_not_judged() -> None:
    few = [(0, film, 5.0, film) for film in range(6)]  # 5 remain
    fewer = [(1, film, 5.0, film) for film in range(5)]  # 4 remain
    bored = [(2, film, 3.5, film) for film in range(20)]
    _, test = temporal(log_of(few + fewer + bored))
    assert test.people.tolist() == [0]
    assert len(test.held.history(1)) == 1 and len(test.held.history(2)) == 4


@settings(deadline=None, max_examples=30)
@given(logs(people=12, moments=60), st.integers(1, 4))
def test_a_global_cut_separates_everybody_at_one_moment(log: Interactions, cuts: int) -> None:
    try:
        folds = rolling(log, cuts, least=2)
    except ValueError:
        return
    assert len(folds) == cuts + 1
    for earlier, fold in zip([None, *folds], folds, strict=False):
        check_parts(fold, 2)
        moment = int(fold.held.times.min()) if len(fold.held) else None
        assert moment is None or fold.fit.times.max() < moment
        assert (fold.now[:1] > fold.fit.times.max()).all() and len(set(fold.now.tolist())) <= 1
        if earlier is not None:
            assert rows_of(fold.fit) == sorted(rows_of(earlier.fit) + rows_of(earlier.held))
            assert rows_of(fold.fit.take(fold.rehearsal)) == rows_of(earlier.held)
    last = folds[-1]
    assert len(last.fit) + len(last.held) == len(log)


def test_windows_of_rolling_cuts_hold_equal_shares() -> None:
    log = arranged(log_of([(person, film, 4.0, 50 * person + film) for person in range(40) for film in range(50)]), 0)
    folds = rolling(log, 7)
    assert [len(fold.held) for fold in folds] == [200] * 8
    assert len(folds[0].fit) == 400


def test_more_cuts_than_moments_are_refused() -> None:
    log = log_of([(0, film, 4.0, film // 10) for film in range(40)])
    with pytest.raises(ValueError, match="8 cuts are too many"):
        rolling(log, 8)
    with pytest.raises(ValueError, match="at least 1"):
        rolling(log, 0)


@settings(deadline=None, max_examples=30)
@given(logs(), st.integers(0, 3))
def test_every_row_is_tested_once_in_cross_validation(log: Interactions, seed: int) -> None:
    parts = shuffled(log, seed)
    assert len(parts) == 5
    assert (np.sum([tested for _, tested in parts], axis=0) == 1).all()
    assert all((fitted == ~tested).all() for fitted, tested in parts)
    sizes = [int(tested.sum()) for _, tested in parts]
    assert max(sizes) - min(sizes) <= 1
