"""Film nights and lists that everyone knows, for the stub of Watchlist."""

from __future__ import annotations

from collections import Counter
from typing import Any

from tests.e2e.explorer.stub_people import Account, Body, Call, Refusal, wrong
from tests.e2e.explorer.stub_shelves import NOW, Shelf, missing


class Evenings(Shelf):
    """Film nights, counted plainly: each round the last film goes until one has more than half.

    Attributes:
        nights: film nights by id, each with `votes` by user id and `joined`.
        seen: films that everybody who is signed in has seen.
    """

    def reset(self) -> None:
        super().reset()
        self.nights: dict[str, Body] = {}
        self.seen: set[int] = set()

    @staticmethod
    def touched(kept: Body) -> Body:
        """Gives something another etag."""
        kept["etag"] = str(int(kept["etag"]) + 1)
        return kept

    def canon(self, call: Call, rest: list[str]) -> Body:
        """Answers calls about lists that everyone knows: one, of 30 films and one that the catalogue lacks."""
        signed_in = self.anybody(call) is not None
        entries: list[Body] = [
            {"movie_id": card["movie_id"], "position": i + 1, "note": str(1950 + i), "movie": card}
            | {"title": card["title"], "year": card["year"], "seen": signed_in and card["movie_id"] in self.seen}
            for i, card in enumerate(list(self.cards.values())[:30])
        ]
        lost = {"movie_id": 0, "position": 31, "note": "1981", "title": "A Film Nobody Has", "year": 1981}
        entries.append(lost | {"seen": False})
        kept: Body = {"canon_id": "palme-dor", "name": "Palme d’Or", "description": "What the jury in Cannes chose."}
        kept |= {"item_count": 30, "absent_count": 1, "seen_count": sum(one["seen"] for one in entries)}
        if not rest:
            return {"lists": [kept]}
        if rest != ["palme-dor"]:
            raise missing("list")
        return kept | self.paged(call, "items", entries)

    def evening(self, call: Call, rest: list[str]) -> Body:
        """Answers calls about film nights."""
        account = self.caller(call)
        if not rest:
            if call.method == "POST":
                return self.once(call, lambda: self._plan(account, call.body))
            mine = [one for one in self.nights.values() if account.user_id in one["joined"]]
            state = call.param("state")
            found = [self._night(one) for one in mine if state in ("", one["state"])]
            return self.paged(call, "film_nights", found)
        if rest == ["join"]:
            night = next((n for n in self.nights.values() if n["token"] == call.body["invite_token"]), None)
            if night is None:
                raise missing("invitation")
            if account.user_id not in night["joined"]:
                night["joined"].append(account.user_id)
                self.touched(night)
            return self._night(night)
        night = self.nights.get(rest[0])
        if night is None or account.user_id not in night["joined"]:
            raise missing("film night")
        return self._in(call, night, account, rest[1:])

    def plan(self, host: Account, name: str, films: list[int]) -> Body:
        """Plans a film night."""
        body = {"name": name, "movie_ids": films}
        return self.nights[self._plan(host, body)["film_night_id"]]

    def _plan(self, host: Account, body: Body) -> Body:
        if not body["name"].strip():
            raise wrong("must not be empty", "name")
        night: Body = {"film_night_id": self.new_id("n"), "name": body["name"], "state": "open", "etag": "1"}
        night |= {"starts_at": body.get("starts_at"), "closes_at": body.get("closes_at"), "host": host.user_id}
        night |= {"vetoes_per_person": body.get("vetoes_per_person", 1), "joined": [host.user_id], "votes": {}}
        night |= {"candidates": [(film, host.username) for film in body.get("movie_ids", [])], "created_at": NOW}
        night["token"] = f"join-{night['film_night_id']}"
        self.nights[night["film_night_id"]] = night
        return self._night(night)

    def _night(self, night: Body) -> Body:
        struck = {film for vote in night["votes"].values() for film in vote["vetoed_movie_ids"]}
        kept = {key: value for key, value in night.items() if key not in {"host", "joined", "votes", "token"}}
        return kept | {
            "host_username": self.identity.accounts[night["host"]].username,
            "candidates": [
                {"movie_id": film, "proposed_by_username": who, "vetoed": film in struck, "movie": self.cards.get(film)}
                for film, who in night["candidates"]
            ],
            "participants": [
                {"user_id": one, "username": self.identity.accounts[one].username, "has_voted": one in night["votes"]}
                for one in night["joined"]
            ],
            "invite_url": f"http://mesh.test/#/film-night?token={night['token']}",
            "winner_movie_id": self._count_votes(night)["winner_movie_id"] if night["state"] == "closed" else 0,
        }

    def _in(self, call: Call, night: Body, account: Account, rest: list[str]) -> Any:
        if rest and call.method != "GET" and night["state"] == "closed":
            raise Refusal(
                400, "FAILED_PRECONDITION", "the vote of this film night has ended", reason="FAILED_PRECONDITION"
            )
        match call.method, rest:
            case "GET", []:
                own = night["votes"].get(account.user_id, {"ranked_movie_ids": [], "vetoed_movie_ids": []})
                return self._night(night) | {f"my_{name}": films for name, films in own.items()}
            case "GET", ["result"]:
                return self._count_votes(night)
            case "POST", ["candidates"]:
                if call.body["movie_id"] not in [film for film, _ in night["candidates"]]:
                    night["candidates"].append((call.body["movie_id"], account.username))
                return self._night(self.touched(night))
            case "DELETE", ["candidates", film]:
                night["candidates"] = [one for one in night["candidates"] if one[0] != int(film)]
                self.touched(night)
                return {}
            case "PUT", ["vote"]:
                night["votes"][account.user_id] = call.body
                self.touched(night)
                return call.body | {"vote_count": len(night["votes"])}
            case "POST", ["close"]:
                if account.user_id != night["host"]:
                    raise Refusal(403, "PERMISSION_DENIED", "only the host may do this", reason="ACCESS_DENIED")
                night["state"] = "closed"
                return self._night(self.touched(night))
        raise missing("path")

    @staticmethod
    def _count_votes(night: Body) -> Body:
        votes = list(night["votes"].values())
        struck = {film for vote in votes for film in vote["vetoed_movie_ids"]}
        left = [film for film, _ in night["candidates"] if film not in struck]
        rounds: list[Body] = []
        while left:
            best = [next((film for film in vote["ranked_movie_ids"] if film in left), 0) for vote in votes]
            counted = Counter(film for film in best if film)
            counts = sorted(
                ({"movie_id": film, "votes": counted[film]} for film in left), key=lambda one: -int(one["votes"])
            )
            done = len(left) == 1 or counts[0]["votes"] * 2 > sum(counted.values())
            out = 0 if done else int(counts[-1]["movie_id"])
            rounds.append({"round": len(rounds) + 1, "counts": counts, "eliminated_movie_id": out})
            rounds[-1]["exhausted_votes"] = best.count(0)
            if done:
                break
            left.remove(out)
        return {
            "film_night_id": night["film_night_id"],
            "closed": night["state"] == "closed",
            "winner_movie_id": rounds[-1]["counts"][0]["movie_id"] if rounds else 0,
            "vetoed_movie_ids": sorted(struck),
            "rounds": rounds,
            "vote_count": len(votes),
            "tie_break": "",
        }
