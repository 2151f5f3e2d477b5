"""What a test asks of the fact or the record kind it looks at: the values with which it would hold, while somebody can still change it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from math import ceil, floor
from typing import Any, NamedTuple

from contracts.rules import NUMERIC, TWINS, Compared, CountTest, FactTest, FieldTest, LatestTest, NoneOf, Some, SumTest
from services.policy_match.domain.interpreter import Scope, answer, stated, value
from services.policy_match.domain.periods import Period, is_relative, resolve
from services.policy_match.domain.reasons import Leaf
from services.policy_match.domain.values import NOTHING, OPPOSITES, Exact, Range, TypeMismatch, Unknown, as_date

_UNITS = {"money": Fraction(1, 100), "ratio": Fraction(1, 10000), "number": Fraction(1)}


class Target(NamedTuple):
    """What is asked to change: a fact (in the period asked, and the one the test looks at today), or with `row` a record kind."""

    id: str
    period: Period | None = None
    today: Period | None = None
    row: bool = False

    @property
    def label(self) -> str:
        return self.id if self.period is None or self.row else f"{self.id}@{self.period.key}"


@dataclass(frozen=True)
class Bounds:
    """The values that make a test hold: from `low` to `high`, or one of `choices` in order of preference."""

    low: Any = None
    high: Any = None
    choices: tuple[Any, ...] | None = None

    def hold(self, new: Any) -> bool:
        if self.choices is not None:
            return new in self.choices
        return (self.low is None or new >= self.low) and (self.high is None or new <= self.high)

    def met_with(self, other: Bounds) -> Bounds | None:
        if self.choices is not None or other.choices is not None:
            mine, theirs = (self, other) if self.choices is not None else (other, self)
            if theirs.choices is None:
                return None
            kept = tuple(choice for choice in mine.choices or () if choice in theirs.choices)
            return Bounds(choices=kept) if kept else None
        low = max((b for b in (self.low, other.low) if b is not None), default=None)
        high = min((b for b in (self.high, other.high) if b is not None), default=None)
        return None if low is not None and high is not None and low > high else Bounds(low, high)


class Demand(NamedTuple):
    """One test's demand on one target."""

    target: Target
    found: Any
    bounds: Bounds


def demand_of(leaf: Leaf, scope: Scope, *, hold: bool) -> Demand | None:
    """What the test asks so that it holds (or, under a `not`, does not); None where no one can change it any more."""
    node = leaf.node
    try:
        if isinstance(node, FactTest):
            return _fact_demand(node, scope, hold=hold)
        if isinstance(node, Some | NoneOf):
            kind = node.some if isinstance(node, Some) else node.none
            wants_row = isinstance(node, Some) is hold
            return _row_demand(kind, node, Bounds(low=Fraction(1)), Fraction(0), scope) if wants_row else None
        if isinstance(node, CountTest | SumTest):
            total = value(node, scope)
            found = total.low if isinstance(total, Range) else total
            bounds = _solved(node, scope, hold=hold, unit=_UNITS["number" if isinstance(node, CountTest) else "money"])
            kind = node.count if isinstance(node, CountTest) else node.sum
            if not isinstance(found, Decimal | Fraction) or bounds is None or (bounds.high is not None and bounds.high < found):
                return None
            return _row_demand(kind, node, bounds, found, scope)
        if isinstance(node, LatestTest) and hold and node.is_ in (">", ">="):
            return _latest_demand(node, scope)
    except TypeMismatch:
        return None
    return None  # judged, ranked, earliest: nothing an enterprise could change


def _row_demand(kind: str, node: Any, bounds: Bounds, found: Exact, scope: Scope) -> Demand | None:
    """A further row: possible unless its beginning would have to lie in the past."""
    begins = scope.registry.begins(kind)
    period: Period | None = None
    for condition in node.where:
        if not isinstance(condition, FieldTest) or condition.field != begins:
            continue
        if condition.is_ == "during":
            period = _still_open(str(condition.value), scope.as_of)
            if period is None:
                return None
        elif condition.is_ in ("<", "<=", "=", "between"):
            last = condition.value[1] if isinstance(condition.value, tuple) else condition.value
            day = value(last, scope)
            day = as_date(day) if isinstance(day, str) else day
            if isinstance(day, date) and day < scope.as_of:
                return None
    return Demand(Target(kind, period, period, row=True), found, bounds)


def _latest_demand(node: LatestTest, scope: Scope) -> Demand | None:
    wanted = value(node.value, scope)
    day = as_date(wanted) if isinstance(wanted, str) else wanted
    if not isinstance(day, date):
        return None
    soonest = max(day + timedelta(days=node.is_ == ">"), scope.as_of)
    row = _row_demand(node.latest, node, Bounds(), Fraction(0), scope)
    found = value(node, scope)
    return None if row is None else Demand(row.target, None if found is NOTHING else found, Bounds(low=soonest))


def _still_open(name: str, as_of: date) -> Period | None:
    """The period itself if it is not over, else the one that will take its place; None where that is over too."""
    period = resolve(name, as_of)
    if period.last >= as_of:
        return period
    following = period.later(1)
    return following if is_relative(name) and following.last >= as_of else None


def _fact_demand(test: FactTest, scope: Scope, *, hold: bool) -> Demand | None:
    entry = scope.registry.facts.get(test.fact)
    if entry is not None and entry.fixed:
        return None
    today = None if test.period is None else resolve(test.period, scope.as_of)
    asked = None if test.period is None else _still_open(test.period, scope.as_of)
    if test.period is not None and asked is None:
        return None
    target = Target(test.fact, asked, today)
    found = stated(test.fact, asked, scope)
    if isinstance(found, Unknown) and asked != today:
        found = stated(test.fact, today, scope)
    if isinstance(found, Unknown):
        return None
    if isinstance(found, Decimal | Fraction):
        kind = entry.type if entry is not None and entry.type in NUMERIC else "number"
        bounds = _solved(test, scope, hold=hold, unit=_UNITS[kind], asked=asked, found=found)
    elif isinstance(found, date):
        bounds = _solved(test, scope, hold=hold, unit=None, found=found) if found > scope.as_of else None
    else:
        bounds = _choice(test, found, scope, hold=hold)
    return None if bounds is None else Demand(target, found, bounds)


def _choice(test: FactTest, found: Any, scope: Scope, *, hold: bool) -> Bounds | None:
    """The values of a code, a text, a bool or a set that make the test hold."""
    wanted = value(test.value, scope)
    listed = [item for item in (wanted if isinstance(wanted, tuple) else (wanted,)) if isinstance(item, str | bool)]
    if isinstance(found, bool):
        options: list[Any] = [not found]
    elif isinstance(found, frozenset):
        options = [found | {listed[0]} if test.is_ == "has" and listed else found | frozenset(listed), found - frozenset(listed)]
    else:
        entry = scope.registry.facts.get(test.fact)
        codes = scope.registry.codes.get(entry.codes or "", {}) if entry else {}
        options = [*listed, *codes]
    kept = tuple(o for o in (found, *options) if answer(test, _with(scope, test.fact, test.period, o)).value is hold)
    return Bounds(choices=kept) if kept else None


def _solved(
    test: Compared, scope: Scope, *, hold: bool, unit: Fraction | None, asked: Period | None = None, found: Any = None
) -> Bounds | None:
    """The bounds on the figure itself, its modifiers solved for the one period that can still change. Out of a range it is the nearer
    end of it that counts, or the upper one where nothing is `found` that could become less."""
    op: str = test.is_ if hold else "outside" if test.is_ == "between" else OPPOSITES.get(test.is_, "")
    if op in TWINS:
        return None  # anything but one value is no direction to go
    right: list[Any] = [value(v, scope) for v in (test.value if isinstance(test.value, tuple) else (test.value,))] if op != "during" else []
    if op == "during":
        period = resolve(str(test.value), scope.as_of)
        right = [period.first, period.last]
    right = [as_date(item) if unit is None and isinstance(item, str) else item for item in right]
    if any(isinstance(item, Unknown | Range) or item is NOTHING for item in right):
        return None
    if isinstance(test, FactTest) and test.take is not None:
        moved = [_unfolded(test, Fraction(item), scope, asked) for item in right]
        if any(item is None for item in moved):
            return None
        right = moved
    literal = not isinstance(test, FactTest) or (test.take is None and isinstance(test.value, Decimal | tuple))
    if op == "outside":
        entry = scope.registry.facts.get(test.fact) if isinstance(test, FactTest) else None
        under = _below(right[0], unit, test.open not in ("lo", "both"), literal)
        over = _above(right[1], unit, test.open not in ("hi", "both"), literal)
        here = Fraction(found) if isinstance(found, Decimal) else found
        possible = here is not None and (unit is None or under >= 0 or (entry is not None and entry.signed))
        return Bounds(high=under) if possible and here - under <= over - here else Bounds(low=over)
    strict_low = op == ">" or (op == "between" and test.open in ("lo", "both"))
    strict_high = op == "<" or (op == "between" and test.open in ("hi", "both"))
    low = right[0] if op in (">", ">=", "=", "between", "during") else None
    high = right[-1] if op in ("<", "<=", "=", "between", "during") else None
    if low is None and high is None:
        return None
    return Bounds(
        None if low is None else _above(low, unit, strict_low, literal), None if high is None else _below(high, unit, strict_high, literal)
    )


def _above(bound: Any, unit: Fraction | None, strict: bool, literal: bool) -> Any:
    if unit is None:
        return bound + timedelta(days=strict)
    exact = Fraction(bound)
    if strict:
        return (floor(exact / unit) + 1) * unit
    return exact if literal else ceil(exact / unit) * unit


def _below(bound: Any, unit: Fraction | None, strict: bool, literal: bool) -> Any:
    if unit is None:
        return bound - timedelta(days=strict)
    exact = Fraction(bound)
    if strict:
        return (ceil(exact / unit) - 1) * unit
    return exact if literal else floor(exact / unit) * unit


def _unfolded(test: FactTest, bound: Fraction, scope: Scope, asked: Period | None) -> Fraction | None:
    """The bound on the figure of the period asked, where the test bounds a sum, a mean, a growth … of several."""
    assert asked is not None
    over = test.over or 1
    others = [stated(test.fact, asked.later(-n), scope) for n in range(1, over)]
    if test.take in ("growth", "increase"):
        base = stated(test.fact, asked.year_before(), scope)
        if base == 0 and test.base_if_zero is not None:
            base = test.base_if_zero
        if over > 1 or not isinstance(base, Decimal | Fraction) or (test.take == "growth" and base <= 0):
            return None
        return Fraction(base) + bound if test.take == "increase" else Fraction(base) * (1 + bound)
    if test.since is not None or not all(isinstance(item, Decimal | Fraction) for item in others):
        return None
    total = sum((Fraction(item) for item in others if isinstance(item, Decimal | Fraction)), Fraction(0))
    if test.take == "sum":
        return bound - total
    if test.take == "mean":
        return bound * over - total
    return bound if over == 1 else None  # one period's change does not always mend min, max and every


def _with(scope: Scope, fact: str, period: str | None, new: Any) -> Scope:
    return put(scope, fact, None if period is None else resolve(period, scope.as_of).key, new)


def put(scope: Scope, fact: str, key: str | None, new: Any) -> Scope:
    raw = new if isinstance(new, bool | str | date | frozenset) else Fraction(new)
    facts = dict(scope.enterprise.facts)
    if key is None:
        facts[fact] = raw
    else:
        periods = facts.get(fact)
        facts[fact] = {**(periods if isinstance(periods, Mapping) else {}), key: raw}
    return replace(scope, enterprise=replace(scope.enterprise, facts=facts))
