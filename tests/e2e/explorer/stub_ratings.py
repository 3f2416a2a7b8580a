"""A stand-in for Ratings: ratings, the diary and statistics; reviews are in `stub_reviews.py`."""

from __future__ import annotations

import re
from collections import Counter
from typing import Any

from tests.e2e.explorer.stub_people import Account, Body, Call, Refusal, wrong
from tests.e2e.explorer.stub_reviews import ROOT, StubReviews
from tests.e2e.explorer.stub_shelves import NOW, missing, stale

DIMENSIONS = ("overall", "plot", "acting", "cinematography", "soundtrack")
GIVEN = {"overall": 3.0, "plot": 2.5, "acting": 4.0, "cinematography": 4.5, "soundtrack": 3.5}


def bumped(thing: Body) -> Body:
    """Gives a thing the next etag."""
    thing["etag"] = f"v{int(str(thing['etag'])[1:]) + 1}"
    return thing


def matches(call: Call, thing: Body) -> None:
    """Refuses a change of what changed since it was read."""
    etag = call.body.get("etag") or call.param("etag")
    if etag and etag != thing["etag"]:
        raise stale()


class StubRatings(StubReviews):
    """All calls of Ratings but imports.

    Attributes:
        ratings: by user id and film.
        entries: diaries by user id, latest first.
        others: ratings of people who have no account here, each with all dimensions of `GIVEN`.
    """

    service = "ratings"

    def reset(self) -> None:
        super().reset()
        self.ratings: dict[tuple[str, int], Body] = {}
        self.entries: dict[str, list[Body]] = {}
        self.others = 3

    def serves(self, path: str) -> bool:
        """Tells whether a path is one of these."""
        return path.startswith(f"{ROOT}/") and not re.match(rf"{ROOT}/(?:imports|export)(?:/|$)", path)

    def answer(self, call: Call) -> Any:
        """Answers a call."""
        match call.path.removeprefix(f"{ROOT}/").split("/"):
            case ["movie", movie, "summary"]:
                return self._summary(int(movie))
            case ["movie", movie, "my-rating"]:
                return self._rating_of(self.caller(call), int(movie))
            case ["rate"]:
                return self.once(call, lambda: self._rate(self.caller(call), call))
            case ["rating", rating_id]:
                return self._take_back(self.caller(call), rating_id, call)
            case ["my-ratings"]:
                return self._mine(self.caller(call), call)
            case ["my-statistics"]:
                return self._statistics(self.caller(call), int(call.param("year") or 0))
            case ["diary", *rest]:
                return self._diary(self.caller(call), call, rest)
        return self.written(call)

    def stars_of(self, user_id: str, movie: int) -> float | None:
        rating = self.ratings.get((user_id, movie))
        return rating["overall"] if rating else None

    def give(self, account: Account, movie: int, **stars: float) -> Body:
        """Rates a film for somebody."""
        old = self.ratings.get((account.user_id, movie))
        rating: Body = {
            "rating_id": old["rating_id"] if old else self.new_id("r"),
            "movie_id": movie,
            "created_at": NOW,
            "updated_at": NOW,
            "etag": bumped(dict(old))["etag"] if old else "v1",
            "movie": self.cards[movie],
            **stars,
        }
        self.ratings[account.user_id, movie] = rating
        return rating

    def note(self, account: Account, movie: int, day: str, **more: Any) -> Body:
        """Notes a watching for somebody."""
        entry: Body = {
            "entry_id": self.new_id("e"),
            "movie_id": movie,
            "watched_on": day,
            "rewatch": False,
            "notes": "",
        }
        entry |= {"tags": [], "created_at": NOW, "updated_at": NOW, "etag": "v1", "movie": self.cards[movie]} | more
        diary = self.entries.setdefault(account.user_id, [])
        diary.append(entry)
        diary.sort(key=lambda one: one["watched_on"], reverse=True)
        return entry

    def _rate(self, account: Account, call: Call) -> Body:
        movie = call.body["movie_id"]
        old = self.ratings.get((account.user_id, movie))
        if old:
            matches(call, old)
        stars = {name: call.body[name] for name in DIMENSIONS if name in call.body}
        if any(one * 2 % 1 or not 0 <= one <= 5 for one in stars.values()) or "overall" not in stars:
            raise wrong("must be in steps of one half", "overall")
        return self.give(account, movie, **stars)

    def _rating_of(self, account: Account, movie: int) -> Body:
        if (account.user_id, movie) not in self.ratings:
            raise missing("rating")
        return self.ratings[account.user_id, movie]

    def _take_back(self, account: Account, rating_id: str, call: Call) -> Body:
        found = [(key, one) for key, one in self.ratings.items() if one["rating_id"] == rating_id]
        if not found or found[0][0][0] != account.user_id:
            raise missing("rating")
        matches(call, found[0][1])
        del self.ratings[found[0][0]]
        return {}

    def _mine(self, account: Account, call: Call) -> Body:
        mine = [one for (user, _), one in self.ratings.items() if user == account.user_id]
        genre, words = call.param("genre"), call.param("query").casefold()
        first, last = int(call.param("year_min") or 0), int(call.param("year_max") or 0)
        low, high = float(call.param("rating_min") or 0), float(call.param("rating_max") or 5)
        if low > high:
            raise wrong("rating_max must not be below rating_min", "rating_max")
        mine = [
            one
            for one in mine
            if genre in ("", *one["movie"]["genres"])
            and words in one["movie"]["title"].casefold()
            and first <= one["movie"]["year"] <= (last or 9999)
            and low <= one["overall"] <= high
        ]
        order = call.param("order_by")
        if order in ("highest", "lowest"):
            mine.sort(key=lambda one: one["overall"], reverse=order == "highest")
        elif order in ("title", "year"):
            mine.sort(key=lambda one: one["movie"][order])
        return self.paged(call, "ratings", mine)

    def _summary(self, movie: int) -> Body:
        if movie not in self.cards:
            raise Refusal(404, "NOT_FOUND", f"no film with id {movie}")
        given = [GIVEN] * self.others + [one for (_, film), one in self.ratings.items() if film == movie]
        dimensions = []
        for name in DIMENSIONS:
            stars = [one[name] for one in given if name in one]
            spread = Counter(int(one * 2) for one in stars)
            mean = sum(stars) / len(stars) if stars else 0
            histogram = [spread[half] for half in range(11)]
            dimensions.append({"dimension": name, "mean": mean, "count": len(stars), "histogram": histogram})
        watched = sum(entry["movie_id"] == movie for diary in self.entries.values() for entry in diary)
        return {
            "movie_id": movie,
            "average_rating": dimensions[0]["mean"],
            "rating_count": dimensions[0]["count"],
            "damped_rating": 3.2,
            "review_count": sum(one["movie_id"] == movie for one in self.reviews.values()),
            "watch_count": watched,
            "dimensions": dimensions,
        }

    def _diary(self, account: Account, call: Call, rest: list[str]) -> Body:
        diary = self.entries.setdefault(account.user_id, [])
        if not rest and call.method == "POST":
            return self.once(call, lambda: self._note(account, call.body))
        if not rest:
            year, movie = call.param("year"), int(call.param("movie_id") or 0)
            found = [
                one
                for one in diary
                if one["watched_on"].startswith(year)
                and movie in (0, one["movie_id"])
                and call.param("tag") in ("", *one["tags"])
            ]
            return self.paged(call, "entries", found)
        entry = next((one for one in diary if one["entry_id"] == rest[0]), None)
        if entry is None:
            raise missing("entry")
        matches(call, entry)
        if call.method == "DELETE":
            diary.remove(entry)
            return {}
        self._possible(call.body["watched_on"])
        entry.pop("overall", None)
        entry |= {k: v for k, v in call.body.items() if k in ("watched_on", "rewatch", "overall", "notes", "tags")}
        return bumped(entry)

    def _note(self, account: Account, body: Body) -> Body:
        self._possible(body["watched_on"])
        if body.get("rate"):
            old = self.ratings.get((account.user_id, body["movie_id"]), {})
            kept = {name: old[name] for name in DIMENSIONS if name in old}
            self.give(account, body["movie_id"], **kept | {"overall": body["overall"]})
        more = {k: v for k, v in body.items() if k in ("rewatch", "overall", "notes", "tags")}
        seen = any(one["movie_id"] == body["movie_id"] for one in self.entries.get(account.user_id, []))
        return self.note(account, body["movie_id"], body["watched_on"], **more | {"rewatch": body["rewatch"] or seen})

    @staticmethod
    def _possible(day: str) -> None:
        if day > "2900":
            raise wrong("watched_on must not be in the future", "watched_on")

    def _statistics(self, account: Account, year: int) -> Body:
        diary = self.entries.get(account.user_id, [])
        mine = [one for one in diary if not year or one["watched_on"].startswith(str(year))]
        rated = [one for (user, _), one in self.ratings.items() if user == account.user_id]
        stars = [one["overall"] for one in rated]
        spread = Counter(int(one * 2) for one in stars)
        periods = (
            [f"{year}-{month:02d}" for month in range(1, 13)] if year else sorted({e["watched_on"][:4] for e in mine})
        )

        def buckets(names: list[str]) -> list[Body]:
            return [
                {"name": name, "watch_count": count, "rating_count": 1, "average_rating": 3.5}
                for name, count in Counter(names).most_common(20)
            ]

        months = Counter(one["watched_on"][: 7 if year else 4] for one in mine)
        return {
            "year": year,
            "watch_count": len(mine),
            "movie_count": len({one["movie_id"] for one in mine}),
            "rewatch_count": sum(one["rewatch"] for one in mine),
            "minutes_watched": sum(one["movie"]["runtime_minutes"] for one in mine),
            "rating_count": len(rated),
            "average_rating": sum(stars) / len(stars) if stars else 0,
            "review_count": len([one for one in self.reviews.values() if one["user_id"] == account.user_id]),
            "histogram": [spread[half] for half in range(11)],
            "by_period": [
                {"name": name, "watch_count": months[name], "rating_count": 0, "average_rating": 0} for name in periods
            ],
            "by_genre": buckets([genre for one in mine for genre in one["movie"]["genres"]]),
            "by_decade": sorted(
                buckets([str(one["movie"]["year"] // 10 * 10) for one in mine]), key=lambda one: str(one["name"])
            ),
            "by_director": buckets([name for one in mine for name in one["movie"]["directors"]]),
            "by_country": buckets(["FR" for _ in mine]),
            "highest_rated": sorted(rated, key=lambda one: -one["overall"])[:10],
            "longest_streak_days": min(3, len(mine)),
            "years_available": sorted({int(one["watched_on"][:4]) for one in diary}, reverse=True),
        }
