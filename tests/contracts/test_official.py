"""What others say of our contracts: AsyncAPI's own schema, and what was released once."""

import filecmp
import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from contracts.__main__ import asyncapi
from contracts.rules import loads
from services.chassis.bus import Heard
from services.chassis.database import encode
from services.chassis.inbox import decode

CONTRACTS = Path(__file__).parents[2] / "contracts"
RELEASED = sorted((CONTRACTS / "released" / "examples").glob("*/*.json"))
SPECS = "@asyncapi/specs@6.11.1"


@pytest.fixture(scope="module")
def official() -> dict[str, Any]:
    """AsyncAPI's schema of 3.0.0, from its npm package (Apache-2.0); skipped with the reason where npm or its registry is not at hand."""
    folder = CONTRACTS.parent / "var" / "asyncapi"
    wanted = folder / "package" / "schemas" / "3.0.0-without-$id.json"
    if not wanted.exists():
        npm = shutil.which("npm")
        if npm is None:
            pytest.skip("no official AsyncAPI schema: npm is not installed")
        folder.mkdir(parents=True, exist_ok=True)
        run = subprocess.run([npm, "pack", "--silent", SPECS], cwd=folder, capture_output=True, text=True, timeout=60, check=False)
        if run.returncode:
            pytest.skip(f"no official AsyncAPI schema: npm could not give {SPECS}: {run.stderr[-300:]}")
        shutil.unpack_archive(folder / run.stdout.split()[-1], folder, filter="data")
    schema: dict[str, Any] = json.loads(wanted.read_text("utf-8"))
    return schema


@pytest.mark.slow
def test_the_asyncapi_description_is_valid_by_the_official_schema_which_can_fail(official: dict[str, Any]) -> None:
    validator = jsonschema.Draft7Validator(official)
    assert [error.message for error in validator.iter_errors(asyncapi())] == []
    wrong = asyncapi()
    next(iter(wrong["channels"].values()))["adress"] = "misspelt"
    assert list(validator.iter_errors(wrong))


def test_released_channels_keep_their_partitions_and_messages() -> None:
    released = json.loads((CONTRACTS / "released" / "asyncapi.yaml").read_text("utf-8"))["channels"]
    today = asyncapi()["channels"]
    for name, channel in released.items():
        assert name in today, f"{name} was released and is gone"
        assert today[name]["bindings"]["kafka"]["partitions"] == channel["bindings"]["kafka"]["partitions"], (
            "more partitions move every key"
        )
        assert channel["messages"].keys() <= today[name]["messages"].keys()


@pytest.mark.parametrize("path", RELEASED, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_a_released_example_is_understood_today_and_was_never_edited(path: Path) -> None:
    told = loads(path.read_text("utf-8"))
    item = decode(Heard(path.parent.name, 0, 0, told["key"], told["headers"], encode(told["body"])), strict=True)
    assert item.broken is None
    assert item.event is not None
    assert filecmp.cmp(path, CONTRACTS / "examples" / path.parent.name / path.name, shallow=False), "examples are added, never edited"


def test_there_are_released_examples() -> None:
    assert RELEASED
