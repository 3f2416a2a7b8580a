"""Sends what the post queued, in the background.

Of several replicas one claims a letter at a time, so none is sent twice while all goes well. It is removed once it was taken: a
process that dies in between leaves it to be claimed again, so it may then arrive twice (with the same `Message-ID`), and never not at
all.
"""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
from dataclasses import dataclass
from typing import Final

from prometheus_client import Counter, Gauge

from cine_identity.domain.vault import SecretUnreadable
from cine_identity.mail.post import Letter, Post
from cine_identity.mail.smtp import LETTER_SECONDS
from cine_identity.mail.transports import Transport, Undelivered, file_name
from cine_identity.mail.writing import Unwritable, Writer
from cine_identity.store import letters
from cine_identity.store.letters import QueuedLetter
from cinemesh import telemetry
from cinemesh.clock import Clock, utc_now
from cinemesh.db import Database

LETTERS: Final = Counter(
    "cine_identity_letters",
    "Letters by template and what became of them: sent, postponed, dropped.",
    ["template", "outcome"],
    registry=telemetry.REGISTRY,
)
WAITING: Final = Gauge("cine_identity_letters_waiting", "Letters in the queue.", registry=telemetry.REGISTRY)

_CLAIM: Final = dt.timedelta(seconds=2 * LETTER_SECONDS)
_UNREADABLE: Final = "unreadable"


@dataclass(frozen=True, slots=True)
class Patience:
    """When to try again.

    Attributes:
        first: wait after the first failure of a letter; each further one is three times as long.
        longest: no wait is longer.
        gives_up: age from which a letter that fails again is dropped.
        look: seconds after which the queue is looked at without being called, for letters of a replica that died.
        server: seconds to leave a server alone that takes nothing from anybody; doubled each time, at most `look`.
    """

    first: dt.timedelta = dt.timedelta(seconds=5)
    longest: dt.timedelta = dt.timedelta(minutes=15)
    gives_up: dt.timedelta = dt.timedelta(days=1)
    look: float = 15.0
    server: float = 1.0

    def wait(self, attempts: int) -> dt.timedelta:
        """Returns how long a letter waits that failed so often."""
        return min(self.first * int(3 ** min(attempts - 1, 12)), self.longest)


class Sender:
    """Takes letters from the queue and hands them to a transport.

    Args:
        database: store of the queue.
        post: opens letters, and says when one arrived.
        writer: makes messages of them.
        transport: takes messages.
        clock: tells the time.
        patience: when to try again.
    """

    def __init__(
        self,
        database: Database,
        post: Post,
        writer: Writer,
        transport: Transport,
        clock: Clock = utc_now,
        patience: Patience | None = None,
    ) -> None:
        self._database = database
        self._post = post
        self._writer = writer
        self._transport = transport
        self._clock = clock
        self._patience = patience or Patience()
        self._task: asyncio.Task[None] | None = None
        self._closing = asyncio.Event()
        self._pause = 0.0
        self._taken: set[str] = set()  # handed over, and not yet removed from the queue
        self._log = telemetry.logger("identity")

    def start(self) -> None:
        """Begins to send."""
        self._post.listen()
        self._task = asyncio.create_task(self._run(), name="mail")

    async def close(self, grace_seconds: float = 5.0) -> None:
        """Finishes the letter in hand, if that is quick, and stops. What is left waits in the store."""
        self._closing.set()
        self._post.arrived.set()
        if self._task is not None:
            await asyncio.wait({self._task}, timeout=grace_seconds)
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            self._task = None
        await self._transport.rest()

    async def probe(self) -> str:
        """Returns the state of the transport and how many letters wait.

        Raises:
            CineError: letters do not leave at present.
        """
        state = await self._transport.probe()
        waiting, _ = await self._database.read(letters.outlook)
        return f"{state}; {waiting} waiting"

    async def _run(self) -> None:
        failing = False
        while not self._closing.is_set():
            self._post.arrived.clear()
            wait = self._patience.look
            try:
                wait = await self._drain()
                failing = False
            except Exception as error:
                if not failing:
                    self._log.warning("the mail queue cannot be worked off", error=f"{type(error).__name__}: {error}")
                failing = True
            # while the server takes nothing, a new letter is no reason to ask it again
            reason = self._closing if self._pause else self._post.arrived
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._pause or wait):
                    await reason.wait()

    async def _drain(self) -> float:
        """Sends what is due, and returns the seconds until something else will be."""
        while not self._closing.is_set():
            waiting, next_at = await self._database.read(letters.outlook)
            WAITING.set(waiting)
            now = self._clock()
            if next_at is None or next_at > now:
                self._pause = 0.0
                await self._transport.rest()
                return min((next_at - now).total_seconds() if next_at else self._patience.look, self._patience.look)
            for queued in await self._database.write(lambda tx: letters.due(tx, self._clock(), 1, _CLAIM)):
                await self._work_off(queued)
            if self._pause:
                break
        return 0.0

    async def _work_off(self, queued: QueuedLetter) -> None:
        letter: Letter | None = None
        try:
            if queued.letter_id not in self._taken:
                letter = self._opened(queued)
                await self._hand_over(queued, letter)
            await self._database.write(lambda tx: letters.remove(tx, queued.letter_id))
            self._taken.discard(queued.letter_id)
        except Undelivered as fault:
            if not fault.alone:
                self._pause = min(2 * self._pause or self._patience.server, self._patience.look)
            await self._put_off(queued, letter.template if letter else _UNREADABLE, fault)

    def _opened(self, queued: QueuedLetter) -> Letter:
        try:
            return self._post.open(queued)
        except SecretUnreadable:
            # not for good: a secret that was set by mistake may be put right within the day
            raise Undelivered("it was sealed with another master secret", alone=True) from None

    async def _hand_over(self, queued: QueuedLetter, letter: Letter) -> None:
        try:
            message = self._writer.write(letter, queued.letter_id, queued.created_at)
        except Unwritable as fault:
            raise Undelivered(str(fault), for_good=True, alone=True) from None
        except Exception as error:  # its text may hold what the letter says
            raise Undelivered(f"it cannot be written: {type(error).__name__}", alone=True) from None
        name = file_name(letter.template, queued.letter_id, queued.created_at)
        await self._transport.deliver(message, self._writer.envelope_sender, name)
        self._taken.add(queued.letter_id)
        self._pause = 0.0
        LETTERS.labels(letter.template, "sent").inc()
        facts = {"template": letter.template, "letter_id": queued.letter_id, "attempts": queued.attempts}
        self._log.info("letter sent", **facts)

    async def _put_off(self, queued: QueuedLetter, template: str, fault: Undelivered) -> None:
        now = self._clock()
        facts = {"template": template, "letter_id": queued.letter_id, "attempts": queued.attempts}
        if fault.for_good or now - queued.created_at >= self._patience.gives_up:
            await self._database.write(lambda tx: letters.remove(tx, queued.letter_id))
            LETTERS.labels(template, "dropped").inc()
            self._log.error("letter dropped", reason=fault.reason, **facts)
            return
        until = now + self._patience.wait(queued.attempts)
        await self._database.write(lambda tx: letters.postpone(tx, queued.letter_id, until, fault.reason))
        LETTERS.labels(template, "postponed").inc()
        self._log.warning("letter postponed", reason=fault.reason, until=until.isoformat(timespec="seconds"), **facts)
