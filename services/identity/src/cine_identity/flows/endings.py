"""How sessions end: in the store, in the feed that every service follows, and in the audit log."""

from __future__ import annotations

import datetime as dt

from google.protobuf.message import Message

from cine.identity.v1 import events_pb2
from cine_identity.domain.session import Session
from cine_identity.domain.validity import tokens_valid_from
from cine_identity.flows.stamps import stamp
from cine_identity.settings import IdentitySettings
from cine_identity.store import Transaction, accounts, sessions
from cinemesh.auth import LEEWAY_SECONDS
from cinemesh.outbox import Outbox

_AHEAD_SECONDS = 1  # a token may be issued as of the next whole second, see `domain.validity`


class Endings:
    """Ends sessions, always in the transaction of what ends them.

    Args:
        settings: life of an access token.
        outbox: tells every other service.
    """

    def __init__(self, settings: IdentitySettings, outbox: Outbox) -> None:
        self._outbox = outbox
        self._idle = settings.idle
        self._tokens_last = dt.timedelta(seconds=settings.access_seconds + LEEWAY_SECONDS + _AHEAD_SECONDS)

    def one(self, tx: Transaction, session: Session, now: dt.datetime) -> bool:
        """Ends a session. Returns whether it lived."""
        if not sessions.revoke(tx, session.session_id, now):
            return False
        event = events_pb2.SessionRevoked(
            user_id=session.user_id, session_id=session.session_id, tokens_expire_at=stamp(now + self._tokens_last)
        )
        self._tell(tx, session.user_id, event, now)
        return True

    def all(self, tx: Transaction, user_id: str, now: dt.datetime, *, keep: str = "") -> int:
        """Ends every session of an account but `keep`. Returns how many lived.

        Tokens made before the next whole second are refused everywhere from now on, those of the kept session excepted; tokens made
        after this carry that second as their time, so a sign-in right afterwards works.
        """
        ended = sum(session.session_id != keep for session in sessions.live(tx, user_id, now, self._idle))
        sessions.revoke_all(tx, user_id, now, keep=keep)
        valid_from = tokens_valid_from(now)
        accounts.update(tx, user_id, tokens_valid_from=valid_from)
        event = events_pb2.SessionsRevoked(user_id=user_id, tokens_valid_from=stamp(valid_from), kept_session_id=keep)
        self._tell(tx, user_id, event, now)
        return ended

    def _tell(self, tx: Transaction, user_id: str, event: Message, now: dt.datetime) -> None:
        self._outbox.append(tx, subject=f"users/{user_id}", data=event, time=now)
