"""What the stubs of services behind sign-in share: who calls, pages, and answers that are no JSON."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from tests.e2e.explorer.stub_identity import StubIdentity
from tests.e2e.explorer.stub_people import Account, Body, Call, Refusal, unauthenticated

NOW = "2026-11-20T10:30:00Z"


@dataclass(frozen=True)
class File:
    """An answer that is a file."""

    kind: str
    content: bytes


@dataclass(frozen=True)
class Events:
    """An answer of server-sent events, as they come; one that raises `ConnectionError` breaks off."""

    pieces: Iterator[Body]


def stale() -> Refusal:
    return Refusal(409, "ABORTED", "it was changed in the meantime", reason="ETAG_MISMATCH")


def missing(what: str) -> Refusal:
    return Refusal(404, "NOT_FOUND", f"there is no such {what}", reason="NOT_FOUND")


class Shelf:
    """One service: who calls, and what it keeps.

    Args:
        identity: accounts and who is signed in.
        cards: cards of films by id.
    """

    def __init__(self, identity: StubIdentity, cards: dict[int, Body]) -> None:
        self.identity = identity
        self.cards = cards
        self.reset()

    def reset(self) -> None:
        """Nothing is kept, and no attempt was made."""
        self.attempts: dict[str, tuple[Body, Body]] = {}
        self.asked: list[str] = []
        self._count = itertools.count(1)

    def new_id(self, letter: str) -> str:
        return f"{letter}{next(self._count)}"

    def caller(self, call: Call) -> Account:
        """Returns who calls."""
        return self.identity._caller(call).account

    def anybody(self, call: Call) -> Account | None:
        """Returns who calls; None for nobody."""
        return self.caller(call) if call.headers.get("Authorization") else None

    def once(self, call: Call, make: Any) -> Body:
        """Makes something, or gives the first answer again to an attempt that is sent again."""
        name = str(call.body.get("request_id", ""))
        if not name:
            raise AssertionError(f"{call.method} {call.path} came without a request_id")
        self.asked.append(name)
        if name not in self.attempts:
            self.attempts[name] = dict(call.body), make()
        assert self.attempts[name][0] == call.body, "an attempt's name stands for one body"
        return self.attempts[name][1]

    @staticmethod
    def paged(call: Call, name: str, found: Iterable[Any]) -> Body:
        """Returns a page of what was found."""
        every = list(found)
        size, start = int(call.param("page_size") or 0) or 20, int(call.param("page_token") or 0)
        following = str(start + size) if start + size < len(every) else ""
        return {name: every[start : start + size], "next_page_token": following, "total_size": len(every)}


def signed_out() -> Refusal:
    return unauthenticated("TOKEN_MISSING", "this call needs a token")
