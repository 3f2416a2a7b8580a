"""The explorer's files: small, self-contained, and nothing in them that its Content-Security-Policy would refuse."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

WEB = Path(__file__).resolve().parents[3] / "gateway" / "web"
SCRIPTS = sorted(WEB.rglob("*.js"))
JS_LIMIT = 60 * 1024


def test_scripts_stay_small() -> None:
    assert SCRIPTS
    assert sum(path.stat().st_size for path in SCRIPTS) < JS_LIMIT


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
        for address in re.findall(r'^import .*?from "([^"]+)"', path.read_text(), re.M):
            target = (path.parent / address).resolve()
            assert target.is_file(), f"{path.name} imports {address}"
            imported.add(target)

    assert imported == set(SCRIPTS)
