"""Tokens that verify and are refused all the same: what is heard of Identity's feed, over real servers on both ends."""

from __future__ import annotations

import asyncio
import datetime as dt
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.protobuf import any_pb2
from google.protobuf.timestamp_pb2 import Timestamp

from cine.common.v1 import feed_pb2
from cine.identity.v1 import events_pb2
from cinemesh import client
from cinemesh.context import Principal
from cinemesh.revocation import REMEMBERED_SECONDS, Revocations
from cinemesh.testing import Running, TokenFactory, running, settings_for
from cinemesh.testing.identity import StandIn, standing_in

from .conftest import EchoApplication, EchoSettings, pb2, pb2_grpc


def stamp(moment: float) -> Timestamp:
    made = Timestamp()
    made.FromDatetime(dt.datetime.fromtimestamp(moment, dt.UTC))
    return made


def event(fact: Any, at: float) -> feed_pb2.Event:
    packed = any_pb2.Any()
    packed.Pack(fact)
    return feed_pb2.Event(type=fact.DESCRIPTOR.full_name, time=stamp(at), data=packed)


def person(user: str = "ana", session: str = "s1", issued_at: float = 0.0) -> Principal:
    return Principal("user", user, frozenset({"user"}), session, issued_at)


class Known:
    """Revocations with a clock that the test moves."""

    def __init__(self) -> None:
        self.now = 1_000_000.0
        self.held = Revocations(lambda: self.now)

    def hear(self, fact: Any) -> None:
        self.held.apply(event(fact, self.now))


@pytest.fixture
def known() -> Known:
    return Known()


def test_a_session_that_ended_is_refused_and_others_go_on(known: Known) -> None:
    known.hear(events_pb2.SessionRevoked(user_id="ana", session_id="s1"))
    assert known.held.refuses(person(issued_at=known.now + 60))
    assert not known.held.refuses(person(session="s2")) and not known.held.refuses(person("ben", "s3"))


def test_all_sessions_end_but_the_kept_one_and_those_begun_afterwards(known: Known) -> None:
    cut = stamp(known.now + 1)
    known.hear(events_pb2.SessionsRevoked(user_id="ana", tokens_valid_from=cut, kept_session_id="s2"))
    assert known.held.refuses(person(issued_at=known.now))
    assert not known.held.refuses(person(session="s2", issued_at=known.now))
    assert not known.held.refuses(person(session="s3", issued_at=known.now + 1))


def test_a_kept_session_dies_with_the_next_end_that_does_not_keep_it(known: Known) -> None:
    for kept in ("s2", ""):
        known.hear(
            events_pb2.SessionsRevoked(user_id="ana", tokens_valid_from=stamp(known.now + 1), kept_session_id=kept)
        )
    assert known.held.refuses(person(session="s2", issued_at=known.now))


def test_a_session_kept_later_does_not_bring_back_one_that_had_ended(known: Known) -> None:
    for kept in ("s2", "s1"):
        known.hear(
            events_pb2.SessionsRevoked(user_id="ana", tokens_valid_from=stamp(known.now + 1), kept_session_id=kept)
        )
    assert known.held.refuses(person(session="s1", issued_at=known.now))
    assert known.held.refuses(person(session="s2", issued_at=known.now))


@pytest.mark.parametrize("fact", [events_pb2.UserDisabled(user_id="ana"), events_pb2.UserDeleted(user_id="ana")])
def test_a_closed_account_has_no_good_token_of_before(known: Known, fact: Any) -> None:
    known.hear(fact)
    assert known.held.refuses(person(issued_at=known.now)) and not known.held.refuses(person("ben"))


def test_changed_roles_refuse_tokens_that_name_the_old_ones(known: Known) -> None:
    known.hear(events_pb2.RolesChanged(user_id="ana", roles=["user"], tokens_valid_from=stamp(known.now + 1)))
    assert known.held.refuses(person(issued_at=known.now)) and not known.held.refuses(person(issued_at=known.now + 1))


def test_what_no_token_can_outlive_is_forgotten(known: Known) -> None:
    for number in range(50):
        known.hear(events_pb2.SessionRevoked(user_id="ana", session_id=f"s{number}"))
    known.hear(events_pb2.UserDeleted(user_id="ana"))
    assert len(known.held) == 51
    known.now += REMEMBERED_SECONDS + 1
    known.hear(events_pb2.UserDeleted(user_id="ben"))
    assert len(known.held) == 1


def test_what_happened_before_any_living_token_is_not_even_kept(known: Known) -> None:
    known.held.apply(event(events_pb2.UserDeleted(user_id="ana"), known.now - REMEMBERED_SECONDS - 1))
    assert len(known.held) == 0


class Two:
    """A service, and a stand-in for Identity that it follows."""

    def __init__(self, identity: StandIn, server: Running, tokens: TokenFactory) -> None:
        self.identity = identity
        self.server = server
        self.tokens = tokens
        self.stub = server.stub(pb2_grpc().EchoServiceStub)

    async def answer(self, token: str) -> str:
        try:
            await self.stub.ForUser(pb2().EchoRequest(text="hello"), metadata=self.tokens.metadata(token), timeout=5)
        except grpc.aio.AioRpcError as error:
            return str(error.code().name)
        return "OK"

    async def until(self, token: str, wanted: str, seconds: float = 5.0) -> float:
        began = time.monotonic()
        while await self.answer(token) != wanted:
            assert time.monotonic() - began < seconds, f"not {wanted} within {seconds} s"
            await asyncio.sleep(0.01)
        return time.monotonic() - began


@pytest.fixture
async def two(tmp_path: Path, echo_contract: Any) -> AsyncIterator[Two]:
    async with standing_in(tmp_path / "identity") as (identity, address):
        keys = [str(tmp_path / "identity" / "var" / "keys" / "jwks.json")]
        settings = settings_for(
            EchoSettings, tmp_path / "identity", jwks=keys, revocation=True, peers={"identity": [address]}
        )
        tokens = TokenFactory(settings)
        async with running(EchoApplication(settings)) as server:
            yield Two(identity, server, tokens)
            await client.close_channels()


async def test_a_sign_out_reaches_another_service_and_leaves_other_sessions_alone(two: Two) -> None:
    gone, stays = two.tokens.user("ana", sid="s1"), two.tokens.user("ana", sid="s2")
    assert [await two.answer(gone), await two.answer(stays)] == ["OK", "OK"]
    await two.identity.tell(events_pb2.SessionRevoked(user_id="ana", session_id="s1"))
    assert await two.until(gone, "UNAUTHENTICATED") < 5.0
    assert await two.answer(stays) == "OK"


async def test_a_service_that_starts_afterwards_knows_what_was_revoked_before(two: Two, tmp_path: Path) -> None:
    await two.identity.tell(events_pb2.SessionRevoked(user_id="ana", session_id="s1"))
    async with running(EchoApplication(two.server.app.settings)) as later:
        other = Two(two.identity, later, two.tokens)
        await other.until(two.tokens.user("ana", sid="s1"), "UNAUTHENTICATED")
        assert await other.answer(two.tokens.user("ana", sid="s2")) == "OK"
