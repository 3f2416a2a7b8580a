"""Each rung answers when what is above it is taken away, and says so."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from cine_recommender.domain.filters import Filters
from cine_recommender.domain.preferences import Preferences
from cine_recommender.domain.standins import liked_rows, likeness_reasons

from .conftest import Served
from .doubles import known
from .test_recommend import ids, rated, some


async def test_with_everything_there_it_is_personal(served: Served) -> None:
    served.people.known["ann"] = rated(served)
    answer, _ = await served.ask()
    assert (answer.rung, answer.reason) == ("personal", "")


async def test_without_memory_it_is_what_was_known_last(served: Served) -> None:
    served.people.known["ann"] = rated(served, refused=some(served, 30))
    _, before = await served.ask()
    served.people.away = True
    answer, films = await served.ask()
    assert answer.rung == "cached_personal"
    assert answer.reason == "what you did lately cannot be read at present"
    assert ids(films) == ids(before)
    assert films[0].explanation.because
    other, elsewhere = await served.ask(filters=Filters(year_min=2000))
    assert other.rung == "cached_personal"
    assert all(one.movie.year >= 2000 for one in elsewhere)
    shown = set(ids(await served.every_page(size=100)))
    assert not shown & {*served.people.known["ann"].movie_ids.tolist(), *some(served, 30)}
    served.people.away = False
    assert (await served.ask())[0].rung == "personal"


async def test_without_memory_of_somebody_never_met_it_is_what_everybody_watches(served: Served) -> None:
    served.people.away = True
    answer, films = await served.ask("stranger")
    assert (answer.rung, len(films)) == ("genre_popularity", 20)
    assert answer.reason == "what you did lately cannot be read at present"


async def test_without_the_hybrid_model_it_is_films_like_those_that_were_liked(served: Served) -> None:
    served.people.known["ann"] = known([(2571, 5.0), (4973, 1.0)])
    served.taste.taste = None
    answer, films = await served.ask(diversity=0.0)
    assert (answer.rung, answer.reason) == ("item_model", "there is no hybrid model yet")
    assert answer.model.startswith("content/")
    assert answer.profile == ""
    assert [one.movie.title for one in films[:2]] == ["The Matrix Reloaded", "The Matrix Revolutions"]
    assert films[0].explanation.because[0].title == "The Matrix"
    assert films[0].components.content > films[0].components.popularity > 0
    assert not {2571, 4973} & set(ids(films))


async def test_likeness_shares_are_what_the_score_loses(served: Served) -> None:
    served.taste.taste = None
    liked = [(2571, 5.0), (6365, 4.0), (4973, 4.5), (10_010, 3.5)]
    served.people.known["ann"] = known(liked)
    films = await served.every_page(size=100)
    told = [(one.movie.movie_id, one.score, own) for one in films for own in one.explanation.because]
    assert len(told) > 20
    for without, _ in liked:
        served.people.known[f"not-{without}"] = known([one for one in liked if one[0] != without])
        scores = {one.movie.movie_id: one.score for one in await served.every_page(f"not-{without}", size=100)}
        for movie_id, score, own in told:
            if own.movie_id == without:
                assert score - scores[movie_id] == pytest.approx(own.share, abs=1e-5)


def test_a_liked_film_that_is_all_there_is_to_say() -> None:
    import numpy as np

    def neighbours(row: int) -> Any:
        return np.array([5], dtype=np.int32), np.array([1.0], dtype=np.float32)

    liked, weights = liked_rows(np.array([1, 2], dtype=np.int32), np.array([5.0, 5.0], dtype=np.float32))
    said = likeness_reasons(liked, weights, neighbours, np.array([5], dtype=np.int32))
    assert said == [[]], "each alone would do: without either the score stays"


async def test_a_hybrid_model_that_fails_is_not_the_end(served: Served) -> None:
    served.people.known["ann"] = known([(2571, 5.0)])
    served.taste.taste.broken = True
    answer, films = await served.ask()
    assert (answer.rung, answer.reason) == ("item_model", "the hybrid model failed to answer")
    assert len(films) == 20
    served.taste.taste.broken = False
    served.people.rate("ann", int(served.taste.taste.film_ids[3]), 5.0, 1)
    assert (await served.ask())[0].rung == "personal"


async def test_a_history_the_hybrid_model_knows_nothing_of(served: Served) -> None:
    unknown = int(served.content.movie_ids[0])
    assert unknown not in served.taste.taste.film_ids
    served.people.known["ann"] = known([(unknown, 5.0)])
    answer, films = await served.ask()
    assert (answer.rung, answer.reason) == ("item_model", "the hybrid model knows none of the films you rated")
    assert len(films) == 20


async def test_somebody_new_gets_what_everybody_watches_and_nothing_is_missing(served: Served) -> None:
    answer, films = await served.ask("new")
    assert (answer.rung, answer.reason) == ("genre_popularity", "")
    assert all(not one.explanation.because for one in films)


@pytest.mark.parametrize("with_taste", [True, False])
async def test_somebody_new_who_said_what_they_prefer_gets_that(served: Served, with_taste: bool) -> None:
    if not with_taste:
        served.taste.taste = None
    plain = await served.ask("new")
    served.people.preferences["new"] = Preferences(preferred_genres=("Horror", "Romance"))
    answer, films = await served.ask("new")
    assert answer.rung == "genre_popularity"
    assert ids(films) != ids(plain[1])
    fitting = [one for one in films if {"Horror", "Romance"} & set(one.movie.genres)]
    assert len(fitting) >= 18
    assert answer.reason == ("" if with_taste else "there is no hybrid model yet")


class SomeCatalogue:
    """A catalogue that has some of the films that are shipped."""

    def __init__(self, *movie_ids: int) -> None:
        self.movie_ids = movie_ids

    async def cards(self, movie_ids: Any) -> dict[int, Any]:
        from cine.common.v1 import film_card_pb2

        there = [one for one in self.movie_ids if one in movie_ids]
        return {one: film_card_pb2.FilmCard(movie_id=one, title=f"Film {one}", genres=["Drama"]) for one in there}


async def test_without_any_model_it_is_a_list_that_was_shipped(served: Served) -> None:
    served.people.known["ann"] = known([(2571, 5.0)], refused=[858])
    served.recommend._asking._content = SimpleNamespace(loaded=None)  # type: ignore[assignment]
    answer, films = await served.ask(size=10)
    assert (answer.rung, answer.model, answer.profile) == ("shipped_list", "shipped-list", "")
    assert answer.reason == "there is no model yet; the catalogue does not answer"
    assert len(films) == 10
    assert films[0].movie.title
    assert not {2571, 858} & set(ids(await served.every_page(size=10)))
    assert len(await served.every_page(size=10)) == answer.total > 40
    crime = await served.every_page(filters=Filters(genres=("Crime",), year_min=1990, languages=("en",)))
    assert crime
    assert all("Crime" in one.movie.genres and one.movie.year >= 1990 for one in crime)
    served.people.away = True
    assert "what you did lately" in (await served.ask("stranger"))[0].reason


async def test_shipped_films_are_those_of_the_catalogue_while_it_answers(served: Served) -> None:
    served.recommend._asking._content = SimpleNamespace(loaded=None)  # type: ignore[assignment]
    served.recommend._cards = SomeCatalogue(900449, 858)
    answer, films = await served.ask()
    assert [one.movie.title for one in films] == ["Film 900449", "Film 858"]
    assert answer.reason == "there is no model yet"
