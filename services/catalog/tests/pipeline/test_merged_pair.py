from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cine_catalog.pipeline import (
    MERGED,
    DataCorrupt,
    SourceMissing,
    decode_list,
    encode_list,
    manifest_path,
    read_merged,
)
from cine_catalog.pipeline import merged as merged_module
from cine_catalog.pipeline.columns import LIST_COLUMNS, decoded, encoded
from cine_catalog.pipeline.merged import write_merged

ENTRIES = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00\r"), min_size=1, max_size=10)
TOLD: dict[str, Any] = {
    "fingerprint": "f" * 64,
    "base_source": "movielens",
    "synthetic_audience": False,
    "counts": {"films": 1},
    "options": {"min_year": 1980},
}


def films(*titles: str, cast: list[str] | None = None) -> pl.DataFrame:
    frame = pl.DataFrame({"movie_id": list(range(1, len(titles) + 1)), "title": list(titles)})
    missing = [pl.lit(None, dtype).alias(name) for name, dtype in MERGED.items() if name not in frame.columns]
    frame = frame.with_columns(missing).with_columns(pl.lit(cast, pl.List(pl.String)).alias("cast"))
    return frame.select(pl.col(name).cast(dtype) for name, dtype in MERGED.items())


@settings(deadline=None)
@given(st.lists(ENTRIES, max_size=5))
def test_any_list_survives_a_cell(names: list[str]) -> None:
    assert decode_list(encode_list(names)) == names
    column = pl.DataFrame({"c": [names]}, schema={"c": pl.List(pl.String)}).select(encoded("c"))["c"]
    assert (column[0] or "") == encode_list(names)
    assert decoded(column).to_list() == [names]


def test_a_table_comes_back_as_it_was_written(tmp_path: Path) -> None:
    path = tmp_path / "movies_merged.csv"
    table = films('Comma, quote " and\nline', "Plain", cast=["A|B", "C\\D", "É"])
    manifest = write_merged(path, table, **TOLD)
    read = read_merged(path)
    assert read.manifest == manifest
    assert read.films.columns == list(MERGED)
    empty_lists = [pl.col(name).fill_null([]) for name in LIST_COLUMNS]
    assert read.films.equals(table.with_columns(empty_lists))


def test_damage_of_any_kind_is_refused_by_name(tmp_path: Path) -> None:
    path = tmp_path / "movies_merged.csv"
    with pytest.raises(SourceMissing, match=r"movies_merged\.csv"):
        read_merged(path)
    write_merged(path, films("One", "Two"), **TOLD)
    whole = path.read_bytes()
    manifest = manifest_path(path).read_bytes()

    path.write_bytes(whole[:-5])
    with pytest.raises(
        DataCorrupt, match=r"movies_merged\.csv: its checksum is not the one in movies_merged\.manifest\.json"
    ):
        read_merged(path)
    path.write_bytes(whole)
    manifest_path(path).write_bytes(manifest[:20])
    with pytest.raises(DataCorrupt, match="damaged"):
        read_merged(path)
    manifest_path(path).unlink()
    with pytest.raises(DataCorrupt, match="manifest is missing") as caught:
        read_merged(path)
    assert caught.value.file == path
    manifest_path(path).write_bytes(manifest.replace(b'"schema_version": 1', b'"schema_version": 99'))
    with pytest.raises(DataCorrupt, match="schema version 99"):
        read_merged(path)
    manifest_path(path).write_bytes(manifest.replace(b'"rows": 2', b'"rows": 3'))
    with pytest.raises(DataCorrupt, match="2 rows, the manifest says 3"):
        read_merged(path)


class Killed(BaseException):
    """Stands for SIGKILL: nothing may catch it."""


@pytest.mark.parametrize("survives", range(10))
def test_a_kill_between_any_two_writes_leaves_the_old_or_the_new_pair(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, survives: int
) -> None:
    path = tmp_path / "movies_merged.csv"
    write_merged(path, films("Old"), **TOLD)
    left = survives

    def limited(real: Any) -> Any:
        def step(*arguments: Any) -> Any:
            nonlocal left
            if left == 0:
                raise Killed
            left -= 1
            return real(*arguments)

        return step

    monkeypatch.setattr(merged_module, "_write_synced", limited(merged_module._write_synced))
    monkeypatch.setattr(merged_module, "_sync_folder", limited(merged_module._sync_folder))
    monkeypatch.setattr(Path, "replace", limited(Path.replace))
    try:
        write_merged(path, films("New", "Newer"), **TOLD)
    except Killed:
        assert survives < 8
    else:
        assert survives >= 8
    monkeypatch.undo()
    titles = read_merged(path).films["title"].to_list()
    assert titles == (["Old"] if survives <= 4 else ["New", "Newer"])
    # And the next run repairs whatever the kill left behind.
    write_merged(path, films("Next"), **TOLD)
    assert read_merged(path).films["title"].to_list() == ["Next"]


def test_a_copied_table_without_its_manifest_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "movies_merged.csv"
    write_merged(path, films("One"), **TOLD)
    other = tmp_path / "elsewhere" / "movies_merged.csv"
    other.parent.mkdir()
    shutil.copy(path, other)
    with pytest.raises(DataCorrupt):
        read_merged(other)
