"""compose.yaml, Prometheus' file and the dashboard, held against the settings and /metrics."""

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from bot.engines.models.gguf import GGUF, model_named, place_of
from bot.server.telemetry import Metrics
from bot.settings import Settings, load
from bot.texts.queueing import Queue, RequestKind
from bot.texts.sharing import SharedModel
from pipelines.core.exchange import Caption
from tests.deploy.compose import config, resolved
from tests.deploy.dockerfile import ROOT, stages

COMPOSE = yaml.safe_load((ROOT / "compose.yaml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
SCRAPES = yaml.safe_load((ROOT / "deploy" / "prometheus.yml").read_text())
GRAFANA = ROOT / "deploy" / "grafana"
DASHBOARD = json.loads((GRAFANA / "dashboards" / "halfsecond.json").read_text())
PANELS = [panel for panel in DASHBOARD["panels"] if panel["type"] != "row"]

COMPOSES_OWN = {
    *("GGUF", "GGUF_FROM", "MODELS_FOLDER", "LLAMACPP_MEMORY", "LLAMACPP_CPUS"),
    "GRAFANA_PASSWORD",
}
"""Variables for which there is no setting."""

SETTINGS = {name.upper() for name in Settings.model_fields}


def used() -> dict[str, str]:
    """Variables of the compose file, and their defaults."""
    text = re.sub(r"(?m)^\s*#.*$", "", (ROOT / "compose.yaml").read_text())
    return dict(re.findall(r"\$\{(\w+)(?::-([^}]*))?", text))


# ---- compose.yaml ----


def test_who_runs_by_which_profile() -> None:
    profiles = {name: service.get("profiles", []) for name, service in SERVICES.items()}
    assert profiles == {
        "bot": [],
        "vllm": ["vllm"],
        "fetch": ["llamacpp"],
        "llamacpp": ["llamacpp"],
        "prometheus": ["prometheus", "grafana"],
        "grafana": ["grafana"],
    }


def test_every_variable_is_a_setting_with_that_default_or_composes_own() -> None:
    assert used().keys() <= SETTINGS | COMPOSES_OWN
    for name, default in used().items():
        if name in SETTINGS and default:
            field = Settings.model_fields[name.lower()]
            assert str(field.default) == default, name


def test_the_server_takes_what_it_is_given_and_is_not_misled_by_composes_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in SETTINGS:
        monkeypatch.delenv(name, raising=False)
    for name in COMPOSES_OWN:
        monkeypatch.setenv(name, "x")
    environment = {**SERVICES["bot"]["environment"], "ACCESS_TOKEN": "a-token"}
    assert environment.keys() <= SETTINGS
    for name, value in environment.items():
        monkeypatch.setenv(name, re.sub(r"\$\{\w+:-(.*)\}", r"\1", value))
    settings = load()
    assert (settings.host, settings.port, settings.llm_base_url) == ("0.0.0.0", 7860, None)


def test_nothing_is_open_to_the_network_and_no_secret_is_in_the_file() -> None:
    for name, service in SERVICES.items():
        for port in service.get("ports", []):
            assert port.startswith("127.0.0.1:"), name
    assert COMPOSE["secrets"] == {"access_token": {"environment": "ACCESS_TOKEN"}}
    assert re.search(r"ACCESS_TOKEN:\?", SERVICES["bot"]["environment"]["ACCESS_TOKEN"])


def test_the_bot_has_time_to_drain() -> None:
    grace = int(SERVICES["bot"]["stop_grace_period"].removesuffix("s"))
    assert grace > int(SERVICES["bot"]["environment"]["DRAIN_S"]) + 5
    assert SERVICES["bot"]["build"]["target"] in stages()


def test_the_engine_on_a_cpu_has_limits_and_the_other_a_gpu() -> None:
    assert SERVICES["llamacpp"]["mem_limit"] == "${LLAMACPP_MEMORY:-8g}"
    assert SERVICES["llamacpp"]["cpus"] == "${LLAMACPP_CPUS:-2}"
    assert "--threads=${LLAMACPP_CPUS:-2}" in SERVICES["llamacpp"]["command"]
    [device] = SERVICES["vllm"]["deploy"]["resources"]["reservations"]["devices"]
    assert device["capabilities"] == ["gpu"]


def test_what_is_mounted_from_here_is_here() -> None:
    folders = set(COMPOSE["volumes"])
    for service in SERVICES.values():
        for volume in service.get("volumes", []):
            source = volume.split(":")[0]
            if source.startswith("${MODELS_FOLDER"):
                assert source == "${MODELS_FOLDER", "made by its first use"
            elif source.startswith("./"):
                assert (ROOT / source).exists(), source
            else:
                assert source in folders or source.startswith("${"), source
        assert set(service.get("secrets", [])) <= set(COMPOSE["secrets"])


def test_the_images_are_pinned_and_vllm_is_the_one_of_the_pod() -> None:
    text = (ROOT / "Dockerfile").read_text()
    assert SERVICES["vllm"]["image"].rpartition(":")[2] in text
    assert all(":" in one["image"] for one in SERVICES.values() if "build" not in one)


# ---- as compose itself reads it ----


@pytest.mark.needs("docker-compose")
@pytest.mark.parametrize(
    ("profiles", "services"),
    [
        ((), {"bot"}),
        (("vllm",), {"bot", "vllm"}),
        (("llamacpp",), {"bot", "fetch", "llamacpp"}),
        (("prometheus", "grafana"), {"bot", "prometheus", "grafana"}),
    ],
)
def test_compose_takes_the_file_with_each_profile(
    profiles: tuple[str, ...], services: set[str]
) -> None:
    words = [word for profile in profiles for word in ("--profile", profile)]
    assert resolved(*words).keys() == services


@pytest.mark.needs("docker-compose")
def test_without_a_token_compose_says_what_is_missing() -> None:
    refused = config()
    assert refused.returncode != 0
    assert "set it, in .env or in the environment" in refused.stderr


@pytest.mark.needs("docker-compose")
def test_the_engine_starts_after_its_model_has_come_and_the_bot_after_the_engine() -> None:
    services = resolved("--profile", "llamacpp")
    waits = services["llamacpp"]["depends_on"]["fetch"]
    assert waits["condition"] == "service_completed_successfully"
    waits = services["bot"]["depends_on"]["llamacpp"]
    assert (waits["condition"], waits["required"]) == ("service_healthy", False)
    assert services["fetch"]["restart"].startswith("on-failure"), "it ends when it is done"
    assert services["fetch"]["healthcheck"] == {"disable": True}


@pytest.mark.needs("docker-compose")
@pytest.mark.parametrize(
    ("given", "fetched", "loaded"),
    [
        ({}, place_of(GGUF["gemma-3-1b"]), place_of(GGUF["gemma-3-1b"])),
        *(({"GGUF": place_of(model)}, place_of(model), place_of(model)) for model in GGUF.values()),
        ({"GGUF": "mine.gguf"}, "mine.gguf", "mine.gguf"),
        ({"GGUF_FROM": "a/b-GGUF/c.gguf", "GGUF": "c/c.gguf"}, "a/b-GGUF/c.gguf", "c/c.gguf"),
    ],
)
def test_what_is_fetched_lies_where_the_engine_looks(
    given: dict[str, str], fetched: str, loaded: str
) -> None:
    services = resolved("--profile", "llamacpp", **given)
    fetch, engine = services["fetch"], services["llamacpp"]
    assert fetch["command"] == ["python", "-P", "-m", "bot", "llm", "fetch", fetched]
    assert f"--model=/models/{loaded}" in engine["command"]
    [into], [out_of] = fetch["volumes"], engine["volumes"]
    assert into["source"] == out_of["source"]
    assert fetch["environment"]["MODELS_DIR"] == into["target"] == out_of["target"]
    assert out_of["read_only"]
    if "/" in loaded:
        assert place_of(model_named(fetched)) == loaded


@pytest.mark.needs("docker-compose")
def test_limits_of_the_engine_can_be_set_and_its_threads_go_by_them() -> None:
    given = {"LLAMACPP_CPUS": "6", "LLAMACPP_MEMORY": "12g"}
    engine = resolved("--profile", "llamacpp", **given)["llamacpp"]
    assert (engine["cpus"], int(engine["mem_limit"])) == (6, 12 << 30)
    assert "--threads=6" in engine["command"]


def test_every_model_file_that_the_documents_name_is_one_that_is_fetched() -> None:
    known = {place_of(model).rpartition("/")[2] for model in GGUF.values()}
    page = (ROOT / "docs" / "guide" / "deployment.md").read_text()
    named = set(re.findall(r"[\w.-]+\.gguf", page + (ROOT / "compose.yaml").read_text()))
    examples = {"FILE.gguf", "mine.gguf", "gemma-3-1b-it-Q8_0.gguf"}
    assert named - known <= examples
    assert place_of(GGUF["gemma-3-1b"]) in page


# ---- Prometheus and Grafana ----


def test_prometheus_asks_the_bot_with_its_token() -> None:
    [job] = SCRAPES["scrape_configs"]
    assert job["metrics_path"] == "/metrics"
    assert job["static_configs"] == [{"targets": ["bot:7860"]}]
    assert job["authorization"]["credentials_file"] == "/run/secrets/access_token"


def test_grafana_finds_its_source_and_its_dashboard() -> None:
    provisioning = GRAFANA / "provisioning"
    [source] = yaml.safe_load((provisioning / "datasources" / "prometheus.yml").read_text())[
        "datasources"
    ]
    assert source["url"] == "http://prometheus:9090"
    assert {panel["datasource"]["uid"] for panel in PANELS} == {source["uid"]}
    [provider] = yaml.safe_load((provisioning / "dashboards" / "halfsecond.yml").read_text())[
        "providers"
    ]
    mounts = [volume.split(":")[1] for volume in SERVICES["grafana"]["volumes"]]
    assert provider["options"]["path"] in mounts


def test_the_dashboard_is_whole() -> None:
    ids = [panel["id"] for panel in DASHBOARD["panels"]]
    assert len(ids) == len(set(ids))
    taken: set[tuple[int, int]] = set()
    for panel in DASHBOARD["panels"]:
        at = panel["gridPos"]
        cells = {(at["x"] + i, at["y"] + j) for i in range(at["w"]) for j in range(at["h"])}
        assert not taken & cells, panel["title"]
        assert at["x"] + at["w"] <= 24
        taken |= cells
    rows = [panel["title"] for panel in DASHBOARD["panels"] if panel["type"] == "row"]
    assert rows == ["What callers feel", "Calls", "The queue to the language model", "Faults"]


def figures() -> dict[str, set[str]]:
    """The metrics once everything has happened: names, and the labels of each."""
    metrics, shared = Metrics(), SharedModel(1, 1)
    metrics.include(shared.metrics)
    metrics.call_began("browser")
    metrics.call_ended("browser", "left")
    metrics.refused("full")
    metrics.dropped_audio(1.0, "muted")
    metrics.observe(Caption("bot", "x", True, 1, heard="x"))
    metrics.observe_turn(
        {"voice_to_voice_s": 0.3, "segments": {"stt": 0.1}, "verdict": {"stage": "stt"}}
    )
    shared.metrics.queue_is(Queue(1, 1))
    shared.metrics.waited(RequestKind.TEXT, 0.1)
    shared.metrics.began(RequestKind.TEXT, 0.1)
    shared.metrics.paced(RequestKind.TEXT, 9, 0.1)
    shared.metrics.cancelled(RequestKind.TEXT, "waiting")
    found: dict[str, set[str]] = {}
    for line in metrics.text().decode().splitlines():
        if line[0] != "#":
            name, labels = re.match(r"(\w+)(?:\{(.*)\})? ", line).groups()  # type: ignore[union-attr]
            found.setdefault(name, set()).update(re.findall(r"(\w+)=\"", labels or ""))
    return found


def queries() -> Iterator[tuple[str, str, str]]:
    for panel in PANELS:
        for target in panel["targets"]:
            yield panel["title"], target["expr"], target["legendFormat"]


def test_every_query_asks_for_what_metrics_has_with_labels_that_it_has() -> None:
    there: Mapping[str, set[str]] = figures()
    asked = set()
    for title, query, legend in queries():
        names = set(re.findall(r"halfsecond_\w+", query))
        assert names, title
        assert names <= there.keys(), title
        asked |= names
        labels = {
            one.strip() for by in re.findall(r"by \(([^)]*)\)", query) for one in by.split(",")
        }
        labels |= set(re.findall(r"(\w+)=~?\"", query))
        for name in names:
            assert labels <= there[name], (title, name)
        kept = labels if "by (" in query else set[str]().union(*(there[name] for name in names))
        assert set(re.findall(r"\{\{(\w+)\}\}", legend)) <= kept, title
        assert query.count("(") == query.count(")"), title
    for stem in (
        "voice_to_voice",
        "stage",
        "calls_active",
        "queue_waiting",
        "queue_wait",
        "refused",
    ):
        assert any(stem in name for name in asked), stem


def test_the_page_on_deployment_names_only_metrics_that_there_are() -> None:
    page = (ROOT / "docs" / "guide" / "deployment.md").read_text()
    there = {re.sub("_(bucket|sum|count|created)$", "", name) for name in figures()}
    named = set(re.findall(r"`(halfsecond_\w+)", page))
    assert len(named) > 10
    assert named <= there
