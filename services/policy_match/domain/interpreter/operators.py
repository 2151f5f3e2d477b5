"""What an operator asks of the two sides of a test (rules.md 2, the table of TEST)."""

from __future__ import annotations

from typing import Any

from contracts.rules import TWINS, Compared
from services.policy_match.domain.interpreter.scope import Scope, value
from services.policy_match.domain.periods import resolve
from services.policy_match.domain.truth import FALSE, TRUE, Answer, both, either, negated
from services.policy_match.domain.values import NOTHING, TypeMismatch, Value, merged, relation, under


def compared(test: Compared, left: Value, scope: Scope) -> Answer:
    """The left side, already known or not, against what the test asks of it; `!=`, `not_…` and `has_none` negate their twins.

    Raises TypeMismatch for sides that cannot be compared.
    """
    twin = TWINS.get(test.is_)
    return negated(_holds(twin, test, left, scope)) if twin else _holds(test.is_, test, left, scope)


def ends(test: Compared) -> tuple[tuple[str, Any], tuple[str, Any]]:
    """The two comparisons that `between` stands for, each with its right side: both inclusive unless `open` says otherwise."""
    assert isinstance(test.value, tuple)
    low, high = test.value
    return (">" if test.open in ("lo", "both") else ">=", low), ("<" if test.open in ("hi", "both") else "<=", high)


def bounds(test: Compared, scope: Scope) -> list[tuple[str, Value]]:
    """The two comparisons that `between` or `during` stands for, each with what its right side is worth; Kleene's and joins them."""
    if test.is_ == "during":
        period = resolve(str(test.value), scope.as_of)
        return [(">=", period.first), ("<=", period.last)]
    return [(op, value(end, scope)) for op, end in ends(test)]


def _holds(op: str, test: Compared, left: Value, scope: Scope) -> Answer:
    if op in ("between", "during"):
        return both([relation(bound, left, end) for bound, end in bounds(test, scope)])
    right = value(test.value, scope)
    if op not in ("in", "under", "has", "has_all"):
        return relation(op, left, right)
    wanted = right if isinstance(right, tuple) else tuple(right) if isinstance(right, frozenset) else (right,)
    unknown = merged((left, *wanted))
    if unknown is not None:
        return Answer(None, *unknown)
    if left is NOTHING or NOTHING in wanted:
        return FALSE
    if op == "in":
        return either(relation("=", left, item) for item in wanted)
    if op == "under":
        if not isinstance(left, str):
            raise TypeMismatch("under 只用于代码")
        return TRUE if under(left, [str(item) for item in wanted]) else FALSE
    if not isinstance(left, frozenset):
        raise TypeMismatch(f"{op} 只用于集合")
    holds = left.issuperset(wanted) if op == "has_all" else not left.isdisjoint(wanted)
    return TRUE if holds else FALSE
