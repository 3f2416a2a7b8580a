"""What rows of one import, and what is there already, say of the same films: which rows count, and which change nothing."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from cine_ratings.domain.diary import DiaryEntry
from cine_ratings.domain.rating import Rating
from cine_ratings.domain.review import Review
from cine_ratings.domain.transfers.changes import entry_after, paired, review_is_said, score_after
from cine_ratings.domain.transfers.job import Import, figures
from cine_ratings.domain.transfers.rows import Outcome, Part
from cine_ratings.domain.transfers.settling import Placed, said_at, yielding
from cine_ratings.store import Transaction, held, import_rows, imports, ratings
from cine_ratings.store.import_rows import UNCHANGED, Effect, KeptRow


def settle(tx: Transaction, found: Import, movie_ids: Collection[int]) -> None:
    """Decides anew, of all rows that mean some films, which bring something.

    Args:
        tx: the transaction.
        found: the import.
        movie_ids: the films.
    """
    rows = import_rows.of_films(tx, found.import_id, movie_ids)
    yielded = yielding(
        Placed(
            kept.number,
            kept.movie_id,
            kept.row.kind,
            kept.row.brings,
            said_at(kept.row.at, kept.row.watched_on),
            kept.row.list_name,
        )
        for kept in rows
    )
    settled: dict[int, KeptRow] = {}
    for kept in rows:
        parts, winner = yielded.get(kept.number, (Part.NOTHING, 0))
        nothing_left = parts and not kept.row.brings & ~parts
        settled[kept.number] = replace(
            kept,
            yields=parts,
            outcome=Outcome.SKIPPED if nothing_left else Outcome.MATCHED,
            problem=f"row {winner} has the last word on this film" if nothing_left else "",
        )
    there = _Held(tx, found.user_id, [kept for kept in settled.values() if kept.outcome is Outcome.MATCHED])
    before = {kept.number: kept for kept in rows}
    judged = [there.judged(kept) for kept in settled.values()]
    import_rows.set_matches(tx, found.import_id, [kept for kept in judged if kept != before[kept.number]])
    import_rows.drop_claims(tx, found.import_id, before.keys())
    import_rows.keep_effects(
        tx, found.import_id, [claim for kept in judged if (claim := there.claim(kept)) is not None]
    )


def count(tx: Transaction, import_id: str) -> dict[str, int]:
    """Returns the figures of an import as its rows are now."""
    return figures(import_rows.outcomes(tx, import_id))


def note_figures(tx: Transaction, import_id: str) -> None:
    """Writes the figures of an import down as its rows are now."""
    imports.set_values(tx, import_id, **count(tx, import_id))


class _Held:
    """What a person has of the films of some rows."""

    def __init__(self, tx: Transaction, user_id: str, rows: Collection[KeptRow]) -> None:
        def films(part: Part) -> set[int]:
            return {kept.movie_id for kept in rows if part in kept.brings}

        self._ratings: dict[int, Rating] = ratings.of_films(tx, user_id, films(Part.RATING))
        self._reviews: dict[int, Review] = held.reviews_of_films(tx, user_id, films(Part.REVIEW))
        entries = held.entries_of(tx, user_id, films(Part.WATCH))
        watches = {kept.number: (kept.row, kept.movie_id) for kept in rows if Part.WATCH in kept.brings}
        self._entries: dict[int, DiaryEntry] = paired(watches, entries)

    def judged(self, kept: KeptRow) -> KeptRow:
        """Returns a matched row as unchanged where everything it brings is there."""
        if kept.outcome is not Outcome.MATCHED or Part.WATCHLIST in kept.brings:
            return kept
        there = (
            (Part.RATING not in kept.brings or self._is_rated(kept))
            and (Part.WATCH not in kept.brings or self._is_watched(kept))
            and (Part.REVIEW not in kept.brings or review_is_said(kept.row, self._reviews.get(kept.movie_id)))
        )
        return replace(kept, outcome=Outcome.UNCHANGED) if there else kept

    def claim(self, kept: KeptRow) -> Effect | None:
        """Returns which diary entry an unchanged row is about, so that no other row is applied to it."""
        entry = self._entries.get(kept.number)
        if kept.outcome is not Outcome.UNCHANGED or entry is None:
            return None
        return Effect(kept.number, Part.WATCH, entry.entry_id, UNCHANGED)

    def _is_rated(self, kept: KeptRow) -> bool:
        rating = self._ratings.get(kept.movie_id)
        return rating is not None and score_after(kept.row, rating.score) == rating.score

    def _is_watched(self, kept: KeptRow) -> bool:
        entry = self._entries.get(kept.number)
        return entry is not None and entry_after(kept.row, entry) == entry
