"""Settings: where a value may come from, who wins, and what is said about a wrong one. Topology: who listens where."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

import pytest
from pydantic import SecretStr, ValidationError

from cinemesh import topology
from cinemesh.settings import ServiceSettings, load


class CatalogSettings(ServiceSettings):
    service: ClassVar[str] = "catalog"
    shelves: int = 3
    provider_key: SecretStr | None = None


@pytest.fixture(autouse=True)
def bare(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    import os

    for name in [name for name in os.environ if name.startswith("CINE_")]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_without_anything_the_defaults_hold() -> None:
    settings = load(CatalogSettings)
    assert (settings.profile, settings.environment, settings.grpc_port) == ("embedded", "development", 50052)
    assert settings.metrics_port == 50152
    assert settings.store_url == "sqlite:///var/catalog/catalog.sqlite3"
    assert settings.cache_url is None
    assert settings.data_dir is None
    assert settings.jwks_sources == ["var/keys/jwks.json", "mesh:identity"]
    assert settings.endpoints("ratings") == ["127.0.0.1:50053"]


def test_the_full_profile_only_changes_defaults(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CINE_PROFILE", "full")
    settings = load(CatalogSettings)
    assert settings.store_url == "postgresql+psycopg://cine_catalog@127.0.0.1:5432/cine_catalog"
    assert settings.cache_url == "redis://127.0.0.1:6379/0"
    monkeypatch.setenv("CINE_CATALOG_DATABASE_URL", "sqlite:///elsewhere.sqlite3")
    assert load(CatalogSettings).store_url == "sqlite:///elsewhere.sqlite3"


def test_a_services_own_prefix_wins_and_the_environment_beats_the_file(
    monkeypatch: pytest.MonkeyPatch, bare: Path
) -> None:
    (bare / ".env").write_text(
        "CINE_LOG_LEVEL=error\nCINE_CATALOG_LOG_LEVEL=warning\nCINE_CATALOG_SHELVES=7\nOTHER=1\n"
    )
    assert (load(CatalogSettings).log_level, load(CatalogSettings).shelves) == ("warning", 7)
    monkeypatch.setenv("CINE_LOG_LEVEL", "info")
    assert load(CatalogSettings).log_level == "info"
    monkeypatch.setenv("CINE_CATALOG_LOG_LEVEL", "debug")
    assert load(CatalogSettings).log_level == "debug"
    assert load(CatalogSettings, log_level="error").log_level == "error"


def test_the_shared_prefix_does_not_reach_a_services_own_field(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CINE_SHELVES", "9")
    assert load(CatalogSettings).shelves == 3


def test_an_empty_value_is_no_value(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DATA_DIR", "DATABASE_URL", "REDIS_URL", "OTLP_ENDPOINT"):
        monkeypatch.setenv(f"CINE_{name}", "")
    settings = load(CatalogSettings)
    assert (settings.data_dir, settings.database_url, settings.redis_url, settings.otlp_endpoint) == (None,) * 4


def test_peers_and_keys_are_lists(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CINE_JWKS", "var/a.json, https://id.example/jwks.json")
    monkeypatch.setenv("CINE_REPLICAS", '{"ratings": 2}')
    monkeypatch.setenv("CINE_PEERS", '{"identity": ["10.0.0.1:1", "10.0.0.2:1"]}')
    settings = load(CatalogSettings)
    assert settings.jwks_sources == ["var/a.json", "https://id.example/jwks.json"]
    assert settings.endpoints("ratings") == ["127.0.0.1:50053", "127.0.0.1:50063"]
    assert settings.endpoints("identity") == ["10.0.0.1:1", "10.0.0.2:1"]


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("CINE_PORT_BASE", "abc", "CINE_PORT_BASE"),
        ("CINE_PORT_BASE", "80", "CINE_PORT_BASE"),
        ("CINE_PROFILE", "huge", "CINE_PROFILE"),
        ("CINE_CATALOG_SHELVES", "hunter2", "CINE_CATALOG_SHELVES"),
        ("CINE_ENVIRONMENT", "production", "jwks must be set in production"),
    ],
)
def test_a_wrong_value_is_named_and_not_shown(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], name: str, value: str, told: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(SystemExit) as caught:
        load(CatalogSettings)
    error = capsys.readouterr().err
    assert caught.value.code == 2
    assert error.startswith("bad setting: ") and told in error
    assert "hunter2" not in error and "Traceback" not in error


def test_secrets_do_not_show(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CINE_CATALOG_PROVIDER_KEY", "hunter2")
    monkeypatch.setenv("CINE_DATABASE_URL", "postgresql://cine:hunter2@db/cine")
    settings = load(CatalogSettings)
    assert "hunter2" not in repr(settings) and "hunter2" not in settings.model_dump_json()
    assert settings.provider_key is not None and settings.provider_key.get_secret_value() == "hunter2"


def test_only_looks_at_nothing_around_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CINE_PROFILE", "full")
    assert CatalogSettings.only(shelves=1).profile == "embedded"
    assert CatalogSettings().profile == "full"


def test_settings_do_not_change() -> None:
    with pytest.raises(ValidationError):
        load(CatalogSettings).shelves = 4


def test_every_port_is_its_own() -> None:
    taken: dict[int, str] = {topology.portal_port(): "portal", topology.admin_port(): "admin"}
    for name in topology.SERVICES:
        for replica in range(topology.MAX_REPLICAS):
            for kind in (topology.grpc_port, topology.metrics_port):
                port = kind(name, topology.DEFAULT_PORT_BASE, replica)
                assert port not in taken, (name, replica, taken.get(port))
                taken[port] = name


@pytest.mark.parametrize(("name", "replica"), [("nobody", 0), ("catalog", -1), ("catalog", topology.MAX_REPLICAS)])
def test_what_is_not_there_has_no_port(name: str, replica: int) -> None:
    with pytest.raises(ValueError, match=r"unknown service|outside"):
        topology.grpc_port(name, replica=replica)


def test_the_ports_are_those_of_the_architecture() -> None:
    ports: dict[str, Any] = {name: topology.grpc_port(name) for name in topology.SERVICES}
    assert list(ports.values()) == [50051, 50052, 50053, 50054, 50055, 50056, 50057]
    assert (topology.portal_port(), topology.admin_port()) == (50140, 50141)
