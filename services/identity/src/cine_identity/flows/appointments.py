"""Administrators by appointment: how the first one comes to be."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from cine.identity.v1 import events_pb2
from cine_identity.domain.account import ADMIN, Account, email_key, ordered_roles, username_key
from cine_identity.domain.session import Visit
from cine_identity.domain.validity import tokens_valid_from
from cine_identity.flows.stamps import stamp
from cine_identity.mail.post import Letter, Post
from cine_identity.store import Transaction, accounts, administration, audit
from cinemesh.clock import Clock, utc_now
from cinemesh.outbox import Outbox


class Appointments:
    """Gives the role `admin` to the accounts that the settings name, once their address is verified.

    Args:
        names: user names or addresses, in any case.
        outbox: tells other services.
        post: tells the person.
        clock: tells the time.
    """

    def __init__(self, names: Sequence[str], outbox: Outbox, post: Post, clock: Clock = utc_now) -> None:
        self._names = [name.strip() for name in names if name.strip() and "\x00" not in name]
        self._usernames = frozenset(username_key(name) for name in self._names)
        self._addresses = frozenset(email_key(name) for name in self._names)
        self._outbox = outbox
        self._post = post
        self._clock = clock

    def names(self, account: Account) -> bool:
        """Returns whether the settings name an account."""
        return username_key(account.username) in self._usernames or email_key(account.email) in self._addresses

    def wants(self, username: str) -> bool:
        """Returns whether the settings name a user name, which nobody then may be given unasked."""
        return username_key(username) in self._usernames

    def appoint(self, tx: Transaction, account: Account, visit: Visit | None = None) -> Account:
        """Gives an account the role if it is due, and returns it as it is then. Call it wherever an address is proven or used.

        A name alone is not enough: until the address is verified anybody may have taken it.
        """
        if not self._due(account):
            return account
        current = accounts.by_id(tx, account.user_id, lock=True)
        if current is None or not self._due(current):
            return current or account
        now = self._clock()
        roles, valid_from = ordered_roles({*current.roles, ADMIN}), tokens_valid_from(now)
        accounts.update(tx, current.user_id, roles=roles, tokens_valid_from=valid_from)
        audit.record(
            tx, action="roles.set", now=now, user_id=current.user_id, visit=visit, detail="admin, named by the settings"
        )
        event = events_pb2.RolesChanged(user_id=current.user_id, roles=roles, tokens_valid_from=stamp(valid_from))
        self._outbox.append(tx, subject=f"users/{current.user_id}", data=event, time=now)
        facts = {"username": current.username, "roles": list(roles)}
        self._post.queue(tx, Letter("roles_changed", current.email, current.locale, facts))
        return dataclasses.replace(current, roles=roles, tokens_valid_from=valid_from, version=current.version + 1)

    def appoint_all(self, tx: Transaction) -> int:
        """Appoints every account that is due. Returns how many were."""
        due = [account for account in administration.named(tx, self._names) if self._due(account)]
        for account in due:
            self.appoint(tx, account)
        return len(due)

    def _due(self, account: Account) -> bool:
        return account.email_verified and not account.disabled and ADMIN not in account.roles and self.names(account)
