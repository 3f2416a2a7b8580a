"""Comments on lists."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

from google.protobuf.message import Message
from ulid import ULID

from cine_watchlist.domain import lists as rules
from cine_watchlist.domain.access import Act, Role, may, may_delete_comment, refusal, unknown_list
from cine_watchlist.domain.lists import Comment, require_room
from cine_watchlist.flows.attempts import Attempt, Attempts
from cine_watchlist.flows.list_showing import ListShowing
from cine_watchlist.flows.naming import with_names
from cine_watchlist.store import Transaction, lists, members
from cine_watchlist.store import comments as store
from cinemesh.clock import Clock, utc_now
from cinemesh.db import Database
from cinemesh.errors import FailedPrecondition, InvalidArgument, NotFound
from cinemesh.markdown import render
from cinemesh.plain_text import plain_text
from cinemesh.projections import People

A = TypeVar("A", bound=Message)


@dataclass(frozen=True, slots=True)
class ShownComment:
    """A comment to show.

    Attributes:
        comment: the comment.
        username: its author's name; empty when the account was deleted.
    """

    comment: Comment
    username: str

    @property
    def nameless(self) -> set[str]:
        """Id of its author, where the name is not known."""
        return {self.comment.user_id} - {""} if not self.username else set()


@dataclass(frozen=True, slots=True)
class CommentPage:
    """Some comments.

    Attributes:
        comments: oldest first.
        next: id of the last one, which the next page follows; None on the last page.
        total: comments on the list.
    """

    comments: list[ShownComment]
    next: str | None
    total: int


class ListComments:
    """What is said about lists.

    Args:
        database: the store.
        attempts: runs what may be sent again.
        people: who is still there.
        showing: finds lists for those who may see them.
        clock: tells the time.
    """

    def __init__(
        self, database: Database, attempts: Attempts, people: People, showing: ListShowing, clock: Clock = utc_now
    ) -> None:
        self._database = database
        self._attempts = attempts
        self._people = people
        self._showing = showing
        self._clock = clock

    async def create(self, user_id: str, list_id: str, markdown: str, attempt: Attempt[ShownComment, A]) -> A:
        """Comments on a list that allows it.

        Raises:
            NotFound: there is no such list.
            InvalidArgument: the text is empty or holds what nobody sees, or the attempt was sent before with another body.
            FailedPrecondition: the list allows no comments, or has too many.
        """
        markdown = plain_text(markdown, "body_markdown", lines=True)
        if not markdown:
            problem = "must not be empty"
            raise InvalidArgument(f"body_markdown {problem}", violations=[("body_markdown", problem)])
        html = render(markdown)
        await self._people.known([user_id])

        def effect(tx: Transaction) -> ShownComment:
            self._people.require_present(tx, user_id)
            found, _ = self._showing.find(tx, list_id, user_id, Act.COMMENT, lock=True)
            if not found.comments_enabled:
                raise FailedPrecondition("the owner of this list allows no comments")
            require_room(store.count(tx, list_id) + 1, rules.MOST_COMMENTS, "a list holds {} comments at most")
            made = Comment(str(ULID()), list_id, user_id, markdown, html, self._clock())
            store.insert(tx, made)
            return self._show(tx, [made])[0]

        return await self._attempts.run(attempt, effect)

    async def page(self, user_id: str, list_id: str, limit: int, after: str | None) -> CommentPage:
        """Returns a page of the comments on a list that the caller may see. Those there are stay when no more are allowed.

        Raises:
            NotFound: there is no such list.
        """

        def read(tx: Transaction) -> CommentPage:
            self._showing.find(tx, list_id, user_id, Act.SEE)
            found = store.page(tx, list_id, limit + 1, after)
            following = found[limit - 1].comment_id if len(found) > limit else None
            return CommentPage(self._show(tx, found[:limit]), following, store.count(tx, list_id))

        return await with_names(self._database, self._people, read, lambda page: page.comments)

    async def delete(self, user_id: str, list_id: str, comment_id: str) -> None:
        """Deletes a comment; for its author and the list's owner.

        Raises:
            NotFound: there is no such comment, or the caller may not see it.
            PermissionDenied: it is somebody else's.
        """

        def change(tx: Transaction) -> None:
            self._people.require_present(tx, user_id)
            found = lists.by_id(tx, list_id) if "\x00" not in list_id else None
            if found is None:
                raise unknown_list()
            comment = store.by_id(tx, list_id, comment_id) if "\x00" not in comment_id else None
            role: Role = members.role(tx, list_id, user_id)
            visible = may(Act.SEE, role, found.visibility)
            own = comment is not None and comment.user_id == user_id
            if not visible and not own:
                raise unknown_list()
            if comment is None:
                raise NotFound("there is no such comment", violations=[("comment_id", "is not known")])
            if not may_delete_comment(role, own=own):
                raise refusal(visible)
            store.delete(tx, comment_id)

        await self._database.write(change)

    def _show(self, tx: Transaction, found: list[Comment]) -> list[ShownComment]:
        names = self._showing.names(tx, {one.user_id for one in found})
        return [ShownComment(one, names.get(one.user_id, "")) for one in found]
