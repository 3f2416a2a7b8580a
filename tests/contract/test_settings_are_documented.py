"""Every setting a process reads is in `.env.example`, and nothing else is."""

from __future__ import annotations

import importlib
import re
from pathlib import Path

import pytest

from cinemesh import topology
from cinemesh.settings import ServiceSettings

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTED = set(re.findall(r"^# ((?:CINE|TMDB)_[A-Z_]+)=", (ROOT / ".env.example").read_text(), re.MULTILINE))


def settings_classes() -> list[type]:
    modules = [f"cine_{name}.settings" for name in topology.SERVICES] + [
        "cine_gateway.settings",
        "cine_cli.mesh.options",
    ]
    found = []
    for name in modules:
        module = importlib.import_module(name)
        found += [
            value
            for value in vars(module).values()
            if isinstance(value, type) and value.__module__ == name and hasattr(value, "model_fields")
        ]
    return found


def variables(settings: type) -> set[str]:
    names = set()
    for field, info in settings.model_fields.items():
        own = issubclass(settings, ServiceSettings) and field not in ServiceSettings.model_fields
        prefix = f"CINE_{settings.service.upper()}_" if own else "CINE_"
        alias = info.validation_alias
        names.add(alias.choices[0] if alias is not None else f"{prefix}{field.upper()}")
    return names


@pytest.mark.parametrize("settings", settings_classes(), ids=lambda s: s.__name__)
def test_every_setting_is_in_the_example(settings: type) -> None:
    assert variables(settings) - DOCUMENTED == set()


def test_the_example_names_no_setting_that_does_not_exist() -> None:
    known = set().union(*(variables(settings) for settings in settings_classes()))
    assert DOCUMENTED - known - {"TMDB_BEARER_TOKEN", "CINE_CATALOG_TMDB_URL"} == set()
