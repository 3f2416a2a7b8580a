"""What people prefer in general narrows what they get, never more than leaves enough, and never what they ask for."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cine_recommender.domain.filters import FilmFilter, Filters
from cine_recommender.domain.narrowing import FEWEST, narrow
from cine_recommender.domain.preferences import Preferences
from cine_recommender.domain.question import Question
from cine_recommender.domain.reranking import Reranking
from cine_recommender.flows.because import BecauseYouWatched
from cine_recommender.flows.pipeline import Asked, Models, extended, rank
from cine_recommender.language.wording import Wording
from cine_recommender.models.content import ContentModel
from cine_recommender.signals.context import Situation

from .conftest import Served
from .doubles import NOW, TinyTaste, known
from .test_recommend import ids, rated

_ASIDE = "too few films would be left, so preferences for {} were set aside"


def suiting(content: ContentModel, preferences: Preferences, question: Question, name: str) -> list[bool]:
    """Which films suit one preference, told film by film."""
    facts, asked = content.filters, question.filters
    spoken = {code: set(rows.tolist()) for code, rows in facts.languages.items()}

    def suits(row: int) -> bool:
        if name == "services":
            wanted = set(preferences.services) & {
                one for place, one in enumerate(facts.services) if facts.on_service[place].any()
            }
            on = {one for place, one in enumerate(facts.services) if facts.on_service[place, row]}
            return not wanted or bool(asked.services) or bool(wanted & on)
        if name == "languages":
            of_film = {code for code, rows in spoken.items() if row in rows}
            heard = set(preferences.languages) & set(spoken)
            return not heard or bool(asked.languages) or not of_film or bool(heard & of_film)
        if name == "years":
            year, last = int(facts.years[row]), preferences.year_max or 9999
            asked_for = bool(asked.year_min or asked.year_max)
            return asked_for or not year or preferences.year_min <= year <= last
        length, said = int(facts.runtimes[row]), asked.runtime_min or asked.runtime_max or question.situation.minutes
        return bool(said) or not preferences.runtime_max or length <= preferences.runtime_max

    return [suits(row) for row in range(len(content))]


@st.composite
def preferred(draw: st.DrawFn) -> Preferences:
    return Preferences(
        services=tuple(draw(st.sets(st.sampled_from(("Netflix", "Hulu", "MUBI")), max_size=2))),
        languages=tuple(draw(st.sets(st.sampled_from(("fr", "ko", "mi")), max_size=2))),
        year_min=draw(st.sampled_from([0, 1990, 2010, 2022])),
        year_max=draw(st.sampled_from([0, 2015, 2023])),
        runtime_max=draw(st.sampled_from([0, 70, 100])),
    )


@st.composite
def questions(draw: st.DrawFn) -> Question:
    return Question(
        filters=Filters(
            genres=draw(st.sampled_from([(), (), ("Drama",)])),
            services=draw(st.sampled_from([(), (), ("Prime Video",)])),
            languages=draw(st.sampled_from([(), (), ("en",)])),
            year_min=draw(st.sampled_from([0, 0, 1985])),
            runtime_min=draw(st.sampled_from([0, 0, 90])),
        ),
        situation=Situation(minutes=draw(st.sampled_from([0, 0, 200]))),
        about=draw(st.sampled_from(["", "", "a robot on an island"])),
    )


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    data=st.data(), preferences=preferred(), question=questions(), rung=st.sampled_from(["taste", "likeness", "new"])
)
def test_films_suit_every_preference_that_was_not_set_aside_and_enough_are_left(
    content: ContentModel,
    taste: TinyTaste,
    data: st.DataObject,
    preferences: Preferences,
    question: Question,
    rung: str,
) -> None:
    some = st.lists(st.sampled_from(content.movie_ids.tolist()), unique=True, max_size=30)
    person = known([] if rung == "new" else [(one, 5.0) for one in data.draw(some)], refused=data.draw(some))
    models = Models(content, None if rung == "likeness" else taste)
    asked = Asked(person, question, preferences, "tuned", None, NOW)
    plain = rank(models, replace(asked, preferences=Preferences()), Reranking(), len(content))
    ranking = extended(models, rank(models, asked, Reranking(), 25), Reranking())
    assert (ranking.rung, ranking.reason, plain.set_aside) == (plain.rung, plain.reason, "")
    assert len(ranking.rows) == len(set(ranking.rows.tolist())) == ranking.total
    aside = [name for name in ("services", "languages", "years", "running time") if name in ranking.set_aside]
    open_, shown = np.zeros(len(content), dtype=bool), np.zeros(len(content), dtype=bool)
    open_[plain.rows] = shown[ranking.rows] = True
    held = np.ones(len(content), dtype=bool)
    for name in ("services", "languages", "years", "running time"):
        if name not in aside:
            held &= suiting(content, preferences, question, name)
    assert held[shown].all()
    if question.about:  # only the best of those that suit are about it
        assert len(ranking.rows) >= min(FEWEST, len(plain.rows))
        return
    assert (shown == (open_ & held)).all(), "nothing else is kept out"
    for name in aside:
        more = held & suiting(content, preferences, question, name)
        assert np.count_nonzero(open_ & more) < min(FEWEST, len(ranking.rows)), "none is set aside without need"
    if not aside:
        assert ranking.total >= min(FEWEST, plain.total)


@pytest.mark.parametrize(
    ("filters", "situation", "silent"),
    [
        ({"services": ("Hulu",)}, Situation(), ("services",)),
        ({"languages": ("fr",)}, Situation(), ("languages",)),
        ({"year_min": 1981}, Situation(), ("year_min", "year_max")),
        ({"year_max": 2022}, Situation(), ("year_min", "year_max")),
        ({"runtime_min": 30}, Situation(), ("runtime_max",)),
        ({"runtime_max": 200}, Situation(), ("runtime_max",)),
        ({}, Situation(minutes=170), ("runtime_max",)),
    ],
)
def test_what_is_asked_for_goes_before_what_is_preferred(
    content: ContentModel, filters: dict[str, Any], situation: Situation, silent: tuple[str, ...]
) -> None:
    everything = np.ones(len(content), dtype=bool)
    preferences = Preferences((), (), ("Netflix",), ("ko",), 1995, 2015, 100)
    question = Question(filters=Filters(**filters), situation=situation)
    without: dict[str, Any] = {name: 0 if name.endswith(("min", "max")) else () for name in silent}
    left, aside = narrow(content.filters, preferences, question, everything, 1)
    expected, _ = narrow(content.filters, replace(preferences, **without), Question(), everything, 1)
    assert (left.tolist(), aside) == (expected.tolist(), "")
    assert not left.all()


def catalogue_of(**facts: Any) -> FilmFilter:
    """Six films; of the last neither language nor year nor length is known, and it is on no service."""
    films: dict[str, Any] = {
        "genres": (),
        "services": ("Netflix", "Hulu", "Empty"),
        "in_genre": np.zeros((0, 6), dtype=bool),
        "on_service": np.array([[1, 1, 0, 0, 0, 0], [0, 1, 1, 1, 0, 0], [0] * 6], dtype=bool),
        "years": np.array([1990, 2000, 2010, 2020, 2000, 0], dtype=np.int32),
        "runtimes": np.array([90, 100, 150, 200, 100, 0], dtype=np.int32),
        "mean_ratings": np.zeros(6, dtype=np.float32),
        "languages": {"en": np.array([0, 1, 2], dtype=np.int32), "fr": np.array([2, 3, 4], dtype=np.int32)},
    }
    return FilmFilter(**{**films, **facts})


@pytest.mark.parametrize(
    ("preferences", "rows"),
    [
        (Preferences(), [0, 1, 2, 3, 4, 5]),
        (Preferences(languages=("fr", "xx")), [2, 3, 4, 5]),
        (Preferences(languages=("xx",)), [0, 1, 2, 3, 4, 5]),
        (Preferences(year_min=2000), [1, 2, 3, 4, 5]),
        (Preferences(year_max=2000), [0, 1, 4, 5]),
        (Preferences(year_min=2000, year_max=2010), [1, 2, 4, 5]),
        (Preferences(runtime_max=100), [0, 1, 4, 5]),
        (Preferences(services=("Netflix",)), [0, 1]),
        (Preferences(services=("Netflix", "Hulu", "Unheard")), [0, 1, 2, 3]),
        (Preferences(services=("Empty", "Unheard")), [0, 1, 2, 3, 4, 5]),
    ],
)
def test_what_is_unknown_is_kept_and_only_services_ask_for_what_is_known(
    preferences: Preferences, rows: list[int]
) -> None:
    found, aside = narrow(catalogue_of(), preferences, Question(), np.ones(6, dtype=bool), 1)
    assert (np.flatnonzero(found).tolist(), aside) == (rows, "")


def test_a_film_without_words_is_understood_by_everybody() -> None:
    films = catalogue_of(
        languages={"en": np.array([0]), "fr": np.array([1]), "zxx": np.array([2]), "xx": np.array([3])}
    )
    found, _ = narrow(films, Preferences(languages=("fr",)), Question(), np.ones(6, dtype=bool), 1)
    assert np.flatnonzero(found).tolist() == [1, 2, 3, 4, 5]
    assert np.flatnonzero(films.passing(Filters(languages=("fr",)))).tolist() == [1], "who asks for French gets French"


def test_a_catalogue_that_knows_nothing_of_services_or_languages_narrows_by_neither() -> None:
    bare = catalogue_of(services=(), on_service=np.zeros((0, 6), dtype=bool), languages={})
    wanted = Preferences(services=("Netflix",), languages=("fr",))
    found, aside = narrow(bare, wanted, Question(), np.ones(6, dtype=bool), 6)
    assert (found.all(), aside) == (True, "")


@pytest.mark.parametrize(
    ("fewest", "rows", "aside"),
    [
        (1, [1], ""),
        (2, [1, 4], "streaming services"),
        (3, [1, 2, 4], "streaming services and running time"),
        (4, [1, 2, 3, 4], "streaming services, running time and years"),
        (5, [0, 1, 2, 3, 4], "streaming services, running time, years and languages"),
    ],
)
def test_what_leaves_too_few_is_set_aside_services_first_and_languages_last(
    fewest: int, rows: list[int], aside: str
) -> None:
    films = catalogue_of(languages={"en": np.array([1, 2, 3, 4], dtype=np.int32), "fr": np.array([0], dtype=np.int32)})
    wanted = Preferences(services=("Netflix",), languages=("en",), year_min=1995, year_max=2015, runtime_max=120)
    open_ = np.array([True] * 5 + [False])
    found, said = narrow(films, wanted, Question(), open_, fewest)
    assert np.flatnonzero(found & open_).tolist() == rows
    assert said == (_ASIDE.format(aside) if aside else "")


def test_what_helps_nothing_is_not_set_aside() -> None:
    """Languages that nearly no film has do not cost a person the services they have; nor does a narrow question."""
    films = catalogue_of(languages={"en": np.arange(6, dtype=np.int32), "mi": np.array([4], dtype=np.int32)})
    wanted = Preferences(services=("Hulu",), languages=("mi",))
    found, said = narrow(films, wanted, Question(), np.ones(6, dtype=bool), 3)
    assert (np.flatnonzero(found).tolist(), said) == ([1, 2, 3], _ASIDE.format("languages"))
    two = np.array([False, True, True, False, False, False])
    found, said = narrow(films, Preferences(services=("Hulu",)), Question(), two, 3)
    assert (np.flatnonzero(found & two).tolist(), said) == ([1, 2], "")


def test_nothing_is_done_for_whoever_prefers_nothing_of_it(
    content: ContentModel, taste: TinyTaste, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cine_recommender.flows.pipeline.narrow", None)
    asked = Asked(known(), Question(), Preferences(("Drama",), ("War",), share_taste=True), "tuned", None, NOW)
    assert rank(Models(content, taste), asked, Reranking()).set_aside == ""


def test_films_that_cannot_be_ranked_do_not_count_as_enough(content: ContentModel) -> None:
    models = Models(content, TinyTaste(content.movie_ids[-100:]))
    wanted = Preferences(services=("Netflix",))
    assert len(rank(models, Asked(known(), Question(), Preferences(), "tuned", None, NOW), Reranking()).rows) == 99
    ranking = rank(models, Asked(known(), Question(), wanted, "tuned", None, NOW), Reranking())
    assert (len(ranking.rows), ranking.set_aside) == (99, _ASIDE.format("streaming services"))
    alone = rank(Models(content, None), Asked(known(), Question(), wanted, "tuned", None, NOW), Reranking())
    assert alone.set_aside == ""


async def test_an_answer_keeps_to_what_is_preferred_on_all_pages_and_a_wish_goes_before(served: Served) -> None:
    served.people.known["ann"] = rated(served)
    served.people.preferences["ann"] = Preferences(services=("Netflix",), year_min=1990)
    answer, _ = await served.ask()
    assert (answer.rung, answer.reason) == ("personal", "")
    films = await served.every_page(size=7)
    assert FEWEST <= len(films) == answer.total < len(served.content)
    assert all("Netflix" in one.movie.streaming_services for one in films)
    assert all(one.movie.year >= 1990 or not one.movie.year for one in films)
    served.recommend = served.remade()  # another replica makes the same of it
    assert ids(await served.every_page(size=7)) == ids(films)
    hulu = await served.every_page(size=100, filters=Filters(services=("Hulu",), year_max=1989))
    assert hulu
    assert all("Hulu" in one.movie.streaming_services and one.movie.year < 1990 for one in hulu)


@pytest.mark.parametrize("rung", ["personal", "item_model", "genre_popularity"])
async def test_what_is_set_aside_is_said_and_turns_no_rung(served: Served, rung: str) -> None:
    if rung != "genre_popularity":
        served.people.known["ann"] = rated(served)
    if rung == "item_model":
        served.taste.taste = None
    before, films = await served.ask()
    served.people.preferences["ann"] = Preferences(services=("Hulu",), year_min=2023)
    answer, narrowed = await served.ask()
    assert answer.rung == before.rung == rung
    said = _ASIDE.format("years")
    assert answer.reason == "; ".join(filter(None, (before.reason, said)))
    assert served.people.taken_down[-1].degraded_reason == answer.reason
    assert all("Hulu" in one.movie.streaming_services for one in narrowed)
    assert ids(narrowed) != ids(films)


async def test_rows_keep_to_it_as_long_as_it_fills_them(served: Served) -> None:
    served.people.known["ann"] = known([(2571, 5.0)])
    flow = BecauseYouWatched(served.asking(), Wording(), served.executor)
    on = served.content.filters.on_service[served.content.services.index("Hulu")]
    hulu = set(served.content.movie_ids[on].tolist())
    served.people.preferences["ann"] = Preferences(services=("Hulu",))
    found = await flow.rows("ann", (), 1, 5)
    assert found.reason == ""
    assert len(found.rows[0].page.movie_ids) == 5
    assert set(found.rows[0].page.movie_ids) <= hulu
    served.people.preferences["ann"] = Preferences(year_min=2003, year_max=2003)
    found = await flow.rows("ann", (), 1, 30)
    assert found.reason == _ASIDE.format("years")
    assert len(found.rows[0].page.movie_ids) == 30
