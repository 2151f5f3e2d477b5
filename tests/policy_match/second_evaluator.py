"""A second reading of the language for rules over facts, written apart from the interpreter and in another way.

It works on plain data, keeps for each node whether it *surely* and whether it *possibly* holds (a missing fact makes a test
possible but not sure), compares growth by cross-multiplying, and counts ages in completed months instead of stepping dates.
It knows nothing of records, rows or figures.
"""

import calendar
import unicodedata
from collections.abc import Callable
from decimal import Context, Decimal
from typing import Any

EXACT = Context(prec=200)
Facts = dict[str, Any]
Both = tuple[bool, bool]  # surely, possibly
GAP = object()  # a value nobody stated
VOID = object()  # a value known not to exist

NEGATIONS = {"!=": "=", "not_in": "in", "not_under": "under", "has_none": "has"}


def evaluate(rule: dict[str, Any], facts: Facts, today: str) -> str:
    surely, possibly = _node(rule, facts, today)
    return "true" if surely else "unknown" if possibly else "false"


def _node(rule: dict[str, Any], facts: Facts, today: str) -> Both:
    if "all" in rule:
        limbs = [_node(limb, facts, today) for limb in rule["all"]]
        return all(s for s, _ in limbs), all(p for _, p in limbs)
    if "any" in rule:
        limbs = [_node(limb, facts, today) for limb in rule["any"]]
        return any(s for s, _ in limbs), any(p for _, p in limbs)
    if "not" in rule:
        surely, possibly = _node(rule["not"], facts, today)
        return not possibly, not surely
    if "at_least" in rule:
        limbs = [_node(limb, facts, today) for limb in rule["of"]]
        return sum(s for s, _ in limbs) >= rule["at_least"], sum(p for _, p in limbs) >= rule["at_least"]
    if "judged" in rule:
        return False, True
    return _test(rule, facts, today)


def _test(test: dict[str, Any], facts: Facts, today: str) -> Both:
    if test.get("take") == "every":
        years = _years(test, facts, today)
        if years is GAP:
            return False, True
        if not years:
            return False, False
        here, stated = _year(test["period"], today), facts.get(test["fact"], {})
        lefts = [(y - here, _number(stated[str(y)]) if str(y) in stated else GAP) for y in years]
        found = [_one(test, left, facts, today, moved) for moved, left in lefts]
        return all(s for s, _ in found), all(p for _, p in found)
    return _one(test, _left(test, facts, today), facts, today, 0)


def _one(test: dict[str, Any], left: Any, facts: Facts, today: str, moved: int) -> Both:
    operator = test["is"]
    if operator in NEGATIONS:
        surely, possibly = _one({**test, "is": NEGATIONS[operator]}, left, facts, today, moved)
        return not possibly, not surely
    if operator == "between":
        opened = test.get("open")
        low = _one({**test, "is": ">" if opened in ("lo", "both") else ">=", "value": test["value"][0]}, left, facts, today, moved)
        high = _one({**test, "is": "<" if opened in ("hi", "both") else "<=", "value": test["value"][1]}, left, facts, today, moved)
        return low[0] and high[0], low[1] and high[1]
    if operator == "during":
        right: Any = str(_year(test["value"], today))
    else:
        right = _right(test["value"], facts, today, test.get("period"), moved)
    if left is GAP or right is GAP:
        return False, True
    if left is VOID or right is VOID:
        return False, False
    holds = COMPARISONS[operator](left, right)
    return holds, holds


COMPARISONS: dict[str, Callable[[Any, Any], bool]] = {
    "=": lambda a, b: _less(a, b) is _less(b, a) is False,
    "<": lambda a, b: _less(a, b),
    ">": lambda a, b: _less(b, a),
    "<=": lambda a, b: not _less(b, a),
    ">=": lambda a, b: not _less(a, b),
    "during": lambda a, b: a[:4] == b,
    "in": lambda a, b: _text(a) in map(_text, b),
    "under": lambda a, b: any(a.startswith(_covering(p)) for p in b),
    "has": lambda a, b: any(_text(x) == _text(y) for x in a for y in b),
    "has_all": lambda a, b: all(any(_text(x) == _text(y) for x in a) for y in b),
}


def _less(a: Any, b: Any) -> bool:
    """Of two numbers (each a numerator over a positive denominator), two dates, two texts or two truths."""
    if isinstance(a, tuple) or isinstance(b, tuple):
        (an, ad), (bn, bd) = a, b
        return EXACT.multiply(an, bd) < EXACT.multiply(bn, ad)
    return bool(a < b)


def _text(text: str) -> str:
    plain = unicodedata.normalize("NFKC", text)
    return "".join('"' if c in "“”「」‘’'\"" else c for c in plain)


def _covering(code: str) -> str:
    if len(code) == 6 and code.isdigit():
        if code.endswith("0000"):
            return code[:2]
        if code.endswith("00"):
            return code[:4]
    return code


def _number(value: Any) -> tuple[Decimal, Decimal]:
    return Decimal(str(value)), Decimal(1)


def _year(period: str, today: str) -> int:
    now = int(today[:4])
    words = {"last_year": now - 1, "this_year": now}
    return words[period] if period in words else now - int(period[5:]) if period.startswith("year-") else int(period)


def _years(test: dict[str, Any], facts: Facts, today: str) -> Any:
    """The years of the window, those that ended before `since` left out."""
    last = _year(test["period"], today)
    years = range(last - test.get("over", 1) + 1, last + 1)
    since = test.get("since")
    if isinstance(since, dict):
        since = facts.get(since["fact"], GAP)
    if since is GAP:
        return GAP
    return [y for y in years if since is None or f"{y}-12-31" >= since]


def _left(test: dict[str, Any], facts: Facts, today: str) -> Any:
    stated = facts.get(test["fact"], GAP)
    if "period" not in test:
        return _number(stated) if isinstance(stated, int | Decimal) and not isinstance(stated, bool) else stated
    series = {} if stated is GAP else stated
    years = _years(test, facts, today)
    if years is GAP:
        return GAP
    if not years:
        return VOID
    take = test.get("take")
    if take in ("growth", "increase"):
        now, before = series.get(str(years[-1]), GAP), series.get(str(years[-1] - 1), GAP)
        if now is GAP or before is GAP:
            return GAP
        now, before = Decimal(now), Decimal(before)
        if before == 0 and "base_if_zero" in test:
            before = Decimal(test["base_if_zero"])
        if take == "increase":
            return now - before, Decimal(1)
        return (now - before, before) if before > 0 else GAP
    values = [series.get(str(y), GAP) for y in years]
    if GAP in values:
        return GAP
    if take in ("sum", "mean"):
        return Decimal(sum(values)), Decimal(len(values) if take == "mean" else 1)
    return _number(max(values) if take == "max" else min(values) if take == "min" else values[-1])


def _right(value: Any, facts: Facts, today: str, own: str | None, moved: int) -> Any:
    if isinstance(value, bool | str | list):
        return value
    if not isinstance(value, dict):
        return _number(value)
    if "ago" in value:
        return _months_from(today, -(12 * value["ago"].get("years", 0) + value["ago"].get("months", 0)))
    if "shift" in value:
        return _months_from(value["of"], 12 * value["shift"].get("years", 0) + value["shift"].get("months", 0))
    if "plus" in value or "times" in value:
        parts = [_right(part, facts, today, own, moved) for part in value.get("plus", value.get("times"))]
        if GAP in parts:
            return GAP
        total = parts[0][0]
        for numerator, _ in parts[1:]:
            total = EXACT.add(total, numerator) if "plus" in value else EXACT.multiply(total, numerator)
        return total, Decimal(1)
    same = {"last_year": "year-1", "this_year": "year-0"}
    along = moved if own and same.get(value["period"], value["period"]) == same.get(own, own) else 0
    found = facts.get(value["fact"], {}).get(str(_year(value["period"], today) + along), GAP)
    return GAP if found is GAP else _number(found)


def _months_from(day: str, months: int) -> str:
    year, month, date = int(day[:4]), int(day[5:7]), int(day[8:])
    year, month = divmod(year * 12 + month - 1 + months, 12)
    return f"{year:04d}-{month + 1:02d}-{min(date, calendar.monthrange(year, month + 1)[1]):02d}"
