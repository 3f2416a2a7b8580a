"""A stand-in for the recommender: picks, why, feedback, first questions, rows, groups, expected ratings, sums of reviews.

What is rated, refused and seen counts at once, as the real one promises; scores are invented from the ids.
"""

from __future__ import annotations

from typing import Any

from tests.e2e.explorer.stub_identity import StubIdentity
from tests.e2e.explorer.stub_people import Account, Body, Call, wrong
from tests.e2e.explorer.stub_ratings import StubRatings
from tests.e2e.explorer.stub_shelves import NOW, Shelf, missing

ROOT = "/api/v1/recommendations"
MODEL = "hybrid/20261121T004300"
MOODS = ("cosy", "funny", "tense", "sad")
WANTED = 10
AWAY = {"like", "not_interested", "seen"}
OPPOSITE = {"like": {"dislike", "not_interested"}, "dislike": {"like"}, "not_interested": {"like"}}
PARTS = {"collaborative": 0.3, "content": -0.05, "graph": 0.15, "sentiment": 0.0, "popularity": 0.1, "context": 0.0}
Card = dict[str, Any]


class StubRecommender(Shelf):
    """All calls about a person.

    Attributes:
        said: feedback that holds, by user id, latest last.
        rung: what answers a person who has rated; empty for the usual one.
        lacking: what answers say they lack; empty for whole ones.
        understood: what wishes are understood as, by their words.
        answers: films of the answers given, by their ids.
        summaries: sums of reviews by film.
        deaf: answers that still do not know of ratings given, from now on.
    """

    service = "recommender"

    def __init__(self, identity: StubIdentity, cards: dict[int, Body], ratings: StubRatings, genres: list[str]) -> None:
        self.ratings, self.genres = ratings, genres
        super().__init__(identity, cards)

    def reset(self) -> None:
        super().reset()
        self.said: dict[str, list[Body]] = {}
        self.rung = ""
        self.lacking = ""
        self.understood: dict[str, Body] = {}
        self.answers: dict[str, tuple[str, list[Body]]] = {}
        self.summaries: dict[int, Body] = {}
        self.deaf = 0

    def serves(self, path: str) -> bool:
        """Tells whether a path is one of these; similar films are the mesh's own."""
        return (path == ROOT or path.startswith(f"{ROOT}/")) and not path.startswith(f"{ROOT}/similar/")

    def answer(self, call: Call) -> Any:
        """Answers a call."""
        match call.path.removeprefix(ROOT).strip("/").split("/"):
            case ["review-summary", movie]:
                empty: Body = {"summary": "", "praised": [], "criticised": [], "review_count": 0}
                return empty | {"movie_id": int(movie), "created_at": NOW} | self.summaries.get(int(movie), {})
            case [""]:
                return self._picks(call, self.caller(call))
            case ["feedback", *rest]:
                return self._feedback(call, self.caller(call), rest)
            case ["onboarding"]:
                return self._questions(call, self.caller(call))
            case ["because-you-watched"]:
                return self._rows(call, self.caller(call))
            case ["group"]:
                return self._group(call, self.caller(call))
            case ["predict", movie]:
                return self._expected(int(movie), self.caller(call))
            case [answer_id, "why"]:
                return self._why(call, answer_id, self.caller(call))
        raise missing("path")

    def _rated(self, who: Account) -> list[int]:
        """Returns what somebody rated, best first."""
        own = {movie: one["overall"] for (user, movie), one in self.ratings.ratings.items() if user == who.user_id}
        return sorted(own, key=lambda movie: -own[movie])

    def _hidden(self, who: Account) -> set[int]:
        said = {one["movie_id"] for one in self.said.get(who.user_id, []) if one["kind"] in AWAY}
        return said | set(self._rated(who))

    def _films(self, hidden: set[int]) -> list[Card]:
        return [card for number, card in self.cards.items() if number not in hidden and number != 999999]

    def _known(self, names: list[str], accepted: list[str], kind: str, field: str) -> set[str]:
        for i, name in enumerate(names):
            if name not in accepted:
                raise wrong(f'unknown {kind} "{name}". Accepted: {", ".join(accepted)}', f"{field}[{i}]")
        return set(names)

    def _pick(self, card: Card, rank: int, own: list[int]) -> Body:
        films = [{"movie_id": one, "title": self.cards[one]["title"], "share": 0.07, "overall": 4.5} for one in own[:2]]
        text = f"Because you liked {films[0]['title']}." if films else "Many people watch it."
        because = {"text": text, "because": films, "worded_by": "template"}
        return {"movie": card, "score": 0.5, "rank": rank, "components": PARTS, "explanation": because}

    def _keep(self, who: Account, picks: list[Body]) -> str:
        name = self.new_id("a")
        self.answers[name] = who.user_id, picks
        return name

    def _lacks(self) -> Body:
        return {"model": MODEL, "degraded": bool(self.lacking), "degraded_reason": self.lacking}

    def _picks(self, call: Call, who: Account) -> Body:
        genres = self._known(call.query.get("genre", []), self.genres, "genre", "genre")
        services = set(call.query.get("service", []))
        if call.param("mood"):
            self._known([call.param("mood")], list(MOODS), "mood", "mood")
        low, high = int(call.param("year_min") or 0), int(call.param("year_max") or 9999)
        if low > high:
            raise wrong("year_max must not be before year_min", "year_max")
        longest = int(call.param("runtime_max") or 10000)
        wish = self.understood.get(call.param("query"))
        if wish:
            genres |= set(wish.get("genre", []))
            low, high = max(low, wish.get("year_min", 0)), min(high, wish.get("year_max") or 9999)
        rated = self._rated(who)
        films = [
            one
            for one in self._films(self._hidden(who))
            if genres <= set(one["genres"])
            and (not services or services & set(one["streaming_services"]))
            and low <= one["year"] <= high
            and one["runtime_minutes"] <= longest
        ]
        page = self.paged(call, "movies", films)
        start = int(call.param("page_token") or 0)
        picks = [self._pick(one, start + i, rated) for i, one in enumerate(page.pop("movies"), start=1)]
        usual = "personal" if rated else "genre_popularity"
        answer = {"recommendations": picks, "request_id": self._keep(who, picks), "rung": self.rung or usual}
        return page | answer | self._lacks() | {"profile": "tuned"} | ({"understood": wish} if wish else {})

    def _why(self, call: Call, answer_id: str, who: Account) -> Body:
        user_id, picks = self.answers.get(answer_id, ("", []))
        shown = [one for one in picks if one["movie"]["movie_id"] == int(call.param("movie_id"))]
        if user_id != who.user_id or not shown:
            raise missing("answer")
        [one] = shown
        signal = {"signal": "ease", "model": MODEL, "weight": 0.4, "score": 0.7, "rank": 3}
        told = {"movie_id": one["movie"]["movie_id"], "title": one["movie"]["title"], "rank": one["rank"]}
        told |= {"rank_by_score": one["rank"] + 4, "score": one["score"], "components": one["components"]}
        told |= {
            "explanation": one["explanation"],
            "signals": [signal | {"because": one["explanation"]["because"] * 5}],
        }
        whole = {"request_id": answer_id, "created_at": NOW, "profile": "tuned", "experiment_id": "", "variant": ""}
        return whole | self._lacks() | {"rung": "personal", "recommendations": [told]}

    def _feedback(self, call: Call, who: Account, rest: list[str]) -> Body:
        own = self.said.setdefault(who.user_id, [])
        if call.method == "DELETE":
            found = next((one for one in own if one["feedback_id"] == rest[0]), None)
            if found is None:
                raise missing("feedback")
            own.remove(found)
            return {"movie_id": found["movie_id"]}
        if call.method == "GET":
            kind = call.param("kind")
            return self.paged(call, "feedback", [one for one in reversed(own) if kind in ("", one["kind"])])

        def say() -> Body:
            movie, kind = call.body["movie_id"], call.body["kind"]
            own[:] = [o for o in own if o["movie_id"] != movie or o["kind"] not in {kind, *OPPOSITE.get(kind, set())}]
            told = {"feedback_id": self.new_id("k"), "movie_id": movie, "kind": kind, "created_at": NOW}
            shown_in = {name: call.body.get(name) for name in ("recommendation_request_id", "rank")}
            own.append(told | {"movie": self.cards[movie]} | shown_in)
            return told

        return self.once(call, say)

    def _questions(self, call: Call, who: Account) -> Body:
        asked = set(map(int, call.query.get("exclude_movie_ids", [])))
        rated = len(self._rated(who))
        if self.deaf:
            self.deaf -= 1
            rated = 0
        films = self._films(self._hidden(who) | asked)[: int(call.param("limit") or 0) or 12]
        return {"movies": films, "rating_count": rated, "ratings_wanted": WANTED}

    def _rows(self, call: Call, who: Account) -> Body:
        size, rated = int(call.param("row_size") or 0) or 10, self._rated(who)
        service = call.param("service")
        left = [one for one in self._films(self._hidden(who)) if not service or service in one["streaming_services"]]
        rows = [
            {
                "because": self.cards[movie],
                "recommendations": [
                    self._pick(one, j, [movie]) for j, one in enumerate(left[i * size : i * size + size], 1)
                ],
            }
            for i, movie in enumerate(rated[: int(call.param("rows") or 0) or 3])
        ]
        return {"rows": rows, "request_id": self.new_id("a")} | self._lacks()

    def _group(self, call: Call, who: Account) -> Body:
        names, hidden = [who.username], self._hidden(who)
        for i, one in enumerate(call.body.get("members", [])):
            if one.get("username"):
                found = next((a for a in self.identity.accounts.values() if a.username == one["username"]), None)
                if found is None or not found.preferences.get("share_taste"):
                    raise wrong(f'nobody called "{one["username"]}" shares their taste', f"members[{i}].username")
                hidden |= self._hidden(found)
            else:
                self._known(one.get("preferred_genres", []), self.genres, "genre", f"members[{i}].preferred_genres")
            names.append(one.get("username") or one["name"])
        vetoed = self._known(call.body.get("vetoed_genres", []), self.genres, "genre", "vetoed_genres")
        low, high = call.body.get("year_min") or 0, call.body.get("year_max") or 9999
        if low > high:
            raise wrong("year_max must not be before year_min", "year_max")
        hidden |= set(call.body.get("vetoed_movie_ids", []))
        films = [one for one in self._films(hidden) if not vetoed & set(one["genres"]) and low <= one["year"] <= high]
        scores = [{"name": name, "score": 0.3 + 0.2 * (i % 3)} for i, name in enumerate(names)]
        picks = [self._pick(one, i, self._rated(who)) for i, one in enumerate(films[: call.body.get("limit") or 20], 1)]
        return {
            "recommendations": [one | {"member_scores": scores} for one in picks],
            "request_id": self.new_id("a"),
        } | self._lacks()

    def _expected(self, movie: int, who: Account) -> Body:
        count = len(self._rated(who))
        told = {"movie_id": movie, "predicted_rating": 4.1, "low": 3.2, "high": 4.8, "rating_count": count}
        return told | self._lacks()
