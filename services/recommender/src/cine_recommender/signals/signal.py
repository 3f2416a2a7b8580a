"""What every signal can do: score all films for a person, and say where a score comes from.

A signal learns from `Interactions` (`Fit`), is kept as arrays in a folder of an artifact and served from there memory-mapped. It never
sees who a person is, only a `History`: so a rating given a moment ago counts at once (fold-in), and people it did not learn from are served
alike.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Protocol, Self

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from cine_recommender.interactions import Floats, History, Interactions, Ints


@dataclass(frozen=True)
class FilmFacts:
    """What the catalogue says of the films, in their order in `Interactions.film_ids`.

    Attributes:
        years: int32 (films,), 0 for unknown.
        genres: float32 (films, genres), 0 or 1.
        terms: float32 (films, terms), TF-IDF of words, keywords, people; rows of unit length, empty where nothing is known.
        people: 0 or 1 (films, people): directors and cast.
        keywords: 0 or 1 (films, keywords).
        meaning: float32 (films, dimensions), sentence embeddings of unit length, zeros where there is no text.
        runtimes: int32 (films,), minutes; 0 for unknown.
        genre_names: names of the genres, in the order of their columns; empty where names are not known.
        keyword_names: of the keywords, likewise.
    """

    years: Ints
    genres: Floats
    terms: sp.csr_matrix
    people: sp.csr_matrix
    keywords: sp.csr_matrix
    meaning: Floats
    runtimes: Ints
    genre_names: tuple[str, ...] = ()
    keyword_names: tuple[str, ...] = ()


@dataclass(frozen=True)
class Contribution:
    """A film of the history, and how much of a score comes from it.

    Attributes:
        film: its number.
        amount: by how much the score would be lower had the person never rated it; negative where it would be higher.
    """

    film: int
    amount: float


class Signal(Protocol):
    """One way of knowing what somebody may like.

    Attributes:
        name: of the signal, such as "ease".
    """

    name: ClassVar[str]

    def scores(self, histories: Sequence[History], now: npt.NDArray[np.int64] | None = None) -> Floats:
        """Returns how well each film suits each person, float32 (histories, films).

        Higher is better; scales differ from signal to signal. Films of the history get a score like any other: whoever ranks leaves
        them out. A person without a history gets zeros, unless the signal needs none.

        Args:
            histories: whose; a few for serving, thousands for evaluation.
            now: int64 (histories,), the moment of each in Unix seconds, for signals that depend on it; None for the last rating of each.
        """
        ...

    def explain(self, history: History, film: int) -> list[Contribution]:
        """Returns what each film of the history contributes to the score of a film, largest amount first.

        Removing a film from the history lowers the score by its amount exactly. Empty for signals that do not depend on single films.
        """
        ...

    def save(self, folder: Path) -> None:
        """Writes its arrays into a folder of an artifact."""
        ...

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Reads what `save` wrote, memory-mapped."""
        ...


class Scorer(Protocol):
    """What a protocol judges: a signal, or several put together."""

    def scores(self, histories: Sequence[History], now: npt.NDArray[np.int64] | None = None) -> Floats:
        """Returns how well each film suits each person; see `Signal.scores`."""
        ...


Fit = Callable[[Interactions, FilmFacts | None, dict[str, Any], int], Signal]
"""Learns a signal: from interactions, what is known of the films, options and a seed. Equal input gives an equal signal."""


@dataclass(frozen=True)
class Candidate:
    """A model as a protocol judges it.

    Attributes:
        name: as tables show it.
        fit: learns it.
        grid: options to choose from, on validation only; `{"rows": "all" | "3.5" | "4"}` says which ratings it learns from, where it leaves
            that open.
        learned_fusion: whether it learns to weigh other signals on rows held out for that. It is then given one more option, "rehearsal":
            bool (n,), the last rows of each person (protocol U) or of the log (T) among the interactions it is fitted on. They are like
            any others: it may fit its parts without them, weigh by them, and fit the parts once more with them, or cut in its own way. The
            rows by which it is judged, or its options are chosen, are never among them.
    """

    name: str
    fit: Callable[[Interactions, FilmFacts | None, dict[str, Any], int], Scorer]
    grid: Sequence[dict[str, Any]]
    learned_fusion: bool = False
