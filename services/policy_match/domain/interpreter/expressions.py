"""Values that are reckoned: public figures, days counted from another, sums and products (rules.md 2, E)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from functools import reduce
from typing import Any

from contracts.rules import Ago, Plus, PublicFigure, Shift, Times
from services.policy_match.domain.interpreter.scope import Scope, value, worth_of
from services.policy_match.domain.periods import step
from services.policy_match.domain.ranges import added, multiplied, tidy
from services.policy_match.domain.values import NOTHING, OPEN_END, Range, Unknown, Value, as_range, day_of, merged, typed


@worth_of(PublicFigure)
def _figure(node: PublicFigure, scope: Scope) -> Value:
    on = scope.as_of if node.on is None else value(node.on, scope)
    if isinstance(on, Unknown) or on is NOTHING:
        return on
    day = day_of(on, "figure 的 on")
    found = scope.figures.at(node.figure, day)
    if found is None:
        return Unknown((f"figure:{node.figure}@{day.isoformat()}",))
    return typed(found, None)


@worth_of(Ago)
def _ago(node: Ago, scope: Scope) -> Value:
    return step(scope.as_of, node.ago, -1)


@worth_of(Shift)
def _shift(node: Shift, scope: Scope) -> Value:
    day = value(node.of, scope)
    if isinstance(day, Unknown) or day is NOTHING or day == OPEN_END:
        return day
    return step(day_of(day, "shift 的 of"), node.shift)


@worth_of(Plus)
def _plus(node: Plus, scope: Scope) -> Value:
    return _reckoned(node.plus, added, scope)


@worth_of(Times)
def _times(node: Times, scope: Scope) -> Value:
    return _reckoned(node.times, lambda factors: reduce(multiplied, factors, Range(Fraction(1), Fraction(1))), scope)


def _reckoned(parts: Sequence[Any], reckon: Callable[[list[Range]], Range], scope: Scope) -> Value:
    """What the parts make together. An unknown part makes it unknown, also times zero; else one that does not exist makes it nothing."""
    values = [value(part, scope) for part in parts]
    unknown = merged(values)
    if unknown is not None:
        return unknown
    if any(item is NOTHING for item in values):
        return NOTHING
    return tidy(reckon([as_range(item) for item in values]))
