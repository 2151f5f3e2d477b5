"""Released contracts hold: today's schemas bear comparison with them, and today's models understand every released example."""

import copy
import filecmp
import json
from collections.abc import Callable
from typing import Any

import pytest
import yaml

from contracts.__main__ import FOLDER, schemas
from contracts.compatibility import breaks
from contracts.rules import loads
from services.chassis.bus import Heard
from services.chassis.database import encode
from services.chassis.inbox import decode

RELEASED = FOLDER / "released"
EXAMPLES = sorted((RELEASED / "examples").rglob("*.json"))


def released() -> dict[str, Any]:
    return {path.name: json.loads(path.read_text(encoding="utf-8")) for path in (RELEASED / "schemas").glob("*.json")}


def test_todays_schemas_bear_comparison_with_the_released_ones() -> None:
    assert released(), "nothing is released: `make contracts-release` at the first release"
    assert breaks(released(), schemas()) == [], "a released contract may only gain optional fields; anything else is a v2"


def test_released_topics_keep_their_partitions_and_messages() -> None:
    old, new = (yaml.safe_load((folder / "asyncapi.yaml").read_text(encoding="utf-8"))["channels"] for folder in (RELEASED, FOLDER))
    for name, channel in old.items():
        assert name in new, f"{name} was removed"
        assert new[name]["bindings"]["kafka"]["partitions"] == channel["bindings"]["kafka"]["partitions"], "more partitions move every key"
        assert channel["messages"].keys() <= new[name]["messages"].keys()


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_a_released_example_is_understood_today_and_was_never_edited(path: Any) -> None:
    example = loads(path.read_text(encoding="utf-8"))
    headers = example["headers"]
    item = decode(Heard(path.parent.name, 0, 0, headers["ce_subject"], headers, encode(example["body"])), strict=True)
    assert item.broken is None
    assert item.event is not None
    today = FOLDER / "examples" / path.relative_to(RELEASED / "examples")
    assert filecmp.cmp(path, today, shallow=False), "after a release examples are added, never edited"


Change = Callable[[dict[str, Any]], object]


def changed(name: str, change: Change) -> list[str]:
    """What the comparison says of a change to one schema of today."""
    new = copy.deepcopy(schemas())
    change(new[name])
    return breaks(schemas(), new)


BREAKING: dict[str, tuple[str, Change, str]] = {
    "a field removed": ("MatchFound.v1.json", lambda s: s["properties"].pop("deadline"), "removed or renamed"),
    "a field renamed": ("MatchFound.v1.json", lambda s: s["properties"].update(till=s["properties"].pop("deadline")), "removed or renamed"),
    "a new required field": ("MatchFound.v1.json", lambda s: s["required"].append("low"), "became required"),
    "a field no longer required": ("MatchFound.v1.json", lambda s: s["required"].remove("uscc"), "no longer required"),
    "another type": ("MatchFound.v1.json", lambda s: s["properties"]["version"].update(type="string"), "type 'integer' became 'string'"),
    "no null any more": ("MatchFound.v1.json", lambda s: s["properties"]["low"]["anyOf"].pop(), "anyOf of 2 became one of 1"),
    "another format": ("MatchFound.v1.json", lambda s: s["properties"]["as_of"].pop("format"), "format 'date' became None"),
    "another default": ("SweepDue.v1.json", lambda s: s["properties"]["benefit"].update(default="x"), "default None became 'x'"),
    "another pattern": (
        "MatchFound.v1.json",
        lambda s: s["properties"]["low"]["anyOf"][0].update(pattern="^[0-9]+$"),
        "pattern",
    ),
    "a narrower enumeration": ("MatchLost.v1.json", lambda s: s["properties"]["reason"]["enum"].remove("time"), "enum lost ['time']"),
    "an enumeration where any text was": ("MatchLost.v1.json", lambda s: s["properties"]["uscc"].update(enum=["a"]), "became one of"),
    "a narrower limit": ("FeedbackGiven.v1.json", lambda s: s["properties"]["rating"]["anyOf"][0].update(maximum=4), "maximum 5 became 4"),
    "closed to more fields": ("MatchFound.v1.json", lambda s: s.update(additionalProperties=False), "additionalProperties"),
    "items of another type": ("AnswerWanted.v1.json", lambda s: s["properties"]["questions"].update(items={"type": "integer"}), "items"),
    "a field inside a definition": (
        "MeasureRead.v1.json",
        lambda s: s["$defs"]["Figure"]["properties"].pop("unit"),
        "/figures/items/unit: it was removed",
    ),
    "a node of the rule language": ("benefit.json", lambda s: s["$defs"]["Rule"]["oneOf"].pop(), "oneOf of 15 became one of 14"),
    "an operator of the rule language": ("benefit.json", lambda s: s["$defs"]["FactTest"]["properties"]["is"]["enum"].pop(), "enum lost"),
    "a length of a list": ("MeasureRead.v1.json", lambda s: s["properties"]["span"]["anyOf"][0].update(maxItems=3), "maxItems 2 became 3"),
}


@pytest.mark.parametrize("what", BREAKING)
def test_the_comparison_finds(what: str) -> None:
    name, change, words = BREAKING[what]
    found = changed(name, change)
    assert found, f"{what} went unseen"
    assert any(words in one for one in found), found
    assert any(one.startswith(name) for one in found)


def test_the_comparison_finds_a_schema_removed() -> None:
    new = dict(schemas())
    del new["MatchLost.v1.json"]
    assert breaks(schemas(), new) == ["MatchLost.v1.json: it was removed; say a v2 beside it, and drop it when no listener names it"]


ADDITIVE: dict[str, Change] = {
    "an optional field": lambda s: s["properties"].update(note={"anyOf": [{"type": "string"}, {"type": "null"}], "default": None}),
    "other words": lambda s: s.update(title="x", description="y"),
    "a wider enumeration": lambda s: s["properties"]["reason"]["enum"].append("merger"),
}


@pytest.mark.parametrize("what", ADDITIVE)
def test_the_comparison_lets_pass(what: str) -> None:
    assert changed("MatchLost.v1.json", ADDITIVE[what]) == []


def test_a_new_event_is_no_break() -> None:
    assert breaks(schemas(), {**schemas(), "MatchDoubted.v1.json": {"type": "object"}}) == []
