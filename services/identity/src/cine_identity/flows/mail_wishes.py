"""Letters that anybody may ask for, by an address: a link for a new password, the verification once more.

Whether an address has an account must not show, in time either. So the call only keeps the wish, sealed, which is the same work for
every address; what it comes to is found out afterwards, at a moment that has nothing to do with the call. A wish outlives a restart.
"""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
import json
import random
from collections.abc import Callable, Mapping

from cine_identity.domain.vault import SecretUnreadable, Vault, new_token
from cine_identity.store import Transaction, tickets
from cinemesh import telemetry
from cinemesh.clock import Clock, utc_now
from cinemesh.db import Database, after_commit
from cinemesh.errors import CineError

WISH = "mail_wish"
Answer = Callable[[Transaction, str, dt.datetime], None]
"""Writes the letter for an address, or not, in the transaction that uses the wish up."""
_LIFETIME = dt.timedelta(days=1)
_BATCH = 20
_POLL_SECONDS = 30.0
_DELAY_SECONDS = (0.2, 0.8)
_log = telemetry.logger("identity")


class MailWishes:
    """Keeps wishes, and answers them in the background.

    Args:
        database: the store.
        vault: seals addresses.
        clock: tells the time.
    """

    def __init__(self, database: Database, vault: Vault, clock: Clock = utc_now) -> None:
        self._database = database
        self._vault = vault
        self._clock = clock
        self._answers: Mapping[str, Answer] = {}
        self._arrived = asyncio.Event()

    def answer_with(self, answers: Mapping[str, Answer]) -> None:
        """Takes what answers each kind of wish."""
        self._answers = answers

    async def keep(self, kind: str, email: str) -> None:
        """Keeps a wish. Nothing about it depends on the address."""
        digest = self._vault.digest(new_token(), WISH)
        # padded: the length of what is stored is no hint at all
        plain = json.dumps({"kind": kind, "email": email}).ljust(400).encode()
        sealed = self._vault.seal(plain, WISH, digest)
        loop = asyncio.get_running_loop()

        def change(tx: Transaction) -> None:
            tickets.issue(
                tx, WISH, token_digest=digest, now=self._clock(), lifetime=_LIFETIME, data={"d": digest, "s": sealed}
            )
            after_commit(tx, self._tell(loop))

        await self._database.write(change)

    def _tell(self, loop: asyncio.AbstractEventLoop) -> Callable[[], None]:
        def tell() -> None:
            loop.call_soon_threadsafe(self._arrived.set)

        return tell

    async def run(self) -> None:
        """Answers wishes for ever."""
        while True:
            self._arrived.clear()
            more = False
            try:
                more = await self.answer_some() == _BATCH
            except CineError as error:
                _log.warning("wishes for letters wait", problem=error.message)
            if not more:
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._arrived.wait(), _POLL_SECONDS)
            await asyncio.sleep(random.uniform(*_DELAY_SECONDS))

    async def answer_some(self) -> int:
        """Answers the wishes that have waited longest. Returns how many it looked at."""

        def change(tx: Transaction) -> int:
            now = self._clock()
            found = tickets.waiting(tx, WISH, now, _BATCH)
            for ticket in found:
                if tickets.spend(tx, ticket.ticket_id, now):
                    self._answer(tx, ticket.data, now)
            return len(found)

        return await self._database.write(change)

    def _answer(self, tx: Transaction, data: dict[str, str], now: dt.datetime) -> None:
        try:
            wish = json.loads(self._vault.unseal(data["s"], WISH, data["d"]))
        except SecretUnreadable:
            _log.warning("a wish for a letter cannot be read: it was kept under another secret key")
            return
        self._answers[wish["kind"]](tx, wish["email"], now)
