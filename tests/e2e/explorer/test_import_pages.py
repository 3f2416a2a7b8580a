"""Imports in a browser: a file, what it would do, its choices, progress, and the way back."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.e2e.explorer.accounts import labelled, press
from tests.e2e.explorer.stub_people import Account

if TYPE_CHECKING:
    from tests.e2e.explorer.conftest import Explorer
    from tests.e2e.explorer.stub_mesh import StubMesh

pytestmark = [pytest.mark.browser]


@pytest.fixture
def ratings_csv(tmp_path: Path) -> Path:
    path = tmp_path / "ratings.csv"
    path.write_text("Date,Name,Year,Letterboxd URI,Rating\n2023-05-01,Metropolis,1927,x,4.5\n")
    return path


def _send(explorer: Explorer, path: Path) -> None:
    explorer.open("#/import")
    explorer.one("main [name=file]").send_keys(str(path))
    press(explorer, "Send it")


def test_a_file_is_read_chosen_from_imported_and_undone(
    explorer: Explorer, stub: StubMesh, ada: Account, ratings_csv: Path
) -> None:
    first, second = stub.films[:2]
    _send(explorer, ratings_csv)
    explorer.wait_text("h2", "Nothing is changed yet")
    (kept,) = stub.imports.imports.values()
    assert kept["raw"] == ratings_csv.read_bytes()
    assert explorer.texts("h1") == ["ratings.csv"]
    explorer.wait_text(".import-state", "33 rows: 29 found, 1 may be several films, 1 not found, 1 unreadable")

    # what needs a choice is shown first
    assert [chip.split()[0] for chip in explorer.texts(".row-tabs .on")] == ["May"]
    label = f"{second['title']} (1999) is {second['title']} ({second['year']})"
    press(explorer, label)
    explorer.wait_text(".row-outcome", "Found")
    assert kept["rows"][1]["movie_id"] == second["movie_id"]
    press_chip(explorer, "Not found")
    explorer.one(".row-line details summary").click()
    field = explorer.one(".row-line .finder input")
    assert field.get_attribute("value") == "A Film Nobody Has", "the title of the row is what is looked for"
    field.clear()
    field.send_keys(first["title"])
    press(explorer, "Find")
    press(explorer, f"Choose {first['title']} ({first['year']})")
    explorer.wait(lambda: kept["rows"][2]["movie_id"] == first["movie_id"], "the choice")
    press_chip(explorer, "Unreadable")
    explorer.wait_text(".row-line .form-error", "Rating:")

    stub.imports.step = 0.5
    press(explorer, "Import 31 rows")
    explorer.wait(lambda: explorer.all("progress"), "a bar")
    explorer.wait_text(".progress", "16 of 33 rows")
    explorer.wait_text("h2", "It is here")
    explorer.wait_text(".import-state", "31 of 33 rows imported")
    explorer.wait_text(".row-outcome", "Imported")
    explorer.driver.refresh()
    press(explorer, "Undo the import")
    press(explorer, "Undo it")
    explorer.wait_text(".notice h2", "It is undone")
    assert kept["state"] == "rolled_back"
    explorer.open("#/import")
    explorer.wait_text(".items", "ratings.csv")
    explorer.wait_text(".items .tag", "undone")
    assert explorer.complaints() == []


def press_chip(explorer: Explorer, label: str) -> None:
    """Shows the rows of an outcome."""
    explorer.js(
        "[...document.querySelectorAll('.row-tabs button')].find((b) => b.textContent.startsWith(arguments[0])).click()",
        label,
    )
    explorer.wait_text(".row-tabs .on", label)
    explorer.settle()


def test_unsettled_rows_can_be_left_out(explorer: Explorer, stub: StubMesh, ada: Account, ratings_csv: Path) -> None:
    _send(explorer, ratings_csv)
    press(explorer, "Leave " + stub.films[1]["title"] + " (1999) out")
    (kept,) = stub.imports.imports.values()
    explorer.wait(lambda: kept["rows"][1]["outcome"] == "skipped", "left out")
    press(explorer, "Import 29 rows, leave 1 out")
    explorer.wait_text("h2", "It is here")
    assert [row["outcome"] for row in kept["rows"][1:3]] == ["skipped", "skipped"]


def test_rows_that_say_the_same_are_settled_along(
    explorer: Explorer, stub: StubMesh, ada: Account, ratings_csv: Path
) -> None:
    _send(explorer, ratings_csv)
    explorer.wait_text("h2", "Nothing is changed yet")
    (kept,) = stub.imports.imports.values()
    row = kept["rows"][1]
    kept["rows"].append(row | {"row_number": len(kept["rows"]) + 1, "kind": "watch"})
    explorer.driver.refresh()
    explorer.wait(lambda: len(explorer.all(".row-line")) == 2, "both rows")
    film = row["candidates"][0]
    press(explorer, f"{row['title']} (1999) is {film['title']} ({film['year']})")
    explorer.wait(lambda: explorer.texts(".row-outcome .tag") == ["Found", "Found"], "both are settled")
    assert kept["rows"][-1]["movie_id"] == film["movie_id"]


def test_a_stream_that_breaks_off_is_opened_again(
    explorer: Explorer, stub: StubMesh, ada: Account, ratings_csv: Path
) -> None:
    stub.imports.torn = 1
    _send(explorer, ratings_csv)
    explorer.wait_text("h2", "Nothing is changed yet")
    assert stub.imports.streams == 2


def test_without_any_stream_the_import_is_asked_for(
    explorer: Explorer, stub: StubMesh, ada: Account, ratings_csv: Path
) -> None:
    stub.imports.dead = True
    _send(explorer, ratings_csv)
    explorer.wait_text("h2", "Nothing is changed yet")
    press(explorer, "Import 29 rows, leave 2 out")
    explorer.wait_text("h2", "It is here")


def test_a_lost_answer_makes_no_second_import(
    explorer: Explorer, stub: StubMesh, ada: Account, ratings_csv: Path
) -> None:
    stub.losing = 1
    _send(explorer, ratings_csv)
    explorer.wait_text(".form-error", "not answering")
    press(explorer, "Send it")
    explorer.wait_text("h2", "Nothing is changed yet")
    assert len(stub.imports.imports) == 1
    first, second = stub.imports.asked
    assert first == second


def test_what_is_wrong_with_a_file_is_said_at_its_field(
    explorer: Explorer, stub: StubMesh, ada: Account, tmp_path: Path
) -> None:
    explorer.open("#/import")
    press(explorer, "Send it")
    explorer.wait_text(".field-error", "This is needed")
    poem = tmp_path / "poem.txt"
    poem.write_text("no film in here")
    explorer.one("main [name=file]").send_keys(str(poem))
    press(explorer, "Send it")
    explorer.wait_text(".field-error", "not one of those that can be read")
    explorer.js(
        "const file = new File([new ArrayBuffer(51 * 1024 * 1024)], 'large.zip'); const held = new DataTransfer();"
        "held.items.add(file); document.querySelector('main [name=file]').files = held.files"
    )
    press(explorer, "Send it")
    explorer.wait_text(".field-error", "50 are the most")
    assert len(stub.imports.asked) == 1
    labelled(explorer, "Download your history as JSON, all of it")


def test_somebody_elses_import_is_not_shown(
    explorer: Explorer, stub: StubMesh, ada: Account, ratings_csv: Path
) -> None:
    _send(explorer, ratings_csv)
    explorer.wait_text("h2", "Nothing is changed yet")
    (kept,) = stub.imports.imports.values()
    kept["user_id"] = "another"
    explorer.driver.refresh()
    explorer.wait_text(".notice h2", "There is no such import")
