"""What people may write and prefer, for any text and any choice."""

from __future__ import annotations

import datetime as dt
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cine_identity.domain.account import Account
from cine_identity.domain.preferences import GENRES, SERVICES, Taste, edited
from cine_identity.domain.profile import PUBLISHABLE, Profile, public_view
from cine_identity.domain.profile import edited as edited_profile
from cine_identity.domain.validity import tokens_valid_from
from cinemesh.errors import InvalidArgument
from cinemesh.plain_text import plain_text, web_address


@given(st.text(max_size=80), st.booleans())
def test_text_is_kept_in_one_form_or_refused(text: str, lines: bool) -> None:
    try:
        kept = plain_text(text, "bio", lines=lines)
    except InvalidArgument as refusal:
        assert refusal.violations[0][0] == "bio"
        return
    assert plain_text(kept, "bio", lines=lines) == kept
    assert "\x00" not in kept and "\u202e" not in kept
    assert lines or "\n" not in kept


@given(st.text(max_size=60))
def test_an_address_is_https_or_refused(text: str) -> None:
    try:
        kept = web_address(text, "website_url")
    except InvalidArgument:
        return
    assert kept == "" or (kept.startswith("https://") and kept.isascii() and " " not in kept)


@pytest.mark.parametrize("good", ["https://example.org", "https://example.org:8443/a?b=c#d", "https://[2001:db8::1]/x"])
def test_good_addresses_are_taken(good: str) -> None:
    assert web_address(good, "website_url") == good


@given(st.lists(st.sampled_from(GENRES.names), max_size=4), st.lists(st.sampled_from(GENRES.names), max_size=4),
       st.lists(st.sampled_from(SERVICES.names), max_size=4), st.integers(0, 2200), st.integers(0, 2200))  # fmt: skip
def test_preferences_survive_the_store_and_never_contradict_themselves(
    liked: list[str], shunned: list[str], services: list[str], first: int, last: int
) -> None:
    changes = {
        "preferred_genres": [name.upper() for name in liked],
        "excluded_genres": shunned,
        "services": services,
        "year_min": first,
        "year_max": last,
    }
    contradicts = bool(set(liked) & set(shunned)) or bool(first and last and last < first)
    try:
        taste = edited(Taste(), changes)
    except InvalidArgument:
        assert contradicts
        return
    assert not contradicts
    assert Taste.of_document(json.loads(json.dumps(taste.document()))) == taste


def test_a_document_of_another_version_is_read_as_far_as_it_is_known() -> None:
    assert Taste.of_document({"year_min": 1950, "of_the_future": [1]}) == Taste(year_min=1950)


@given(st.sets(st.sampled_from(PUBLISHABLE)))
def test_others_see_what_is_public_and_nothing_else(public: set[str]) -> None:
    opened = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
    account = Account("01J", "Ada", "ada@example.org", True, None, ("user",), "Ada", "en", opened)
    profile = Profile(account.user_id, "Ada L.", account.created_at)
    full = {"bio": "b", "avatar_url": "https://a.example", "location": "l", "website_url": "https://w.example"}
    changed = edited_profile(profile, {**full, "favourite_movie_ids": [603], "public_fields": list(public)})
    assert set(public_view(account, changed).shown) == public


@given(st.datetimes(min_value=dt.datetime(2020, 1, 1), max_value=dt.datetime(2100, 1, 1), timezones=st.just(dt.UTC)))
def test_no_token_of_before_has_the_time_from_which_tokens_count(now: dt.datetime) -> None:
    valid_from = tokens_valid_from(now)
    assert int(now.timestamp()) < valid_from.timestamp() <= now.timestamp() + 1
    assert valid_from.timestamp().is_integer()
