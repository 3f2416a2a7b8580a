"""What a sign-in opens: the account's roles, or less where it must have a second factor and the sign-in showed none."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from cine_identity.domain.account import ADMIN
from cine_identity.domain.session import Session

Rule: TypeAlias = Literal["optional", "administrators", "everyone"]
"""Who must sign in with a second factor."""


@dataclass(frozen=True, slots=True)
class Granted:
    """What a session opens.

    Attributes:
        roles: that its tokens name; empty when they open nothing but setting up a second factor.
        withheld: that the account holds, and that come with a sign-in by a second factor.
    """

    roles: tuple[str, ...]
    withheld: tuple[str, ...] = ()

    @property
    def setup_only(self) -> bool:
        """Whether it opens nothing but setting up a second factor."""
        return not self.roles

    @property
    def lacking(self) -> bool:
        """Whether a second factor is wanted that was not shown."""
        return bool(self.withheld)


def must_have(rule: Rule, roles: tuple[str, ...]) -> bool:
    """Returns whether somebody with these roles must sign in with a second factor."""
    return rule == "everyone" or (rule == "administrators" and ADMIN in roles)


def granted(rule: Rule, roles: tuple[str, ...], session: Session) -> Granted:
    """Returns what a session opens for an account with these roles.

    Decided anew whenever a token is made or shown: a changed rule, or a role given later, counts for sessions that are there.
    """
    if session.multi_factor or not must_have(rule, roles):
        return Granted(roles)
    if rule == "everyone":
        return Granted((), roles)
    return Granted(tuple(role for role in roles if role != ADMIN), (ADMIN,))
