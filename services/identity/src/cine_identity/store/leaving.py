"""What an export holds beside account, profile and preferences, and what a deletion must remove that no foreign key does."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from cine_identity.domain.account import Account, email_key
from cine_identity.store import accounts as account_rows
from cine_identity.store.schema import devices, identities, passkeys, recovery_codes, sessions, throttles, tickets, totp

# secrets and their digests are not among them
_EXPORTED: dict[str, tuple[sa.Column[Any], ...]] = {
    "sessions": (
        sessions.c.session_id,
        sessions.c.method,
        sessions.c.second_factor,
        sessions.c.device_name,
        sessions.c.ip_address,
        sessions.c.user_agent,
        sessions.c.created_at,
        sessions.c.last_used_at,
        sessions.c.expires_at,
        sessions.c.revoked_at,
    ),
    "identities": (
        identities.c.provider,
        identities.c.issuer,
        identities.c.subject,
        identities.c.label,
        identities.c.linked_at,
        identities.c.last_used_at,
    ),
    "passkeys": (
        passkeys.c.passkey_id,
        passkeys.c.name,
        passkeys.c.transports,
        passkeys.c.synced,
        passkeys.c.created_at,
        passkeys.c.last_used_at,
    ),
    "authenticator_apps": (totp.c.confirmed_at,),
    "recovery_codes": (recovery_codes.c.used_at,),
    "known_devices": (devices.c.last_seen_at,),
}


def belongings(tx: Session, user_id: str) -> dict[str, list[dict[str, Any]]]:
    """Returns the rows of an account by what they are, without a secret; values as the database gives them."""
    return {
        name: [
            dict(row) for row in tx.execute(sa.select(*columns).where(columns[0].table.c.user_id == user_id)).mappings()
        ]
        for name, columns in _EXPORTED.items()
    }


def delete_account(tx: Session, account: Account) -> None:
    """Deletes an account with everything of it; only the audit log still speaks of its id.

    Most goes by foreign keys. Tickets bound to its address may have been issued before anybody was known.
    """
    tx.execute(sa.delete(tickets).where(tickets.c.subject.in_([email_key(account.email), account.user_id])))
    tx.execute(sa.delete(throttles).where(throttles.c.key.contains(account.user_id)))
    account_rows.delete(tx, account.user_id)
