"""Etags: who read an older version learns that another change came first."""

from __future__ import annotations

import pytest

from cinemesh.errors import Aborted, Reason
from cinemesh.etags import check_etag, etag_of


def test_an_etag_changes_with_the_version_and_is_not_taken_for_that_of_another_thing() -> None:
    etags = {
        etag_of(1),
        etag_of(2),
        etag_of(11),
        etag_of(1, "01JD0000000000000000000ABC"),
        etag_of(1, "01JD0000000000000000000XYZ"),
    }
    assert len(etags) == 5


def test_nothing_sent_overwrites_whatever_is_there_and_the_current_one_passes() -> None:
    check_etag("", 7)
    check_etag(etag_of(7), 7)
    check_etag(etag_of(7, "list-1"), 7, "list-1")


@pytest.mark.parametrize("sent", [etag_of(6), etag_of(7, "list-2"), "v7 ", "V7", "7", "*"])
def test_any_other_one_is_refused_and_named(sent: str) -> None:
    with pytest.raises(Aborted) as refused:
        check_etag(sent, 7, thing="the list")
    assert refused.value.reason is Reason.ETAG_MISMATCH
    assert refused.value.violations[0][0] == "etag" and refused.value.message.startswith("the list changed")
