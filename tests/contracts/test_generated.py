"""What is generated from the contracts: committed as it is generated, valid, and used."""

import json
import re
import shutil
import subprocess
from typing import Any

import jsonschema
import pytest
import yaml

from contracts.__main__ import FOLDER, asyncapi, file_name, files, schemas
from contracts.topics import TOPIC_OF, TOPICS

ROOT = FOLDER.parent
OFFICIAL = "@asyncapi/specs@6.11.1"


def test_the_committed_files_are_what_the_models_give() -> None:
    for path, text in files().items():
        assert path.exists(), f"{path.relative_to(ROOT)} is missing: run `make contracts`"
        assert path.read_text(encoding="utf-8") == text, f"{path.relative_to(ROOT)} is stale: run `make contracts`"
    assert files() == files()


def test_no_schema_is_of_nothing() -> None:
    assert set((FOLDER / "schemas").glob("*")) == {path for path in files() if path.parent.name == "schemas"}
    assert {file_name(event) for event in TOPIC_OF} < schemas().keys()


@pytest.mark.parametrize("name", schemas())
def test_every_schema_is_valid_and_what_it_refers_to_is_there(name: str) -> None:
    schema = schemas()[name]
    jsonschema.Draft202012Validator.check_schema(schema)
    for reference in re.findall(r'"\$ref": "([^"]+)"', json.dumps(schema)):
        file, _, path = reference.partition("#")
        place: Any = schemas()[file or name]
        for step in filter(None, path.split("/")):
            place = place[step]


def document() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load((FOLDER / "asyncapi.yaml").read_text(encoding="utf-8"))
    return loaded


def test_asyncapi_says_what_the_map_of_topics_says() -> None:
    told = document()
    assert told == asyncapi()
    assert told["asyncapi"] == "3.0.0"
    assert told["channels"].keys() == TOPICS.keys()
    for topic in TOPICS.values():
        channel = told["channels"][topic.name]
        assert channel["bindings"]["kafka"]["partitions"] == topic.partitions
        assert list(channel["messages"]) == [event.__name__ for event in topic.events]
        who = {
            (name.split(".")[0], operation["action"])
            for name, operation in told["operations"].items()
            if operation["channel"]["$ref"] == f"#/channels/{topic.name}"
        }
        assert who == {(topic.said_by, "send"), *((service, "receive") for service in topic.heard_by)}


def test_every_reference_in_asyncapi_leads_somewhere() -> None:
    told = document()
    references = re.findall(r'"\$ref": "([^"]+)"', json.dumps(told))
    assert len(references) > 100
    for reference in references:
        if reference.startswith("./"):
            assert (FOLDER / reference).is_file(), reference
        else:
            place: Any = told
            for step in reference.removeprefix("#/").split("/"):
                place = place[step]


@pytest.fixture(scope="session")
def official() -> dict[str, Any]:
    """AsyncAPI's own schema of 3.0.0, from its npm package; skipped with the reason where npm or its registry is not at hand."""
    folder = ROOT / "var" / "asyncapi"
    wanted = folder / "package" / "schemas" / "3.0.0-without-$id.json"
    if not wanted.exists():
        npm = shutil.which("npm")
        if npm is None:
            pytest.skip("no official AsyncAPI schema: npm is not installed")
        folder.mkdir(parents=True, exist_ok=True)
        run = subprocess.run([npm, "pack", "--silent", OFFICIAL], cwd=folder, capture_output=True, text=True, timeout=60, check=False)
        if run.returncode:
            pytest.skip(f"no official AsyncAPI schema: npm could not give {OFFICIAL}: {run.stderr[-300:]}")
        shutil.unpack_archive(folder / run.stdout.split()[-1], folder, filter="data")
    schema: dict[str, Any] = json.loads(wanted.read_text())
    return schema


@pytest.mark.slow
def test_asyncapi_is_valid_by_the_official_schema_which_can_fail(official: dict[str, Any]) -> None:
    validator = jsonschema.Draft7Validator(official)
    told = document()
    assert [error.message for error in validator.iter_errors(told)] == []
    told["channels"]["matches.v1"]["adress"] = "misspelt"
    assert list(validator.iter_errors(told))


def test_the_language_of_rules_has_no_title_but_its_own() -> None:
    assert schemas()["benefit.json"]["title"] == "Benefit"
    assert schemas()["benefit.json"]["properties"]["title"] == {"anyOf": [{"type": "string"}, {"type": "null"}], "default": None}
