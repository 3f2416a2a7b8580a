"""Rows of imports in the store, and what undoes them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.orm import Session

from cine_ratings.domain.transfers.matching import UNSETTLED, Candidate, Match
from cine_ratings.domain.transfers.rows import Outcome, Part, Row, document_of, row_of
from cine_ratings.store.import_tables import import_effects as effects
from cine_ratings.store.import_tables import import_rows as rows

_CHUNK: Final = 500
_PROBLEM_LENGTH: Final = 500
UNCHANGED: Final = 0
"""Version of an effect that is none: the thing was like that already. No other row of the import is about the same thing."""
_TO_DO: Final = (sa.not_(rows.c.applied), rows.c.movie_id > 0)
_STAYS: Final = -1
"""In `version`: the person changed it since, so undoing left it alone."""


@dataclass(frozen=True, slots=True)
class KeptRow:
    """A row as it is kept.

    Attributes:
        number: its number in the file, from 1.
        row: what it says.
        outcome: what became of it; None until it was matched.
        match: the film it means, or those it may mean.
        problem: what is wrong with it, or why it is left out.
        yields: parts of it that another row has the last word on.
        applied: whether it was applied.
    """

    number: int
    row: Row
    outcome: Outcome | None = None
    match: Match = UNSETTLED
    problem: str = ""
    yields: Part = Part.NOTHING
    applied: bool = False

    @property
    def movie_id(self) -> int:
        """The film it means; 0 while that is not settled."""
        return self.match.movie_id

    @property
    def brings(self) -> Part:
        """What is left for it to do."""
        return self.row.brings & ~self.yields


@dataclass(frozen=True, slots=True)
class Effect:
    """What applying a part of a row did.

    Attributes:
        row_number: the row.
        part: which part of it.
        thing_id: rating, diary entry or review.
        version: of the thing after it; `UNCHANGED` where it was like that already.
        before: what was there; None for nothing.
    """

    row_number: int
    part: Part
    thing_id: str
    version: int
    before: Mapping[str, Any] | None = None


def insert(tx: Session, import_id: str, first: int, found: Sequence[Row]) -> None:
    """Adds rows as they come from the file, numbered from `first` on; one that cannot be read is invalid at once."""
    values = [
        {
            "import_id": import_id,
            "row_number": number,
            "kind": row.kind,
            "outcome": Outcome.INVALID if row.problem else "",
            "movie_id": 0,
            "confidence": 0.0,
            "candidates": "",
            "problem": row.problem[:_PROBLEM_LENGTH],
            "yields": 0,
            "applied": False,
            "likeness": likeness(row),
            "document": json.dumps(document_of(row), ensure_ascii=False, separators=(",", ":")),
        }
        for number, row in enumerate(found, first)
    ]
    if values:
        tx.execute(sa.insert(rows), values)


def likeness(row: Row) -> str:
    """Returns a digest of what a row says of its film: rows with the same one mean the same film."""
    said = (row.title.casefold(), row.year, row.imdb_id, row.tmdb_id, row.movie_id, row.directors)
    return hashlib.blake2b(repr(said).encode(), digest_size=20).hexdigest()


def unmatched(tx: Session, import_id: str, limit: int) -> list[KeptRow]:
    """Returns at most `limit` rows that were not matched yet, in their order."""
    return _find(tx, import_id, rows.c.outcome == "", limit=limit)


def to_apply(tx: Session, import_id: str, kinds: Iterable[str], limit: int) -> list[KeptRow]:
    """Returns at most `limit` matched rows of some kinds that are not applied yet, those of one film next to each other."""
    waiting = (*_TO_DO, rows.c.outcome == Outcome.MATCHED, rows.c.kind.in_(list(kinds)))
    query = sa.select(rows).where(rows.c.import_id == import_id, *waiting)
    query = query.order_by(rows.c.movie_id, rows.c.row_number).limit(limit)
    return [_kept(row) for row in tx.execute(query).mappings()]


def count_to_apply(tx: Session, import_id: str) -> int:
    """Returns how many matched rows are not applied yet."""
    waiting = (*_TO_DO, rows.c.outcome == Outcome.MATCHED)
    query = sa.select(sa.func.count()).select_from(rows).where(rows.c.import_id == import_id, *waiting)
    return int(tx.execute(query).scalar_one())


def films_after(tx: Session, import_id: str, movie_id: int, limit: int) -> list[int]:
    """Returns films that rows not applied yet mean, above an id and in order, as many as have about `limit` rows together."""
    of_import = (rows.c.import_id == import_id, sa.not_(rows.c.applied), rows.c.movie_id > movie_id)
    query = sa.select(rows.c.movie_id, sa.func.count()).where(*of_import)
    found = tx.execute(query.group_by(rows.c.movie_id).order_by(rows.c.movie_id).limit(limit)).tuples()
    total, films = 0, []
    for film, number in found:
        films.append(film)
        total += number
        if total >= limit:
            break
    return films


def of_films(tx: Session, import_id: str, movie_ids: Collection[int]) -> list[KeptRow]:
    """Returns the rows that mean some films and are not applied yet, in their order."""
    return _find(tx, import_id, sa.not_(rows.c.applied), rows.c.movie_id.in_(sorted(movie_ids)))


def page(tx: Session, import_id: str, outcome: str, limit: int, after: int) -> list[KeptRow]:
    """Returns at most `limit` rows that follow a number, in their order; of one outcome, or of all when that is empty."""
    conditions = [rows.c.row_number > after, *([rows.c.outcome == outcome] if outcome else [])]
    return _find(tx, import_id, *conditions, limit=limit)


def count(tx: Session, import_id: str, outcome: str) -> int:
    """Returns how many rows have an outcome; all of them when that is empty."""
    query = sa.select(sa.func.count()).select_from(rows).where(rows.c.import_id == import_id)
    return int(tx.execute(query.where(rows.c.outcome == outcome) if outcome else query).scalar_one())


def outcomes(tx: Session, import_id: str) -> dict[str, int]:
    """Returns how many rows have each outcome."""
    query = sa.select(rows.c.outcome, sa.func.count()).where(rows.c.import_id == import_id)
    return dict(tx.execute(query.group_by(rows.c.outcome)).tuples().all())


def one(tx: Session, import_id: str, number: int) -> KeptRow | None:
    """Returns a row; None when there is none."""
    return next(iter(_find(tx, import_id, rows.c.row_number == number)), None)


def alike(tx: Session, import_id: str, row: Row, outcomes_wanted: Iterable[Outcome]) -> list[KeptRow]:
    """Returns rows that say the same of their film as one does, and have one of these outcomes."""
    wanted = rows.c.outcome.in_(list(outcomes_wanted))
    return _find(tx, import_id, rows.c.likeness == likeness(row), wanted)


def set_matches(tx: Session, import_id: str, found: Sequence[KeptRow]) -> None:
    """Keeps what rows mean, and their outcomes, problems and yields."""
    statement = (
        sa.update(rows)
        .where(rows.c.import_id == import_id, rows.c.row_number == sa.bindparam("number"))
        .values(
            outcome=sa.bindparam("new_outcome"),
            movie_id=sa.bindparam("new_movie_id"),
            confidence=sa.bindparam("new_confidence"),
            candidates=sa.bindparam("new_candidates"),
            problem=sa.bindparam("new_problem"),
            yields=sa.bindparam("new_yields"),
        )
    )
    values = [
        {
            "number": kept.number,
            "new_outcome": kept.outcome or "",
            "new_movie_id": kept.match.movie_id,
            "new_confidence": kept.match.confidence,
            "new_candidates": _packed(kept.match.candidates),
            "new_problem": kept.problem[:_PROBLEM_LENGTH],
            "new_yields": int(kept.yields),
        }
        for kept in found
    ]
    if values:
        tx.execute(statement, values)


def mark_applied(tx: Session, import_id: str, numbers: Sequence[int], *, applied: bool = True) -> None:
    """Notes that rows were applied, or undone."""
    for start in range(0, len(numbers), _CHUNK):
        some = rows.c.row_number.in_(numbers[start : start + _CHUNK])
        tx.execute(sa.update(rows).where(rows.c.import_id == import_id, some).values(applied=applied))


def any_applied(tx: Session, import_id: str, kinds: Iterable[str]) -> bool:
    """Returns whether a row of some kinds is applied."""
    query = sa.select(rows.c.row_number).where(rows.c.import_id == import_id, rows.c.applied)
    return tx.execute(query.where(rows.c.kind.in_(list(kinds))).limit(1)).first() is not None


def settle_undone(tx: Session, import_id: str) -> int:
    """Notes that every row was undone but those of which something stays. Returns how many those are."""
    of_import = rows.c.import_id == import_id
    staying = sa.select(effects.c.row_number).where(effects.c.import_id == import_id, effects.c.version == _STAYS)
    tx.execute(
        sa.update(rows).where(of_import, rows.c.applied, rows.c.row_number.not_in(staying)).values(applied=False)
    )
    return int(tx.execute(sa.select(sa.func.count()).select_from(rows).where(of_import, rows.c.applied)).scalar_one())


def keep_effects(tx: Session, import_id: str, found: Sequence[Effect]) -> None:
    """Keeps what applying rows did."""
    values = [
        {
            "import_id": import_id,
            "row_number": effect.row_number,
            "part": int(effect.part),
            "thing_id": effect.thing_id,
            "version": effect.version,
            "before": "" if effect.before is None else json.dumps(effect.before, ensure_ascii=False),
        }
        for effect in found
    ]
    if values:
        tx.execute(sa.insert(effects), values)


def count_effects(tx: Session, import_id: str) -> int:
    """Returns how many rows have effects that are not undone yet."""
    query = sa.select(sa.func.count(sa.distinct(effects.c.row_number))).where(effects.c.import_id == import_id)
    return int(tx.execute(query.where(effects.c.version > UNCHANGED)).scalar_one())


def last_effects(tx: Session, import_id: str, limit: int) -> list[Effect]:
    """Returns at most `limit` effects of the rows applied last, last row first; a row's effects are never parted."""
    of_import = sa.and_(effects.c.import_id == import_id, effects.c.version != _STAYS)
    numbers = sa.select(effects.c.row_number).where(of_import).distinct()
    last = list(tx.execute(numbers.order_by(effects.c.row_number.desc()).limit(limit)).scalars())
    query = sa.select(effects).where(of_import, effects.c.row_number.in_(last))
    found = tx.execute(query.order_by(effects.c.row_number.desc(), effects.c.part)).mappings()
    return [
        Effect(
            row["row_number"],
            Part(row["part"]),
            row["thing_id"],
            row["version"],
            json.loads(row["before"]) if row["before"] else None,
        )
        for row in found
    ]


def drop_claims(tx: Session, import_id: str, numbers: Collection[int]) -> None:
    """Forgets which things rows were about that changed nothing."""
    key = (effects.c.import_id == import_id, effects.c.version == UNCHANGED)
    wanted = sorted(numbers)
    for start in range(0, len(wanted), _CHUNK):
        tx.execute(sa.delete(effects).where(*key, effects.c.row_number.in_(wanted[start : start + _CHUNK])))


def touched(tx: Session, import_id: str, part: Part, thing_ids: Sequence[str]) -> set[str]:
    """Returns those of the things that a row of the import was about already."""
    found: set[str] = set()
    for start in range(0, len(thing_ids), _CHUNK):
        some = effects.c.thing_id.in_(thing_ids[start : start + _CHUNK])
        query = sa.select(effects.c.thing_id).where(effects.c.import_id == import_id, effects.c.part == int(part), some)
        found.update(tx.execute(query).scalars())
    return found


def settle_effects(tx: Session, import_id: str, found: Iterable[tuple[Effect, bool]]) -> None:
    """Forgets effects that were undone, and notes that others stay.

    Args:
        tx: the transaction.
        import_id: the import.
        found: effects, each with whether it was undone.
    """
    key = (effects.c.row_number == sa.bindparam("number"), effects.c.part == sa.bindparam("of_part"))
    gone: list[dict[str, int]] = []
    staying: list[dict[str, int]] = []
    for effect, undone in found:
        (gone if undone else staying).append({"number": effect.row_number, "of_part": int(effect.part)})
    if gone:
        tx.execute(sa.delete(effects).where(effects.c.import_id == import_id, *key), gone)
    if staying:
        tx.execute(sa.update(effects).where(effects.c.import_id == import_id, *key).values(version=_STAYS), staying)


def _find(tx: Session, import_id: str, *conditions: sa.ColumnElement[bool], limit: int | None = None) -> list[KeptRow]:
    query = sa.select(rows).where(rows.c.import_id == import_id, *conditions).order_by(rows.c.row_number)
    return [_kept(row) for row in tx.execute(query.limit(limit) if limit is not None else query).mappings()]


def _kept(row: Mapping[Any, Any]) -> KeptRow:
    candidates = tuple(Candidate(*pair) for pair in json.loads(row["candidates"])) if row["candidates"] else ()
    return KeptRow(
        row["row_number"],
        row_of(json.loads(row["document"])),
        Outcome(row["outcome"]) if row["outcome"] else None,
        Match(row["movie_id"], row["confidence"], candidates),
        row["problem"],
        Part(row["yields"]),
        row["applied"],
    )


def _packed(candidates: Sequence[Candidate]) -> str:
    return json.dumps([[one.movie_id, one.confidence] for one in candidates]) if candidates else ""
