"""What is shipped for containers and Grafana is checked here, because no container engine runs it in CI."""

import json
import re
import subprocess
import sys
from pathlib import Path

import yaml

from services.chassis.settings import Settings
from services.chassis.telemetry import ATTRIBUTES, METRICS

DEPLOY = Path(__file__).parents[2] / "deploy"
HTTP_ATTRIBUTES = {"http.route", "http.method"}  # of FastAPIInstrumentor; a journey test sees them on real spans
OF_TEMPO = {"service.name"}


def prometheus_names() -> set[str]:
    """The names Prometheus gives our metrics when it takes them in by OTLP (UnderscoreEscapingWithSuffixes)."""
    names = set()
    for name, (unit, _) in METRICS.items():
        base = name.replace(".", "_") + ("_seconds" if unit == "s" else "")
        if name.startswith("zhaoqi.events."):
            names.add(base + "_total")
        elif name == "zhaoqi.handler.duration":
            names |= {base + "_bucket", base + "_sum", base + "_count"}
        else:
            names.add(base)
    return names


def targets() -> list[dict[str, object]]:
    return [
        target
        for path in (DEPLOY / "grafana/dashboards").glob("*.json")
        for panel in json.loads(path.read_text("utf-8"))["panels"]
        for target in panel["targets"]
    ]


def test_the_compose_file_satisfies_the_compose_schema() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec", str(DEPLOY / "compose.yaml")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_service_is_in_compose_with_settings_that_exist() -> None:
    compose = yaml.safe_load((DEPLOY / "compose.yaml").read_text("utf-8"))
    known = {f"ZHAOQI_{name.upper()}" for name in Settings.model_fields}
    for service in ("ingest", "catalog", "policy_match", "notify"):
        part = compose["services"][service]
        assert part["command"] == [f"services.{service}.main"]
        ours = {name for name in part["environment"] if name.startswith("ZHAOQI_")}
        assert ours <= known, ours - known
        required = {f"ZHAOQI_{name.upper()}" for name, field in Settings.model_fields.items() if field.is_required()}
        assert required <= ours, required - ours
        assert "OTEL_EXPORTER_OTLP_ENDPOINT" in part["environment"]


def test_every_file_that_compose_mounts_is_there() -> None:
    compose = yaml.safe_load((DEPLOY / "compose.yaml").read_text("utf-8"))
    mounted = [
        volume.split(":")[0] for part in compose["services"].values() for volume in part.get("volumes", ()) if volume.startswith("./")
    ]
    assert mounted
    assert [path for path in mounted if not (DEPLOY / path).exists()] == []


def test_every_metric_a_panel_names_is_one_the_code_emits() -> None:
    expressions = [str(target["expr"]) for target in targets() if "expr" in target]
    named = {name for text in expressions for name in re.findall(r"\bzhaoqi_\w+", text)}
    assert named
    assert named <= prometheus_names(), named - prometheus_names()


def test_every_attribute_a_trace_panel_names_is_one_the_code_emits() -> None:
    queries = [str(target["query"]) for target in targets() if target.get("queryType") == "traceql"]
    assert queries
    for query in queries:
        attributes = set(re.findall(r"(?:span|resource)\.([a-z_.]+)", query))
        assert attributes <= set(ATTRIBUTES) | HTTP_ATTRIBUTES | OF_TEMPO, query


def test_every_panel_asks_a_provisioned_data_source_and_dashboards_have_their_own_uid() -> None:
    sources = yaml.safe_load((DEPLOY / "grafana/provisioning/datasources/zhaoqi.yaml").read_text("utf-8"))["datasources"]
    uids = {source["uid"] for source in sources}
    boards = [json.loads(path.read_text("utf-8")) for path in (DEPLOY / "grafana/dashboards").glob("*.json")]
    assert len({board["uid"] for board in boards}) == len(boards) > 0
    for board in boards:
        for panel in board["panels"]:
            assert panel["targets"], panel["title"]
            assert {panel["datasource"]["uid"], *(target["datasource"]["uid"] for target in panel["targets"])} <= uids
