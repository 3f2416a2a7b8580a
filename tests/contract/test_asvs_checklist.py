"""The checklist in Identity's README: every line is proven by tests that exist, does not apply, or says what is open."""

from __future__ import annotations

import ast
import functools
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).parents[2]
README: Final = ROOT / "services" / "identity" / "README.md"
HEADING: Final = "## OWASP ASVS 5.0, level 2"
NUMBER: Final = re.compile(r"\d{1,2}\.\d{1,2}(\.\d{1,2})?")
TEST: Final = re.compile(r"`([\w/.-]+\.py)::([\w:]+)`")
CELL: Final = re.compile(r"(?<!\\)\|")
SECTIONS: Final = {
    **{f"6.{section}": last for section, last in {1: 3, 2: 12, 3: 4, 4: 4, 5: 5, 6: 3, 8: 4}.items()},
    **{f"7.{section}": last for section, last in {1: 3, 2: 4, 3: 2, 4: 5, 5: 2, 6: 2}.items()},
    **{"8.1": 2, "8.2": 3, "8.3": 1, "8.4": 1, "9.1": 3, "9.2": 4},
    **{"10.1": 2, "10.2": 2, "10.3": 4, "10.4": 11, "10.5": 5},
}
"""How many requirements of levels 1 and 2 a section of ASVS 5.0.0 has; they come first in each."""


@dataclass(frozen=True)
class Line:
    """One line of the checklist."""

    numbers: str
    proof: str

    @property
    def tests(self) -> list[tuple[str, str]]:
        """File and name of every test named."""
        return TEST.findall(self.proof)


def checklist(text: str) -> list[Line]:
    """Returns the lines of the checklist's tables; other tables begin with no number."""
    _, found, rest = text.partition(f"\n{HEADING}\n")
    assert found, f"there is no heading {HEADING!r}"
    cells = [
        [cell.strip() for cell in CELL.split(row)[1:-1]]
        for row in rest.split("\n## ")[0].splitlines()
        if row.startswith("|")
    ]
    return [Line(row[0], row[-1]) for row in cells if NUMBER.match(row[0])]


def numbers_of(line: Line) -> list[str]:
    """Returns the requirements that a line speaks of; `3.3.1 – 3.3.3` are three."""
    found: list[str] = []
    for part in line.numbers.split(", "):
        first, _, last = part.partition(" – ")
        section, _, begin = first.rpartition(".")
        end = last.rpartition(".")[2] or begin
        found += [f"{section}.{number}" for number in range(int(begin), int(end) + 1)]
    return found


@functools.cache
def named_in(path: Path) -> frozenset[str]:
    """Returns the tests that a file defines, those in classes as `Class::test`; nothing is imported."""
    names: set[str] = set()
    for node in ast.parse(path.read_text()).body:
        within, body = (f"{node.name}::", node.body) if isinstance(node, ast.ClassDef) else ("", [node])
        names |= {
            f"{within}{one.name}"
            for one in body
            if isinstance(one, ast.FunctionDef | ast.AsyncFunctionDef) and one.name.startswith("test_")
        }
    return frozenset(names)


LINES: Final = checklist(README.read_text())


@pytest.mark.parametrize("line", LINES, ids=lambda line: line.numbers)
def test_a_line_is_proven_does_not_apply_or_is_open(line: Line) -> None:
    for file, name in line.tests:
        path = ROOT / file
        assert path.is_file(), f"{line.numbers} names {file}, which does not exist"
        assert name in named_in(path), f"{line.numbers} names {file}::{name}, which does not exist"
    said = re.search(r"\b(?:open|does not apply): \S", line.proof)
    assert line.tests or said, f"{line.numbers}: name a test, or say 'open: …' or 'does not apply: …'"
    assert line.proof.count(".py") == len(line.tests), f"{line.numbers}: name tests as `path::name`"


def test_no_requirement_is_left_out() -> None:
    listed = [number for line in LINES for number in numbers_of(line)]
    wanted = {f"{section}.{number}" for section, last in SECTIONS.items() for number in range(1, last + 1)}
    assert wanted - set(listed) == set()
    assert len(listed) == len(set(listed)), "one is listed twice"


def test_a_test_that_is_gone_is_noticed() -> None:
    text = f"\n{HEADING}\n\n| 6.1.1 | a | b | `tests/contract/test_asvs_checklist.py::test_that_was_renamed` |\n"
    (line,) = checklist(text)
    assert line.tests == [("tests/contract/test_asvs_checklist.py", "test_that_was_renamed")]
    with pytest.raises(AssertionError, match="does not exist"):
        test_a_line_is_proven_does_not_apply_or_is_open(line)
    with pytest.raises(AssertionError, match="name a test"):
        test_a_line_is_proven_does_not_apply_or_is_open(Line("6.1.1", "works"))
