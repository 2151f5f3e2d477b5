"""Money, shares, days and periods are written as people in China write them, and nothing is rounded away."""

from decimal import Decimal

import pytest

from contracts.rules import Steps
from contracts.rules.words import percent, period, stretch, yuan


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("100000.00", "10万元"), ("123456.78", "123,456.78元"), ("125000000", "1.25亿元"), ("412500000", "4.125亿元"),
        ("9999", "9,999元"), ("0", "0元"),
        ("10050", "10,050元"), ("35000000", "3500万元"),
        ("0.125", "0.125元"), ("-20000", "-2万元"),
    ],
)  # fmt: skip
def test_a_sum_of_money_is_never_rounded(value: str, words: str) -> None:
    assert yuan(Decimal(value)) == words


@pytest.mark.parametrize(("value", "words"), [("0.03", "3%"), ("0.003", "3‰"), ("0.155", "15.5%"), ("1", "100%"), ("0", "0%")])
def test_a_ratio_is_said_as_percent(value: str, words: str) -> None:
    assert percent(Decimal(value)) == words


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("last_year", "上年度"), ("2025", "2025年"), ("2025Q1", "2025年第1季度"), ("2025-03", "2025年3月"), ("year-2", "2年前的年度"),
        ("month-1", "上月"),
        ("2022..2024", "2022年至2024年"),
    ],
)  # fmt: skip
def test_a_period_is_said_as_people_say_it(name: str, words: str) -> None:
    assert period(name) == words


def test_a_stretch_of_time_names_its_years_months_and_days() -> None:
    assert [stretch(Steps(years=3)), stretch(Steps(years=2, months=3)), stretch(Steps(days=-30))] == ["3年", "2年零3个月", "30天"]
