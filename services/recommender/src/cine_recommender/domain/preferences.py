"""What people say of their taste in general."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Preferences:
    """What a person said of their taste. Genres and services are canonical; 0 and empty are open.

    Attributes:
        preferred_genres: liked.
        excluded_genres: never to be recommended, unless asked for by name.
        services: streaming services the person has.
        languages: ISO 639-1, those the person understands.
        year_min: first year liked.
        year_max: last year liked.
        runtime_max: minutes, the longest running time liked.
        share_taste: whether others may add the person to recommendations for a group.
    """

    preferred_genres: tuple[str, ...] = ()
    excluded_genres: tuple[str, ...] = ()
    services: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()
    year_min: int = 0
    year_max: int = 0
    runtime_max: int = 0
    share_taste: bool = False

    @property
    def narrows(self) -> bool:
        """Whether they say of more than genres which films are wanted; see `domain.narrowing`."""
        return bool(self.services or self.languages or self.year_min or self.year_max or self.runtime_max)
