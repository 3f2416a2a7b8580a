"""Opening accounts, and proving their addresses.

An address that has an account gets the same answer after the same work; its owner is told by letter. A user name that is taken is
told at once, for names are public; a name sent with a known address is reserved for as long as a new account would hold it, so that a
second try tells no more than the first.

Whoever registers an address that waits for verification brings a password of their own: it comes into force with *their* link alone.
So nobody opens an account for somebody else beforehand and later walks in with the password they left there.
"""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from ulid import ULID

from cine.identity.v1 import events_pb2
from cine_identity.domain.account import USER, Account, email_key
from cine_identity.domain.oauth import Identity
from cine_identity.domain.session import Visit
from cine_identity.domain.vault import Vault, new_code, new_token
from cine_identity.flows.appointments import Appointments
from cine_identity.flows.attempts import Attempts
from cine_identity.flows.hindrance import Hindrances
from cine_identity.flows.mail_limit import MailLimit
from cine_identity.flows.passwords import Passwords
from cine_identity.mail.post import Letter, Post
from cine_identity.store import Transaction, accounts, audit, identities, tickets
from cinemesh.clock import Clock, utc_now
from cinemesh.db import ConstraintViolated, Database
from cinemesh.errors import AlreadyExists, CineError, FailedPrecondition, InvalidArgument, Reason
from cinemesh.outbox import Outbox
from cinemesh.plain_text import plain_text

VERIFY_EMAIL = "verify_email"
LINK_LIFETIME = dt.timedelta(hours=24)
CODE_LIFETIME = dt.timedelta(minutes=10)
_DECOY = "decoy"
_LOCALE = re.compile(r"[A-Za-z]{1,8}(-[A-Za-z0-9]{1,8})*\Z")
_TRIES = 3
_WAITING = 20


@dataclass(frozen=True, slots=True)
class Applicant:
    """What somebody sends to open an account.

    Attributes:
        username: as they write it.
        email: address.
        password: as typed.
        display_name: empty for the user name.
        locale: BCP 47; empty for English.
        request_id: name of the attempt; empty for none.
    """

    username: str
    email: str
    password: str = field(repr=False)
    display_name: str = ""
    locale: str = ""
    request_id: str = ""


class Registration:
    """Opens accounts.

    Args:
        database: the store.
        vault: digests tokens and codes.
        passwords: hashes.
        hindrances: back-off, which a proven address ends.
        limit: letters on the word of strangers.
        outbox: tells other services.
        post: writes to the address.
        appointments: administrators whom the settings name.
        clock: tells the time.
    """

    def __init__(
        self,
        database: Database,
        vault: Vault,
        passwords: Passwords,
        hindrances: Hindrances,
        limit: MailLimit,
        outbox: Outbox,
        post: Post,
        appointments: Appointments,
        clock: Clock = utc_now,
    ) -> None:
        self._database = database
        self._vault = vault
        self._passwords = passwords
        self._attempts = Attempts(vault)
        self._hindrances = hindrances
        self._limit = limit
        self._outbox = outbox
        self._post = post
        self._appointments = appointments
        self._clock = clock

    async def register(self, wish: Applicant, visit: Visit) -> Account:
        """Opens an account, and returns it; for an address that has one, returns what the new one would have been.

        Raises:
            InvalidArgument: the password is weak, a field holds what it must not, or the attempt's name was used for another.
            AlreadyExists: the user name is taken.
            ResourceExhausted: too much is hashed at this moment; before anything was done.
        """
        shown = plain_text(wish.display_name, "display_name") or wish.username
        if wish.locale and not _LOCALE.match(wish.locale):
            problem = "must be a language such as en or pt-BR"
            raise InvalidArgument(f"locale {problem}", violations=[("locale", problem)])
        async with self._passwords.work() as work:
            hashed = await work.fresh(
                wish.password, "password", username=wish.username, email=wish.email, display_name=shown
            )
            for attempt in range(1, _TRIES + 1):
                wanted = Account(
                    user_id=str(ULID()),
                    username=wish.username,
                    email=wish.email,
                    email_verified=False,
                    password_hash=hashed,
                    roles=(USER,),
                    display_name=shown,
                    locale=wish.locale,
                    created_at=self._clock(),
                    password_changed_at=self._clock(),
                )
                try:
                    return await self._database.write(partial(self._open, wish=wish, wanted=wanted, visit=visit))
                except ConstraintViolated:  # somebody else took name or address meanwhile: now it shows
                    if attempt == _TRIES:
                        raise
        raise AssertionError("unreachable")

    def _open(self, tx: Transaction, wish: Applicant, wanted: Account, visit: Visit) -> Account:
        now = self._clock()
        sent = (wish.username, wish.email, wish.password, wish.display_name, wish.locale)
        earlier = self._attempts.earlier(tx, wish.request_id, sent, now)
        if earlier is not None:
            return replace(wanted, user_id=earlier)
        if accounts.username_taken(tx, wanted.username, now):
            problem = "is taken; choose another"
            raise AlreadyExists(f"username {problem}", violations=[("username", problem)])
        self.admit(tx, wanted, now, visit)
        self._attempts.keep(tx, wish.request_id, sent, wanted.user_id, now)
        return wanted

    def admit(
        self, tx: Transaction, wanted: Account, now: dt.datetime, visit: Visit, identity: dict[str, str] | None = None
    ) -> None:
        """Opens an account that waits for its address to be proven; does as much for an address that has one.

        Args:
            tx: the caller's transaction.
            wanted: the account; its user name is free.
            now: the present moment.
            visit: where from.
            identity: at another provider, by the columns of its row: it opens the account once the letter's link was followed,
                and never by another registration's.
        """
        holder = accounts.by_email(tx, wanted.email)
        allowed = self._limit.allows(tx, "register", wanted.email, now)
        pending: dict[str, Any] = {
            "username": wanted.username,
            "display_name": wanted.display_name,
            "locale": wanted.locale,
            "password_hash": wanted.password_hash,
            **({"identity": identity} if identity is not None else {}),
        }
        if holder is None:
            accounts.insert(tx, wanted)
            event = events_pb2.UserRegistered(
                user_id=wanted.user_id, username=wanted.username, display_name=wanted.display_name, roles=wanted.roles
            )
            self._outbox.append(tx, subject=f"users/{wanted.user_id}", data=event, time=now)
            self.ask_to_verify(tx, wanted, now, pending if identity is not None else None)
        else:
            accounts.reserve_username(tx, wanted.username, now + LINK_LIFETIME)
            if holder.email_verified or holder.disabled or not allowed:
                self._pretend(tx, holder, now, tell=allowed and not holder.disabled)
            else:
                self.ask_to_verify(tx, replace(wanted, user_id=holder.user_id), now, pending)
        audit.record(
            tx,
            action="register",
            now=now,
            user_id=holder.user_id if holder is not None else wanted.user_id,
            outcome="ok" if holder is None else "address has an account",
            visit=visit,
        )

    def _pretend(self, tx: Transaction, holder: Account, now: dt.datetime, *, tell: bool) -> None:
        """Does for an address that has an account what a new one takes, and tells its owner."""
        token = self._vault.digest(new_token(), _DECOY)
        tickets.issue(tx, _DECOY, token_digest=token, now=now, lifetime=LINK_LIFETIME, code_digest=token)
        if tell:
            facts = {"username": holder.username}
            self._post.queue(tx, Letter("already_registered", holder.email, holder.locale, facts))

    def ask_to_verify(
        self, tx: Transaction, account: Account, now: dt.datetime, pending: dict[str, Any] | None = None
    ) -> None:
        """Mails a link and a code.

        Args:
            tx: the caller's transaction.
            account: whose address it is.
            now: the present moment.
            pending: what comes into force with this link, where the account was opened by another registration.
        """
        token, code, subject = new_token(), new_code(), email_key(account.email)
        tickets.issue(
            tx,
            VERIFY_EMAIL,
            token_digest=self._vault.digest(token, VERIFY_EMAIL),
            code_digest=self._code_digest(subject, code),
            now=now,
            lifetime=LINK_LIFETIME,
            code_lifetime=CODE_LIFETIME,
            user_id=account.user_id,
            subject=subject,
            data=dict(pending or {}),
        )
        facts = {"username": account.username, "token": token, "code": code}
        self._post.queue(tx, Letter(VERIFY_EMAIL, account.email, account.locale, facts))

    def ask_again(self, tx: Transaction, email: str, now: dt.datetime) -> None:
        """Mails link and code once more, if the address has an account that waits for it."""
        account = accounts.by_email(tx, email)
        if account is None or account.email_verified or account.disabled:
            return
        if not self._limit.allows(tx, VERIFY_EMAIL, email, now):
            return
        waiting = [one.data for one in tickets.newest_first(tx, VERIFY_EMAIL, email_key(email), now, _WAITING)]
        # never one that came through a provider: whoever asks may be somebody else than who signed in there, and that one gets a
        # new letter by signing in there again
        registered = [data for data in waiting if "identity" not in data]
        if waiting and not registered:
            return
        pending = registered[0] if registered else {}
        named = replace(account, username=pending.get("username") or account.username)
        self.ask_to_verify(tx, named, now, pending)

    async def verify(self, visit: Visit, *, token: str = "", email: str = "", code: str = "") -> Account:
        """Marks an address as verified, by the token of the link or else by address and code. Returns the account.

        Raises:
            FailedPrecondition: the proof is unknown, used up or too old, or had too many wrong codes.
        """

        def change(tx: Transaction) -> Account | CineError:
            now = self._clock()
            if token:
                ticket = tickets.use(tx, VERIFY_EMAIL, self._vault.digest(token, VERIFY_EMAIL), now)
            else:
                subject = email_key(email.replace("\x00", "\ufffd"))
                ticket = tickets.use_code(tx, VERIFY_EMAIL, subject, self._code_digest(subject, code), now)
            account = accounts.by_id(tx, ticket.user_id, lock=True) if ticket and ticket.user_id else None
            if ticket is None or account is None or email_key(account.email) != ticket.subject:
                return _proof_lapsed("token" if token else "code")
            return self._verified(tx, account, ticket.data, now, visit)

        result = await self._database.write(change)
        if isinstance(result, CineError):
            raise result
        return result

    def _verified(
        self, tx: Transaction, account: Account, pending: dict[str, Any], now: dt.datetime, visit: Visit
    ) -> Account:
        tickets.discard(tx, VERIFY_EMAIL, user_id=account.user_id)  # of other registrations, too
        if account.email_verified:
            return account
        changes: dict[str, object] = {"email_verified": True}
        if pending:
            accounts.free_username(tx, pending["username"])
            changes |= {name: value for name, value in pending.items() if name != "identity"}
            changes["password_changed_at"] = now if pending["password_hash"] is not None else None
            self._link(tx, account, pending.get("identity"), now)
        accounts.update(tx, account.user_id, **changes)
        proven = accounts.by_id(tx, account.user_id)
        if proven is None:
            raise AssertionError("its row is locked")
        self._hindrances.forgive(tx, account.user_id)
        subject = f"users/{account.user_id}"
        if pending:
            changed = events_pb2.ProfileChanged(
                user_id=proven.user_id, username=proven.username, display_name=proven.display_name
            )
            self._outbox.append(tx, subject=subject, data=changed, time=now)
        self._outbox.append(tx, subject=subject, data=events_pb2.EmailVerified(user_id=proven.user_id), time=now)
        audit.record(tx, action="email.verify", now=now, user_id=proven.user_id, actor_id=proven.user_id, visit=visit)
        return self._appointments.appoint(tx, proven, visit)

    @staticmethod
    def _link(tx: Transaction, account: Account, identity: dict[str, str] | None, now: dt.datetime) -> None:
        # whoever signed in with it elsewhere meanwhile keeps it: the account then has a password to be reset
        if identity is not None and identities.find(tx, identity["issuer"], identity["subject"]) is None:
            linked = Identity(
                identity_id=str(ULID()),
                user_id=account.user_id,
                provider=identity["provider"],
                issuer=identity["issuer"],
                subject=identity["subject"],
                label=identity["label"],
                linked_at=now,
            )
            identities.insert(tx, linked)

    def _code_digest(self, subject: str, code: str) -> str:
        return self._vault.digest(f"{subject}:{code}", VERIFY_EMAIL)


def _proof_lapsed(field_name: str) -> FailedPrecondition:
    return FailedPrecondition(
        "this proof is wrong, used up or too old; ask for a new one",
        reason=Reason.TICKET_INVALID,
        violations=[(field_name, "is unknown, used up or too old")],
    )
