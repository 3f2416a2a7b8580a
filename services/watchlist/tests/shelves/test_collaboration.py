"""Working on lists together: invitations, roles, links and comments, on both databases."""

from __future__ import annotations

import asyncio
import datetime as dt

import pytest
import sqlalchemy as sa

from cine.watchlist.v1 import events_pb2
from cine_watchlist.domain.access import Role, Visibility
from cine_watchlist.domain.links import Links
from cine_watchlist.domain.lists import INVITATION_LIFETIME, MOST_INVITATIONS, MOST_MEMBERS
from cine_watchlist.store import Transaction, schema
from cinemesh.errors import AlreadyExists, FailedPrecondition, InvalidArgument, NotFound, PermissionDenied, Unavailable
from cinemesh.testing.seeds import seed_people

from .conftest import ADA, BEN, CAT, DAN, Shop


async def members(shop: Shop, list_id: str) -> list[tuple[str, str]]:
    shown = await shop.shelves.lists.get(ADA, list_id)
    return [(person.username, person.member.role.value) for person in shown.members]


class TestInvitations:
    async def test_an_invitation_waits_for_who_is_invited_and_is_accepted(self, shop: Shop) -> None:
        one = (await shop.create(ADA, "Rain", films=(1,))).movie_list
        sent = await shop.invite(ADA, one.list_id, "BEN", Role.VIEWER)
        assert (sent.username, sent.expires_at) == ("BEN", shop.clock.now + INVITATION_LIFETIME)
        page = await shop.shelves.collaboration.invitations(BEN, 10, None)
        (waiting,) = page.invitations
        assert (waiting.list_name, waiting.invited_by_username, page.total) == ("Rain", "Ada", 1)
        assert waiting.invitation.role is Role.VIEWER
        for user_id in (ADA, CAT):
            assert (await shop.shelves.collaboration.invitations(user_id, 10, None)).total == 0
            with pytest.raises(NotFound):
                await shop.shelves.collaboration.accept(user_id, sent.invitation_id)
        await shop.told()
        shown = await shop.shelves.collaboration.accept(BEN, sent.invitation_id)
        assert (shown.role, [person.username for person in shown.members]) == (Role.VIEWER, ["Ada", "Ben"])
        assert await shop.told() == [events_pb2.CollaboratorsChanged(list_id=one.list_id, user_ids=[ADA, BEN])]
        with pytest.raises(NotFound):
            await shop.shelves.collaboration.accept(BEN, sent.invitation_id)
        assert (await shop.shelves.collaboration.invitations(BEN, 10, None)).total == 0

    async def test_declined_it_is_gone(self, shop: Shop) -> None:
        one = (await shop.create(ADA)).movie_list
        sent = await shop.invite(ADA, one.list_id, "Ben")
        with pytest.raises(NotFound):
            await shop.shelves.collaboration.decline(CAT, sent.invitation_id)
        with pytest.raises(NotFound):
            await shop.shelves.collaboration.decline(BEN, "\x00")
        await shop.shelves.collaboration.decline(BEN, sent.invitation_id)
        with pytest.raises(NotFound):
            await shop.shelves.collaboration.accept(BEN, sent.invitation_id)
        assert await members(shop, one.list_id) == [("Ada", "owner")]

    async def test_a_name_that_nobody_has_is_invited_in_the_same_way(self, shop: Shop) -> None:
        one = (await shop.create(ADA)).movie_list
        find = shop.people.find
        shop.people.find = nobody  # type: ignore[method-assign]
        try:
            sent = await shop.invite(ADA, one.list_id, "Zed")
            again = await shop.invite(ADA, one.list_id, "zed")
        finally:
            shop.people.find = find  # type: ignore[method-assign]
        real = await shop.invite(ADA, one.list_id, "Ben")
        for first, second in ((sent, again), (real, await shop.invite(ADA, one.list_id, "ben"))):
            assert first.invitation_id != second.invitation_id and first.expires_at == second.expires_at
        assert await shop.rows(schema.invitations) == 2  # of each name the newer one
        # who takes the name later was not meant
        await shop.database.write(lambda tx: seed_people(tx, schema.people, {"zed-id": "Zed"}))
        assert (await shop.shelves.collaboration.invitations("zed-id", 10, None)).total == 0

    async def test_when_nobody_can_tell_nothing_is_sent(self, shop: Shop) -> None:
        one = (await shop.create(ADA)).movie_list
        with pytest.raises(Unavailable):
            await shop.invite(ADA, one.list_id, "stranger")
        assert await shop.rows(schema.invitations) == 0

    async def test_invited_again_the_newer_role_counts(self, shop: Shop) -> None:
        one = (await shop.create(ADA)).movie_list
        first = await shop.invite(ADA, one.list_id, "Ben", Role.VIEWER)
        second = await shop.invite(ADA, one.list_id, "ben", Role.EDITOR)
        with pytest.raises(NotFound):
            await shop.shelves.collaboration.accept(BEN, first.invitation_id)
        assert (await shop.shelves.collaboration.accept(BEN, second.invitation_id)).role is Role.EDITOR

    async def test_oneself_and_who_is_there_are_not_invited(self, shop: Shop) -> None:
        one = (await shop.create(ADA)).movie_list
        await shop.join(one.list_id, ADA, BEN)
        with pytest.raises(InvalidArgument):
            await shop.invite(ADA, one.list_id, "ada")
        with pytest.raises(AlreadyExists):
            await shop.invite(ADA, one.list_id, "ben")

    async def test_only_the_owner_invites(self, shop: Shop) -> None:
        for visibility in (Visibility.PRIVATE, Visibility.PUBLIC):
            one = (await shop.create(ADA, visibility=visibility)).movie_list
            await shop.join(one.list_id, ADA, BEN, Role.EDITOR)
            with pytest.raises(PermissionDenied):
                await shop.invite(BEN, one.list_id, "Dan")
            with pytest.raises(NotFound if visibility is Visibility.PRIVATE else PermissionDenied):
                await shop.invite(CAT, one.list_id, "stranger")  # refused before anybody is asked for the name

    async def test_invitations_lapse_and_are_swept_away(self, shop: Shop) -> None:
        one = (await shop.create(ADA)).movie_list
        sent = await shop.invite(ADA, one.list_id, "Ben")
        shop.clock.forward(days=30)
        assert (await shop.shelves.collaboration.invitations(BEN, 10, None)).total == 0
        with pytest.raises(NotFound):
            await shop.shelves.collaboration.accept(BEN, sent.invitation_id)
        await shop.invite(ADA, one.list_id, "Cat")
        assert await shop.shelves.collaboration.prune() == 1
        assert (await shop.shelves.collaboration.invitations(CAT, 10, None)).total == 1

    async def test_not_too_many_wait(self, shop: Shop) -> None:
        one = (await shop.create(ADA)).movie_list
        people = {f"user{number}": f"user{number}" for number in range(MOST_INVITATIONS + 1)}
        await shop.database.write(lambda tx: seed_people(tx, schema.people, people))
        for name in list(people)[:-1]:
            await shop.invite(ADA, one.list_id, name)
        with pytest.raises(FailedPrecondition):
            await shop.invite(ADA, one.list_id, f"user{MOST_INVITATIONS}")
        await shop.invite(ADA, one.list_id, "user0")  # one that is there is renewed
        shop.clock.forward(days=31)
        await shop.invite(ADA, one.list_id, f"user{MOST_INVITATIONS}")

    async def test_pages_come_newest_first(self, shop: Shop) -> None:
        for number in range(5):
            one = (await shop.create((ADA, CAT)[number % 2], f"L{number}")).movie_list
            await shop.invite(one.owner_id, one.list_id, "Ben")
            if number % 2:
                shop.clock.forward(minutes=1)  # some at the same moment
        found, after = [], None
        while True:
            page = await shop.shelves.collaboration.invitations(BEN, 2, after)
            assert page.total == 5
            found += [one.list_name for one in page.invitations]
            if (after := page.next) is None:
                break
        assert sorted(found) == [f"L{number}" for number in range(5)]
        assert found[0] == "L4" and set(found[1:3]) == {"L2", "L3"} and set(found[3:]) == {"L0", "L1"}


async def nobody(_: str) -> None:
    return None


class TestRoles:
    async def test_the_owner_gives_and_takes_roles(self, shop: Shop) -> None:
        one = (await shop.create(ADA, visibility=Visibility.PUBLIC)).movie_list
        for user_id in (BEN, CAT):
            await shop.join(one.list_id, ADA, user_id, Role.EDITOR)
        await shop.told()
        together = shop.shelves.collaboration
        changed = await together.change_role(ADA, one.list_id, BEN, Role.VIEWER)
        assert (changed.member.role, changed.username) == (Role.VIEWER, "Ben")
        assert await shop.told() == [events_pb2.CollaboratorsChanged(list_id=one.list_id, user_ids=[ADA, BEN, CAT])]
        await together.change_role(ADA, one.list_id, BEN, Role.VIEWER)
        assert await shop.told() == []
        with pytest.raises(PermissionDenied):
            await shop.put(BEN, one.list_id, 1)
        for user_id in (BEN, CAT, DAN):
            with pytest.raises(PermissionDenied):
                await together.change_role(user_id, one.list_id, CAT, Role.EDITOR)
        for member_id in (DAN, "\x00"):
            with pytest.raises(NotFound):
                await together.change_role(ADA, one.list_id, member_id, Role.EDITOR)
            with pytest.raises(NotFound):
                await together.remove(ADA, one.list_id, member_id)
        for call in (together.change_role(ADA, one.list_id, ADA, Role.VIEWER), together.remove(ADA, one.list_id, ADA)):
            with pytest.raises(FailedPrecondition):
                await call
        with pytest.raises(PermissionDenied):
            await together.remove(BEN, one.list_id, CAT)
        await together.remove(ADA, one.list_id, CAT)
        assert await members(shop, one.list_id) == [("Ada", "owner"), ("Ben", "viewer")]
        assert await shop.told() == [events_pb2.CollaboratorsChanged(list_id=one.list_id, user_ids=[ADA, BEN])]

    async def test_everybody_may_go_and_what_they_added_stays(self, shop: Shop) -> None:
        one = (await shop.create(ADA)).movie_list
        await shop.join(one.list_id, ADA, BEN)
        await shop.put(BEN, one.list_id, 1)
        await shop.shelves.collaboration.remove(BEN, one.list_id, BEN)
        with pytest.raises(NotFound):
            await shop.shelves.lists.get(BEN, one.list_id)
        with pytest.raises(NotFound):
            await shop.shelves.collaboration.remove(BEN, one.list_id, BEN)
        assert [item.added_by_username for item in await shop.on_list(ADA, one.list_id)] == ["Ben"]

    async def test_not_too_many_work_on_a_list(self, shop: Shop) -> None:
        one = (await shop.create(ADA)).movie_list

        def crowd(tx: Transaction) -> None:
            row = dict(tx.execute(sa.select(schema.members)).mappings().one())
            some = [{**row, "user_id": f"user{number}", "role": "viewer"} for number in range(MOST_MEMBERS - 1)]
            tx.execute(sa.insert(schema.members), some)

        await shop.database.write(crowd)
        sent = await shop.invite(ADA, one.list_id, "Ben")
        with pytest.raises(FailedPrecondition):
            await shop.shelves.collaboration.accept(BEN, sent.invitation_id)
        await shop.shelves.collaboration.remove(ADA, one.list_id, "user1")
        await shop.shelves.collaboration.accept(BEN, sent.invitation_id)

    async def test_who_is_sent_away_while_they_write_is_in_time_or_refused(self, shop: Shop) -> None:
        one = (await shop.create(ADA)).movie_list
        await shop.join(one.list_id, ADA, BEN)
        *added, _ = await asyncio.gather(
            *(shop.put(BEN, one.list_id, movie_id) for movie_id in (1, 2, 3)),
            shop.shelves.collaboration.remove(ADA, one.list_id, BEN),
            return_exceptions=True,
        )
        assert all(not isinstance(outcome, BaseException) or isinstance(outcome, NotFound) for outcome in added)
        there = [shown.item.movie_id for shown in await shop.on_list(ADA, one.list_id)]
        assert len(there) == sum(not isinstance(outcome, BaseException) for outcome in added)
        with pytest.raises(NotFound):
            await shop.put(BEN, one.list_id, 4)


class TestLinks:
    async def test_a_link_shows_a_list_without_its_people_to_anybody(self, shop: Shop) -> None:
        one = (await shop.create(ADA, visibility=Visibility.UNLISTED, films=(1, 2, 3))).movie_list
        await shop.join(one.list_id, ADA, BEN)
        shared = await shop.shelves.sharing.share(ADA, one.list_id)
        assert shared.url == f"https://films.example.org/#/list?token={shared.token}" and len(shared.token) == 43
        assert await shop.shelves.sharing.share(ADA, one.list_id) == shared
        assert (await shop.shelves.lists.get(ADA, one.list_id)).share_url == shared.url
        assert (await shop.shelves.lists.get(BEN, one.list_id)).share_url == ""
        for user_id in ("", CAT, BEN):
            shown, page = await shop.shelves.sharing.shared(user_id, shared.token, 2, None)
            assert (shown.movie_list.list_id, shown.members, shown.share_url) == (one.list_id, (), "")
            assert shown.role is (Role.EDITOR if user_id == BEN else Role.NONE)
            assert [item.item.movie_id for item in page.items] == [1, 2] and page.total == 3
            _, rest = await shop.shelves.sharing.shared(user_id, shared.token, 2, page.next)
            assert [item.item.movie_id for item in rest.items] == [3] and rest.next is None

    async def test_only_owners_handle_links(self, shop: Shop) -> None:
        one = (await shop.create(ADA, visibility=Visibility.PUBLIC)).movie_list
        await shop.join(one.list_id, ADA, BEN)
        for user_id in (BEN, CAT):
            for call in (
                shop.shelves.sharing.share(user_id, one.list_id),
                shop.shelves.sharing.unshare(user_id, one.list_id),
            ):
                with pytest.raises(PermissionDenied):
                    await call

    async def test_a_link_taken_back_is_worthless_and_the_next_is_another(self, shop: Shop) -> None:
        one = (await shop.create(ADA, visibility=Visibility.UNLISTED)).movie_list
        first = await shop.shelves.sharing.share(ADA, one.list_id)
        for _ in range(2):
            await shop.shelves.sharing.unshare(ADA, one.list_id)
        second = await shop.shelves.sharing.share(ADA, one.list_id)
        assert second.token != first.token
        for token in (first.token, "", "nothing", second.token + "A"):
            with pytest.raises(NotFound):
                await shop.shelves.sharing.shared("", token, 5, None)
        await shop.shelves.sharing.shared("", second.token, 5, None)

    async def test_a_private_list_has_none_and_what_it_had_does_not_come_back(self, shop: Shop) -> None:
        one = (await shop.create(ADA)).movie_list
        with pytest.raises(FailedPrecondition):
            await shop.shelves.sharing.share(ADA, one.list_id)
        await shop.shelves.lists.update(ADA, one.list_id, {"visibility": "PUBLIC"}, "")
        shared = await shop.shelves.sharing.share(ADA, one.list_id)
        for visibility in ("PRIVATE", "UNLISTED"):
            await shop.shelves.lists.update(ADA, one.list_id, {"visibility": visibility}, "")
            with pytest.raises(NotFound):
                await shop.shelves.sharing.shared("", shared.token, 5, None)

    async def test_no_link_opens_a_private_list_however_it_came_to_be(self, shop: Shop) -> None:
        one = (await shop.create(ADA, visibility=Visibility.PUBLIC)).movie_list
        shared = await shop.shelves.sharing.share(ADA, one.list_id)
        await shop.database.write(lambda tx: tx.execute(sa.update(schema.lists).values(visibility="PRIVATE")))
        with pytest.raises(NotFound):
            await shop.shelves.sharing.shared("", shared.token, 5, None)

    async def test_the_store_holds_nothing_that_opens_a_list(self, shop: Shop) -> None:
        one = (await shop.create(ADA, visibility=Visibility.UNLISTED)).movie_list
        shared = await shop.shelves.sharing.share(ADA, one.list_id)
        (row,) = await shop.database.read(lambda tx: tx.execute(sa.select(schema.lists)).mappings().all())
        assert shared.token not in " ".join(map(str, row.values()))
        for value in (
            row["share_digest"],
            row["share_seed"],
            Links(b"guess").token("list", one.list_id, row["share_seed"]),
        ):
            with pytest.raises(NotFound):
                await shop.shelves.sharing.shared("", value, 5, None)

    async def test_with_another_key_links_go_on_and_are_made_anew_when_asked_for(self, shop: Shop) -> None:
        one = (await shop.create(ADA, visibility=Visibility.UNLISTED)).movie_list
        before = await shop.shelves.sharing.share(ADA, one.list_id)
        shop.shelves.sharing._showing._links = Links(b"another key")
        assert (await shop.shelves.lists.get(ADA, one.list_id)).share_url == ""
        await shop.shelves.sharing.shared("", before.token, 5, None)
        after = await shop.shelves.sharing.share(ADA, one.list_id)
        await shop.shelves.sharing.shared("", after.token, 5, None)
        with pytest.raises(NotFound):
            await shop.shelves.sharing.shared("", before.token, 5, None)


class TestComments:
    async def test_who_sees_a_list_comments_where_it_is_allowed(self, shop: Shop) -> None:
        one = (await shop.create(ADA, visibility=Visibility.PUBLIC, comments_enabled=True)).movie_list
        made = await shop.comment(CAT, one.list_id, " *Rain* <script>alert(1)</script>\r\n![x](http://x/y.png) ")
        assert (made.comment.user_id, made.username) == (CAT, "Cat")
        assert "<em>Rain</em>" in made.comment.body_html
        assert "<script" not in made.comment.body_html and "<img" not in made.comment.body_html
        await shop.shelves.lists.update(ADA, one.list_id, {"comments_enabled": False}, "")
        for user_id in (ADA, CAT):
            with pytest.raises(FailedPrecondition):
                await shop.comment(user_id, one.list_id, "More.")
        page = await shop.shelves.comments.page("", one.list_id, 10, None)
        assert [shown.comment for shown in page.comments] == [made.comment]
        for text in (" ", "\u202etxt"):
            with pytest.raises(InvalidArgument):
                await shop.comment(ADA, one.list_id, text)

    async def test_strangers_to_a_list_neither_read_nor_write(self, shop: Shop) -> None:
        for visibility in (Visibility.PRIVATE, Visibility.UNLISTED):
            one = (await shop.create(ADA, visibility=visibility, comments_enabled=True)).movie_list
            await shop.comment(ADA, one.list_id, "Mine.")
            for user_id in (CAT, ""):
                with pytest.raises(NotFound):
                    await shop.shelves.comments.page(user_id, one.list_id, 10, None)
            with pytest.raises(NotFound):
                await shop.comment(CAT, one.list_id, "Hello?")

    async def test_authors_and_owners_delete(self, shop: Shop) -> None:
        one = (await shop.create(ADA, visibility=Visibility.PUBLIC, comments_enabled=True)).movie_list
        other = (await shop.create(CAT, visibility=Visibility.PUBLIC)).movie_list
        await shop.join(one.list_id, ADA, BEN)
        first, second, third = [(await shop.comment(user_id, one.list_id, "x")).comment for user_id in (CAT, CAT, DAN)]
        talk = shop.shelves.comments
        with pytest.raises(PermissionDenied):
            await talk.delete(BEN, one.list_id, first.comment_id)  # editors edit films
        for list_id, comment_id in (
            (other.list_id, first.comment_id),
            (one.list_id, "\x00"),
            ("\x00", first.comment_id),
        ):
            with pytest.raises(NotFound):
                await talk.delete(CAT, list_id, comment_id)
        await shop.shelves.lists.update(ADA, one.list_id, {"visibility": "PRIVATE"}, "")
        await talk.delete(CAT, one.list_id, first.comment_id)  # one's own, wherever the list has gone
        with pytest.raises(NotFound):
            await talk.delete(CAT, one.list_id, third.comment_id)
        await talk.delete(ADA, one.list_id, second.comment_id)
        page = await talk.page(ADA, one.list_id, 10, None)
        assert [shown.comment for shown in page.comments] == [third] and page.total == 1

    async def test_pages_come_oldest_first(self, shop: Shop) -> None:
        one = (await shop.create(ADA, comments_enabled=True)).movie_list
        texts = []
        for number in range(5):
            texts.append(f"text {number}")
            await shop.comment(ADA, one.list_id, texts[-1])
            await asyncio.sleep(0.002)  # ids that sort by time do so to the millisecond
        found, after = [], None
        while True:
            page = await shop.shelves.comments.page(ADA, one.list_id, 2, after)
            found += [shown.comment.body_markdown for shown in page.comments]
            assert page.total == 5
            if (after := page.next) is None:
                break
        assert found == texts


def test_invitations_lapse_after_a_month() -> None:
    assert dt.timedelta(days=30) == INVITATION_LIFETIME
