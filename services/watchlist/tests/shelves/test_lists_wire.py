"""ListService and CollaborationService over the wire."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from google.protobuf.field_mask_pb2 import FieldMask

from cine.watchlist.v1 import collaboration_pb2 as together
from cine.watchlist.v1 import lists_pb2 as pb
from cine.watchlist.v1 import lists_pb2_grpc, watchlist_pb2
from cinemesh.errors import Code, Reason

from .conftest import ADA, BEN, CAT, FILMS, MovableClock
from .wire import Calls, Mesh, mesh_of, refused


@pytest.fixture
async def mesh(tmp_path: Path, clock: MovableClock) -> AsyncIterator[Mesh]:
    async with mesh_of(tmp_path, clock, FILMS) as made:
        yield made


@pytest.fixture
def ada(mesh: Mesh) -> Calls:
    return Calls(mesh, ADA)


@pytest.fixture
def ben(mesh: Mesh) -> Calls:
    return Calls(mesh, BEN)


@pytest.fixture
def anybody(mesh: Mesh) -> Calls:
    return Calls(mesh)


def films(answer: Any) -> list[int]:
    return [item.movie_id for item in answer.items]


async def test_a_list_is_made_shown_changed_and_deleted(ada: Calls, anybody: Calls) -> None:
    made = await ada.CreateList(pb.CreateListRequest(name="Rain", movie_ids=[3, 1], ranked=True))
    assert (made.name, made.visibility, made.ranked, made.item_count) == ("Rain", "PRIVATE", True, 2)
    # somebody of whom no event was heard has a name all the same
    assert (made.owner_username, made.my_role, made.owner_id) == ("Ada", "owner", ADA)
    assert [(one.username, one.role) for one in made.collaborators] == [("Ada", "owner")]
    get = pb.GetListRequest(list_id=made.list_id)
    assert (await ada.GetList(get)).SerializeToString() == made.SerializeToString()
    assert (await refused(anybody.GetList(get))).code is Code.NOT_FOUND
    update = pb.UpdateListRequest(list_id=made.list_id, visibility="PUBLIC", description="wet", etag=made.etag)
    changed = await ada.UpdateList(update)
    assert (changed.visibility, changed.description, changed.name) == ("PUBLIC", "wet", "Rain")
    failure = await refused(ada.UpdateList(update))
    assert (failure.code, failure.reason) == (Code.ABORTED, Reason.ETAG_MISMATCH)
    shown = await anybody.GetList(get)
    assert (shown.my_role, len(shown.collaborators), shown.owner_username) == ("", 0, "Ada")
    masked = pb.UpdateListRequest(list_id=made.list_id, update_mask=FieldMask(paths=["description", "ranked"]))
    emptied = await ada.UpdateList(masked)
    assert (emptied.description, emptied.ranked, emptied.name) == ("", False, "Rain")
    nameless = pb.UpdateListRequest(list_id=made.list_id, update_mask=FieldMask(paths=["name"]))
    assert (await refused(ada.UpdateList(nameless))).code is Code.INVALID_ARGUMENT
    await ada.DeleteList(pb.DeleteListRequest(list_id=made.list_id))
    assert (await refused(ada.GetList(get))).code is Code.NOT_FOUND


async def test_one_request_id_makes_one_list(ada: Calls) -> None:
    request = pb.CreateListRequest(name="Rain", movie_ids=[1], request_id="l-1")
    answers = await asyncio.gather(*(ada.CreateList(request) for _ in range(10)))
    assert len({answer.SerializeToString() for answer in answers}) == 1
    assert (await ada.ListLists(pb.ListListsRequest())).total_size == 1
    add = pb.AddListItemRequest(list_id=answers[0].list_id, movie_id=2, request_id="l-1")
    added = await asyncio.gather(*(ada.AddListItem(add) for _ in range(10)))
    assert len({answer.SerializeToString() for answer in added}) == 1
    changed = pb.AddListItemRequest(list_id=answers[0].list_id, movie_id=3, request_id="l-1")
    assert (await refused(ada.AddListItem(changed))).reason is Reason.REQUEST_ID_REUSED
    assert (await ada.GetList(pb.GetListRequest(list_id=answers[0].list_id))).item_count == 2


async def test_films_that_do_not_exist_are_named(ada: Calls) -> None:
    failure = await refused(ada.CreateList(pb.CreateListRequest(name="Rain", movie_ids=[1, 77, 2, 78])))
    assert (failure.code, failure.reason) == (Code.NOT_FOUND, Reason.MOVIE_NOT_FOUND)
    assert [field for field, _ in failure.violations] == ["movie_ids[1]", "movie_ids[3]"]
    made = await ada.CreateList(pb.CreateListRequest(name="Rain"))
    failure = await refused(ada.AddListItem(pb.AddListItemRequest(list_id=made.list_id, movie_id=77)))
    assert failure.reason is Reason.MOVIE_NOT_FOUND


async def test_films_on_a_list(ada: Calls, ben: Calls) -> None:
    made = await ada.CreateList(pb.CreateListRequest(name="Rain", movie_ids=[1, 2], visibility="PUBLIC"))
    item = await ben.AddItem(watchlist_pb2.AddItemRequest(movie_id=2))
    await ben.MarkWatched(watchlist_pb2.MarkWatchedRequest(item_id=item.item_id))
    added = await ada.AddListItem(pb.AddListItemRequest(list_id=made.list_id, movie_id=3, notes="loud"))
    assert (added.position, added.notes, added.added_by_username, added.movie.title) == (3, "loud", "Ada", "Casablanca")
    pages, token = [], ""
    while True:
        request = pb.ListListItemsRequest(list_id=made.list_id, page_size=2, page_token=token)
        answer = await ben.ListListItems(request)
        pages.append([(one.movie_id, one.position, one.seen) for one in answer.items])
        if not (token := answer.next_page_token):
            break
    assert pages == [[(1, 1, False), (2, 2, True)], [(3, 3, False)]] and answer.total_size == 3
    assert (await ben.GetList(pb.GetListRequest(list_id=made.list_id))).seen_count == 1
    noted = await ada.UpdateListItem(
        pb.UpdateListItemRequest(list_id=made.list_id, item_id=added.item_id, notes="", etag=added.etag)
    )
    assert noted.notes == "" and noted.etag != added.etag
    moved = await ada.MoveListItem(pb.MoveListItemRequest(list_id=made.list_id, item_id=added.item_id))
    assert moved.position == 1
    for call in (
        ben.AddListItem(pb.AddListItemRequest(list_id=made.list_id, movie_id=4)),
        ben.MoveListItem(pb.MoveListItemRequest(list_id=made.list_id, item_id=added.item_id)),
        ben.UpdateListItem(pb.UpdateListItemRequest(list_id=made.list_id, item_id=added.item_id, notes="x")),
        ben.RemoveListItem(pb.RemoveListItemRequest(list_id=made.list_id, item_id=added.item_id)),
        ben.DeleteList(pb.DeleteListRequest(list_id=made.list_id)),
    ):
        failure = await refused(call)
        assert (failure.code, failure.reason) == (Code.PERMISSION_DENIED, Reason.ACCESS_DENIED)
    await ada.RemoveListItem(pb.RemoveListItemRequest(list_id=made.list_id, item_id=added.item_id, etag=moved.etag))
    assert films(await ada.ListListItems(pb.ListListItemsRequest(list_id=made.list_id))) == [1, 2]


async def test_working_together(mesh: Mesh, ada: Calls, ben: Calls) -> None:
    made = await ada.CreateList(pb.CreateListRequest(name="Rain"))
    invite = together.InviteCollaboratorRequest(list_id=made.list_id, username="ben", role="editor", request_id="i-1")
    answers = await asyncio.gather(*(ada.InviteCollaborator(invite) for _ in range(5)))
    assert len({answer.SerializeToString() for answer in answers}) == 1
    nobody = together.InviteCollaboratorRequest(list_id=made.list_id, username="nobody-at-all", role="viewer")
    into_the_void = await ada.InviteCollaborator(nobody)
    assert {field.name for field, _ in into_the_void.ListFields()} == {
        field.name for field, _ in answers[0].ListFields()
    }
    assert (into_the_void.username, into_the_void.expires_at) == ("nobody-at-all", answers[0].expires_at)
    waiting = await ben.ListInvitations(together.ListInvitationsRequest())
    (one,) = waiting.invitations
    assert (one.list_name, one.invited_by_username, one.role, waiting.total_size) == ("Rain", "Ada", "editor", 1)
    accepted = await ben.AcceptInvitation(together.AcceptInvitationRequest(invitation_id=one.invitation_id))
    assert accepted.list.my_role == "editor"
    assert [person.username for person in accepted.list.collaborators] == ["Ada", "Ben"]
    await ben.AddListItem(pb.AddListItemRequest(list_id=made.list_id, movie_id=1))
    for role, count in (("", 1), ("editor", 1), ("owner", 0)):
        assert (await ben.ListLists(pb.ListListsRequest(role=role))).total_size == count
    update = together.UpdateCollaboratorRequest(list_id=made.list_id, user_id=BEN, role="viewer")
    changed = await ada.UpdateCollaborator(update)
    assert (changed.username, changed.role) == ("Ben", "viewer")
    assert (await refused(ben.UpdateCollaborator(update))).code is Code.PERMISSION_DENIED
    await ben.RemoveCollaborator(together.RemoveCollaboratorRequest(list_id=made.list_id, user_id=BEN))
    assert (await refused(ben.GetList(pb.GetListRequest(list_id=made.list_id)))).code is Code.NOT_FOUND
    again = await ada.InviteCollaborator(
        together.InviteCollaboratorRequest(list_id=made.list_id, username="Ben", role="viewer")
    )
    await ben.DeclineInvitation(together.DeclineInvitationRequest(invitation_id=again.invitation_id))
    accept = together.AcceptInvitationRequest(invitation_id=again.invitation_id)
    assert (await refused(ben.AcceptInvitation(accept))).code is Code.NOT_FOUND


async def test_names_follow_those_who_change_them(mesh: Mesh, ada: Calls) -> None:
    made = await ada.CreateList(pb.CreateListRequest(name="Rain", movie_ids=[1], visibility="PUBLIC"))
    await mesh.identity.rename(ADA, "countess")

    async def renamed() -> bool:
        return bool((await ada.GetList(pb.GetListRequest(list_id=made.list_id))).owner_username == "countess")

    await mesh.until(renamed)
    items = await ada.ListListItems(pb.ListListItemsRequest(list_id=made.list_id))
    assert items.items[0].added_by_username == "countess"


async def test_a_name_that_could_not_be_had_at_first_is_shown_later(mesh: Mesh, ada: Calls, anybody: Calls) -> None:
    mesh.identity.away = True
    made = await ada.CreateList(
        pb.CreateListRequest(name="Rain", movie_ids=[1], visibility="PUBLIC", comments_enabled=True)
    )
    written = await ada.CreateListComment(
        together.CreateListCommentRequest(list_id=made.list_id, body_markdown="Loud.")
    )
    assert (made.owner_username, written.username) == ("", "")
    mesh.identity.away = False
    items = await anybody.ListListItems(pb.ListListItemsRequest(list_id=made.list_id))
    comments = await anybody.ListListComments(together.ListListCommentsRequest(list_id=made.list_id))
    shown = await anybody.GetList(pb.GetListRequest(list_id=made.list_id))
    assert items.items[0].added_by_username == comments.comments[0].username == shown.owner_username == "Ada"


async def test_a_link_opens_a_list_to_anybody(ada: Calls, anybody: Calls) -> None:
    made = await ada.CreateList(pb.CreateListRequest(name="Rain", movie_ids=[1, 2, 3], visibility="UNLISTED"))
    share = together.ShareListRequest(list_id=made.list_id)
    shared = await ada.ShareList(share)
    assert shared.share_url.startswith("https://films.example.org/") and shared.share_url.endswith(shared.share_token)
    assert (await ada.GetList(pb.GetListRequest(list_id=made.list_id))).share_url == shared.share_url
    answer = await anybody.GetSharedList(together.GetSharedListRequest(share_token=shared.share_token, page_size=2))
    assert (answer.list.name, answer.list.share_url, len(answer.list.collaborators)) == ("Rain", "", 0)
    assert films(answer) == [1, 2] and answer.total_size == 3
    rest = await anybody.GetSharedList(
        together.GetSharedListRequest(share_token=shared.share_token, page_size=2, page_token=answer.next_page_token)
    )
    assert films(rest) == [3] and not rest.next_page_token
    # the link shows and does no more
    for call in (
        anybody.GetList(pb.GetListRequest(list_id=made.list_id)),
        anybody.ListListItems(pb.ListListItemsRequest(list_id=made.list_id)),
    ):
        assert (await refused(call)).code is Code.NOT_FOUND
    await ada.UnshareList(together.UnshareListRequest(list_id=made.list_id))
    opened = together.GetSharedListRequest(share_token=shared.share_token)
    assert (await refused(anybody.GetSharedList(opened))).code is Code.NOT_FOUND
    private = await ada.CreateList(pb.CreateListRequest(name="Diary"))
    failure = await refused(ada.ShareList(together.ShareListRequest(list_id=private.list_id)))
    assert (failure.code, failure.reason) == (Code.FAILED_PRECONDITION, Reason.FAILED_PRECONDITION)


async def test_comments(mesh: Mesh, ada: Calls, ben: Calls, anybody: Calls) -> None:
    create = pb.CreateListRequest(name="Rain", visibility="PUBLIC", comments_enabled=True)
    made = await ada.CreateList(create)
    text = "**Loud** <img src=x onerror=alert(1)> [x](javascript:alert(1))"
    request = together.CreateListCommentRequest(list_id=made.list_id, body_markdown=text, request_id="c-1")
    written = await asyncio.gather(*(ben.CreateListComment(request) for _ in range(5)))
    assert len({one.SerializeToString() for one in written}) == 1
    assert (written[0].username, written[0].user_id, written[0].body_markdown) == ("Ben", BEN, text)
    assert "<strong>Loud</strong>" in written[0].body_html
    assert "<img" not in written[0].body_html and "href" not in written[0].body_html
    listed = await anybody.ListListComments(together.ListListCommentsRequest(list_id=made.list_id))
    assert [one.comment_id for one in listed.comments] == [written[0].comment_id] and listed.total_size == 1
    delete = together.DeleteListCommentRequest(list_id=made.list_id, comment_id=written[0].comment_id)
    assert (await refused(Calls(mesh, CAT).DeleteListComment(delete))).code is Code.PERMISSION_DENIED
    await mesh.identity.delete_account(BEN)

    async def nameless() -> bool:
        found = await anybody.ListListComments(together.ListListCommentsRequest(list_id=made.list_id))
        return [(one.username, one.user_id, one.body_markdown) for one in found.comments] == [("", "", text)]

    await mesh.until(nameless)
    await ada.DeleteListComment(delete)
    await ada.UpdateList(pb.UpdateListRequest(list_id=made.list_id, comments_enabled=False))
    failure = await refused(ada.CreateListComment(request))
    assert failure.code is Code.FAILED_PRECONDITION


async def test_a_service_is_nobody_here(mesh: Mesh, ada: Calls) -> None:
    made = await ada.CreateList(pb.CreateListRequest(name="Rain", movie_ids=[1]))
    metadata = mesh.tokens.metadata(mesh.tokens.service(ADA))
    stub = mesh.running.stub(lists_pb2_grpc.ListServiceStub)
    failure = await refused(stub.GetList(pb.GetListRequest(list_id=made.list_id), metadata=metadata))
    assert failure.code is Code.NOT_FOUND
