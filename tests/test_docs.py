"""What the documents say is so: settings, commands, links, snapshots; and the two READMEs say the same."""

import json
import re
from pathlib import Path

import pytest

from deploy import openapi
from deploy.embedded import SERVICES
from services.chassis.auth import SCOPES
from services.chassis.problems import CODES
from services.chassis.settings import Settings
from services.cli import COMMANDS

ROOT = Path(__file__).parents[1]
READMES = ("README.md", "README.zh-CN.md")
DOCUMENTS = sorted(path.relative_to(ROOT).as_posix() for path in ROOT.glob("*.md"))
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\[[^\]]+\]\(([^)#\s]+)(?:#[^)]*)?\)")


def text(name: str) -> str:
    return (ROOT / name).read_text("utf-8")


def prose(name: str) -> str:
    """A document without its code blocks."""
    return FENCE.sub("", text(name))


def named_in(name: str) -> set[str]:
    """The settings a README's table names."""
    rows = re.findall(r"^\| (`[^|]*) \|", prose(name), re.MULTILINE)
    return {setting for row in rows for setting in re.findall(r"`(ZHAOQI_\w+)`", row)}


def commands_in(name: str) -> list[str]:
    """Every line of shell a document shows, without its comment."""
    lines = [line for kind, block in FENCE.findall(text(name)) if kind == "sh" for line in block.splitlines()]
    return [line.partition("  #")[0].strip() for line in lines if line and not line.startswith("#")]


@pytest.mark.parametrize("name", READMES)
def test_a_readme_names_every_setting_and_none_that_does_not_exist(name: str) -> None:
    assert named_in(name) == {f"ZHAOQI_{field.upper()}" for field in Settings.model_fields}


def test_no_code_reads_a_setting_that_the_readme_does_not_name() -> None:
    read: set[str] = set()
    for folder in ("contracts", "services", "deploy"):
        for path in (ROOT / folder).rglob("*.py"):
            read |= set(re.findall(r"""environ(?:\.get)?[\[(]["'](ZHAOQI_\w+)["']""", path.read_text("utf-8")))
    assert read
    assert read <= named_in("README.md")


def test_the_two_readmes_have_the_same_build() -> None:
    builds = []
    for name in READMES:
        levels = [len(marks) for marks in re.findall(r"^(#+) ", prose(name), re.MULTILINE)]
        blocks = [(kind, len(block.splitlines())) for kind, block in FENCE.findall(text(name))]
        tables = [len(table.splitlines()) for table in re.findall(r"(?:^\|.*\n)+", prose(name), re.MULTILINE)]
        lists = len(re.findall(r"^- ", prose(name), re.MULTILINE))
        builds.append((levels, blocks, tables, lists, sorted(set(LINK.findall(text(name))) - set(READMES))))
    assert builds[0] == builds[1]


def test_the_two_readmes_show_the_same_commands() -> None:
    english, chinese = (commands_in(name) for name in READMES)
    assert english == chinese
    assert len(english) > 20


@pytest.mark.parametrize("name", [*READMES, "CONTRIBUTING.md"])
def test_every_command_and_make_target_a_document_names_is_there(name: str) -> None:
    targets = set(re.findall(r"^([a-z-]+):", text("Makefile"), re.MULTILINE))
    code = [*commands_in(name), *re.findall(r"`([^`\n]+)`", prose(name))]
    zhaoqi = {word for line in code for word in re.findall(r"(?:^|\$\()zhaoqi ([a-z]+)", line)}
    make = {word for line in code for word in re.findall(r"^make ([a-z-]+)", line)}
    assert zhaoqi <= set(COMMANDS)
    assert make <= targets
    assert zhaoqi | make


def test_the_readme_names_every_command() -> None:
    shown = "\n".join(text(name) for name in READMES)
    assert [name for name in COMMANDS if not re.search(rf"zhaoqi {name}\b", shown)] == []


@pytest.mark.parametrize("name", DOCUMENTS)
def test_every_relative_link_leads_somewhere(name: str) -> None:
    targets = [target for target in LINK.findall(text(name)) if "://" not in target]
    assert [target for target in targets if not (ROOT / target).exists()] == []


@pytest.mark.parametrize("service", SERVICES)
def test_the_committed_openapi_description_is_that_of_the_app(service: str) -> None:
    committed = (openapi.FOLDER / f"{service}.json").read_text("utf-8")
    assert committed == openapi.description(service), "run `make contracts` and look at what changed"


def test_every_call_but_those_of_health_names_its_scope_and_what_an_error_looks_like() -> None:
    for service in SERVICES:
        described = json.loads((openapi.FOLDER / f"{service}.json").read_text("utf-8"))
        assert described["components"]["securitySchemes"]["key"]["scheme"] == "bearer"
        assert described["components"]["schemas"]["Problem"]["properties"]["code"]["enum"] == list(CODES)
        for path, operations in described["paths"].items():
            for operation in operations.values():
                assert "application/problem+json" in operation["responses"]["default"]["content"], path
                scopes = [scope for need in operation.get("security", []) for scope in need["key"]]
                assert (set(scopes) <= set(SCOPES) and len(scopes) == 1) or path in ("/healthz", "/readyz"), path


def test_public_paths_are_unique_over_the_services_and_begin_with_v1() -> None:
    owners: dict[str, list[str]] = {}
    for service in SERVICES:
        for path in json.loads((openapi.FOLDER / f"{service}.json").read_text("utf-8"))["paths"]:
            owners.setdefault(path, []).append(service)
    operations = {path for path, services in owners.items() if len(services) == len(SERVICES)}
    assert {path.split("/")[1] for path in operations} == {"healthz", "readyz", "ops"}
    assert all(path.startswith("/v1/") and len(services) == 1 for path, services in owners.items() if path not in operations)


def test_every_path_the_readme_calls_is_in_the_openapi_of_that_service() -> None:
    of = {"INGEST": "ingest", "CATALOG": "catalog", "MATCH": "policy_match", "NOTIFY": "notify"}
    called = [call for line in commands_in("README.md") for call in re.findall(r"\$(INGEST|CATALOG|MATCH|NOTIFY)(/v1/[^\s\"?]+)", line)]
    assert len(called) >= 10
    for name, path in called:
        described = json.loads((openapi.FOLDER / f"{of[name]}.json").read_text("utf-8"))["paths"]
        shown = re.sub(r"\$\w+", "{}", path)
        assert shown in {re.sub(r"\{\w+\}", "{}", known) for known in described}, path


def test_the_changelog_has_a_place_for_what_is_not_released_yet() -> None:
    assert re.search(r"^## \[Unreleased\]$", text("CHANGELOG.md"), re.MULTILINE)


def test_nothing_committed_names_a_place_of_one_machine() -> None:
    foreign = re.compile(r"(?<![\w.])/(?:work|home|Users|root)/\w")
    suspects = [*ROOT.glob("*.md"), *ROOT.glob("*.toml"), *ROOT.glob("*.lock"), ROOT / "Makefile", ROOT / ".ci" / "run"]
    suspects += [path for folder in ("contracts", "services", "deploy") for path in (ROOT / folder).rglob("*.py")]
    assert [path.name for path in suspects if foreign.search(path.read_text("utf-8"))] == []


@pytest.mark.parametrize("name", ["requirements.lock", "deploy/requirements.lock"])
def test_every_locked_package_is_pinned_and_hashed_and_the_file_names_no_index(name: str) -> None:
    locked = text(name)
    assert "://" not in locked
    assert not re.search(r"^--?(index|extra-index|find-links|trusted)", locked, re.MULTILINE)
    entries = re.split(r"\n(?=\S)", locked.strip())
    assert len(entries) > 40
    assert [entry for entry in entries if not re.match(r"[\w.\[\],-]+==\S+", entry) or "--hash=sha256:" not in entry] == []


def test_the_licence_is_apache_2() -> None:
    assert "Apache License\n                           Version 2.0" in text("LICENSE")
