"""Corner cases of the rule language: a rule or an amount, what is known, and what it must give."""

from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from contracts.registry import load_figures, load_registry
from contracts.rules import loads, parse_amount, parse_rule
from services.policy_match.domain.amount import interval
from services.policy_match.domain.enterprise import enterprise_of
from services.policy_match.domain.interpreter import Scope, answer

OWN: list[dict[str, Any]] = loads(Path(__file__).with_name("rule_cases.json").read_text(encoding="utf-8"))
WORDS = {True: "true", False: "false", None: "unknown"}


def scope_of(case: dict[str, Any]) -> Scope:
    enterprise = enterprise_of({"uscc": "u", "facts": case.get("facts"), "records": case.get("records")})
    return Scope(enterprise, date.fromisoformat(case.get("as_of", "2025-06-30")), load_registry(), load_figures(), benefit="b")


def result(case: dict[str, Any]) -> Any:
    if "rule" in case:
        return WORDS[answer(parse_rule(case["rule"]), scope_of(case)).value]
    found = interval(parse_amount(case["amount"]), scope_of(case))
    return [found.low, found.high]


@pytest.mark.parametrize("case", OWN, ids=lambda case: case["name"])
def test_a_case_gives_what_the_language_says(case: dict[str, Any]) -> None:
    wanted = case["expect"] if "rule" in case else [None if end is None else Decimal(end) for end in case["expect"]]
    assert result(case) == wanted


def test_the_maintainers_cases_give_what_they_expect(shared: Path) -> None:
    cases = loads((shared / "examples" / "rule_cases.json").read_text(encoding="utf-8"))
    wrong = [(case["name"], result(case)) for case in cases if result(case) != case["expect"]]
    assert len(cases) >= 49
    assert wrong == []
