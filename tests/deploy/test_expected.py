"""What is due is decided from the published benefits and the city's lines alone."""

import json
import subprocess
import sys
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from contracts.rules import parse_benefit
from deploy.city import enterprises
from deploy.expected import expected, main
from services.policy_match.domain import parse_enterprise

DAY = date(2026, 11, 20)
YEARS = {"from": "2026-01-01", "to": "2028-12-31"}
BENEFITS: list[dict[str, Any]] = [
    {
        "id": "ben-exports",
        "title": "奖励出口增长",
        "language": 1,
        "rule": {"all": [{"fact": "exports", "period": "last_year", "is": ">=", "value": 5000000}]},
        "valid": YEARS,
    },
    {
        "id": "ben-judged",
        "title": "经评审确有发展潜力",
        "language": 1,
        "rule": {"judged": "经评审确有发展潜力"},
        "valid": YEARS,
    },
    {"id": "ben-all", "title": "咨询服务", "language": 1, "rule": {"all": []}, "valid": YEARS},
    {
        "id": "ben-over",
        "title": "已过期",
        "language": 1,
        "rule": {"fact": "revenue", "period": "last_year", "is": ">=", "value": 1},
        "valid": {"from": "2020-01-01", "to": "2020-12-31"},
    },
]


@pytest.fixture(scope="module")
def lines() -> list[str]:
    return [json.dumps(e, ensure_ascii=False) for e in enterprises(200, seed=11, as_of=DAY)]


def decided(lines: list[str]) -> dict[str, Any]:
    return expected([parse_benefit(benefit) for benefit in BENEFITS], [parse_enterprise(line) for line in lines], as_of=DAY)


def test_the_outcomes_are_those_a_plain_look_at_the_lines_gives(lines: list[str]) -> None:
    exporters: set[str] = set()
    others: set[str] = set()
    unknown: set[str] = set()
    for line in lines:
        enterprise = json.loads(line)
        figure = enterprise["facts"].get("exports", {}).get("2025")
        (unknown if figure is None else exporters if figure >= 5_000_000 else others).add(enterprise["uscc"])
    assert exporters
    assert others
    found = decided(lines)
    assert set(found["pairs"]) == {(uscc, "ben-exports") for uscc in exporters}
    assert found["benefits"]["ben-exports"] == {
        "tests_a_fact": True, "eligible": len(exporters), "ineligible": len(others), "undetermined": len(unknown)
    }  # fmt: skip
    assert found["benefits"]["ben-judged"]["undetermined"] == 200
    assert found["benefits"]["ben-over"]["ineligible"] == 200


def test_a_benefit_that_tests_no_fact_is_due_to_no_one(lines: list[str]) -> None:
    found = decided(lines)
    assert found["benefits"]["ben-all"] == {"tests_a_fact": False, "eligible": 200, "ineligible": 0, "undetermined": 0}
    assert {benefit for _, benefit in found["pairs"]} == {"ben-exports"}


def test_the_process_prints_one_object_and_nothing_else(lines: list[str], tmp_path: Path) -> None:
    (tmp_path / "benefits.json").write_text(json.dumps(BENEFITS), "utf-8")
    (tmp_path / "city.jsonl").write_text("\n".join(lines) + "\n", "utf-8")
    command = [sys.executable, "-m", "deploy.expected", "--benefits", str(tmp_path / "benefits.json")]
    command += ["--enterprises", str(tmp_path / "city.jsonl"), "--as-of", DAY.isoformat()]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=Path(__file__).parents[2])
    wanted = decided(lines)
    assert json.loads(done.stdout) == wanted | {"pairs": [list(pair) for pair in wanted["pairs"]]}
    assert done.stderr == ""


@pytest.mark.parametrize(
    ("benefits", "city"), [("{}", "{}"), ("[{}]", ""), ("[]", '{"name": "无代码"}'), ("not json", ""), ("[]", "not json")]
)
def test_what_cannot_be_decided_is_said_and_fails(benefits: str, city: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "b.json").write_text(benefits, "utf-8")
    (tmp_path / "e.jsonl").write_text(city, "utf-8")
    code = main(["--benefits", str(tmp_path / "b.json"), "--enterprises", str(tmp_path / "e.jsonl"), "--as-of", "2026-11-20"])
    out = capsys.readouterr()
    assert (code, out.out) == (1, "")
    assert "cannot decide what is due" in out.err
