"""How money, shares, days, periods and stretches of time are written in Chinese: the same in every service, nothing rounded away."""

from __future__ import annotations

import re
from datetime import date
from decimal import Decimal

from contracts.rules.rule import Steps

_LITERAL = re.compile(r"(\d{4})(?:Q(\d)|-(\d\d))?\Z")
_RELATIVE = {"last_year": "上年度", "this_year": "本年度", "last_quarter": "上季度", "same_quarter_last_year": "上年同期季度"}
_BACK = {
    "year": ("本年度", "上年度", "{}年前的年度"),
    "quarter": ("本季度", "上季度", "{}个季度前的季度"),
    "month": ("本月", "上月", "{}个月前的月份"),
}


def plain(value: Decimal) -> str:
    """A number as it is, without an exponent and without zeros at its end."""
    text = format(value, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def yuan(value: Decimal) -> str:
    """An amount of money: 10万元, 4.125亿元, 1,234.50元; 亿元 only for whole 万元, and 万元 only where two decimals say it all."""
    for size, smallest, unit in ((Decimal(10**8), 10**4, "亿元"), (Decimal(10**4), 100, "万元")):
        if abs(value) >= size and value % smallest == 0:
            return f"{plain(value / size)}{unit}"
    if value % 1 == 0:
        return f"{value:,.0f}元"
    return f"{value:,.2f}元" if value * 100 % 1 == 0 else f"{plain(value)}元"


def percent(value: Decimal) -> str:
    """A ratio: 0.03 is 3%; below 1%, per mille where that is shorter (0.003 is 3‰)."""
    if value and abs(value) < Decimal("0.01") and (value * 1000) % 1 == 0:
        return f"{plain(value * 1000)}‰"
    return f"{plain(value * 100)}%"


def day(value: date) -> str:
    """A day: 2025年12月31日."""
    return f"{value.year}年{value.month}月{value.day}日"


def period(name: str) -> str:
    """A period as the language or a decision writes it: last_year is 上年度, 2025Q1 2025年第1季度, 2022..2024 2022年至2024年."""
    first, several, last = name.partition("..")
    if several:
        return f"{period(first)}至{period(last)}"
    literal = _LITERAL.match(name)
    if literal:
        year, quarter, month = literal.groups()
        return f"{year}年" + (f"第{quarter}季度" if quarter else f"{int(month)}月" if month else "")
    if name in _RELATIVE:
        return _RELATIVE[name]
    kind, _, number = name.partition("-")
    this, last_, earlier = _BACK[kind]
    return this if int(number) == 0 else last_ if int(number) == 1 else earlier.format(int(number))


def stretch(steps: Steps) -> str:
    """A stretch of time, whichever way it goes: 3年, 2年零3个月, 30天."""
    parts = [f"{abs(number)}{unit}" for number, unit in ((steps.years, "年"), (steps.months, "个月"), (steps.days, "天")) if number]
    return "零".join(parts) or "0天"
