"""People who answer back while they read, in small; `make chaos-refusals` is the large one."""

from __future__ import annotations

from pathlib import Path

from tests.chaos.refusals import interleaved


async def test_no_answer_shows_what_its_reader_has_seen_or_refused(tmp_path: Path) -> None:
    tally = await interleaved(tmp_path, people=40, rounds=3, at_once=8)
    assert tally.wrong == []
    assert tally.said.total() == 40 * 3
    assert tally.answers.total() == 40 * 7
    assert tally.answers["personal"] > 0
