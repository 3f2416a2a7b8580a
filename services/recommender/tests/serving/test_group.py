"""Films for several people: nobody's misery, nobody's refusals, everybody's turn."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cine_recommender.domain import group
from cine_recommender.domain.filters import Filters
from cine_recommender.domain.preferences import Preferences
from cine_recommender.flows.group import ForGroup, GroupAnswer, GroupQuestion, Member
from cine_recommender.language.wording import Wording
from cinemesh.errors import InvalidArgument

from .conftest import Served
from .doubles import known
from .test_recommend import some

_NAMES = {"ann": "Ann", "bob": "Bob", "cat": "Cat"}


@given(
    members=st.integers(1, 5), films=st.integers(0, 60), count=st.integers(1, 30), seed=st.integers(0, 500),
    strategy=st.sampled_from(group.STRATEGIES),
)  # fmt: skip
def test_no_film_twice_and_what_is_nobodys_misery_first(
    members: int, films: int, count: int, seed: int, strategy: str
) -> None:
    scores = np.random.default_rng(seed).random((members, films)).astype(np.float32)
    chosen = group.order(scores, strategy, count)
    assert len(chosen) == len(set(chosen)) == min(count, films)
    if films:
        misery = (scores < np.quantile(scores, 0.25, axis=1, keepdims=True)).any(axis=0)
        marks = misery[chosen].tolist()
        assert marks == sorted(marks), "misery only when everything else is shown"


def test_least_misery_goes_by_the_least_and_average_by_the_mean() -> None:
    scores = np.array([[0.9, 0.6, 0.5, 0.0], [0.5, 0.6, 0.9, 0.0]], dtype=np.float32)
    assert group.order(scores, group.LEAST_MISERY, 4) == [1, 0, 2, 3]
    assert group.order(scores, group.AVERAGE, 4)[-2:] == [1, 3]
    assert group.together(scores, group.LEAST_MISERY) == pytest.approx([0.5, 0.6, 0.5, 0])
    assert group.together(scores, group.AVERAGE) == pytest.approx([0.7, 0.6, 0.7, 0])


def test_fair_lets_the_minority_choose_too() -> None:
    draw = np.random.default_rng(1)
    many, one = 0.5 + 0.5 * draw.random(40), 0.3 * draw.random(40) + 0.3
    many[30:], one[30:] = 0.66, 0.9  # what one of four loves, the others can live with
    scores = np.array([many, many, many, one], dtype=np.float32)
    fair, average = (set(group.order(scores, how, 8)) for how in (group.FAIR, group.AVERAGE))
    loved = set(range(30, 40))
    assert len(fair & loved) > len(average & loved)


class Names:
    """People by name."""

    async def find(self, username: str) -> str | None:
        return next((user_id for user_id, name in _NAMES.items() if name.casefold() == username.casefold()), None)

    async def name_of(self, user_id: str) -> str:
        return _NAMES.get(user_id, "")


async def asked(served: Served, *members: Member, shares: Any = ("bob",), **question: Any) -> GroupAnswer:
    async def of_sharing(user_id: str) -> Preferences | None:
        return served.people.preferences.get(user_id, Preferences()) if user_id in shares else None

    flow = ForGroup(
        asking=served.asking(),
        memory=SimpleNamespace(of=served.people.memory_of),
        people=Names(),
        sharing=SimpleNamespace(of_sharing=of_sharing),
        wording=Wording(),
        executor=served.executor,
    )
    return await flow.recommend("ann", GroupQuestion(members, **question))


def two(served: Served) -> None:
    served.people.known["ann"] = known([(film, 5.0) for film in some(served, 0, 4, 8)], refused=some(served, 40))
    served.people.known["bob"] = known([(film, 5.0) for film in some(served, 1, 5, 9)], refused=some(served, 41))


@pytest.mark.parametrize("strategy", group.STRATEGIES)
async def test_each_members_score_is_their_own(served: Served, strategy: str) -> None:
    two(served)
    found = await asked(served, Member(username="BOB"), strategy=strategy)
    assert list(found.names) == ["Ann", "Bob"]
    assert found.member_scores.shape == (20, 2)
    for member, user_id in enumerate(("ann", "bob")):
        own = {one.movie.movie_id: one.score for one in await served.every_page(user_id, size=100, include_seen=True)}
        assert found.member_scores[:, member] == pytest.approx([own[film] for film in found.page.movie_ids], abs=1e-6)
    of_all = found.member_scores.min(axis=1) if strategy == "least_misery" else found.member_scores.mean(axis=1)
    assert found.scores == pytest.approx(of_all)
    assert (found.model, found.reason) == ("hybrid/tiny", "")


async def test_what_any_of_them_saw_or_refused_or_struck_out_stays_away(served: Served) -> None:
    two(served)
    served.people.preferences["bob"] = Preferences(excluded_genres=("War", "No Such Genre"))
    vetoed = (await asked(served, Member(username="bob"))).page.movie_ids[:2]
    found = await asked(
        served, Member(username="bob"), limit=100, vetoed=tuple(vetoed), filters=Filters(excluded_genres=("Horror",))
    )
    away = {*vetoed, *some(served, 0, 4, 8, 1, 5, 9, 40, 41)}
    assert not set(found.page.movie_ids) & away
    rows = served.content.filters.in_genre
    by_id = [served.content.cinematch.row_of(film) for film in found.page.movie_ids]
    for genre in ("Horror", "War"):
        assert not rows[served.content.genres.index(genre), by_id].any()
    seen = await asked(served, Member(username="bob"), limit=300, include_seen=True)
    war = served.content.filters.in_genre[served.content.genres.index("War")]
    watched = [film for film in some(served, 0, 4, 8, 1, 5, 9) if not war[served.content.cinematch.row_of(film)]]
    assert len(watched) > 3
    assert set(watched) <= set(seen.page.movie_ids)
    assert not set(seen.page.movie_ids) & set(some(served, 40, 41))


async def test_the_callers_films_say_what_the_group_would_lose(served: Served) -> None:
    two(served)
    found = await asked(served, Member(username="bob"), strategy="average", limit=300)
    own = set(some(served, 0, 4, 8))
    told = {
        (film, one.movie_id): one.share
        for film, each in zip(found.page.movie_ids, found.page.because, strict=True)
        for one in each
    }
    assert told
    assert {movie_id for _, movie_id in told} <= own, "nobody else's films are told of"
    without = some(served, 4)[0]
    before = dict(zip(found.page.movie_ids, found.scores.tolist(), strict=True))
    served.people.known["ann"] = known(
        [(film, 5.0) for film in some(served, 0, 8)], seen=[without], refused=some(served, 40)
    )
    after = await asked(served, Member(username="bob"), strategy="average", limit=300)
    scores = dict(zip(after.page.movie_ids, after.scores.tolist(), strict=True))
    compared = [(before[film] - scores[film], share) for (film, movie_id), share in told.items() if movie_id == without]
    assert len(compared) > 5
    for lost, share in compared:
        assert lost == pytest.approx(share, abs=1e-5)


async def test_guests_count_by_what_they_say_they_like(served: Served) -> None:
    served.people.known["ann"] = known([(film, 5.0) for film in some(served, 0, 4, 8)])
    guest = Member(name="Dee", liked_movie_ids=(*some(served, 3, 7), 999_999))
    found = await asked(served, guest, Member(name="Eli", preferred_genres=("Horror",)), limit=30)
    assert list(found.names) == ["Ann", "Dee", "Eli"]
    assert found.reason == "liked_movie_ids that are not in the catalogue were left out: 999999"
    assert not set(found.page.movie_ids) & set(some(served, 3, 7))
    rows = [served.content.cinematch.row_of(film) for film in found.page.movie_ids]
    horror = served.content.filters.in_genre[served.content.genres.index("Horror"), rows]
    assert found.member_scores[horror, 2].mean() > found.member_scores[~horror, 2].mean()


async def test_somebody_who_does_not_share_and_nobody_are_told_alike(served: Served) -> None:
    two(served)
    for name in ("Cat", "Zoe"):
        with pytest.raises(InvalidArgument) as caught:
            await asked(served, Member(username="bob"), Member(username=name))
        assert str(caught.value) == f'nobody called "{name}" shares their taste'
        assert caught.value.violations[0][0] == "members[1].username"


async def test_the_caller_and_somebody_named_twice_count_once(served: Served) -> None:
    two(served)
    found = await asked(served, Member(username="bob"), Member(username="Bob"), Member(username="ann"))
    assert list(found.names) == ["Ann", "Bob"]


async def test_alone_without_models_or_with_one_that_fails_there_is_an_answer(served: Served) -> None:
    two(served)
    served.taste.taste.broken = True
    found = await asked(served, Member(username="bob"))
    assert found.reason == "the hybrid model failed to answer"
    assert len(found.page.movie_ids) == 20
    served.taste.taste = None
    found = await asked(served)
    assert (len(found.page.movie_ids), found.reason) == (20, "there is no hybrid model yet")
    nothing = await asked(served, filters=Filters(year_min=2190))
    assert nothing.page.movie_ids == []


async def test_what_they_prefer_together_narrows_for_all(served: Served) -> None:
    """The caller's services, languages that all understand who named any, the shortest of the longest running times; no years."""
    two(served)
    guest, facts = Member(name="Dee", preferred_genres=("Comedy",)), served.content.filters

    async def rows_of(mine: Preferences, bobs: Preferences, **question: Any) -> list[int]:
        served.people.preferences.update(ann=mine, bob=bobs)
        found = await asked(served, Member(username="bob"), guest, limit=30, **question)
        assert (found.model, found.reason, len(found.page.movie_ids)) == ("hybrid/tiny", "", 30)
        return [served.content.cinematch.row_of(film) for film in found.page.movie_ids]

    def on(services: tuple[str, ...], rows: list[int]) -> Any:
        return facts.on_service[[served.content.services.index(name) for name in services]][:, rows].any(axis=0)

    mine, theirs = ("Netflix", "Prime Video"), ("Hulu", "Disney+")
    ann = Preferences(services=mine, runtime_max=200)
    bob = Preferences((), ("War",), services=("Hulu",), year_min=2023, runtime_max=100)
    rows = await rows_of(ann, bob)
    assert on(mine, rows).all()
    assert (facts.runtimes[rows] <= 100).all()
    assert not facts.in_genre[served.content.genres.index("War"), rows].any()
    assert (facts.years[rows] < 2023).any()
    rows = await rows_of(ann, bob, filters=Filters(services=theirs, runtime_max=300))
    assert on(theirs, rows).all()
    assert (facts.runtimes[rows] > 100).any()
    rows = await rows_of(Preferences(languages=("fr", "ko")), Preferences(languages=("en", "fr")))
    assert (np.isin(rows, facts.languages["fr"]) | ~facts.spoken[rows]).all()
    rows = await rows_of(Preferences(languages=("ko",)), Preferences(languages=("fr",)))
    assert np.isin(rows, facts.languages["en"]).any(), "what they do not share narrows nothing"


async def test_preferences_that_leave_a_group_too_little_are_set_aside_and_nobodys_limits_break(served: Served) -> None:
    two(served)
    served.people.preferences["ann"] = Preferences(services=("Netflix",), runtime_max=60)
    served.people.preferences["bob"] = Preferences((), ("War",), languages=("mi",), runtime_max=120)
    found = await asked(served, Member(username="bob"), limit=100)
    said = "too few films would be left, so preferences for streaming services and running time were set aside"
    assert (found.model, found.reason) == ("hybrid/tiny", said)
    rows = [served.content.cinematch.row_of(film) for film in found.page.movie_ids]
    assert len(rows) == 100
    assert not served.content.filters.in_genre[served.content.genres.index("War"), rows].any()
