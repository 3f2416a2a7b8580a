"""Refresh tokens: opaque to everyone else, derived from their session so that a successor can be given twice without keeping it.

`session.generation.mac`: the mac needs the vault's secret and the session's nonce, so a copy of either alone makes no token.
"""

from __future__ import annotations

import hmac
import re
from dataclasses import dataclass

from cine_identity.domain.session import Session
from cine_identity.domain.vault import Vault

_FORM = re.compile(r"([0-9A-HJKMNP-TV-Z]{26})\.(\d{1,9})\.([A-Za-z0-9_-]{43})\Z")
_PURPOSE = "refresh"


@dataclass(frozen=True, slots=True)
class Presented:
    """A refresh token as it was sent, not yet proven."""

    session_id: str
    generation: int
    mac: str


def parse(token: str) -> Presented | None:
    """Takes a token apart; None when it has not the form of one."""
    found = _FORM.match(token)
    return Presented(found[1], int(found[2]), found[3]) if found else None


def token_of(vault: Vault, session_id: str, generation: int, nonce: str) -> str:
    """Returns the token of a generation of a session."""
    return f"{session_id}.{generation}.{vault.derive(_PURPOSE, session_id, str(generation), nonce)}"


def digest_of(vault: Vault, token: str) -> str:
    """Returns what the store keeps of the current token."""
    return vault.digest(token, _PURPOSE)


def genuine(vault: Vault, presented: Presented, session: Session) -> bool:
    """Returns whether this vault made the token for this session, whatever its generation. Compares in constant time."""
    expected = vault.derive(_PURPOSE, session.session_id, str(presented.generation), session.nonce)
    return presented.session_id == session.session_id and hmac.compare_digest(expected, presented.mac)
