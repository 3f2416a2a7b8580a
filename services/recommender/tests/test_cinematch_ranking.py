"""The quick way to the best films gives exactly the answer of looking at all of them."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cine_recommender.domain.ranking import Liking, Ranked, Ranker, RankingTables, Wanted
from cine_recommender.domain.variety import Variety
from cine_recommender.training import rankings as training


def tables(
    seed: int, *, films: int, genres: int, services: int, depth: int, levels: int, most_genres: int = 20
) -> RankingTables:
    """Random tables; few levels of scores make many ties."""
    draw = np.random.default_rng(seed)
    scores = (draw.integers(0, levels + 1, (genres + 1, films)) / levels).astype(np.float32)
    on_service = np.vstack([draw.random((services, films)) < draw.uniform(0.02, 0.6), np.ones((1, films), bool)])
    rows = [np.flatnonzero(one).astype(np.int32) for one in on_service[:-1]]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(training, "MOST_GENRES", most_genres)
        sets = training.genre_sets(draw.integers(0, 100, genres))
    years = np.sort(np.where(draw.random(films) < 0.1, 0, draw.integers(1980, 1990, films))).astype(np.int32)
    return RankingTables(
        scores=scores,
        years=years,
        on_service=on_service,
        rankings=training.build_rankings(scores, rows, sets, depth),
        sets={group: number for number, group in enumerate(sets)},
        groups=draw.integers(-1, films // 4 + 1, (2, films)).astype(np.int32),
    )


def by_looking_at_everything(known: RankingTables, variety: Variety, wanted: Wanted) -> list[tuple[int, float]]:
    """The definition of the answer, one film after the other."""
    excluded = set(wanted.excluded.tolist())
    scored = []
    for row in range(len(known.years)):
        year = known.years[row]
        if row in excluded or (wanted.services and not any(known.on_service[s, row] for s in wanted.services)):
            continue
        if (wanted.year_min or wanted.year_max) and (
            year == 0 or year < wanted.year_min or (wanted.year_max and year > wanted.year_max)
        ):
            continue
        score = np.float32(0)
        for genre in wanted.genres or (-1,):
            score = np.float32(score + known.scores[genre, row])
        if wanted.liking is not None:
            score = np.float32(score * np.float32((1 - wanted.liking.share) / max(1, len(wanted.genres))))
            if row in wanted.liking.rows:
                near = wanted.liking.likeness[wanted.liking.rows.tolist().index(row)]
                score = np.float32(score + np.float32(near * np.float32(wanted.liking.share)))
        scored.append((-score, -row))
    order = [(-row, -score) for score, row in sorted(scored)]
    seen: Counter[tuple[int, int]] = Counter()
    taken, passed = [], []
    for place, (row, _) in enumerate(order):
        groups = [(kind, int(known.groups[kind, row])) for kind in (0, 1) if known.groups[kind, row] >= 0]
        limits = (variety.per_director, variety.per_series)
        if len(taken) < wanted.limit and all(seen[group] < limits[group[0]] for group in groups):
            seen.update(groups)
            taken.append(place)
        else:
            passed.append(place)
    taken += passed[: max(0, wanted.limit - len(taken))]
    share = 1 if wanted.liking is not None else max(1, len(wanted.genres))
    return [(order[place][0], float(order[place][1]) / share) for place in sorted(taken)]


@st.composite
def questions(draw: st.DrawFn) -> tuple[RankingTables, Wanted]:
    genres, services, films = draw(st.integers(1, 7)), draw(st.integers(0, 4)), draw(st.integers(1, 160))
    known = tables(
        draw(st.integers(0, 10_000)),
        films=films,
        genres=genres,
        services=services,
        depth=draw(st.sampled_from([2, 8, 32, 200])),
        levels=draw(st.sampled_from([2, 10, 100_000])),
        most_genres=draw(st.sampled_from([0, 3, 20])),
    )
    liking = None
    if draw(st.booleans()):
        rows = np.array(sorted(draw(st.sets(st.integers(0, films - 1), max_size=12))), dtype=np.int32)
        likeness = np.array([draw(st.integers(1, 16)) / 16 for _ in rows], dtype=np.float32)
        liking = Liking(rows, likeness, 0.5)
    return known, Wanted(
        genres=tuple(sorted(draw(st.sets(st.integers(0, genres - 1))))),
        services=tuple(sorted(draw(st.sets(st.integers(0, services - 1))))) if services else (),
        limit=draw(st.integers(1, 25)),
        year_min=draw(st.sampled_from([0, 0, 1982, 1989])),
        year_max=draw(st.sampled_from([0, 0, 1989, 1990])),
        liking=liking,
        excluded=np.array(sorted(draw(st.sets(st.integers(0, films - 1), max_size=10))), dtype=np.int32),
    )


@settings(max_examples=400, deadline=None)
@given(question=questions(), per_director=st.integers(1, 3), per_series=st.integers(1, 3))
def test_the_quick_way_is_exact(question: tuple[RankingTables, Wanted], per_director: int, per_series: int) -> None:
    known, wanted = question
    variety = Variety(per_director, per_series)
    answer = Ranker(known, variety).rank(wanted)
    expected = by_looking_at_everything(known, variety, wanted)
    assert answer.rows.tolist() == [row for row, _ in expected]
    assert answer.scores.tolist() == pytest.approx([score for _, score in expected], abs=1e-6)


def answered(wanted: Wanted, **shape: int) -> Ranked:
    known = tables(3, **{"films": 5000, "genres": 8, "services": 3, "depth": 128, "levels": 100_000, **shape})
    return Ranker(known, Variety(1000, 1000)).rank(wanted)


@pytest.mark.parametrize("genres", [(), (2,), (1, 4), (0, 3, 7)])
@pytest.mark.parametrize("services", [(), (1,), (0, 2)])
def test_up_to_three_genres_are_answered_from_rankings_known_in_advance(
    genres: tuple[int, ...], services: tuple[int, ...]
) -> None:
    assert answered(Wanted(genres=genres, services=services)).pruned


def test_a_narrow_range_of_years_is_answered_by_looking_at_its_films() -> None:
    answer = answered(Wanted(genres=(1,), year_min=1985, year_max=1985))
    assert not answer.pruned
    assert len(answer.rows) == 20


def test_scores_fall_and_lie_between_0_and_1() -> None:
    scores = answered(Wanted(genres=(0, 1, 2, 3, 4))).scores
    assert (np.diff(scores) <= 0).all()
    assert scores.min() >= 0
    assert scores.max() <= 1


def test_one_director_does_not_fill_the_answer() -> None:
    known = tables(1, films=100, genres=1, services=0, depth=16, levels=1000)
    best = np.argsort(-known.scores[0], kind="stable")[:10]
    known.groups[:] = -1
    known.groups[0, best] = 5
    rows = Ranker(known, Variety(2, 2)).rank(Wanted(genres=(0,), limit=20)).rows
    assert np.isin(rows, best).sum() == 2
    everyone = Ranker(known, Variety(2, 2)).rank(Wanted(genres=(0,), limit=100)).rows
    assert sorted(everyone.tolist()) == list(range(100)), "when there is nobody else, they come after all"
