"""What an enterprise just misses: the fewest, smallest changes that leave no false test in the way.

Only what can still be changed is asked for: no fact that is fixed, no day that is past, no event undone. Where a test looks at
a period that is over, the change is asked of the period that will take its place.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from itertools import combinations, product
from math import ceil, floor
from typing import Any, NamedTuple

from contracts.rules import (
    NUMERIC,
    TWINS,
    All,
    AnyOf,
    AtLeast,
    Change,
    Compared,
    CountTest,
    FactTest,
    FieldTest,
    LatestTest,
    NearMiss,
    Node,
    NoneOf,
    Not,
    Some,
    SumTest,
)
from services.policy_match.domain.interpreter import Scope, answer, stated, value
from services.policy_match.domain.periods import Period, is_relative, resolve
from services.policy_match.domain.reasons import Leaf, leaves, limbs, shown
from services.policy_match.domain.values import NOTHING, Answer, Exact, Range, TypeMismatch, Unknown, as_date, both, either, negated

_MOST_WAYS = 64  # alternatives followed at most; a rule with more ways to be met is not a near miss
_ROUNDS = 3  # a changed fact may move what another test asks
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


def near_miss(rule: Node, scope: Scope) -> NearMiss | None:
    """The nearest way out of a false rule; None where a fixed fact, a past day or an undone event would have to change, and where
    nothing has to, as the running period brings it."""
    tests = {leaf.path: leaf for leaf in leaves(rule)}
    best: tuple[int, Fraction, tuple[str, ...]] | None = None
    found: NearMiss | None = None
    for ways in _ways(rule, "", scope, tests, hold=True):
        plan = _plan(ways, rule, scope, tests)
        if plan is None:
            continue
        changes, until = plan
        order = {path: n for n, path in enumerate(tests)}
        rank = (len(ways), sum((_distance(c) for c in changes), Fraction(0)), tuple(f"{order[w]:06d}" for w in ways))
        if best is None or rank < best:
            best, found = rank, NearMiss.model_construct(change=tuple(changes), until=until) if changes else None
    return found


# ----------------------------------------------------------------------------------------------------- which tests to flip


def _ways(node: Node, path: str, scope: Scope, tests: Mapping[str, Leaf], *, hold: bool) -> list[tuple[str, ...]]:
    """The smallest sets of tests to flip so that the node is not false (`hold`) or, under a `not`, not true; [] if there is none."""
    if path in tests and tests[path].node is node:
        if answer(node, scope).value is not (not hold):
            return [()]
        return [(path,)] if _demand(tests[path], scope, hold=hold) is not None else []
    if isinstance(node, Not):
        ((name, limb),) = limbs(node)
        return _ways(limb, f"{path}/{name}" if path else name, scope, tests, hold=not hold)
    below = [_ways(limb, f"{path}/{name}" if path else name, scope, tests, hold=hold) for name, limb in limbs(node)]
    if isinstance(node, AtLeast):
        needed = node.at_least if hold else len(below) - node.at_least + 1
    else:
        needed = len(below) if isinstance(node, All) is hold else min(1, len(below))
        if isinstance(node, All | AnyOf) and not below:
            return [()] if isinstance(node, All) is hold else []
    return _cheapest(_choices([ways for ways in below if ways], needed))


def _choices(below: list[list[tuple[str, ...]]], needed: int) -> Iterator[tuple[str, ...]]:
    """Ways to satisfy so many of the limbs, the free ones first."""
    free = sum(ways == [()] for ways in below)
    costly = [ways for ways in below if ways != [()]]
    if free >= needed:
        yield ()
        return
    for chosen in combinations(costly, needed - free):
        for picked in product(*chosen):
            yield tuple(dict.fromkeys(path for way in picked for path in way))


def _cheapest(ways: Iterable[tuple[str, ...]]) -> list[tuple[str, ...]]:
    kept: list[tuple[str, ...]] = []
    for seen, way in enumerate(ways):
        if seen >= _MOST_WAYS * 16:
            break
        if not kept or len(way) < len(kept[0]):
            kept = [way]
        elif len(way) == len(kept[0]) and len(kept) < _MOST_WAYS and way not in kept:
            kept.append(way)
    return kept


# ----------------------------------------------------------------------------------------------------------- what to change


def _plan(way: tuple[str, ...], rule: Node, scope: Scope, tests: Mapping[str, Leaf]) -> tuple[list[Change], date | None] | None:
    """One new value for each fact that satisfies all its tests; None where there is none, or where something stays false."""
    of = {path: demand.target for path in way if (demand := _demand(tests[path], scope, hold=not tests[path].negated)) is not None}
    unacted = {of[path] for path in of if _beyond_acting_out(tests[path].node)}
    granted = frozenset(path for path in of if of[path] in unacted)
    found = {target: demand.found for target, demand in (_demands(way, scope, tests, also_true=False) or {}).items()}
    for also_true in (True, False):
        now = scope
        for _ in range(_ROUNDS):
            demands = _demands(way, now, tests, also_true=also_true)
            if demands is None:
                break
            values = {target: _nearest(target, found[target], demand.bounds, scope) for target, demand in demands.items()}
            if any(new is None for new in values.values()):
                break
            now = _changed(scope, values, unacted)
            if _answer(rule, "", now, tests, granted).value is not False and _stable(
                values, _demands(way, now, tests, also_true=also_true)
            ):
                asked = {t: new for t, new in values.items() if shown(found[t]) != shown(new)}  # else time alone will do
                changes = [Change.model_construct(fact=t.label, from_=shown(found[t]), to=shown(new)) for t, new in asked.items()]
                ends = [t.period.last for t in asked if t.period is not None]
                return changes, min(ends, default=None)
    return None


def _beyond_acting_out(test: Node) -> bool:
    """Whether stating a new value would not show in the test: a row to come, or a change against a year that will be another."""
    return not isinstance(test, FactTest) or test.take is not None


def _stable(values: Mapping[Target, Any], again: Mapping[Target, Demand] | None) -> bool:
    """Whether the new values still meet the demands once all of them are stated: one may have moved the bar of another."""
    return again is not None and all(again[t].bounds.hold(new) for t, new in values.items() if t in again)


def _answer(node: Node, path: str, scope: Scope, tests: Mapping[str, Leaf], granted: frozenset[str]) -> Answer:
    """The answer of the rule with some of its tests taken as met."""
    if path in tests and tests[path].node is node:
        return Answer(not tests[path].negated) if path in granted else answer(node, scope)
    below = [_answer(limb, f"{path}/{name}" if path else name, scope, tests, granted) for name, limb in limbs(node)]
    if isinstance(node, Not):
        return negated(below[0])
    if isinstance(node, AtLeast):
        surely, possible = sum(a.value is True for a in below), sum(a.value is not False for a in below)
        return Answer(True if surely >= node.at_least else None if possible >= node.at_least else False)
    return both(below) if isinstance(node, All) else either(below)


def _demands(way: tuple[str, ...], scope: Scope, tests: Mapping[str, Leaf], *, also_true: bool) -> dict[Target, Demand] | None:
    """What the flipped tests ask of each target, together with what its other tests go on asking."""
    demands: dict[Target, Demand] = {}
    for path, leaf in tests.items():
        if path not in way and not also_true:
            continue
        hold = not leaf.negated
        if path not in way and answer(leaf.node, scope).value is not hold:
            continue
        demand = _demand(leaf, scope, hold=hold)
        if demand is None or (path not in way and not any(t.id == demand.target.id for t in _targets(way, scope, tests))):
            if path in way:
                return None
            continue
        known = demands.get(demand.target)
        bounds = demand.bounds if known is None else known.bounds.met_with(demand.bounds)
        if bounds is None:
            return None
        demands[demand.target] = demand._replace(bounds=bounds)
    return demands


def _targets(way: tuple[str, ...], scope: Scope, tests: Mapping[str, Leaf]) -> Iterator[Target]:
    for path in way:
        demand = _demand(tests[path], scope, hold=not tests[path].negated)
        if demand is not None:
            yield demand.target


def _demand(leaf: Leaf, scope: Scope, *, hold: bool) -> Demand | None:
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
    known = scope.registry.kinds.get(kind)
    begins = known.begins() if known else None
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


_OPPOSITE = {"<": ">=", "<=": ">", ">": "<=", ">=": "<", "=": "!=", "!=": "=", "between": "outside"}


def _solved(
    test: Compared, scope: Scope, *, hold: bool, unit: Fraction | None, asked: Period | None = None, found: Any = None
) -> Bounds | None:
    """The bounds on the figure itself, its modifiers solved for the one period that can still change. Out of a range it is the nearer
    end of it that counts, or the upper one where nothing is `found` that could become less."""
    op = test.is_ if hold else _OPPOSITE.get(test.is_, "")
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


# -------------------------------------------------------------------------------------------------------- the new value


def _nearest(target: Target, found: Any, bounds: Bounds, scope: Scope) -> Any:
    """The value within the bounds that is nearest to what was found; None where there is none."""
    if bounds.choices is not None:
        return bounds.choices[0]
    if found is None:
        return bounds.low
    entry = scope.registry.facts.get(target.id)
    new: Any = found if isinstance(found, date) else Fraction(found)
    if bounds.low is not None and new < bounds.low:
        new = bounds.low
    if bounds.high is not None and new > bounds.high:
        new = bounds.high
    if isinstance(new, date):
        return new if new >= scope.as_of else None
    negative = isinstance(new, Fraction) and new < 0 and not (entry is not None and entry.signed)
    return None if negative else new


def _changed(scope: Scope, values: Mapping[Target, Any], unacted: set[Target]) -> Scope:
    """The scope as if the new values were stated today, also where the tests look today; rows to come cannot be acted out."""
    for target, new in values.items():
        if target.row:
            continue
        for period in {target.period} if target in unacted else {target.today, target.period}:
            scope = _put(scope, target.id, None if period is None else period.key, new)
    return scope


def _with(scope: Scope, fact: str, period: str | None, new: Any) -> Scope:
    return _put(scope, fact, None if period is None else resolve(period, scope.as_of).key, new)


def _put(scope: Scope, fact: str, key: str | None, new: Any) -> Scope:
    raw = new if isinstance(new, bool | str | date | frozenset) else Fraction(new)
    facts = dict(scope.enterprise.facts)
    if key is None:
        facts[fact] = raw
    else:
        periods = facts.get(fact)
        facts[fact] = {**(periods if isinstance(periods, Mapping) else {}), key: raw}
    return replace(scope, enterprise=replace(scope.enterprise, facts=facts))


def _distance(change: Change) -> Fraction:
    old, new = change.from_, change.to
    if isinstance(old, Decimal) and isinstance(new, Decimal):
        return abs(Fraction(new) - Fraction(old)) / max(abs(Fraction(old)), Fraction(1))
    try:
        return Fraction(abs((as_date(str(new)) - as_date(str(old))).days), 365)
    except TypeMismatch:
        return Fraction(1)
