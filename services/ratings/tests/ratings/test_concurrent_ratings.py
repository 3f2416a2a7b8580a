"""Many people, and one person many times, at the same moment: one rating each, and counts that do not drift; on both databases."""

from __future__ import annotations

import asyncio
import datetime as dt
import random

import pytest

from cine.ratings.v1 import events_pb2
from cine.ratings.v1 import ratings_pb2 as pb
from cine_ratings.domain.counts import FilmCounts, histogram
from cine_ratings.domain.diary import DiaryWish
from cine_ratings.domain.rating import RatingWish, Score, stars_of
from cine_ratings.store import Transaction, counts, ratings
from cinemesh import context
from cinemesh.context import Principal, RequestContext
from cinemesh.errors import Aborted, InvalidArgument
from cinemesh.idempotency import RequestIds

from .conftest import Books, told

DAY = dt.date(2026, 3, 1)


async def counted(books: Books, movie_id: int) -> FilmCounts:
    return await books.database.read(lambda tx: counts.of_film(tx, movie_id))


async def test_one_person_rating_one_film_at_once_has_one_rating(books: Books) -> None:
    async def rate(halves: int) -> None:
        await books.database.write(lambda tx: books.ratings.apply(tx, "ada", [RatingWish(1, Score(halves))]))

    await asyncio.gather(*(rate(halves % 11) for halves in range(60)))
    (kept,) = await books.database.read(lambda tx: ratings.all_of(tx, "ada"))
    found = await counted(books, 1)
    assert found.overall == histogram([kept.score.overall])
    events = [event for event in await told(books.database) if isinstance(event, events_pb2.RatingChanged)]
    # each follows on the one before it, and the last is what is kept
    assert [event.previous_overall for event in events[1:]] == [event.overall for event in events[:-1]]
    assert events[-1].overall == stars_of(kept.score.overall)


async def test_an_etag_read_by_many_lets_one_through(books: Books) -> None:
    (first,) = await books.database.write(lambda tx: books.ratings.apply(tx, "ada", [RatingWish(1, Score(0))]))
    etag = first.after.etag

    async def rate(halves: int) -> bool:
        wish = RatingWish(1, Score(halves), etag=etag)
        try:
            await books.database.write(lambda tx: books.ratings.apply(tx, "ada", [wish]))
        except Aborted:
            return False
        return True

    assert sum(await asyncio.gather(*(rate(halves) for halves in range(1, 11)))) == 1


async def test_many_people_and_films_at_once_are_counted_to_the_last(books: Books) -> None:
    dice = random.Random(7)

    async def person(number: int) -> None:
        who = f"u{number}"
        for _ in range(12):
            films = dice.sample(range(1, 5), 3)
            wishes = [RatingWish(film, Score(dice.randrange(11), plot=dice.choice([None, 4]))) for film in films]
            watched = [DiaryWish(film, DAY) for film in films[:2]]
            rating = [DiaryWish(films[0], DAY, overall=dice.randrange(11), rate=True)]

            def change(tx: Transaction) -> None:
                books.ratings.apply(tx, who, wishes)  # noqa: B023 - awaited within the round
                books.diary.apply(tx, who, watched)  # noqa: B023

            await books.database.write(change)
            await books.database.write(lambda tx: books.diary.apply(tx, who, rating))  # noqa: B023
            if dice.random() < 0.3:
                await books.database.write(lambda tx: books.ratings.forget(tx, who))

    # a circle of waiting is broken after a second each time: there must be none
    async with asyncio.timeout(20):
        await asyncio.gather(*(person(number) for number in range(16)))
    everybody = [
        rating
        for number in range(16)
        for rating in await books.database.read(lambda tx, who=f"u{number}": ratings.all_of(tx, who))  # type: ignore[misc]
    ]
    watches = [event for event in await told(books.database) if isinstance(event, events_pb2.DiaryEntryChanged)]
    for film in range(1, 5):
        found = await counted(books, film)
        mine = [one.score for one in everybody if one.movie_id == film]
        assert found.overall == histogram(score.overall for score in mine)
        assert found.dimensions[1] == histogram(score.plot for score in mine if score.plot is not None)
        assert found.watch_count == sum(event.movie_id == film for event in watches)


async def test_a_change_that_fails_leaves_no_count_and_no_event(books: Books) -> None:
    def change(tx: Transaction) -> None:
        books.ratings.apply(tx, "ada", [RatingWish(1, Score(9))])
        books.diary.apply(tx, "ada", [DiaryWish(1, DAY)])
        raise Aborted("after all")

    with pytest.raises(Aborted):
        await books.database.write(change)
    assert (await counted(books, 1)).empty and await told(books.database) == []


async def test_a_request_id_sent_ten_times_at_once_has_one_effect(books: Books) -> None:
    request_ids = RequestIds()

    async def send(number: int, halves: int) -> bytes:
        request = pb.RateMovieRequest(movie_id=1 + number % 3, overall=stars_of(halves), request_id=f"r{number}")
        who = f"u{number}"

        def effect(tx: Transaction) -> pb.RateMovieResponse:
            (change,) = books.ratings.apply(tx, who, [RatingWish(request.movie_id, Score(halves))])
            return pb.RateMovieResponse(rating_id=change.after.rating_id, etag=change.after.etag)

        with context.using(RequestContext(principal=Principal("user", who))):
            answer = await request_ids.once(books.database, "RateMovie", request, pb.RateMovieResponse, effect)
        return answer.SerializeToString(deterministic=True)

    answers = await asyncio.gather(*(send(number, number % 11) for number in range(40) for _ in range(10)))
    assert len(set(answers)) == 40
    assert sum([(await counted(books, film)).overall.count for film in (1, 2, 3)]) == 40
    assert len(await told(books.database)) == 40
    with pytest.raises(InvalidArgument):
        await send(1, 9)


async def test_thousands_of_rows_in_one_transaction(books: Books) -> None:
    wishes = [RatingWish(film, Score(film % 11, acting=3)) for film in range(1, 3001)]
    started = asyncio.get_running_loop().time()
    changes = await books.database.write(lambda tx: books.ratings.apply(tx, "ada", wishes))
    entries = await books.database.write(
        lambda tx: books.diary.apply(tx, "ada", [DiaryWish(film, DAY) for film in range(1, 3001)])
    )
    assert asyncio.get_running_loop().time() - started < 10
    assert len(changes) == len(entries) == 3000
    undone = await books.database.write(lambda tx: books.ratings.undo(tx, "ada", [one.undo for one in changes]))
    assert all(undone)
    assert await books.database.read(lambda tx: ratings.all_of(tx, "ada")) == []
