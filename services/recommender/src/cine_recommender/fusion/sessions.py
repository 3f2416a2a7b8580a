"""Two sets of curves: for somebody in the middle of a session, and for somebody who comes back later.

Nearly all that logs of ratings hold out was rated minutes after what came before it. There the last few films say most of what comes
next, and a model that has learned from them trusts them most; but they say it of this session only. So curves are learned twice from the
same films: once with all that is known, and once as if nothing were known of what follows what (`SUCCESSION`), which then is made up for
by everything else. Leaving the readings out of curves that count on them would not do: the others have learned to lean on them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from cine_recommender.fusion.additive import Additive
from cine_recommender.fusion.calibration import Calibration
from cine_recommender.fusion.features import FEATURES
from cine_recommender.interactions import Floats

SUCCESSION: Final = tuple(at for at, one in enumerate(FEATURES) if one.signal == "succession")
"""Columns that say what comes next in a session."""


@dataclass(frozen=True)
class Learned:
    """What the features of a film are worth.

    Attributes:
        curves: what each adds to the logit.
        calibration: from the logit to a score.
    """

    curves: Additive
    calibration: Calibration


@dataclass(frozen=True)
class Sessions:
    """One set of curves for each case.

    Attributes:
        going_on: while a session goes on.
        later: after it.
    """

    going_on: Learned
    later: Learned


def without_succession(table: Floats) -> Floats:
    """Returns a table, float32 (rows, features), of which nothing follows from the order of watching."""
    found = table.copy(order="K")
    found[:, np.array(SUCCESSION, dtype=np.intp)] = 0
    return found
