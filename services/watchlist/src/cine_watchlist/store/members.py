"""Who works on lists, and who is invited to. Lock the list before its members change."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import RowMapping
from sqlalchemy.orm import Session

from cine_watchlist.domain.access import Role
from cine_watchlist.domain.lists import Invitation, Member
from cine_watchlist.store.schema import invitations, lists, members

Position = list[str]
"""Where a page of invitations starts: the keys of the last one of the page before."""


def role(tx: Session, list_id: str, user_id: str) -> Role:
    """Returns somebody's role in a list; nobody (an empty id) has none."""
    return roles(tx, [list_id], user_id).get(list_id, Role.NONE)


def roles(tx: Session, list_ids: Collection[str], user_id: str) -> dict[str, Role]:
    """Returns somebody's roles in lists; those they have none in are left out."""
    if not user_id or not list_ids:
        return {}
    query = sa.select(members.c.list_id, members.c.role)
    found = tx.execute(query.where(members.c.user_id == user_id, members.c.list_id.in_(list_ids))).tuples()
    return {list_id: Role(name) for list_id, name in found}


def of_lists(tx: Session, list_ids: Collection[str]) -> dict[str, list[Member]]:
    """Returns everyone with a role, by list, the owner first and then those who joined first."""
    first = sa.case((members.c.role == Role.OWNER.value, 0), else_=1)
    query = sa.select(members).where(members.c.list_id.in_(list_ids))
    found: dict[str, list[Member]] = {list_id: [] for list_id in list_ids}
    for row in tx.execute(query.order_by(first, members.c.joined_at, members.c.user_id)).mappings():
        found[row["list_id"]].append(_member(row))
    return found


def _member(row: RowMapping) -> Member:
    return Member(row["user_id"], Role(row["role"]), row["joined_at"])


def find(tx: Session, list_id: str, user_id: str) -> Member | None:
    """Returns somebody with a role in a list."""
    query = sa.select(members).where(members.c.list_id == list_id, members.c.user_id == user_id)
    row = tx.execute(query).mappings().one_or_none()
    return _member(row) if row is not None else None


def join(tx: Session, list_id: str, member: Member) -> None:
    """Gives somebody a role who has none."""
    row = {
        "list_id": list_id,
        "user_id": member.user_id,
        "role": member.role.value,
        "joined_at": member.joined_at,
    }
    tx.execute(sa.insert(members), row)


def change_role(tx: Session, list_id: str, user_id: str, new: Role) -> None:
    """Gives a member another role."""
    statement = sa.update(members).where(members.c.list_id == list_id, members.c.user_id == user_id)
    tx.execute(statement.values(role=new.value))


def leave(tx: Session, list_id: str, user_id: str) -> None:
    """Takes a member off a list."""
    tx.execute(sa.delete(members).where(members.c.list_id == list_id, members.c.user_id == user_id))


def lists_of(tx: Session, user_id: str) -> list[str]:
    """Returns the lists of others that somebody works on."""
    query = sa.select(members.c.list_id).where(members.c.user_id == user_id, members.c.role != Role.OWNER.value)
    return list(tx.execute(query.order_by(members.c.list_id)).scalars())


# Invitations


def _invitation(row: RowMapping) -> Invitation:
    return Invitation(
        invitation_id=row["invitation_id"],
        list_id=row["list_id"],
        user_id=row["user_id"],
        username=row["username"],
        role=Role(row["role"]),
        invited_by=row["invited_by"],
        created_at=row["created_at"],
        expires_at=row["expires_at"],
    )


def invite(tx: Session, invitation: Invitation, username_key: str) -> None:
    """Keeps an invitation, in place of an earlier one to the same list under the same name."""
    insert: Any = postgresql.insert if tx.get_bind().dialect.name == "postgresql" else sqlite.insert
    values = {
        "invitation_id": invitation.invitation_id,
        "list_id": invitation.list_id,
        "username_key": username_key,
        "username": invitation.username,
        "user_id": invitation.user_id,
        "role": invitation.role.value,
        "invited_by": invitation.invited_by,
        "created_at": invitation.created_at,
        "expires_at": invitation.expires_at,
    }
    replaced = {name: value for name, value in values.items() if name not in ("list_id", "username_key")}
    key = ["list_id", "username_key"]
    tx.execute(insert(invitations).values(values).on_conflict_do_update(index_elements=key, set_=replaced))


def waiting_count(tx: Session, list_id: str, now: dt.datetime) -> int:
    """Returns how many invitations to a list wait for an answer."""
    query = sa.select(sa.func.count()).select_from(invitations)
    query = query.where(invitations.c.list_id == list_id, invitations.c.expires_at > now)
    return int(tx.execute(query).scalar_one())


def invitation(tx: Session, invitation_id: str, user_id: str, now: dt.datetime) -> Invitation | None:
    """Returns an invitation that waits for somebody."""
    query = sa.select(invitations).where(invitations.c.invitation_id == invitation_id, *_waiting(user_id, now))
    row = tx.execute(query).mappings().one_or_none()
    return _invitation(row) if row is not None else None


def invitations_to(
    tx: Session, user_id: str, now: dt.datetime, limit: int, after: Position | None
) -> list[tuple[Invitation, str]]:
    """Returns at most `limit` invitations that wait for somebody, newest first, each with the name of its list."""
    query = sa.select(invitations, lists.c.name.label("list_name")).join(lists).where(*_waiting(user_id, now))
    if after is not None:
        moment: Any = dt.datetime.fromisoformat(after[0])
        same = sa.and_(invitations.c.created_at == moment, invitations.c.invitation_id < after[1])
        query = query.where(sa.or_(invitations.c.created_at < moment, same))
    query = query.order_by(invitations.c.created_at.desc(), invitations.c.invitation_id.desc()).limit(limit)
    return [(_invitation(row), row["list_name"]) for row in tx.execute(query).mappings()]


def position(one: Invitation) -> Position:
    """Returns the place of an invitation in the order of `invitations_to`."""
    return [one.created_at.isoformat(), one.invitation_id]


def invitation_count(tx: Session, user_id: str, now: dt.datetime) -> int:
    """Returns how many invitations wait for somebody."""
    query = sa.select(sa.func.count()).select_from(invitations).where(*_waiting(user_id, now))
    return int(tx.execute(query).scalar_one())


def _waiting(user_id: str, now: dt.datetime) -> list[sa.ColumnElement[bool]]:
    return [invitations.c.user_id == user_id, invitations.c.expires_at > now]


def withdraw(tx: Session, invitation_id: str) -> None:
    """Deletes an invitation."""
    tx.execute(sa.delete(invitations).where(invitations.c.invitation_id == invitation_id))


def withdraw_all(tx: Session, list_id: str, user_id: str) -> None:
    """Deletes every invitation of somebody to a list: under an earlier name there may be another one."""
    tx.execute(sa.delete(invitations).where(invitations.c.list_id == list_id, invitations.c.user_id == user_id))


def forget_invitations(tx: Session, user_id: str) -> None:
    """Deletes the invitations of and by a deleted account."""
    tx.execute(
        sa.delete(invitations).where(sa.or_(invitations.c.user_id == user_id, invitations.c.invited_by == user_id))
    )


def prune_invitations(tx: Session, now: dt.datetime) -> int:
    """Deletes invitations that have lapsed. Returns how many."""
    gone: Any = tx.execute(sa.delete(invitations).where(invitations.c.expires_at <= now))
    return int(gone.rowcount)
