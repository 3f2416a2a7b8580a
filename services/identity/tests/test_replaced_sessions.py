"""A sign-in whose cookie takes the place of another session's ends that session, and only once it has succeeded."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyotp
import pytest
import sqlalchemy as sa
from google.protobuf.any_pb2 import Any as Packed

from cine.identity.v1 import auth_pb2 as pb
from cine.identity.v1 import events_pb2
from cine_identity.domain.totp import new_secret
from cine_identity.settings import IdentitySettings
from cine_identity.store.schema import audit
from cine_identity.store.totp import Authenticator, insert
from cinemesh.db import mesh_tables
from cinemesh.errors import Reason
from cinemesh.testing import settings_for

NAME = "__Host-cine_refresh"


@pytest.fixture
def settings(tmp_path: Path, store_url: str) -> IdentitySettings:
    return settings_for(IdentitySettings, tmp_path, bcrypt_cost=4, database_url=store_url)


async def enter(method: Any, request: Any, kept: str = "", at: Any = ()) -> tuple[Any, str]:
    """Returns an answer, and the refresh token that the browser keeps after it; `kept` is what it kept before."""
    call = method(request, metadata=(*at, *((("cookie", f"{NAME}={kept}"),) if kept else ())))
    answer = await call
    for key, value in await call.initial_metadata():
        if key == "set-cookie" and value.startswith(NAME):
            kept = value.partition("=")[2].partition(";")[0]
    return answer, kept


async def login(desk: Any, name: str, kept: str = "", **fields: Any) -> tuple[Any, str]:
    fields = {"username": name, "password": desk.password, "use_cookie": True, **fields}
    return await enter(desk.auth.Login, pb.LoginRequest(**fields), kept, desk.home)


async def told(desk: Any) -> list[str]:
    """Returns the sessions that every service was told have ended."""
    kind = events_pb2.SessionRevoked
    query = sa.select(mesh_tables.outbox.c.data).where(mesh_tables.outbox.c.type == kind.DESCRIPTOR.full_name)
    found = []
    for data in await desk.app.database.read(lambda tx: tx.execute(query).scalars().all()):
        message = kind()
        Packed.FromString(data).Unpack(message)
        found.append(message.session_id)
    return found


async def test_the_session_whose_cookie_is_replaced_ends_everywhere(desk: Any) -> None:
    await desk.join("Ada")
    elsewhere = await desk.login("Ada")
    first, kept = await login(desk, "Ada")
    second, renewed = await login(desk, "Ada", kept)
    assert kept and renewed != kept and not second.refresh_token
    assert await told(desk) == [first.session_id]
    assert (await desk.refused(desk.me(first))).reason is Reason.TOKEN_REVOKED
    assert (await desk.refused(desk.refresh(kept))).reason is Reason.TOKEN_REVOKED
    assert (await desk.me(second)).username == (await desk.me(elsewhere)).username == "Ada"
    ended = sa.select(audit.c.user_id, audit.c.detail).where(audit.c.action == "logout")
    rows = await desk.app.database.read(lambda tx: [tuple(row) for row in tx.execute(ended)])
    assert rows == [(first.user_id, "replaced by a sign-in")]


async def test_nothing_ends_before_a_sign_in_succeeded_or_where_no_cookie_is_replaced(desk: Any) -> None:
    await desk.join("Ada")
    first, kept = await login(desk, "Ada")
    await desk.refused(login(desk, "Ada", kept, password="quite another one"))
    await desk.refused(login(desk, "Nobody", kept))
    await login(desk, "Ada", kept, use_cookie=False)
    session_id, generation, mac = kept.split(".")
    for made_up in ("nothing", f"{session_id}.{generation}.{mac[::-1]}", f"{session_id}.{generation}"):
        assert (await login(desk, "Ada", made_up))[0].access_token
    assert await told(desk) == []
    assert (await desk.me(first)).username == "Ada"


async def test_anothers_session_ends_too_and_the_answer_is_the_same(desk: Any) -> None:
    await desk.join("Ada")
    await desk.join("Bob")
    hers, kept = await login(desk, "Ada")
    plain, _ = await login(desk, "Bob")
    instead, fresh = await login(desk, "Bob", kept)
    assert {one.name for one, _ in instead.ListFields()} == {one.name for one, _ in plain.ListFields()}
    assert await told(desk) == [hers.session_id]
    # long since ended: as if there were none
    again, _ = await login(desk, "Bob", kept)
    assert {one.name for one, _ in again.ListFields()} == {one.name for one, _ in plain.ListFields()}
    assert await told(desk) == [hers.session_id]
    assert (await desk.me(instead)).username == "Bob" and fresh


async def test_with_a_second_factor_it_ends_with_the_second_step(desk: Any, clock: Any) -> None:
    await desk.join("Ada")
    first, kept = await login(desk, "Ada")
    secret = new_secret()

    def turn_on(tx: Any) -> None:
        sealed = desk.app.vault.seal(secret.encode(), "totp", first.user_id)
        insert(tx, Authenticator(first.user_id, sealed, 0, clock()))

    await desk.app.database.write(turn_on)
    challenged, _ = await login(desk, "Ada", kept)
    token = challenged.second_factor_token
    assert token and await told(desk) == []
    right = pyotp.TOTP(secret).at(clock())
    wrong = pb.VerifySecondFactorRequest(
        second_factor_token=token, code=f"{(int(right) + 1) % 10**6:06d}", use_cookie=True
    )
    await desk.refused(enter(desk.auth.VerifySecondFactor, wrong, kept))
    assert await told(desk) == []
    good = pb.VerifySecondFactorRequest(second_factor_token=token, code=right, use_cookie=True)
    await enter(desk.auth.VerifySecondFactor, good, kept)
    assert await told(desk) == [first.session_id]
