"""`zhaoqi match | explain | check`: JSON Lines on stdout and nothing else, what is wrong on stderr, exit 0, 1 or 2."""

import csv
import json
import subprocess
import sys
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from contracts.registry import load_registry
from services.cli import main
from services.policy_match import sources
from services.policy_match.domain import Enterprise, parse_enterprise

REVENUE = {"fact": "revenue", "period": "last_year", "is": ">=", "value": 20000000}
BENEFIT = {
    "id": "b-1", "title": "营收奖励", "policy": None, "rule": {"all": [REVENUE, {"none": "penalty", "where": []}]},
    "amount": {"rate": 0.01, "of": {"fact": "revenue", "period": "last_year"}}, "valid": {"from": "2025-01-01", "to": None},
    "window": None, "stacking": None,
}  # fmt: skip
RELIEF = {**BENEFIT, "id": "b-2", "pays": "relief"}
A, B, C = "91350200MA00000A13", "91350200MA00000B29", "91350200MA00000C35"
FIRMS = [
    {"uscc": A, "name": "甲", "facts": {"revenue": {"2024": 2.6e7}, "honours": ["A"]}, "records": {"penalty": []}},
    {"uscc": B, "name": "乙", "facts": {"revenue": {"2024": 10}}, "records": {"penalty": []}},
    {"uscc": C, "name": "丙", "facts": {"revenue": {"2024": 30000000.50}}},
]


@pytest.fixture
def files(tmp_path: Path) -> Path:
    (tmp_path / "B.json").write_text(json.dumps([BENEFIT, RELIEF], ensure_ascii=False), encoding="utf-8")
    (tmp_path / "E.jsonl").write_text("".join(json.dumps(firm, ensure_ascii=False) + "\n" for firm in FIRMS), encoding="utf-8")
    return tmp_path


def run(capsys: pytest.CaptureFixture[str], *argv: object) -> tuple[int, list[Any], str]:
    """Exit code, the objects on stdout, stderr."""
    capsys.readouterr()
    try:
        code = main([str(word) for word in argv])
    except SystemExit as stop:  # argparse
        code = int(stop.code or 0)
    said = capsys.readouterr()
    return code, [json.loads(line, parse_float=Decimal) for line in said.out.splitlines()], said.err


def match(capsys: pytest.CaptureFixture[str], folder: Path, enterprises: str = "E.jsonl", *more: str) -> tuple[int, list[Any], str]:
    files = ("--benefits", folder / "B.json", "--enterprises", folder / enterprises)
    return run(capsys, "match", *files, "--as-of", "2025-06-30", "--list", *more)


EXPECTED = {
    "benefit": "b-1", "eligible": 1, "ineligible": 1, "undetermined": 1, "amount": {"low": "260000.00", "high": "260000.00"},
    "lists": {"eligible": [A], "ineligible": [B], "undetermined": [C]},
}  # fmt: skip


def test_match_counts_lists_and_adds_up_what_pays_money(files: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, lines, _ = match(capsys, files, "E.jsonl", "--json")
    assert code == 0
    assert lines[0] == EXPECTED
    assert lines[1] == EXPECTED | {"benefit": "b-2", "amount": {"low": "0.00", "high": "0.00"}}


def test_without_list_only_counts_are_said(files: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ("--benefits", files / "B.json", "--enterprises", files / "E.jsonl", "--as-of", "2025-06-30")
    _, lines, _ = run(capsys, "match", *arguments)
    assert lines[0] == {key: value for key, value in EXPECTED.items() if key != "lists"}


def test_a_sum_without_limit_has_no_high(files: Path, capsys: pytest.CaptureFixture[str]) -> None:
    unlimited = BENEFIT | {"amount": {"rate": 1, "of": {"fact": "rd_expense", "period": "last_year"}}}
    (files / "B.json").write_text(json.dumps([unlimited]), encoding="utf-8")
    assert match(capsys, files)[1][0]["amount"] == {"low": "0.00", "high": None}


def test_a_city_is_read_enterprise_by_enterprise(files: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever asks for the first holds the first: a city of any size fits."""
    parsed: list[str] = []

    def parse(line: str) -> Enterprise:
        parsed.append(line)
        return parse_enterprise(line)

    monkeypatch.setattr(sources, "parse_enterprise", parse)
    enterprises = sources.enterprises_in(files / "E.jsonl", load_registry())
    assert next(enterprises).uscc == A
    assert len(parsed) == 1
    assert [enterprise.uscc for enterprise in enterprises] == [B, C]


def test_nothing_is_said_of_a_file_whose_last_line_is_wrong(files: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with (files / "E.jsonl").open("a", encoding="utf-8") as lines:
        lines.write(json.dumps(FIRMS[0], ensure_ascii=False))
    code, said, wrong = match(capsys, files)
    assert (code, said) == (1, [])
    assert "第 4 行" in wrong
    assert "第 1 行" in wrong


def test_lines_in_gb18030_are_read_too(files: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (files / "E.jsonl").write_text("".join(json.dumps(firm, ensure_ascii=False) + "\r\n" for firm in FIRMS), encoding="gb18030")
    _, lines, _ = match(capsys, files)
    assert lines[0] == EXPECTED


def as_table() -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    rows = [
        {"uscc": A, "name": "甲", "revenue@2024": "26000000", "honours": '["A"]', "dishonest": "false", "has:penalty": "1"},
        {"uscc": B, "name": "乙", "revenue@2024": "10", "honours": "", "dishonest": "", "has:penalty": "1"},
        {"uscc": C, "name": "丙", "revenue@2024": "30000000.50", "honours": "[]", "dishonest": "否", "has:penalty": ""},
    ]
    return rows, [{"uscc": B, "id": "r", "amount": "5", "serious": "是", "decided_on": "2024-01-01", "field": ""}]


def write_csv(path: Path, rows: list[dict[str, Any]], encoding: str = "utf-8") -> None:
    with path.open("w", encoding=encoding, newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
@pytest.mark.parametrize("record_file", ["E.penalty.csv", "penalty.csv"])
def test_csv_with_a_file_for_each_record_kind_says_the_same(
    files: Path, capsys: pytest.CaptureFixture[str], record_file: str, encoding: str
) -> None:
    rows, penalties = as_table()
    write_csv(files / "E.csv", rows, encoding)
    write_csv(files / record_file, penalties, encoding)
    assert match(capsys, files, "E.csv")[1][0] == EXPECTED


def test_parquet_says_the_same_with_its_own_types(files: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows, penalties = as_table()
    typed = {
        "uscc": [row["uscc"] for row in rows], "name": [row["name"] for row in rows],
        "revenue@2024": pa.array([Decimal("26000000"), Decimal(10), Decimal("30000000.50")], pa.decimal128(20, 2)),
        "honours": pa.array([["A"], None, []], pa.list_(pa.string())), "dishonest": pa.array([False, None, False]),
        "has:penalty": ["1", "1", None],
    }  # fmt: skip
    pq.write_table(pa.table(typed), files / "E.parquet")
    pq.write_table(pa.table({"uscc": [B], "amount": [5.0], "serious": [True], "field": [None]}), files / "E.penalty.parquet")
    assert match(capsys, files, "E.parquet")[1][0] == EXPECTED
    assert penalties


def test_without_a_record_file_the_table_is_unknown(files: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_csv(files / "E.csv", as_table()[0])
    line = match(capsys, files, "E.csv")[1][0]
    assert (line["eligible"], line["ineligible"], line["undetermined"]) == (0, 1, 2)


def explain(capsys: pytest.CaptureFixture[str], folder: Path, uscc: str, *more: str) -> tuple[int, list[Any], str]:
    files = ("--benefits", folder / "B.json", "--enterprises", folder / "E.jsonl")
    return run(capsys, "explain", *files, "--uscc", uscc, "--as-of", "2025-06-30", "--json", *more)


def test_explain_says_one_decision_a_line(files: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, lines, _ = explain(capsys, files, C)
    assert (code, [line["benefit"] for line in lines]) == (0, ["b-1", "b-2"])
    assert lines[0]["outcome"] == "undetermined"
    assert lines[0]["missing"] == ["penalty"]
    assert lines[0]["amount"] == {"low": "0.00", "high": "300000.01", "missing": []}
    assert set(lines[0]) == {
        "benefit", "enterprise", "as_of", "language", "outcome", "amount", "tests", "missing", "judged", "near_miss", "eligible_from",
        "rule_version", "facts_as_known_at",
    }  # fmt: skip
    assert set(lines[0]["tests"][0]) == {
        "path", "value", "why", "fact", "found", "wanted", "source", "known_at", "quote", "article"
    }  # fmt: skip


def test_explain_keeps_to_one_benefit(files: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert [line["benefit"] for line in explain(capsys, files, A, "--benefit", "b-2")[1]] == ["b-2"]
    assert explain(capsys, files, A, "--benefit", "b-9")[0] == 1
    assert explain(capsys, files, "91350200MA00000X00")[0] == 1


def test_explain_tells_a_person_the_same_in_chinese(files: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = (
        "--benefits",
        files / "B.json",
        "--enterprises",
        files / "E.jsonl",
        "--uscc",
        B,
        "--as-of",
        "2025-06-30",
        "--benefit",
        "b-1",
    )
    capsys.readouterr()
    assert main(["explain", *map(str, arguments)]) == 0
    said = capsys.readouterr().out
    for part in (
        "【营收奖励】", "结论：按2025年6月30日已知的情况，贵企业不符合“营收奖励”的条件：2项要求中有1项没有达到。",
        "× 2024年营业收入10元，要求不低于2000万元，还差19,999,990元，不符合。（数据来自市税务局）",
        "√ 要求没有行政处罚记录；现在没有行政处罚记录，符合。", "金额：如果符合条件，按2024年营业收入10元的1%计0.10元，可得0.10元。",
        "下一步：离符合条件还差：2025年营业收入达到2000万元（比现有的10元多19,999,990元），最迟2025年12月31日。",
    ):  # fmt: skip
        assert part in said


def test_check_says_what_is_wrong_and_where(files: Path, capsys: pytest.CaptureFixture[str]) -> None:
    sound, unknown = BENEFIT, BENEFIT | {"id": "b-3", "rule": {"fact": "revenu", "is": "=", "value": 1}}
    unreadable = {"id": "b-4", "rule": {"all": [{"fact": "dishonest", "is": "≈", "value": True}]}}
    (files / "B.json").write_text(json.dumps([sound, unknown, unreadable]), encoding="utf-8")
    code, lines, said = run(capsys, "check", "--benefits", files / "B.json", "--json")
    assert (code, [line["ok"] for line in lines]) == (1, [True, False, False])
    assert [(e["code"], e["at"]) for line in lines for e in line["errors"]] == [("unknown-fact", "rule"), ("schema", "rule/all/0/is")]
    assert "b-3" in said
    assert "rule/all/0/is" in said
    (files / "B.json").write_text(json.dumps([sound]), encoding="utf-8")
    assert run(capsys, "check", "--benefits", files / "B.json")[0] == 0


@pytest.mark.parametrize(
    ("name", "content", "word"),
    [
        ("B.json", "{", "第 1 行第 2 个字符（结尾处）读不下去"),
        ("B.json", '[{"id": "b", "rule": {"all": []}}', "请检查逗号、引号和括号"),
        (
            "B.json",
            '[{"id": "b", "rule": {"fact": "dishonest", "is": "≈", "value": true}}]',
            "rule/is：不是允许的取值；请改为下列之一：=、!=",
        ),
        ("B.json", '[{"id": "b", "rule": {"fact": "registered_capital", "is": ">", "value": "500万元"}}]', "2000万元写作 20000000"),
        ("B.json", '{"id": "b"}', "JSON 数组"),
        ("B.json", '[{"id": "b"}]', "rule：缺少"),
        ("B.json", '[{"id": "b", "rule": {"fact": "revenu", "is": "=", "value": 1}}]', "登记册没有事实"),
        ("B.json", '[{"id": "b", "rule": {"all": []}}, {"id": "b", "rule": {"all": []}}]', "重复"),
        ("B.json", b"\xff\xfe\xfa\x00", "UTF-8"),
        ("E.jsonl", '{"uscc": "x"', "第 1 行"),
        ("E.jsonl", '\n{"name": "x"}', "第 2 行"),
        ("E.jsonl", '{"uscc": "x", "facts": {"revenue": {"2024": "许多"}}}', "facts/revenue/2024"),
        ("E.jsonl", '{"uscc": "x", "facts": {"revenue": 5}}', "应按期间给出"),
        ("E.jsonl", '{"uscc": "x", "facts": {"revenue": {"2024-13": 5}}}', "不是这项事实的期间"),
        ("E.jsonl", '{"uscc": "x", "facts": {"founded_on": "2024年"}}', "日期"),
        ("E.jsonl", '{"uscc": "x", "facts": {"dishonest": "false"}}', "true 或 false"),
        ("E.jsonl", '{"uscc": "x", "records": {"penalty": [{"amount": "5"}]}}', "records/penalty/0/amount"),
        ("E.jsonl", '{"uscc": "x", "records": {"penalty": {}}}', "对象的列表"),
        ("E.jsonl", '{"uscc": "x"}\n{"uscc": "x"}', "只应出现一次"),
    ],
)
def test_bad_content_is_refused_with_where_and_why(
    files: Path, capsys: pytest.CaptureFixture[str], name: str, content: str | bytes, word: str
) -> None:
    (files / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    code, lines, said = match(capsys, files)
    assert (code, lines) == (1, [])
    assert word in said
    assert name in said


@pytest.mark.parametrize(
    "argv",
    [
        (), ("nonsense",), ("match",), ("match", "--benefits", "B.json"), ("check", "--benefits", "nowhere.json"),
        ("match", "--benefits", "B.json", "--enterprises", "E.jsonl", "--as-of", "yesterday"), ("check", "--benefits", "B.json", "--frist"),
    ],
)  # fmt: skip
def test_wrong_use_is_exit_two(files: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], argv: Any) -> None:
    monkeypatch.chdir(files)
    code, lines, said = run(capsys, *argv)
    assert (code, lines) == (2, [])
    assert said


def test_what_the_registry_lacks_is_said_and_ignored(files: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (files / "E.jsonl").write_text('{"uscc": "x", "facts": {"colour": "red"}, "records": {"toy": []}}', encoding="utf-8")
    code, lines, said = match(capsys, files)
    assert (code, lines[0]["undetermined"]) == (0, 1)
    assert "colour" in said
    assert "records/toy" in said


def test_no_code_and_no_name_is_ever_said_on_stderr(files: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (files / "E.jsonl").write_text(json.dumps(FIRMS[0] | {"facts": {"revenue": "x"}}, ensure_ascii=False), encoding="utf-8")
    _, _, said = match(capsys, files)
    assert A not in said
    assert "甲" not in said


def test_the_command_stands_on_its_own(files: Path) -> None:
    command = [sys.executable, "-m", "services.cli", "match", "--benefits", str(files / "B.json")]
    done = subprocess.run(
        [*command, "--enterprises", str(files / "E.jsonl"), "--as-of", "2025-06-30"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0
    assert [json.loads(line)["benefit"] for line in done.stdout.splitlines()] == ["b-1", "b-2"]
