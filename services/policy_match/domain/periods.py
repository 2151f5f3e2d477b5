"""Calendar periods and calendar steps: what `last_year`, `quarter-3` or two months before a day are."""

from __future__ import annotations

import calendar
import re
from datetime import date, timedelta
from functools import lru_cache
from typing import NamedTuple

from contracts.rules import Steps

_MONTHS = {"year": 12, "quarter": 3, "month": 1}
_SYNONYMS = {"last_year": "year-1", "this_year": "year-0", "last_quarter": "quarter-1", "same_quarter_last_year": "quarter-5"}
_RELATIVE = re.compile(r"(year|quarter|month)-(\d+)\Z")
_LITERAL = re.compile(r"(\d{4})(?:Q([1-4])|-(\d\d))?\Z")


class Period(NamedTuple):
    """A calendar year, quarter or month; `number` counts periods of the kind since the year 0."""

    kind: str
    number: int

    @property
    def key(self) -> str:
        """As it is written: 2025, 2025Q1, 2025-03."""
        if self.kind == "year":
            return f"{self.number:04d}"
        if self.kind == "quarter":
            return f"{self.number // 4:04d}Q{self.number % 4 + 1}"
        return f"{self.number // 12:04d}-{self.number % 12 + 1:02d}"

    @property
    def first(self) -> date:
        month = self.number * _MONTHS[self.kind]
        return date(month // 12, month % 12 + 1, 1)

    @property
    def last(self) -> date:
        return Period(self.kind, self.number + 1).first - timedelta(days=1)

    def later(self, n: int) -> Period:
        return Period(self.kind, self.number + n)

    def year_before(self) -> Period:
        return self.later(-12 // _MONTHS[self.kind])


def canonical(name: str) -> str:
    """One name for each relative word, so that `last_year` and `year-1` name the same period."""
    return _SYNONYMS.get(name, name)


def is_relative(name: str) -> bool:
    return _RELATIVE.match(canonical(name)) is not None


@lru_cache(maxsize=65536)
def resolve(name: str, as_of: date) -> Period:
    """The period a name means on that day. Raises ValueError for what is not the name of a period."""
    relative = _RELATIVE.match(canonical(name))
    if relative:
        kind = relative[1]
        return Period(kind, (as_of.year * 12 + as_of.month - 1) // _MONTHS[kind] - int(relative[2]))
    literal = _LITERAL.match(name)
    if literal is None:
        raise ValueError(f"{name!r} is not a period; write last_year, year-2, 2025, 2025Q1 or 2025-03")
    year = int(literal[1])
    if literal[2]:
        return Period("quarter", year * 4 + int(literal[2]) - 1)
    if literal[3]:
        return Period("month", year * 12 + int(literal[3]) - 1)
    return Period("year", year)


@lru_cache(maxsize=65536)
def key_of(period: Period) -> str:
    return period.key


def step(day: date, steps: Steps, sign: int = 1) -> date:
    """The day so many years and months, then days, away; clipped to the month's end, and to the calendar's."""
    months = day.year * 12 + day.month - 1 + sign * (steps.years * 12 + steps.months)
    year, month = divmod(months, 12)
    if not 1 <= year <= 9999:
        return date.min if year < 1 else date.max
    moved = date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))
    try:
        return moved + timedelta(days=sign * steps.days)
    except OverflowError:
        return date.min if sign * steps.days < 0 else date.max
