"""Outcomes kept on disk, so that a model is run again only when something its figures depend on has changed.

What counts: the data, the protocol with its cuts and seed, the options to choose from, and the source of the module that fits it with
all of this package that it imports. Files are written beside their name and moved there: a run that was stopped leaves no half of one.
"""

from __future__ import annotations

import ast
import hashlib
import importlib.util
import json
import os
import re
import zipfile
import zlib
from collections.abc import Callable, Mapping
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from cine_recommender.evaluation.protocol import Outcome, Trial
from cine_recommender.evaluation.rating import RatingOutcome

_Kind = TypeVar("_Kind", Outcome, RatingOutcome)
_PACKAGE = "cine_recommender"
_ALWAYS = ("evaluation.protocol", "evaluation.rating")


class Kept:
    """A folder of outcomes.

    Args:
        folder: where; made when something is kept.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def find(self, kind: type[_Kind], model: str, key: str) -> _Kind | None:
        """Returns what was kept under this key, None when there is nothing, something else or something unreadable."""
        try:
            # opened here: numpy leaves a file open that is no whole archive
            with self._path(model, key).open("rb") as file, np.load(file, allow_pickle=False) as found:
                told = json.loads(str(found["told"]))
                arrays = {name: found[name] for name in found.files if name != "told"}
        except (OSError, EOFError, ValueError, KeyError, zipfile.BadZipFile, zlib.error):
            return None
        told["tried"] = [Trial(**one) for one in told["tried"]]
        return kind(**told, **arrays)

    def keep(self, outcome: Outcome | RatingOutcome, key: str) -> None:
        """Writes an outcome; one of the same model under another key stays."""
        told: dict[str, Any] = {}
        arrays: dict[str, Any] = {}
        for field in fields(outcome):
            value = getattr(outcome, field.name)
            if isinstance(value, np.ndarray):
                arrays[field.name] = value
            else:
                told[field.name] = [asdict(one) for one in value] if field.name == "tried" else value
        self._folder.mkdir(parents=True, exist_ok=True)
        path = self._path(outcome.model, key)
        half = path.with_suffix(f".{os.getpid()}.half")
        with half.open("wb") as file:
            np.savez_compressed(file, told=np.array(json.dumps(told)), **arrays)
        half.replace(path)

    def _path(self, model: str, key: str) -> Path:
        return self._folder / f"{re.sub(r'[^a-z0-9]+', '-', model.lower())}-{key[:16]}.npz"


def key_of(settings: Mapping[str, Any], name: str, grid: object, fit: Callable[..., Any]) -> str:
    """Returns what identifies a figure: sha256 over all it depends on."""
    known = json.dumps({"settings": settings, "name": name, "grid": grid}, sort_keys=True)
    digest = hashlib.sha256(known.encode())
    sources: dict[str, bytes] = {}
    for module in (getattr(fit, "func", fit).__module__, *(f"{_PACKAGE}.{one}" for one in _ALWAYS)):
        _collect(module, sources)
    for module in sorted(sources):
        digest.update(hashlib.sha256(sources[module]).digest())
    return digest.hexdigest()


def _collect(module: str, sources: dict[str, bytes]) -> None:
    """Adds the source of a module, and of all that it imports of this package; others are left out."""
    if module in sources:
        return
    spec = importlib.util.find_spec(module)
    if spec is None or spec.origin is None or not spec.origin.endswith(".py"):
        return
    source = Path(spec.origin).read_bytes()
    sources[module] = source
    for node in ast.walk(ast.parse(source)):
        if (
            isinstance(node, ast.ImportFrom)
            and node.module
            and node.module.split(".")[0] == _PACKAGE
            and not node.level
        ):
            _collect(node.module, sources)
            for alias in node.names:  # `from package import module`
                if _is_module(f"{node.module}.{alias.name}"):
                    _collect(f"{node.module}.{alias.name}", sources)
        elif isinstance(node, ast.Import):
            for alias in node.names:
                if alias.name.split(".")[0] == _PACKAGE:
                    _collect(alias.name, sources)


def _is_module(name: str) -> bool:
    try:
        return importlib.util.find_spec(name) is not None
    except ModuleNotFoundError:
        return False
