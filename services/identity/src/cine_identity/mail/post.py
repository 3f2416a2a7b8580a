"""The post: letters are queued in the caller's transaction, sealed.

So none is lost, none is sent for what did not happen, and no answer waits for a mail server.
"""

from __future__ import annotations

import asyncio
import json
from dataclasses import asdict, dataclass, field
from typing import Any

from cine_identity.domain.vault import Vault
from cine_identity.mail.facts import require_facts
from cine_identity.store import Transaction, letters
from cinemesh.clock import Clock, utc_now

PURPOSE = "letter"


@dataclass(frozen=True, slots=True)
class Letter:
    """A letter to write.

    Attributes:
        template: name of the template, such as `verify_email`; `mail.facts.LETTERS` lists them and what each needs.
        to: address.
        locale: BCP 47 language wanted; English where there is none of it.
        facts: what the template shows; may hold tokens, so it is never logged.
    """

    template: str
    to: str
    locale: str = ""
    facts: dict[str, Any] = field(default_factory=dict, repr=False)


class Post:
    """Queues letters.

    Args:
        vault: seals what waits.
        clock: tells the time.
    """

    def __init__(self, vault: Vault, clock: Clock = utc_now) -> None:
        self._vault = vault
        self._clock = clock
        self._loop: asyncio.AbstractEventLoop | None = None
        self.arrived = asyncio.Event()

    def listen(self) -> None:
        """Lets this event loop hear of new letters at once, through `arrived`."""
        self._loop = asyncio.get_running_loop()

    def queue(self, tx: Transaction, letter: Letter) -> None:
        """Adds a letter to the caller's transaction.

        Raises:
            ValueError: there is no such letter, or a fact it needs is missing: a fault of the caller, found by its first test.
        """
        require_facts(letter.template, letter.facts)
        letter_id = letters.new_id()
        sealed = self._vault.seal(json.dumps(asdict(letter)).encode(), PURPOSE, letter_id)
        letters.insert(tx, letter_id, sealed, self._clock(), self._tell)

    def open(self, queued: letters.QueuedLetter) -> Letter:
        """Returns a queued letter.

        Raises:
            SecretUnreadable: it was sealed with another master secret.
        """
        return Letter(**json.loads(self._vault.unseal(queued.sealed, PURPOSE, queued.letter_id)))

    def _tell(self) -> None:
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self.arrived.set)
