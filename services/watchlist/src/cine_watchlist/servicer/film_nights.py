"""FilmNightService: friends agree on a film."""

from __future__ import annotations

from typing import Any, TypeVar

from google.protobuf.message import Message

from cine.watchlist.v1 import film_night_pb2 as pb
from cine.watchlist.v1 import film_night_pb2_grpc
from cine_watchlist.flows.film_night_showing import ShownNight
from cine_watchlist.flows.film_night_votes import FilmNightVotes
from cine_watchlist.flows.film_nights import FilmNights, Plan
from cinemesh import context as calls
from cinemesh.etags import etag_of
from cinemesh.paging import PageTokens, page_size
from cinemesh.stamps import moment, stamp

M = TypeVar("M", bound=Message)
DEFAULT_VETOES = 1


class FilmNightServicer(film_night_pb2_grpc.FilmNightServiceServicer):
    """Turns calls about film nights into flows and back.

    Args:
        nights: planning and taking part.
        votes: films and votes.
        pages: makes page tokens.
    """

    def __init__(self, nights: FilmNights, votes: FilmNightVotes, pages: PageTokens) -> None:
        self._nights = nights
        self._votes = votes
        self._pages = pages

    async def CreateFilmNight(self, request: pb.CreateFilmNightRequest, _: Any) -> pb.CreateFilmNightResponse:
        """Plans a film night."""
        plan = Plan(
            name=request.name,
            starts_at=moment(request, "starts_at"),
            closes_at=moment(request, "closes_at"),
            vetoes_per_person=request.vetoes_per_person if request.HasField("vetoes_per_person") else DEFAULT_VETOES,
            movie_ids=list(request.movie_ids),
        )
        kind = pb.CreateFilmNightResponse
        answer = await self._nights.create(
            _caller(), plan, request, kind, lambda shown: _night(kind, shown, invite=False)
        )
        answer.invite_url = self._nights.invite_url(answer.film_night_id)
        return answer

    async def ListFilmNights(self, request: pb.ListFilmNightsRequest, _: Any) -> pb.ListFilmNightsResponse:
        """Lists the film nights the caller takes part in."""
        page = await self._nights.page(
            _caller(), request.state, page_size(request.page_size), self._pages.decode(request)
        )
        return pb.ListFilmNightsResponse(
            film_nights=[_night(pb.FilmNight, shown) for shown in page.nights],
            next_page_token=self._pages.encode(page.next, request) if page.next is not None else "",
            total_size=page.total,
        )

    async def GetFilmNight(self, request: pb.GetFilmNightRequest, _: Any) -> pb.GetFilmNightResponse:
        """Gives a film night, with the caller's own vote."""
        shown = await self._nights.get(_caller(), request.film_night_id)
        answer = _night(pb.GetFilmNightResponse, shown)
        answer.my_ranked_movie_ids.extend(shown.own.ranked)
        answer.my_vetoed_movie_ids.extend(sorted(shown.own.vetoed))
        return answer

    async def JoinFilmNight(self, request: pb.JoinFilmNightRequest, _: Any) -> pb.JoinFilmNightResponse:
        """Takes part by an invitation."""
        return _night(pb.JoinFilmNightResponse, await self._nights.join(_caller(), request.invite_token))

    async def AddCandidate(self, request: pb.AddCandidateRequest, _: Any) -> pb.AddCandidateResponse:
        """Proposes a film."""
        shown = await self._votes.add_candidate(_caller(), request.film_night_id, request.movie_id)
        return _night(pb.AddCandidateResponse, shown)

    async def RemoveCandidate(self, request: pb.RemoveCandidateRequest, _: Any) -> pb.RemoveCandidateResponse:
        """Withdraws a film."""
        await self._votes.remove_candidate(_caller(), request.film_night_id, request.movie_id)
        return pb.RemoveCandidateResponse()

    async def CastVote(self, request: pb.CastVoteRequest, _: Any) -> pb.CastVoteResponse:
        """Casts the caller's vote, or replaces it."""
        ranked, vetoed = list(request.ranked_movie_ids), list(request.vetoed_movie_ids)
        voters = await self._votes.cast(_caller(), request.film_night_id, ranked, vetoed)
        return pb.CastVoteResponse(ranked_movie_ids=ranked, vetoed_movie_ids=vetoed, vote_count=voters)

    async def CloseFilmNight(self, request: pb.CloseFilmNightRequest, _: Any) -> pb.CloseFilmNightResponse:
        """Ends the vote."""
        return _night(pb.CloseFilmNightResponse, await self._votes.close(_caller(), request.film_night_id))

    async def GetFilmNightResult(self, request: pb.GetFilmNightResultRequest, _: Any) -> pb.GetFilmNightResultResponse:
        """Gives the count."""
        result = await self._votes.result(_caller(), request.film_night_id)
        count = result.count
        return pb.GetFilmNightResultResponse(
            film_night_id=request.film_night_id,
            closed=result.closed,
            winner_movie_id=count.winner,
            vetoed_movie_ids=count.vetoed,
            rounds=[
                pb.CountingRound(
                    round=number,
                    counts=[pb.CandidateCount(movie_id=film, votes=votes) for film, votes in one.counts],
                    eliminated_movie_id=one.eliminated,
                    exhausted_votes=one.exhausted,
                )
                for number, one in enumerate(count.rounds, 1)
            ],
            vote_count=count.ballots,
            tie_break=result.tie_break,
        )


def _caller() -> str:
    return calls.current().principal.user_id


def _night(kind: type[M], shown: ShownNight, *, invite: bool = True) -> M:
    """Returns a film night as one of the messages that hold its fields under the same numbers."""
    night = shown.gathering.night
    answer: Any = kind(
        film_night_id=night.film_night_id,
        name=night.name,
        host_username=shown.names.get(night.host_id, ""),
        state="open" if night.closed_at is None else "closed",
        starts_at=stamp(night.starts_at) if night.starts_at is not None else None,
        closes_at=stamp(night.closes_at) if night.closes_at is not None else None,
        vetoes_per_person=night.vetoes_per_person,
        candidates=[
            pb.FilmNightCandidate(
                movie_id=one.movie_id,
                proposed_by_username=shown.names.get(one.proposed_by, ""),
                vetoed=one.vetoed,
                movie=shown.cards.get(one.movie_id),
            )
            for one in shown.gathering.candidates
        ],
        participants=[
            pb.FilmNightParticipant(
                user_id=one.user_id, username=shown.names.get(one.user_id, ""), has_voted=one.has_voted
            )
            for one in shown.gathering.participants
        ],
        winner_movie_id=night.winner_movie_id,
        created_at=stamp(night.created_at),
        etag=etag_of(night.version, night.film_night_id),
    )
    if invite:
        answer.invite_url = shown.invite_url
    return answer  # type: ignore[no-any-return]
