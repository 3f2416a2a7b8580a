"""What reviews and their comments are to the model: plain objects that hold each other."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from cine_ratings.domain.review import Viewer

DEEPEST = 5
"""Depth of the deepest answer that still stands under another."""


@dataclass
class Said:
    """A comment of the model; its answers are in it."""

    comment_id: str
    author: str
    body: str
    parent: Said | None
    deleted: bool = False
    hidden: bool = False
    answers: list[Said] = field(default_factory=list)

    @property
    def shown(self) -> bool:
        return not (self.deleted or self.hidden)


@dataclass
class Written:
    """A review of the model."""

    review_id: str
    author: str
    movie_id: int
    body: str
    spoils: bool
    number: int
    history: list[str] = field(default_factory=list)
    likes: set[str] = field(default_factory=set)
    hidden: bool = False
    threads: list[Said] = field(default_factory=list)

    def seen_by(self, viewer: Viewer) -> bool:
        return not self.hidden or viewer.sees_hidden or viewer.user_id == self.author


def reading_order(threads: list[Said], depth: int = 0) -> Iterator[tuple[int, Said]]:
    """Yields comments as they are read. Those below the deepest lie beside each other, oldest first."""
    for one in threads:
        yield depth, one
        if depth < DEEPEST:
            yield from reading_order(one.answers, depth + 1) if depth < DEEPEST - 1 else _flat(one)


def _flat(one: Said) -> Iterator[tuple[int, Said]]:
    below: list[Said] = []
    waiting = list(one.answers)
    while waiting:
        said = waiting.pop()
        below.append(said)
        waiting += said.answers
    yield from ((DEEPEST, said) for said in sorted(below, key=lambda said: MADE[said.comment_id]))


MADE: dict[str, int] = {}
"""When each comment of the model was made, as a number."""
