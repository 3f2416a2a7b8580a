"""Who may do what with a list: the whole table, written down by hand."""

from __future__ import annotations

import pytest

from cine_watchlist.domain.access import (
    Act,
    Role,
    Visibility,
    may,
    may_delete_comment,
    may_remove_member,
    require,
    shareable,
)
from cinemesh.errors import NotFound, PermissionDenied

SEE, COMMENT, EDIT, ADMINISTER = Act.SEE, Act.COMMENT, Act.EDIT, Act.ADMINISTER
EVERYTHING = {SEE, COMMENT, EDIT, ADMINISTER}
TABLE = {
    # role, visibility, came by the link: what may be done
    (Role.OWNER, Visibility.PUBLIC, False): EVERYTHING,
    (Role.OWNER, Visibility.UNLISTED, False): EVERYTHING,
    (Role.OWNER, Visibility.PRIVATE, False): EVERYTHING,
    (Role.OWNER, Visibility.PUBLIC, True): EVERYTHING,
    (Role.OWNER, Visibility.UNLISTED, True): EVERYTHING,
    (Role.OWNER, Visibility.PRIVATE, True): EVERYTHING,
    (Role.EDITOR, Visibility.PUBLIC, False): {SEE, COMMENT, EDIT},
    (Role.EDITOR, Visibility.UNLISTED, False): {SEE, COMMENT, EDIT},
    (Role.EDITOR, Visibility.PRIVATE, False): {SEE, COMMENT, EDIT},
    (Role.EDITOR, Visibility.PUBLIC, True): {SEE, COMMENT, EDIT},
    (Role.EDITOR, Visibility.UNLISTED, True): {SEE, COMMENT, EDIT},
    (Role.EDITOR, Visibility.PRIVATE, True): {SEE, COMMENT, EDIT},
    (Role.VIEWER, Visibility.PUBLIC, False): {SEE, COMMENT},
    (Role.VIEWER, Visibility.UNLISTED, False): {SEE, COMMENT},
    (Role.VIEWER, Visibility.PRIVATE, False): {SEE, COMMENT},
    (Role.VIEWER, Visibility.PUBLIC, True): {SEE, COMMENT},
    (Role.VIEWER, Visibility.UNLISTED, True): {SEE, COMMENT},
    (Role.VIEWER, Visibility.PRIVATE, True): {SEE, COMMENT},
    (Role.NONE, Visibility.PUBLIC, False): {SEE, COMMENT},
    (Role.NONE, Visibility.UNLISTED, False): set(),
    (Role.NONE, Visibility.PRIVATE, False): set(),
    (Role.NONE, Visibility.PUBLIC, True): {SEE, COMMENT},
    (Role.NONE, Visibility.UNLISTED, True): {SEE},
    (Role.NONE, Visibility.PRIVATE, True): set(),
}


def test_the_table_is_whole() -> None:
    assert set(TABLE) == {(role, seen, link) for role in Role for seen in Visibility for link in (False, True)}


@pytest.mark.parametrize("act", Act)
@pytest.mark.parametrize(("role", "visibility", "by_link"), TABLE)
def test_who_may_do_what(role: Role, visibility: Visibility, by_link: bool, act: Act) -> None:
    allowed = TABLE[role, visibility, by_link]
    assert may(act, role, visibility, by_link=by_link) == (act in allowed)
    if act in allowed:
        require(act, role, visibility, by_link=by_link)
        return
    with pytest.raises(PermissionDenied if SEE in allowed else NotFound):  # what one may not see does not exist
        require(act, role, visibility, by_link=by_link)


@pytest.mark.parametrize(
    ("role", "others", "oneself"),
    [
        (Role.OWNER, True, True),
        (Role.EDITOR, False, True),
        (Role.VIEWER, False, True),
        (Role.NONE, False, False),
    ],
)
def test_owners_send_people_away_and_everybody_may_go(role: Role, others: bool, oneself: bool) -> None:
    assert may_remove_member(role, oneself=False) == others
    assert may_remove_member(role, oneself=True) == oneself


@pytest.mark.parametrize("role", Role)
def test_comments_are_deleted_by_who_wrote_them_and_by_the_owner_of_the_list(role: Role) -> None:
    assert may_delete_comment(role, own=True)
    assert may_delete_comment(role, own=False) == (role is Role.OWNER)


def test_private_lists_have_no_link() -> None:
    assert {one for one in Visibility if shareable(one)} == {Visibility.PUBLIC, Visibility.UNLISTED}
