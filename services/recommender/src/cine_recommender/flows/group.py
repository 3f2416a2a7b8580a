"""Recommendations for a group: people who let others use their taste, and guests who say what they like."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field, replace
from typing import Final, Protocol

import numpy as np

from cine_recommender.domain import group, ladder
from cine_recommender.domain.filters import Filters
from cine_recommender.domain.known import Known
from cine_recommender.domain.narrowing import FEWEST
from cine_recommender.domain.preferences import Preferences
from cine_recommender.domain.question import Question
from cine_recommender.domain.reranking import Reranking
from cine_recommender.flows.answering import RemembersPeople, WordsReasons
from cine_recommender.flows.asking import Asking, asked_of
from cine_recommender.flows.pipeline import Asked, Models, Ranking, hidden, rank
from cine_recommender.flows.telling import CardFacts, Page, tell
from cine_recommender.interactions import Floats, Ints
from cine_recommender.language.explain import OwnFilm
from cine_recommender.language.wording import Worded
from cinemesh import telemetry
from cinemesh.clock import Clock, utc_now
from cinemesh.errors import InvalidArgument

_LIKED_STARS: Final = 5.0
_PLAIN: Final = Reranking(0, 0, places=0)


class FindsPeople(Protocol):
    """Knows people by name."""

    async def find(self, username: str) -> str | None:
        """Returns the id of the account of that name, None when there is none; raises `Unavailable` when nobody can tell."""
        ...

    async def name_of(self, user_id: str) -> str:
        """Returns the user name of somebody; empty when it is not known."""
        ...


class SharesTaste(Protocol):
    """Knows who lets others use their taste."""

    async def of_sharing(self, user_id: str) -> Preferences | None:
        """Returns what somebody prefers who does; None for one who does not."""
        ...


@dataclass(frozen=True, slots=True)
class Member:
    """Somebody besides the caller.

    Attributes:
        username: of a person with an account; empty for a guest.
        name: of a guest.
        liked_movie_ids: films the guest likes.
        preferred_genres: genres the guest likes, canonical.
    """

    username: str = ""
    name: str = ""
    liked_movie_ids: tuple[int, ...] = ()
    preferred_genres: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class GroupQuestion:
    """What the group asks for.

    Attributes:
        members: besides the caller.
        filters: what a film must be; genres struck out are among `excluded_genres`.
        vetoed: ids of films struck out.
        strategy: one of `domain.group.STRATEGIES`.
        limit: films wanted.
        include_seen: whether films that some of them have seen may come.
    """

    members: tuple[Member, ...]
    filters: Filters = field(default_factory=Filters)
    vetoed: tuple[int, ...] = ()
    strategy: str = group.FAIR
    limit: int = 20
    include_seen: bool = False


@dataclass(frozen=True, eq=False)
class GroupAnswer:
    """Films for the group.

    Attributes:
        page: the films as they suit the caller; `because` holds films of the caller's own, by what the group's score would lose.
        words: why each.
        names: of the members, the caller first.
        scores: float32 (films,), how well each suits the group.
        member_scores: float32 (films, members).
        request_id: names the answer.
        model: models that answered.
        reason: what was missing; empty when nothing was.
    """

    page: Page
    words: Sequence[Worded]
    names: Sequence[str]
    scores: Floats
    member_scores: Floats
    request_id: str
    model: str
    reason: str


@dataclass(frozen=True, eq=False)
class _Person:
    name: str
    known: Known
    preferences: Preferences


class ForGroup:
    """Recommends for groups.

    Args:
        asking: who asks, and the models of the moment.
        memory: what is known of people.
        people: knows people by name.
        sharing: knows who lets others use their taste.
        wording: words for reasons.
        executor: threads for the work of models.
        clock: tells the time.
    """

    def __init__(
        self,
        *,
        asking: Asking,
        memory: RemembersPeople,
        people: FindsPeople,
        sharing: SharesTaste,
        wording: WordsReasons,
        executor: Executor,
        clock: Clock = utc_now,
    ) -> None:
        self._asking, self._memory, self._people, self._sharing = asking, memory, people, sharing
        self._wording, self._executor, self._clock = wording, executor, clock
        self._log = telemetry.logger("recommender")

    async def recommend(self, user_id: str, question: GroupQuestion) -> GroupAnswer:
        """Returns films for the caller and others.

        Args:
            user_id: the caller.
            question: for whom, and what.

        Raises:
            InvalidArgument: nobody of a name given shares their taste; `members[i].username` is named. A name that nobody has is refused
                alike: who has an account is nobody's business.
            Unavailable: there is no model, or it cannot be told what another member likes.
        """
        caller = await self._asking.caller(user_id)
        models, facts, stale = await self._asking.models()
        mine = _Person(await self._people.name_of(user_id) or "you", caller.known, caller.preferences)
        persons = [mine, *await self._others(user_id, question.members)]
        asked, reasons = asked_of(models, caller, Question(), int(self._clock().timestamp()))
        unknown = _unknown(models, question)
        missing = [*caller.reasons, *stale, *reasons, *([unknown] if unknown else [])]

        def work() -> tuple[Page, Floats, Floats, str, str]:
            try:
                return _for_all(models, facts, asked, persons, question, "")
            except Exception:
                if models.taste is None:
                    raise
                self._log.exception("the hybrid model failed", model=models.taste.name)
                return _for_all(models, facts, asked, persons, question, "the hybrid model failed to answer")

        loop = asyncio.get_running_loop()
        page, scores, member_scores, without, set_aside = await loop.run_in_executor(self._executor, work)
        return GroupAnswer(
            page=page,
            words=self._wording.of(page.facts),
            names=[one.name for one in persons],
            scores=scores,
            member_scores=member_scores,
            request_id=uuid.uuid4().hex,
            model=models.content.name if without else models.name,
            reason="; ".join(dict.fromkeys([*missing, *filter(None, (without, set_aside))])),
        )

    async def _others(self, user_id: str, members: Sequence[Member]) -> list[_Person]:
        others, met = list[_Person](), {user_id}
        for place, member in enumerate(members):
            if not member.username:
                liked = np.array(member.liked_movie_ids, dtype=np.int32)
                liked = liked[np.sort(np.unique(liked, return_index=True)[1])]
                stars, times = np.full(len(liked), _LIKED_STARS, np.float32), np.zeros(len(liked), np.int64)
                others.append(_Person(member.name, Known(liked, stars, times), Preferences(member.preferred_genres)))
                continue
            found = await self._people.find(member.username)
            if found in met:
                continue
            preferences = await self._sharing.of_sharing(found) if found is not None else None
            if found is None or preferences is None:
                problem = f'nobody called "{member.username}" shares their taste'
                raise InvalidArgument(problem, violations=[(f"members[{place}].username", problem)])
            met.add(found)
            name = await self._people.name_of(found) or member.username
            others.append(_Person(name, await self._memory.of(found), preferences))
        return others


def _unknown(models: Models, question: GroupQuestion) -> str:
    liked = sorted({film for member in question.members for film in member.liked_movie_ids})
    rows = models.numbering.rows(np.array(liked, dtype=np.int32))
    unknown = [film for film, row in zip(liked, rows.tolist(), strict=True) if row < 0]
    named = ", ".join(map(str, unknown))
    return f"liked_movie_ids that are not in the catalogue were left out: {named}" if unknown else ""


def _for_all(
    models: Models,
    facts: CardFacts,
    asked: Asked,
    persons: Sequence[_Person],
    question: GroupQuestion,
    without_taste: str,
) -> tuple[Page, Floats, Floats, str, str]:
    """Ranks all films for each, and chooses; last in words what was missing, and which preferences do not count."""
    away = _away(persons, question)
    # what one of them never wants is nothing for the group, whatever else was asked for
    never = {*question.filters.excluded_genres, *(name for one in persons for name in one.preferences.excluded_genres)}
    filters = replace(question.filters, excluded_genres=tuple(name for name in models.content.genres if name in never))
    wanted, theirs = _wanted_together(persons), Question(filters=filters, include_seen=True)
    fewest = max(FEWEST, question.limit)
    rankings = [_ranked(models, asked, one, wanted, theirs, away, fewest, without_taste) for one in persons]
    scores = np.full((len(persons), len(models.content)), -1, dtype=np.float32)
    for member, ranking in enumerate(rankings):
        scores[member, ranking.rows] = ranking.scores
    open_ = np.flatnonzero((scores >= 0).all(axis=0)).astype(np.int32)
    chosen = group.order(scores[:, open_], question.strategy, question.limit)
    rows = open_[chosen]
    of_each = scores[:, rows]
    page = _told(models, facts, rankings[0], rows, of_each, question.strategy)
    reason = next((one.reason for one in rankings if one.reason), "")
    set_aside = next((one.set_aside for one in rankings if one.set_aside), "")
    return page, group.together(of_each, question.strategy), of_each.T, reason, set_aside


def _away(persons: Sequence[_Person], question: GroupQuestion) -> Ints:
    asked = Question(include_seen=question.include_seen)
    return np.concatenate([*(hidden(one.known, asked) for one in persons), np.array(question.vetoed, dtype=np.int32)])


def _wanted_together(persons: Sequence[_Person]) -> Preferences:
    """What counts for all of what each prefers in general.

    Languages that everybody understands who named any, the shortest of the longest running times, and the caller's services: one who has
    the film is enough, and who has what is told to nobody else. Years are taste, where a group is a compromise.
    """
    named = [set(one.preferences.languages) for one in persons if one.preferences.languages]
    return Preferences(
        services=persons[0].preferences.services,
        languages=tuple(sorted(set.intersection(*named))) if named else (),
        runtime_max=min((one.preferences.runtime_max for one in persons if one.preferences.runtime_max), default=0),
    )


def _ranked(
    models: Models,
    asked: Asked,
    person: _Person,
    wanted: Preferences,
    question: Question,
    away: Ints,
    fewest: int,
    without_taste: str,
) -> Ranking:
    # with `include_seen` only what is refused is hidden: here that is all that is nothing for any of them
    known = replace(person.known, refused=np.unique(away).astype(np.int32))
    preferences = replace(wanted, preferred_genres=person.preferences.preferred_genres)
    theirs = replace(asked, known=known, preferences=preferences, question=question, diversity=0.0)

    def ranked(one: Asked) -> Ranking:
        return rank(models, one, _PLAIN, len(models.content), without_taste=without_taste, fewest=fewest)

    ranking = ranked(theirs)
    some = len(ranking.rows) < len(models.content)
    if ranking.rung == ladder.GENRE_POPULARITY and preferences.preferred_genres and some:
        return _all_genres(ranking, ranked(replace(theirs, preferences=wanted)))
    return ranking


def _all_genres(preferred: Ranking, rest: Ranking) -> Ranking:
    """Adds films of other genres, at half their score: the group may want none that a guest named."""
    other = rest.taken(np.flatnonzero(~np.isin(rest.rows, preferred.rows)))
    half = np.float32(0.5)
    halved = replace(other, scores=other.scores * half, shares=other.shares * half)
    behind = len(preferred.rows) + np.arange(1, len(other.rows) + 1, dtype=np.int32)
    return preferred.followed_by(replace(halved, by_score=behind))


def _told(models: Models, facts: CardFacts, mine: Ranking, rows: Ints, of_each: Floats, strategy: str) -> Page:
    """The films as they suit the caller, with what of the group's score hangs on each film of the caller's own."""
    place_of = np.full(len(models.content), -1, dtype=np.int64)
    place_of[mine.rows] = np.arange(len(mine.rows))
    page = tell(models, facts, mine, place_of[rows].tolist())
    members = len(of_each)
    if strategy == group.LEAST_MISERY:
        # the least score falls only where it is the caller's
        part = (of_each[0] <= of_each.min(axis=0)).astype(np.float32)
    else:
        part = np.full(len(rows), 1 / members, dtype=np.float32)
    because = [
        [replace(own, share=own.share * float(weight)) for own in each] if weight > 0 else []
        for each, weight in zip(page.because, part, strict=True)
    ]
    told = [
        replace(one, because=tuple(OwnFilm(own.facts.title, own.share, own.overall) for own in each))
        for one, each in zip(page.facts, because, strict=True)
    ]
    return replace(page, because=because, facts=told)
