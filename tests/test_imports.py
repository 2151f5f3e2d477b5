"""The import rules hold, each of them can fail, and no module does anything but define when it is imported."""

import os
import pkgutil
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ("contracts", "services", "deploy")
LINT = Path(sys.executable).with_name("lint-imports")

PLANTED = {
    "Services never import one another; the chassis knows contracts, not services": (
        "services/catalog/handlers/__init__.py",
        "import services.notify.handlers",
    ),
    "Inside a service: main > api, jobs > adapters > handlers > domain": (
        "services/ingest/handlers/documents.py",
        "import services.ingest.store",
    ),
    "A domain touches no framework, no wire format, no clock": ("services/policy_match/domain/periods.py", "import time"),
    "A handler speaks to ports, never to a driver": ("services/notify/handlers.py", "import sqlmodel"),
    "Contracts are plain data": ("contracts/topics.py", "import httpx"),
    "Kafka is spoken in one place": ("services/ingest/api/__init__.py", "import aiokafka"),
    "The chassis has no cycles": ("services/chassis/clock.py", "import services.chassis.app"),
}


def rules() -> list[dict[str, object]]:
    found: list[dict[str, object]] = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["importlinter"]["contracts"]
    return found


def test_there_is_a_planted_violation_for_each_rule_and_one_ignored_import() -> None:
    assert {rule["name"] for rule in rules()} == set(PLANTED)
    ignored = [name for rule in rules() for name in rule.get("ignore_imports", ())]  # type: ignore[attr-defined]
    assert ignored == ["contracts.rules.* -> pydantic"]


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("house")
    for name in PACKAGES:
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__", "libs"))
    shutil.copy(ROOT / "pyproject.toml", folder)
    return folder


@pytest.mark.parametrize("rule", PLANTED)
def test_a_planted_violation_is_found(copy: Path, rule: str) -> None:
    name, line = PLANTED[rule]
    path = copy / name
    kept = path.read_text("utf-8")
    path.write_text(f"{kept}\n{line}\n", "utf-8")
    try:
        environment = {**os.environ, "PYTHONPATH": str(copy)}
        done = subprocess.run([LINT, "--no-cache"], cwd=copy, env=environment, capture_output=True, text=True, check=False)
    finally:
        path.write_text(kept, "utf-8")
    assert done.returncode == 1, done.stdout + done.stderr
    assert f"{rule} BROKEN" in " ".join(done.stdout.split()), done.stdout


def test_every_module_imports_without_a_socket_and_without_settings() -> None:
    modules = [
        module.name
        for package in PACKAGES
        for module in pkgutil.walk_packages([str(ROOT / package)], f"{package}.")
        if ".migrations" not in module.name and not module.name.endswith("__main__")
    ]
    assert len(modules) > 60
    code = (
        "import importlib, socket, sys\n"
        "def closed(*_, **__): raise AssertionError('a module opened a socket when it was imported')\n"
        "socket.socket.connect = socket.socket.bind = closed\n"
        "for name in sys.argv[1:]: importlib.import_module(name)\n"
    )
    bare = {name: value for name, value in os.environ.items() if not name.startswith(("ZHAOQI_", "OTEL_"))}
    done = subprocess.run([sys.executable, "-c", code, *modules], cwd=ROOT, env=bare, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
