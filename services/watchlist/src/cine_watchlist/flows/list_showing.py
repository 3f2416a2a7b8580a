"""Lists as those who may see them see them: with names, roles, films and the link to share."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

from cine.common.v1.film_card_pb2 import FilmCard
from cine_watchlist.domain.access import Act, Role, require, unknown_list
from cine_watchlist.domain.links import Links, digest
from cine_watchlist.domain.lists import LINK, ListItem, Member, MovieList
from cine_watchlist.store import Transaction, lists, members, seen
from cine_watchlist.store.order import LIST
from cinemesh.projections import Films, People


@dataclass(frozen=True, slots=True)
class ShownMember:
    """Somebody with a role.

    Attributes:
        member: who, since when.
        username: their name; empty when unknown.
    """

    member: Member
    username: str


@dataclass(frozen=True, slots=True)
class ShownList:
    """A list to show.

    Attributes:
        movie_list: the list.
        owner_username: its owner's name.
        role: the caller's role.
        members: everyone with a role, the owner first; nobody for callers without one.
        seen_count: number of its films the caller has seen.
        share_url: its link; empty when there is none, and for others than the owner.
    """

    movie_list: MovieList
    owner_username: str
    role: Role
    members: tuple[ShownMember, ...]
    seen_count: int
    share_url: str = field(repr=False)

    @property
    def nameless(self) -> set[str]:
        """Ids of its people whose names are not known."""
        members = {one.member.user_id for one in self.members if not one.username}
        return members if self.owner_username else members | {self.movie_list.owner_id}


@dataclass(frozen=True, slots=True)
class ShownListItem:
    """A film on a list to show.

    Attributes:
        item: the item.
        position: its place on the list, from 1.
        added_by_username: who added it; empty when the account was deleted.
        seen: whether the caller has seen the film.
        card: the film; None while the catalogue has not told of it.
    """

    item: ListItem
    position: int
    added_by_username: str
    seen: bool
    card: FilmCard | None

    @property
    def nameless(self) -> set[str]:
        """Id of who added it, where the name is not known."""
        return {self.item.added_by} - {""} if not self.added_by_username else set()


class ListShowing:
    """Finds lists for those who may do something with them, and puts together what is shown.

    Args:
        films: gives film cards.
        people: gives names.
        links: makes the links that show lists.
        public_address: what links begin with.
    """

    def __init__(self, films: Films, people: People, links: Links, public_address: str) -> None:
        self._films = films
        self._people = people
        self._links = links
        self._public_address = public_address

    def find(
        self, tx: Transaction, list_id: str, user_id: str, act: Act, *, lock: bool = False
    ) -> tuple[MovieList, Role]:
        """Returns a list and the caller's role in it.

        Args:
            tx: the transaction.
            list_id: the list.
            user_id: who calls; empty for nobody.
            act: what they are about to do.
            lock: whether nobody else may change the list, its films or its people until the transaction ends.

        Raises:
            NotFound: there is no such list, or they may not see it.
            PermissionDenied: they may see it, and not do this.
        """
        found = lists.by_id(tx, list_id, lock=lock) if "\x00" not in list_id else None
        if found is None:
            raise unknown_list()
        role = members.role(tx, list_id, user_id)
        require(act, role, found.visibility)
        return found, role

    def one(self, tx: Transaction, found: MovieList, user_id: str) -> ShownList:
        """Returns a list to show to somebody who may see it."""
        return self.many(tx, [found], user_id)[0]

    def many(
        self, tx: Transaction, found: Sequence[MovieList], user_id: str, *, with_members: bool = True
    ) -> list[ShownList]:
        """Returns lists to show, in the order given; as many statements for a hundred as for one.

        Args:
            tx: the transaction.
            found: lists the caller may see.
            user_id: who calls; empty for nobody.
            with_members: whether those with a role are shown to callers who have one.
        """
        ids = [one.list_id for one in found]
        roles = members.roles(tx, ids, user_id)
        people = members.of_lists(tx, roles) if with_members and roles else {}
        everyone = {one.owner_id for one in found} | {member.user_id for some in people.values() for member in some}
        names = self._people.names(tx, everyone)
        seen_counts = seen.on_lists(tx, user_id, ids)
        return [
            ShownList(
                movie_list=one,
                owner_username=names.get(one.owner_id, ""),
                role=roles.get(one.list_id, Role.NONE),
                members=tuple(
                    ShownMember(member, names.get(member.user_id, "")) for member in people.get(one.list_id, ())
                ),
                seen_count=seen_counts.get(one.list_id, 0),
                share_url=self.share_url(one) if roles.get(one.list_id) is Role.OWNER else "",
            )
            for one in found
        ]

    def items(self, tx: Transaction, list_id: str, found: Sequence[ListItem], user_id: str) -> list[ShownListItem]:
        """Returns films of one list to show, in the order given."""
        films = [item.movie_id for item in found]
        positions = LIST.positions(tx, list_id, [item.item_id for item in found])
        names = self._people.names(tx, {item.added_by for item in found} - {""})
        known = seen.seen_among(tx, user_id, films)
        cards = self._films.cards(tx, films)
        return [
            ShownListItem(
                item=item,
                position=positions[item.item_id],
                added_by_username=names.get(item.added_by, ""),
                seen=item.movie_id in known,
                card=cards.get(item.movie_id),
            )
            for item in found
        ]

    def item(self, tx: Transaction, item: ListItem, user_id: str) -> ShownListItem:
        """Returns a film on a list to show."""
        return self.items(tx, item.list_id, [item], user_id)[0]

    def names(self, tx: Transaction, user_ids: Collection[str]) -> dict[str, str]:
        """Returns user names by id; who left is missing."""
        return self._people.names(tx, set(user_ids) - {""})

    def share_token(self, one: MovieList) -> str:
        """Returns the token of a list's link; empty when it has none, or none that can be told any more (see `Links`)."""
        if one.share_digest is None:
            return ""
        token = self._links.token(LINK, one.list_id, one.share_seed)
        return token if digest(token) == one.share_digest else ""

    def share_digest(self, list_id: str, seed: str) -> str:
        """Returns what is kept of the link that a seed makes."""
        return digest(self._links.token(LINK, list_id, seed))

    def share_url(self, one: MovieList) -> str:
        """Returns a list's link. What makes it worth something stands behind `#`, so browsers send it to no server by themselves."""
        token = self.share_token(one)
        return f"{self._public_address}/#/list?token={token}" if token else ""
