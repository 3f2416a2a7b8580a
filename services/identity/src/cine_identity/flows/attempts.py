"""Attempts with a name: sent again, they give the first answer again."""

from __future__ import annotations

import datetime as dt
import json

from cine_identity.domain.vault import Vault
from cine_identity.store import Transaction, tickets
from cinemesh.errors import InvalidArgument, Reason

_KIND = "attempt"
_KEPT_FOR = dt.timedelta(hours=24)


class Attempts:
    """Keeps what came of attempts for a day, in the transaction of the attempt itself.

    What was sent may hold a password, so neither it nor anything it could be guessed from is kept: its print is keyed.

    Args:
        vault: digests names and contents.
    """

    def __init__(self, vault: Vault) -> None:
        self._vault = vault

    def earlier(self, tx: Transaction, request_id: str, sent: tuple[str, ...], now: dt.datetime) -> str | None:
        """Returns what came of an attempt; None for a new one.

        Args:
            tx: the transaction of the attempt.
            request_id: its name; empty for none.
            sent: everything that was sent.
            now: the present moment.

        Raises:
            InvalidArgument: the name stands for something else that was sent.
        """
        found = tickets.find(tx, _KIND, self._digest(request_id), now) if request_id else None
        if found is None:
            return None
        if found.data["print"] != self._print(sent):
            problem = "was used with another body; choose a new one"
            raise InvalidArgument(
                f"request_id {problem}", reason=Reason.REQUEST_ID_REUSED, violations=[("request_id", problem)]
            )
        return str(found.data["result"])

    def keep(self, tx: Transaction, request_id: str, sent: tuple[str, ...], result: str, now: dt.datetime) -> None:
        """Keeps what came of an attempt. Of two at once the second breaks a constraint, and finds the first when tried again."""
        if request_id:
            tickets.issue(
                tx,
                _KIND,
                token_digest=self._digest(request_id),
                now=now,
                lifetime=_KEPT_FOR,
                data={"print": self._print(sent), "result": result},
            )

    def _digest(self, request_id: str) -> str:
        return self._vault.digest(request_id, _KIND)

    def _print(self, sent: tuple[str, ...]) -> str:
        return self._vault.digest(json.dumps(sent), "attempt-print")
