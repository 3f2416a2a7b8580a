"""Profiles: one's own, and those of others as far as they are public."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Mapping, Sequence
from typing import Any, TypeVar

from cine.identity.v1 import events_pb2
from cine_identity.catalogue import Films
from cine_identity.domain.account import Account, State, username_key
from cine_identity.domain.profile import Person, Profile, PublicProfile, edited, person, public_view
from cine_identity.flows.callers import Callers
from cine_identity.store import Transaction, accounts, profiles
from cinemesh.cache import Cache
from cinemesh.clock import Clock, utc_now
from cinemesh.context import Principal
from cinemesh.db import Database
from cinemesh.errors import InvalidArgument, NotFound, Reason
from cinemesh.etags import check_etag
from cinemesh.outbox import Outbox

T = TypeVar("T")
PUBLIC_SECONDS = 30 * 60
"""How long a public profile is kept in the cache; a change removes it at once."""


class PublicProfiles:
    """Public profiles by user name, from the cache.

    Args:
        database: store of the accounts.
        cache: keeps encoded answers.
    """

    def __init__(self, database: Database, cache: Cache) -> None:
        self._database = database
        self._cache = cache
        self._changing: set[asyncio.Task[Any]] = set()

    async def get(self, username: str, encode: Callable[[PublicProfile], bytes]) -> bytes:
        """Returns a public profile as `encode` writes it.

        Args:
            username: in any case.
            encode: turns it into what is kept; the same for every call.

        Raises:
            NotFound: nobody has that name, or the account is not open; nobody can tell which.
        """

        def find(tx: Transaction) -> PublicProfile:
            account = accounts.by_username(tx, username) if "\x00" not in username else None
            if account is None or account.state is not State.ACTIVE:
                raise NotFound("there is no person of that name", violations=[("username", "is not known")])
            return public_view(account, profiles.of(tx, account))

        async def load() -> bytes:
            return encode(await self._database.read(find))

        return await self._cache.get_or_load(_key(username), PUBLIC_SECONDS, load)

    async def changing(self, username: str, change: Coroutine[Any, Any, T]) -> T:
        """Runs a change of what others see of a person, then forgets what was kept.

        A caller that goes away does not stop it half way: a change that was kept and not forgotten here would be shown for
        another half hour.
        """

        async def whole() -> T:
            try:
                return await change
            finally:
                await self._cache.delete(_key(username))

        task = asyncio.ensure_future(whole())
        self._changing.add(task)
        task.add_done_callback(self._changing.discard)
        return await asyncio.shield(task)


def _key(username: str) -> str:
    return f"profile:{username_key(username)}"


class Profiles:
    """One's own profile.

    Args:
        database: store of the accounts.
        callers: who calls.
        outbox: tells other services.
        public: what others see, to be forgotten after a change.
        films: knows which films exist.
        clock: tells the time.
    """

    def __init__(
        self,
        database: Database,
        callers: Callers,
        outbox: Outbox,
        public: PublicProfiles,
        films: Films,
        clock: Clock = utc_now,
    ) -> None:
        self._database = database
        self._callers = callers
        self._outbox = outbox
        self._public = public
        self._films = films
        self._clock = clock

    async def get(self, principal: Principal) -> tuple[Account, Profile]:
        """Returns the caller's account and profile.

        Raises:
            Unauthenticated: the session has ended.
        """
        return await self._database.read(lambda tx: self._own(tx, principal))

    def _own(self, tx: Transaction, principal: Principal) -> tuple[Account, Profile]:
        account = self._callers.require(tx, principal).account
        return account, profiles.of(tx, account)

    async def update(self, principal: Principal, changes: Mapping[str, Any], etag: str) -> tuple[Account, Profile]:
        """Changes the fields given of the caller's profile.

        Args:
            principal: who calls.
            changes: new values of fields of `domain.profile.EDITABLE`.
            etag: the one last read; empty to change whatever is there.

        Raises:
            Unauthenticated: the session has ended.
            InvalidArgument: a value cannot be kept, or a film does not exist.
            Aborted: the profile changed since the etag was read.
            Unavailable: the catalogue does not answer, and films were added.
        """
        account, before = await self.get(principal)
        edited(before, changes)  # what is wrong with it is told before anybody else is asked
        await self._check_films(changes.get("favourite_movie_ids", ()), before.favourite_movie_ids)

        def change(tx: Transaction) -> tuple[Account, Profile]:
            user_id = self._callers.require(tx, principal).user_id
            holder = accounts.by_id(tx, user_id, lock=True)
            if holder is None:
                raise NotFound("the account is gone")
            old = profiles.of(tx, holder)
            check_etag(etag, old.version, old.user_id, thing="the profile")
            new = edited(old, changes)
            if new == old:
                return holder, old
            profiles.put(tx, new, self._clock())
            self._tell(tx, holder, old, new)
            return self._own(tx, principal)

        return await self._public.changing(account.username, self._database.write(change))

    async def _check_films(self, wanted: Sequence[int], held: Sequence[int]) -> None:
        # those that are there already were checked when they came, and a film may since have left the catalogue
        missing = await self._films.unknown([movie_id for movie_id in wanted if movie_id not in held])
        if missing:
            wrong = [
                (f"favourite_movie_ids[{place}]", f"film {movie_id} is not in the catalogue")
                for place, movie_id in enumerate(wanted)
                if movie_id in missing
            ]
            raise InvalidArgument("there are no such films", reason=Reason.MOVIE_NOT_FOUND, violations=wrong)

    def _tell(self, tx: Transaction, account: Account, old: Profile, new: Profile) -> None:
        seen, before = person(account, new), public_view(account, old)
        if public_view(account, new) == before:
            return
        event = events_pb2.ProfileChanged(
            user_id=seen.user_id, username=seen.username, display_name=seen.display_name, avatar_url=seen.avatar_url
        )
        self._outbox.append(tx, subject=f"users/{seen.user_id}", data=event, time=self._clock())

    async def people(self, user_ids: Sequence[str]) -> list[Person]:
        """Returns what other services may know of these accounts; deleted and unknown ones are left out."""
        known = [user_id for user_id in user_ids if "\x00" not in user_id]
        return await self._database.read(lambda tx: profiles.people(tx, known))
