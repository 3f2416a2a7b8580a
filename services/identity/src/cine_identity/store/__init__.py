"""Identity's own tables; the only room with SQL. Functions take the caller's transaction, so that flows compose them."""

from sqlalchemy.orm import Session as Transaction

from cine_identity.store import accounts, audit, devices, letters, sessions, throttles, tickets

__all__ = ["Transaction", "accounts", "audit", "devices", "letters", "sessions", "throttles", "tickets"]
