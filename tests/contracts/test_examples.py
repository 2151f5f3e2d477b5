"""Every example tells one story, is valid, is understood by the inbox, and would be said again just so."""

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from cloudevents.core.bindings.kafka import KafkaMessage, from_binary
from cloudevents.core.formats.json import JSONFormat
from cloudevents.core.v1.event import CloudEvent
from referencing import Registry, Resource

from contracts.__main__ import ENVELOPE, FOLDER, file_name, schemas
from contracts.registry import load_registry
from contracts.rules import facts_of, loads
from contracts.topics import EVENT_OF_TYPE, TOPIC_OF, TOPICS, key_of
from contracts.uscc import uscc_problem
from services.chassis.bus import Heard, partition_of
from services.chassis.database import encode
from services.chassis.inbox import decode
from services.chassis.outbox import LARGEST, Said

EXAMPLES = sorted((FOLDER / "examples").rglob("*.json"))
REGISTRY = Registry().with_resources((name, Resource.from_contents(schema)) for name, schema in schemas().items())
each_example = pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: f"{path.parent.name}/{path.stem}")


def read(path: Path) -> tuple[dict[str, str], Any, Heard]:
    """Headers, body, and the record they would be."""
    example = loads(path.read_text(encoding="utf-8"))
    assert example.keys() == {"headers", "body"}
    headers, topic, key = example["headers"], path.parent.name, example["headers"]["ce_subject"]
    return headers, example["body"], Heard(topic, partition_of(key, TOPICS[topic].partitions), 0, key, headers, encode(example["body"]))


@each_example
def test_an_example_is_valid_by_its_schema(path: Path) -> None:
    headers, _, record = read(path)
    event = EVENT_OF_TYPE[headers["ce_type"]]
    check = jsonschema.Draft202012Validator(
        schemas()[file_name(event)], registry=REGISTRY, format_checker=jsonschema.Draft202012Validator.FORMAT_CHECKER
    )
    check.validate(json.loads(record.body or b""))
    jsonschema.Draft202012Validator(ENVELOPE).validate(headers)


@each_example
def test_an_example_is_understood_strictly_and_said_again_byte_for_byte(path: Path) -> None:
    headers, _, record = read(path)
    item = decode(record, strict=True)
    assert item.broken is None
    assert item.event is not None
    assert type(item.event.payload) is EVENT_OF_TYPE[headers["ce_type"]]
    assert (item.event.id, item.event.source, item.event.key) == (headers["ce_id"], headers["ce_source"], key_of(item.event.payload))
    said = Said(item.event.payload, item.event.trace)
    assert said.body == record.body
    assert len(said.body) <= (1024 if headers["ce_type"] == "zhaoqi.MatchFound.v1" else LARGEST)


@each_example
def test_an_example_stands_in_its_topic_under_its_event(path: Path) -> None:
    headers, _, _ = read(path)
    event = EVENT_OF_TYPE[headers["ce_type"]]
    assert path.parent.name == TOPIC_OF[event].name
    words = "".join(f"-{letter.lower()}" if letter.isupper() else letter for letter in event.__name__).strip("-")
    assert path.name.split(".")[0] == words
    assert headers["ce_source"] == f"/zhaoqi/{TOPIC_OF[event].said_by}"


@each_example
def test_the_cloudevents_package_reads_the_same_envelope(path: Path) -> None:
    headers, _, record = read(path)
    raw = {name: value.encode() for name, value in headers.items()}
    event = from_binary(KafkaMessage(headers=raw, key=record.key.encode(), value=record.body or b""), JSONFormat(), CloudEvent)
    item = decode(record)
    assert item.event is not None
    assert (event.get_id(), event.get_source(), event.get_type()) == (item.event.id, item.event.source, headers["ce_type"])
    assert (event.get_time(), event.get_subject(), event.get_specversion()) == (item.event.time, item.event.key, "1.0")
    assert event.get_data() == json.loads(record.body or b"")


def test_every_event_has_an_example_and_no_example_is_an_orphan() -> None:
    told = {EVENT_OF_TYPE[read(path)[0]["ce_type"]] for path in EXAMPLES}
    assert told == set(TOPIC_OF)
    assert {path.parent.name for path in EXAMPLES} == TOPICS.keys()
    assert len({read(path)[0]["ce_id"] for path in EXAMPLES}) == len(EXAMPLES)


def test_examples_name_nobody_and_state_what_their_authority_may() -> None:
    registry = load_registry()
    for path in EXAMPLES:
        _, body, _ = read(path)
        if "uscc" in body:
            assert uscc_problem(body["uscc"]) is None, path.name
        for fact in body["facts"] if path.name.startswith("facts-stated") and "facts" in body else ():
            assert registry.facts[fact].authority == body["authority"], f"{path.name}: {fact}"
        for kind in body.get("records", {}):
            assert registry.kinds[kind].authority == body["authority"], f"{path.name}: {kind}"
        if "benefit" in body and isinstance(body["benefit"], dict):
            event = decode(read(path)[2]).event
            assert event is not None
            assert facts_of(event.payload.benefit) <= registry.facts.keys() | registry.kinds.keys()  # type: ignore[attr-defined]
