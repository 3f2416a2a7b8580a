"""CollaborationService: people who work on lists, links that show them, what is said about them."""

from __future__ import annotations

from typing import Any, TypeVar

from google.protobuf.message import Message

from cine.watchlist.v1 import collaboration_pb2 as pb
from cine.watchlist.v1 import collaboration_pb2_grpc, lists_pb2
from cine_watchlist.domain.access import Role
from cine_watchlist.domain.lists import Invitation
from cine_watchlist.flows.attempts import Attempt
from cine_watchlist.flows.collaboration import Collaboration, ShownInvitation
from cine_watchlist.flows.list_comments import ListComments, ShownComment
from cine_watchlist.flows.sharing import Sharing
from cine_watchlist.servicer.answers import list_item, movie_list
from cine_watchlist.servicer.callers import caller
from cinemesh.paging import PageTokens, page_size
from cinemesh.stamps import stamp

M = TypeVar("M", bound=Message)


class CollaborationServicer(collaboration_pb2_grpc.CollaborationServiceServicer):
    """Turns calls about lists that are kept together into flows and back.

    Args:
        collaboration: invitations and roles.
        sharing: links.
        comments: what is said.
        pages: makes and reads page tokens.
    """

    def __init__(
        self, collaboration: Collaboration, sharing: Sharing, comments: ListComments, pages: PageTokens
    ) -> None:
        self._collaboration = collaboration
        self._sharing = sharing
        self._comments = comments
        self._pages = pages

    async def InviteCollaborator(self, request: pb.InviteCollaboratorRequest, _: Any) -> pb.InviteCollaboratorResponse:
        """Invites somebody to a list by user name."""
        attempt = Attempt("InviteCollaborator", request, pb.InviteCollaboratorResponse, _invited)
        return await self._collaboration.invite(
            caller(), request.list_id, request.username, Role(request.role), attempt
        )

    async def UpdateCollaborator(self, request: pb.UpdateCollaboratorRequest, _: Any) -> pb.UpdateCollaboratorResponse:
        """Gives a collaborator another role."""
        shown = await self._collaboration.change_role(caller(), request.list_id, request.user_id, Role(request.role))
        return pb.UpdateCollaboratorResponse(
            user_id=shown.member.user_id,
            username=shown.username,
            role=shown.member.role.value,
            joined_at=stamp(shown.member.joined_at),
        )

    async def RemoveCollaborator(self, request: pb.RemoveCollaboratorRequest, _: Any) -> pb.RemoveCollaboratorResponse:
        """Takes a collaborator off a list."""
        await self._collaboration.remove(caller(), request.list_id, request.user_id)
        return pb.RemoveCollaboratorResponse()

    async def ListInvitations(self, request: pb.ListInvitationsRequest, _: Any) -> pb.ListInvitationsResponse:
        """Lists the invitations that wait for the caller."""
        page = await self._collaboration.invitations(
            caller(), page_size(request.page_size), self._pages.decode(request)
        )
        return pb.ListInvitationsResponse(
            invitations=[_invitation(shown) for shown in page.invitations],
            next_page_token=self._pages.encode(page.next, request) if page.next is not None else "",
            total_size=page.total,
        )

    async def AcceptInvitation(self, request: pb.AcceptInvitationRequest, _: Any) -> pb.AcceptInvitationResponse:
        """Accepts an invitation."""
        shown = await self._collaboration.accept(caller(), request.invitation_id)
        return pb.AcceptInvitationResponse(list=movie_list(lists_pb2.MovieList, shown))

    async def DeclineInvitation(self, request: pb.DeclineInvitationRequest, _: Any) -> pb.DeclineInvitationResponse:
        """Declines an invitation."""
        await self._collaboration.decline(caller(), request.invitation_id)
        return pb.DeclineInvitationResponse()

    async def ShareList(self, request: pb.ShareListRequest, _: Any) -> pb.ShareListResponse:
        """Makes the link of a list, or gives the one there is."""
        shared = await self._sharing.share(caller(), request.list_id)
        return pb.ShareListResponse(list_id=shared.list_id, share_url=shared.url, share_token=shared.token)

    async def UnshareList(self, request: pb.UnshareListRequest, _: Any) -> pb.UnshareListResponse:
        """Makes the link of a list worthless."""
        await self._sharing.unshare(caller(), request.list_id)
        return pb.UnshareListResponse()

    async def GetSharedList(self, request: pb.GetSharedListRequest, _: Any) -> pb.GetSharedListResponse:
        """Gives the list behind a link, with its first films."""
        shown, page = await self._sharing.shared(
            caller(), request.share_token, page_size(request.page_size), self._pages.decode(request)
        )
        return pb.GetSharedListResponse(
            list=movie_list(lists_pb2.MovieList, shown),
            items=[list_item(lists_pb2.ListItem, one) for one in page.items],
            next_page_token=self._pages.encode(page.next, request) if page.next is not None else "",
            total_size=page.total,
        )

    async def CreateListComment(self, request: pb.CreateListCommentRequest, _: Any) -> pb.CreateListCommentResponse:
        """Comments on a list that allows it."""
        attempt = Attempt("CreateListComment", request, pb.CreateListCommentResponse, _comment)
        return await self._comments.create(caller(), request.list_id, request.body_markdown, attempt)

    async def ListListComments(self, request: pb.ListListCommentsRequest, _: Any) -> pb.ListListCommentsResponse:
        """Lists the comments on a list."""
        page = await self._comments.page(
            caller(), request.list_id, page_size(request.page_size), self._pages.decode(request)
        )
        return pb.ListListCommentsResponse(
            comments=[_comment(pb.ListComment, shown) for shown in page.comments],
            next_page_token=self._pages.encode(page.next, request) if page.next is not None else "",
            total_size=page.total,
        )

    async def DeleteListComment(self, request: pb.DeleteListCommentRequest, _: Any) -> pb.DeleteListCommentResponse:
        """Deletes a comment."""
        await self._comments.delete(caller(), request.list_id, request.comment_id)
        return pb.DeleteListCommentResponse()


def _invited(kind: type[pb.InviteCollaboratorResponse], one: Invitation) -> pb.InviteCollaboratorResponse:
    return kind(
        invitation_id=one.invitation_id,
        list_id=one.list_id,
        username=one.username,
        role=one.role.value,
        expires_at=stamp(one.expires_at),
    )


def _invitation(shown: ShownInvitation) -> pb.Invitation:
    one = shown.invitation
    return pb.Invitation(
        invitation_id=one.invitation_id,
        list_id=one.list_id,
        list_name=shown.list_name,
        invited_by_username=shown.invited_by_username,
        role=one.role.value,
        created_at=stamp(one.created_at),
        expires_at=stamp(one.expires_at),
    )


def _comment(kind: type[M], shown: ShownComment) -> M:
    one = shown.comment
    answer: Any = kind(
        comment_id=one.comment_id,
        list_id=one.list_id,
        user_id=one.user_id,
        username=shown.username,
        body_markdown=one.body_markdown,
        body_html=one.body_html,
        created_at=stamp(one.created_at),
    )
    return answer  # type: ignore[no-any-return]
