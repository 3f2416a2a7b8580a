"""Watchlists and lists as they should be: the model that the real ones are compared with."""

from __future__ import annotations

from dataclasses import dataclass, field

from cine_watchlist.domain.access import Role, Visibility
from cinemesh.errors import CineError, NotFound, PermissionDenied

RANKS = {Role.OWNER: 3, Role.EDITOR: 2, Role.VIEWER: 1, Role.NONE: 0}


@dataclass
class Entry:
    """A film as it should be."""

    movie_id: int
    item_id: str
    priority: int = 5
    watched: bool = False
    notes: str = ""
    by: str = ""


@dataclass
class Kept:
    """A list as it should be."""

    owner: str
    visibility: Visibility
    films: list[Entry] = field(default_factory=list)
    roles: dict[str, Role] = field(default_factory=dict)

    def role(self, user_id: str) -> Role:
        return Role.OWNER if user_id == self.owner else self.roles.get(user_id, Role.NONE)

    def visible(self, user_id: str) -> bool:
        return self.visibility is Visibility.PUBLIC or self.role(user_id) is not Role.NONE

    def verdict(self, user_id: str, least: Role) -> type[CineError] | None:
        """Returns how somebody is refused who needs a role, at least this one."""
        if RANKS[self.role(user_id)] >= RANKS[least]:
            return None
        return PermissionDenied if self.visible(user_id) else NotFound


def moved(films: list[Entry], item_id: str, after: str) -> None:
    (entry,) = [one for one in films if one.item_id == item_id]
    films.remove(entry)
    place = [one.item_id for one in films].index(after) + 1 if after else 0
    films.insert(place, entry)
