"""Preferences: what a person likes and how they want to be served."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Any

from cinemesh import vocabulary
from cinemesh.errors import InvalidArgument
from cinemesh.etags import etag_of

# the names the catalogue's data use too, so that what is kept here matches films there
GENRES = vocabulary.genres(vocabulary.MOVIELENS_GENRES)
SERVICES = vocabulary.streaming_services(vocabulary.STREAMING_SERVICES)


@dataclass(frozen=True, slots=True)
class Taste:
    """What is kept, by the field names of the contract.

    Attributes:
        preferred_genres: MovieLens genres liked.
        excluded_genres: MovieLens genres never to recommend; none of them is liked.
        services: streaming services the person has.
        languages: ISO 639-1.
        year_min: first year liked; 0 for any.
        year_max: last year liked; 0 for any.
        runtime_max: longest running time in minutes; 0 for any.
        region: ISO 3166-1 alpha-2; empty for none.
        hide_spoilers: whether reviews that tell the ending are folded.
        share_taste: whether others may add the person to group recommendations.
        mail_activity: whether a mail tells of likes and comments.
        mail_recommendations: whether a weekly mail brings recommendations.
        onboarded: whether the first questions were answered.
    """

    preferred_genres: tuple[str, ...] = ()
    excluded_genres: tuple[str, ...] = ()
    services: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()
    year_min: int = 0
    year_max: int = 0
    runtime_max: int = 0
    region: str = ""
    hide_spoilers: bool = True
    share_taste: bool = False
    mail_activity: bool = False
    mail_recommendations: bool = False
    onboarded: bool = False

    def document(self) -> dict[str, Any]:
        """Returns it as JSON can hold it."""
        return {name: list(value) if isinstance(value, tuple) else value for name, value in asdict(self).items()}

    @classmethod
    def of_document(cls, document: Mapping[str, Any]) -> Taste:
        """Returns what a stored document says; fields it lacks are as for a new account."""
        known: dict[str, Any] = {name: value for name, value in document.items() if name in EDITABLE}
        known.update({name: tuple(value) for name, value in known.items() if isinstance(value, list)})
        return cls(**known)


EDITABLE = tuple(field.name for field in fields(Taste))


@dataclass(frozen=True, slots=True)
class Preferences:
    """Preferences of an account.

    Attributes:
        user_id: whose they are.
        taste: what they say.
        updated_at: when they last changed.
        version: grows with every change; 0 while nothing was ever written.
    """

    user_id: str
    taste: Taste
    updated_at: dt.datetime
    version: int = 0

    @property
    def etag(self) -> str:
        """Changes whenever the preferences do."""
        return etag_of(self.version, self.user_id)


def edited(taste: Taste, changes: Mapping[str, Any]) -> Taste:
    """Returns the taste with fields changed; names are matched as people write them.

    Raises:
        InvalidArgument: a genre or service is unknown (the message lists those accepted), a genre is both liked and excluded, or
            the years are the wrong way round.
    """
    values = dict(changes)
    for name, names in (("preferred_genres", GENRES), ("excluded_genres", GENRES), ("services", SERVICES)):
        if name in values:
            values[name] = tuple(names.resolve_all(values[name], name))
    if "languages" in values:
        values["languages"] = tuple(dict.fromkeys(values["languages"]))
    result = replace(taste, **values)
    both = [genre for genre in result.excluded_genres if genre in result.preferred_genres]
    if both:
        field = "excluded_genres" if "excluded_genres" in changes else "preferred_genres"
        problem = f"{', '.join(both)} cannot be both preferred and excluded"
        raise InvalidArgument(problem, violations=[(field, problem)])
    if result.year_min and result.year_max and result.year_max < result.year_min:
        field = "year_max" if "year_max" in changes else "year_min"
        problem = f"year_max ({result.year_max}) must not be before year_min ({result.year_min})"
        raise InvalidArgument(problem, violations=[(field, problem)])
    return result
