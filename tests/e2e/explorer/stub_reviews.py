"""A stand-in for what Ratings keeps of words: reviews, likes, comments, reports."""

from __future__ import annotations

import html
from typing import Any

from tests.e2e.explorer.stub_people import Account, Body, Call, Refusal
from tests.e2e.explorer.stub_shelves import NOW, Shelf, missing, stale

ROOT = "/api/v1/ratings"
LATER = "2026-11-20T12:00:00Z"


def rendered(markdown: str) -> str:
    """Returns a text as HTML; only paragraphs are known here."""
    return "".join(f"<p>{html.escape(part)}</p>" for part in markdown.split("\n\n"))


class StubReviews(Shelf):
    """Reviews and the talk about them.

    Attributes:
        reviews: by id, each with `likes` (user ids), `past` (revisions) and `talk` (comments in reading order).
        reports: by id.
    """

    def reset(self) -> None:
        super().reset()
        self.reviews: dict[str, Body] = {}
        self.reports: dict[str, Body] = {}

    def stars_of(self, user_id: str, movie: int) -> float | None:
        raise NotImplementedError

    def publish(self, account: Account | None, movie: int, text: str, **more: Any) -> Body:
        """Publishes a review."""
        number = self.new_id("v")
        review: Body = {
            "review_id": number,
            "movie_id": movie,
            "user_id": account.user_id if account else "",
            "username": account.username if account else "",
            "title": "",
            "body_markdown": text,
            "body_html": rendered(text),
            "contains_spoilers": False,
            "revision": 1,
            "hidden": False,
            "hidden_reason": "",
            "created_at": NOW,
            "updated_at": NOW,
            "etag": "v1",
            "likes": set(),
            "past": [],
            "talk": [],
        }
        self.reviews[number] = review | more
        return self.reviews[number]

    def say(self, account: Account, review: Body, text: str, parent: str = "") -> Body:
        """Adds a comment."""
        talk = review["talk"]
        above = next((i for i, one in enumerate(talk) if one["comment_id"] == parent), None)
        depth = min(5, talk[above]["depth"] + 1) if above is not None else 0
        comment: Body = {
            "comment_id": self.new_id("c"),
            "review_id": review["review_id"],
            "parent_comment_id": parent,
            "depth": depth,
            "user_id": account.user_id,
            "username": account.username,
            "body_markdown": text,
            "body_html": rendered(text),
            "reply_count": 0,
            "deleted": False,
            "hidden": False,
            "hidden_reason": "",
            "created_at": NOW,
            "updated_at": NOW,
            "etag": "v1",
        }
        place = len(talk)
        if above is not None:
            talk[above]["reply_count"] += 1
            place = next((i for i in range(above + 1, len(talk)) if talk[i]["depth"] < depth), len(talk))
        talk.insert(place, comment)
        return comment

    def shown(self, review: Body, viewer: Account | None) -> Body:
        """Returns a review as somebody reads it."""
        kept = {key: value for key, value in review.items() if key not in ("likes", "past", "talk")}
        stars = self.stars_of(review["user_id"], review["movie_id"])
        return (
            kept
            | ({} if stars is None else {"overall": stars})
            | {
                "like_count": len(review["likes"]),
                "liked_by_me": bool(viewer) and viewer.user_id in review["likes"] if viewer else False,
                "comment_count": sum(not one["deleted"] for one in review["talk"]),
                "movie": self.cards[review["movie_id"]],
            }
        )

    def written(self, call: Call) -> Any:
        """Answers a call about words."""
        match call.path.removeprefix(f"{ROOT}/").split("/"):
            case ["movie", movie, "reviews"]:
                return self._of_film(call, int(movie))
            case ["my-reviews"]:
                caller, film = self.caller(call), int(call.param("movie_id") or 0)
                mine = [one for one in self.reviews.values() if one["user_id"] == caller.user_id]
                found = [self.shown(one, caller) for one in mine if film in (0, one["movie_id"])]
                return self.paged(call, "reviews", reversed(found))
            case ["review"]:
                return self.once(call, lambda: self._create(call))
            case ["review", review_id, *rest]:
                return self._on_review(call, self._review(review_id), rest)
            case ["comment", comment_id, *rest]:
                return self._on_comment(call, comment_id, rest)
            case ["reports", *rest]:
                return self._reports(call, rest)
        raise missing("path")

    def _review(self, review_id: str) -> Body:
        if review_id not in self.reviews:
            raise missing("review")
        return self.reviews[review_id]

    def _of_film(self, call: Call, movie: int) -> Body:
        viewer = self.anybody(call)
        found = [self.shown(one, viewer) for one in self.reviews.values() if one["movie_id"] == movie]
        found = [one for one in found if not one["hidden"] or (viewer and viewer.user_id == one["user_id"])]
        if call.param("hide_spoilers") == "true":
            found = [one for one in found if not one["contains_spoilers"]]
        order = call.param("order_by")
        found.reverse()
        if order == "most_liked":
            found.sort(key=lambda one: -one["like_count"])
        elif order in ("highest", "lowest"):
            found.sort(key=lambda one: one.get("overall", 2.5), reverse=order == "highest")
        return self.paged(call, "reviews", found)

    def _create(self, call: Call) -> Body:
        caller, body = self.caller(call), call.body
        if any(
            (one["user_id"], one["movie_id"]) == (caller.user_id, body["movie_id"]) for one in self.reviews.values()
        ):
            raise Refusal(409, "ALREADY_EXISTS", "there is a review of yours of this film", reason="ALREADY_EXISTS")
        if "overall" in body:
            self.give(caller, body["movie_id"], overall=body["overall"])
        more = {"title": body.get("title", ""), "contains_spoilers": body.get("contains_spoilers", False)}
        return self.shown(self.publish(caller, body["movie_id"], body["body_markdown"], **more), caller)

    def give(self, account: Account, movie: int, **stars: float) -> Body:
        raise NotImplementedError

    def _owned(self, call: Call, thing: Body) -> Account:
        caller = self.caller(call)
        if thing["user_id"] != caller.user_id:
            raise Refusal(403, "PERMISSION_DENIED", "only its author may do this", reason="ACCESS_DENIED")
        etag = call.body.get("etag") or call.param("etag")
        if etag and etag != thing["etag"]:
            raise stale()
        return caller

    def _on_review(self, call: Call, review: Body, rest: list[str]) -> Any:
        match call.method, rest:
            case "GET", []:
                return self.shown(review, self.anybody(call))
            case "PUT", []:
                caller = self._owned(call, review)
                was = {
                    key: review[key] for key in ("revision", "title", "body_markdown", "body_html", "contains_spoilers")
                }
                review["past"].insert(0, was | {"written_at": review["updated_at"]})
                review |= {
                    key: call.body[key] for key in ("title", "body_markdown", "contains_spoilers") if key in call.body
                }
                review |= {"body_html": rendered(review["body_markdown"]), "updated_at": LATER}
                review |= {"revision": review["revision"] + 1, "etag": f"v{review['revision'] + 1}"}
                return self.shown(review, caller)
            case "DELETE", []:
                self._owned(call, review)
                del self.reviews[review["review_id"]]
                return {}
            case "GET", ["history"]:
                self._owned(call, review)
                return self.paged(call, "revisions", review["past"])
            case method, ["like"]:
                caller = self.caller(call)
                (review["likes"].add if method == "POST" else review["likes"].discard)(caller.user_id)
                liked = {"like_count": len(review["likes"]), "liked_by_me": method == "POST"}
                return {"review_id": review["review_id"]} | liked
            case "GET", ["comments"]:
                return self.paged(call, "comments", review["talk"])
            case "POST", ["comments"]:
                parent = call.body.get("parent_comment_id", "")
                return self.once(
                    call, lambda: dict(self.say(self.caller(call), review, call.body["body_markdown"], parent))
                )
            case "POST", ["report"]:
                return self._report(call, review["review_id"], "", review["body_markdown"])
            case "POST", ["hide"]:
                return self._hide(call, review)
        raise missing("path")

    def _on_comment(self, call: Call, comment_id: str, rest: list[str]) -> Body:
        review = next((r for r in self.reviews.values() if any(c["comment_id"] == comment_id for c in r["talk"])), None)
        if review is None:
            raise missing("comment")
        talk = review["talk"]
        comment = next(one for one in talk if one["comment_id"] == comment_id)
        match call.method, rest:
            case "PUT", []:
                self._owned(call, comment)
                text = call.body["body_markdown"]
                comment |= {"body_markdown": text, "body_html": rendered(text), "updated_at": LATER, "etag": "v2"}
                return dict(comment)
            case "DELETE", []:
                self._owned(call, comment)
                if comment["reply_count"]:
                    comment |= {"deleted": True, "body_html": "", "body_markdown": "", "user_id": "", "username": ""}
                else:
                    talk.remove(comment)
                    for one in talk:
                        one["reply_count"] -= one["comment_id"] == comment["parent_comment_id"]
                return {}
            case "POST", ["report"]:
                return self._report(call, review["review_id"], comment_id, comment["body_markdown"])
            case "POST", ["hide"]:
                return self._hide(call, comment)
        raise missing("path")

    def _hide(self, call: Call, thing: Body) -> Body:
        if "admin" not in self.caller(call).roles:
            raise Refusal(403, "PERMISSION_DENIED", "this call needs the role admin", reason="ACCESS_DENIED")
        thing |= {"hidden": call.body["hidden"], "hidden_reason": call.body["reason"] if call.body["hidden"] else ""}
        return {"hidden": thing["hidden"]}

    def _report(self, call: Call, review_id: str, comment_id: str, text: str) -> Body:
        self.caller(call)
        number = self.new_id("p")
        self.reports[number] = {
            "report_id": number,
            "review_id": review_id,
            "comment_id": comment_id,
            "reason": call.body["reason"],
            "detail": call.body.get("detail", ""),
            "reporter_count": 1,
            "state": "open",
            "body_markdown": text,
            "created_at": NOW,
        }
        return {"report_id": number}

    def _reports(self, call: Call, rest: list[str]) -> Body:
        if "admin" not in self.caller(call).roles:
            raise Refusal(403, "PERMISSION_DENIED", "this call needs the role admin", reason="ACCESS_DENIED")
        if not rest:
            state = call.param("state") or "open"
            return self.paged(call, "reports", [one for one in self.reports.values() if one["state"] == state])
        report = self.reports.get(rest[0])
        if report is None or rest[1:] != ["resolve"]:
            raise missing("report")
        if report["state"] != "open":
            raise Refusal(400, "FAILED_PRECONDITION", "the report is settled already", reason="FAILED_PRECONDITION")
        report |= {"state": "hidden" if call.body["action"] == "hide" else "dismissed", "resolved_at": LATER}
        if report["state"] == "hidden" and not report["comment_id"]:
            self.reviews[report["review_id"]] |= {"hidden": True, "hidden_reason": call.body.get("reason", "")}
        return report
