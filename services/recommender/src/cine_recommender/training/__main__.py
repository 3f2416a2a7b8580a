"""`python -m cine_recommender.training`: trains as a process of its own, for the recommender that serves.

Reads a `TrainingJob` as JSON from standard input and writes lines of JSON to standard output: `{"step": …, "share": …}` as it goes on,
`{"outcome": …}` for each kind of model. Nothing is served by it: what passes the gate is published and left to the recommender. Ended by
SIGTERM at any moment it leaves nothing behind that anybody reads.
"""

from __future__ import annotations

import json
import os
import sys
import traceback
from collections.abc import Callable
from typing import Any, Final, TextIO

_NICE: Final = 10
"""Whoever serves goes first."""
_SHARES: Final = {"content": 0.15}
"""Of the whole time, where several kinds are trained: the hybrid takes nearly all of it."""


def main(say: Callable[[dict[str, Any]], None], told: str) -> None:
    """Does a job.

    Args:
        say: is told what is to be written.
        told: the job.
    """
    from cine_recommender.training.outcome import Outcome, TrainingJob

    job = TrainingJob.model_validate_json(told)
    say({"step": "start", "share": 0.0})
    # scikit-learn and polars take a second to import: whoever asked knows already that it began
    from cine_recommender.evaluation.reading import RatingsUnusable
    from cine_recommender.training.films import FilmsUnusable
    from cine_recommender.training.renewal import renew
    from cine_recommender.training.stamps import NothingToLearnFrom
    from cinemesh.artifacts import ArtifactError

    begun = 0.0
    for kind in job.kinds:
        whole = (_SHARES.get(kind, 1 - sum(_SHARES.values())) if len(job.kinds) > 1 else 1.0) or 1.0

        def progress(step: str, share: float, kind: str = kind, begun: float = begun, whole: float = whole) -> None:
            say({"step": f"{kind}: {step}", "share": begun + whole * share})

        try:
            outcome = renew(kind, job, progress)
        except (NothingToLearnFrom, FilmsUnusable, RatingsUnusable, ArtifactError) as error:
            outcome = Outcome(kind=kind, result="failed", reason=str(error))
        except Exception:
            traceback.print_exc()
            reason = "something went wrong on our side; the recommender's log says what"
            outcome = Outcome(kind=kind, result="failed", reason=reason)
        say({"outcome": outcome.model_dump(mode="json")})
        begun += whole


def _sayer(out: TextIO) -> Callable[[dict[str, Any]], None]:
    def say(told: dict[str, Any]) -> None:
        out.write(json.dumps(told) + "\n")
        out.flush()

    return say


if __name__ == "__main__":
    os.nice(_NICE)
    # whatever a library prints goes to the log, not between the lines of the answer
    answer = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    main(_sayer(answer), sys.stdin.read())
