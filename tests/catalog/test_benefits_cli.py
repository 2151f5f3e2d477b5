"""`zhaoqi benefits`: one object for each document on stdout, and nothing else there."""

import json
from pathlib import Path

import pytest

from services.cli import BAD_CONTENT, DONE, main

TEXT = """某市支持企业发展若干措施

第一条 对上年度营业收入2000万元以上或研发费用100万元以上的企业，给予10万元奖励。
第二条 对小微企业，按照设备投资额的8%给予补助，单个企业最高不超过30万元。同一事项不得重复享受。
"""


def told(capsys: pytest.CaptureFixture[str], *files: Path) -> list[dict[str, object]]:
    assert main(["benefits", *map(str, files), "--json"]) == DONE
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_a_document_is_one_object_with_its_benefits(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "措施.txt"
    file.write_text(TEXT, "utf-8")
    (found,) = told(capsys, file, file)[:1]
    assert set(found) == {"document", "common", "benefits"}
    first, second = found["benefits"]  # type: ignore[misc]
    assert first["condition_logic"] == "c1 OR c2"  # type: ignore[index]
    assert second["amount"]["kind"] == "rate_capped"  # type: ignore[index]


def test_every_quoted_word_stands_in_the_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "措施.txt"
    file.write_text(TEXT, "utf-8")
    (found,) = told(capsys, file)
    for benefit in found["benefits"]:  # type: ignore[attr-defined]
        for words in (benefit["text"], benefit["amount"]["raw"], *(c["evidence"] for c in benefit["conditions"])):
            assert words in TEXT


def test_a_web_page_is_read_without_its_markup(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "page.html"
    file.write_text("<!doctype html><html><body><p>第一条 对<b>小微</b>企业，给予5万元补助。</p></body></html>", "utf-8")
    (found,) = told(capsys, file)
    (benefit,) = found["benefits"]  # type: ignore[misc]
    assert "<" not in benefit["text"]  # type: ignore[index]


def test_what_is_no_document_is_told_on_the_other_side(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "empty.txt"
    file.write_bytes(b"")
    assert main(["benefits", str(file)]) == BAD_CONTENT
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "empty.txt" in captured.err
