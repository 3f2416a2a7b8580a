"""Reports in the store, grouped by what they are about, and the audit log of moderation."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session
from ulid import ULID

from cine_ratings.domain.moderation import OPEN, Act, Complaint, Report, State, Thing
from cine_ratings.store.review_tables import comments, moderation_acts, report_reporters, reports, reviews
from cinemesh import context

Position = list[str]
"""Where a page starts: the keys of the last row of the page before."""

_READ = (
    sa.select(reports, sa.func.coalesce(comments.c.body_markdown, reviews.c.body_markdown).label("body_markdown"))
    .join(reviews, reviews.c.review_id == reports.c.review_id)
    .outerjoin(comments, comments.c.comment_id == reports.c.comment_id)
)


def insert(tx: Session, report: Report) -> None:
    """Adds a report."""
    row = {
        "report_id": report.report_id,
        "review_id": report.thing.review_id,
        "comment_id": report.thing.comment_id,
        "reason": report.complaint.reason,
        "detail": report.complaint.detail,
        "reporter_count": report.reporter_count,
        "state": report.state,
        "created_at": report.created_at,
        "resolved_at": report.resolved_at,
    }
    tx.execute(sa.insert(reports), row)


def by_id(tx: Session, report_id: str) -> Report | None:
    """Returns a report; None when there is none. Lock its review before it is changed, then read it again."""
    return _one(tx, _READ.where(reports.c.report_id == report_id))


def open_about(tx: Session, thing: Thing) -> Report | None:
    """Returns the report of a thing that is not settled; None when there is none."""
    return _one(tx, _READ.where(*_about(reports, thing), reports.c.state == OPEN))


def reported_as(tx: Session, thing: Thing, user_id: str) -> str:
    """Returns the id of the report that somebody's word about a thing is part of; empty when they said nothing."""
    mine = sa.select(report_reporters.c.report_id).where(
        *_about(report_reporters, thing), report_reporters.c.user_id == user_id
    )
    return tx.execute(mine).scalar_one_or_none() or ""


def add_reporter(tx: Session, report: Report, user_id: str, now: dt.datetime) -> None:
    """Notes that somebody reported a thing. Lock its review first, and make sure that they had not."""
    row = {
        "review_id": report.thing.review_id,
        "comment_id": report.thing.comment_id,
        "user_id": user_id,
        "report_id": report.report_id,
        "reported_at": now,
    }
    tx.execute(sa.insert(report_reporters), row)


def count_reporter(tx: Session, report_id: str) -> None:
    """Counts one more person who reported the same."""
    more = sa.update(reports).where(reports.c.report_id == report_id)
    tx.execute(more.values(reporter_count=reports.c.reporter_count + 1))


def settle(tx: Session, report_id: str, state: State, now: dt.datetime) -> None:
    """Settles a report."""
    tx.execute(sa.update(reports).where(reports.c.report_id == report_id).values(state=state, resolved_at=now))


def drop_about(tx: Session, thing: Thing) -> None:
    """Removes the reports about a thing that is gone."""
    tx.execute(sa.delete(reports).where(*_about(reports, thing)))


def find(tx: Session, state: State, limit: int, after: Position | None) -> list[Report]:
    """Returns at most `limit` reports in a state that follow a position, oldest first."""
    query = _READ.where(reports.c.state == state)
    if after is not None:
        moment = dt.datetime.fromisoformat(after[0])
        same = sa.and_(reports.c.created_at == moment, reports.c.report_id > after[1])
        query = query.where(sa.or_(reports.c.created_at > moment, same))
    query = query.order_by(reports.c.created_at, reports.c.report_id).limit(limit)
    return [_report(row) for row in tx.execute(query).mappings()]


def position(report: Report) -> Position:
    """Returns the place of a report among the others."""
    return [report.created_at.isoformat(), report.report_id]


def count(tx: Session, state: State) -> int:
    """Returns how many reports are in a state."""
    query = sa.select(sa.func.count()).select_from(reports).where(reports.c.state == state)
    return int(tx.execute(query).scalar_one())


def record(tx: Session, act: Act, now: dt.datetime) -> None:
    """Adds an act to the audit log in the caller's transaction: the act and its entry are kept together, or neither."""
    row = {
        "act_id": str(ULID()),
        "at": now,
        "actor_id": act.actor_id,
        "action": act.action,
        "review_id": act.thing.review_id,
        "comment_id": act.thing.comment_id,
        "report_id": act.report_id,
        "reason": act.reason,
        "call_id": context.current().request_id[:64],
    }
    tx.execute(sa.insert(moderation_acts), row)


def acts(tx: Session, review_id: str) -> list[Act]:
    """Returns what administrators did to a review and its comments, first first."""
    query = sa.select(moderation_acts).where(moderation_acts.c.review_id == review_id).order_by(moderation_acts.c.at)
    return [
        Act(
            row["actor_id"],
            row["action"],
            Thing(row["review_id"], row["comment_id"]),
            row["report_id"],
            row["reason"],
        )
        for row in tx.execute(query).mappings()
    ]


def _about(table: sa.Table, thing: Thing) -> tuple[sa.ColumnElement[bool], sa.ColumnElement[bool]]:
    return table.c.review_id == thing.review_id, table.c.comment_id == thing.comment_id


def _one(tx: Session, query: sa.Select[Any]) -> Report | None:
    row = tx.execute(query).mappings().one_or_none()
    return _report(row) if row is not None else None


def _report(row: Mapping[Any, Any]) -> Report:
    return Report(
        report_id=row["report_id"],
        thing=Thing(row["review_id"], row["comment_id"]),
        complaint=Complaint(row["reason"], row["detail"]),
        created_at=row["created_at"],
        reporter_count=row["reporter_count"],
        state=row["state"],
        resolved_at=row["resolved_at"],
        body_markdown=row["body_markdown"],
    )
