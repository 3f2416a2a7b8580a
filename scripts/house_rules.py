"""Checks the rules of the house that no linter knows; prints every breach and ends with 1 when there is one.

- no module above 400 lines; no module named utils, helpers, manager or common;
- services import neither each other nor torch (outside training);
- `domain/` imports neither grpc nor protobuf nor SQLAlchemy, and SQL stays in `store/`;
- no registry host and no absolute path of a developer's machine in a tracked file.
"""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LIMIT = 400
BAD_NAMES = {"utils", "util", "helpers", "helper", "manager", "managers", "common"}
SERVICES = ("identity", "catalog", "ratings", "watchlist", "recommender", "aesthetic", "sentiment")
NEVER_SERVED = {"torch", "transformers", "sentence_transformers", "open_clip", "torch_geometric"}
# spelled in pieces, so that this file does not match itself
HOSTS = re.compile(
    "|".join(
        (
            r"files\.python" "hosted",
            r"pypi\." "org",
            r"registry\.npm" "js",
            r"proxy\.gol" "ang",
            r"repo1?\.mav" "en",
            r"static\.crat" "es",
            r"deb\.deb" "ian",
            r"/wor" r"k/(main|shared)",
            r"/roo" "t/",
        )
    )
)


def _tracked() -> list[Path]:
    listed = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    return [ROOT / line for line in listed.splitlines() if (ROOT / line).is_file()]


def _imports(path: Path) -> Iterator[tuple[int, str]]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            yield node.lineno, node.module


def _module_breaches(path: Path) -> Iterator[str]:
    relative = path.relative_to(ROOT)
    lines = path.read_text().count("\n")
    if lines > LIMIT:
        yield f"{relative}: {lines} lines, split it (limit {LIMIT})"
    if path.stem in BAD_NAMES:
        yield f"{relative}: name it for what it does"
    parts = relative.parts
    if parts[0] != "services" or "src" not in parts:
        return
    service = parts[1]
    domain = "domain" in parts
    for line, module in _imports(path):
        top = module.split(".")[0]
        if top.startswith("cine_") and top != f"cine_{service}":
            yield f"{relative}:{line}: imports another service or tool ({top})"
        if top in NEVER_SERVED and "training" not in parts:
            yield f"{relative}:{line}: imports {top} in serving code"
        if domain and (top in {"grpc", "sqlalchemy", "alembic", "cine"} or module.startswith("google.protobuf")):
            yield f"{relative}:{line}: domain imports {module}"
        if top == "sqlalchemy" and not {"store", "migrations"} & set(parts):
            yield f"{relative}:{line}: SQL outside store/"


def _text_breaches(path: Path) -> Iterator[str]:
    try:
        text = path.read_text()
    except UnicodeDecodeError:
        return
    for number, line in enumerate(text.splitlines(), 1):
        if HOSTS.search(line):
            yield f"{path.relative_to(ROOT)}:{number}: registry host or machine path"


def main() -> int:
    """Prints the breaches. Returns 1 when there is one."""
    tracked = _tracked()
    python = [p for p in tracked if p.suffix == ".py"]
    breaches = [breach for path in python for breach in _module_breaches(path)]
    breaches += [breach for path in tracked for breach in _text_breaches(path)]
    for breach in breaches:
        print(breach)
    return 1 if breaches else 0


if __name__ == "__main__":
    sys.exit(main())
