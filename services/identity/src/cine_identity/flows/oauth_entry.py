"""What an identity at a provider opens: the account it is linked to, a new one, or nothing.

Only issuer and subject lead to an account. An address never does, verified or not: whoever has an account with it signs in as usual and
links the identity there. An address that the provider does not vouch for opens nothing before its owner followed a link in a letter.
"""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass

from ulid import ULID

from cine.identity.v1 import events_pb2
from cine_identity.domain.account import USER, Account
from cine_identity.domain.oauth import Identity, Upstream, usernames_for
from cine_identity.domain.session import Challenge, Visit
from cine_identity.flows.appointments import Appointments
from cine_identity.flows.entrance import Entered, Entrance
from cine_identity.flows.issue import Issuer
from cine_identity.flows.oauth_attempts import Attempt, OAuthAttempts, lapsed
from cine_identity.flows.registration import Registration
from cine_identity.flows.second_factor import SecondFactors
from cine_identity.mail.post import Letter, Post
from cine_identity.oauth import Provider
from cine_identity.store import Transaction, accounts, audit, identities, leaving, sessions
from cinemesh.clock import Clock, utc_now
from cinemesh.context import Principal
from cinemesh.errors import AlreadyExists, CineError, FailedPrecondition, Reason, Unauthenticated
from cinemesh.outbox import Outbox

MOST_IDENTITIES = 20
_LOCALE = re.compile(r"[A-Za-z]{1,8}(-[A-Za-z0-9]{1,8})*\Z")


@dataclass(frozen=True, slots=True)
class Opened:
    """What an identity opened.

    Attributes:
        result: the tokens, or a challenge; None when it was linked to an account that is signed in.
        user_id: the account.
        created: whether it is new.
    """

    result: Entered | Challenge | None
    user_id: str
    created: bool = False


class ProviderEntry:
    """Decides what becomes of a person whom a provider named, always in the caller's transaction.

    A refusal is returned rather than raised, so that what was noted on the way is kept.

    Args:
        attempts: which are dead.
        entrance: lets in.
        issuer: asks for a second factor.
        second_factors: whether one is on.
        registration: opens accounts whose address is still to be proven.
        appointments: user names that the settings keep for administrators.
        outbox: tells other services.
        post: tells the owner.
        idle: life of a session that is not used.
        clock: tells the time.
    """

    def __init__(
        self,
        attempts: OAuthAttempts,
        entrance: Entrance,
        issuer: Issuer,
        second_factors: SecondFactors,
        registration: Registration,
        appointments: Appointments,
        outbox: Outbox,
        post: Post,
        idle: dt.timedelta,
        clock: Clock = utc_now,
    ) -> None:
        self._attempts = attempts
        self._entrance = entrance
        self._issuer = issuer
        self._second_factors = second_factors
        self._registration = registration
        self._appointments = appointments
        self._outbox = outbox
        self._post = post
        self._idle = idle
        self._clock = clock

    def sign_in(
        self, tx: Transaction, provider: Provider, attempt: Attempt, person: Upstream, visit: Visit
    ) -> Opened | CineError:
        """Signs a person in, into a new account where the identity opens none yet."""
        now = self._clock()
        found = identities.find(tx, person.issuer, person.subject)
        account = accounts.by_id(tx, found.user_id, lock=True) if found is not None else None
        # under the lock: an identity that is unlinked at this moment is looked for after that, or before it
        identity = identities.find(tx, person.issuer, person.subject)
        if self._attempts.dead(tx, attempt, person, now) or (identity is None) != (account is None):
            return self._refused(tx, provider, found, "unlinked meanwhile", lapsed(), visit)
        created = False
        if account is None or identity is None:
            opened = self._open(tx, provider, person, now, visit)
            if isinstance(opened, CineError):
                return opened
            account, identity = opened
            created = True
        elif not account.may_sign_in:
            closed = Unauthenticated("the account of this identity is not open", reason=Reason.CREDENTIALS_INVALID)
            return self._refused(tx, provider, identity, str(account.state), closed, visit)
        identities.used(tx, identity.identity_id, person.label, now)
        methods = self._second_factors.methods(tx, account)
        if methods:
            challenge = self._issuer.challenge(tx, account, provider.name, methods, visit)
            return Opened(challenge, account.user_id)
        return Opened(self._entrance.enter(tx, account, provider.name, visit, now), account.user_id, created)

    def link(
        self,
        tx: Transaction,
        provider: Provider,
        attempt: Attempt,
        person: Upstream,
        principal: Principal,
        visit: Visit,
    ) -> Opened | CineError:
        """Links an identity to the account whose session started it, while that session lives."""
        now = self._clock()
        account = accounts.by_id(tx, attempt.user_id or "", lock=True)
        session = sessions.by_id(tx, attempt.session_id)
        signed_in = account is not None and session is not None and session.user_id == account.user_id
        if account is None or session is None or not signed_in or account.disabled:
            return lapsed()
        outcome = ""
        if not session.alive(now, self._idle):
            outcome = "signed out meanwhile"
        elif principal.kind == "user" and principal.session_id != session.session_id:
            outcome = "another session"
        elif self._attempts.dead(tx, attempt, person, now):
            outcome = "unlinked meanwhile"
        if outcome:
            self._record(tx, "identity.link", account.user_id, provider, now, visit, outcome)
            return lapsed()
        held = identities.find(tx, person.issuer, person.subject)
        if held is not None and held.user_id != account.user_id:
            self._record(tx, "identity.link", account.user_id, provider, now, visit, "opens another account")
            return AlreadyExists(
                f"this identity at {provider.display_name} opens another account; unlink it there first"
            )
        if held is None:
            if len(identities.of_account(tx, account.user_id)) >= MOST_IDENTITIES:
                return FailedPrecondition(f"an account has at most {MOST_IDENTITIES} identities; unlink one first")
            identities.insert(tx, _identity(account.user_id, provider, person, now))
            facts = {"username": account.username, "provider": provider.display_name}
            self._post.queue(tx, Letter("identity_linked", account.email, account.locale, facts))
            self._record(tx, "identity.link", account.user_id, provider, now, visit)
        return Opened(None, account.user_id)

    def _open(
        self, tx: Transaction, provider: Provider, person: Upstream, now: dt.datetime, visit: Visit
    ) -> tuple[Account, Identity] | CineError:
        """Opens an account for an identity that has none, or returns why not."""
        named = provider.display_name
        if not person.email:
            gone = FailedPrecondition(
                f"{named} gives no e-mail address, which an account needs: allow it there, or open an account and link {named} to it",
                reason=Reason.PROVIDER_FAILED,
            )
            return self._refused(tx, provider, None, "no address", gone, visit)
        username = self._free_username(tx, person, now)
        wanted = Account(
            user_id=str(ULID()),
            username=username,
            email=person.email,
            email_verified=person.email_verified,
            password_hash=None,
            roles=(USER,),
            display_name=person.display_name or username,
            locale=person.locale if _LOCALE.match(person.locale) else "",
            created_at=now,
        )
        identity = _identity(wanted.user_id, provider, person, now)
        if not person.email_verified:
            columns = {name: getattr(identity, name) for name in ("provider", "issuer", "subject", "label")}
            self._registration.admit(tx, wanted, now, visit, columns)
            return FailedPrecondition(  # the same whether the address has an account or not
                f"{named} does not say that the e-mail address is verified, so a letter was sent to it: follow its link, then sign in again"
            )
        holder = accounts.by_email(tx, person.email)
        if holder is not None:
            if holder.email_verified or holder.disabled or holder.last_login_at is not None:
                taken = FailedPrecondition(
                    f"there is an account with this e-mail address already: sign in to it, then link {named} in its settings",
                    reason=Reason.ALREADY_EXISTS,
                )
                return self._refused(tx, provider, None, "address has an account", taken, visit, holder.user_id)
            self._give_way(tx, holder, now, visit)
        accounts.insert(tx, wanted)
        identities.insert(tx, identity)
        subject = f"users/{wanted.user_id}"
        registered = events_pb2.UserRegistered(
            user_id=wanted.user_id, username=wanted.username, display_name=wanted.display_name, roles=wanted.roles
        )
        self._outbox.append(tx, subject=subject, data=registered, time=now)
        self._outbox.append(tx, subject=subject, data=events_pb2.EmailVerified(user_id=wanted.user_id), time=now)
        self._record(tx, "register", wanted.user_id, provider, now, visit)
        return wanted, identity

    def _give_way(self, tx: Transaction, holder: Account, now: dt.datetime, visit: Visit) -> None:
        """Deletes an account that nobody ever proved nor entered: whoever opened it for this address gets nothing by it."""
        leaving.delete_account(tx, holder)
        event = events_pb2.UserDeleted(user_id=holder.user_id)
        self._outbox.append(tx, subject=f"users/{holder.user_id}", data=event, time=now)
        audit.record(
            tx, action="account.give_way", now=now, user_id=holder.user_id, detail="never verified", visit=visit
        )

    def _free_username(self, tx: Transaction, person: Upstream, now: dt.datetime) -> str:
        for name in usernames_for(person):
            # one that the settings make an administrator must be asked for, and never comes by chance
            if not self._appointments.wants(name) and not accounts.username_taken(tx, name, now):
                return name
        raise AssertionError("there is no end of names")

    def _refused(
        self,
        tx: Transaction,
        provider: Provider,
        identity: Identity | None,
        outcome: str,
        refusal: CineError,
        visit: Visit,
        user_id: str = "",
    ) -> CineError:
        whose = identity.user_id if identity is not None else user_id
        self._record(tx, "login.failed", whose, provider, self._clock(), visit, outcome, by_owner=False)
        return refusal

    @staticmethod
    def _record(
        tx: Transaction,
        action: str,
        user_id: str,
        provider: Provider,
        now: dt.datetime,
        visit: Visit,
        outcome: str = "ok",
        *,
        by_owner: bool = True,
    ) -> None:
        audit.record(
            tx,
            action=action,
            now=now,
            user_id=user_id,
            actor_id=user_id if by_owner else "",
            outcome=outcome,
            detail=provider.name,
            visit=visit,
        )


def _identity(user_id: str, provider: Provider, person: Upstream, now: dt.datetime) -> Identity:
    return Identity(
        identity_id=str(ULID()),
        user_id=user_id,
        provider=provider.name,
        issuer=person.issuer,
        subject=person.subject,
        label=person.label,
        linked_at=now,
    )
