"""The explorer's files: small, self-contained, and nothing in them that its Content-Security-Policy would refuse."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

WEB = Path(__file__).resolve().parents[3] / "gateway" / "web"
SCRIPTS = sorted(WEB.rglob("*.js"))
STATIC = re.compile(r'^import .*?from "([^"]+)"', re.M)
LATER = re.compile(r'\bimport\("([^"]+)"\)')
# what every visit loads, and all there is: the rest comes with the first visit of its page
FIRST_LIMIT, WHOLE_LIMIT = 80 * 1024, 440 * 1024
# pages of a person's own, which come with their first visit
OWN = ("account/", "ratings/", "reviews/", "diary/", "lists/", "nights/", "imports/", "picks/")


def _reached(pattern: re.Pattern[str], path: Path) -> set[Path]:
    return {(path.parent / address).resolve() for address in pattern.findall(path.read_text())}


def _first() -> set[Path]:
    """Returns the modules that load with the page, whatever it shows."""
    found: set[Path] = set()
    ahead = {WEB / "js" / "main.js"}
    while ahead:
        found |= ahead
        ahead = {target for path in ahead for target in _reached(STATIC, path)} - found
    return found


def test_scripts_stay_small() -> None:
    assert SCRIPTS
    assert sum(path.stat().st_size for path in _first()) < FIRST_LIMIT
    assert sum(path.stat().st_size for path in SCRIPTS) < WHOLE_LIMIT


def test_pages_of_ones_own_load_with_their_first_visit_only() -> None:
    first = {path.relative_to(WEB / "js").as_posix() for path in _first()}

    assert [name for name in first if name.startswith(OWN)] == ["lists/keep.js"], "which fetches the rest of it"
    assert not first & {
        "identity.js",
        "watchlist.js",
        "components/qr.js",
        "components/order.js",
        "components/markup.js",
    }


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.name)
def test_scripts_never_turn_data_into_markup(path: Path) -> None:
    found = re.findall(
        r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\b|new Function|setHTMLUnsafe|\.cssText",
        path.read_text().split("\n", 1)[1],
    )

    assert found == []


def test_page_loads_only_its_own_files() -> None:
    page = (WEB / "index.html").read_text()
    loaded = re.findall(r'<(?:script|link)[^>]+(?:src|href)="([^"]+)"', page)
    loaded += re.findall(r'url\("([^"]+)"\)', "".join(path.read_text() for path in WEB.rglob("*.css")))

    assert len(loaded) > 10
    for address in loaded:
        assert not re.match(r"\w+:|/", address), f"{address} is not relative"
        assert (WEB / "styles" / address).resolve().is_file() or (WEB / address).is_file(), f"{address} does not exist"
    assert not re.search(r"<script(?![^>]*\bsrc=)|<style|\sstyle=|\son\w+=", page), "inline script or style"


def test_modules_import_what_exists_and_are_all_used() -> None:
    imported = {WEB / "js" / "main.js"}
    for path in SCRIPTS:
        for target in _reached(STATIC, path) | _reached(LATER, path):
            assert target.is_file(), f"{path.name} imports {target.name}"
            imported.add(target)

    assert imported == set(SCRIPTS)
