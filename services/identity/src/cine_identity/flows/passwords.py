"""Passwords of accounts: checked, hashed and verified on their own thread, see `domain.hash_pool`."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from cine_identity.domain.account import Account
from cine_identity.domain.breached import BreachedPasswords
from cine_identity.domain.hash_pool import HashPool, Place
from cine_identity.domain.hashing import Hasher
from cine_identity.domain.passwords import require_strong, words_of
from cinemesh.errors import InvalidArgument, Reason


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a verification found.

    Attributes:
        right: whether the password has the hash.
        renewed: the same password hashed in today's way, where the old hash was made in another; None elsewhere.
    """

    right: bool
    renewed: str | None = None


class PasswordWork:
    """One call's place in the queue for hashes."""

    def __init__(self, hasher: Hasher, place: Place, breached: BreachedPasswords | None) -> None:
        self._hasher = hasher
        self._place = place
        self._breached = breached

    async def verify(self, password: str, tagged: str | None, *, renew: bool = False) -> Verdict:
        """Verifies a password; without a hash the same work is done for nothing.

        Args:
            password: as it was sent.
            tagged: the hash of the account; None for nobody's.
            renew: whether to hash a right password anew if its hash is made in an old way.
        """

        def work() -> Verdict:
            right = self._hasher.verify(password, tagged)
            if right and renew and tagged is not None and self._hasher.outdated(tagged):
                return Verdict(right, self._hasher.hash(password))
            return Verdict(right)

        return await self._place.run(work)

    async def fresh(self, password: str, field: str, *, username: str, email: str, display_name: str) -> str:
        """Returns the hash of a new password.

        Args:
            password: as it was sent.
            field: its field in the request.
            username: of the account, which it must not be built on; so the other two.
            email: see `username`.
            display_name: see `username`.

        Raises:
            InvalidArgument: the password is weak, or known from a breach.
        """

        def work() -> str:
            require_strong(password, field, words_of(username, email, display_name))
            if self._breached is not None and password in self._breached:
                problem = "is known from a data breach; choose another"
                raise InvalidArgument(f"{field} {problem}", reason=Reason.PASSWORD_WEAK, violations=[(field, problem)])
            return self._hasher.hash(password)

        return await self._place.run(work)


class Passwords:
    """Gives out places in the queue.

    Args:
        hasher: how hashes are made.
        pool: where.
        breached: passwords that nobody may choose.
    """

    def __init__(self, hasher: Hasher, pool: HashPool, breached: BreachedPasswords | None = None) -> None:
        self._hasher = hasher
        self._pool = pool
        self._breached = breached

    @asynccontextmanager
    async def work(self) -> AsyncIterator[PasswordWork]:
        """Yields a place once it is this call's turn; ask for it before anything else is done for a call.

        Raises:
            ResourceExhausted: the queue is full.
        """
        async with self._pool.place() as place:
            yield PasswordWork(self._hasher, place, self._breached)

    async def check(self, account: Account, password: str) -> bool:
        """Returns whether a password opens an account; nothing is counted, which is the caller's affair.

        Raises:
            ResourceExhausted: the queue is full.
        """
        async with self.work() as work:
            return (await work.verify(password, account.password_hash)).right
