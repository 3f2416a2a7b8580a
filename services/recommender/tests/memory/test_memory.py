"""What is known of a person: put together rightly, at hand, and never what it was before."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cine.ratings.v1.events_pb2 import RatingChanged, RatingDeleted
from cine_recommender.domain.feedback import DISLIKE, DISMISSED, KINDS, LIKE, NOT_INTERESTED, SEEN
from cine_recommender.domain.known import Known, known_of
from cine_recommender.store import memories
from cinemesh.db import Database, migrate

from .conftest import ADA, BEN, START, MovableClock, Room, fill

SECONDS = st.integers(0, 2_000_000_000)
MOVIES = st.integers(1, 12)


@given(
    st.dictionaries(MOVIES, st.tuples(st.integers(0, 10).map(lambda halves: halves / 2), SECONDS)),
    st.lists(MOVIES),
    st.dictionaries(st.tuples(st.sampled_from(KINDS), MOVIES), SECONDS),
)
def test_what_was_rated_watched_and_said_is_put_together(
    rated: dict[int, tuple[float, int]], watched: list[int], said: dict[tuple[str, int], int]
) -> None:
    known = known_of(rated, watched, [(kind, movie_id, at) for (kind, movie_id), at in said.items()], 7)
    films: dict[str, set[int]] = {kind: {one for of, one in said if of == kind} for kind in KINDS}
    assert known.times.tolist() == sorted(known.times.tolist())
    assert len(set(known.movie_ids.tolist())) == len(known) == len(rated.keys() | films[LIKE] | films[DISLIKE])
    for movie_id, stars, at in zip(known.movie_ids.tolist(), known.ratings.tolist(), known.times.tolist(), strict=True):
        if movie_id in rated:
            assert (stars, at) == (max(rated[movie_id][0], 0.5), rated[movie_id][1])
        elif movie_id in films[LIKE]:
            assert (stars, at) == (4.5, said[LIKE, movie_id])
        else:
            assert (stars, at) == (1.5, said[DISLIKE, movie_id])
    assert known.seen.tolist() == sorted(rated.keys() | set(watched) | films[SEEN])
    assert known.refused.tolist() == sorted(films[NOT_INTERESTED])
    assert (known.liked.tolist(), known.disliked.tolist()) == (sorted(films[LIKE]), sorted(films[DISLIKE]))
    assert dict(zip(known.dismissed.tolist(), known.dismissed_at.tolist(), strict=True)) == {
        movie_id: at for (kind, movie_id), at in said.items() if kind == DISMISSED
    }
    assert (known.rating_count, known.version) == (len(rated), 7)
    with pytest.raises(ValueError, match="read-only"):
        known.seen[:] = 0


async def test_of_somebody_new_nothing_is_known(room: Room) -> None:
    await room.told((RatingDeleted(rating_id="r", user_id=ADA, movie_id=1), 1))
    assert len((await room.memory.of("")).seen) == 0, "what was taken back is nobody's"
    known = await room.memory.of("nobody")
    assert (len(known), known.version, known.seen.size, known.rating_count) == (0, 0, 0, 0)


async def test_feedback_counts_at_once_and_is_gone_at_once(room: Room, clock: MovableClock) -> None:
    liked = await room.say(ADA, 1, LIKE)
    await room.say(ADA, 2, DISLIKE)
    await room.say(ADA, 3, NOT_INTERESTED)
    await room.say(ADA, 4, SEEN)
    await room.say(ADA, 5, DISMISSED)
    clock.forward(seconds=5)
    await room.say(ADA, 5, DISMISSED)
    known = await room.memory.of(ADA)
    assert dict(zip(known.movie_ids.tolist(), known.ratings.tolist(), strict=True)) == {1: 4.5, 2: 1.5}
    assert (known.seen.tolist(), known.refused.tolist()) == ([4], [3])
    assert known.dismissed_at.tolist() == [int(START.timestamp()) + 5], "the last time counts"
    await room.told((RatingChanged(rating_id="r", user_id=ADA, movie_id=1, overall=3), 1))
    rated = await room.memory.of(ADA)
    assert dict(zip(rated.movie_ids.tolist(), rated.ratings.tolist(), strict=True)) == {1: 3.0, 2: 1.5}
    assert (rated.liked.tolist(), rated.rating_count) == ([1], 1)
    await room.told((RatingDeleted(rating_id="r", user_id=ADA, movie_id=1), 2))
    await room.feedback.undo(ADA, liked.feedback_id)
    after = await room.memory.of(ADA)
    assert (after.movie_ids.tolist(), after.liked.tolist(), after.seen.tolist()) == ([2], [], [4])
    versions = [known.version, rated.version, after.version]
    assert len(set(versions)) == 3


async def test_what_nobody_changed_is_the_same_object(room: Room) -> None:
    await room.say(ADA, 1, LIKE)
    first = await room.memory.of(ADA)
    assert await room.memory.of(ADA) is first
    await room.say(BEN, 1, LIKE)
    assert await room.memory.of(ADA) is first
    await room.say(ADA, 2, LIKE)
    assert await room.memory.of(ADA) is not first


async def test_a_change_that_failed_drops_nothing_and_counts_nothing(room: Room) -> None:
    await room.say(ADA, 1, LIKE)
    first = await room.memory.of(ADA)

    def change(tx: Any) -> None:
        room.memory.changed(tx, [ADA])
        raise RuntimeError("no")

    with pytest.raises(RuntimeError):
        await room.database.write(change)
    assert await room.memory.of(ADA) is first


async def test_who_was_asked_about_longest_ago_goes_first(
    database: Database, tmp_path: Path, clock: MovableClock
) -> None:
    room = Room.over(database, tmp_path, clock, most=2)
    first = {who: await room.memory.of(who) for who in (ADA, BEN)}
    await room.memory.of(ADA)
    await room.memory.of("cat")
    assert await room.memory.of(ADA) is first[ADA]
    assert await room.memory.of(BEN) is not first[BEN]
    assert len(room.memory._at_hand) == 2


async def test_a_reading_under_way_while_something_changes_is_not_kept(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The reading saw what was before; it must not be at hand afterwards."""
    read = memories.read
    begun, go_on = asyncio.Event(), asyncio.Event()
    loop = asyncio.get_running_loop()
    old: list[Known] = []

    def slowly(tx: Any, user_id: str) -> Known:
        old.append(read(tx, user_id))
        return old[-1]

    monkeypatch.setattr(memories, "read", slowly)
    asked = room.database.read

    async def held(fn: Any) -> Any:
        found = await asked(fn)
        begun.set()
        await go_on.wait()  # between the store and the one who asked
        return found

    monkeypatch.setattr(room.database, "read", held)
    reading = loop.create_task(room.memory.of(ADA))
    await begun.wait()
    monkeypatch.setattr(room.database, "read", asked)
    await room.say(ADA, 3, NOT_INTERESTED)
    go_on.set()
    assert (await reading) is old[0] and old[0].refused.tolist() == []
    assert (await room.memory.of(ADA)).refused.tolist() == [3]


async def test_reads_between_acknowledged_feedback_know_all_of_it(room: Room) -> None:
    """People who give feedback and read all the time, at once: no read lacks what was acknowledged before it began."""
    rng = random.Random(5)
    people = [f"person{number}" for number in range(60)]

    async def live(who: str, seed: int) -> int:
        draw, refused, ids, reads = random.Random(seed), set[int](), dict[int, str](), 0
        for _ in range(8):
            movie_id = draw.randint(1, 5)
            if movie_id in refused and draw.random() < 0.4:
                await room.feedback.undo(who, ids.pop(movie_id))
                refused.discard(movie_id)
            else:
                kept = await room.say(who, movie_id, NOT_INTERESTED)
                refused.add(movie_id)
                ids[movie_id] = kept.feedback_id
            known = await asyncio.gather(*(room.memory.of(who) for _ in range(draw.randint(1, 3))))
            for one in known:
                assert one.refused.tolist() == sorted(refused), who
                reads += 1
        return reads

    async def gossip() -> None:
        for number in range(10):
            who = rng.choice(people)
            await room.told((RatingChanged(rating_id=f"r{who}", user_id=who, movie_id=1, overall=3), number))

    *reads, _ = await asyncio.gather(*(live(who, number) for number, who in enumerate(people)), gossip())
    assert sum(reads) > 480


@pytest.fixture
async def replicas(postgres_url: str, tmp_path: Path, clock: MovableClock) -> AsyncIterator[tuple[Room, Room]]:
    """Two processes' worth of memory over one PostgreSQL."""
    await asyncio.to_thread(migrate, postgres_url, "cine_recommender")
    async with Database(postgres_url) as one, Database(postgres_url) as other:
        await one.write(fill)
        yield Room.over(one, tmp_path / "one", clock), Room.over(other, tmp_path / "other", clock)


class TestReplicas:
    async def test_feedback_given_to_one_is_known_to_the_next_answer_of_the_other(
        self, replicas: tuple[Room, Room]
    ) -> None:
        draw = random.Random(3)
        expected = set[int]()
        for _ in range(40):
            here, there = draw.sample(replicas, 2)
            movie_id = draw.randint(1, 5)
            await here.say(ADA, movie_id, NOT_INTERESTED)
            expected.add(movie_id)
            assert (await there.memory.of(ADA)).refused.tolist() == sorted(expected)
            assert (await here.memory.of(ADA)).refused.tolist() == sorted(expected)

    async def test_one_person_says_something_to_both_at_once(self, replicas: tuple[Room, Room]) -> None:
        """The rules see what was said before them: of like and dislike exactly one holds."""
        for movie_id in (1, 2, 3, 4, 5):
            await asyncio.gather(
                *(room.say(ADA, movie_id, kind) for room in replicas for kind in (LIKE, DISLIKE, LIKE))
            )
        for room in replicas:
            known = await room.memory.of(ADA)
            assert sorted([*known.liked.tolist(), *known.disliked.tolist()]) == [1, 2, 3, 4, 5]
            assert len(await room.said(ADA)) == 5

    async def test_who_left_is_forgotten_by_both(self, replicas: tuple[Room, Room]) -> None:
        here, there = replicas
        await here.say(ADA, 1, LIKE)
        assert len(await there.memory.of(ADA)) == 1
        await here.database.write(lambda tx: here.forget(tx, ADA))
        for room in replicas:
            known = await room.memory.of(ADA)
            assert (len(known), known.version) == (0, 0)


async def test_what_is_at_hand_needs_no_store(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    if room.database.dialect != "sqlite":
        pytest.skip("there the version is read each time")
    await room.say(ADA, 1, LIKE)
    known = await room.memory.of(ADA)
    monkeypatch.setattr(room.database, "read", None)
    assert await room.memory.of(ADA) is known
