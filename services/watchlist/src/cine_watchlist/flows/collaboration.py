"""Working on lists together: invitations and roles."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TypeVar

from google.protobuf.message import Message
from ulid import ULID

from cine_watchlist.domain import lists as rules
from cine_watchlist.domain.access import Act, Role, may_remove_member, refusal
from cine_watchlist.domain.lists import INVITATION_LIFETIME, Invitation, Member, MovieList, require_room
from cine_watchlist.flows.attempts import Attempt, Attempts
from cine_watchlist.flows.list_events import told_members
from cine_watchlist.flows.list_showing import ListShowing, ShownList, ShownMember
from cine_watchlist.flows.naming import with_names
from cine_watchlist.store import Transaction, lists
from cine_watchlist.store import members as store
from cine_watchlist.store.members import Position
from cinemesh.clock import Clock, utc_now
from cinemesh.db import Database
from cinemesh.errors import AlreadyExists, FailedPrecondition, InvalidArgument, NotFound
from cinemesh.outbox import Outbox
from cinemesh.plain_text import plain_text
from cinemesh.projections import People
from cinemesh.projections.person_rows import username_key

A = TypeVar("A", bound=Message)


@dataclass(frozen=True, slots=True)
class ShownInvitation:
    """An invitation to show to who is invited.

    Attributes:
        invitation: the invitation.
        list_name: name of the list.
        invited_by_username: who invites; empty when unknown.
    """

    invitation: Invitation
    list_name: str
    invited_by_username: str

    @property
    def nameless(self) -> set[str]:
        """Id of who invites, where the name is not known."""
        return {self.invitation.invited_by} if not self.invited_by_username else set()


@dataclass(frozen=True, slots=True)
class InvitationPage:
    """Some invitations.

    Attributes:
        invitations: newest first.
        next: where the next page starts; None on the last.
        total: invitations that wait.
    """

    invitations: list[ShownInvitation]
    next: Position | None
    total: int


class Collaboration:
    """Invites people to lists, and gives and takes roles.

    Who invites a name learns nothing of it: a name that nobody has gets an invitation that looks like any other, and that nobody sees.

    Args:
        database: the store.
        attempts: runs what may be sent again.
        people: who has which name.
        showing: finds lists for those who may see them.
        outbox: tells other services.
        clock: tells the time.
    """

    def __init__(
        self,
        database: Database,
        attempts: Attempts,
        people: People,
        showing: ListShowing,
        outbox: Outbox,
        clock: Clock = utc_now,
    ) -> None:
        self._database = database
        self._attempts = attempts
        self._people = people
        self._showing = showing
        self._outbox = outbox
        self._clock = clock

    async def invite(self, user_id: str, list_id: str, username: str, role: Role, attempt: Attempt[Invitation, A]) -> A:
        """Invites somebody; for the list's owner. A name that was invited before has the newer invitation alone.

        Args:
            user_id: who calls.
            list_id: the list.
            username: of whom, in any case.
            role: the role offered.
            attempt: the call.

        Raises:
            NotFound: there is no such list.
            PermissionDenied: it is somebody else's.
            InvalidArgument: the name is the owner's own, or no plain text.
            AlreadyExists: the person works on the list.
            FailedPrecondition: too many invitations wait for an answer.
            Unavailable: nobody can tell at present who has the name.
        """
        username = plain_text(username, "username")
        # strangers to the list learn nothing of names, not even by how long it takes
        await self._database.read(lambda tx: self._showing.find(tx, list_id, user_id, Act.ADMINISTER))
        await self._people.known([user_id])
        invited = await self._people.find(username)

        def effect(tx: Transaction) -> Invitation:
            self._people.require_present(tx, user_id)
            self._showing.find(tx, list_id, user_id, Act.ADMINISTER, lock=True)
            if invited == user_id:
                raise InvalidArgument("you own the list", violations=[("username", "is your own")])
            if invited is not None and store.find(tx, list_id, invited) is not None:
                problem = "works on the list already"
                raise AlreadyExists(f"{username} {problem}", violations=[("username", problem)])
            now = self._clock()
            new = Invitation(
                invitation_id=str(ULID()),
                list_id=list_id,
                user_id=invited,
                username=username,
                role=role,
                invited_by=user_id,
                created_at=now,
                expires_at=now + INVITATION_LIFETIME,
            )
            store.invite(tx, new, username_key(username))
            waiting = store.waiting_count(tx, list_id, now)
            require_room(waiting, rules.MOST_INVITATIONS, "{} invitations at most may wait for an answer")
            return new

        return await self._attempts.run(attempt, effect)

    async def invitations(self, user_id: str, limit: int, after: Position | None) -> InvitationPage:
        """Returns a page of the invitations that wait for the caller."""
        now = self._clock()

        def read(tx: Transaction) -> InvitationPage:
            found = store.invitations_to(tx, user_id, now, limit + 1, after)
            following = store.position(found[limit - 1][0]) if len(found) > limit else None
            names = self._showing.names(tx, {one.invited_by for one, _ in found})
            shown = [ShownInvitation(one, name, names.get(one.invited_by, "")) for one, name in found[:limit]]
            return InvitationPage(shown, following, store.invitation_count(tx, user_id, now))

        return await with_names(self._database, self._people, read, lambda page: page.invitations)

    async def accept(self, user_id: str, invitation_id: str) -> ShownList:
        """Gives the caller the role that an invitation offers.

        Raises:
            NotFound: no invitation of this id waits for the caller.
            FailedPrecondition: too many people work on the list.
        """
        await self._people.known([user_id])

        def change(tx: Transaction) -> ShownList:
            invitation, found = self._invitation(tx, user_id, invitation_id)
            now = self._clock()
            if store.find(tx, found.list_id, user_id) is None:
                store.join(tx, found.list_id, Member(user_id, invitation.role, now))
                self._tell(tx, found.list_id)
            store.withdraw_all(tx, found.list_id, user_id)
            return self._showing.one(tx, found, user_id)

        return await self._database.write(change)

    async def decline(self, user_id: str, invitation_id: str) -> None:
        """Sends an invitation away.

        Raises:
            NotFound: no invitation of this id waits for the caller.
        """

        def change(tx: Transaction) -> None:
            self._invitation(tx, user_id, invitation_id)
            store.withdraw(tx, invitation_id)

        await self._database.write(change)

    def _invitation(self, tx: Transaction, user_id: str, invitation_id: str) -> tuple[Invitation, MovieList]:
        """Returns an invitation and its list, which nobody else changes until this transaction ends."""
        self._people.require_present(tx, user_id)
        unknown = NotFound("there is no such invitation", violations=[("invitation_id", "is not known")])
        if "\x00" in invitation_id:
            raise unknown
        waiting = store.invitation(tx, invitation_id, user_id, self._clock())
        found = lists.by_id(tx, waiting.list_id, lock=True) if waiting is not None else None
        # again: it may have been answered, or withdrawn, while we waited for the list
        if found is None or store.invitation(tx, invitation_id, user_id, self._clock()) is None:
            raise unknown
        assert waiting is not None
        return waiting, found

    async def change_role(self, user_id: str, list_id: str, member_id: str, role: Role) -> ShownMember:
        """Gives a collaborator another role; for the list's owner.

        Raises:
            NotFound: there is no such list, or the person has no role in it.
            PermissionDenied: it is somebody else's.
            FailedPrecondition: the person is the owner.
        """

        def change(tx: Transaction) -> ShownMember:
            self._people.require_present(tx, user_id)
            self._showing.find(tx, list_id, user_id, Act.ADMINISTER, lock=True)
            member = self._member(tx, list_id, member_id)
            if member.role is Role.OWNER:
                raise FailedPrecondition("the owner of a list stays its owner")
            if member.role is not role:
                store.change_role(tx, list_id, member_id, role)
                self._tell(tx, list_id)
            name = self._showing.names(tx, [member_id]).get(member_id, "")
            return ShownMember(replace(member, role=role), name)

        return await self._database.write(change)

    async def remove(self, user_id: str, list_id: str, member_id: str) -> None:
        """Takes a collaborator off a list: its owner anybody, everybody themselves. What they added stays.

        Raises:
            NotFound: there is no such list, or the person has no role in it.
            PermissionDenied: the caller may see the list only.
            FailedPrecondition: the person is the owner.
        """

        def change(tx: Transaction) -> None:
            self._people.require_present(tx, user_id)
            _, actor = self._showing.find(tx, list_id, user_id, Act.SEE, lock=True)
            if not may_remove_member(actor, oneself=member_id == user_id):
                raise refusal(visible=True)
            member = self._member(tx, list_id, member_id)
            if member.role is Role.OWNER:
                raise FailedPrecondition("the owner cannot leave a list; delete it instead")
            store.leave(tx, list_id, member_id)
            self._tell(tx, list_id)

        await self._database.write(change)

    def _member(self, tx: Transaction, list_id: str, user_id: str) -> Member:
        member = store.find(tx, list_id, user_id) if "\x00" not in user_id else None
        if member is None:
            raise NotFound("this person has no role in the list", violations=[("user_id", "has no role")])
        return member

    def _tell(self, tx: Transaction, list_id: str) -> None:
        people = store.of_lists(tx, [list_id])[list_id]
        require_room(len(people), rules.MOST_MEMBERS, "{} people at most work on a list")
        self._outbox.append_many(tx, [told_members(list_id, people)], time=self._clock())

    async def prune(self) -> int:
        """Deletes invitations that have lapsed; a job of housekeeping. Returns how many."""
        now = self._clock()
        return await self._database.write(lambda tx: store.prune_invitations(tx, now))
