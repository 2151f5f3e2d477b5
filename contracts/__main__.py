"""`python -m contracts` writes `schemas/` and `asyncapi.yaml` from the models; what is committed must equal what this writes."""

import json
import sys
from functools import cache
from pathlib import Path
from typing import Any

from contracts.events import Payload
from contracts.rules import Benefit, Decision, Registry
from contracts.topics import FOREVER, TOPICS, Topic, type_name

HERE = Path(__file__).parent
DIALECT = "https://json-schema.org/draft/2020-12/schema"
HEADERS = {
    "ce_specversion": "always 1.0",
    "ce_id": "UUIDv7 of the event; with ce_source it names the event for ever",
    "ce_type": "zhaoqi.<Event>.v<version>",
    "ce_source": "/zhaoqi/<service>",
    "ce_time": "when it was said, RFC 3339 in UTC",
    "ce_subject": "the record key",
    "content-type": "application/json",
    "traceparent": "W3C trace context of the span that sent it",
}


@cache
def schemas() -> dict[str, dict[str, Any]]:
    """JSON Schema of every event (by `<topic>.<Event>`) and of benefit, decision and registry."""
    found: dict[str, dict[str, Any]] = {}
    for topic in TOPICS.values():
        for event in topic.events:
            found[f"{topic.name}.{event.__name__}"] = _schema(event.model_json_schema(mode="serialization"), event)
    for model in (Benefit, Decision, Registry):
        found[f"rules.{model.__name__}"] = _schema(model.model_json_schema(mode="validation"), model)
    return found


def _schema(schema: dict[str, Any], model: type) -> dict[str, Any]:
    return {"$schema": DIALECT, "$id": f"/zhaoqi/schemas/{model.__name__}", **schema}


def asyncapi() -> dict[str, Any]:
    """The AsyncAPI 3.0 description: a channel a topic, an operation a speaker and a listener, a message an event."""
    channels, operations, messages = {}, {}, {}
    for topic in TOPICS.values():
        channels[_id(topic.name)] = _channel(topic)
        for event in topic.events:
            messages[event.__name__] = _message(topic, event)
        for service, action in ((topic.said_by, "send"), *((listener, "receive") for listener in topic.heard_by)):
            operations[f"{service}.{action}.{_id(topic.name)}"] = {
                "action": action,
                "channel": {"$ref": f"#/channels/{_id(topic.name)}"},
                "summary": f"{service} {'says' if action == 'send' else 'hears'} {topic.name}",
                "messages": [{"$ref": f"#/channels/{_id(topic.name)}/messages/{event.__name__}"} for event in topic.events],
            }
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Zhaoqi 找企: events",
            "version": "1",
            "description": "CloudEvents 1.0 in Kafka binary mode; JSON bodies; at least once on the wire, in order of the key.",
            "license": {"name": "Apache-2.0"},
        },
        "defaultContentType": "application/json",
        "channels": channels,
        "operations": operations,
        "components": {"messages": messages, "messageTraits": {"envelope": _envelope()}},
    }


def _id(topic: str) -> str:
    return topic.replace(".", "_")


def _channel(topic: Topic) -> dict[str, Any]:
    kept = {"retention.ms": -1 if topic.kept == FOREVER else topic.kept * 1000}
    return {
        "address": topic.name,
        "description": f"said by {topic.said_by}, heard by {', '.join(topic.heard_by)}; keyed by {topic.key}",
        "messages": {event.__name__: {"$ref": f"#/components/messages/{event.__name__}"} for event in topic.events},
        "bindings": {
            "kafka": {"partitions": topic.partitions, "topicConfiguration": kept or {"retention.ms": -1}, "bindingVersion": "0.5.0"}
        },
    }


def _message(topic: Topic, event: type[Payload]) -> dict[str, Any]:
    return {
        "name": type_name(event),
        "title": event.__name__,
        "summary": (event.__doc__ or "").strip().splitlines()[0],
        "contentType": "application/json",
        "payload": {
            "schemaFormat": "application/schema+json;version=draft-2020-12",
            "schema": {"$ref": f"schemas/{topic.name}.{event.__name__}.json"},
        },
        "correlationId": {"location": "$message.header#/traceparent", "description": "one trace from the document to each message"},
        "bindings": {"kafka": {"key": {"type": "string", "description": topic.key}, "bindingVersion": "0.5.0"}},
        "traits": [{"$ref": "#/components/messageTraits/envelope"}],
    }


def _envelope() -> dict[str, Any]:
    return {
        "headers": {
            "type": "object",
            "required": ["ce_specversion", "ce_id", "ce_type", "ce_source", "ce_time"],
            "properties": {name: {"type": "string", "description": words} for name, words in HEADERS.items()},
        }
    }


def written() -> dict[str, str]:
    """Every generated file by its path below `contracts/`, with its text."""
    files = {f"schemas/{name}.json": _json(schema) for name, schema in schemas().items()}
    files["asyncapi.yaml"] = _json(asyncapi())  # JSON is YAML, and needs no writer of its own
    return files


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, indent=1, sort_keys=False) + "\n"


def main() -> int:
    """Write what differs, and take away schemas of what is no more."""
    files = written()
    for path in (HERE / "schemas").glob("*.json"):
        if f"schemas/{path.name}" not in files:
            path.unlink()
    for name, text in files.items():
        path = HERE / name
        path.parent.mkdir(exist_ok=True)
        if not path.exists() or path.read_text("utf-8") != text:
            path.write_text(text, "utf-8")
            print(path.relative_to(HERE), file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
