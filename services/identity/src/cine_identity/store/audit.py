"""The audit log: what was done to accounts, by whom; rows are added and never changed."""

from __future__ import annotations

import datetime as dt

import sqlalchemy as sa
from sqlalchemy.orm import Session
from ulid import ULID

from cine_identity.domain.session import Visit
from cine_identity.store.schema import accounts, audit


def record(
    tx: Session,
    *,
    action: str,
    now: dt.datetime,
    user_id: str = "",
    actor_id: str = "",
    outcome: str = "ok",
    detail: str = "",
    visit: Visit | None = None,
) -> None:
    """Adds an entry to the caller's transaction: the act and its entry are kept together, or neither.

    Args:
        tx: transaction of the act.
        action: what was done, such as `roles.set`, `login.failed`; dotted, lower case.
        now: when.
        user_id: account acted upon; empty for none.
        actor_id: account that acted; empty for the system itself.
        outcome: `ok` or why it was refused, at most 60 characters.
        detail: what changed, in words and without secrets.
        visit: where the call came from.
    """
    name = ""
    if actor_id:
        name = (
            tx.execute(sa.select(accounts.c.username).where(accounts.c.user_id == actor_id)).scalar_one_or_none() or ""
        )
    row = {
        "audit_id": str(ULID()),
        "at": now,
        "actor_id": actor_id,
        "actor_username": name,
        "action": action,
        "user_id": user_id,
        "outcome": outcome[:60],
        "detail": detail[:1000],
        "ip_address": visit.ip_address if visit else "",
        "call_id": visit.call_id if visit else "",
    }
    tx.execute(sa.insert(audit), row)


def forget_names(tx: Session, user_id: str) -> None:
    """Takes name, address and place of a deleted account off the entries that speak of it; what was done stays.

    What it did to others keeps its detail: nobody covers their tracks by leaving.
    """
    about, by = audit.c.user_id == user_id, audit.c.actor_id == user_id
    tx.execute(sa.update(audit).where(sa.or_(by, about)).values(ip_address=""))
    tx.execute(sa.update(audit).where(about).values(detail=""))
    tx.execute(sa.update(audit).where(by).values(actor_username=""))
