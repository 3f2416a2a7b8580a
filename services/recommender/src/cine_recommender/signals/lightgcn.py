"""LightGCN over films, people, genres, makers and keywords, as it is served (He et al., 2020): two vectors a film, in NumPy.

It is trained with torch-geometric, by `training.lightgcn` of the `train` extra. People have no vectors of their own there: a person is
what the graph brings them from the films they liked, layer by layer, which is a sum over these films. So a history needs no graph to be
folded in, and what each film adds is exact.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from pydantic import Field

from cine_recommender.signals.filmtofilm import FilmToFilm, FilmWeights, VectorWeights
from cine_recommender.signals.storage import Array
from cine_recommender.signals.weighing import Weighing


class LightGcnOptions(Weighing):
    """How it is trained."""

    factors: int = Field(default=64, ge=1, le=512)
    layers: int = Field(default=2, ge=1, le=6, description="hops over the graph")
    epochs: int = Field(
        default=40, ge=1, description="times that as many triples are drawn as there are ratings that count"
    )
    batch: int = Field(default=8192, ge=1)
    rate: float = Field(default=0.03, gt=0, description="length of Adam's steps")
    reg: float = Field(default=1e-3, ge=0)
    genres: bool = Field(default=True, description="whether genres are part of the graph")
    people: bool = Field(default=True, description="whether directors and cast are")
    keywords: bool = Field(default=True, description="whether keywords are")


class LightGcn(FilmToFilm):
    """LightGCN as a signal."""

    name: ClassVar[str] = "lightgcn"
    options: ClassVar[type[Weighing]] = LightGcnOptions

    @classmethod
    def weights_of(cls, arrays: Mapping[str, Array]) -> FilmWeights:
        """Returns the weights that were saved."""
        return VectorWeights.of(arrays)
