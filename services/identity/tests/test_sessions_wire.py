"""One's own sessions over the real server, on both databases."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from cine.identity.v1 import sessions_pb2 as pb
from cine_identity.settings import IdentitySettings
from cine_identity.store.schema import sessions as session_rows
from cinemesh.errors import Code, Reason
from cinemesh.testing import settings_for


@pytest.fixture
def settings(tmp_path: Path, store_url: str) -> IdentitySettings:
    return settings_for(IdentitySettings, tmp_path, bcrypt_cost=4, database_url=store_url)


async def listed(desk: Any, tokens: Any, **fields: Any) -> Any:
    return await desk.sessions.ListSessions(pb.ListSessionsRequest(**fields), metadata=desk.bearer(tokens.access_token))


class TestList:
    async def test_says_where_and_which_is_the_callers(self, desk: Any, clock: Any) -> None:
        await desk.join("Ada")
        clock.forward(seconds=-30)
        await desk.login("Ada", device_name="Kitchen tablet")
        clock.forward(seconds=30)
        here = await desk.login("Ada", at=desk.elsewhere)
        answer = await listed(desk, here)
        assert [(one.device_name, one.ip_address, one.method, one.current) for one in answer.sessions] == [
            ("curl", "198.51.100.7", "password", True),
            ("Kitchen tablet", "192.0.2.10", "password", False),
        ]
        assert answer.total_size == 2 and answer.next_page_token == ""

    async def test_pages_come_in_order_and_whole(self, desk: Any, clock: Any) -> None:
        await desk.join("Ada")
        clock.forward(seconds=-10)
        made = []
        for number in range(7):
            made.append((await desk.login("Ada", device_name=f"device {number}")).session_id)
            if number % 2:
                clock.forward(seconds=1)  # and some at the very same moment
        here = await desk.login("Ada")
        made.append(here.session_id)
        seen, page_token = [], ""
        while True:
            answer = await listed(desk, here, page_size=3, page_token=page_token)
            assert len(answer.sessions) <= 3 and answer.total_size == 8
            seen += [one.session_id for one in answer.sessions]
            page_token = answer.next_page_token
            if not page_token:
                break
        assert sorted(seen) == sorted(made) and len(set(seen)) == 8
        failure = await desk.refused(listed(desk, here, page_token="made up"))
        assert (failure.code, failure.reason) == (Code.INVALID_ARGUMENT, Reason.INVALID_PAGE_TOKEN)

    async def test_what_is_over_is_not_listed(self, desk: Any, clock: Any) -> None:
        await desk.join("Ada")
        over, here = await desk.login("Ada"), await desk.login("Ada")
        unused = sa.update(session_rows).where(session_rows.c.session_id == over.session_id)
        await desk.app.database.write(
            lambda tx: tx.execute(unused.values(last_used_at=clock() - dt.timedelta(days=15)))
        )
        assert [one.session_id for one in (await listed(desk, here)).sessions] == [here.session_id]


class TestRevoke:
    async def test_one_session_ends_and_the_others_go_on(self, desk: Any) -> None:
        await desk.join("Ada")
        lost, here = await desk.login("Ada"), await desk.login("Ada")

        async def revoke(session_id: str, by: Any) -> Any:
            request = pb.RevokeSessionRequest(session_id=session_id)
            return await desk.sessions.RevokeSession(request, metadata=desk.bearer(by.access_token))

        await revoke(lost.session_id, here)
        assert (await desk.refused(desk.me(lost))).reason is Reason.TOKEN_REVOKED
        assert (await desk.refused(desk.refresh(lost.refresh_token))).reason is Reason.TOKEN_REVOKED
        assert (await desk.me(here)).username == "Ada"
        assert (await desk.refused(revoke(lost.session_id, here))).code is Code.NOT_FOUND

    async def test_ending_another_one_wants_a_sign_in_of_a_short_while_ago(
        self, desk: Any, people: Any, clock: Any
    ) -> None:
        ada = await people.join("Ada")
        other = await people.sign_in(await people.account(ada))
        clock.forward(minutes=10.1)
        for call in (
            desk.sessions.RevokeSession(pb.RevokeSessionRequest(session_id=other.session_id), metadata=ada.metadata),
            desk.sessions.RevokeAllSessions(pb.RevokeAllSessionsRequest(), metadata=ada.metadata),
        ):
            failure = await desk.refused(call)
            assert (failure.code, failure.reason) == (Code.FAILED_PRECONDITION, Reason.RECENT_SIGN_IN_REQUIRED)
        # signing out is always possible
        own = pb.RevokeSessionRequest(session_id=ada.session_id)
        await desk.sessions.RevokeSession(own, metadata=ada.metadata)
        again = await people.sign_in(await people.account(other))
        ended = await desk.sessions.RevokeAllSessions(
            pb.RevokeAllSessionsRequest(keep_current=True), metadata=again.metadata
        )
        assert ended.sessions_revoked == 1

    async def test_sessions_of_others_are_not_found(self, desk: Any) -> None:
        await desk.join("Ada")
        await desk.join("Eve")
        ada, eve = await desk.login("Ada"), await desk.login("Eve")
        answers = []
        for session_id in (ada.session_id, "0" * 26, "x\x00y"):
            request = pb.RevokeSessionRequest(session_id=session_id)
            failure = await desk.refused(desk.sessions.RevokeSession(request, metadata=desk.bearer(eve.access_token)))
            answers.append((failure.code, failure.reason, failure.message))
        assert len(set(answers)) == 1 and answers[0][0] is Code.NOT_FOUND
        assert (await desk.me(ada)).username == "Ada"

    async def test_all_but_this_one(self, desk: Any) -> None:
        await desk.join("Ada")
        others = [await desk.login("Ada") for _ in range(3)]
        here = await desk.login("Ada")
        request = pb.RevokeAllSessionsRequest(keep_current=True)
        answer = await desk.sessions.RevokeAllSessions(request, metadata=desk.bearer(here.access_token))
        assert answer.sessions_revoked == 3
        for one in others:
            assert (await desk.refused(desk.me(one))).reason is Reason.TOKEN_REVOKED
        assert (await desk.me(here)).username == "Ada"
        assert (await desk.me(await desk.refresh(here.refresh_token))).username == "Ada"

    async def test_all_of_them_and_a_sign_in_right_after_works(self, desk: Any) -> None:
        await desk.join("Ada")
        here = await desk.login("Ada")
        answer = await desk.sessions.RevokeAllSessions(
            pb.RevokeAllSessionsRequest(), metadata=desk.bearer(here.access_token)
        )
        assert answer.sessions_revoked == 1
        assert (await desk.refused(desk.me(here))).reason is Reason.TOKEN_REVOKED
        fresh = await desk.login("Ada")  # within the very second
        assert (await desk.me(fresh)).username == "Ada"
        assert (await desk.me(await desk.refresh(fresh.refresh_token))).username == "Ada"


async def test_tokens_of_before_are_refused_elsewhere_and_those_of_after_are_not(desk: Any) -> None:
    """What the feed says is enough for a service without the store: `cinemesh.revocation` decides as Identity does."""
    from cinemesh.auth import TokenVerifier
    from cinemesh.feed import log
    from cinemesh.revocation import Revocations

    await desk.join("Ada")
    before, kept = await desk.login("Ada"), await desk.login("Ada")
    request = pb.RevokeAllSessionsRequest(keep_current=True)
    await desk.sessions.RevokeAllSessions(request, metadata=desk.bearer(kept.access_token))
    after = await desk.login("Ada")

    revocations = Revocations()

    def read(tx: Any) -> Any:
        return log.read_batch(tx, after=log.start(tx, ""), types=[], limit=100)

    for event in (await desk.app.database.read(read)).events("identity"):
        revocations.apply(event)
    keys = desk.app.settings.var_dir / "published.json"
    keys.write_bytes(await desk.app.own_keys())
    verifier = TokenVerifier([str(keys)], desk.app.settings.issuer, desk.app.settings.audience)
    refused = [revocations.refuses(await verifier.verify(one.access_token)) for one in (before, kept, after)]
    assert refused == [True, False, False]
