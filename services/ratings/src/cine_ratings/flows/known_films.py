"""Whether a film exists, found out before a transaction and told within it."""

from __future__ import annotations

from dataclasses import dataclass

from cinemesh.errors import CineError
from cinemesh.projections import Films


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is wrong with a film; None when it exists."""

    failure: CineError | None

    def pronounce(self) -> None:
        """Raises what is wrong.

        Raises:
            NotFound: there is no such film.
            Unavailable: nobody can tell.
        """
        if self.failure is not None:
            raise self.failure


async def verdict_on(films: Films, movie_id: int) -> Verdict:
    """Returns whether a film exists, without raising yet.

    An attempt that is sent again gets its first answer again, also when the film has left the catalogue since, or nobody can tell.
    """
    try:
        await films.require([movie_id])
    except CineError as failure:
        return Verdict(failure)
    return Verdict(None)
