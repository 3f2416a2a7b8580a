"""The rendered configuration: Envoy itself accepts it, whatever the settings, and it follows contracts and settings."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import ValidationError

from cine_gateway import contracts as contracts_of
from cine_gateway import envoy
from cine_gateway.contracts import Binding
from cine_gateway.settings import GatewaySettings


def settings(folder: Path, **values: Any) -> GatewaySettings:
    return GatewaySettings(var_dir=folder, **{"_env_file": None, **values})


def rendered(folder: Path, **values: Any) -> dict[str, Any]:
    config = envoy.render(settings(folder, **values))
    found: dict[str, Any] = yaml.load(config.read_text(), Loader=yaml.CSafeLoader)
    return found


def clusters(config: dict[str, Any]) -> dict[str, Any]:
    return {one["name"]: one for one in config["static_resources"]["clusters"]}


def connection(config: dict[str, Any]) -> dict[str, Any]:
    listener = config["static_resources"]["listeners"][0]
    found: dict[str, Any] = listener["filter_chains"][0]["filters"][0]["typed_config"]
    return found


def ports(cluster: dict[str, Any]) -> list[int]:
    endpoints = cluster["load_assignment"]["endpoints"][0]["lb_endpoints"]
    return [one["endpoint"]["address"]["socket_address"]["port_value"] for one in endpoints]


@pytest.mark.parametrize(
    "values",
    [
        {},
        {
            "otlp_endpoint": "http://127.0.0.1:4317",
            "public_url": "https://films.example",
            "peers": {"catalog": ["catalog:50052"]},
            "portal": "portal:8080",
            "replicas": {"recommender": 3},
            "trusted_hops": 1,
            "cors_origins": [],
        },
    ],
)
def test_envoy_accepts_it(tmp_path: Path, values: dict[str, Any]) -> None:
    envoy.validate(envoy.render(settings(tmp_path, **values)))


def test_envoy_refuses_a_broken_one(tmp_path: Path) -> None:
    config = envoy.render(settings(tmp_path))
    config.write_text(config.read_text().replace("stat_prefix", "stat_prefixx"))
    with pytest.raises(envoy.ConfigurationError, match="stat_prefixx"):
        envoy.validate(config)


def test_every_service_of_the_contracts_is_routed(tmp_path: Path) -> None:
    contracts = contracts_of.load()
    config = rendered(tmp_path)
    routes = connection(config)["route_config"]["virtual_hosts"][0]["routes"]
    regexes = " ".join(route["match"].get("safe_regex", {}).get("regex", "") for route in routes)
    transcoder = next(one for one in connection(config)["http_filters"] if "transcoder" in one["name"])["typed_config"]
    for service in contracts.services:
        if service.owner == "common":
            continue
        assert service.owner in clusters(config)
        assert service.full_name.replace(".", r"\.") in regexes
        assert (service.full_name in transcoder["services"]) == service.has_rest
    assert "FeedService" not in regexes


def test_each_replica_is_an_endpoint(tmp_path: Path) -> None:
    found = clusters(rendered(tmp_path, port_base=30050, replicas={"recommender": 3}))
    assert ports(found["recommender"]) == [30055, 30065, 30075]
    assert ports(found["catalog"]) == [30052]


def test_a_service_that_runs_once_is_never_ejected(tmp_path: Path) -> None:
    for name, cluster in clusters(rendered(tmp_path)).items():
        if name not in {"portal", "limiter"}:
            outlier = cluster["outlier_detection"]
            assert outlier["always_eject_one_host"] is False
            assert (outlier["enforcing_consecutive_5xx"], outlier["enforcing_consecutive_gateway_failure"]) == (0, 0)
            assert cluster["common_lb_config"]["healthy_panic_threshold"]["value"] == 0


def test_hsts_only_with_https(tmp_path: Path) -> None:
    assert "strict-transport-security" not in str(rendered(tmp_path / "http"))
    assert "strict-transport-security" in str(rendered(tmp_path / "https", public_url="https://films.example"))


def test_tracing_only_with_an_endpoint(tmp_path: Path) -> None:
    plain, traced = rendered(tmp_path / "plain"), rendered(tmp_path / "traced", otlp_endpoint="http://collector:4317")
    assert "tracing" not in connection(plain) and "otlp" not in clusters(plain)
    assert connection(traced)["tracing"]["provider"]["name"] == "envoy.tracers.opentelemetry"
    assert ports(clusters(traced)["otlp"]) == [4317]
    # the query string must not reach a trace
    assert connection(traced)["tracing"]["max_path_tag_length"] == 1


def test_trusted_proxies_keep_their_forwarded_headers(tmp_path: Path) -> None:
    assert "x-forwarded-" in str(connection(rendered(tmp_path / "none"))["early_header_mutation_extensions"])
    behind = connection(rendered(tmp_path / "one", trusted_hops=1))
    assert "x-forwarded-" not in str(behind["early_header_mutation_extensions"])
    assert behind["xff_num_trusted_hops"] == 1


def test_the_admin_interface_is_on_loopback(tmp_path: Path) -> None:
    admin = rendered(tmp_path, host="0.0.0.0")["admin"]
    assert admin["address"]["socket_address"]["address"] == "127.0.0.1"


def test_a_value_cannot_break_out_of_its_place(tmp_path: Path) -> None:
    nasty = 'a" b: [c]\n- d #{{ 7 }}'
    config = rendered(tmp_path, access_log=nasty)
    assert connection(config)["access_log"][0]["typed_config"]["path"] == nasty


@pytest.mark.parametrize("origin", ["*", "films.example", "https://films.example/", "https://*.example", "ftp://x"])
def test_cors_origins_are_named_one_by_one(tmp_path: Path, origin: str) -> None:
    with pytest.raises(ValidationError, match="is not an origin"):
        settings(tmp_path, cors_origins=[origin])


def test_settings_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CINE_CORS_ORIGINS", "https://a.example, https://b.example:8443")
    monkeypatch.setenv("CINE_GATEWAY_PORT", "8123")
    monkeypatch.setenv("CINE_REPLICAS", '{"catalog": 2}')
    found = GatewaySettings(_env_file=None)
    assert found.cors_origins == ["https://a.example", "https://b.example:8443"]
    assert found.port == 8123
    assert len(found.endpoints("catalog")) == 2


@pytest.mark.parametrize(
    ("path", "matching", "other"),
    [
        (
            "/api/v1/movies/{movie_id}",
            ["/api/v1/movies/603", "/api/v1/movies/603/"],
            ["/api/v1/movies", "/api/v1/movies/6/x"],
        ),
        ("/v1/{name=users/*}:ban", ["/v1/users/7:ban", "/v1/users/7:ban/"], ["/v1/users/7", "/v1/films/7:ban"]),
        ("/files/{path=**}", ["/files/a/b/c"], ["/file/a"]),
        ("/a.b", ["/a.b", "/a.b/"], ["/axb"]),
    ],
)
def test_a_template_becomes_an_expression(path: str, matching: list[str], other: list[str]) -> None:
    import re

    regex = re.compile(Binding("GET", path, "", "").regex)
    assert all(regex.fullmatch(one) for one in matching)
    assert not any(regex.fullmatch(one) for one in other)
