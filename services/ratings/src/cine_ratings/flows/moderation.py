"""Moderation: people report what they read, administrators hide it or settle the report."""

from __future__ import annotations

from dataclasses import replace

from ulid import ULID

from cine.ratings.v1 import events_pb2
from cine_ratings.domain.comment import Comment
from cine_ratings.domain.moderation import HIDDEN, OPEN, SETTLED, Act, Complaint, Report, State, Thing
from cine_ratings.domain.review import Review, Viewer
from cine_ratings.flows.comments import locked, tell_of
from cine_ratings.flows.review_reading import Page
from cine_ratings.flows.shown import seen
from cine_ratings.store import Transaction, comments, counts, moderation, reviews
from cine_ratings.store.moderation import Position
from cinemesh.clock import Clock, utc_now
from cinemesh.db import Database
from cinemesh.errors import FailedPrecondition, NotFound
from cinemesh.outbox import Outbox
from cinemesh.projections import People


class Moderation:
    """What is done about texts that should not be there.

    Args:
        database: the store.
        outbox: tells other services.
        people: knows who has left.
        clock: tells the time.
    """

    def __init__(self, database: Database, outbox: Outbox, people: People, clock: Clock = utc_now) -> None:
        self._database = database
        self._people = people
        self._outbox = outbox
        self._clock = clock

    async def report_review(self, viewer: Viewer, review_id: str, complaint: Complaint) -> str:
        """Reports a review; again changes nothing. Returns the id of the report, which is one for all who report the same.

        Raises:
            NotFound: there is no such review, or it is hidden from them.
            Unauthenticated: their account was deleted.
        """

        def effect(tx: Transaction) -> str:
            self._people.require_present(tx, viewer.user_id)
            review = seen(reviews.locked(tx, review_id), viewer)
            return self._report(tx, viewer, Thing(review.review_id), complaint)

        return await self._database.write(effect)

    async def report_comment(self, viewer: Viewer, comment_id: str, complaint: Complaint) -> str:
        """Reports a comment; otherwise as `report_review`.

        Raises:
            NotFound: there is no such comment, or only its place is left.
        """

        def effect(tx: Transaction) -> str:
            self._people.require_present(tx, viewer.user_id)
            review, comment = locked(tx, comment_id, viewer)
            if comment.hidden:
                raise NotFound("there is no such comment", violations=[("comment_id", "is hidden already")])
            return self._report(tx, viewer, Thing(review.review_id, comment_id), complaint)

        return await self._database.write(effect)

    def _report(self, tx: Transaction, viewer: Viewer, thing: Thing, complaint: Complaint) -> str:
        now = self._clock()
        earlier = moderation.reported_as(tx, thing, viewer.user_id)
        if earlier:
            return earlier
        report = moderation.open_about(tx, thing)
        if report is None:
            report = Report(str(ULID()), thing, complaint, now)
            moderation.insert(tx, report)
        else:
            moderation.count_reporter(tx, report.report_id)
        moderation.add_reporter(tx, report, viewer.user_id, now)
        return report.report_id

    async def hide_review(self, viewer: Viewer, review_id: str, reason: str, *, hidden: bool) -> None:
        """Hides a review, or shows it again; what is so already stays as it is.

        Raises:
            NotFound: there is no such review.
        """

        def effect(tx: Transaction) -> None:
            review = seen(reviews.locked(tx, review_id), viewer)
            self._hide_review(tx, viewer, review, hidden=hidden, reason=reason, told=reason)
            if hidden:
                self._settle_open(tx, Thing(review_id))

        await self._database.write(effect)

    async def hide_comment(self, viewer: Viewer, comment_id: str, reason: str, *, hidden: bool) -> None:
        """Hides a comment, or shows it again; what is so already stays as it is.

        Raises:
            NotFound: there is no such comment, or it was deleted.
        """

        def effect(tx: Transaction) -> None:
            review, comment = locked(tx, comment_id, viewer)
            self._hide_comment(tx, viewer, review, comment, hidden=hidden, reason=reason, told=reason)
            if hidden:
                self._settle_open(tx, Thing(review.review_id, comment_id))

        await self._database.write(effect)

    async def find(self, state: State, size: int, after: Position | None) -> Page[Report]:
        """Returns a page of reports in a state, oldest first."""

        def read(tx: Transaction) -> Page[Report]:
            found = moderation.find(tx, state, size + 1, after)
            following = moderation.position(found[size - 1]) if len(found) > size else None
            return Page(found[:size], following, moderation.count(tx, state))

        return await self._database.read(read)

    async def resolve(self, viewer: Viewer, report_id: str, action: str, reason: str) -> Report:
        """Settles a report; in the same way again changes nothing.

        Args:
            viewer: the administrator.
            report_id: which.
            action: "hide" what was reported, or "dismiss" the report.
            reason: why, for the audit log.

        Raises:
            NotFound: there is no such report, or what it is about is gone.
            FailedPrecondition: it was settled in the other way.
        """
        state = SETTLED[action]

        def effect(tx: Transaction) -> Report:
            report = _locked(tx, report_id)
            if report.state == state:
                return report
            if report.state != OPEN:
                raise FailedPrecondition(f"the report was settled already: {report.state}")
            if state == HIDDEN:
                self._hide(tx, viewer, report, reason)
            else:
                act = Act(viewer.user_id, "report.dismiss", report.thing, report_id, reason)
                moderation.record(tx, act, self._clock())
            moderation.settle(tx, report_id, state, self._clock())
            return _required(moderation.by_id(tx, report_id))

        return await self._database.write(effect)

    def _hide(self, tx: Transaction, viewer: Viewer, report: Report, reason: str) -> None:
        # what the administrator noted is for the log; the author learns what the report was for
        told, report_id = report.complaint.reason, report.report_id
        if report.thing.comment_id:
            review, comment = locked(tx, report.thing.comment_id, viewer)
            self._hide_comment(tx, viewer, review, comment, hidden=True, reason=reason, told=told, report_id=report_id)
        else:
            review = seen(reviews.locked(tx, report.thing.review_id), viewer)
            self._hide_review(tx, viewer, review, hidden=True, reason=reason, told=told, report_id=report_id)

    def _hide_review(
        self,
        tx: Transaction,
        viewer: Viewer,
        review: Review,
        *,
        hidden: bool,
        reason: str,
        told: str,
        report_id: str = "",
    ) -> None:
        if review.hidden == hidden:
            return
        now = self._clock()
        reviews.put(
            tx, replace(review, hidden=hidden, hidden_reason=told if hidden else "", version=review.version + 1)
        )
        counts.add_reviews(tx, {review.movie_id: -1 if hidden else 1})
        act = Act(viewer.user_id, _named("review", hidden), Thing(review.review_id), report_id, reason)
        moderation.record(tx, act, now)
        event = events_pb2.ReviewHidden(review_id=review.review_id, movie_id=review.movie_id, hidden=hidden)
        self._outbox.append(tx, subject=f"reviews/{review.review_id}", data=event, time=now)

    def _hide_comment(
        self,
        tx: Transaction,
        viewer: Viewer,
        review: Review,
        comment: Comment,
        *,
        hidden: bool,
        reason: str,
        told: str,
        report_id: str = "",
    ) -> None:
        if comment.hidden == hidden:
            return
        now = self._clock()
        after = replace(comment, hidden=hidden, hidden_reason=told if hidden else "", version=comment.version + 1)
        comments.put(tx, after)
        count = review.comment_count + (-1 if hidden else 1)
        reviews.set_counts(tx, review.review_id, comment_count=count)
        thing = Thing(review.review_id, comment.comment_id)
        moderation.record(tx, Act(viewer.user_id, _named("comment", hidden), thing, report_id, reason), now)
        tell_of(self._outbox, tx, after, count, now)

    def _settle_open(self, tx: Transaction, thing: Thing) -> None:
        report = moderation.open_about(tx, thing)
        if report is not None:
            moderation.settle(tx, report.report_id, HIDDEN, self._clock())


def _locked(tx: Transaction, report_id: str) -> Report:
    report = _required(moderation.by_id(tx, report_id))
    reviews.locked(tx, report.thing.review_id)
    return _required(moderation.by_id(tx, report_id))  # as it is now that nobody else changes it


def _required(report: Report | None) -> Report:
    if report is None:
        raise NotFound("there is no such report", violations=[("report_id", "is not known")])
    return report


def _named(kind: str, hidden: bool) -> str:
    return f"{kind}.{'hide' if hidden else 'show'}"
