"""What somebody would rate a film, and what is said when that cannot be known."""

from __future__ import annotations

import numpy as np
import pytest

from cine_recommender.flows.prediction import Predicting
from cinemesh.errors import NotFound, Reason

from .conftest import Served
from .doubles import known
from .test_recommend import some


def predicting(served: Served) -> Predicting:
    return Predicting(served.asking(), served.executor)


async def test_the_hybrid_model_predicts_from_the_history(served: Served) -> None:
    films = some(served, 1, 2, 3)
    served.people.known["ann"] = known([(film, 2.0) for film in films])
    found = await predicting(served).predict("ann", some(served, 9)[0])
    assert (found.predicted.stars, found.predicted.low, found.predicted.high) == (2.0, 1.0, 3.0)
    assert (found.rating_count, found.model, found.reason) == (3, "hybrid/tiny", "")


async def test_a_rating_of_the_film_itself_is_not_behind_its_prediction(served: Served) -> None:
    films = some(served, 1, 2)
    served.people.known["ann"] = known([(films[0], 2.0), (films[1], 5.0)])
    found = await predicting(served).predict("ann", films[1])
    assert (found.predicted.stars, found.rating_count) == (2.0, 1)


async def test_without_the_hybrid_model_it_is_the_films_own_mean(served: Served) -> None:
    served.taste.taste = None
    found = await predicting(served).predict("ann", 2571)
    assert found.predicted.stars == pytest.approx(4.156, abs=0.03), "900 ratings hold against ten usual ones"
    assert found.predicted.low < found.predicted.stars < found.predicted.high <= 5
    assert found.reason == "there is no hybrid model yet"
    rare = int(served.content.movie_ids[np.flatnonzero(served.content.rating_counts == 0)[0]])
    counts, means = served.content.rating_counts, served.content.filters.mean_ratings
    assert (await predicting(served).predict("ann", rare)).predicted.stars == pytest.approx(
        float((counts * means).sum() / counts.sum()), abs=1e-4
    )


async def test_a_film_the_hybrid_model_does_not_know(served: Served) -> None:
    unknown = int(served.content.movie_ids[0])
    found = await predicting(served).predict("ann", unknown)
    assert found.reason == "the hybrid model does not know the film"
    assert found.model.startswith("content/")


async def test_a_film_that_does_not_exist(served: Served) -> None:
    with pytest.raises(NotFound) as caught:
        await predicting(served).predict("ann", 123)
    assert caught.value.reason is Reason.MOVIE_NOT_FOUND
