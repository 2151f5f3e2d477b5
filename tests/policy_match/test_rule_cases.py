"""The maintainers' corner cases of the rule language; our own stand in tests/conformance/cases."""

from datetime import date
from pathlib import Path
from typing import Any

import pytest

from contracts.registry import load_figures, load_registry
from contracts.rules import dumps, loads, parse_amount, parse_rule
from services.cli import main
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


OUTCOMES = {"true": "eligible", "false": "ineligible", "unknown": "undetermined"}
USCC = "91350200MA0000000R"


def said(case: dict[str, Any], folder: Path, capsys: pytest.CaptureFixture[str]) -> tuple[Any, Any]:
    """What `zhaoqi match` and `zhaoqi explain` say of a case, in the case's own terms."""
    benefit = {"id": "b", "rule": case.get("rule", {"all": []}), **({"amount": case["amount"]} if "amount" in case else {})}
    firm = {"uscc": USCC, "facts": case.get("facts"), "records": case.get("records")}
    (folder / "B.json").write_text(dumps([benefit]), encoding="utf-8")
    (folder / "E.jsonl").write_text(dumps(firm), encoding="utf-8")
    files = ["--benefits", str(folder / "B.json"), "--enterprises", str(folder / "E.jsonl"), "--as-of", case.get("as_of", "2025-06-30")]
    lines = []
    for command in (["match", *files, "--json"], ["explain", *files, "--uscc", USCC, "--json"]):
        assert main(command) == 0
        lines.append(loads(capsys.readouterr().out))
    counts, decision = lines
    if "amount" in case:
        return tuple([loads(amount["low"]), amount["high"] and loads(amount["high"])] for amount in (counts["amount"], decision["amount"]))  # type: ignore[return-value]
    return next(word for word, state in OUTCOMES.items() if counts[state] == 1), next(
        word for word, state in OUTCOMES.items() if decision["outcome"] == state
    )


def test_the_command_line_gives_what_the_maintainers_cases_expect(shared: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    cases = loads((shared / "examples" / "rule_cases.json").read_text(encoding="utf-8"))
    wrong = [(case["name"], found) for case in cases if (found := said(case, tmp_path, capsys)) != (case["expect"], case["expect"])]
    assert wrong == []


def test_the_maintainers_cases_give_what_they_expect(shared: Path) -> None:
    cases = loads((shared / "examples" / "rule_cases.json").read_text(encoding="utf-8"))
    wrong = [(case["name"], result(case)) for case in cases if result(case) != case["expect"]]
    assert len(cases) >= 49
    assert wrong == []
