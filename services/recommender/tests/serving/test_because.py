"""Rows for films liked lately."""

from __future__ import annotations

import numpy as np

from cine_recommender.flows.because import BecauseYouWatched, Rows
from cine_recommender.language.wording import Wording

from .conftest import Served
from .doubles import known
from .test_recommend import some


async def rows_of(served: Served, *services: str, rows: int = 3, row_size: int = 10) -> Rows:
    flow = BecauseYouWatched(served.asking(), Wording(), served.executor)
    return await flow.rows("ann", services, rows, row_size)


def sources(served: Served, found: Rows) -> list[int]:
    cards = [served.content.cards.card(row) for row in range(len(served.content))]
    return [int(served.content.movie_ids[cards.index(row.card)]) for row in found.rows]


async def test_a_row_is_of_films_like_the_one_liked_that_may_be_shown(served: Served) -> None:
    served.people.known["ann"] = known([(2571, 5.0)], seen=[6934])
    found = await rows_of(served)
    assert sources(served, found) == [2571]
    assert found.rows[0].page.movie_ids[0] == 6365
    assert not {2571, 6934} & set(found.rows[0].page.movie_ids)
    assert (found.model, found.reason) == ("hybrid/tiny", "")
    assert np.abs(found.rows[0].page.shares.sum(axis=1) - found.rows[0].page.scores).max() < 1e-6


async def test_rows_are_for_what_was_liked_last_and_share_no_film(served: Served) -> None:
    films = some(served, *range(0, 60, 3))
    served.people.known["ann"] = known([(film, 5.0 if place % 4 else 1.0) for place, film in enumerate(films)])
    found = await rows_of(served, rows=4, row_size=5)
    liked = [film for place, film in enumerate(films) if place % 4][::-1]
    of = sources(served, found)
    assert len(of) == 4
    assert [film for film in liked if film in of] == of
    shown = [movie_id for row in found.rows for movie_id in row.page.movie_ids]
    assert len(shown) == len(set(shown)) <= 20
    assert not set(shown) & set(films)


async def test_two_films_of_a_series_do_not_make_two_rows(served: Served) -> None:
    served.people.known["ann"] = known([(4973, 5.0), (6365, 5.0), (6934, 5.0)])
    assert set(sources(served, await rows_of(served, rows=10))) <= {6934, 4973}


async def test_a_service_narrows_and_nothing_liked_is_no_row(served: Served) -> None:
    served.people.known["ann"] = known([(film, 5.0) for film in some(served, *range(12))])
    on = set(
        served.content.movie_ids[served.content.filters.on_service[served.content.services.index("Hulu")]].tolist()
    )
    found = await rows_of(served, "Hulu")
    assert found.rows
    assert all(set(row.page.movie_ids) <= on for row in found.rows)
    served.people.known["ann"] = known([(film, 2.0) for film in some(served, *range(12))], version=2)
    assert not (await rows_of(served)).rows


async def test_without_the_hybrid_model_or_with_one_that_fails_there_are_rows_all_the_same(served: Served) -> None:
    served.people.known["ann"] = known([(2571, 5.0)])
    served.taste.taste.broken = True
    found = await rows_of(served)
    assert found.rows
    assert found.reason == "the hybrid model failed to answer"
    served.taste.taste = None
    found = await rows_of(served)
    assert found.rows
    assert found.reason == "there is no hybrid model yet"
