"""Signing keys: made once, published before they sign, retired after their last token; on both databases."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import jwt
import pytest

from cine_identity.domain.vault import Vault
from cine_identity.keys import KeyRing
from cine_identity.keys.making import KID_PREFIX, new_signing_key
from cine_identity.keys.rotation import KeyRotation
from cine_identity.settings import IdentitySettings
from cine_identity.store import signing_keys
from cinemesh.db import Database, migrate
from cinemesh.errors import Unavailable
from cinemesh.keys import MESH_KID_PREFIX
from cinemesh.testing import Running

SECRET = b"s" * 32
DAY = 86400.0


@pytest.fixture
async def database(store_url: str) -> AsyncIterator[Database]:
    await asyncio.to_thread(migrate, store_url, "cine_identity")
    async with Database(store_url, pool=8) as opened:
        yield opened


class Replica:
    """A process of Identity as far as its keys go."""

    def __init__(self, database: Database, clock: Any, *, secret: bytes = SECRET, **settings: Any) -> None:
        self.ring = KeyRing(clock)
        self.rotation = KeyRotation(
            database, Vault(secret), IdentitySettings.only(**settings), self.ring, clock, look_seconds=0.02
        )

    @property
    def published(self) -> list[str]:
        return [jwk["kid"] for jwk in json.loads(self.ring.jwks())["keys"]]

    @property
    def signing(self) -> str:
        return str(jwt.get_unverified_header(self.ring.sign({}))["kid"])


@pytest.mark.parametrize("algorithm", ["EdDSA", "ES256"])
async def test_the_first_key_signs_at_once(database: Database, clock: Any, algorithm: str) -> None:
    replica = Replica(database, clock, signing_algorithm=algorithm)
    with pytest.raises(Unavailable):
        await replica.rotation.probe()
    await replica.rotation.begin()

    token = replica.ring.sign({"sub": "someone"})
    (jwk,) = json.loads(replica.ring.jwks())["keys"]
    assert jwt.get_unverified_header(token) == {"alg": algorithm, "typ": "at+jwt", "kid": jwk["kid"]}
    assert jwt.decode(token, jwt.PyJWK(jwk).key, algorithms=[algorithm]) == {"sub": "someone"}
    assert jwk["kid"].startswith(KID_PREFIX) and not KID_PREFIX.startswith(MESH_KID_PREFIX)
    assert "d" not in jwk and jwk["use"] == "sig" and jwk["alg"] == algorithm
    assert await replica.rotation.probe() == f"{algorithm} key {jwk['kid']} signs, 1 published"


async def test_the_private_half_lies_sealed(database: Database, clock: Any) -> None:
    replica = Replica(database, clock)
    await replica.rotation.begin()
    private = replica.ring.current().key.key.private_bytes_raw()
    (row,) = await database.read(signing_keys.all_keys)
    kept = repr([row.kid, row.public_jwk, row.private_jwk])
    assert jwt.utils.base64url_encode(private).decode() not in kept and '"d"' not in kept
    assert "private_jwk" not in repr(row)


async def test_publish_wait_sign_retire(database: Database, clock: Any) -> None:
    replica = Replica(database, clock, key_rotation_days=1.0)
    await replica.rotation.begin()
    first = replica.signing

    clock.forward(seconds=DAY - 5)
    await replica.rotation.advance()
    assert replica.published == [first]

    clock.forward(seconds=10)
    await replica.rotation.advance()
    _, second = replica.published
    assert replica.signing == first  # published, and waits

    clock.forward(seconds=325)
    await replica.rotation.advance()
    assert replica.signing == first
    clock.forward(seconds=10)
    assert replica.signing == second  # by the clock alone: nobody has to look for it
    assert replica.published == [first, second]

    clock.forward(seconds=640)  # tokens of the first live 600 s, and clocks differ
    await replica.rotation.advance()
    assert replica.published == [first, second]
    clock.forward(seconds=20)
    assert replica.published == [second]
    await replica.rotation.advance()
    assert [row.kid for row in await database.read(signing_keys.all_keys)] == [second]


async def test_replicas_make_one_key_between_them(store_url: str, database: Database, clock: Any) -> None:
    several = database.dialect == "postgresql"
    stores = [Database(store_url, pool=2) for _ in range(4)] if several else [database] * 4
    replicas = [Replica(store, clock, key_rotation_days=1.0) for store in stores]
    try:
        await asyncio.gather(*(replica.rotation.begin() for replica in replicas))
        assert len(await database.read(signing_keys.all_keys)) == 1
        assert len({replica.signing for replica in replicas}) == 1
        clock.forward(days=1, seconds=1)
        await asyncio.gather(*(replica.rotation.advance() for replica in replicas))
        assert len(await database.read(signing_keys.all_keys)) == 2
        await asyncio.gather(*(replica.rotation.advance() for replica in replicas))
        assert {tuple(replica.published) for replica in replicas} == {tuple(replicas[0].published)}
        assert len(replicas[0].published) == 2
    finally:
        for store in stores if several else []:
            await store.close()


async def test_a_replica_hears_of_another_ones_key_by_itself(database: Database, clock: Any) -> None:
    one, other = (Replica(database, clock, key_rotation_days=1.0) for _ in range(2))
    await one.rotation.begin()
    await other.rotation.begin()
    following = asyncio.create_task(other.rotation.run())
    try:
        clock.forward(days=1, seconds=1)
        async with asyncio.timeout(5):
            while len(other.published) < 2:  # noqa: ASYNC110 - the ring tells nobody of a change
                await asyncio.sleep(0.01)
        await one.rotation.advance()
        assert one.published == other.published
    finally:
        following.cancel()
        await asyncio.gather(following, return_exceptions=True)


async def test_another_master_secret_makes_a_key_of_its_own(
    database: Database, clock: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    before = Replica(database, clock)
    await before.rotation.begin()
    old = before.signing

    after = Replica(database, clock, secret=b"t" * 32)
    await after.rotation.begin()
    await after.rotation.advance()
    assert after.published == [after.signing] and after.signing != old
    assert capsys.readouterr().out.count("sealed with another master secret") == 1

    # a secret set by mistake costs no key: the one before is still there for its own
    back = Replica(database, clock)
    await back.rotation.begin()
    assert back.published == [old]


async def test_keys_that_nobody_can_read_go_after_two_rotations(database: Database, clock: Any) -> None:
    lost = Replica(database, clock, secret=b"t" * 32)
    await lost.rotation.begin()
    replica = Replica(database, clock, key_rotation_days=1.0)
    await replica.rotation.begin()
    clock.forward(days=1.9)
    await replica.rotation.advance()
    assert len(await database.read(signing_keys.all_keys)) == 3
    clock.forward(days=0.2)
    await replica.rotation.advance()
    rows = await database.read(signing_keys.all_keys)
    assert {row.kid for row in rows} == set(replica.published) - {lost.signing}


async def test_a_public_half_put_into_the_store_is_not_believed(database: Database, clock: Any) -> None:
    replica = Replica(database, clock)
    await replica.rotation.begin()
    (row,) = await database.read(signing_keys.all_keys)
    foreign = new_signing_key("EdDSA")
    planted = signing_keys.StoredKey(
        foreign["kid"], json.dumps(foreign), row.private_jwk, row.created_at, row.sign_from, None
    )
    await database.write(lambda tx: signing_keys.insert(tx, planted))
    await replica.rotation.advance()
    assert replica.published == [row.kid] and replica.signing == row.kid


async def test_another_algorithm_is_taken_up_at_the_next_start(database: Database, clock: Any) -> None:
    old, new = Replica(database, clock), Replica(database, clock, signing_algorithm="ES256")
    await old.rotation.begin()
    first = old.signing
    await new.rotation.begin()
    assert new.signing == first and len(new.published) == 2
    for _ in range(3):  # replicas that disagree do not outdo each other
        await old.rotation.advance()
        await new.rotation.advance()
    assert len(new.published) == 2
    clock.forward(seconds=331)
    assert new.ring.current().key.algorithm_name == "ES256"


async def test_keys_go_on_signing_while_the_store_is_away(
    database: Database, clock: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    replica = Replica(database, clock)
    await replica.rotation.begin()
    await database.close()
    following = asyncio.create_task(replica.rotation.run())
    await asyncio.sleep(0.15)
    assert not following.done() and replica.signing
    following.cancel()
    await asyncio.gather(following, return_exceptions=True)
    assert capsys.readouterr().out.count("signing keys cannot be looked at") == 1


async def test_a_server_has_a_key_when_it_serves(identity: Running) -> None:
    app: Any = identity.app
    (jwk,) = json.loads(await app.own_keys())["keys"]
    probe = (await app.probes())["signing_key"]
    assert probe.required and jwk["kid"] in await probe.check()
