"""A stand-in for machines without any streaming list: seeded, and labelled ``mock`` wherever it shows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

_OFFERED = ("Netflix", "Prime Video", "Disney+", "Hulu", "Max", "Apple TV+", "Paramount+", "Peacock")
# Roughly how much of a catalogue each carries.
_SHARE = np.array([0.16, 0.22, 0.07, 0.10, 0.09, 0.03, 0.06, 0.05])


@dataclass(frozen=True, slots=True)
class MockServices:
    """Made-up offers. The same film gets the same services whatever other films are asked for."""

    seed: int

    @property
    def name(self) -> str:
        """Shown as ``streaming_source``."""
        return "mock"

    @property
    def is_mock(self) -> bool:
        """Always."""
        return True

    def services_for(self, films: pl.DataFrame) -> pl.Series:
        """Services drawn from a hash of the seed, the film's id and the service."""
        ids = films["movie_id"].to_numpy().astype(np.uint64)
        offered = np.empty((len(ids), len(_OFFERED)), dtype=bool)
        for index, share in enumerate(_SHARE):
            offered[:, index] = _uniform(ids, self.seed, index) < share
        names = np.array(_OFFERED)
        return pl.Series("services", [names[row].tolist() for row in offered], dtype=pl.List(pl.String))


def _uniform(
    ids: np.ndarray[tuple[int], np.dtype[np.uint64]], seed: int, salt: int
) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """SplitMix64 of (seed, salt, id) as numbers in [0, 1): needs no generator state, so order does not matter."""
    with np.errstate(over="ignore"):
        mixed = ids * np.uint64(0x9E3779B97F4A7C15) + np.uint64(seed * 31 + salt + 1) * np.uint64(0xBF58476D1CE4E5B9)
        mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        mixed ^= mixed >> np.uint64(31)
    return (mixed >> np.uint64(11)).astype(np.float64) / float(1 << 53)
