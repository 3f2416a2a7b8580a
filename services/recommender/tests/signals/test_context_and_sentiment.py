"""What suits an occasion, by rules anybody can read, and what reviews feel: both are neutral where nothing is known."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
import scipy.sparse as sp

from cine_recommender.interactions import Interactions
from cine_recommender.signals import context, sentiment
from cine_recommender.signals.context import Situation
from cine_recommender.signals.signal import FilmFacts

from .conftest import FILMS, film_facts, history

HORROR, CHRISTMAS, SHORT, LONG, UNKNOWN = range(5)


def few_films() -> FilmFacts:
    """A horror film, a Christmas comedy, a short one, an epic, and one of which nothing is known."""
    names = ("Horror", "Comedy", "Drama")
    genres = np.array([[1, 0, 0], [0, 1, 0], [0, 0, 1], [0, 0, 1], [0, 0, 0]], dtype=np.float32)
    keywords = sp.csr_matrix(np.array([[0], [1], [0], [0], [0]], dtype=np.float32))
    runtimes = np.array([95, 90, 62, 205, 0], dtype=np.int32)
    return replace(
        film_facts(5),
        genres=genres,
        keywords=keywords,
        runtimes=runtimes,
        genre_names=names,
        keyword_names=("Christmas",),
    )


@pytest.fixture
def signal(log: Interactions) -> context.Context:
    return context.fit(log, few_films(), {}, 0)


def test_rules_that_are_shipped_can_be_read_and_differ() -> None:
    rules = context.stated_rules()
    assert set(rules.time_of_day) == {"morning", "afternoon", "evening", "night"}
    assert set(rules.device) == {"tv", "desktop", "tablet", "phone"}
    assert list(rules.weekday) == ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
    assert {"cosy", "tense", "sad", "funny"} <= set(rules.mood)
    assert all(rule.genres for rule in rules.rows().values())


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("[mood.odd]\ngenres = { Comdy = 0.4 }", "mood.odd: there is no genre 'Comdy'"),
        ("[mood.odd]\ngenres = { Comedy = 4 }", "'Comedy' has the amount 4"),
        ("[mood.odd]\nminutes = [90, 60]", "are no range"),
        ("[mood.odd]\ncolours = 1", "colours"),
        ("[smell.odd]\n", "smell"),
        ("[mood", "end of document"),
    ],
)
def test_rules_that_are_wrong_say_where(line: str, said: str) -> None:
    stated = "[time_of_day]\n[weekday]\n[device]\n"
    with pytest.raises(ValueError, match=said):
        context.read_rules(stated + line)


def test_moods_choose(signal: context.Context) -> None:
    cosy, scary = signal.suiting(Situation(mood="cosy")), signal.suiting(Situation(mood="scary"))
    assert cosy.argmax() == CHRISTMAS
    assert scary.argmax() == HORROR
    assert cosy[HORROR] < 0 < scary[HORROR]
    assert cosy[UNKNOWN] == scary[UNKNOWN] == 0


def test_time_at_hand(signal: context.Context) -> None:
    fits = signal.suiting(Situation(minutes=95))
    assert fits.argmax() == HORROR
    assert fits[HORROR] == 1
    assert fits[LONG] == -1
    assert fits[HORROR] > fits[CHRISTMAS] > fits[SHORT] > 0
    assert fits[UNKNOWN] == 0
    assert context.fitting(np.array([100, 102, 110, 115, 130], dtype=np.int32), 100).tolist() == pytest.approx(
        [1, 11 / 15, -1 / 3, -1, -1]
    )


def test_a_phone_is_not_for_epics(signal: context.Context) -> None:
    phone = signal.suiting(Situation(device="phone"))
    assert phone[LONG] == -0.5
    assert phone[SHORT] == 0


def test_what_is_known_of_an_occasion_counts_alike(signal: context.Context) -> None:
    one, other = Situation(mood="funny"), Situation(time_of_day="night")
    both = signal.suiting(Situation(mood="funny", time_of_day="night"))
    np.testing.assert_allclose(both, (signal.suiting(one) + signal.suiting(other)) / 2, atol=1e-6)
    assert not signal.suiting(Situation()).any()


def test_amounts_stay_within_bounds(log: Interactions) -> None:
    facts = few_films()
    crowded = replace(facts, genres=np.ones((5, 3), np.float32), genre_names=("Horror", "Thriller", "Crime"))
    signal = context.fit(log, crowded, {}, 0)
    for kind, value in context.stated_rules().rows():
        found = signal.suiting(Situation(**{kind: value}))
        assert ((found >= -1) & (found <= 1)).all()
    assert signal.suiting(Situation(mood="cosy"))[HORROR] == -1


def test_unknown_occasions_name_the_known_ones(signal: context.Context) -> None:
    with pytest.raises(context.UnknownOccasion, match=r"unknown mood 'hangry'; known are cosy, funny"):
        signal.suiting(Situation(mood="hangry"))
    with pytest.raises(context.UnknownOccasion, match=r"unknown time of day 'noon'; known are morning"):
        signal.suiting(Situation(time_of_day="noon"))


def test_moments_are_read_in_utc(signal: context.Context) -> None:
    at = int(datetime(2024, 3, 2, 23, 30, tzinfo=UTC).timestamp())
    assert context.moment(at) == Situation(time_of_day="night", weekday="saturday")
    assert context.moment(at - 5 * 3600) == Situation(time_of_day="evening", weekday="saturday")
    assert context.moment(at + 8 * 3600) == Situation(time_of_day="morning", weekday="sunday")
    scores = signal.scores([history((0, 5)), history()], np.array([at, at + 8 * 3600]))
    np.testing.assert_array_equal(scores[1], signal.suiting(context.moment(at + 8 * 3600)))
    assert scores[0, HORROR] > scores[1, HORROR]
    assert not signal.scores([history((0, 5))]).any()


def test_context_is_saved(signal: context.Context, tmp_path: Path) -> None:
    signal.save(tmp_path)
    read = context.Context.load(tmp_path)
    assert read.moods() == signal.moods()
    told = Situation(mood="tense", device="tv", minutes=100)
    np.testing.assert_array_equal(read.suiting(told), signal.suiting(told))


def test_context_needs_names(log: Interactions) -> None:
    for facts, said in ((None, "needs facts"), (replace(few_films(), genre_names=()), "names of genres")):
        with pytest.raises(ValueError, match=said):
            context.fit(log, facts, {}, 0)
    with pytest.raises(ValueError, match="no options, not mood"):
        context.fit(log, few_films(), {"mood": 1}, 0)


def test_sentiment_is_neutral_without_a_table(log: Interactions) -> None:
    signal = sentiment.fit(log, None, {}, 0)
    assert signal.scores([history(), history((1, 5))]).shape == (2, FILMS)
    assert not signal.scores([history()]).any()


def test_sentiment_believes_many_reviews(log: Interactions, tmp_path: Path) -> None:
    table = tmp_path / "sentiment.csv"
    table.write_text("movie_id,mean,reviews\n1003,0.8,95\n1004,0.8,1\n1005,-0.5,20\n999999,1,10\n1006,0.9,0\n")
    signal = sentiment.fit(log, None, {"table": table}, 0)
    scores = signal.scores([history()])[0]
    assert scores[3] == pytest.approx(0.76)
    assert scores[4] == pytest.approx(0.8 / 6)
    assert scores[5] == pytest.approx(-0.4)
    assert np.count_nonzero(scores) == 3
    signal.save(tmp_path / "kept")
    np.testing.assert_array_equal(sentiment.Sentiment.load(tmp_path / "kept").scores([history()])[0], scores)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("movie_id,mean,reviews\n1,1.5,3\n", "not from -1 to 1"),
        ("movie_id,mean,reviews\n1,nan,3\n", "not from -1 to 1"),
        ("movie_id,mean,reviews\n1,0.5,3\n1,0.2,3\n", "twice"),
        ("movie_id,mean,reviews\n1,0.5,-3\n", "below 0"),
        ("movie_id,mean,reviews\n1,,3\n", "empty"),
        ("movie_id,mean,reviews\n1,good,3\n", "good"),
        ("movie_id,mean\n1,0.5\n", "reviews"),
        (None, "No such file"),
    ],
)
def test_a_bad_table_is_refused_by_name(log: Interactions, tmp_path: Path, text: str | None, said: str) -> None:
    table = tmp_path / "sentiment.csv"
    if text is not None:
        table.write_text(text)
    with pytest.raises(ValueError, match=rf"(?s)sentiment\.csv.*{said}"):
        sentiment.fit(log, None, {"table": table}, 0)
