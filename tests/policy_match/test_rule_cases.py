"""The maintainers' corner cases of the rule language; our own stand in tests/conformance/cases."""

from datetime import date
from pathlib import Path
from typing import Any

from contracts.registry import load_figures, load_registry
from contracts.rules import loads, parse_amount, parse_rule
from services.policy_match.domain.amount import interval
from services.policy_match.domain.enterprise import enterprise_of
from services.policy_match.domain.interpreter import Scope, answer

WORDS = {True: "true", False: "false", None: "unknown"}


def result(case: dict[str, Any]) -> Any:
    enterprise = enterprise_of({"uscc": "u", "facts": case.get("facts"), "records": case.get("records")})
    scope = Scope(enterprise, date.fromisoformat(case.get("as_of", "2025-06-30")), load_registry(), load_figures(), benefit="b")
    if "rule" in case:
        return WORDS[answer(parse_rule(case["rule"]), scope).value]
    found = interval(parse_amount(case["amount"]), scope)
    return [found.low, found.high]


def test_the_maintainers_cases_give_what_they_expect(shared: Path) -> None:
    cases = loads((shared / "examples" / "rule_cases.json").read_text(encoding="utf-8"))
    wrong = [(case["name"], result(case)) for case in cases if result(case) != case["expect"]]
    assert len(cases) >= 49
    assert wrong == []
