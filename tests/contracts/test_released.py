"""What was released stays understood: schemas gain optional fields only, and released examples still decode."""

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from contracts.__main__ import schemas
from tests.contracts.compatibility import breaks

CONTRACTS = Path(__file__).parents[2] / "contracts"
RELEASED = sorted((CONTRACTS / "released").glob("*.json"))

EVENT: dict[str, Any] = {
    "type": "object",
    "properties": {"id": {"type": "string"}, "kind": {"enum": ["a", "b"]}, "inner": {"$ref": "#/$defs/Inner"}},
    "required": ["id"],
    "$defs": {"Inner": {"type": "object", "properties": {"n": {"type": "integer"}}, "required": []}},
}


def test_there_is_a_release_to_compare_with() -> None:
    assert {path.stem for path in RELEASED} >= {"documents.v1.DocumentRead", "matches.v1.MatchFound", "rules.Benefit"}


@pytest.mark.parametrize("path", RELEASED, ids=lambda path: path.stem)
def test_a_released_event_gains_optional_fields_only(path: Path) -> None:
    now = schemas()
    assert path.stem in now, f"{path.stem} was released and is gone; say a v2 beside it until no listener names v1"
    assert breaks(json.loads(path.read_text("utf-8")), json.loads(json.dumps(now[path.stem]))) == []


def test_an_optional_field_may_be_added() -> None:
    new = copy.deepcopy(EVENT)
    new["properties"]["more"] = {"type": "string"}
    new["$defs"]["Inner"]["properties"]["m"] = {"type": "integer"}
    assert breaks(EVENT, new) == []


BREAKING: dict[str, Callable[[dict[str, Any]], object]] = {
    "a field is gone": lambda s: s["properties"].pop("kind"),
    "a type changed": lambda s: s["properties"]["id"].update(type="integer"),
    "a list of values narrowed": lambda s: s["properties"]["kind"].update(enum=["a"]),
    "a value was renamed": lambda s: s["properties"]["kind"].update(enum=["a", "c"]),
    "a new field is required": lambda s: (s["properties"].update(more={"type": "string"}), s["required"].append("more")),
    "an optional field became required": lambda s: s["required"].append("kind"),
    "a field is no longer always there": lambda s: s["required"].clear(),
    "an inner type changed": lambda s: s["$defs"]["Inner"]["properties"]["n"].update(type="string"),
    "a limit appeared": lambda s: s["properties"]["id"].update(maxLength=10),
}


@pytest.mark.parametrize("change", BREAKING.values(), ids=BREAKING)
def test_everything_else_breaks_a_listener(change: Callable[[dict[str, Any]], object]) -> None:
    new = copy.deepcopy(EVENT)
    change(new)
    assert breaks(EVENT, new) != []
