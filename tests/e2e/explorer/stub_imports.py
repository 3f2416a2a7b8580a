"""A stand-in for imports and exports of Ratings."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from typing import Any

from tests.e2e.explorer.stub_people import Body, Call, Refusal, wrong
from tests.e2e.explorer.stub_shelves import NOW, Events, File, Shelf, missing

ROOT = "/api/v1/ratings"
OUTCOMES = ("matched", "ambiguous", "unknown", "invalid", "unchanged")


class StubImports(Shelf):
    """Imports that are matched at once and applied while somebody watches.

    Attributes:
        imports: by id, each with `rows` and the bytes that came.
        torn: streams of progress that break off after their first event.
        dead: whether streams of progress do not even begin.
        step: seconds between events.
    """

    service = "ratings"

    def reset(self) -> None:
        super().reset()
        self.imports: dict[str, Body] = {}
        self.torn = 0
        self.dead = False
        self.step = 0.05
        self.streams = 0

    def serves(self, path: str) -> bool:
        """Tells whether a path is one of these."""
        return bool(re.match(rf"{ROOT}/(?:imports(?:/|$)|export$)", path))

    def answer(self, call: Call) -> Any:
        """Answers a call."""
        account = self.caller(call)
        if call.path == f"{ROOT}/export":
            return File("text/csv" if call.param("format") != "json" else "application/json", b"{}")
        rest = call.path.removeprefix(f"{ROOT}/imports").strip("/").split("/")
        own = [one for one in self.imports.values() if one["user_id"] == account.user_id]
        if rest == [""]:
            if call.method == "POST":
                return self._upload(call, account.user_id)
            return self.paged(call, "imports", [shown(one) for one in reversed(own)])
        found = next((one for one in own if one["import_id"] == rest[0]), None)
        if found is None:
            raise missing("import")
        match rest[1:]:
            case []:
                if self.dead:  # nobody watches, and it goes on all the same
                    move_on(found)
                return shown(found)
            case ["rows"]:
                wanted = call.param("outcome")
                return self.paged(call, "rows", [row for row in found["rows"] if wanted in ("", row["outcome"])])
            case ["rows", number]:
                return {"row": self._resolve(found, int(number), call.body["movie_id"])}
            case ["confirm"]:
                if not call.body.get("skip_unsettled") and any(unsettled(row) for row in found["rows"]):
                    raise Refusal(400, "FAILED_PRECONDITION", "some rows are not settled", reason="FAILED_PRECONDITION")
                for row in found["rows"]:
                    row["outcome"] = "skipped" if unsettled(row) else row["outcome"]
                found["state"] = "applying"
            case ["rollback"]:
                found["state"] = "rolling_back"
            case ["progress"]:
                return self._progress(found)
        return shown(found)

    def _upload(self, call: Call, user_id: str) -> Body:
        name = call.param("request_id")
        assert name, "an upload has a name"
        self.asked.append(name)
        if not call.raw.startswith(b"PK") and b"," not in call.raw:
            raise wrong("the file is not one of those that can be read", "file")
        if name in self.attempts:
            return self.attempts[name][1]
        first, second = list(self.cards.values())[:2]
        said = [
            ("matched", first["title"], first["movie_id"], []),
            ("ambiguous", second["title"], 0, [second, first]),
            ("unknown", "A Film Nobody Has", 0, []),
            ("invalid", "", 0, []),
            ("unchanged", first["title"], first["movie_id"], []),
            *[("matched", card["title"], card["movie_id"], []) for card in list(self.cards.values())[2:30]],
        ]
        rows = [
            {
                "row_number": i + 1,
                "file_name": "ratings.csv",
                "kind": "rating",
                "outcome": outcome,
                "title": title,
                "year": 1999,
                "movie_id": film,
                "confidence": 0.9,
                "candidates": [
                    {"movie_id": card["movie_id"], "title": card["title"], "year": card["year"], "confidence": 0.6}
                    for card in candidates
                ],
                "problem": 'Rating: "9" is not between 0.5 and 5' if outcome == "invalid" else "",
                "overall": 4.5,
                "watched_on": "",
                "applied": False,
            }
            for i, (outcome, title, film, candidates) in enumerate(said)
        ]
        made: Body = {"import_id": self.new_id("m"), "user_id": user_id, "source": call.param("source") or "letterboxd"}
        made |= {"file_name": call.param("file_name"), "state": "matching", "rows": rows, "error": "", "raw": call.raw}
        made |= {"created_at": NOW, "updated_at": NOW, "expires_at": NOW}
        self.imports[made["import_id"]] = made
        self.attempts[name] = {}, shown(made)
        return shown(made)

    def _resolve(self, found: Body, number: int, movie_id: int) -> Body:
        if movie_id and movie_id not in self.cards:
            raise Refusal(404, "NOT_FOUND", f"there is no film {movie_id}", ["movie_id"], reason="MOVIE_NOT_FOUND")
        row: Body = found["rows"][number - 1]
        alike = [one for one in found["rows"] if unsettled(one) and one["title"] == row["title"]]
        for one in [row, *alike]:
            one.update(movie_id=movie_id, outcome="matched" if movie_id else "skipped")
        return row

    def _progress(self, found: Body) -> Events:
        self.streams += 1
        if self.dead:
            raise Refusal(503, "UNAVAILABLE", "no healthy upstream")
        breaks = self.torn > 0
        self.torn -= breaks

        def pieces() -> Iterator[Body]:
            total = len(found["rows"])
            for done in (0, total // 2, total):
                yield {"import_id": found["import_id"], "state": found["state"], "rows_done": done, "rows_total": total}
                if breaks:
                    raise ConnectionError
                time.sleep(self.step)
            move_on(found)
            yield {"import_id": found["import_id"], "state": found["state"], "rows_done": total, "rows_total": total}

        return Events(pieces())


def move_on(found: Body) -> None:
    """Brings an import to the state in which it rests."""
    if found["state"] in ("applying", "rolling_back"):
        for row in found["rows"]:
            row["applied"] = found["state"] == "applying" and row["outcome"] == "matched"
    found["state"] = {"matching": "ready", "applying": "done", "rolling_back": "rolled_back"}.get(
        found["state"], found["state"]
    )


def unsettled(row: Body) -> bool:
    return row["outcome"] in ("ambiguous", "unknown")


def shown(found: Body) -> Body:
    """Returns an import as it is told."""
    kept = {key: value for key, value in found.items() if key not in {"rows", "user_id", "raw"}}
    counts = {f"rows_{name}": sum(row["outcome"] == name for row in found["rows"]) for name in OUTCOMES}
    applied = sum(row["applied"] for row in found["rows"])
    return kept | counts | {"rows_total": len(found["rows"]), "rows_applied": applied}
