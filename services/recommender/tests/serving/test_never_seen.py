"""Whatever is asked for, in whatever order things happen: what was seen or refused is not shown, and every filter holds."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cine_recommender.domain.filters import Filters
from cine_recommender.domain.known import Known
from cine_recommender.domain.paging import Position, cut
from cine_recommender.domain.preferences import Preferences
from cine_recommender.domain.question import Question
from cine_recommender.domain.reranking import Reranking
from cine_recommender.flows.pipeline import Asked, Models, extended, rank
from cine_recommender.language.wish import Wish
from cine_recommender.models.content import ContentModel

from .doubles import NOW, TinyTaste, known

_GENRES = ("Action", "Comedy", "Drama", "Horror")


@st.composite
def questions(draw: st.DrawFn) -> Question:
    return Question(
        filters=Filters(
            genres=tuple(draw(st.sets(st.sampled_from(_GENRES), max_size=2))),
            excluded_genres=tuple(draw(st.sets(st.sampled_from(("Romance", "War")), max_size=2))),
            services=tuple(draw(st.sets(st.sampled_from(("Netflix", "Hulu")), max_size=2))),
            languages=tuple(draw(st.sets(st.sampled_from(("fr", "ko")), max_size=1))),
            year_min=draw(st.sampled_from([0, 1990, 2010])),
            year_max=draw(st.sampled_from([0, 2015])),
            runtime_max=draw(st.sampled_from([0, 100])),
            rating_min=draw(st.sampled_from([0.0, 3.0])),
        ),
        include_seen=draw(st.booleans()),
        diversity=draw(st.sampled_from([None, 0.0, 0.7, 1.0])),
        about=draw(st.sampled_from(["", "", "a robot on an island"])),
    )


_SETTINGS = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@_SETTINGS
@given(data=st.data(), question=questions(), with_taste=st.booleans(), depth=st.sampled_from([5, 120, 500]))
def test_every_film_may_be_shown_and_shares_sum(
    content: ContentModel, taste: TinyTaste, data: st.DataObject, question: Question, with_taste: bool, depth: int
) -> None:
    some = st.lists(st.sampled_from(content.movie_ids.tolist()), unique=True, max_size=30)
    rated = data.draw(
        st.lists(
            st.tuples(st.sampled_from(content.movie_ids.tolist()), st.sampled_from([1.0, 3.5, 5.0])),
            unique_by=lambda one: one[0],
            max_size=20,
        )
    )
    person = known(
        rated, seen=data.draw(some), refused=data.draw(some), dismissed=[(one, NOW) for one in data.draw(some)]
    )
    models = Models(content, taste if with_taste else None)
    asked = Asked(person, question, Preferences(("Comedy",), ("Film-Noir",)), "tuned", None, NOW)
    ranking = rank(models, asked, Reranking(), depth)
    for one in (ranking, extended(models, ranking, Reranking())):
        shown = content.movie_ids[one.rows]
        assert len(np.unique(shown)) == len(shown)
        assert not np.isin(shown, person.refused).any()
        if not question.include_seen:
            assert not np.isin(shown, person.seen).any()
        assert content.filters.passing(question.filters)[one.rows].all()
        if "Film-Noir" not in question.filters.genres:
            assert not content.filters.in_genre[content.genres.index("Film-Noir"), one.rows].any()
        np.testing.assert_allclose(one.shares.sum(axis=1), one.scores, atol=1e-6)
        assert ((one.scores >= 0) & (one.scores <= 1)).all()
        assert sorted(one.by_score.tolist()) == list(range(1, len(one.rows) + 1))
    assert len(extended(models, ranking, Reranking()).rows) == ranking.total


@given(
    films=st.lists(st.integers(1, 60), unique=True, max_size=40),
    hidden=st.sets(st.integers(1, 60)),
    offset=st.integers(0, 45),
    size=st.integers(1, 15),
    more=st.integers(0, 5),
)
def test_a_page_is_the_next_films_that_may_be_shown(
    films: list[int], hidden: set[int], offset: int, size: int, more: int
) -> None:
    page = cut(
        np.array(films, dtype=np.int32), offset, size, np.array(sorted(hidden), dtype=np.int32), len(films) + more
    )
    open_ = [place for place in range(offset, len(films)) if films[place] not in hidden]
    assert page.places == open_[:size]
    if page.end is not None:
        assert page.end == page.places[-1] + 1
    if len(open_) > size:
        assert page.end is not None
    if not more and len(open_) <= size:
        assert page.end is None


@given(before=st.integers(0, 10), since=st.integers(0, 5), watched=st.integers(0, 3))
def test_what_was_known_then(before: int, since: int, watched: int) -> None:
    then = known([(film, 4.0) for film in range(1, before + 1)], seen=range(100, 100 + watched), last=NOW - 60)
    now = replace(
        then,
        movie_ids=np.append(then.movie_ids, np.arange(50, 50 + since, dtype=np.int32)),
        ratings=np.append(then.ratings, np.full(since, 5.0, dtype=np.float32)),
        times=np.append(then.times, np.full(since, NOW, dtype=np.int64)),
        seen=np.union1d(then.seen, np.arange(50, 50 + since, dtype=np.int32)),
    )
    for until in (NOW - 30, NOW):  # also when all of it happened within one second
        found: Known = Position("r", 0, until, before, 20, 1).known_then(now)
        assert found.movie_ids.tolist() == then.movie_ids.tolist()
        assert found.ratings.tolist() == then.ratings.tolist()
        assert found.seen.tolist() == then.seen.tolist()


def test_what_was_filled_in_goes_before_what_a_wish_says() -> None:
    wish = Wish(
        genres=("Comedy",), excluded_genres=("Drama", "War"), year_min=1990, year_max=1999, runtime_max=120, services=("Netflix",),
        languages=("fr",), mood="funny", people=("A", "B"), like_movie_ids=(7,), about="heist",
    )  # fmt: skip
    bare = Question().narrowed(wish)
    assert bare.filters == Filters(
        genres=("Comedy",), excluded_genres=("Drama", "War"), year_min=1990, year_max=1999, runtime_max=120, services=("Netflix",),
        languages=("fr",), people=("A", "B"),
    )  # fmt: skip
    assert (bare.situation.mood, bare.like_movie_ids, bare.about) == ("funny", (7,), "heist")
    filled = Question(filters=Filters(genres=("Drama",), year_min=2005, runtime_min=60, services=("Hulu",))).narrowed(
        wish
    )
    assert filled.filters.genres == ("Drama",)
    assert filled.filters.excluded_genres == ("War",)
    assert (filled.filters.year_min, filled.filters.year_max) == (2005, 0)
    assert (filled.filters.runtime_min, filled.filters.runtime_max) == (60, 0)
    assert filled.filters.services == ("Hulu",)
    some = Question().narrowed(wish, {"B"})
    assert (some.filters.people, some.about) == (("B",), "heist A")
