"""Rotation of signing keys: publish, wait, sign, retire.

Replicas share the keys through the store, and one of them makes the next. A key is published `key_publish_seconds` before it signs,
longer than verifiers keep what they read, so that none meets a token whose key it cannot know. Its predecessor stays published until
every token it signed has ended.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import itertools
import json
from typing import Final

import jwt

from cine_identity.domain.vault import SecretUnreadable, Vault
from cine_identity.keys.making import new_signing_key
from cine_identity.keys.ring import KeyRing, SigningKey
from cine_identity.settings import IdentitySettings
from cine_identity.store import Transaction, signing_keys
from cine_identity.store.signing_keys import StoredKey
from cinemesh import telemetry
from cinemesh.auth import MAX_TOKEN_SECONDS
from cinemesh.clock import Clock, utc_now
from cinemesh.db import Database
from cinemesh.keys import public_part

LOOK_SECONDS: Final = 5.0
"""How often the store is looked at for keys that another replica made."""
PURPOSE: Final = "signing-key"
_CLOCKS_DIFFER: Final = dt.timedelta(seconds=60)
# the longest any token may live, not what the settings say now: tokens may have been made under other settings
_OUTLIVES: Final = dt.timedelta(seconds=MAX_TOKEN_SECONDS) + _CLOCKS_DIFFER


class KeyRotation:
    """Keeps a key ring at what the store holds, and the store supplied with keys.

    Args:
        database: store of the keys.
        vault: seals the private halves.
        settings: how long a key signs and is published beforehand, and the algorithm.
        ring: what signs in this process.
        clock: tells the time.
        look_seconds: how often `run` looks at the store.
    """

    def __init__(
        self,
        database: Database,
        vault: Vault,
        settings: IdentitySettings,
        ring: KeyRing,
        clock: Clock = utc_now,
        *,
        look_seconds: float = LOOK_SECONDS,
    ) -> None:
        self._database = database
        self._vault = vault
        self._ring = ring
        self._clock = clock
        self._algorithm = settings.signing_algorithm
        self._every = dt.timedelta(days=settings.key_rotation_days)
        self._published_before = dt.timedelta(seconds=settings.key_publish_seconds)
        self._look_seconds = look_seconds
        self._opened: dict[str, tuple[str, SigningKey | None]] = {}
        self._signing = ""
        self._log = telemetry.logger("identity")

    async def begin(self) -> None:
        """Makes the first key, or takes over those there are; after a change of algorithm the next key is published now.

        Raises:
            CineError: the store does not answer.
        """
        await self._advance(starting=True)

    async def advance(self) -> None:
        """Makes the next key when its time has come, removes retired ones, and takes over what the store holds.

        Raises:
            CineError: the store does not answer; the keys held go on signing.
        """
        await self._advance(starting=False)

    async def run(self) -> None:
        """Advances for ever; a store that is away is waited out."""
        failing = False
        while True:
            await asyncio.sleep(self._look_seconds)
            try:
                await self.advance()
                failing = False
            except Exception as error:
                if not failing:
                    self._log.warning("signing keys cannot be looked at", error=f"{type(error).__name__}: {error}")
                failing = True

    async def probe(self) -> str:
        """Returns which key signs, and how many are published.

        Raises:
            Unavailable: none does.
        """
        current = self._ring.current()
        published = len(json.loads(self._ring.jwks())["keys"])
        return f"{current.key.algorithm_name} key {current.kid} signs, {published} published"

    async def _advance(self, *, starting: bool) -> None:
        stored = await self._database.read(signing_keys.all_keys)
        if self._lacks_a_key(stored, self._clock(), starting=starting) or self._over(stored, self._clock()):
            # serializable: of replicas that see the same need one fills it, the others then see that it is filled
            supplied = await self._database.write(lambda tx: self._supply(tx, starting=starting), serializable=True)
            self._tell({key.kid: key for key in stored}, {key.kid: key for key in supplied})
            stored = supplied
        self._ring.replace(self._readable(stored))
        current = self._ring.current().kid
        if current != self._signing:
            self._log.info("signing key in use", kid=current)
            self._signing = current

    def _tell(self, before: dict[str, StoredKey], after: dict[str, StoredKey]) -> None:
        for kid in after.keys() - before.keys():
            self._log.info("signing key published", kid=kid, sign_from=after[kid].sign_from.isoformat())
        for kid in before.keys() - after.keys():
            self._log.info("signing key removed", kid=kid)

    def _supply(self, tx: Transaction, *, starting: bool) -> list[StoredKey]:
        now, stored = self._clock(), signing_keys.all_keys(tx)
        over = self._over(stored, now)
        if over:
            signing_keys.delete(tx, over)
            stored = [key for key in stored if key.kid not in over]
        if self._lacks_a_key(stored, now, starting=starting):
            signs_now = any(key.sign_from <= now for key in self._readable(stored))
            # a key that nobody could wait for signs at once, also where a clock is behind this one
            sign_from = now + self._published_before if signs_now else now - _CLOCKS_DIFFER
            signing_keys.insert(tx, self._made(now, sign_from))
            mine = self._readable(signing_keys.all_keys(tx))
            for key, successor in itertools.pairwise(sorted(mine, key=lambda key: (key.sign_from, key.kid))):
                signing_keys.retire(tx, key.kid, successor.sign_from + _OUTLIVES)
        return signing_keys.all_keys(tx)

    def _lacks_a_key(self, stored: list[StoredKey], now: dt.datetime, *, starting: bool) -> bool:
        readable = {key.kid: key for key in self._readable(stored)}
        held = [key for key in stored if key.kid in readable]
        if not any(key.sign_from <= now for key in held):
            return True
        last = held[-1]
        if now - last.created_at >= self._every:
            return True
        # only at the start: replicas that disagree about the algorithm must not outdo each other for ever
        return starting and readable[last.kid].key.algorithm_name != self._algorithm

    def _over(self, stored: list[StoredKey], now: dt.datetime) -> set[str]:
        """Returns the ids of keys to delete: retired ones, and those that nobody could read for two rotations."""
        readable = {key.kid for key in self._readable(stored)}
        forgotten = now - 2 * self._every - _OUTLIVES
        return {
            key.kid
            for key in stored
            if (key.retire_at is not None and key.retire_at <= now)
            or (key.kid not in readable and key.created_at <= forgotten)
        }

    def _made(self, now: dt.datetime, sign_from: dt.datetime) -> StoredKey:
        jwk = new_signing_key(self._algorithm)
        kid = str(jwk["kid"])
        sealed = self._vault.seal(json.dumps(jwk).encode(), PURPOSE, kid)
        return StoredKey(kid, json.dumps(public_part(jwk)), sealed, now, sign_from)

    def _readable(self, stored: list[StoredKey]) -> list[SigningKey]:
        """Returns the keys that this master secret opens, in the same order."""
        keys = []
        for row in stored:
            kept = self._opened.get(row.kid)
            key = kept[1] if kept is not None and kept[0] == row.private_jwk else self._open(row)
            if key is not None:
                keys.append(SigningKey(key.kid, key.public, key.key, row.sign_from, row.retire_at))
        return keys

    def _open(self, row: StoredKey) -> SigningKey | None:
        key: SigningKey | None
        try:
            private = json.loads(self._vault.unseal(row.private_jwk, PURPOSE, row.kid))
            # the public half in the row is not believed: whoever can write rows could else sign for everybody
            key = SigningKey(row.kid, public_part(private), jwt.PyJWK(private), row.sign_from, row.retire_at)
        except SecretUnreadable:
            self._log.error("a signing key was sealed with another master secret and is passed over", kid=row.kid)
            key = None
        self._opened[row.kid] = (row.private_jwk, key)
        return key
