"""The service's own tables; the only room with SQL. Functions take the caller's transaction, so that flows compose them."""

from sqlalchemy.orm import Session as Transaction

__all__ = ["Transaction"]
