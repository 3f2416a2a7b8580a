"""A stand-in for Watchlist: watchlists, lists, who works on them, and what others see of them."""

from __future__ import annotations

import re
from typing import Any

from tests.e2e.explorer.stub_evenings import Evenings
from tests.e2e.explorer.stub_people import Account, Body, Call, Refusal, wrong
from tests.e2e.explorer.stub_shelves import NOW, File, missing, stale

ROOT = "/api/v1/watchlist"


class StubWatchlist(Evenings):
    """All calls of Watchlist.

    Attributes:
        items: watchlists, by user id, in their order.
        lists: lists by id, each with `films`, `people` (user id to role), `link` and `talk`.
        invitations: invitations that wait, by id.
    """

    service = "watchlist"

    def reset(self) -> None:
        super().reset()
        self.items: dict[str, list[Body]] = {}
        self.lists: dict[str, Body] = {}
        self.invitations: dict[str, Body] = {}

    def serves(self, path: str) -> bool:
        """Tells whether a path is Watchlist's."""
        return path == ROOT or path.startswith(f"{ROOT}/")

    def answer(self, call: Call) -> Any:
        """Answers a call."""
        parts = call.path.removeprefix(ROOT).strip("/").split("/")
        match parts:
            case ["canon", *rest]:
                return self.canon(call, rest)
            case ["film-nights", *rest]:
                return self.evening(call, rest)
            case ["lists", *rest]:
                return self._on_lists(call, rest)
            case ["shared", token]:
                return self._shared(call, token)
            case ["invitations", *rest]:
                return self._invited(call, rest)
            case ["export"]:
                self.caller(call)
                return File("text/csv" if call.param("format") != "json" else "application/json", b"[]")
            case [""]:
                return self._whole(call)
            case [item_id, *rest]:
                return self._one(call, item_id, rest)
        raise missing("path")

    # the watchlist

    def put(self, account: Account, movie_id: int, **more: Any) -> Body:
        """Puts a film first on somebody's watchlist."""
        item = {"item_id": self.new_id("i"), "movie_id": movie_id, "priority": 5, "watched": False, "watched_at": None}
        item |= {"notes": "", "created_at": NOW, "updated_at": NOW, "etag": "1", "movie": self.cards.get(movie_id)}
        self.items.setdefault(account.user_id, []).insert(0, item | more)
        return self.items[account.user_id][0]

    def _whole(self, call: Call) -> Body:
        account = self.caller(call)
        own = self.items.setdefault(account.user_id, [])
        if call.method == "POST":
            movie_id = call.body["movie_id"]

            def add() -> Body:
                if any(one["movie_id"] == movie_id for one in own):
                    raise Refusal(
                        409, "ALREADY_EXISTS", "the film is on the watchlist already", reason="ALREADY_EXISTS"
                    )
                return self.put(
                    account, movie_id, priority=call.body.get("priority") or 5, notes=call.body.get("notes", "")
                )

            return self.once(call, add)
        orders: dict[str, Any] = {
            "priority": lambda one: -one["priority"],
            "title": lambda one: one["movie"]["title"],
            "year": lambda one: -one["movie"]["year"],
        }
        watched, genre, film = call.param("watched"), call.param("genre"), int(call.param("movie_id") or 0)
        found = [
            one
            for one in own
            if (not watched or one["watched"] == (watched == "true"))
            and (not genre or genre in one["movie"]["genres"])
            and film in (0, one["movie_id"])
        ]
        return self.paged(call, "items", sorted(found, key=orders.get(call.param("order_by"), lambda _: 0)))

    def _one(self, call: Call, item_id: str, rest: list[str]) -> Body:
        own = self.items.setdefault(self.caller(call).user_id, [])
        item = next((one for one in own if one["item_id"] == item_id), None)
        if item is None:
            raise missing("item")
        match call.method, rest:
            case "GET", []:
                return item
            case "PUT", []:
                if call.body.get("etag", item["etag"]) != item["etag"]:
                    raise stale()
                item.update({k: v for k, v in call.body.items() if k in {"priority", "watched", "watched_at", "notes"}})
                item["watched"] = bool(call.body.get("watched", item["watched"] or "watched_at" in call.body))
                item["watched_at"] = (item["watched_at"] or NOW) if item["watched"] else None
            case "POST", ["watched"]:
                item.update(watched=True, watched_at=NOW)
                self.touched(item)
                return item | {"offer_rating": True}
            case "POST", ["move"]:
                reorder(own, "item_id", item, call.body["after_item_id"])
                return item
            case "DELETE", []:
                own.remove(item)
                return {}
        return self.touched(item)

    # lists

    def make(self, owner: Account, name: str, films: list[int] | None = None, **more: Any) -> Body:
        """Makes somebody's list."""
        made: Body = {"list_id": self.new_id("l"), "name": name, "description": "", "visibility": "PRIVATE"}
        made |= {"ranked": False, "comments_enabled": False, "owner_id": owner.user_id, "etag": "1"}
        made |= {"created_at": NOW, "updated_at": NOW, "films": [], "people": {owner.user_id: "owner"}, "link": ""}
        made["talk"] = []
        self.lists[made["list_id"]] = made | more
        for film in films or []:
            self._film(self.lists[made["list_id"]], owner, film)
        return self.lists[made["list_id"]]

    def _film(self, one: Body, who: Account, movie_id: int, notes: str = "") -> Body:
        item: Body = {"item_id": self.new_id("f"), "list_id": one["list_id"], "movie_id": movie_id, "notes": notes}
        item |= {"added_by_username": who.username, "created_at": NOW, "etag": "1", "seen": movie_id % 3 == 0}
        one["films"].append(item | {"movie": self.cards.get(movie_id)})
        return dict(one["films"][-1])

    def shown(self, one: Body, who: Account | None) -> Body:
        """Returns a list as somebody sees it."""
        role = one["people"].get(who.user_id if who else "", "")
        people = [
            {"user_id": key, "username": self.identity.accounts[key].username, "role": value, "joined_at": NOW}
            for key, value in one["people"].items()
        ]
        kept = {key: value for key, value in one.items() if key not in {"films", "people", "link", "talk"}}
        seen = sum(item["seen"] for item in one["films"]) if who else 0
        return kept | {
            "my_role": role,
            "owner_username": self.identity.accounts[one["owner_id"]].username,
            "collaborators": people if role else [],
            "item_count": len(one["films"]),
            "seen_count": seen,
            "share_url": self._address(one) if role == "owner" else "",
        }

    @staticmethod
    def _address(one: Body) -> str:
        return f"http://mesh.test/#/list?token={one['link']}" if one["link"] else ""

    def _on_lists(self, call: Call, rest: list[str]) -> Body:
        if not rest:
            account = self.caller(call)
            if call.method == "POST":
                return self.once(call, lambda: self._new(account, call.body))
            role = call.param("role")
            mine = [one for one in self.lists.values() if account.user_id in one["people"]]
            mine = [one for one in mine if role in ("", one["people"][account.user_id])]
            return self.paged(call, "lists", [self.shown(one, account) for one in reversed(mine)])
        who = self.anybody(call)
        one = self.lists.get(rest[0])
        role = one["people"].get(who.user_id if who else "", "") if one else ""
        if one is None or (not role and one["visibility"] != "PUBLIC"):
            raise missing("list")
        if call.method != "GET" and rest[1:2] != ["comments"] and role not in ("owner", "editor"):
            raise Refusal(403, "PERMISSION_DENIED", "only who works on the list may do this", reason="ACCESS_DENIED")
        match rest[1:]:
            case []:
                return self._list(call, one, who)
            case ["items", *more]:
                return self._films(call, one, who, more)
            case ["collaborators", *more]:
                return self._people(call, one, more)
            case ["share"]:
                one["link"] = "" if call.method == "DELETE" else (one["link"] or f"share-{one['list_id']}")
                return {"list_id": one["list_id"], "share_url": self._address(one), "share_token": one["link"]}
            case ["comments", *more]:
                return self._talk(call, one, who, more)
        raise missing("path")

    def _new(self, account: Account, body: Body) -> Body:
        if not body["name"].strip():
            raise wrong("must not be empty", "name")
        kept = {key: body[key] for key in ("description", "ranked", "comments_enabled") if key in body}
        films = body.get("movie_ids", [])
        made = self.make(account, body["name"], films, visibility=body.get("visibility") or "PRIVATE", **kept)
        return self.shown(made, account)

    def _list(self, call: Call, one: Body, who: Account | None) -> Body:
        if call.method == "DELETE":
            if call.param("etag") not in ("", one["etag"]):
                raise stale()
            del self.lists[one["list_id"]]
            return {}
        if call.method == "PUT":
            if call.body.get("etag", one["etag"]) != one["etag"]:
                raise stale()
            names = {"name", "description", "visibility", "ranked", "comments_enabled"}
            one.update({key: value for key, value in call.body.items() if key in names})
            self.touched(one)
        return self.shown(one, who)

    def _films(self, call: Call, one: Body, who: Account | None, rest: list[str]) -> Body:
        films = one["films"]
        if not rest:
            if call.method == "GET":
                return self.paged(call, "items", [item | {"position": i + 1} for i, item in enumerate(films)])
            if any(item["movie_id"] == call.body["movie_id"] for item in films):
                raise Refusal(409, "ALREADY_EXISTS", "the film is on the list already", reason="ALREADY_EXISTS")
            assert who is not None
            return self.once(call, lambda: self._film(one, who, call.body["movie_id"], call.body.get("notes", "")))
        item = next((it for it in films if it["item_id"] == rest[0]), None)
        if item is None:
            raise missing("item")
        if call.method == "DELETE":
            films.remove(item)
            return {}
        if rest[1:] == ["move"]:
            reorder(films, "item_id", item, call.body["after_item_id"])
            return dict(item)
        if call.body.get("etag", item["etag"]) != item["etag"]:
            raise stale()
        item["notes"] = call.body["notes"]
        return self.touched(item)

    def _people(self, call: Call, one: Body, rest: list[str]) -> Body:
        if call.method == "POST":

            def invite() -> Body:
                made = {"invitation_id": self.new_id("v"), "list_id": one["list_id"], "list_name": one["name"]}
                made |= {"username": call.body["username"], "role": call.body["role"], "created_at": NOW}
                made |= {"expires_at": NOW, "invited_by_username": self.caller(call).username}
                self.invitations[made["invitation_id"]] = made
                return made

            return self.once(call, invite)
        if call.method == "DELETE":
            one["people"].pop(rest[0])
            return {}
        one["people"][rest[0]] = call.body["role"]
        return {"user_id": rest[0], "username": self.identity.accounts[rest[0]].username, "role": call.body["role"]}

    def _invited(self, call: Call, rest: list[str]) -> Body:
        account = self.caller(call)
        waiting = [one for one in self.invitations.values() if one["username"] == account.username]
        if not rest:
            return self.paged(call, "invitations", waiting)
        found = self.invitations.pop(rest[0])
        if rest[1] == "decline":
            return {}
        one = self.lists[found["list_id"]]
        one["people"][account.user_id] = found["role"]
        return {"list": self.shown(one, account)}

    def _shared(self, call: Call, token: str) -> Body:
        one = next((one for one in self.lists.values() if one["link"] == token), None)
        if one is None or one["visibility"] == "PRIVATE":
            raise missing("link")
        who = self.anybody(call)
        page = self.paged(call, "items", [item | {"position": i + 1} for i, item in enumerate(one["films"])])
        return page | {"list": self.shown(one, who) | {"collaborators": []}}

    def _talk(self, call: Call, one: Body, who: Account | None, rest: list[str]) -> Body:
        if call.method == "GET":
            return self.paged(call, "comments", one["talk"])
        account = self.caller(call)
        if call.method == "DELETE":
            one["talk"] = [said for said in one["talk"] if said["comment_id"] != rest[0]]
            return {}
        if not one["comments_enabled"]:
            raise Refusal(400, "FAILED_PRECONDITION", "nobody may comment here", reason="FAILED_PRECONDITION")

        def say() -> Body:
            text = call.body["body_markdown"]
            html = re.sub(r"\*(.+?)\*", r"<em>\1</em>", text)
            said = {"comment_id": self.new_id("c"), "list_id": one["list_id"], "user_id": account.user_id}
            said |= {"username": account.username, "body_markdown": text, "body_html": f"<p>{html}</p>"}
            one["talk"].append(said | {"created_at": NOW})
            return dict(one["talk"][-1])

        return self.once(call, say)


def reorder(items: list[Body], key: str, item: Body, after: str) -> None:
    """Puts an item behind the one of an id; first where that is empty."""
    items.remove(item)
    items.insert(next(i for i, one in enumerate(items) if one[key] == after) + 1 if after else 0, item)
