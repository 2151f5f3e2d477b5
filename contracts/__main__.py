"""Writes what is generated from the contracts: `python -m contracts`.

schemas/*.json (JSON Schema 2020-12: one file an event, and the rule language) and asyncapi.yaml (AsyncAPI 3.0). The same models give
the same bytes; both are committed, and a test compares them with what this writes.
"""

import json
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel

from contracts.events import Payload
from contracts.rules import Benefit, Decision, Figures, Registry
from contracts.topics import FOREVER, TOPIC_OF, TOPICS, Topic, type_name

FOLDER = Path(__file__).parent
DIALECT = "https://json-schema.org/draft/2020-12/schema"
LANGUAGE: dict[str, type[BaseModel]] = {"benefit": Benefit, "decision": Decision, "registry": Registry, "figures": Figures}
SERVICES = {
    "ingest": "reads and checks documents and facts",
    "catalog": "drafts, reviews and publishes benefits",
    "policy_match": "decides who qualifies, and follows claims",
    "notify": "brings messages to enterprises and hears their answers",
}
ENVELOPE: dict[str, Any] = {
    "type": "object",
    "description": "CloudEvents 1.0 in Kafka's binary mode, with the trace of W3C Trace Context.",
    "required": ["ce_specversion", "ce_id", "ce_type", "ce_source", "ce_time", "ce_subject", "content-type"],
    "properties": {
        "ce_specversion": {"type": "string", "const": "1.0"},
        "ce_id": {"type": "string", "description": "UUIDv7; an event is known by its source and id, and has its effect once"},
        "ce_type": {"type": "string", "description": "the event and its major version, such as zhaoqi.MatchFound.v1"},
        "ce_source": {"type": "string", "description": "/zhaoqi/<service>"},
        "ce_time": {"type": "string", "format": "date-time", "description": "when it was said, in UTC"},
        "ce_subject": {"type": "string", "description": "the record's key"},
        "content-type": {"type": "string", "const": "application/json"},
        "traceparent": {"type": "string", "description": "the span that sent it; its trace leads back to the first cause"},
    },
}


def file_name(event: type[Payload]) -> str:
    """The schema file of an event."""
    return type_name(event).removeprefix("zhaoqi.") + ".json"


@cache
def schemas() -> dict[str, dict[str, Any]]:
    """Every schema by its file name. What an event says of a benefit stands once, in benefit.json."""
    made = {f"{name}.json": _schema(f"{name}.json", model) for name, model in LANGUAGE.items()}
    for event in TOPIC_OF:
        schema = _schema(file_name(event), event)
        if "Benefit" in schema.get("$defs", {}):
            del schema["$defs"]
            schema["properties"]["benefit"] = {"$ref": "benefit.json"}
        made[file_name(event)] = schema
    return made


def _schema(name: str, model: type[BaseModel]) -> dict[str, Any]:
    made = _untitled(model.model_json_schema(mode="serialization"))
    return {"$schema": DIALECT, "$id": name, "title": model.__name__, **made}


def _untitled(schema: Any) -> Any:
    """Without the titles pydantic makes of names; a property that is called `title` is no text."""
    if isinstance(schema, dict):
        return {key: _untitled(value) for key, value in schema.items() if key != "title" or not isinstance(value, str)}
    return [_untitled(item) for item in schema] if isinstance(schema, list) else schema


def asyncapi() -> dict[str, Any]:
    """The AsyncAPI 3.0 document of all services: their channels, who sends and receives what, and every message."""
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Zhaoqi 找企",
            "version": "1.0.0",
            "description": "What the services of Zhaoqi say to one another. Events are facts, in the past tense. "
            "Delivery is at least once: listen idempotently, by ce_source and ce_id. The order of a key is kept. "
            "Ignore fields you do not know.",
            "license": {"name": "Apache-2.0", "url": "https://www.apache.org/licenses/LICENSE-2.0"},
        },
        "defaultContentType": "application/json",
        "servers": {
            "kafka": {
                "host": "{bootstrap}",
                "protocol": "kafka",
                "variables": {"bootstrap": {"default": "127.0.0.1:9092", "description": "the broker's address, ZHAOQI_KAFKA"}},
            }
        },
        "channels": {topic.name: _channel(topic) for topic in TOPICS.values()},
        "operations": {name: operation for topic in TOPICS.values() for name, operation in _operations(topic).items()},
        "components": {
            "messages": {event.__name__: _message(event) for event in TOPIC_OF},
            "schemas": {"Envelope": ENVELOPE},
        },
    }


def _channel(topic: Topic) -> dict[str, Any]:
    said, heard = topic.said_by, ", ".join(topic.heard_by)
    return {
        "address": topic.name,
        "description": f"Said by {said}, heard by {heard}. Records are keyed by `{topic.key}`.",
        "servers": [{"$ref": "#/servers/kafka"}],
        "messages": {event.__name__: {"$ref": f"#/components/messages/{event.__name__}"} for event in topic.events},
        "bindings": {
            "kafka": {
                "topic": topic.name,
                "partitions": topic.partitions,
                "topicConfiguration": {"retention.ms": -1 if topic.kept == FOREVER else topic.kept * 1000},
                "bindingVersion": "0.5.0",
            }
        },
    }


def _operations(topic: Topic) -> dict[str, dict[str, Any]]:
    messages = [{"$ref": f"#/channels/{topic.name}/messages/{event.__name__}"} for event in topic.events]
    parts = [(topic.said_by, "send"), *((service, "receive") for service in topic.heard_by)]
    return {
        f"{service}.{action}.{topic.name}": {
            "action": action,
            "channel": {"$ref": f"#/channels/{topic.name}"},
            "summary": f"{service} {SERVICES[service]}",
            "tags": [{"name": service}],
            "messages": messages,
            **(
                {"bindings": {"kafka": {"groupId": {"type": "string", "const": service}, "bindingVersion": "0.5.0"}}}
                if action == "receive"
                else {}
            ),
        }
        for service, action in parts
    }


def _message(event: type[Payload]) -> dict[str, Any]:
    topic = TOPIC_OF[event]
    summary = " ".join((event.__doc__ or "").split())
    return {
        "name": type_name(event),
        "title": event.__name__,
        "summary": summary,
        "contentType": "application/json",
        "headers": {"$ref": "#/components/schemas/Envelope"},
        "payload": {
            "schemaFormat": "application/schema+json;version=2020-12",
            "schema": {"$ref": f"./schemas/{file_name(event)}"},
        },
        "correlationId": {"description": "the trace it belongs to", "location": "$message.header#/traceparent"},
        "bindings": {"kafka": {"key": {"type": "string", "description": f"`{topic.key}` of the body"}, "bindingVersion": "0.5.0"}},
    }


def files() -> dict[Path, str]:
    """Every generated file with its text."""
    made = {FOLDER / "schemas" / name: json.dumps(schema, ensure_ascii=False, indent=1) + "\n" for name, schema in schemas().items()}
    heading = "# Generated by `python -m contracts`; do not edit.\n"
    made[FOLDER / "asyncapi.yaml"] = heading + yaml.dump(asyncapi(), Dumper=_Whole, allow_unicode=True, sort_keys=False, width=120)
    return made


class _Whole(yaml.SafeDumper):
    """Writes what stands twice twice: aliases help no reader."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def main() -> None:
    """Write every file, and take away schemas of nothing."""
    made = files()
    for stale in set((FOLDER / "schemas").glob("*.json")) - made.keys():
        stale.unlink()
    for path, text in made.items():
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
