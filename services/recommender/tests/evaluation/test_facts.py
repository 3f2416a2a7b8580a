from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from cine_recommender.evaluation.facts import known_facts, looks
from cine_recommender.evaluation.reading import Log, read_log
from cine_recommender.evaluation.splits import arranged, temporal
from cine_recommender.training.films import prepare

from .test_reading import folder

RATINGS = "userId,movieId,rating,timestamp\n" + "".join(
    f"{person},{film},5,{film}\n" for person in (1, 2) for film in range(1, 11)
)
MOVIES = "movieId,title,genres\n" + "".join(
    f"{film},Film {film} ({1980 + film}),{'Drama|War' if film % 2 else 'Comedy'}\n" for film in range(1, 10)
)
TAGS = """userId,movieId,tag,timestamp
1,3,Submarine,3
2,3, submarine ,500
2,4,submarine,4
1,9,finale,9
3,9,finale,9
"""


@pytest.fixture
def log(tmp_path: Path) -> Log:
    return read_log(folder(tmp_path, ratings=RATINGS, movies=MOVIES, tags=TAGS))


def column_of(film_ids: np.ndarray, film: int) -> int:
    return int(np.flatnonzero(film_ids == film)[0])


def test_facts_lie_in_the_order_of_the_cut(log: Log) -> None:
    _, fold = temporal(arranged(log.interactions, 5))
    facts = known_facts(log, fold)
    ids = fold.fit.film_ids
    assert ids.tolist() != sorted(ids.tolist())
    assert facts.years.tolist() == [1980 + film if film < 10 else 0 for film in ids]
    assert facts.genres.shape == (10, 3)
    assert facts.genres.sum(axis=1).tolist() == [0 if film == 10 else 1 + film % 2 for film in ids]
    norms = np.sqrt(np.asarray(facts.terms.multiply(facts.terms).sum(axis=1)).ravel())
    assert np.flatnonzero(norms).tolist() == sorted(column_of(ids, film) for film in (3, 4, 9))
    np.testing.assert_allclose(norms[norms > 0], 1, rtol=1e-6)
    assert facts.keywords.shape == (10, 1) and facts.keywords.sum() == 2  # "submarine" alone is on two films


def test_a_tag_that_tells_what_somebody_is_tested_on_is_not_known(log: Log) -> None:
    _, fold = temporal(arranged(log.interactions, 5))  # films 9 and 10 are the test of both
    facts = known_facts(log, fold)
    # 1 tagged film 9, which is held out for them; 3, who rates nothing, tagged it as well and may be heard
    assert facts.terms[column_of(fold.fit.film_ids, 9)].nnz == 1
    without = dataclasses.replace(log, tags=log.tags.filter(pl.col("person_id") != 3))
    assert known_facts(without, fold).terms[column_of(fold.fit.film_ids, 9)].nnz == 0


def test_tags_written_after_a_cut_are_not_known(log: Log) -> None:
    _, fold = temporal(arranged(log.interactions, 5))
    early = known_facts(log, fold, until=4)
    assert early.terms.nnz == 1 and early.terms[column_of(fold.fit.film_ids, 3)].nnz == 1


def test_measures_of_variety_know_genres_in_shares_and_all_tags(log: Log) -> None:
    ids = arranged(log.interactions, 5).film_ids
    found = looks(log, ids)
    assert found.genres[column_of(ids, 3)].tolist() == [0, 0.5, 0.5]
    likeness = (found.content @ found.content.T).toarray()
    assert likeness[column_of(ids, 3), column_of(ids, 5)] == pytest.approx(1 / np.sqrt(2), rel=1e-5)
    assert likeness[column_of(ids, 3), column_of(ids, 4)] == pytest.approx(0.5, rel=1e-5)
    assert likeness[column_of(ids, 10)].sum() == 0


def test_the_catalogue_adds_people_keywords_and_texts(log: Log) -> None:
    def row(film: int, crew: str, words: str) -> dict[str, object]:
        told: dict[str, object] = dict.fromkeys(("genres", "poster_url", "streaming_services", "imdb_id", "cast"), "")
        return told | {
            "movie_id": film, "title": f"Film {film}", "year": 1980, "directors": crew, "keywords": words,
            "overview": "A crew hides under the ice." if words else "", "runtime_minutes": 90 + film,
            "tmdb_id": 0, "average_rating": 0.0, "rating_count": 0,
        }  # fmt: skip

    rows = [row(3, "Ana Berg", "ice|crew"), row(4, "Ana Berg", "ice"), row(5, "Alone", ""), row(77, "Ana Berg", "ice")]
    catalogue = prepare(pl.DataFrame(rows), fingerprint="x")
    _, fold = temporal(arranged(log.interactions, 5))
    facts = known_facts(log, fold, catalogue=catalogue)
    ids = fold.fit.film_ids
    third, fourth, fifth = (column_of(ids, film) for film in (3, 4, 5))
    assert facts.people.shape == (10, 1) and set(facts.people.nonzero()[0]) == {third, fourth}
    assert facts.keywords.shape[1] == 2  # ice, and the tag
    assert facts.runtimes[third] == 93 and facts.runtimes.sum() == 93 + 94 + 95
    assert np.linalg.norm(facts.meaning[third]) == pytest.approx(1, rel=1e-5)
    assert not facts.meaning[fifth].any()
    none = known_facts(log, fold, catalogue=prepare(pl.DataFrame([row(77, "", "")]), fingerprint="y"))
    assert none.people.shape == (10, 0)
