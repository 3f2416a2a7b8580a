"""A hybrid in a folder of an artifact: arrays, mapped when they are read."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import numpy as np

from cine_recommender.fusion.additive import Additive
from cine_recommender.fusion.calibration import Calibration
from cine_recommender.fusion.features import SIGNALS, Features
from cine_recommender.fusion.hybrid import Hybrid
from cine_recommender.fusion.options import HybridOptions
from cine_recommender.fusion.sessions import Learned, Sessions
from cine_recommender.fusion.stacked import Stacked
from cine_recommender.fusion.stated import Stated
from cine_recommender.fusion.traits import Traits
from cine_recommender.signals.context import Context
from cine_recommender.signals.storage import Array, read_arrays, write_arrays

VERSION: Final = 4
"""Raised whenever a column or a file changes its meaning; a hybrid of another version is refused."""


class OtherVersion(Exception):
    """The files are of another version of this code."""


def save(hybrid: Hybrid, folder: Path) -> None:
    """Writes everything but what reviews feel, which is told anew by whoever serves."""
    arrays: dict[str, Array] = {f"stacked.{name}": one for name, one in hybrid.features.stacked.parts().items()}
    arrays |= {f"traits.{name}": one for name, one in hybrid.features.traits.parts().items()}
    for which, learned in (("going_on", hybrid.sessions.going_on), ("later", hybrid.sessions.later)):
        arrays |= {f"{which}.{name}": one for name, one in learned.curves.parts().items()}
        arrays[f"{which}.calibration"] = np.array([learned.calibration.slope, learned.calibration.offset])
    arrays["stated"] = hybrid.stated.quantiles
    told = {"version": VERSION, "order": list(hybrid.order), "options": hybrid.options.model_dump()}
    write_arrays(folder, hybrid.name, arrays, told)
    if hybrid.context is not None:
        hybrid.context.save(folder)


def load(folder: Path) -> Hybrid:
    """Reads what `save` wrote.

    Raises:
        OtherVersion: It was written by another version of this code.
        OSError: A file is missing.
        ValueError: A file is not what was written.
    """
    arrays, told = read_arrays(folder, Hybrid.name)
    if told.get("version") != VERSION:
        raise OtherVersion(f"the hybrid is of version {told.get('version')}, and this code reads version {VERSION}")
    traits = Traits.of(_below("traits.", arrays))
    films = len(traits.counts)
    return Hybrid(
        features=Features(Stacked.from_parts(SIGNALS, _below("stacked.", arrays)), traits),
        sessions=Sessions(_learned("going_on.", arrays), _learned("later.", arrays)),
        stated=Stated(arrays["stated"]),
        options=HybridOptions(**told["options"]),
        context=Context.load(folder) if (folder / f"{Context.name}.json").exists() else None,
        feelings=np.zeros(films, dtype=np.float32),
        order=tuple(told["order"]),
    )


def _learned(prefix: str, arrays: dict[str, Array]) -> Learned:
    mine = _below(prefix, arrays)
    slope, offset = mine.pop("calibration").tolist()
    return Learned(Additive(**mine), Calibration(slope, offset))


def _below(prefix: str, arrays: dict[str, Array]) -> dict[str, Array]:
    return {name.removeprefix(prefix): one for name, one in arrays.items() if name.startswith(prefix)}
