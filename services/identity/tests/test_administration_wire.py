"""Administrators' calls over the real server, on both databases."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.protobuf.any_pb2 import Any as Packed

from cine.identity.v1 import admin_pb2, admin_pb2_grpc, events_pb2, users_pb2, users_pb2_grpc
from cine_identity.app import IdentityApplication
from cine_identity.domain.session import Visit
from cine_identity.keys.ring import SigningKey
from cine_identity.settings import IdentitySettings
from cine_identity.store import accounts, sessions
from cinemesh.db import mesh_tables
from cinemesh.errors import CineError, Code, Reason
from cinemesh.rpc_status import failure_of
from cinemesh.testing import Running, running, settings_for


@pytest.fixture
def settings(tmp_path: Path, store_url: str) -> IdentitySettings:
    return settings_for(IdentitySettings, tmp_path, bcrypt_cost=4, database_url=store_url, admins=["root@example.org"])


@pytest.fixture
def admin(identity: Running) -> Any:
    return identity.stub(admin_pb2_grpc.IdentityAdminServiceStub)


@pytest.fixture
async def root(people: Any) -> AsyncIterator[Any]:
    yield await people.join("Root", "admin", email="boss@example.org")


async def refused(call: Any) -> CineError:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call
    return failure_of(caught.value)


async def events(identity: Running) -> list[Any]:
    app: Any = identity.app
    rows = await app.database.read(
        lambda tx: [row.data for row in tx.execute(mesh_tables.outbox.select().order_by(mesh_tables.outbox.c.id))]
    )
    found = []
    for data in rows:
        packed = Packed.FromString(data)
        message = getattr(events_pb2, packed.TypeName().rpartition(".")[2])()
        packed.Unpack(message)
        found.append(message)
    return found


async def letters(identity: Running) -> list[tuple[str, str]]:
    from cine_identity.store import letters as queue

    app: Any = identity.app
    far = dt.datetime.now(dt.UTC) + dt.timedelta(days=1)
    found = await app.database.write(lambda tx: queue.due(tx, far, 100, dt.timedelta()))
    opened = [app.post.open(letter) for letter in found]
    return [(letter.template, letter.to) for letter in opened]


async def log(admin: Any, root: Any, **filters: Any) -> list[Any]:
    answer = await admin.ListAuditEntries(admin_pb2.ListAuditEntriesRequest(**filters), metadata=root.metadata)
    return list(answer.entries)


async def test_roles_change_tokens_die_and_everybody_hears_of_it(
    identity: Running, admin: Any, people: Any, root: Any
) -> None:
    ada = await people.join("Ada")
    before = await admin.GetUser(admin_pb2.GetUserRequest(user_id=ada.user_id), metadata=root.metadata)
    assert (before.state, before.session_count, list(before.roles)) == ("active", 1, ["user"])
    now = dt.datetime.now(dt.UTC)
    request = admin_pb2.SetRolesRequest(
        user_id=ada.user_id, roles=["premium", "user"], reason="won the quiz", etag=before.etag
    )
    after = await admin.SetRoles(request, metadata=root.metadata)
    assert list(after.roles) == ["user", "premium"] and after.etag != before.etag
    (event,) = await events(identity)
    assert (event.user_id, list(event.roles)) == (ada.user_id, ["user", "premium"])
    valid_from = event.tokens_valid_from.ToDatetime(dt.UTC)
    assert now < valid_from <= now + dt.timedelta(seconds=2) and valid_from.microsecond == 0
    assert ("roles_changed", "ada@example.org") in await letters(identity)
    (entry,) = await log(admin, root, user_id=ada.user_id)
    assert (entry.action, entry.actor_id, entry.actor_username, entry.outcome) == (
        "roles.set",
        root.user_id,
        "Root",
        "ok",
    )
    assert entry.detail == "user to user, premium: won the quiz" and entry.call_id
    failure = await refused(admin.SetRoles(request, metadata=root.metadata))
    assert (failure.code, failure.reason) == (Code.ABORTED, Reason.ETAG_MISMATCH)
    again = admin_pb2.SetRolesRequest(user_id=ada.user_id, roles=["user", "premium"])
    assert (await admin.SetRoles(again, metadata=root.metadata)).etag == after.etag
    assert len(await events(identity)) == 1
    outcomes = [entry.outcome for entry in await log(admin, root, user_id=ada.user_id)]
    assert outcomes == ["ok", "changed meanwhile", "ok"]


async def test_a_token_made_after_the_change_passes_where_all_older_ones_are_refused(
    identity: Running, people: Any, root: Any, admin: Any
) -> None:
    import jwt

    from cinemesh.keys import new_ed25519_jwk, public_part

    ada = await people.join("Ada")
    app: Any = identity.app
    key = new_ed25519_jwk("test-signing")
    first_key = SigningKey("test-signing", public_part(key), jwt.PyJWK(key), dt.datetime(2020, 1, 1, tzinfo=dt.UTC))
    app.keys.replace([first_key])
    await admin.SetRoles(
        admin_pb2.SetRolesRequest(user_id=ada.user_id, roles=["user", "premium"]), metadata=root.metadata
    )
    (event,) = await events(identity)
    account = await people.account(ada)
    signed_in = await app.database.write(lambda tx: app.issuer.sign_in(tx, account, "password", Visit()))
    claims = jwt.decode(signed_in.access_token, options={"verify_signature": False})
    assert claims["roles"] == ["user", "premium"]
    assert claims["iat"] >= event.tokens_valid_from.seconds
    assert claims["exp"] - claims["iat"] <= 600


async def test_the_last_administrator_keeps_role_and_account(
    identity: Running, admin: Any, people: Any, root: Any
) -> None:
    await people.join("Unverified", "admin", email_verified=False)
    await people.join("Disabled", "admin", disabled=True)
    users: Any = identity.stub(users_pb2_grpc.UserServiceStub)
    for call in (
        admin.SetRoles(admin_pb2.SetRolesRequest(user_id=root.user_id, roles=["user"]), metadata=root.metadata),
        admin.DisableUser(admin_pb2.DisableUserRequest(user_id=root.user_id, reason="x"), metadata=root.metadata),
        users.DeleteAccount(users_pb2.DeleteAccountRequest(confirm_username="root"), metadata=root.metadata),
    ):
        failure = await refused(call)
        assert (failure.code, failure.reason) == (Code.FAILED_PRECONDITION, Reason.FAILED_PRECONDITION)
    outcomes = {(entry.action, entry.outcome) for entry in await log(admin, root)}
    assert outcomes == {(act, "last administrator") for act in ("roles.set", "user.disable", "account.delete")}
    assert await events(identity) == []
    second = await people.join("Second", "admin")
    await admin.SetRoles(admin_pb2.SetRolesRequest(user_id=root.user_id, roles=["user"]), metadata=root.metadata)
    # the token still says admin; the store does not
    failure = await refused(admin.ListUsers(admin_pb2.ListUsersRequest(), metadata=root.metadata))
    assert (failure.code, failure.reason) == (Code.UNAUTHENTICATED, Reason.TOKEN_REVOKED)
    assert await admin.ListUsers(admin_pb2.ListUsersRequest(), metadata=second.metadata)


async def test_administrators_who_demote_each_other_at_once_leave_one(
    identity: Running, admin: Any, people: Any, root: Any
) -> None:
    for _ in range(4):
        many = [root] + [await people.join(f"Admin{n}{_}", "admin") for n in range(3)]
        calls = []
        for place, actor in enumerate(many):
            target = many[(place + 1) % len(many)]
            request = admin_pb2.SetRolesRequest(user_id=target.user_id, roles=["user"])
            calls.append(admin.SetRoles(request, metadata=actor.metadata))
        results = await asyncio.gather(*calls, return_exceptions=True)
        failures = [failure_of(one).code for one in results if isinstance(one, grpc.aio.AioRpcError)]
        assert set(failures) <= {Code.UNAUTHENTICATED, Code.FAILED_PRECONDITION}
        held = [person for person in many if "admin" in (await people.account(person)).roles]
        assert len(held) == len(failures) >= 1
        root = held[0]
        app: Any = identity.app
        for person in held[1:]:
            await app.database.write(lambda tx, person=person: accounts.update(tx, person.user_id, roles=("user",)))


async def test_a_disabled_account_is_closed_everywhere_until_it_is_opened(
    identity: Running, admin: Any, people: Any, root: Any
) -> None:
    users: Any = identity.stub(users_pb2_grpc.UserServiceStub)
    ada = await people.join("Ada")
    public = users_pb2.GetPublicProfileRequest(username="ada")
    assert await users.GetPublicProfile(public)  # now in the cache
    blank = admin_pb2.DisableUserRequest(user_id=ada.user_id, reason="  ")
    assert (await refused(admin.DisableUser(blank, metadata=root.metadata))).violations[0][0] == "reason"
    request = admin_pb2.DisableUserRequest(user_id=ada.user_id, reason="sold reviews")
    closed = await admin.DisableUser(request, metadata=root.metadata)
    assert (closed.state, closed.disabled_reason, closed.session_count) == ("disabled", "sold reviews", 0)
    assert [type(event).__name__ for event in await events(identity)] == ["UserDisabled", "SessionsRevoked"]
    failure = await refused(users.GetProfile(users_pb2.GetProfileRequest(), metadata=ada.metadata))
    assert (failure.code, failure.reason) == (Code.UNAUTHENTICATED, Reason.TOKEN_REVOKED)
    assert (await refused(users.GetPublicProfile(public))).code is Code.NOT_FOUND
    again = admin_pb2.DisableUserRequest(user_id=ada.user_id, reason="and more")
    assert (await admin.DisableUser(again, metadata=root.metadata)).disabled_reason == "and more"
    assert len(await events(identity)) == 2

    opened = await admin.EnableUser(
        admin_pb2.EnableUserRequest(user_id=ada.user_id, reason="sorry"), metadata=root.metadata
    )
    assert (opened.state, opened.disabled_reason) == ("active", "")
    await admin.EnableUser(admin_pb2.EnableUserRequest(user_id=ada.user_id), metadata=root.metadata)
    assert [type(event).__name__ for event in await events(identity)][2:] == ["UserEnabled"]
    assert (await users.GetPublicProfile(public)).username == "Ada"
    # the sessions of before stay dead
    assert (await refused(users.GetProfile(users_pb2.GetProfileRequest(), metadata=ada.metadata))).code is (
        Code.UNAUTHENTICATED
    )
    assert [name for name, _ in await letters(identity)] == ["account_disabled", "account_enabled"]
    acts = [entry.action for entry in await log(admin, root, actor_id=root.user_id)]
    assert acts == ["user.enable", "user.enable", "user.disable", "user.disable"]


async def test_accounts_are_found_ordered_and_paged(identity: Running, admin: Any, people: Any, root: Any) -> None:
    start = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
    names = ["carl", "Ada", "bob_x", "dora", "eve%"]
    for place, name in enumerate(names):
        await people.join(
            name,
            *(["premium"] if place % 2 else []),
            created_at=start + dt.timedelta(days=place // 2),  # two a day: ties
            last_login_at=start + dt.timedelta(hours=place) if place else None,
            email_verified=place != 4,
            disabled=place == 3,
        )

    async def listed(**query: Any) -> tuple[list[str], int]:
        found, token, total = [], "", 0
        while True:
            request = admin_pb2.ListUsersRequest(page_size=2, page_token=token, **query)
            answer = await admin.ListUsers(request, metadata=root.metadata)
            found += [user.username for user in answer.users]
            token, total = answer.next_page_token, answer.total_size
            if not token:
                return found, total

    newest, total = await listed()
    assert total == 6 and newest[0] == "Root" and newest[-1] in ("carl", "Ada")
    assert (await listed(order_by="oldest"))[0] == newest[::-1]
    assert (await listed(order_by="username"))[0] == ["Ada", "bob_x", "carl", "dora", "eve%", "Root"]
    by_login = (await listed(order_by="last_login"))[0]
    assert by_login[:4] == ["eve%", "dora", "bob_x", "Ada"] and set(by_login[4:]) == {"carl", "Root"}
    assert await listed(role="premium", order_by="username") == (["Ada", "dora"], 2)
    assert await listed(role="admin") == (["Root"], 1)
    assert (await listed(state="disabled"))[0] == ["dora"]
    assert (await listed(state="unverified"))[0] == ["eve%"]
    assert (await listed(state="active", order_by="username"))[0] == ["Ada", "bob_x", "carl", "Root"]
    assert (await listed(query="B_"))[0] == ["bob_x"]
    assert (await listed(query="%"))[0] == ["eve%"]
    assert (await listed(query="CARL@example"))[0] == ["carl"]
    ada = (await admin.ListUsers(admin_pb2.ListUsersRequest(query="ada"), metadata=root.metadata)).users[0]
    assert (await listed(query=ada.user_id.lower()))[0] == ["Ada"]
    first = await admin.ListUsers(admin_pb2.ListUsersRequest(page_size=1), metadata=root.metadata)
    other = admin_pb2.ListUsersRequest(page_token=first.next_page_token, role="user")
    assert (await refused(admin.ListUsers(other, metadata=root.metadata))).reason is Reason.INVALID_PAGE_TOKEN


async def test_the_audit_log_is_filtered_and_paged_latest_first(admin: Any, people: Any, root: Any, clock: Any) -> None:
    ada, bob = await people.join("Ada"), await people.join("Bob")
    moments = []
    for person in (ada, bob, ada):
        moments.append(clock())
        request = admin_pb2.DisableUserRequest(user_id=person.user_id, reason="why not")
        await admin.DisableUser(request, metadata=root.metadata)
        clock.forward(hours=1)
    entries = await log(admin, root)
    assert [entry.user_id for entry in entries] == [ada.user_id, bob.user_id, ada.user_id]
    assert [entry.user_id for entry in await log(admin, root, user_id=bob.user_id)] == [bob.user_id]
    assert await log(admin, root, action="roles.set") == []
    window = admin_pb2.ListAuditEntriesRequest()
    window.since.FromDatetime(moments[1])
    window.until.FromDatetime(moments[2])
    answer = await admin.ListAuditEntries(window, metadata=root.metadata)
    assert [entry.user_id for entry in answer.entries] == [bob.user_id]
    found, token = [], ""
    while True:
        page = admin_pb2.ListAuditEntriesRequest(page_size=1, page_token=token)
        answer = await admin.ListAuditEntries(page, metadata=root.metadata)
        found += list(answer.entries)
        token = answer.next_page_token
        if not token:
            break
    assert found == entries


@pytest.mark.parametrize("odd", ["nul\x00", "'; DROP TABLE accounts; --", "%", "\u202e"])
async def test_odd_text_is_refused_or_finds_nothing(admin: Any, root: Any, odd: str) -> None:
    get = admin.GetUser(admin_pb2.GetUserRequest(user_id=odd), metadata=root.metadata)
    assert (await refused(get)).code is Code.NOT_FOUND
    for call in (
        admin.SetRoles(admin_pb2.SetRolesRequest(user_id=odd, roles=["user"]), metadata=root.metadata),
        admin.DisableUser(admin_pb2.DisableUserRequest(user_id=odd, reason="x"), metadata=root.metadata),
        admin.EnableUser(admin_pb2.EnableUserRequest(user_id=odd), metadata=root.metadata),
        admin.EndSessions(admin_pb2.EndSessionsRequest(user_id=odd, reason="x"), metadata=root.metadata),
    ):
        assert (await refused(call)).code is Code.NOT_FOUND
    for call in (
        admin.ListUsers(admin_pb2.ListUsersRequest(query=odd), metadata=root.metadata),
        admin.ListAuditEntries(admin_pb2.ListAuditEntriesRequest(action=odd), metadata=root.metadata),
        admin.ListAuditEntries(admin_pb2.ListAuditEntriesRequest(user_id=odd), metadata=root.metadata),
    ):
        if "\x00" in odd:
            assert (await refused(call)).code is Code.INVALID_ARGUMENT
        else:
            answer = await call
            assert not getattr(answer, "users", None) and not getattr(answer, "entries", None)


async def test_an_ended_session_of_an_administrator_opens_nothing(
    identity: Running, admin: Any, people: Any, root: Any, clock: Any
) -> None:
    app: Any = identity.app
    await app.database.write(lambda tx: sessions.revoke(tx, root.session_id, clock()))
    for call in (
        admin.ListUsers(admin_pb2.ListUsersRequest(), metadata=root.metadata),
        admin.GetUser(admin_pb2.GetUserRequest(user_id=root.user_id), metadata=root.metadata),
        admin.SetRoles(admin_pb2.SetRolesRequest(user_id=root.user_id, roles=["user"]), metadata=root.metadata),
        admin.ListAuditEntries(admin_pb2.ListAuditEntriesRequest(), metadata=root.metadata),
    ):
        failure = await refused(call)
        assert (failure.code, failure.reason) == (Code.UNAUTHENTICATED, Reason.TOKEN_REVOKED)


async def test_whom_the_settings_name_is_an_administrator_once_verified(
    identity: Running, admin: Any, people: Any, settings: IdentitySettings, clock: Any
) -> None:
    import jwt

    from cinemesh.keys import new_ed25519_jwk, public_part

    app: Any = identity.app
    key = new_ed25519_jwk("test-signing")
    first_key = SigningKey("test-signing", public_part(key), jwt.PyJWK(key), dt.datetime(2020, 1, 1, tzinfo=dt.UTC))
    app.keys.replace([first_key])

    def sign_in(account: Any) -> Any:
        return app.database.write(lambda tx: app.issuer.sign_in(tx, account, "password", Visit(), "totp"))

    named = await people.join("Chosen", email="ROOT@example.org", email_verified=False)
    stranger = await people.join("root", email="somebody@example.org")  # a user name proves nothing of an address
    assert not (await app.database.write(app.appointments.appoint_all))
    await app.database.write(lambda tx: accounts.update(tx, named.user_id, email_verified=True))
    signed_in = await sign_in(await people.account(named))
    claims = jwt.decode(signed_in.access_token, options={"verify_signature": False})
    assert claims["roles"] == ["user", "admin"]
    assert (await people.account(named)).roles == ("user", "admin")
    await sign_in(await people.account(stranger))
    assert (await people.account(stranger)).roles == ("user",)
    (event,) = [one for one in await events(identity) if isinstance(one, events_pb2.RolesChanged)]
    assert event.user_id == named.user_id
    assert ("roles_changed", "ROOT@example.org") in await letters(identity)
    # somebody else may administer too, and still not take away what the settings give
    other = await people.join("Other", "admin")
    request = admin_pb2.SetRolesRequest(user_id=named.user_id, roles=["user"])
    failure = await refused(admin.SetRoles(request, metadata=other.metadata))
    assert failure.code is Code.FAILED_PRECONDITION and "CINE_IDENTITY_ADMINS" in failure.message


async def test_accounts_of_before_are_appointed_when_the_service_starts(
    tmp_path: Path, store_url: str, clock: Any
) -> None:
    from ulid import ULID

    from cine_identity.domain.account import Account

    common: dict[str, Any] = {"bcrypt_cost": 4, "database_url": store_url}
    account = Account(
        user_id=str(ULID()), username="Ada", email="ada@example.org", email_verified=True, password_hash=None,
        roles=("user",), display_name="Ada", locale="en", created_at=clock(),
    )  # fmt: skip
    async with running(IdentityApplication(settings_for(IdentitySettings, tmp_path, **common), clock=clock)) as server:
        app: Any = server.app
        await app.database.write(lambda tx: accounts.insert(tx, account))
    again = settings_for(IdentitySettings, tmp_path, admins=["ADA"], **common)
    async with running(IdentityApplication(again, clock=clock)) as server:
        app = server.app
        found = await app.database.read(lambda tx: accounts.by_id(tx, account.user_id))
        assert found.roles == ("user", "admin")


def test_names_in_the_setting_are_separated_by_commas(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CINE_IDENTITY_ADMINS", " ada@example.org, Grace ,,")
    assert IdentitySettings(_env_file=None).admins == ["ada@example.org", "Grace"]
