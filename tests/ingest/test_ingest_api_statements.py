"""A line of a delivery is a statement or its faults: never an exception, never a changed number."""

import json
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.registry import load_registry
from contracts.uscc import check_character
from services.ingest.domain.statements import Checked, authority_of, check

USCC = "91350200MA0000000" + check_character("91350200MA0000000")
TODAY = date(2026, 6, 30)


def checked(line: str | bytes, *, authority: str = "税务") -> Checked:
    data = line if isinstance(line, bytes) else line.encode()
    return check(data, load_registry(), authority=authority, today=TODAY, line_limit=10)


def line(facts: dict[str, Any] | None = None, **more: Any) -> str:
    return json.dumps({"uscc": USCC, "facts": facts or {}, **more})


@given(
    st.binary(max_size=200) | st.recursive(st.none() | st.booleans() | st.floats() | st.text(), st.lists).map(json.dumps).map(str.encode)
)
def test_whatever_is_sent_is_answered(data: bytes) -> None:
    found = checked(data)
    assert found.refused <= len(data.split(b"\n"))
    assert bool(found.faults) == (found.refused > 0)


@given(st.decimals(min_value=0, max_value=10**15, places=2) | st.integers(0, 10**17))
def test_a_number_stays_the_number_it_is(value: Decimal | int) -> None:
    [statement] = checked(f'{{"uscc": "{USCC}", "facts": {{"revenue": {{"2025": {value}}}}}}}').statements
    assert statement.facts["revenue"]["2025"] == value
    assert not isinstance(statement.facts["revenue"]["2025"], float)


@pytest.mark.parametrize(
    ("facts", "at", "code"),
    [
        ({"revenue": 26000000}, "line 1 facts.revenue", "invalid-request"),
        ({"revenue": {"2025年": 1}}, "line 1 facts.revenue@2025年", "invalid-request"),
        ({"revenue": {"2025-03": 1}}, "line 1 facts.revenue@2025-03", "invalid-request"),
        ({"revenue": {"2025": "1"}}, "line 1 facts.revenue@2025", "invalid-request"),
        ({"revenue": {"2025": True}}, "line 1 facts.revenue@2025", "invalid-request"),
        ({"revenue": {"2025": -1}}, "line 1 facts.revenue@2025", "invalid-request"),
        ({"revenue": {"2025": 10**18}}, "line 1 facts.revenue@2025", "invalid-request"),
        ({"taxpayer_type": {"2025": "general"}}, "line 1 facts.taxpayer_type", "invalid-request"),
        ({"taxpayer_type": 1}, "line 1 facts.taxpayer_type", "invalid-request"),
        ({"营业收入": {"2025": 1}}, "line 1 facts.营业收入", "unknown-fact"),
        ({"founded_on": "2020-01-01"}, "line 1 facts.founded_on", "wrong-authority"),
    ],
)
def test_a_fact_that_is_not_as_registered_is_refused_at_its_place(facts: dict[str, Any], at: str, code: str) -> None:
    found = checked(line(facts))
    assert [(fault.at, fault.code) for fault in found.faults] == [(at, code)]
    assert found.statements == ()
    assert found.refused == 1


def test_a_fact_that_is_as_registered_is_taken() -> None:
    facts = {"revenue": {"2024": 1, "2025Q1": 2.5, "2025": None}, "profit": {"2025": -1}, "taxpayer_type": "general", "tax_credit": None}
    [statement] = checked(line(facts)).statements
    assert statement.facts == {"revenue": {"2024": 1, "2025Q1": Decimal("2.5")}, "profit": {"2025": -1}, "taxpayer_type": "general"}
    assert (statement.true_on, statement.records) == (TODAY, {})


def test_records_are_checked_row_by_row() -> None:
    rows = [
        {"id": "a", "name": "高新技术企业", "awarded_on": "2025-01-01", "expires_on": None, "first": True},
        {"id": "a", "awarded_on": "2025-13-01"},
        {"nme": "x", "id": "b"},
    ]
    found = checked(line(records={"certificate": rows}), authority="工信")
    assert [(fault.at, fault.code) for fault in found.faults] == [
        ("line 1 records.certificate[1].id", "invalid-request"),
        ("line 1 records.certificate[1].awarded_on", "invalid-request"),
        ("line 1 records.certificate[2].nme", "unknown-fact"),
    ]
    [statement] = checked(line(records={"certificate": rows[:1]}), authority="工信").statements
    assert statement.records == {"certificate": rows[:1]}


def test_a_day_that_has_not_come_cannot_be_stated() -> None:
    assert checked(line({"taxpayer_type": "general"}, true_on="2026-07-01")).faults[0].at == "line 1 true_on"
    assert checked(line({"taxpayer_type": "general"}, true_on="2026-06-30")).faults == ()


def test_an_authority_is_known_by_its_id_and_by_its_office() -> None:
    registry = load_registry()
    assert authority_of("税务", registry) == authority_of("市税务局", registry) == "税务"
    assert authority_of("税", registry) is None


def test_numbers_that_would_not_fit_are_refused_before_they_are_written_out() -> None:
    for number in ("1e999999999", "1e-999999999", "NaN", "-Infinity", "9" * 5000):
        assert checked(f'{{"uscc": "{USCC}", "facts": {{"revenue": {{"2025": {number}}}}}}}').refused == 1
