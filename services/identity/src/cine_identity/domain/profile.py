"""Profiles: what people say of themselves, and how much of it others see."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from cine_identity.domain.account import Account
from cinemesh.errors import InvalidArgument
from cinemesh.etags import etag_of
from cinemesh.plain_text import plain_text, web_address

PUBLISHABLE = ("display_name", "bio", "avatar_url", "location", "website_url", "favourite_movie_ids")
"""Fields that others may see, if their owner says so."""

PUBLIC_AT_FIRST = ("display_name",)
"""What is public until the owner decides; nothing else is, so that nobody publishes without knowing."""

EDITABLE = (*PUBLISHABLE, "public_fields")
_ONE_LINE = frozenset({"display_name", "location"})
_ADDRESSES = frozenset({"avatar_url", "website_url"})


@dataclass(frozen=True, slots=True)
class Profile:
    """A profile. The display name is a part of it too, although the account keeps it.

    Attributes:
        user_id: whose it is.
        display_name: name shown to others, 1 to 80 characters.
        bio: plain text of at most 2000 characters.
        avatar_url: https address of a picture; empty for none.
        location: in the person's own words, at most 100 characters.
        website_url: https address; empty for none.
        favourite_movie_ids: at most ten films, in order.
        public_fields: those of `PUBLISHABLE` that others see, in that order.
        updated_at: when it last changed.
        version: grows with every change; 0 while nothing was ever written.
    """

    user_id: str
    display_name: str
    updated_at: dt.datetime
    bio: str = ""
    avatar_url: str = ""
    location: str = ""
    website_url: str = ""
    favourite_movie_ids: tuple[int, ...] = ()
    public_fields: tuple[str, ...] = PUBLIC_AT_FIRST
    version: int = 0

    @property
    def etag(self) -> str:
        """Changes whenever the profile does."""
        return etag_of(self.version, self.user_id)


@dataclass(frozen=True, slots=True)
class PublicProfile:
    """A profile as others see it: what its owner did not make public is empty.

    Attributes:
        user_id: id of the account.
        username: user name.
        shown: value of each public field by its name; others are missing.
        created_at: when the account was opened.
    """

    user_id: str
    username: str
    shown: Mapping[str, Any]
    created_at: dt.datetime


@dataclass(frozen=True, slots=True)
class Person:
    """What any service may know of a person.

    Attributes:
        user_id: id of the account.
        username: user name.
        display_name: name shown to others: the user name where the person's own is not public.
        avatar_url: address of a picture; empty for none that is public.
    """

    user_id: str
    username: str
    display_name: str
    avatar_url: str


def public_view(account: Account, profile: Profile) -> PublicProfile:
    """Returns what others see."""
    shown = {name: getattr(profile, name) for name in profile.public_fields}
    return PublicProfile(account.user_id, account.username, shown, account.created_at)


def person(account: Account, profile: Profile) -> Person:
    """Returns what other services may know."""
    shown = public_view(account, profile).shown
    name = shown.get("display_name") or account.username
    return Person(account.user_id, account.username, name, shown.get("avatar_url", ""))


def edited(profile: Profile, changes: Mapping[str, Any]) -> Profile:
    """Returns the profile with fields of `EDITABLE` changed, cleaned and checked; films are not looked up here.

    Raises:
        InvalidArgument: a text cannot be kept or shown, or the display name would be empty.
    """
    values: dict[str, Any] = {}
    for name, value in changes.items():
        if name in _ADDRESSES:
            values[name] = web_address(value, name)
        elif name == "favourite_movie_ids":
            values[name] = tuple(value)
        elif name == "public_fields":
            values[name] = tuple(field for field in PUBLISHABLE if field in value)
        else:
            values[name] = plain_text(value, name, lines=name not in _ONE_LINE)
    if values.get("display_name") == "":
        raise InvalidArgument("display_name must not be empty", violations=[("display_name", "must not be empty")])
    return replace(profile, **values)
