"""Keys are rotated while tokens are signed and verified all the time: none is refused."""

from __future__ import annotations

import asyncio
import datetime as dt
import random
import time
from collections import deque
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import jwt
import pytest

from cine_identity.domain.vault import Vault
from cine_identity.keys import KeyRing
from cine_identity.keys.rotation import LOOK_SECONDS, KeyRotation
from cine_identity.settings import IdentitySettings
from cinemesh.auth import TokenVerifier
from cinemesh.db import Database, migrate
from cinemesh.errors import CineError
from cinemesh.jwks import KeySource

ROTATION_SECONDS = 1500.0
ROTATIONS = 5
TOKEN_SECONDS = 600.0


class Rehearsal:
    """Two replicas that sign, six services that verify with what they last read, and a clock that leaps."""

    def __init__(self, database: Database, clock: Any, patch: pytest.MonkeyPatch, **settings: Any) -> None:
        self.clock, self.patch = clock, patch
        self.settings = IdentitySettings.only(key_rotation_days=ROTATION_SECONDS / 86400, **settings)
        self.rings = [KeyRing(clock) for _ in range(2)]
        self.rotations = [KeyRotation(database, Vault(b"s" * 32), self.settings, ring, clock) for ring in self.rings]
        self.chance = random.Random(4)
        self.verifiers = [self.verifier() for _ in range(6)]
        self.alive: deque[tuple[float, str]] = deque()
        self.kids: list[str] = []
        self.verified = 0
        self.refused: list[str] = []
        # verifiers go by the same clock: how long they keep keys is what rotation has to wait for
        patch.setattr("cinemesh.jwks.time", SimpleNamespace(monotonic=self.now))

    def now(self) -> float:
        return self.clock.ahead.total_seconds()

    def verifier(self) -> TokenVerifier:
        async def read() -> bytes:
            return self.chance.choice(self.rings).jwks()

        source = KeySource("identity", read, people_only=True)
        return TokenVerifier([source], self.settings.issuer, self.settings.audience)

    def sign(self) -> None:
        issued = int(time.time())  # of real time, which the verifier compares with; its age here is kept beside it
        claims = {"iss": self.settings.issuer, "aud": self.settings.audience, "sub": "01", "roles": ["user"]}
        token = self.chance.choice(self.rings).sign({**claims, "iat": issued, "exp": issued + 600})
        kid = jwt.get_unverified_header(token)["kid"]
        if kid not in self.kids:
            self.kids.append(kid)
        self.alive.append((self.now(), token))

    async def verify(self, verifier: TokenVerifier, token: str) -> None:
        try:
            if verifier.remembered(token) is None:
                await verifier.verify(token)
            self.verified += 1
        except CineError as error:
            self.refused.append(f"{self.now():.0f} s: {error.message}")

    async def run(self) -> None:
        await asyncio.gather(*(rotation.begin() for rotation in self.rotations))
        while self.now() < ROTATIONS * ROTATION_SECONDS:
            self.clock.forward(seconds=LOOK_SECONDS)
            self.sign()
            while self.now() - self.alive[0][0] >= TOKEN_SECONDS:
                self.alive.popleft()
            tokens = [self.alive[0][1], self.alive[-1][1], *(self.chance.choice(self.alive)[1] for _ in range(3))]
            verifying = [self.verify(self.chance.choice(self.verifiers), token) for token in tokens]
            turn = self.chance.choice(self.rotations)  # replicas look at the store at times of their own
            await asyncio.gather(turn.advance(), *verifying)
        for verifier in self.verifiers:
            await verifier.close()


@pytest.fixture
async def rehearse(sqlite_url: str, clock: Any, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    async def rehearse(**settings: Any) -> Rehearsal:
        await asyncio.to_thread(migrate, sqlite_url, "cine_identity")
        async with Database(sqlite_url) as database:
            rehearsal = Rehearsal(database, clock, monkeypatch, **settings)
            await rehearsal.run()
        return rehearsal

    return rehearse


async def test_no_token_is_refused_over_several_rotations(rehearse: Callable[..., Any]) -> None:
    rehearsal = await rehearse()
    assert rehearsal.refused == []
    assert len(rehearsal.kids) == ROTATIONS
    assert rehearsal.verified == ROTATIONS * ROTATION_SECONDS / LOOK_SECONDS * 5


async def test_the_rehearsal_notices_a_key_that_signs_too_early(rehearse: Callable[..., Any]) -> None:
    rehearsal = await rehearse(key_publish_seconds=0.0)
    assert rehearsal.refused != []


async def test_the_rehearsal_notices_a_key_that_retires_too_early(
    rehearse: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cine_identity.keys.rotation._OUTLIVES", dt.timedelta(seconds=200))
    rehearsal = await rehearse()
    assert rehearsal.refused != []
