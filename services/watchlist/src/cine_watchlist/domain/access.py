"""Who may see, edit and administer a list: the one place that decides.

A list that somebody may not see does not exist for them: they are told the same as of one that was never made.
"""

from __future__ import annotations

from enum import Enum, StrEnum

from cinemesh.errors import CineError, NotFound, PermissionDenied


class Role(StrEnum):
    """What somebody is to a list."""

    OWNER = "owner"
    EDITOR = "editor"
    VIEWER = "viewer"
    NONE = ""


class Visibility(StrEnum):
    """Who may see a list besides those with a role."""

    PUBLIC = "PUBLIC"
    PRIVATE = "PRIVATE"
    UNLISTED = "UNLISTED"


class Act(Enum):
    """What is done to a list."""

    SEE = "see it"
    COMMENT = "comment on it"
    EDIT = "change its films"
    ADMINISTER = "change the list itself, its people or its link"


_BY_ROLE = {
    Role.OWNER: frozenset(Act),
    Role.EDITOR: frozenset({Act.SEE, Act.COMMENT, Act.EDIT}),
    Role.VIEWER: frozenset({Act.SEE, Act.COMMENT}),
    Role.NONE: frozenset[Act](),
}
_PUBLIC = frozenset({Act.SEE, Act.COMMENT})
INVITED_AS = (Role.EDITOR, Role.VIEWER)
"""Roles that can be offered; an owner is made by making a list alone."""


def may(act: Act, role: Role, visibility: Visibility, *, by_link: bool = False) -> bool:
    """Returns whether somebody may do something.

    Args:
        act: what.
        role: theirs in the list.
        visibility: of the list.
        by_link: whether they came with the list's link, which shows a list that is not private and nothing more.
    """
    if act in _BY_ROLE[role]:
        return True
    if visibility is Visibility.PUBLIC:
        return act in _PUBLIC
    return by_link and act is Act.SEE and visibility is Visibility.UNLISTED


def require(act: Act, role: Role, visibility: Visibility, *, by_link: bool = False) -> None:
    """Makes sure that somebody may do something.

    Raises:
        NotFound: they may not even see the list.
        PermissionDenied: they may see it, and not do this.
    """
    if not may(act, role, visibility, by_link=by_link):
        raise refusal(may(Act.SEE, role, visibility, by_link=by_link))


def refusal(visible: bool) -> CineError:
    """Returns what somebody is told who may not do something to a list that they can, or cannot, see."""
    return PermissionDenied("this is for those with another role in the list") if visible else unknown_list()


def unknown_list() -> NotFound:
    """Returns what is told of a list that does not exist, or not for the caller."""
    return NotFound("there is no such list", violations=[("list_id", "is not known")])


def shareable(visibility: Visibility) -> bool:
    """Returns whether a list may have a link."""
    return visibility is not Visibility.PRIVATE


def may_remove_member(actor: Role, *, oneself: bool) -> bool:
    """Returns whether somebody may take a member off a list: its owner anybody, everybody themselves."""
    return actor is Role.OWNER or (oneself and actor is not Role.NONE)


def may_delete_comment(actor: Role, *, own: bool) -> bool:
    """Returns whether somebody may delete a comment: who wrote it, also after leaving the list, and the list's owner."""
    return own or actor is Role.OWNER
