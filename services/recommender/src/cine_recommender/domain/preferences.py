"""What people say of their taste in general."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Preferences:
    """What a person said of their taste. Genres are canonical.

    Attributes:
        preferred_genres: liked.
        excluded_genres: never to be recommended, unless asked for by name.
        share_taste: whether others may add the person to recommendations for a group.
    """

    preferred_genres: tuple[str, ...] = ()
    excluded_genres: tuple[str, ...] = ()
    share_taste: bool = False
