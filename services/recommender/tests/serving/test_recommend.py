"""What people get: films that suit them, that they may see, in an order that lasts."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from cine_recommender.domain import impression_bytes
from cine_recommender.domain.filters import Filters
from cine_recommender.domain.preferences import Preferences
from cine_recommender.domain.reranking import Reranking
from cine_recommender.experiments.assignment import Assignment
from cine_recommender.signals.context import Situation

from .conftest import Served
from .doubles import NOW, known

PLAIN = Reranking(0, 0, 100, 100)


def ids(films: Any) -> list[int]:
    return [one.movie.movie_id for one in films]


def some(served: Served, *places: int) -> list[int]:
    return [int(served.taste.taste.film_ids[place]) for place in places]


def rated(served: Served, **more: Any) -> Any:
    films = some(served, 0, 4, 8, 12, 16, 20, 1)
    return known([(film, 5.0 if place < 6 else 2.0) for place, film in enumerate(films)], **more)


async def test_an_answer_says_what_it_is(served: Served) -> None:
    served.people.known["ann"] = rated(served)
    answer, films = await served.ask()
    assert (answer.rung, answer.reason, answer.model, answer.profile) == ("personal", "", "hybrid/tiny", "tuned")
    assert len(films) == 20
    assert [one.rank for one in films] == list(range(1, 21))
    assert answer.total == len(served.content) - 1 - 7
    for one in films:
        parts = one.components
        total = parts.collaborative + parts.content + parts.graph + parts.sentiment + parts.popularity + parts.context
        assert total == pytest.approx(one.score, abs=1e-6)
        assert 0 < one.score <= 1
        assert one.explanation.text
        assert one.movie.title


async def test_what_a_film_of_the_history_adds_is_what_the_score_loses_without_it(served: Served) -> None:
    served.people.known["ann"] = rated(served)
    _, films = await served.ask(size=100)
    told = [(one.movie.movie_id, one.score, because) for one in films for because in one.explanation.because]
    assert len(told) > 20
    by_film = {because.movie_id for _, _, because in told}
    for without in by_film:
        before = served.people.known["ann"]
        kept = before.movie_ids != without
        served.people.known[f"not-{without}"] = replace(
            before, movie_ids=before.movie_ids[kept], ratings=before.ratings[kept], times=before.times[kept], version=9
        )
        scores = {one.movie.movie_id: one.score for one in await served.every_page(f"not-{without}", size=100)}
        for movie_id, score, because in told:
            if because.movie_id == without:
                assert score - scores[movie_id] == pytest.approx(because.share, abs=1e-5)


async def test_the_because_films_are_the_persons_own_with_their_ratings(served: Served) -> None:
    served.people.known["ann"] = rated(served)
    _, films = await served.ask()
    own = dict(zip(served.people.known["ann"].movie_ids.tolist(), served.people.known["ann"].ratings, strict=True))
    for one in films:
        shares = [because.share for because in one.explanation.because]
        assert shares == sorted(shares, reverse=True)
        for because in one.explanation.because:
            assert because.overall == own[because.movie_id]
            assert because.title


async def test_seen_and_refused_films_stay_away_and_seen_ones_return_when_asked_for(served: Served) -> None:
    best = ids((await served.ask("nobody"))[1])[:4]
    served.people.known["ann"] = rated(served, seen=best[:2], refused=best[2:])
    history = set(served.people.known["ann"].movie_ids.tolist())
    shown = ids(await served.every_page(size=100))
    assert not set(shown) & (set(best) | history)
    assert len(shown) == len(set(shown))
    with_seen = ids(await served.every_page(size=100, include_seen=True))
    assert set(best[:2]) | history <= set(with_seen)
    assert not set(best[2:]) & set(with_seen)


async def test_all_pages_together_are_all_films_that_pass(served: Served) -> None:
    served.people.known["ann"] = rated(served)
    served.recommend = served.remade()
    for size in (7, 100):
        answer, _ = await served.ask(size=size)
        films = await served.every_page(size=size)
        assert len(films) == len(set(ids(films))) == answer.total
        assert [one.rank for one in films] == list(range(1, answer.total + 1))


async def test_whoever_leafs_beyond_the_best_gets_all_of_them(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    served.people.known["ann"] = rated(served)
    whole = ids(await served.every_page(size=20))
    monkeypatch.setattr("cine_recommender.flows.pipeline.rank.__defaults__", (120,))
    served.recommend = served.remade()
    assert ids(await served.every_page(size=20)) == whole


@pytest.mark.parametrize("options", [{}, {"cache_seconds": 0}])
@pytest.mark.parametrize("forgotten", [False, True])
async def test_a_page_goes_on_where_the_one_before_ended_although_the_person_acts(
    served: Served, options: dict[str, Any], forgotten: bool
) -> None:
    served.people.known["ann"] = rated(served)
    served.recommend = served.remade(**options)
    expected = ids(await served.every_page(size=10))
    first, films = await served.ask(size=10)
    served.clock.now += 60
    served.people.rate("ann", ids(films)[3], 1.0, served.clock.now)
    served.people.rate("ann", expected[14], 5.0, served.clock.now)
    if forgotten:  # another replica, or a restart
        served.recommend = served.remade(**options)
    second, more = await served.ask(size=10, page=first.next)
    assert ids(more) == [film for film in expected[10:21] if film != expected[14]]
    assert [one.rank for one in more] == [11, 12, 13, 14, 16, 17, 18, 19, 20, 21]
    _, rest = await served.ask(size=10, page=second.next)
    assert ids(rest) == expected[21:31]
    assert [one.rank for one in rest] == list(range(22, 32))


async def test_what_is_refused_between_pages_is_gone_and_nothing_is_shown_twice(served: Served) -> None:
    served.people.known["ann"] = rated(served)
    first, films = await served.ask(size=10)
    before = served.people.known["ann"]
    refused = np.array(sorted(ids(films)[2:4]), dtype=np.int32)
    served.people.known["ann"] = replace(before, refused=refused, version=5)
    _, more = await served.ask(size=10, page=first.next)
    assert not set(ids(more)) & set(ids(films))
    assert len(more) == 10
    served.recommend = served.remade()
    _, again = await served.ask(size=10, page=first.next)
    assert len(again) == 10
    assert not set(ids(again)) & set(refused.tolist())


async def test_a_token_handed_to_somebody_else_shows_them_nothing_of_its_owner(served: Served) -> None:
    served.people.known["ann"] = rated(served)
    served.people.known["bob"] = known([(film, 5.0) for film in some(served, 2, 6, 10)])
    first, _ = await served.ask("ann", size=10)
    _, theirs = await served.ask("bob", size=10, page=first.next)
    own = set(served.people.known["bob"].movie_ids.tolist())
    assert all(because.movie_id in own for one in theirs for because in one.explanation.because)


@pytest.mark.parametrize("cache_seconds", [0, 3600])
async def test_the_next_answer_knows_what_the_person_just_did(served: Served, cache_seconds: float) -> None:
    served.people.known["ann"] = rated(served)
    served.recommend = served.remade(cache_seconds=cache_seconds)
    _, before = await served.ask()
    served.people.rate("ann", ids(before)[0], 5.0, NOW)
    _, after = await served.ask()
    assert ids(before)[0] not in ids(after)
    assert [one.score for one in after] != [one.score for one in before][1:]


async def test_an_answer_is_kept_while_nothing_changes(served: Served) -> None:
    served.people.known["ann"] = rated(served)
    first, _ = await served.ask()
    ranked = served.taste.taste.ranked
    again, _ = await served.ask()
    assert served.taste.taste.ranked == ranked
    assert again.body == first.body
    assert again.request_id != first.request_id
    await served.ask(filters=Filters(year_min=1990))
    served.clock.now += 3600
    await served.ask()
    assert served.taste.taste.ranked == ranked + 2, "another question, another hour"
    served.recommend = served.remade(cache_seconds=0)
    await served.ask()
    await served.ask()
    assert served.taste.taste.ranked == ranked + 4


async def test_each_filter_holds(served: Served) -> None:
    served.people.known["ann"] = rated(served)
    films = await served.every_page(
        size=50,
        filters=Filters(genres=("Drama",), year_min=1990, year_max=2015, runtime_max=100, services=("Netflix",)),
    )
    assert films
    for one in films:
        assert "Drama" in one.movie.genres
        assert 1990 <= one.movie.year <= 2015
        assert 1 <= one.movie.runtime_minutes <= 100
        assert "Netflix" in one.movie.streaming_services


async def test_genres_never_wanted_stay_away_unless_asked_for_by_name(served: Served) -> None:
    served.people.known["ann"] = rated(served)
    served.people.preferences["ann"] = Preferences(excluded_genres=("Horror", "No Such Genre"))
    assert all("Horror" not in one.movie.genres for one in await served.every_page(size=100))
    assert (await served.ask(filters=Filters(genres=("Horror",))))[1]


async def test_dismissed_films_move_back_and_return_with_time(served: Served) -> None:
    served.recommend = served.remade(reranking=PLAIN)
    served.people.known["ann"] = rated(served)
    best = ids((await served.ask())[1])[0]
    places = []
    for version, at in enumerate((NOW - 60, NOW - 20 * 86_400, NOW - 31 * 86_400), start=2):
        served.people.known["ann"] = rated(served, dismissed=[(best, at)], version=version)
        places.append(ids(await served.every_page(size=100)).index(best))
    assert places[0] > places[1] > 0
    assert places[2] == 0


async def test_diversity_is_what_the_request_says_then_the_experiment_then_the_house(served: Served) -> None:
    served.people.known["ann"] = rated(served)
    orders = {}
    for name, mine, theirs in (("house", None, None), ("experiment", None, 0.9), ("request", 0.0, 0.9)):
        served.people.assigned["ann"] = Assignment("e", name, "tuned", theirs)
        orders[name] = ids((await served.ask(diversity=mine))[1])
    served.people.assigned.clear()
    assert ids((await served.ask())[1]) == orders["house"]
    assert ids((await served.ask(diversity=0.9))[1]) == orders["experiment"] != orders["house"]
    assert ids((await served.ask(diversity=0.0))[1]) == orders["request"] != orders["experiment"]


async def test_the_profile_is_what_the_request_says_then_the_experiment_then_the_best(served: Served) -> None:
    served.people.known["ann"] = rated(served)
    assert (await served.ask())[0].profile == "tuned"
    served.people.assigned["ann"] = Assignment("e", "b", "default", None)
    assert (await served.ask())[0].profile == "default"
    assert (await served.ask(profile="tuned"))[0].profile == "tuned"
    served.taste.taste.profiles = ("tuned",)
    answer, _ = await served.ask(profile="default")
    assert (answer.profile, answer.reason) == ("tuned", 'the hybrid model has no weights "default"')


async def test_the_log_gets_what_was_shown(served: Served) -> None:
    served.people.known["ann"] = rated(served)
    served.people.assigned["ann"] = Assignment("e", "b", "default", None)
    first, films = await served.ask(size=5)
    _, more = await served.ask(size=5, page=first.next)
    one, two = served.people.taken_down
    assert (one.request_id, one.user_id, one.rung, one.profile) == (first.request_id, "ann", "personal", "default")
    assert (one.experiment_id, one.variant) == ("e", "b")
    assert list(one.movie_ids) == ids(films)
    assert list(two.movie_ids) == ids(more)
    details = impression_bytes.decode(two.details())
    assert details.ranks.tolist() == [6, 7, 8, 9, 10]
    assert details.scores == pytest.approx([one.score for one in more])
    assert [told.text for told in details.told] == [one.explanation.text for one in more]
    assert details.signals[0].signal == "ease"
    assert details.signal_scores.shape == (5, 1)
    taste, before = served.taste.taste, served.people.known["ann"]
    history = taste.history(before.movie_ids, before.ratings, before.times)
    every = taste.rank(history, now=NOW, allowed=~np.isin(taste.film_ids, before.movie_ids)).views[:, 0].tolist()
    for score, rank in zip(details.signal_scores[:, 0].tolist(), details.signal_ranks[:, 0].tolist(), strict=True):
        assert rank == 1 + sum(one > score for one in every)


async def test_the_situation_counts(served: Served) -> None:
    served.people.known["ann"] = rated(served)
    _, films = await served.ask(situation=Situation(mood="funny"))
    assert any(one.components.context > 0 for one in films)


async def test_films_named_in_a_wish_count_as_liked_for_this_answer_alone(served: Served) -> None:
    liked = some(served, 3)
    answer, films = await served.ask("new", like_movie_ids=tuple(liked))
    assert answer.rung == "personal"
    assert liked[0] not in ids(films)
    because = {own.movie_id for one in films for own in one.explanation.because}
    assert because == set(liked)
    assert all(not own.HasField("overall") for one in films for own in one.explanation.because)
    assert (await served.ask("new"))[0].rung == "genre_popularity"


async def test_a_wish_narrows_to_films_about_it(served: Served) -> None:
    served.people.known["ann"] = rated(served)
    answer, films = await served.ask(about="a robot and a ghost")
    assert 0 < answer.total < len(served.content)
    named = [word for one in films[:10] for word in ("robot", "ghost") if word in one.movie.overview.lower()]
    assert len(named) >= 8
    for one in films:
        parts = one.components
        total = parts.collaborative + parts.content + parts.graph + parts.sentiment + parts.popularity + parts.context
        assert total == pytest.approx(one.score, abs=1e-6)
