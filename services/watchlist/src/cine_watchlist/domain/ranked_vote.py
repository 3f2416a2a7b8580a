"""Instant run-off: every ballot counts for the best film it has left, and the film with the fewest votes goes, round by round.

A film that anybody vetoed takes no part. The count ends when a film holds more than half of the ballots that still name one. What
comes out depends on the films, in the order they were proposed, and on what the ballots say; never on the order of the ballots.

Of several films with the fewest votes that film goes which
1. had the fewest in the latest earlier round in which they differ, or else
2. is named on the fewest ballots, or else
3. was proposed last.
Where no ballot names any film, the one proposed first wins, so that there is a film unless all were vetoed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any


@dataclass(frozen=True, slots=True)
class Ballot:
    """What one person wants.

    Attributes:
        ranked: films, best first; those left out rank below all others, equally.
        vetoed: films struck out for everybody.
    """

    ranked: tuple[int, ...] = ()
    vetoed: frozenset[int] = frozenset()


class Rule(StrEnum):
    """What told films with the fewest votes apart."""

    EARLIER_ROUND = "earlier_round"
    NAMED_LESS = "named_less"
    PROPOSED_LAST = "proposed_last"
    NOBODY_RANKED = "nobody_ranked"


@dataclass(frozen=True, slots=True)
class Tie:
    """A tie that made a difference.

    Attributes:
        round: number of the round, from 1.
        tied: films with the fewest votes, in the order they were proposed.
        votes: how many each had.
        out: the film that went; where nobody ranked any film, the one that won.
        rule: what told it apart.
    """

    round: int
    tied: tuple[int, ...]
    votes: int
    out: int
    rule: Rule


@dataclass(frozen=True, slots=True)
class Round:
    """One round.

    Attributes:
        counts: every film left with its votes, most first; of equal ones the film proposed first.
        exhausted: ballots that name no film left.
        eliminated: film that goes after this round; 0 in the last.
    """

    counts: tuple[tuple[int, int], ...]
    exhausted: int
    eliminated: int = 0


@dataclass(frozen=True, slots=True)
class Count:
    """A whole count.

    Attributes:
        winner: the film; 0 when there is none left.
        vetoed: films struck out, in the order they were proposed.
        rounds: first first; none when no film is left.
        ballots: number of ballots.
        ties: those that made a difference, first first. Films without a single vote go one by one and change nothing.
    """

    winner: int
    vetoed: tuple[int, ...] = ()
    rounds: tuple[Round, ...] = ()
    ballots: int = 0
    ties: tuple[Tie, ...] = ()

    def document(self) -> dict[str, Any]:
        """Returns the count as JSON can hold it."""
        return {
            "winner": self.winner,
            "vetoed": list(self.vetoed),
            "rounds": [[[list(pair) for pair in one.counts], one.exhausted, one.eliminated] for one in self.rounds],
            "ballots": self.ballots,
            "ties": [[tie.round, list(tie.tied), tie.votes, tie.out, tie.rule.value] for tie in self.ties],
        }

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> Count:
        """Returns what `document` holds."""
        return cls(
            winner=document["winner"],
            vetoed=tuple(document["vetoed"]),
            rounds=tuple(
                Round(tuple((film, votes) for film, votes in counts), exhausted, eliminated)
                for counts, exhausted, eliminated in document["rounds"]
            ),
            ballots=document["ballots"],
            ties=tuple(
                Tie(number, tuple(tied), votes, out, Rule(rule)) for number, tied, votes, out, rule in document["ties"]
            ),
        )


def count(candidates: Sequence[int], ballots: Iterable[Ballot]) -> Count:
    """Counts.

    Args:
        candidates: films in the order they were proposed, none twice.
        ballots: one a person; films that are no candidates are passed over.
    """
    cast = list(ballots)
    struck = frozenset().union(*(ballot.vetoed for ballot in cast))
    vetoed = tuple(film for film in candidates if film in struck)
    left = [film for film in candidates if film not in struck]
    if not left:
        return Count(winner=0, vetoed=vetoed, ballots=len(cast))
    named = Counter(film for ballot in cast for film in set(ballot.ranked))
    tallies: list[dict[int, int]] = []
    rounds: list[Round] = []
    ties: list[Tie] = []
    while True:
        tally = _tally(left, cast)
        tallies.append(tally)
        counted = sum(tally.values())
        counts = tuple(sorted(tally.items(), key=lambda pair: -pair[1]))  # stable: proposed first stands first
        leader, most = counts[0]
        settled = most * 2 > counted or len(left) == 1
        if settled or not counted:
            if not settled:
                ties.append(Tie(len(tallies), tuple(left), 0, leader, Rule.NOBODY_RANKED))
            rounds.append(Round(counts, len(cast) - counted))
            return Count(leader, vetoed, tuple(rounds), len(cast), tuple(ties))
        fewest = counts[-1][1]
        tied = [film for film in left if tally[film] == fewest]
        out, rule = _who_goes(tied, tallies[:-1], named)
        if len(tied) > 1 and fewest:
            ties.append(Tie(len(tallies), tuple(tied), fewest, out, rule))
        rounds.append(Round(counts, len(cast) - counted, out))
        left.remove(out)


def _tally(left: Sequence[int], ballots: Iterable[Ballot]) -> dict[int, int]:
    tally = dict.fromkeys(left, 0)
    for ballot in ballots:
        best = next((film for film in ballot.ranked if film in tally), None)
        if best is not None:
            tally[best] += 1
    return tally


def _who_goes(tied: Sequence[int], earlier: Sequence[Mapping[int, int]], named: Mapping[int, int]) -> tuple[int, Rule]:
    """Returns the film of the tied that goes, and the rule that left it alone."""
    for tally in reversed(earlier):
        tied = _fewest(tied, tally)
        if len(tied) == 1:
            return tied[0], Rule.EARLIER_ROUND
    tied = _fewest(tied, named)
    if len(tied) == 1:
        return tied[0], Rule.NAMED_LESS
    return tied[-1], Rule.PROPOSED_LAST


def _fewest(films: Sequence[int], votes: Mapping[int, int]) -> list[int]:
    least = min(votes.get(film, 0) for film in films)
    return [film for film in films if votes.get(film, 0) == least]


_WHY = {
    Rule.EARLIER_ROUND: "had the fewest votes in an earlier round",
    Rule.NAMED_LESS: "is ranked on the fewest votes",
    Rule.PROPOSED_LAST: "was proposed last",
}


def in_words(ties: Iterable[Tie], titles: Mapping[int, str]) -> str:
    """Says how ties were broken, a sentence each; empty when there was none.

    Args:
        ties: the ties.
        titles: title of each film; one that is missing is named by its id.
    """
    return " ".join(_sentence(tie, titles) for tie in ties)


def _sentence(tie: Tie, titles: Mapping[int, str]) -> str:
    names = {film: titles.get(film) or f"film {film}" for film in tie.tied}
    if tie.rule is Rule.NOBODY_RANKED:
        return f"Nobody ranked any film that is left: {names[tie.out]} was proposed first."
    listed = [names[film] for film in tie.tied]
    films = f"{', '.join(listed[:-1])} and {listed[-1]}"
    votes = "1 vote" if tie.votes == 1 else f"{tie.votes} votes"
    return f"Round {tie.round}: {films} had the fewest with {votes} each; {names[tie.out]} {_WHY[tie.rule]} and went."
