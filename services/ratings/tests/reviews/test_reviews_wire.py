"""Reviews, comments and moderation over the real server, on both databases."""

from __future__ import annotations

import asyncio
from typing import Any

import grpc
import pytest

from cine.ratings.v1 import comments_pb2 as talk
from cine.ratings.v1 import moderation_pb2 as order
from cine.ratings.v1 import ratings_pb2
from cine.ratings.v1 import reviews_pb2 as pb
from cinemesh.errors import Code, Reason
from cinemesh.rpc_status import failure_of
from cinemesh.testing.markup import ATTACKS, read_markup

from .conftest import Wire


async def get(wire: Wire, review_id: str, who: str = "") -> Any:
    return await wire.reviews.GetReview(pb.GetReviewRequest(review_id=review_id), metadata=wire.by(who))


async def of_film(wire: Wire, who: str = "", **query: Any) -> Any:
    request = pb.ListMovieReviewsRequest(movie_id=603, **query)
    return await wire.reviews.ListMovieReviews(request, metadata=wire.by(who))


async def thread(wire: Wire, review_id: str, who: str = "", **query: Any) -> Any:
    request = talk.ListCommentsRequest(review_id=review_id, **query)
    return await wire.comments.ListComments(request, metadata=wire.by(who))


async def test_a_review_is_whole_for_its_author_and_public_for_everybody(wire: Wire) -> None:
    made = await wire.review("ada", body="*So* good. ![x](https://e.example/x.png)", title="Wow", overall=4.5)
    assert (made.user_id, made.username, made.movie_id, made.title) == ("u-ada", "ada", 603, "Wow")
    assert (made.overall, made.revision, made.like_count, made.hidden) == (4.5, 1, 0, False)
    assert made.body_html.startswith("<p><em>So</em> good.") and "<img" not in made.body_html
    assert made.movie.title == "The Matrix" and not made.HasField("sentiment")
    assert made.created_at == made.updated_at and made.etag
    found = await get(wire, made.review_id)
    assert found.SerializeToString() == made.SerializeToString()
    (listed,) = (await of_film(wire)).reviews
    assert listed.review_id == made.review_id and not listed.HasField("movie")
    rating = await wire.ratings.GetMyRating(ratings_pb2.GetMyRatingRequest(movie_id=603), metadata=wire.by("ada"))
    assert rating.overall == 4.5
    summary = await wire.ratings.GetMovieRatings(ratings_pb2.GetMovieRatingsRequest(movie_id=603))
    assert (summary.review_count, summary.rating_count) == (1, 1)


async def test_what_is_no_review_is_refused(wire: Wire) -> None:
    for field, request in {
        "body_markdown": pb.CreateReviewRequest(movie_id=603, body_markdown=" \n "),
        "title": pb.CreateReviewRequest(movie_id=603, body_markdown="Good.", title="a\nb"),
        "overall": pb.CreateReviewRequest(movie_id=603, body_markdown="Good.", overall=4.3),
    }.items():
        failure = await wire.refused(wire.reviews.CreateReview(request, metadata=wire.by("ada")))
        assert failure.code is Code.INVALID_ARGUMENT and failure.violations[0][0] == field
    failure = await wire.refused(wire.review("ada", 999))
    assert (failure.code, failure.reason) == (Code.NOT_FOUND, Reason.MOVIE_NOT_FOUND)
    made = await wire.review("ada")
    failure = await wire.refused(wire.review("ada"))
    assert failure.code is Code.ALREADY_EXISTS and failure.metadata["review_id"] == made.review_id
    for review_id in ("nothing", "\x00", "01J00000000000000000000000"):
        failure = await wire.refused(get(wire, review_id))
        assert failure.code is (Code.INVALID_ARGUMENT if "\x00" in review_id else Code.NOT_FOUND)


async def test_an_attempt_that_is_sent_again_has_one_effect(wire: Wire) -> None:
    answers = await asyncio.gather(*(wire.review("ada", overall=3.0, request_id="one") for _ in range(10)))
    assert len({one.SerializeToString() for one in answers}) == 1
    assert (await of_film(wire)).total_size == 1
    failure = await wire.refused(wire.review("ada", body="Else.", request_id="one"))
    assert (failure.code, failure.reason) == (Code.INVALID_ARGUMENT, Reason.REQUEST_ID_REUSED)
    review_id = answers[0].review_id
    said = await asyncio.gather(*(wire.comment("bob", review_id, request_id="one") for _ in range(10)))
    assert len({one.SerializeToString() for one in said}) == 1
    assert (await thread(wire, review_id)).total_size == 1
    failure = await wire.refused(wire.comment("bob", review_id, "Else.", request_id="one"))
    assert failure.reason is Reason.REQUEST_ID_REUSED
    await wire.comment("cy", review_id, request_id="one")  # another person's name of an attempt is another
    assert (await get(wire, review_id)).comment_count == 2


async def test_a_review_is_edited_by_fields_and_mask(wire: Wire) -> None:
    made = await wire.review("ada", title="Wow", contains_spoilers=True)

    async def update(who: str = "ada", **fields: Any) -> Any:
        request = pb.UpdateReviewRequest(review_id=made.review_id, **fields)
        return await wire.reviews.UpdateReview(request, metadata=wire.by(who))

    changed = await update(body_markdown="Better.", etag=made.etag)
    assert (changed.body_markdown, changed.title, changed.contains_spoilers) == ("Better.", "Wow", True)
    emptied = await update(update_mask={"paths": ["title", "contains_spoilers"]})
    assert (emptied.title, emptied.contains_spoilers, emptied.revision) == ("", False, 3)
    failure = await wire.refused(update(title="Late", etag=made.etag))
    assert (failure.code, failure.reason) == (Code.ABORTED, Reason.ETAG_MISMATCH)
    assert (await wire.refused(update("bob", title="Mine"))).code is Code.PERMISSION_DENIED
    history = pb.ListReviewRevisionsRequest(review_id=made.review_id, page_size=1)
    first = await wire.reviews.ListReviewRevisions(history, metadata=wire.by("ada"))
    assert (first.total_size, first.revisions[0].revision, first.revisions[0].title) == (2, 2, "Wow")
    history.page_token = first.next_page_token
    last = await wire.reviews.ListReviewRevisions(history, metadata=wire.by("ada"))
    assert (last.next_page_token, last.revisions[0].body_html) == ("", "<p>Good.</p>")
    history.page_token = ""
    refusal = await wire.refused(wire.reviews.ListReviewRevisions(history, metadata=wire.by("bob")))
    assert refusal.code is Code.PERMISSION_DENIED


async def test_likes_are_the_readers_own(wire: Wire) -> None:
    review_id = (await wire.review("ada")).review_id
    like, unlike = pb.LikeReviewRequest(review_id=review_id), pb.UnlikeReviewRequest(review_id=review_id)
    for _ in range(2):
        liked = await wire.reviews.LikeReview(like, metadata=wire.by("bob"))
        assert (liked.review_id, liked.like_count, liked.liked_by_me) == (review_id, 1, True)
    seen = {who: (await get(wire, review_id, who)).liked_by_me for who in ("", "ada", "bob", "service")}
    assert seen == {"": False, "ada": False, "bob": True, "service": False}
    (listed,) = (await of_film(wire, "bob")).reviews
    assert listed.liked_by_me and listed.like_count == 1
    for _ in range(2):
        left = await wire.reviews.UnlikeReview(unlike, metadata=wire.by("bob"))
        assert (left.like_count, left.liked_by_me) == (0, False)


async def test_lists_are_read_page_by_page(wire: Wire) -> None:
    for number, who in enumerate(("ada", "bob", "cy")):
        await wire.review(who, overall=float(number), title=str(number))
    await wire.review("ada", 604)
    pages = []
    token = ""
    while True:
        page = await of_film(wire, order_by="highest", page_size=2, page_token=token)
        pages.append([one.title for one in page.reviews])
        token = page.next_page_token
        if not token:
            break
        first = token
    assert pages == [["2", "1"], ["0"]]
    failure = await wire.refused(of_film(wire, order_by="lowest", page_size=2, page_token=first))
    assert failure.reason is Reason.INVALID_PAGE_TOKEN
    mine = await wire.reviews.ListMyReviews(pb.ListMyReviewsRequest(page_size=1), metadata=wire.by("ada"))
    assert (mine.total_size, mine.reviews[0].movie.title) == (2, "The Matrix Reloaded")
    request = pb.ListMyReviewsRequest(page_size=1, page_token=mine.next_page_token)
    rest = await wire.reviews.ListMyReviews(request, metadata=wire.by("ada"))
    assert (rest.reviews[0].movie_id, rest.next_page_token) == (603, "")


async def test_ones_own_review_of_a_film_is_found(wire: Wire) -> None:
    """Whoever wrote many must not have to read them all."""
    review = await wire.review("ada", 603)
    await wire.review("ada", 604)
    await wire.review("bob", 2571)
    for movie_id, ids in ((603, [review.review_id]), (2571, []), (1, [])):
        found = await wire.reviews.ListMyReviews(pb.ListMyReviewsRequest(movie_id=movie_id), metadata=wire.by("ada"))
        assert ([one.review_id for one in found.reviews], found.total_size) == (ids, len(ids))
    failure = await wire.refused(
        wire.reviews.ListMyReviews(pb.ListMyReviewsRequest(movie_id=-1), metadata=wire.by("ada"))
    )
    assert failure.violations[0][0] == "movie_id"


async def test_threads_are_read_page_by_page(wire: Wire) -> None:
    review_id = (await wire.review("ada")).review_id
    first = await wire.comment("bob", review_id, "1")
    await wire.comment("cy", review_id, "2")
    answer = await wire.comment("ada", review_id, "1.1", parent_comment_id=first.comment_id)
    assert (answer.depth, answer.parent_comment_id, answer.username) == (1, first.comment_id, "ada")
    page = await thread(wire, review_id, page_size=2)
    assert [one.body_markdown for one in page.comments] == ["1", "1.1"] and page.total_size == 3
    rest = await thread(wire, review_id, page_size=2, page_token=page.next_page_token)
    assert [one.body_markdown for one in rest.comments] == ["2"] and not rest.next_page_token
    request = talk.UpdateCommentRequest(comment_id=first.comment_id, body_markdown="*One*", etag=first.etag)
    changed = await wire.comments.UpdateComment(request, metadata=wire.by("bob"))
    assert changed.body_html == "<p><em>One</em></p>"
    gone = talk.DeleteCommentRequest(comment_id=first.comment_id, etag=changed.etag)
    assert (
        await wire.refused(wire.comments.DeleteComment(gone, metadata=wire.by("cy")))
    ).code is Code.PERMISSION_DENIED
    await wire.comments.DeleteComment(gone, metadata=wire.by("bob"))
    left = (await thread(wire, review_id)).comments[0]
    assert (left.deleted, left.body_markdown, left.body_html, left.reply_count) == (True, "", "", 1)
    assert (await get(wire, review_id)).comment_count == 2


async def test_a_reported_review_is_hidden_and_its_author_learns_why(wire: Wire) -> None:
    review_id = (await wire.review("ada", body="Buy!")).review_id
    complaint = order.ReportReviewRequest(review_id=review_id, reason="spam", detail="An advertisement.")
    told = [(await wire.moderation.ReportReview(complaint, metadata=wire.by(who))).report_id for who in ("bob", "cy")]
    assert told[0] == told[1]
    listed = await wire.moderation.ListReports(order.ListReportsRequest(), metadata=wire.by("boss"))
    (report,) = listed.reports
    assert (report.report_id, report.reporter_count, report.body_markdown) == (told[0], 2, "Buy!")
    assert (report.state, report.detail, report.HasField("resolved_at")) == ("open", "An advertisement.", False)
    request = order.HideReviewRequest(review_id=review_id, hidden=True, reason="No advertisements, please.")
    assert (await wire.moderation.HideReview(request, metadata=wire.by("boss"))).hidden
    assert (await wire.refused(get(wire, review_id))).code is Code.NOT_FOUND
    assert (await wire.refused(get(wire, review_id, "bob"))).code is Code.NOT_FOUND
    for who in ("ada", "boss"):
        shown = await get(wire, review_id, who)
        assert (shown.hidden, shown.hidden_reason) == (True, "No advertisements, please.")
    assert (await of_film(wire)).total_size == 0
    settled = await wire.moderation.ListReports(order.ListReportsRequest(state="hidden"), metadata=wire.by("boss"))
    assert settled.total_size == 1 and settled.reports[0].HasField("resolved_at")
    request.hidden = False
    await wire.moderation.HideReview(request, metadata=wire.by("boss"))
    assert (await get(wire, review_id)).hidden_reason == ""


async def test_a_reported_comment_is_hidden_by_its_report(wire: Wire) -> None:
    review_id = (await wire.review("ada")).review_id
    comment_id = (await wire.comment("bob", review_id, "Rude.")).comment_id
    complaint = order.ReportCommentRequest(comment_id=comment_id, reason="abuse")
    report_id = (await wire.moderation.ReportComment(complaint, metadata=wire.by("ada"))).report_id
    request = order.ResolveReportRequest(report_id=report_id, action="hide", reason="indeed")
    settled = await wire.moderation.ResolveReport(request, metadata=wire.by("boss"))
    assert (settled.state, settled.comment_id, settled.review_id) == ("hidden", comment_id, review_id)
    (shown,) = (await thread(wire, review_id)).comments
    assert (shown.hidden, shown.body_html, shown.hidden_reason) == (True, "", "")
    (own,) = (await thread(wire, review_id, "bob")).comments
    assert own.hidden_reason == "abuse"
    show = order.HideCommentRequest(comment_id=comment_id, hidden=False)
    assert not (await wire.moderation.HideComment(show, metadata=wire.by("boss"))).hidden
    (shown,) = (await thread(wire, review_id)).comments
    assert shown.body_markdown == "Rude."


async def test_services_read_hidden_reviews_too(wire: Wire) -> None:
    made = [(await wire.review(who)).review_id for who in ("ada", "bob")]
    request = order.HideReviewRequest(review_id=made[0], hidden=True)
    await wire.moderation.HideReview(request, metadata=wire.by("boss"))
    batch = pb.BatchGetReviewsRequest(review_ids=[made[1], "gone", made[0]])
    found = await wire.reviews.BatchGetReviews(batch, metadata=wire.by("service"))
    assert [one.review_id for one in found.reviews] == [made[1], made[0]]
    assert list(found.missing_review_ids) == ["gone"] and found.reviews[1].hidden
    calls = wire.reviews.StreamReviews(pb.StreamReviewsRequest(), metadata=wire.by("service"))
    streamed = [one.review_id async for answer in calls for one in answer.reviews]
    assert streamed == sorted(made)


async def test_of_a_deleted_account_the_words_stay_without_the_name(wire: Wire) -> None:
    review = await wire.review("ada", body="Mine.", request_id="one")
    comment = await wire.comment("ada", review.review_id)
    await wire.identity.delete_account("u-ada")
    async with asyncio.timeout(20):
        while (await get(wire, review.review_id)).user_id:  # noqa: ASYNC110 - a feed, no event to wait for
            await asyncio.sleep(0.05)
    left = await get(wire, review.review_id)
    assert (left.user_id, left.username, left.body_markdown) == ("", "", "Mine.")
    (said,) = (await thread(wire, review.review_id)).comments
    assert (said.comment_id, said.user_id, said.username) == (comment.comment_id, "", "")
    failure = await wire.refused(wire.review("ada", 604))
    assert (failure.code, failure.reason) == (Code.UNAUTHENTICATED, Reason.TOKEN_REVOKED)


async def test_who_registered_a_moment_ago_has_a_name_at_once(wire: Wire) -> None:
    wire.identity.people["u-dot"] = "dot"  # Identity knows them, its feed has not told of them yet
    assert (await wire.review("dot")).username == "dot"


async def test_a_name_that_was_not_known_when_something_was_written_is_shown_later(wire: Wire) -> None:
    wire.identity.away = True
    review = await wire.review("eve")
    await wire.comment("eve", review.review_id)
    assert review.username == ""
    assert (await get(wire, review.review_id)).username == ""
    wire.identity.people["u-eve"] = "eve"
    wire.identity.away = False
    assert (await get(wire, review.review_id)).username == "eve"
    assert (await of_film(wire)).reviews[0].username == "eve"
    assert (await thread(wire, review.review_id)).comments[0].username == "eve"


@pytest.mark.timeout(300)
async def test_nothing_of_any_known_attack_runs(wire: Wire) -> None:
    """Every place where people's words come out: the text itself, the headline, comments, the history, reports."""
    review = await wire.review("ada")
    comment = await wire.comment("bob", review.review_id)
    kept = 0
    for attack in ATTACKS:
        headline = attack[:200].replace("\n", " ")
        update = pb.UpdateReviewRequest(review_id=review.review_id, body_markdown=attack, title=headline)
        reword = talk.UpdateCommentRequest(comment_id=comment.comment_id, body_markdown=f"Hm. {attack}")
        for call in (
            wire.reviews.UpdateReview(update, metadata=wire.by("ada")),
            wire.comments.UpdateComment(reword, metadata=wire.by("bob")),
        ):
            try:
                answer = await call
            except grpc.aio.AioRpcError as refusal:
                assert failure_of(refusal).code is Code.INVALID_ARGUMENT
                continue
            kept += 1
            read_markup(answer.body_html)
    assert kept > len(ATTACKS)
    read_markup((await get(wire, review.review_id)).body_html)
    history = pb.ListReviewRevisionsRequest(review_id=review.review_id, page_size=100)
    revisions = (await wire.reviews.ListReviewRevisions(history, metadata=wire.by("ada"))).revisions
    assert len(revisions) > 50
    for revision in revisions:
        read_markup(revision.body_html)
    (said,) = (await thread(wire, review.review_id)).comments
    read_markup(said.body_html)
