"""Accounts: who a person is to the mesh."""

from __future__ import annotations

import datetime as dt
import unicodedata
from dataclasses import dataclass
from enum import StrEnum

from cinemesh.etags import etag_of

USER, PREMIUM, ADMIN = "user", "premium", "admin"
ROLES = (USER, PREMIUM, ADMIN)


class State(StrEnum):
    """What an account may do: `unverified` until its address is proven, `disabled` while an administrator keeps it closed."""

    ACTIVE = "active"
    UNVERIFIED = "unverified"
    DISABLED = "disabled"


@dataclass(frozen=True, slots=True)
class Account:
    """One person's account.

    Attributes:
        user_id: ULID, the `sub` of tokens.
        username: as its owner writes it; unique whatever its case.
        email: as its owner writes it; unique by `email_key`.
        email_verified: whether its owner proved to read it.
        password_hash: tagged hash; None for an account that signs in by other means only.
        roles: in the order of `ROLES`; `user` is always among them.
        disabled_reason: why an administrator closed it; empty while it is open.
        disabled: whether it is closed.
        display_name: name shown to others.
        locale: BCP 47 language of its mails.
        created_at: when it was opened.
        password_changed_at: when the password was last set; None without one.
        last_login_at: when somebody last signed in; None before the first time.
        tokens_valid_from: tokens issued before this moment are refused; None when none were ever revoked wholesale.
        version: grows with every change; the `etag`.
    """

    user_id: str
    username: str
    email: str
    email_verified: bool
    password_hash: str | None
    roles: tuple[str, ...]
    display_name: str
    locale: str
    created_at: dt.datetime
    disabled: bool = False
    disabled_reason: str = ""
    password_changed_at: dt.datetime | None = None
    last_login_at: dt.datetime | None = None
    tokens_valid_from: dt.datetime | None = None
    version: int = 1

    @property
    def state(self) -> State:
        """What it may do now."""
        if self.disabled:
            return State.DISABLED
        return State.ACTIVE if self.email_verified else State.UNVERIFIED

    @property
    def may_sign_in(self) -> bool:
        """Whether a right password opens it."""
        return self.state is State.ACTIVE

    @property
    def etag(self) -> str:
        """Changes whenever the account does."""
        return etag_of(self.version, self.user_id)


def username_key(username: str) -> str:
    """Returns the form under which a user name is unique: names that differ in case alone are one name."""
    return unicodedata.normalize("NFKC", username).casefold()


def email_key(email: str) -> str:
    """Returns the form under which an address is unique.

    The whole address is folded: providers that tell `A@x` from `a@x` apart are all but gone, and two accounts that differ in case
    would be a trap for their owners. Nothing else (dots, `+tags`) is touched: that would merge addresses of different people.
    """
    return unicodedata.normalize("NFKC", email.strip()).casefold()


def ordered_roles(roles: set[str] | frozenset[str] | tuple[str, ...]) -> tuple[str, ...]:
    """Returns roles in the order of `ROLES`, with `user` among them."""
    held = {*roles, USER}
    return tuple(role for role in ROLES if role in held)
