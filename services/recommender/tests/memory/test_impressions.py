"""The log of answers: nobody waits for it, everybody finds what they were shown, and it never grows without bounds."""

from __future__ import annotations

import asyncio
import datetime as dt
import threading
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st

from cine_recommender.domain import impression_bytes
from cine_recommender.domain.impression import Because, Details, Impression, SignalUsed, Told
from cine_recommender.flows import impressions as flow
from cine_recommender.flows.impressions import Impressions
from cine_recommender.store import experiments, schema
from cine_recommender.store import impressions as store
from cinemesh import telemetry
from cinemesh.db import Database
from cinemesh.errors import NotFound, Unavailable

from .conftest import ADA, BEN, START, MovableClock, Room, eventually


def details_of(movie_ids: list[int], signals: int = 2) -> Details:
    """Returns details such as serving makes, for some films."""
    count = len(movie_ids)
    shares = np.linspace(-0.1, 0.3, count * 6, dtype=np.float32).reshape(count, 6)
    return Details(
        ranks=np.arange(1, count + 1, dtype=np.int32),
        ranks_by_score=np.arange(count, 0, -1, dtype=np.int32),
        scores=shares.sum(axis=1),
        shares=shares,
        told=[Told(f"Because of film {one}.", [Because(1, 0.25, 4.5), Because(77, 0.125)]) for one in movie_ids],
        signals=[SignalUsed(f"signal{number}", f"signal{number}/v1", 0.5) for number in range(signals)],
        signal_scores=np.full((count, signals), 0.5, np.float32),
        signal_ranks=np.full((count, signals), 9, np.int32),
        signal_because={(0, 1): [Because(2, 0.5, 3.0)]} if signals > 1 else {},
    )


def shown(request_id: str, user_id: str = ADA, movie_ids: tuple[int, ...] = (3, 1, 2), **more: Any) -> Impression:
    """Returns an answer."""
    values = {"created_at": START, "model": "hybrid/v1", "profile": "tuned", "rung": "personal", **more}
    values.setdefault("details", lambda: impression_bytes.encode(details_of(list(movie_ids))))
    return Impression(request_id=request_id, user_id=user_id, movie_ids=movie_ids, **values)


def same(one: Details, other: Details) -> bool:
    return all(
        np.array_equal(getattr(one, name), getattr(other, name))
        if isinstance(getattr(one, name), np.ndarray)
        else _plain(getattr(one, name)) == _plain(getattr(other, name))
        for name in Details.__dataclass_fields__
    )


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: list(films) for key, films in value.items()}
    return [(one.text, list(one.because), one.worded_by) if isinstance(one, Told) else one for one in value]


FLOATS = st.floats(-1, 1, width=32)
BECAUSE = st.lists(
    st.builds(Because, st.integers(1, 2**31 - 1), FLOATS, st.none() | st.floats(0, 5, width=16)), max_size=3
)


@st.composite
def any_details(draw: st.DrawFn) -> Details:
    films, signals = draw(st.integers(0, 5)), draw(st.integers(0, 4))

    def floats(*shape: int) -> Any:
        size = int(np.prod(shape))
        return np.array(draw(st.lists(FLOATS, min_size=size, max_size=size)), np.float32).reshape(shape)

    def counts(*shape: int) -> Any:
        size = int(np.prod(shape))
        return np.array(draw(st.lists(st.integers(0, 90_000), min_size=size, max_size=size)), np.int32).reshape(shape)

    places = st.tuples(st.integers(0, 4), st.integers(0, 3))
    return Details(
        ranks=counts(films),
        ranks_by_score=counts(films),
        scores=floats(films),
        shares=floats(films, 6),
        told=draw(st.lists(st.builds(Told, st.text(), BECAUSE, st.text(max_size=9)), min_size=films, max_size=films)),
        signals=[SignalUsed(f"s{number}", draw(st.text(max_size=9)), draw(FLOATS)) for number in range(signals)],
        signal_scores=floats(films, signals),
        signal_ranks=counts(films, signals),
        signal_because={place: because for place, because in draw(st.dictionaries(places, BECAUSE)).items() if because},
    )


@settings(max_examples=60, deadline=None)
@given(any_details())
def test_details_come_back_as_they_were(details: Details) -> None:
    kept = impression_bytes.encode(details)
    assert same(impression_bytes.decode(kept), details)
    for damaged in (b"", b"\x02" + kept[1:], kept[:1] + b"\x00" + kept[2:]):
        with pytest.raises(ValueError, match="details of an answer"):
            impression_bytes.decode(damaged)


def test_twenty_films_take_a_few_kilobytes() -> None:
    assert len(impression_bytes.encode(details_of(list(range(1, 21)), signals=11))) < 4_000


def test_parts_that_do_not_fit_each_other_are_refused() -> None:
    good = details_of([1, 2])
    values = {name: getattr(good, name) for name in Details.__dataclass_fields__}
    for name in ("ranks", "ranks_by_score", "shares", "told", "signal_scores", "signal_ranks"):
        with pytest.raises(ValueError, match=name):
            Details(**{**values, name: values[name][:1]})


@pytest.fixture
async def log(room: Room) -> AsyncIterator[Impressions]:
    await room.impressions.start()
    yield room.impressions
    await room.impressions.stop()


async def stored(database: Database, request_id: str, user_id: str = ADA) -> Impression | None:
    return await database.read(lambda tx: store.find(tx, user_id, request_id, START - dt.timedelta(days=40)))


def lost(reason: str) -> float:
    return telemetry.REGISTRY.get_sample_value("cine_recommender_impressions_lost_total", {"reason": reason}) or 0.0


async def test_an_answer_is_found_at_once_and_later_in_the_store(room: Room, log: Impressions) -> None:
    answer = shown("a", experiment_id="mmr", variant="more", degraded_reason="sentiment is away")
    log.record(answer)
    assert await log.find(ADA, "a") is answer
    assert await log.find(BEN, "a") is None and await log.find(ADA, "b") is None

    async def arrived() -> bool:
        return not log._waiting

    await eventually(arrived)
    kept = await log.find(ADA, "a")
    assert kept is not None and kept is not answer
    for name in (
        "request_id",
        "user_id",
        "created_at",
        "movie_ids",
        "model",
        "profile",
        "rung",
        "experiment_id",
        "variant",
    ):
        assert getattr(kept, name) == getattr(answer, name), name
    assert kept.degraded_reason == "sentiment is away"
    assert kept.details() == answer.details()


async def test_details_are_worked_out_off_the_event_loop(room: Room, log: Impressions) -> None:
    threads: list[str] = []

    def details() -> bytes:
        threads.append(threading.current_thread().name)
        return impression_bytes.encode(details_of([1]))

    log.record(shown("a", movie_ids=(1,), details=details))
    assert threads == [], "nobody waited for them"

    async def arrived() -> bool:
        return await stored(room.database, "a") is not None

    await eventually(arrived)
    assert len(threads) == 1 and threads[0].startswith("impressions")


async def test_the_same_id_belongs_to_each_person_and_the_newest_answer_of_it_counts(
    room: Room, log: Impressions
) -> None:
    log.record(shown("a", ADA, (1,)))
    log.record(shown("a", BEN, (2,)))
    log.record(shown("a", ADA, (3,)))
    await log.stop()
    for user_id, movie_ids in ((ADA, (3,)), (BEN, (2,))):
        kept = await stored(room.database, "a", user_id)
        assert kept is not None and kept.movie_ids == movie_ids
    again = Impressions(room.database, room.impressions._films)
    again.record(shown("a", ADA, (4,)))
    await again.stop()
    kept = await stored(room.database, "a")
    assert kept is not None and kept.movie_ids == (4,)


async def test_what_waits_at_the_end_is_written(room: Room) -> None:
    for number in range(250):
        room.impressions.record(shown(f"a{number}"))
    await room.impressions.stop()
    for number in (0, 99, 100, 249):
        assert await stored(room.database, f"a{number}") is not None


async def test_under_overload_answers_are_lost_counted_and_said(
    database: Database, tmp_path: Path, clock: MovableClock, capsys: pytest.CaptureFixture[str]
) -> None:
    room = Room.over(database, tmp_path, clock, capacity=10)
    before = lost("overload")
    for number in range(15):
        room.impressions.record(shown(f"a{number}"))
    room.impressions.record(shown("a3", movie_ids=(5,)))  # takes the place of one that waits
    assert lost("overload") - before == 5
    assert len(room.impressions._waiting) == 10
    await room.impressions.stop()
    assert await stored(database, "a9") is not None and await stored(database, "a10") is None
    kept = await stored(database, "a3")
    assert kept is not None and kept.movie_ids == (5,)


async def test_an_answer_whose_details_fail_takes_no_other_with_it(room: Room) -> None:
    before = lost("fault")

    def broken() -> bytes:
        raise RuntimeError("the model is gone")

    room.impressions.record(shown("good"))
    room.impressions.record(shown("broken", details=broken))
    room.impressions.record(shown("unkept", model="a\x00b" if room.database.dialect == "postgresql" else "a"))
    room.impressions.record(shown("fine"))
    await room.impressions.stop()
    assert await stored(room.database, "good") is not None and await stored(room.database, "fine") is not None
    assert await stored(room.database, "broken") is None
    assert lost("fault") - before == (2 if room.database.dialect == "postgresql" else 1)


async def test_while_the_store_is_away_answers_wait(
    room: Room, log: Impressions, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(flow, "_FIRST_WAIT", 0.01)
    write, refusals = room.database.write, list[int]()

    async def away(fn: Any, **_: Any) -> Any:
        refusals.append(1)
        raise Unavailable("away")

    monkeypatch.setattr(room.database, "write", away)
    log.record(shown("a"))

    async def tried() -> bool:
        return len(refusals) > 1

    await eventually(tried)
    assert await log.find(ADA, "a") is not None
    monkeypatch.setattr(room.database, "write", write)

    async def arrived() -> bool:
        return await stored(room.database, "a") is not None

    await eventually(arrived)


async def test_after_thirty_days_it_is_gone(room: Room, clock: MovableClock) -> None:
    room.impressions.record(shown("old"))
    room.impressions.record(shown("new", created_at=START + dt.timedelta(days=2)))
    await room.impressions.stop()
    clock.forward(days=31)
    assert await room.impressions.find(ADA, "old") is None
    assert await room.impressions.find(ADA, "new") is not None
    assert await room.impressions.prune() == 1
    assert await stored(room.database, "old") is None and await stored(room.database, "new") is not None


async def test_experiments_read_who_was_shown_what(room: Room) -> None:
    for number in range(4):
        at = START + dt.timedelta(seconds=number)
        variant = "b" if number % 2 else "a"
        room.impressions.record(
            shown(f"a{number}", f"person{number}", (number + 1, 9), created_at=at, experiment_id="mmr", variant=variant)
        )
    room.impressions.record(shown("other", experiment_id="other"))
    await room.impressions.stop()
    people = await room.database.read(lambda tx: experiments.people_of(tx, "mmr", START))
    assert people == [f"person{number}" for number in range(4)]
    found = await room.database.read(lambda tx: experiments.answers_to(tx, "mmr", START, people[1:]))
    assert {(one.user_id, one.variant, *map(int, one.movie_ids)) for one in found} == {
        ("person1", "b", 2, 9),
        ("person2", "a", 3, 9),
        ("person3", "b", 4, 9),
    }


async def test_what_becomes_of_many_answers_at_once(room: Room, log: Impressions) -> None:
    for number in range(600):
        log.record(shown(f"a{number}"))
        if number % 100 == 0:
            await asyncio.sleep(0)

    async def arrived() -> bool:
        return not log._waiting

    await eventually(arrived)
    count = sa.select(sa.func.count()).select_from(schema.impressions)
    assert await room.database.read(lambda tx: tx.execute(count).scalar_one()) == 600


async def test_an_unknown_answer_cannot_be_explained(room: Room) -> None:
    with pytest.raises(NotFound):
        await room.impressions.explain(ADA, "a")
