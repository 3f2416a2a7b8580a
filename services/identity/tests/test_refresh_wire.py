"""Refreshing and signing out over the real server, on both databases: one lineage, grace, replay, also after a restart."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from cine.identity.v1 import auth_pb2 as pb
from cine.identity.v1 import events_pb2
from cine_identity.app import IdentityApplication
from cine_identity.domain import refresh
from cine_identity.settings import IdentitySettings
from cine_identity.store import accounts, sessions
from cine_identity.store.schema import audit
from cine_identity.store.schema import sessions as session_rows
from cinemesh.db import mesh_tables
from cinemesh.errors import Code, Reason
from cinemesh.testing import running, settings_for


@pytest.fixture
def settings(tmp_path: Path, store_url: str) -> IdentitySettings:
    return settings_for(IdentitySettings, tmp_path, bcrypt_cost=4, database_url=store_url)


@pytest.fixture
async def tokens(desk: Any) -> Any:
    await desk.join("Ada")
    return await desk.login("Ada")


async def revoked_events(app: Any) -> list[Any]:
    from google.protobuf.any_pb2 import Any as Packed

    kind = events_pb2.SessionRevoked
    query = sa.select(mesh_tables.outbox.c.data).where(mesh_tables.outbox.c.type == kind.DESCRIPTOR.full_name)
    found = []
    for data in await app.database.read(lambda tx: tx.execute(query).scalars().all()):
        message = kind()
        Packed.FromString(data).Unpack(message)
        found.append(message)
    return found


async def audited(app: Any, action: str) -> int:
    query = sa.select(sa.func.count()).select_from(audit).where(audit.c.action == action)
    return int(await app.database.read(lambda tx: tx.execute(query).scalar_one()))


class TestRotation:
    async def test_each_token_is_good_for_one_successor(self, desk: Any, tokens: Any, clock: Any) -> None:
        second = await desk.refresh(tokens.refresh_token)
        assert second.refresh_token != tokens.refresh_token and second.session_id == tokens.session_id
        assert (await desk.me(second)).username == "Ada"
        clock.forward(seconds=30)
        third = await desk.refresh(second.refresh_token)
        assert third.refresh_token not in (tokens.refresh_token, second.refresh_token)

    async def test_50_concurrent_refreshes_leave_one_lineage_and_no_sign_out(self, desk: Any, tokens: Any) -> None:
        answers = await asyncio.gather(*(desk.refresh(tokens.refresh_token) for _ in range(50)))
        assert len({answer.refresh_token for answer in answers}) == 1
        who = await asyncio.gather(*(desk.me(answer) for answer in answers))
        assert {me.username for me in who} == {"Ada"}
        rows = await desk.app.database.read(
            lambda tx: tx.execute(sa.select(session_rows.c.generation, session_rows.c.revoked_at)).all()
        )
        assert [tuple(row) for row in rows] == [(1, None)]
        assert (await desk.refresh(answers[0].refresh_token)).access_token
        assert await audited(desk.app, "session.reuse") == 0

    async def test_within_the_grace_the_same_successor_comes_back(self, desk: Any, tokens: Any, clock: Any) -> None:
        first = await desk.refresh(tokens.refresh_token)
        clock.forward(seconds=19)
        again = await desk.refresh(tokens.refresh_token)
        assert again.refresh_token == first.refresh_token
        clock.forward(seconds=-19)  # the access token is verified by the time of day
        assert (await desk.me(await desk.refresh(tokens.refresh_token))).username == "Ada"

    async def test_the_token_lies_in_the_store_as_a_digest_only(self, desk: Any, tokens: Any) -> None:
        rows = await desk.app.database.read(lambda tx: [tuple(row) for row in tx.execute(sa.select(session_rows))])
        assert tokens.refresh_token.rpartition(".")[2] not in repr(rows)

    async def test_a_refresh_brings_the_roles_of_now(self, desk: Any, tokens: Any) -> None:
        await desk.app.database.write(lambda tx: accounts.update(tx, tokens.user_id, roles=("user", "premium")))
        assert list((await desk.me(await desk.refresh(tokens.refresh_token))).roles) == ["user", "premium"]


class TestReplay:
    async def test_a_spent_token_after_the_grace_ends_the_session(self, desk: Any, tokens: Any, clock: Any) -> None:
        second = await desk.refresh(tokens.refresh_token)
        clock.forward(seconds=21)
        failure = await desk.refused(desk.refresh(tokens.refresh_token))
        assert (failure.code, failure.reason) == (Code.UNAUTHENTICATED, Reason.TOKEN_REVOKED)
        for call in (desk.refresh(second.refresh_token), desk.me(second)):
            assert (await desk.refused(call)).reason is Reason.TOKEN_REVOKED
        (event,) = await revoked_events(desk.app)
        assert (event.user_id, event.session_id) == (tokens.user_id, tokens.session_id)
        left = event.tokens_expire_at.ToDatetime(clock().tzinfo) - clock()
        assert 600 <= left.total_seconds() <= 620  # the last access token is over by then
        assert [letter.to for letter in desk.letters_of("session_reuse")] == ["ada@example.org"]
        await desk.refused(desk.refresh(tokens.refresh_token))
        assert await audited(desk.app, "session.reuse") == 1  # told once
        assert (await desk.login("Ada")).access_token

    async def test_a_token_two_generations_old_is_a_replay_even_within_the_grace(self, desk: Any, tokens: Any) -> None:
        second = await desk.refresh(tokens.refresh_token)
        third = await desk.refresh(second.refresh_token)
        assert (await desk.refused(desk.refresh(tokens.refresh_token))).reason is Reason.TOKEN_REVOKED
        assert (await desk.refused(desk.refresh(third.refresh_token))).reason is Reason.TOKEN_REVOKED

    async def test_a_replay_after_a_restart_revokes_the_family(
        self, settings: IdentitySettings, desk: Any, tokens: Any, clock: Any
    ) -> None:
        second = await desk.refresh(tokens.refresh_token)
        kind = type(desk)
        await desk.app.database.close()
        clock.forward(seconds=60)
        async with running(IdentityApplication(settings, clock=clock)) as server:
            again = kind(server)
            assert (await again.refused(again.refresh(tokens.refresh_token))).reason is Reason.TOKEN_REVOKED
            assert (await again.refused(again.refresh(second.refresh_token))).reason is Reason.TOKEN_REVOKED
            assert len(await revoked_events(again.app)) == 1 and len(again.letters_of("session_reuse")) == 1

    async def test_a_token_goes_on_after_a_restart(
        self, settings: IdentitySettings, desk: Any, tokens: Any, clock: Any
    ) -> None:
        second = await desk.refresh(tokens.refresh_token)
        kind = type(desk)
        await desk.app.database.close()
        async with running(IdentityApplication(settings, clock=clock)) as server:
            again = kind(server)
            # within the grace, from another process than the one that made it
            assert (await again.refresh(tokens.refresh_token)).refresh_token == second.refresh_token
            assert (await again.me(await again.refresh(second.refresh_token))).username == "Ada"

    async def test_ten_replays_at_once_are_told_once(self, desk: Any, tokens: Any, clock: Any) -> None:
        await desk.refresh(tokens.refresh_token)
        clock.forward(seconds=21)
        await asyncio.gather(*(desk.refused(desk.refresh(tokens.refresh_token)) for _ in range(10)))
        assert len(await revoked_events(desk.app)) == 1


class TestForged:
    async def test_what_is_no_token_of_ours_is_refused_and_ends_nothing(self, desk: Any, tokens: Any) -> None:
        session_id, generation, mac = tokens.refresh_token.split(".")
        flipped = mac[:-2] + ("A" if mac[-2] != "A" else "B") + mac[-1]
        for token in (
            "nonsense",
            f"{session_id}.{generation}.{flipped}",
            f"{session_id}.{int(generation) + 1}.{mac}",
            f"{'0' * 26}.0.{mac}",
            f"{session_id}.99999999999.{mac}",
            f"{session_id}.0.{mac}\n",
        ):
            failure = await desk.refused(desk.refresh(token))
            assert (failure.code, failure.reason) == (Code.UNAUTHENTICATED, Reason.TOKEN_INVALID), token
        assert (await desk.me(tokens)).username == "Ada"
        assert (await desk.refresh(tokens.refresh_token)).access_token

    async def test_a_token_of_another_sessions_nonce_is_forged(self, desk: Any, tokens: Any) -> None:
        made_up = refresh.token_of(desk.app.vault, tokens.session_id, 0, "00" * 16)
        assert (await desk.refused(desk.refresh(made_up))).reason is Reason.TOKEN_INVALID

    async def test_nothing_at_all_needs_a_token(self, desk: Any) -> None:
        assert (await desk.refused(desk.refresh(""))).reason is Reason.TOKEN_MISSING


class TestExpiry:
    async def test_a_session_ends_after_thirty_days_however_much_it_is_used(
        self, desk: Any, tokens: Any, clock: Any
    ) -> None:
        for _ in range(29):
            clock.forward(days=1)
            tokens = await desk.refresh(tokens.refresh_token)
        assert tokens.refresh_expires_in <= 24 * 3600
        clock.forward(days=1, seconds=1)
        failure = await desk.refused(desk.refresh(tokens.refresh_token))
        assert (failure.code, failure.reason) == (Code.UNAUTHENTICATED, Reason.TOKEN_EXPIRED)

    async def test_a_session_that_is_not_used_ends_after_a_fortnight(self, desk: Any, tokens: Any, clock: Any) -> None:
        assert tokens.refresh_expires_in <= 14 * 24 * 3600
        clock.forward(days=14, seconds=1)
        assert (await desk.refused(desk.refresh(tokens.refresh_token))).reason is Reason.TOKEN_EXPIRED

    async def test_a_closed_account_refreshes_nothing(self, desk: Any, tokens: Any) -> None:
        await desk.app.database.write(lambda tx: accounts.update(tx, tokens.user_id, disabled=True))
        assert (await desk.refused(desk.refresh(tokens.refresh_token))).reason is Reason.TOKEN_REVOKED


class TestCookie:
    async def test_refresh_and_logout_read_the_cookie_and_answer_in_kind(self, desk: Any) -> None:
        await desk.join("Ada")

        async def cookies_of(call: Any) -> dict[str, str]:
            await call
            pairs = [value for key, value in await call.initial_metadata() if key == "set-cookie"]
            return {one.split("=", 1)[0]: one for one in pairs}

        login = desk.auth.Login(pb.LoginRequest(username="Ada", password=desk.password, use_cookie=True))
        kept = (await cookies_of(login))["__Host-cine_refresh"].split(";")[0]
        call = desk.auth.RefreshToken(pb.RefreshTokenRequest(), metadata=(("cookie", kept),))
        fresh = (await cookies_of(call))["__Host-cine_refresh"]
        answer = await call
        assert answer.refresh_token == "" and answer.access_token and fresh.split(";")[0] != kept
        assert "HttpOnly" in fresh and "Secure" in fresh and "SameSite=Strict" in fresh and "Domain" not in fresh
        out = desk.auth.Logout(pb.LogoutRequest(), metadata=(("cookie", fresh.split(";")[0]),))
        gone = (await cookies_of(out))["__Host-cine_refresh"]
        assert gone.startswith("__Host-cine_refresh=;") and "Max-Age=0" in gone
        assert (await desk.refused(desk.me(answer))).reason is Reason.TOKEN_REVOKED

    async def test_a_token_in_the_request_stays_out_of_cookies(self, desk: Any, tokens: Any) -> None:
        call = desk.auth.RefreshToken(pb.RefreshTokenRequest(refresh_token=tokens.refresh_token))
        assert (await call).refresh_token
        assert "set-cookie" not in dict(await call.initial_metadata())


class TestLogout:
    async def test_by_refresh_token(self, desk: Any, tokens: Any) -> None:
        await desk.auth.Logout(pb.LogoutRequest(refresh_token=tokens.refresh_token))
        for call in (desk.me(tokens), desk.refresh(tokens.refresh_token)):
            assert (await desk.refused(call)).reason is Reason.TOKEN_REVOKED
        await desk.auth.Logout(pb.LogoutRequest(refresh_token=tokens.refresh_token))  # a second time is fine
        assert len(await revoked_events(desk.app)) == 1 and await audited(desk.app, "logout") == 1

    async def test_by_access_token_and_only_that_session(self, desk: Any, tokens: Any) -> None:
        other = await desk.login("Ada")
        await desk.auth.Logout(pb.LogoutRequest(), metadata=desk.bearer(tokens.access_token))
        assert (await desk.refused(desk.me(tokens))).reason is Reason.TOKEN_REVOKED
        assert (await desk.me(other)).username == "Ada"

    async def test_a_spent_token_still_signs_out(self, desk: Any, tokens: Any) -> None:
        second = await desk.refresh(tokens.refresh_token)
        await desk.auth.Logout(pb.LogoutRequest(refresh_token=tokens.refresh_token))
        assert (await desk.refused(desk.refresh(second.refresh_token))).reason is Reason.TOKEN_REVOKED

    async def test_a_forged_token_ends_nothing_and_nobody_has_no_session(self, desk: Any, tokens: Any) -> None:
        forged = tokens.refresh_token[:-4] + "AAAA"
        await desk.auth.Logout(pb.LogoutRequest(refresh_token=forged))
        assert (await desk.me(tokens)).username == "Ada"
        assert (await desk.refused(desk.auth.Logout(pb.LogoutRequest()))).code is Code.UNAUTHENTICATED


async def test_pruned_sessions_are_refused_all_the_same(desk: Any, clock: Any) -> None:
    await desk.join("Ada")
    tokens = await desk.login("Ada")
    await desk.auth.Logout(pb.LogoutRequest(refresh_token=tokens.refresh_token))
    clock.forward(days=2)
    assert (await desk.app.housekeeping.clean())["sessions"] == 1
    assert await desk.app.database.read(lambda tx: sessions.by_id(tx, tokens.session_id)) is None
    assert (await desk.refused(desk.refresh(tokens.refresh_token))).reason is Reason.TOKEN_INVALID
