"""What an enterprise just misses: the fewest, smallest changes that leave no false test in the way.

Only what can still be changed is asked for: no fact that is fixed, no day that is past, no event undone. Where a test looks at
a period that is over, the change is asked of the period that will take its place.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from decimal import Decimal
from fractions import Fraction
from itertools import combinations, product
from typing import Any

from contracts.rules import (
    All,
    AnyOf,
    AtLeast,
    Change,
    FactTest,
    NearMiss,
    Node,
    Not,
)
from services.policy_match.domain.demands import Bounds, Demand, Target, demand_of, put
from services.policy_match.domain.interpreter import Scope, answer
from services.policy_match.domain.reasons import Leaf, leaves, limbs, shown
from services.policy_match.domain.truth import Answer, both, either, negated
from services.policy_match.domain.values import TypeMismatch, as_date

_MOST_WAYS = 64  # alternatives followed at most; a rule with more ways to be met is not a near miss
_ROUNDS = 3  # a changed fact may move what another test asks


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
        return [(path,)] if demand_of(tests[path], scope, hold=hold) is not None else []
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
    of = {path: demand.target for path in way if (demand := demand_of(tests[path], scope, hold=not tests[path].negated)) is not None}
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
        demand = demand_of(leaf, scope, hold=hold)
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
        demand = demand_of(tests[path], scope, hold=not tests[path].negated)
        if demand is not None:
            yield demand.target


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
            scope = put(scope, target.id, None if period is None else period.key, new)
    return scope


def _distance(change: Change) -> Fraction:
    old, new = change.from_, change.to
    if isinstance(old, Decimal) and isinstance(new, Decimal):
        return abs(Fraction(new) - Fraction(old)) / max(abs(Fraction(old)), Fraction(1))
    try:
        return Fraction(abs((as_date(str(new)) - as_date(str(old))).days), 365)
    except TypeMismatch:
        return Fraction(1)
