"""The count: what must hold of it whatever people vote, and the words it is told in."""

from __future__ import annotations

import json
from collections import Counter
from itertools import pairwise
from typing import ClassVar

from hypothesis import example, given, strategies

from cine_watchlist.domain.ranked_vote import Ballot, Count, Rule, count, in_words

FILMS = [1, 2, 3, 4, 5, 6]
A, B, C, D = 1, 2, 3, 4


@strategies.composite
def ballot(draw: strategies.DrawFn) -> Ballot:
    order = draw(strategies.permutations(FILMS))
    ranked, vetoed = draw(strategies.integers(0, 6)), draw(strategies.sampled_from([0, 0, 0, 0, 1, 2]))
    return Ballot(tuple(order[:ranked]), frozenset(order[ranked : ranked + vetoed]))


films = strategies.permutations(FILMS).flatmap(lambda all_: strategies.integers(0, 6).map(lambda n: all_[:n]))
votes = strategies.lists(ballot(), max_size=9)


def ranked(*ballots: tuple[int, ...]) -> list[Ballot]:
    return [Ballot(one) for one in ballots]


class TestWhateverPeopleVote:
    @given(films, votes, strategies.randoms(use_true_random=False))
    def test_the_order_of_the_ballots_changes_nothing(self, candidates: list[int], cast: list[Ballot], random) -> None:  # type: ignore[no-untyped-def]
        shuffled = list(cast)
        random.shuffle(shuffled)
        assert count(candidates, shuffled) == count(candidates, cast)

    @given(films, votes, ballot())
    def test_what_more_than_half_rank_first_wins_unless_vetoed(
        self, candidates: list[int], cast: list[Ballot], more: Ballot
    ) -> None:
        if not candidates:
            return
        loved = candidates[0]
        rest = tuple(film for film in more.ranked if film != loved)
        eager = [Ballot((loved, *rest), more.vetoed - {loved})] * (len(cast) + 1)
        counted = count(candidates, cast + eager)
        if any(loved in one.vetoed for one in cast):
            assert counted.winner != loved and loved in counted.vetoed
        else:
            assert counted.winner == loved and len(counted.rounds) == 1

    @given(films, votes)
    @example([A, B, C], [])
    @example([A, B], ranked((A,), (B,)))
    def test_rounds_add_up(self, candidates: list[int], cast: list[Ballot]) -> None:
        counted = count(candidates, cast)
        struck = {film for one in cast for film in one.vetoed}
        assert counted.vetoed == tuple(film for film in candidates if film in struck)
        assert counted.ballots == len(cast)
        standing = [film for film in candidates if film not in struck]
        assert (counted.winner in standing) if standing else (counted.winner, counted.rounds) == (0, ())
        left = set(standing)
        for one in counted.rounds:
            assert {film for film, _ in one.counts} == left
            assert sum(votes for _, votes in one.counts) + one.exhausted == len(cast)
            for film, votes in one.counts:
                assert votes == sum(next((f for f in b.ranked if f in left), None) == film for b in cast)
            assert [votes for _, votes in one.counts] == sorted((votes for _, votes in one.counts), reverse=True)
            if one is not counted.rounds[-1]:
                assert (one.eliminated, one.counts[-1][1]) in one.counts
                left.remove(one.eliminated)
        for earlier, later in pairwise(counted.rounds):
            assert earlier.exhausted <= later.exhausted
        if counted.rounds:
            last = counted.rounds[-1]
            assert last.eliminated == 0 and last.counts[0][0] == counted.winner

    @given(films, votes)
    def test_a_round_ends_the_count_as_soon_as_a_film_holds_more_than_half(
        self, candidates: list[int], cast: list[Ballot]
    ) -> None:
        for one in (rounds := count(candidates, cast).rounds):
            counted = len(cast) - one.exhausted
            settled = one.counts[0][1] * 2 > counted or len(one.counts) == 1 or not counted
            assert settled == (one is rounds[-1])

    @given(films, votes)
    def test_it_can_be_kept_as_json(self, candidates: list[int], cast: list[Ballot]) -> None:
        counted = count(candidates, cast)
        assert Count.of(json.loads(json.dumps(counted.document()))) == counted

    @given(films, votes)
    def test_every_tie_is_one_and_says_who_went(self, candidates: list[int], cast: list[Ballot]) -> None:
        counted = count(candidates, cast)
        places = {tie.round: tie for tie in counted.ties}
        assert len(places) == len(counted.ties)
        for number, one in enumerate(counted.rounds, 1):
            fewest = [film for film, votes in one.counts if votes == one.counts[-1][1]]
            real = bool(one.eliminated) and len(fewest) > 1 and one.counts[-1][1] > 0
            if real:
                tie = places[number]
                assert set(tie.tied) == set(fewest) and tie.out == one.eliminated and tie.votes == one.counts[-1][1]
            elif number in places:
                assert places[number].rule is Rule.NOBODY_RANKED and counted.winner == places[number].out


class TestRules:
    def test_votes_move_to_the_next_film_when_the_first_goes(self) -> None:
        counted = count([A, B, C], ranked((A,), (A,), (B,), (B,), (C, B)))
        assert counted.winner == B
        assert [one.eliminated for one in counted.rounds] == [C, 0]
        assert Counter(dict(counted.rounds[1].counts)) == {B: 3, A: 2}

    def test_ballots_without_a_film_left_are_exhausted_and_a_majority_of_the_others_is_enough(self) -> None:
        counted = count([A, B, C], ranked((C,), (A,), (A,), (B,), (B,), (B,)))
        assert counted.rounds[1].exhausted == 1 and counted.winner == B

    def test_a_veto_outweighs_all_votes(self) -> None:
        counted = count([A, B], [*ranked((A,), (A,), (A, B)), Ballot((), frozenset({A}))])
        assert counted.winner == B and counted.vetoed == (A,)
        assert counted.rounds[0].exhausted == 3

    def test_nothing_left_wins_nothing(self) -> None:
        assert count([A], [Ballot((), frozenset({A}))]) == Count(0, (A,), (), 1)
        assert count([], ranked((A,))) == Count(0, (), (), 1)

    def test_films_that_are_no_candidates_are_passed_over(self) -> None:
        assert count([A, B], ranked((D, B))).winner == B

    def test_a_tie_looks_back_first(self) -> None:
        # D goes, its vote makes B level with A, and B had fewer before
        ballots = ranked((A,), (A,), (B,), (D, B), (C,), (C,), (C,))
        (tie,) = [one for one in count([A, B, C, D], ballots).ties if one.round == 2]
        assert (tie.tied, tie.out, tie.rule) == ((A, B), B, Rule.EARLIER_ROUND)

    def test_of_earlier_rounds_the_latest_one_tells_them_apart(self) -> None:
        # B had fewer than D in the first round, and more in the third
        ballots = ranked((D, C, A), (5,), (5, D, A), (C, B, A), (A, B), (B, 5, D), (D,))
        counted = count([A, B, C, D, 5], ballots)
        assert dict(counted.rounds[0].counts)[B] < dict(counted.rounds[0].counts)[D]
        assert dict(counted.rounds[2].counts)[B] > dict(counted.rounds[2].counts)[D]
        assert counted.winner == B and (counted.ties[-1].out, counted.ties[-1].rule) == (D, Rule.EARLIER_ROUND)

    def test_a_tie_looks_at_who_is_named_then(self) -> None:
        ballots = ranked((A,), (B,), (C, B), (C,))
        counted = count([B, A, C], ballots)
        assert (counted.ties[0].out, counted.ties[0].rule) == (A, Rule.NAMED_LESS)

    def test_a_tie_spares_what_was_proposed_first_in_the_end(self) -> None:
        counted = count([B, A], ranked((A,), (B,)))
        assert counted.winner == B and counted.ties[0].rule is Rule.PROPOSED_LAST

    def test_without_a_vote_the_first_proposed_wins(self) -> None:
        counted = count([B, A, C], [Ballot()])
        assert counted.winner == B and counted.ties[0].rule is Rule.NOBODY_RANKED
        assert len(counted.rounds) == 1 and counted.rounds[0].exhausted == 1

    def test_films_nobody_voted_for_go_without_a_word(self) -> None:
        counted = count([A, B, C, D], ranked((A,), (A,), (B,), (B,), (B, C)))
        assert counted.winner == B and counted.ties == ()


class TestWords:
    titles: ClassVar = {A: "Alien", B: "Brazil", C: "Casablanca"}

    def test_they_name_the_films_the_votes_and_the_rule(self) -> None:
        said = in_words(count([B, A, D], ranked((A,), (B,), (D,))).ties, self.titles)
        assert said == (
            "Round 1: Brazil, Alien and film 4 had the fewest with 1 vote each; film 4 was proposed last and went. "
            "Round 2: Brazil and Alien had the fewest with 1 vote each; Alien was proposed last and went."
        )

    def test_they_say_when_nobody_ranked_anything(self) -> None:
        said = in_words(count([C, A], []).ties, self.titles)
        assert said == "Nobody ranked any film that is left: Casablanca was proposed first."
        assert in_words((), self.titles) == ""
