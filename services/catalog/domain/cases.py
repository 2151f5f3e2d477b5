"""Cases that follow from a rule's own words: an enterprise that just meets every line, one a step short of one, one with a fact unknown.

They are labelled as generated. They show the officer on which side of the line a figure falls, and they fail when somebody later turns
≥ into > or drops a test. Where a rule leaves anything to a person or to a fact that the registry lacks, no enterprise can be written
that qualifies, and there are no cases.
"""

from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from contracts.rules import Registry
from services.catalog.domain.naming import Node

LABEL = "自动生成："
_BASE = Decimal(10_000_000)
"""A round figure, where the rule compares two figures and sets neither."""


class _Unwritable(Exception):
    """A test for which no plain enterprise can be written."""


@dataclass
class _Enterprise:
    """Facts and records under construction, as cases of rules.md §3 have them."""

    as_of: date
    registry: Registry
    facts: dict[str, Any] = field(default_factory=dict)
    records: dict[str, list[dict[str, Any]]] = field(default_factory=dict)

    def copy(self) -> "_Enterprise":
        """Another enterprise of the same day with the same facts and records."""
        return _Enterprise(self.as_of, self.registry, deepcopy(self.facts), deepcopy(self.records))

    def set(self, fact: str, value: Any, period: str | None = None) -> None:
        """Write a fact down. Raises _Unwritable where another test has written it otherwise."""
        where, key = (self.facts, fact) if period is None else (self.facts.setdefault(fact, {}), period)
        if key in where and where[key] != value:
            raise _Unwritable(f"{fact} is asked to be two things")
        where[key] = value

    def get(self, fact: str, period: str) -> Decimal | None:
        """A figure that is written already."""
        value = self.facts.get(fact, {})
        return value.get(period) if isinstance(value, dict) else None


def generated(rule: Node, amount: Node | None, *, as_of: date | None, registry: Registry) -> list[dict[str, Any]]:
    """Up to three cases of a rule on a day of its validity, in the shape of rules.md §3; none where none can be written."""
    tests = rule.get("all", [rule]) if rule else []
    tests = [t for outer in tests for t in outer.get("all", [outer])]
    if not tests or as_of is None:
        return []
    line = _Enterprise(as_of, registry)
    try:
        for test in sorted(tests, key=_order):
            _meet(test, line)
    except _Unwritable:
        return []
    paid = {"amount": f"{amount['fixed']:.2f}"} if amount and set(amount) - {"quote", "article", "span"} == {"fixed"} else {}
    cases = [_case("恰好达到各项条件", line, "eligible") | paid]
    short = _a_step_short(tests, line)
    if short is not None:
        cases.append(_case(f"{short[0]}差一步", short[1], "ineligible"))
    unknown = _without(tests[0], line)
    if unknown is not None:
        cases.append(_case(f"{unknown[0]}未知", unknown[1], "undetermined"))
    return cases


def _case(name: str, of: _Enterprise, expect: str) -> dict[str, Any]:
    return {"name": LABEL + name, "as_of": of.as_of.isoformat(), "facts": of.facts, "records": of.records, "expect": expect}


def _order(test: Node) -> int:
    """Plain figures first, then those compared with another figure, then growth, which has to fit the figure that stands."""
    if test.get("take") in ("growth", "increase"):
        return 2
    return 1 if isinstance(test.get("value"), Mapping) else 0


def _meet(test: Node, of: _Enterprise) -> None:
    if "all" in test:
        for inner in sorted(test["all"], key=_order):
            _meet(inner, of)
    elif test.get("any"):
        _meet(test["any"][0], of)
    elif "fact" in test:
        _meet_fact(test, of)
    elif "some" in test:
        of.records.setdefault(test["some"], []).append(_row(test["some"], test["where"], of))
    elif "none" in test:
        of.records.setdefault(test["none"], [])
    elif "sum" in test and isinstance(test["sum"], str) and test.get("is") == ">=":
        of.records.setdefault(test["sum"], []).append(_row(test["sum"], test["where"], of) | {test["field"]: test["value"]})
    elif "count" in test and test.get("is") == ">=":
        rows = [_row(test["count"], test["where"], of) for _ in range(int(test["value"]))]
        of.records.setdefault(test["count"], []).extend(row | {"id": f"{i + 1}"} for i, row in enumerate(rows))
    else:
        raise _Unwritable(str(sorted(test)))


def _meet_fact(test: Node, of: _Enterprise) -> None:
    fact, value, operator = test["fact"], test["value"], test["is"]
    entry = of.registry.facts.get(fact)
    if entry is None or (test.get("since") and test.get("take") != "max"):
        raise _Unwritable(f"{fact} is not in the registry")
    if entry.type == "date":
        of.set(fact, _day(operator, value, of.as_of).isoformat())
    elif operator in ("has", "has_all"):
        held = of.facts.setdefault(fact, [])
        held += [v for v in (value[:1] if operator == "has" else value) if v not in held]
    elif operator in ("in", "under"):
        of.set(fact, value[0], _year(test, of))
    elif entry.type in ("bool", "code", "text"):
        if operator != "=":
            raise _Unwritable(operator)
        of.set(fact, value, _year(test, of))
    elif entry.periods:
        _meet_figure(test, of)
    elif operator in (">=", "<=", "="):
        of.set(fact, value)
    else:
        raise _Unwritable(operator)


def _meet_figure(test: Node, of: _Enterprise) -> None:
    """A figure of a period just on its line."""
    fact, operator, value = test["fact"], test["is"], test["value"]
    year = _year(test, of)
    take = test.get("take")
    if year is None or not year.isdigit() or operator not in (">=", "<=", "<", ">", "="):
        raise _Unwritable("only yearly figures")
    if take == "max" and "over" in test:  # 首次: founded in the year before, and below the line then
        of.set("founded_on", f"{year}-01-01")
        of.set(fact, Decimal(value) - 1, year)
        return
    if take in ("growth", "increase") and operator == ">=":
        before = str(int(year) - 1)
        now, base = of.get(fact, year), of.get(fact, before)
        if take == "increase":
            base = base if base is not None else (now - Decimal(value) if now is not None else _BASE)
            of.set(fact, base + Decimal(value), year)
        else:
            # 以上年为基数: the least whole base whose growth reaches the line and whose year reaches its own
            base = base if base is not None else _BASE if now is None else now / (1 + Decimal(value))
            if base != base.to_integral_value():
                base = base.to_integral_value(rounding="ROUND_FLOOR")
                of.set(fact, base, before)
                return  # the year's own line is met, and growth a little more than asked
            of.set(fact, base * (1 + Decimal(value)), year)
        of.set(fact, base, before)
        return
    if take is not None:
        raise _Unwritable(take)
    if isinstance(value, Mapping):
        _meet_share(fact, year, operator, value, of)
        return
    step = {">": 1, "<": -1}.get(operator, 0)
    of.set(fact, _on(value) + step, year)


def _meet_share(fact: str, year: str, operator: str, value: Mapping[str, Any], of: _Enterprise) -> None:
    """A share of another figure: at least, at most so much of it."""
    parts = value.get("times")
    if (
        not parts
        or len(parts) != 2
        or not isinstance(parts[1], Mapping)
        or set(parts[1]) != {"fact", "period"}
        or operator not in (">=", "<=")
    ):
        raise _Unwritable("a figure that is no share of another")
    share, whole = Decimal(parts[0]), parts[1]["fact"]
    other = _year(parts[1], of) or year
    now, base = of.get(fact, year), of.get(whole, other)
    if now is None:
        base = base if base is not None else _BASE
        now = base * share
    elif base is None:
        base = now / share
        if base != base.to_integral_value():
            base = base.to_integral_value(rounding="ROUND_FLOOR" if operator == ">=" else "ROUND_CEILING")
    if now < base * share if operator == ">=" else now > base * share:
        raise _Unwritable(f"{fact} stands on another line already")
    of.set(fact, now, year)
    of.set(whole, base, other)


def _on(value: Any) -> Decimal:
    if isinstance(value, int | float | Decimal) and not isinstance(value, bool):
        return Decimal(str(value))
    raise _Unwritable("no figure")


def _year(test: Mapping[str, Any], of: _Enterprise) -> str | None:
    """The period that a test means on the day of the case."""
    period = test.get("period")
    if period is None:
        return None
    back = {"last_year": 1, "this_year": 0}.get(period)
    if back is None and str(period).startswith("year-"):
        back = int(period[5:])
    if back is not None:
        return str(of.as_of.year - back)
    if str(period).isdigit():
        return str(period)
    raise _Unwritable(str(period))


def _day(operator: str, value: Any, as_of: date) -> date:
    """A day just on the line of a test on a date."""
    if operator == "during":
        return date(_calendar_year(value, as_of), 6, 30)
    if operator == "between":
        return date.fromisoformat(value[0])
    if isinstance(value, Mapping):
        on = _ago(value.get("ago"), as_of)
    else:
        on = date.fromisoformat(str(value))
    if operator in (">=", "<=", "="):
        return on
    return on + timedelta(days=1 if operator == ">" else -1)


def _calendar_year(value: Any, as_of: date) -> int:
    years = {"last_year": as_of.year - 1, "this_year": as_of.year}
    if value in years:
        return years[value]
    if str(value).isdigit():
        return int(value)
    raise _Unwritable(str(value))


def _ago(steps: Any, as_of: date) -> date:
    if not isinstance(steps, Mapping) or as_of.day > 28:
        raise _Unwritable("a date of another kind")
    months = as_of.year * 12 + as_of.month - 1 - 12 * steps.get("years", 0) - steps.get("months", 0)
    return date(months // 12, months % 12 + 1, as_of.day) - timedelta(days=steps.get("days", 0))


def _row(kind: str, where: list[Node], of: _Enterprise) -> dict[str, Any]:
    """A row that meets every test of a filter."""
    row: dict[str, Any] = {"id": "1"}
    fields = of.registry.kinds[kind].fields
    for test in where:
        if "any" in test:
            test = test["any"][0]
        if "field" not in test:
            raise _Unwritable("a row that a person judges")
        name, operator, value = test["field"], test["is"], test["value"]
        if fields[name].type in ("date", "end"):
            row[name] = _day(operator, value, of.as_of).isoformat()
        elif operator == "in":
            row[name] = value[0]
        elif operator in ("=", ">=", "<="):
            row[name] = value
        else:
            raise _Unwritable(operator)
        if fields[name].begins and date.fromisoformat(row[name]) > of.as_of:
            raise _Unwritable("a row that has not begun")
    return row


def _a_step_short(tests: list[Node], line: _Enterprise) -> tuple[str, _Enterprise] | None:
    """The same enterprise one step off the line of its first figure or day, or without the row or member that is asked for."""
    for test in tests:
        other = line.copy()
        operator, fact = test.get("is"), test.get("fact", "")
        entry = line.registry.facts.get(fact)
        bound = operator in (">=", "<=", ">", "<")
        if entry is not None and bound and entry.type in ("money", "number") and test.get("take") in (None, "growth", "increase"):
            off = -1 if operator in (">=", ">") else 1
            year = _year(test, line)
            if year is None:
                other.facts[fact] = Decimal(str(other.facts[fact])) + off
            else:
                other.facts[fact][year] += off
            return entry.name, other
        if entry is not None and bound and entry.type == "date":
            on = date.fromisoformat(line.facts[fact])
            other.facts[fact] = (on + timedelta(days=1 if operator in ("<=", "<") else -1)).isoformat()
            return entry.name, other
        if "some" in test:
            other.records[test["some"]] = []
            return line.registry.kinds[test["some"]].name, other
        if entry is not None and operator == "has":
            other.facts[fact] = []
            return entry.name, other
    return None


def _without(test: Node, line: _Enterprise) -> tuple[str, _Enterprise] | None:
    """The same enterprise with what the first test asks for unknown."""
    other = line.copy()
    if test.get("fact") in other.facts:
        del other.facts[test["fact"]]
        return line.registry.facts[test["fact"]].name, other
    kind = next((test[key] for key in ("some", "none", "sum", "count") if isinstance(test.get(key), str)), None)
    if kind in other.records:
        del other.records[kind]
        return line.registry.kinds[kind].name, other
    return None
