"""A run of the demo is good when nothing is lacking, and says so in demo.json's shape."""

import io
import json
from dataclasses import replace

import pytest
from rich.console import Console

from deploy.report import Pair, Run, Sums, demo_json, lacking, table, undecisive

GOOD = Run(
    given=["甲.txt", "乙.txt"],
    traces={"甲.txt": "a" * 32, "乙.txt": "b" * 32},
    measures=20,
    benefits=9,
    published={
        "ben-1": Sums("奖励首次认定", tests_a_fact=True, eligible=2, ineligible=1, undetermined=1),
        "ben-2": Sums("咨询服务", tests_a_fact=False, eligible=4, ineligible=0, undetermined=0),
    },
    enterprises=4,
    matches=6,
    expected=frozenset({Pair("91-1", "ben-1"), Pair("91-2", "ben-1")}),
    delivered=frozenset({Pair("91-1", "ben-1"), Pair("91-2", "ben-1")}),
    seconds={"documents": 1.23456, "measures": 0.5, "benefits": 2, "matches": 3, "messages": 1},
    broker="in memory",
    example="您可申请……",
)


def printed(run: Run) -> str:
    console = Console(file=io.StringIO(), width=120)
    console.print(table(run))
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_a_good_run_lacks_nothing_and_says_so() -> None:
    assert lacking(GOOD) == []
    assert undecisive(GOOD) == []
    shown = printed(GOOD)
    assert "Nothing is missing." in shown
    for words in ("2 of 2 read", "20 catalogued", "9 drafted, 2 published", "2 of 2 delivered", "a" * 32, "您可申请……", "in memory"):
        assert words in shown


def test_the_json_has_the_promised_keys_and_survives_writing() -> None:
    out = demo_json(GOOD)
    assert list(out) == [
        "documents", "measures", "benefits", "published", "enterprises", "matches", "messages", "trace_id", "traces", "seconds", "broker",
        "example",
    ]  # fmt: skip
    assert out["messages"] == {"expected": 2, "delivered": 2}
    assert out["trace_id"] == "a" * 32
    assert out["seconds"]["documents"] == 1.235
    assert json.loads(json.dumps(out)) == out


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"delivered": frozenset({Pair("91-1", "ben-1")})}, "1 of 2 messages due were not delivered"),
        ({"delivered": GOOD.expected | {Pair("91-9", "ben-1")}}, "1 message(s) were delivered that were not due"),
        ({"traces": {"甲.txt": "a" * 32}}, "not read to the end: 乙.txt"),
        ({"traces": {"甲.txt": "a" * 32, "乙.txt": "a" * 32}}, "1 document(s) share a trace"),
        ({"measures": 0}, "no measure was read"),
        ({"published": {}}, "no benefit was published"),
        ({"expected": frozenset(), "delivered": frozenset()}, "no message was due"),
        ({"example": None}, "no message could be shown"),
        ({"given": [], "traces": {}}, "no document was given"),
    ],
)
def test_whatever_is_missing_is_said(change: dict[str, object], words: str) -> None:
    run = replace(GOOD, **change)  # type: ignore[arg-type]
    assert any(words in sentence for sentence in lacking(run))
    assert words.split()[0] in printed(run)


def test_a_message_that_was_not_due_does_not_make_up_for_a_lost_one() -> None:
    run = replace(GOOD, delivered=frozenset({Pair("91-1", "ben-1"), Pair("91-9", "ben-1")}))
    assert demo_json(run)["messages"] == {"expected": 2, "delivered": 1}
    assert len(lacking(run)) == 2


def test_what_is_lacking_names_no_enterprise() -> None:
    run = replace(GOOD, delivered=frozenset({Pair("91350203Y000000000", "ben-1")}))
    assert "91350203" not in "".join(lacking(run))


def test_a_benefit_that_decides_the_city_one_way_only_is_named() -> None:
    everyone = Sums("人人有份", tests_a_fact=True, eligible=4, ineligible=0, undetermined=0)
    assert undecisive(replace(GOOD, published={"ben-3": everyone})) == ["人人有份"]
