"""What is committed is what the models say: schemas, AsyncAPI and one story for each event."""

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from cloudevents.core.bindings.kafka import KafkaMessage, from_binary
from cloudevents.core.formats.json import JSONFormat
from cloudevents.core.v1.event import CloudEvent

from contracts.__main__ import asyncapi, schemas, written
from contracts.events import Payload
from contracts.rules import loads
from contracts.topics import EVENTS, TOPICS, key_of, type_name
from services.chassis.bus import Heard
from services.chassis.clock import now
from services.chassis.inbox import decode
from services.chassis.outbox import LARGEST, Said

CONTRACTS = Path(__file__).parents[2] / "contracts"
EXAMPLES = sorted((CONTRACTS / "examples").glob("*/*.json"))


def example(path: Path) -> tuple[dict[str, Any], Heard]:
    told = loads(path.read_text("utf-8"))
    body = path.read_text("utf-8").partition('"body": ')[2].rpartition("\n}")[0]
    return told, Heard(path.parent.name, 0, 0, told["key"], told["headers"], body.encode())


def test_the_committed_files_are_what_the_models_say() -> None:
    stale = [name for name, text in written().items() if not (CONTRACTS / name).exists() or (CONTRACTS / name).read_text("utf-8") != text]
    assert stale == [], "run `make contracts` and commit what it writes"
    assert {path.stem for path in (CONTRACTS / "schemas").glob("*.json")} == set(schemas()), "a schema of nothing lies about"


def test_every_schema_is_one() -> None:
    for schema in schemas().values():
        jsonschema.Draft202012Validator.check_schema(schema)


def test_every_reference_of_the_asyncapi_description_leads_somewhere() -> None:
    root = asyncapi()
    seen = 0

    def walk(node: Any) -> None:
        nonlocal seen
        if isinstance(node, dict):
            if "$ref" in node:
                seen += 1
                if node["$ref"].startswith("#/"):
                    target: Any = root
                    for part in node["$ref"][2:].split("/"):
                        target = target[part]
                else:
                    assert (CONTRACTS / node["$ref"]).is_file(), node["$ref"]
            for inner in node.values():
                walk(inner)
        elif isinstance(node, list):
            for inner in node:
                walk(inner)

    walk(root)
    assert seen > 3 * len(EVENTS)
    assert root["asyncapi"] == "3.0.0"
    assert set(root["components"]["messages"]) == set(EVENTS)
    assert all(operation["action"] in ("send", "receive") for operation in root["operations"].values())


def test_every_topic_has_one_speaker_and_somebody_who_listens() -> None:
    services = {"ingest", "catalog", "policy_match", "notify"}
    for topic in TOPICS.values():
        assert topic.said_by in services
        assert topic.heard_by
        assert set(topic.heard_by) <= services
        assert topic.partitions == (12 if topic.key in ("uscc", "partition") else 4), topic.name


def test_every_event_has_a_story() -> None:
    assert {path.name.partition(".")[0] for path in EXAMPLES} == set(EVENTS)


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_a_story_is_heard_as_it_was_said(path: Path) -> None:
    told, heard = example(path)
    name = path.name.partition(".")[0]
    assert path.parent.name == heard.topic
    assert told["headers"]["ce_type"] == type_name(EVENTS[name])
    jsonschema.validate(json.loads(heard.body or b""), schemas()[f"{heard.topic}.{name}"])
    item = decode(heard, strict=True)
    assert item.broken is None
    assert item.event is not None
    payload: Payload = item.event.payload
    assert key_of(payload) == told["key"]
    body = Said(payload, None).row(now())[5]
    assert body == heard.body, "an event that was read and said again has the same bytes"
    assert isinstance(body, bytes)
    assert len(body) <= (1024 if name == "MatchFound" else LARGEST)


@pytest.mark.parametrize("path", EXAMPLES[::7], ids=lambda path: path.stem)
def test_another_library_reads_the_same_envelope(path: Path) -> None:
    _, heard = example(path)
    message = KafkaMessage(
        headers={name: value.encode() for name, value in heard.headers.items()}, key=heard.key.encode(), value=heard.body or b""
    )
    theirs = from_binary(message, JSONFormat(), CloudEvent)
    ours = decode(heard).event
    assert ours is not None
    assert (theirs.get_id(), theirs.get_source(), theirs.get_time()) == (ours.id, ours.source, ours.time)
    assert theirs.get_type() == heard.headers["ce_type"]
    assert theirs.get_data() == json.loads(heard.body or b"")


def test_an_unknown_field_is_passed_over_in_production_and_refused_in_tests() -> None:
    _, heard = example(EXAMPLES[0])
    more = Heard(heard.topic, 0, 0, heard.key, heard.headers, (heard.body or b"").replace(b"{", b'{"of_tomorrow": 1, ', 1))
    assert decode(more).event is not None
    assert decode(more, strict=True).broken is not None
