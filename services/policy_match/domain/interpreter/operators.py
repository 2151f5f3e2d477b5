"""What an operator asks of the two sides of a test (rules.md 2, the table of TEST)."""

from __future__ import annotations

from contracts.rules import TWINS, Compared
from services.policy_match.domain.interpreter.scope import Scope, value
from services.policy_match.domain.periods import resolve
from services.policy_match.domain.values import (
    FALSE,
    NOTHING,
    TRUE,
    Answer,
    TypeMismatch,
    Value,
    both,
    either,
    merged,
    negated,
    relation,
    under,
)


def compared(test: Compared, left: Value, scope: Scope) -> Answer:
    """The left side, already known or not, against what the test asks of it; `!=`, `not_…` and `has_none` negate their twins.

    Raises TypeMismatch for sides that cannot be compared.
    """
    twin = TWINS.get(test.is_)
    return negated(_holds(twin, test, left, scope)) if twin else _holds(test.is_, test, left, scope)


def _holds(op: str, test: Compared, left: Value, scope: Scope) -> Answer:
    if op == "between":
        lo, hi = test.value if isinstance(test.value, tuple) else (test.value, test.value)
        above = relation(">" if test.open in ("lo", "both") else ">=", left, value(lo, scope))
        below = relation("<" if test.open in ("hi", "both") else "<=", left, value(hi, scope))
        return both((above, below))
    if op == "during":
        period = resolve(str(test.value), scope.as_of)
        return both((relation(">=", left, period.first), relation("<=", left, period.last)))
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
