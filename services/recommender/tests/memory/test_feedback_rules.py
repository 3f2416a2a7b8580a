"""What holds of what people say of one film: said again, contradicted, taken back."""

from __future__ import annotations

import datetime as dt

from hypothesis import given, settings
from hypothesis import strategies as st

from cine_recommender.domain import feedback as rules
from cine_recommender.domain.feedback import DISLIKE, DISMISSED, KINDS, LIKE, NOT_INTERESTED, SEEN, Feedback

START = dt.datetime(2026, 3, 14, tzinfo=dt.UTC)


class Film:
    """What one person said of one film, as the store would keep it."""

    def __init__(self) -> None:
        self.kept: dict[str, Feedback] = {}
        self.count = 0

    def say(self, kind: str, seconds: float = 0.0) -> tuple[Feedback, rules.Change]:
        self.count += 1
        now = START + dt.timedelta(seconds=seconds)
        new = Feedback(f"f{self.count}", "ada", 1, kind, created_at=now, said_at=now)
        kept, change = rules.given(list(self.kept.values()), new)
        self._apply(change)
        assert self.kept[kept.kind] == kept
        return kept, change

    def undo(self, kind: str) -> rules.Change:
        change = rules.undone(list(self.kept.values()), self.kept[kind].feedback_id)
        self._apply(change)
        return change

    def _apply(self, change: rules.Change) -> None:
        for one in change.removed:
            del self.kept[one.kind]
        self.kept.update((one.kind, one) for one in change.kept)

    @property
    def holding(self) -> set[str]:
        return {kind for kind, one in self.kept.items() if one.holds}


def model(said: list[str]) -> set[str]:
    """Returns what holds, from the words alone: of like against the other two verdicts the last one said."""
    last = {kind: place for place, kind in enumerate(said)}
    against = {LIKE: (DISLIKE, NOT_INTERESTED), DISLIKE: (LIKE,), NOT_INTERESTED: (LIKE,)}
    return {kind for kind, place in last.items() if all(last.get(other, -1) < place for other in against.get(kind, ()))}


STEPS = st.lists(st.tuples(st.booleans(), st.sampled_from(KINDS), st.integers(-5, 5)), max_size=30)


@settings(deadline=None)
@given(STEPS)
def test_whatever_is_said_and_taken_back_what_holds_is_as_if_the_rest_was_never_said(
    steps: list[tuple[bool, str, int]],
) -> None:
    film, said, told = Film(), list[str](), set[str]()
    for undo, kind, seconds in steps:
        if undo and kind not in film.kept:
            continue
        if undo:
            change = film.undo(kind)
            said = [one for one in said if one != kind]
        else:
            _, change = film.say(kind, seconds)
            said.append(kind)
        # clocks that disagree change nothing: what is said later counts as later
        assert film.holding == model(said)
        assert set(film.kept) == set(said)
        told = (told - {one.kind for one in change.undone}) | {one.kind for one in change.given}
        assert told == film.holding, "who follows the events knows what holds"
        assert not {one.kind for one in change.given} & {one.kind for one in change.undone}
        moments = [one.said_at for one in film.kept.values()]
        assert len(set(moments)) == len(moments)


@given(st.sampled_from(KINDS), st.integers(1, 100))
def test_said_again_it_is_one_feedback_that_was_said_once_more(kind: str, seconds: int) -> None:
    film = Film()
    first, change = film.say(kind)
    assert (change.given, change.undone) == ((first,), ())
    again, change = film.say(kind, seconds)
    assert (change.given, change.undone) == ((), ())
    assert (again.feedback_id, again.created_at) == (first.feedback_id, first.created_at)
    assert again.said_at == START + dt.timedelta(seconds=seconds)
    assert len(film.kept) == 1


def test_a_newer_verdict_replaces_the_one_it_contradicts_and_gives_it_back_when_it_goes() -> None:
    film = Film()
    disliked, _ = film.say(DISLIKE)
    liked, change = film.say(LIKE, 1)
    assert (change.given, change.undone) == ((liked,), (disliked,))
    assert film.holding == {LIKE}
    change = film.undo(LIKE)
    assert [one.kind for one in change.given] == [DISLIKE]
    assert change.undone == (liked,)
    assert film.holding == {DISLIKE}


def test_said_anew_after_it_was_replaced_it_keeps_its_id_and_has_a_new_time() -> None:
    film = Film()
    first, _ = film.say(DISLIKE)
    film.say(LIKE, 1)
    again, change = film.say(DISLIKE, 2)
    assert again.feedback_id == first.feedback_id
    assert again.created_at == START + dt.timedelta(seconds=2)
    assert change.given == (again,)
    assert film.holding == {DISLIKE}


def test_what_does_not_contradict_stands_together() -> None:
    film = Film()
    for kind in (DISLIKE, NOT_INTERESTED, SEEN, DISMISSED):
        film.say(kind)
    assert film.holding == {DISLIKE, NOT_INTERESTED, SEEN, DISMISSED}
    film.say(LIKE)
    assert film.holding == {LIKE, SEEN, DISMISSED}
