"""Export and deletion over the real server, on both databases."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import Any

import grpc
import pyotp
import pytest
import sqlalchemy as sa
from google.protobuf.any_pb2 import Any as Packed

from cine.identity.v1 import events_pb2, users_pb2, users_pb2_grpc
from cine_identity.domain.account import Account
from cine_identity.domain.session import Visit
from cine_identity.flows.leaving import AccountDeletion
from cine_identity.flows.owner_proof import OwnerProof
from cine_identity.flows.profiles import PublicProfiles
from cine_identity.flows.second_factor import SEALED_FOR
from cine_identity.settings import IdentitySettings
from cine_identity.store import accounts, audit, devices, tickets
from cine_identity.store import letters as queue
from cine_identity.store.schema import metadata
from cine_identity.store.schema import throttles as throttle_table
from cinemesh.context import Principal
from cinemesh.db import mesh_tables
from cinemesh.errors import Aborted, CineError, Code, Reason, ResourceExhausted, Unauthenticated
from cinemesh.rpc_status import failure_of
from cinemesh.testing import Running, settings_for

PASSWORD = "a tale of two cinemas"
HASH = "$test$not-a-real-hash"
SECRETS = ("nonce-of-a-session", "digest-of-a-token", "sealed-totp", "digest-of-a-recovery-code", HASH)


@pytest.fixture
def settings(tmp_path: Path, store_url: str) -> IdentitySettings:
    return settings_for(IdentitySettings, tmp_path, bcrypt_cost=4, database_url=store_url)


@pytest.fixture
def users(identity: Running) -> Any:
    return identity.stub(users_pb2_grpc.UserServiceStub)


async def refused(call: Any) -> CineError:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call
    return failure_of(caught.value)


async def rows(identity: Running, table: sa.Table) -> list[Any]:
    app: Any = identity.app
    found: list[Any] = await app.database.read(lambda tx: list(tx.execute(table.select()).mappings()))
    return found


async def furnish(identity: Running, person: Any, now: dt.datetime) -> str:
    """Gives an account one row of everything an account can have; returns the secret of its authenticator app."""
    app: Any = identity.app
    secret = pyotp.random_base32()
    sealed = app.vault.seal(secret.encode(), SEALED_FOR, person.user_id)
    own = {"user_id": person.user_id}
    t = metadata.tables
    extra = [
        (t["identities"], {**own, "identity_id": person.user_id, "provider": "google", "issuer": "https://issuer.example",
                           "subject": person.user_id, "label": "ada@work.example", "linked_at": now, "last_used_at": None}),
        (t["totp"], {**own, "secret": sealed, "last_step": 0, "confirmed_at": now}),
        (t["recovery_codes"], {**own, "code_digest": "digest-of-a-recovery-code", "used_at": None}),
        (t["passkeys"], {**own, "passkey_id": person.user_id, "credential_id": person.user_id.encode(), "public_key": b"k",
                         "sign_count": 1, "transports": ["usb"], "synced": False, "name": "Key", "created_at": now,
                         "last_used_at": None}),
        (t["throttles"], {"key": f"account:{person.user_id}", "failures": 1, "last_failed_at": now, "blocked_until": now}),
    ]  # fmt: skip

    def write(tx: Any) -> None:
        for table, row in extra:
            tx.execute(table.insert(), row)
        devices.remember(tx, person.user_id, ["d" * 64], now)
        life = dt.timedelta(days=1)
        tickets.issue(tx, "reset_password", token_digest="own", now=now, lifetime=life, user_id=person.user_id)
        tickets.issue(tx, "verify_email", token_digest="by-address", now=now, lifetime=life, subject="ada@example.org")
        audit.record(tx, action="login", now=now, user_id=person.user_id, actor_id=person.user_id,
                     visit=Visit(ip_address="192.0.2.7"))  # fmt: skip

    await app.database.write(write)
    return secret


async def export(users: Any, person: Any) -> tuple[dict[str, Any], list[bytes]]:
    pieces = []
    async for answer in users.ExportAccount(users_pb2.ExportAccountRequest(), metadata=person.metadata):
        assert answer.file.content_type == "application/json"
        pieces.append(answer.file.data)
    return json.loads(b"".join(pieces)), pieces


async def test_the_export_holds_everything_and_no_secret(
    identity: Running, users: Any, people: Any, clock: Any
) -> None:
    ada = await people.join("Ada", password_hash=HASH)
    secret = await furnish(identity, ada, clock())
    await users.UpdateProfile(users_pb2.UpdateProfileRequest(bio="Così fan tutte"), metadata=ada.metadata)
    await users.UpdatePreferences(users_pb2.UpdatePreferencesRequest(preferred_genres=["noir"]), metadata=ada.metadata)
    document, pieces = await export(users, ada)
    assert document["account"]["email"] == "ada@example.org" and document["account"]["has_password"] is True
    assert document["profile"]["bio"] == "Così fan tutte"
    assert document["preferences"]["preferred_genres"] == ["Film-Noir"]
    for name in ("sessions", "identities", "passkeys", "authenticator_apps", "recovery_codes", "known_devices"):
        assert len(document[name]) == 1, name
    assert [entry["action"] for entry in document["audit_entries"]] == ["account.export", "login"]
    assert document["audit_entries"][1]["ip_address"] == "192.0.2.7"
    text = b"".join(pieces).decode()
    (session,) = await rows(identity, metadata.tables["sessions"])
    (totp,) = await rows(identity, metadata.tables["totp"])
    for forbidden in (*SECRETS, secret, totp["secret"], session["nonce"], session["refresh_digest"]):
        assert forbidden not in text


async def test_a_long_log_comes_in_pieces_and_tells_no_administrators_name(
    identity: Running, users: Any, people: Any, clock: Any
) -> None:
    ada, boss = await people.join("Ada"), await people.join("Boss", "admin")
    app: Any = identity.app

    def write(tx: Any) -> None:
        for number in range(1203):
            audit.record(tx, action="login", now=clock(), user_id=ada.user_id, actor_id=ada.user_id, detail=f"{number}")
        audit.record(tx, action="roles.set", now=clock(), user_id=ada.user_id, actor_id=boss.user_id,
                     visit=Visit(ip_address="198.51.100.9"))  # fmt: skip
        audit.record(tx, action="login", now=clock(), user_id=boss.user_id, actor_id=boss.user_id)

    await app.database.write(write)
    document, pieces = await export(users, ada)
    entries = document["audit_entries"]
    assert len(entries) == 1205 and {entry["detail"] for entry in entries} >= {str(n) for n in range(1203)}
    assert max(map(len, pieces)) <= 64 * 1024
    (by_boss,) = [entry for entry in entries if entry["action"] == "roles.set"]
    assert by_boss["by"] == "an administrator"
    text = b"".join(pieces).decode()
    assert "Boss" not in text and boss.user_id not in text and "198.51.100.9" not in text


async def test_deleting_leaves_nothing_but_a_nameless_log(
    identity: Running, users: Any, people: Any, clock: Any
) -> None:
    ada, bob = await people.join("Ada"), await people.join("Bob")
    secret = await furnish(identity, ada, clock())
    await users.UpdateProfile(users_pb2.UpdateProfileRequest(bio="x"), metadata=ada.metadata)
    await users.UpdatePreferences(users_pb2.UpdatePreferencesRequest(year_min=1), metadata=ada.metadata)
    assert await users.GetPublicProfile(users_pb2.GetPublicProfileRequest(username="ada"))
    every = {table.name for table in metadata.sorted_tables}
    filled = {name for name in every if await rows(identity, metadata.tables[name])}
    # a new table of accounts must be thought of here too
    assert every - filled == {"reserved_usernames", "signing_keys", "letters"} - filled

    code = pyotp.TOTP(secret).at(clock())
    answer = await users.DeleteAccount(
        users_pb2.DeleteAccountRequest(confirm_username="ADA", code=code), metadata=ada.metadata
    )
    assert answer.HasField("deleted_at")

    for table in metadata.sorted_tables:
        if table.name == "audit":
            continue
        left = [row for row in await rows(identity, table) if table.name not in ("letters", "signing_keys")]
        text = repr(left)
        assert ada.user_id not in text and "ada@example.org" not in text and "own" not in text, table.name
    log = await rows(identity, metadata.tables["audit"])
    assert {row["action"] for row in log} >= {"login", "account.delete"}
    assert not any(row["actor_username"] or row["ip_address"] or row["detail"] for row in log)
    assert await rows(identity, throttle_table) == []
    told = [Packed.FromString(row["data"]) for row in await rows(identity, mesh_tables.outbox)]
    gone = events_pb2.UserDeleted()
    assert told[-1].Unpack(gone) and gone.user_id == ada.user_id
    app: Any = identity.app
    far = clock() + dt.timedelta(days=1)
    waiting = await app.database.write(lambda tx: queue.due(tx, far, 10, dt.timedelta()))
    assert [(app.post.open(one).template, app.post.open(one).to) for one in waiting] == [
        ("account_deleted", "ada@example.org")
    ]
    failure = await refused(users.GetProfile(users_pb2.GetProfileRequest(), metadata=ada.metadata))
    assert (failure.code, failure.reason) == (Code.UNAUTHENTICATED, Reason.TOKEN_REVOKED)
    assert (await refused(users.GetPublicProfile(users_pb2.GetPublicProfileRequest(username="ada")))).code is (
        Code.NOT_FOUND
    )
    assert (await users.GetProfile(users_pb2.GetProfileRequest(), metadata=bob.metadata)).username == "Bob"


async def test_an_administrator_who_leaves_takes_no_tracks_along(
    identity: Running, users: Any, people: Any, clock: Any
) -> None:
    ada, bob = await people.join("Ada", "admin"), await people.join("Bob", "admin")
    app: Any = identity.app
    await app.database.write(
        lambda tx: audit.record(tx, action="roles.set", now=clock(), user_id=bob.user_id, actor_id=ada.user_id,
                                detail="user to user, admin", visit=Visit(ip_address="192.0.2.7"))
    )  # fmt: skip
    await users.DeleteAccount(users_pb2.DeleteAccountRequest(confirm_username="Ada"), metadata=ada.metadata)
    (entry,) = [row for row in await rows(identity, metadata.tables["audit"]) if row["action"] == "roles.set"]
    assert (entry["detail"], entry["actor_id"]) == ("user to user, admin", ada.user_id)
    assert (entry["actor_username"], entry["ip_address"]) == ("", "")


async def test_leaving_needs_the_name_and_proof(identity: Running, users: Any, people: Any, clock: Any) -> None:
    ada = await people.join("Ada")
    secret = await furnish(identity, ada, clock())

    def leave(name: str = "Ada", **proof: str) -> Any:
        request = users_pb2.DeleteAccountRequest(confirm_username=name, **proof)
        return users.DeleteAccount(request, metadata=ada.metadata)

    failure = await refused(leave("Bob"))
    assert (failure.code, failure.violations[0][0]) == (Code.INVALID_ARGUMENT, "confirm_username")
    good = pyotp.TOTP(secret).at(clock())
    wrong = f"{(int(good) + 1) % 1_000_000:06d}"
    for proof in ({}, {"code": wrong}):
        failure = await refused(leave(**proof))
        assert (failure.code, failure.reason) == (Code.UNAUTHENTICATED, Reason.SECOND_FACTOR_INVALID)
    # the wrong code was counted although nothing was deleted
    keys = {row["key"]: row["failures"] for row in await rows(identity, throttle_table)}
    assert keys[f"totp:{ada.user_id}"] == 1
    clock.forward(minutes=11)
    failure = await refused(leave(code=good))
    assert (failure.code, failure.reason) == (Code.FAILED_PRECONDITION, Reason.RECENT_SIGN_IN_REQUIRED)
    assert await people.account(ada) is not None
    outcomes = [row["outcome"] for row in await rows(identity, metadata.tables["audit"])]
    assert sorted(outcomes) == ["code missing", "ok", "wrong code"]


async def test_an_account_without_anything_but_a_session_can_leave(users: Any, people: Any) -> None:
    ada = await people.join("Ada")
    answer = await users.DeleteAccount(users_pb2.DeleteAccountRequest(confirm_username="Ada"), metadata=ada.metadata)
    assert answer.HasField("deleted_at")
    assert await people.account(ada) is None


async def test_a_password_is_asked_for_and_one_that_changed_meanwhile_proves_nothing(
    identity: Running, people: Any, clock: Any
) -> None:
    app: Any = identity.app
    ada = await people.join("Ada", password_hash=HASH)
    principal = Principal("user", ada.user_id, frozenset({"user"}), ada.session_id)
    meddle = False

    async def check(account: Account, password: str) -> bool:
        if meddle:
            await app.database.write(lambda tx: accounts.update(tx, account.user_id, password_hash="$test$another"))
        return account.password_hash == HASH and password == PASSWORD

    public = PublicProfiles(app.database, app.cache)
    proof = OwnerProof(app.database, app.callers, check, clock)
    parts = (app.database, app.callers, app.outbox, app.post, public, proof, app.second_factors, clock)
    deletion = AccountDeletion(*parts)

    async def leave(password: str) -> Any:
        await deletion.delete(principal, confirm_username="ada", password=password, code="", visit=Visit())

    clock.forward(hours=3)  # with a password no recent sign-in is needed
    for wrong in ("", "a tale of two cinemaS"):
        with pytest.raises(Unauthenticated) as refusal:
            await leave(wrong)
        assert refusal.value.reason is Reason.CREDENTIALS_INVALID
    log = await rows(identity, metadata.tables["audit"])
    assert [row["outcome"] for row in log] == ["wrong password"] * 2
    for _ in range(3):
        with pytest.raises(Unauthenticated):
            await leave("another guess")
    with pytest.raises(ResourceExhausted) as hasty:
        await leave(PASSWORD)  # from here on even the right one waits
    assert 0 < (hasty.value.retry_after or 0) <= 5
    clock.forward(seconds=6)
    meddle = True
    with pytest.raises(Aborted):
        await leave(PASSWORD)
    assert await people.account(ada) is not None
    meddle = False
    await app.database.write(lambda tx: accounts.update(tx, ada.user_id, password_hash=HASH))
    await leave(PASSWORD)
    assert await people.account(ada) is None


async def test_a_browser_is_rid_of_its_cookie(users: Any, people: Any) -> None:
    ada = await people.join("Ada")
    request = users_pb2.DeleteAccountRequest(confirm_username="Ada")
    call = users.DeleteAccount(request, metadata=(*ada.metadata, ("cookie", "__Host-cine_refresh=old")))
    await call
    (cookie,) = [value for key, value in await call.initial_metadata() if key == "set-cookie"]
    assert cookie.startswith("__Host-cine_refresh=; Path=/; Max-Age=0; Secure; HttpOnly")
