"""Genre and streaming-service names, matched as people write them.

A `Vocabulary` knows the canonical names that a catalogue really uses and the other ways people write them. Matching ignores
case, accents, punctuation and spaces ("Sci-Fi", "scifi", "SCI FI"); an unknown name is an error that lists the accepted ones and
suggests the nearest.
"""

from __future__ import annotations

import difflib
import unicodedata
from collections.abc import Iterable, Mapping

from cinemesh.errors import InvalidArgument, Reason

MOVIELENS_GENRES: tuple[str, ...] = (
    "Action", "Adventure", "Animation", "Children", "Comedy", "Crime", "Documentary", "Drama", "Fantasy", "Film-Noir", "Horror",
    "IMAX", "Musical", "Mystery", "Romance", "Sci-Fi", "Thriller", "War", "Western",
)  # fmt: skip
"""The genres of MovieLens 32M; a catalogue may use fewer."""

GENRE_ALIASES: Mapping[str, str] = {
    "science fiction": "Sci-Fi",
    "science-fiction": "Sci-Fi",
    "sf": "Sci-Fi",
    "syfy": "Sci-Fi",
    "noir": "Film-Noir",
    "film noir": "Film-Noir",
    "kids": "Children",
    "kid": "Children",
    "childrens": "Children",
    "children's": "Children",
    "family": "Children",
    "animated": "Animation",
    "cartoon": "Animation",
    "cartoons": "Animation",
    "anime": "Animation",
    "documentaries": "Documentary",
    "docs": "Documentary",
    "doc": "Documentary",
    "comedies": "Comedy",
    "funny": "Comedy",
    "dramas": "Drama",
    "dramatic": "Drama",
    "musicals": "Musical",
    "music": "Musical",
    "mysteries": "Mystery",
    "whodunit": "Mystery",
    "romantic": "Romance",
    "romances": "Romance",
    "love": "Romance",
    "scary": "Horror",
    "thrillers": "Thriller",
    "suspense": "Thriller",
    "western film": "Western",
    "westerns": "Western",
    "cowboy": "Western",
    "criminal": "Crime",
    "gangster": "Crime",
    "adventures": "Adventure",
    "fantastic": "Fantasy",
    "wars": "War",
}
"""Other ways people write the MovieLens genres."""

STREAMING_SERVICES: Mapping[str, tuple[str, ...]] = {
    "Netflix": ("netflix", "netflix basic with ads", "netflix standard with ads", "netflix kids"),
    "Prime Video": (
        "prime video", "prime", "amazon", "amazon prime", "amazon prime video", "amazon prime video with ads",
        "amazon video", "primevideo",
    ),
    "Disney+": ("disney+", "disney plus", "disney", "disneyplus"),
    "Hulu": ("hulu",),
    "Max": ("max", "hbo", "hbo max", "hbomax", "max amazon channel", "hbo max amazon channel"),
    "Apple TV+": ("apple tv+", "apple tv plus", "apple tv", "apple", "appletv", "appletv+"),
    "Paramount+": (
        "paramount+", "paramount plus", "paramount", "paramount plus premium", "paramount plus essential",
        "paramount+ amazon channel", "paramount plus apple tv channel",
    ),
    "Peacock": ("peacock", "peacock premium", "peacock premium plus", "peacock tv"),
    "Criterion Channel": ("criterion channel", "the criterion channel", "criterion"),
    "MUBI": ("mubi", "mubi amazon channel"),
    "Tubi": ("tubi", "tubi tv"),
    "Crunchyroll": ("crunchyroll", "crunchyroll amazon channel"),
}  # fmt: skip
"""Streaming services, best known first, and the other ways people and data files write each."""


_DROPPED = bytes(code for code in range(128) if not chr(code).isalnum() and chr(code) != "+")


def fold(text: str) -> str:
    """Returns text as names are compared: no accents, case, punctuation or spaces; "+" stays, for it tells services apart."""
    if text.isascii():  # nearly everything, and eight times quicker than the general way
        return text.encode().translate(None, _DROPPED).decode().lower()
    plain = unicodedata.normalize("NFKD", text.casefold())
    return "".join(ch for ch in plain if ch.isalnum() or ch == "+")


class Vocabulary:
    """Canonical names and how to find them.

    Attributes:
        names: the canonical names, sorted.
    """

    def __init__(
        self, kind: str, names: Iterable[str], aliases: Mapping[str, str], reason: Reason = Reason.INVALID_FIELD
    ) -> None:
        """Keeps only aliases whose canonical name the catalogue uses.

        Args:
            kind: what the names are, for messages: "genre", "streaming service".
            names: canonical names.
            aliases: other spelling → canonical name.
            reason: reason of the error for an unknown name.
        """
        self.kind = kind
        self.names = tuple(sorted(set(names), key=str.casefold))
        self._reason = reason
        known = set(self.names)
        self._by_fold = {fold(alias): name for alias, name in aliases.items() if name in known}
        self._by_fold.update({fold(name): name for name in self.names})

    def find(self, text: str) -> str | None:
        """Returns the canonical name for what a person wrote, None when it is not known."""
        folded = fold(text)
        return self._by_fold.get(folded) or self._by_fold.get(folded.removesuffix("s") if len(folded) > 3 else folded)

    def suggest(self, text: str) -> str | None:
        """Returns the canonical name nearest to a misspelling, None when nothing is near."""
        near = difflib.get_close_matches(fold(text), list(self._by_fold), n=1, cutoff=0.7)
        return self._by_fold[near[0]] if near else None

    def resolve(self, text: str, field: str) -> str:
        """Returns the canonical name.

        Raises:
            InvalidArgument: the name is not known; the message lists the accepted ones and names the nearest.
        """
        name = self.find(text)
        if name is None:
            hint = self.suggest(text)
            near = f" Did you mean {hint}?" if hint else ""
            accepted = ", ".join(self.names) or "none: the catalogue lists no such names"
            message = f'unknown {self.kind} "{text[:60]}".{near} Accepted: {accepted}'
            raise InvalidArgument(message, reason=self._reason, violations=[(field, message)])
        return name

    def resolve_all(self, texts: Iterable[str], field: str) -> list[str]:
        """Returns the canonical names without repetition, in the order given; `field[i]` is blamed for an unknown one."""
        found = [self.resolve(text, f"{field}[{i}]") for i, text in enumerate(texts)]
        return list(dict.fromkeys(found))


def genres(names: Iterable[str]) -> Vocabulary:
    """Returns the vocabulary of the genres that a catalogue uses."""
    return Vocabulary("genre", names, GENRE_ALIASES, Reason.UNKNOWN_GENRE)


def streaming_services(names: Iterable[str]) -> Vocabulary:
    """Returns the vocabulary of the streaming services that a catalogue lists."""
    aliases = {alias: name for name, others in STREAMING_SERVICES.items() for alias in others}
    return Vocabulary("streaming service", names, aliases, Reason.UNKNOWN_STREAMING_SERVICE)
