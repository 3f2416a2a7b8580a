"""The hybrid as it is published: with the catalogue's ids, and a predictor of ratings beside it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np
import numpy.typing as npt

from cine_recommender.domain.numbering import Numbering
from cine_recommender.domain.taste import Predicted, Ranked
from cine_recommender.fusion import kept
from cine_recommender.fusion.hybrid import Hybrid
from cine_recommender.interactions import Floats, History, Ints, Mask
from cine_recommender.signals.context import Situation
from cine_recommender.signals.gaussian import GaussianRatings
from cine_recommender.signals.signal import Contribution
from cinemesh.artifacts import Artifact, ArtifactCorrupt

KIND: Final = "hybrid"
FILM_IDS, SPREAD = "film_ids.npy", "spread.npy"


@dataclass(frozen=True)
class PublishedTaste:
    """A `TasteModel` of an artifact.

    Attributes:
        version: of the artifact.
        hybrid: ranks.
        ratings: predicts.
        film_ids: int32 (films,), id in the catalogue of each film.
        spread: stars to either side of a prediction within which four of five ratings lie.
    """

    version: str
    hybrid: Hybrid
    ratings: GaussianRatings
    film_ids: Ints
    spread: float

    @property
    def name(self) -> str:
        """Kind and version."""
        return f"{KIND}/{self.version}"

    @property
    def profiles(self) -> tuple[str, ...]:
        """Weights it can rank by, the best first."""
        return self.hybrid.order

    def __len__(self) -> int:
        return len(self.film_ids)

    def history(self, movie_ids: Ints, ratings: Floats, times: npt.NDArray[np.int64]) -> History:
        """Returns what somebody rated with films numbered as here; see `TasteModel.history`."""
        rows = self._numbering.rows(movie_ids)
        known = np.flatnonzero(rows >= 0)
        order = known[np.argsort(times[known], kind="stable")]
        return History(rows[order].astype(np.int32), ratings[order].astype(np.float32), times[order])

    def rank(
        self,
        history: History,
        *,
        now: int,
        profile: str = "",
        situation: Situation | None = None,
        allowed: Mask | None = None,
        depth: int = 500,
    ) -> Ranked:
        """Returns the best films for somebody; see `TasteModel.rank`."""
        return self.hybrid.rank(history, now=now, profile=profile, situation=situation, allowed=allowed, depth=depth)

    def reasons(
        self,
        history: History,
        rows: Ints,
        *,
        now: int,
        profile: str = "",
        situation: Situation | None = None,
        most: int = 3,
    ) -> list[Sequence[Contribution]]:
        """Returns the films without which each score would be lower; see `TasteModel.reasons`."""
        return self.hybrid.reasons(history, rows, now=now, profile=profile, situation=situation, most=most)

    def predict(self, history: History, rows: Ints) -> list[Predicted]:
        """Returns the ratings the person would give; see `TasteModel.predict`."""
        told = self.ratings.rated(history, rows)
        return [
            Predicted(float(one), max(0.5, float(one) - self.spread), min(5.0, float(one) + self.spread))
            for one in told
        ]

    @cached_property
    def _numbering(self) -> Numbering:
        return Numbering(self.film_ids)


def load_taste(artifact: Artifact) -> PublishedTaste:
    """Reads a published hybrid.

    Raises:
        ArtifactCorrupt: It is not what this code reads.
    """
    try:
        hybrid = kept.load(artifact.path)
        film_ids = np.load(artifact.path / FILM_IDS)
        ratings = GaussianRatings.load(artifact.path)
        spread = float(np.load(artifact.path / SPREAD)[0])
    except (OSError, ValueError, KeyError, kept.OtherVersion) as error:
        raise ArtifactCorrupt(KIND, artifact.version, f"{Hybrid.name}.json", str(error)) from error
    if len(film_ids) != len(hybrid):
        reason = f"names {len(film_ids)} films, and the model numbers {len(hybrid)}"
        raise ArtifactCorrupt(KIND, artifact.version, FILM_IDS, reason)
    return PublishedTaste(artifact.version, hybrid, ratings, film_ids, spread)
