"""A test of a fact and what the fact is worth: its period, its window, its growth (rules.md 2, TEST)."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from fractions import Fraction

from contracts.rules import OPEN, FactTest, FactValue
from services.policy_match.domain.interpreter.operators import compared
from services.policy_match.domain.interpreter.rules import settled_by_a_person
from services.policy_match.domain.interpreter.scope import Scope, truth_of, value, worth_of
from services.policy_match.domain.periods import Period, canonical, key_of, resolve
from services.policy_match.domain.truth import FALSE, Answer, both
from services.policy_match.domain.values import NOTHING, TypeMismatch, Unknown, Value, day_of, merged, typed


@truth_of(FactTest)
def _fact_test(test: FactTest, scope: Scope) -> Answer:
    """The fact compared; with `every` in each period of the window, a fact in `value` that names the test's own period moving along."""
    if test.take != "every":
        return settled_by_a_person(compared(test, _fact(test, scope), scope), scope)
    assert test.period is not None
    periods = window(test, scope)
    if isinstance(periods, Unknown):
        return Answer(None, *periods)
    if not periods:
        return FALSE
    here = resolve(test.period, scope.as_of)
    return both(
        compared(test, stated(test.fact, period, scope), scope.moving(test.period, period.number - here.number)) for period in periods
    )


@worth_of(FactValue, FactTest)
def _fact(node: FactValue, scope: Scope) -> Value:
    """A fact with its modifiers; over several periods it is known when it is known in each of them."""
    if node.period is None:
        return stated(node.fact, None, scope)
    periods = window(node, scope)
    if isinstance(periods, Unknown):
        return periods
    if not periods:
        return NOTHING
    if node.take is None:
        return stated(node.fact, periods[-1], scope)
    if node.take in ("growth", "increase"):
        changes = [_change(node, period, scope) for period in periods]
        unknown = merged(changes)
        return unknown if unknown is not None else sum(map(_fraction, changes), Fraction(0)) / len(changes)
    values = [stated(node.fact, period, scope) for period in periods]
    unknown = merged(values)
    if unknown is not None:
        return unknown
    numbers = list(map(_fraction, values))
    if node.take == "min":
        return min(numbers)
    if node.take == "max":
        return max(numbers)
    return sum(numbers, Fraction(0)) / (len(numbers) if node.take == "mean" else 1)


def window(node: FactValue, scope: Scope) -> list[Period] | Unknown:
    """The periods a fact with modifiers looks at, oldest first, without those that ended before `since` (rules.md 2, `over`).

    Unknown while the day of `since` is unknown. Raises TypeMismatch where `since` is no day.
    """
    assert node.period is not None
    last = resolve(node.period, scope.as_of)
    if scope.moved is not None and scope.moved[0] == canonical(node.period):
        last = last.later(scope.moved[1])
    periods = [last.later(-back) for back in range((node.over or 1) - 1, -1, -1)]
    if node.since is None:
        return periods
    since = value(node.since, scope)
    if isinstance(since, Unknown):
        return since
    if since is NOTHING:
        return []
    day = day_of(since, "since")
    return [period for period in periods if period.last >= day]


def stated(fact: str, period: Period | None, scope: Scope) -> Value:
    """One stated value of a fact in the unit of the registry, or Unknown by its name (`revenue@2024`); an `open.` fact always is.

    Raises TypeMismatch for a value that no type of the registry has.
    """
    label = fact if period is None else f"{fact}@{key_of(period)}"
    if fact.startswith(OPEN):
        return Unknown((label,))
    raw = scope.enterprise.facts.get(fact)
    if period is not None:
        raw = raw.get(key_of(period)) if isinstance(raw, Mapping) else None
    if raw is None:
        return Unknown((label,))
    entry = scope.registry.facts.get(fact)
    return typed(raw, entry.type if entry else None)


def _change(node: FactValue, period: Period, scope: Scope) -> Value:
    """Growth (x/y − 1) or increase (x − y) against the same period one year before; growth on a base of zero or less is judged."""
    now = stated(node.fact, period, scope)
    before = stated(node.fact, period.year_before(), scope)
    if not isinstance(before, Unknown) and _fraction(before) == 0 and node.base_if_zero is not None:
        before = node.base_if_zero
    undefined = node.take == "growth" and not isinstance(before, Unknown) and _fraction(before) <= 0
    judged = (_undefined_growth(node, period),) if undefined else ()
    unknown = merged((now, before))
    if unknown is not None:
        return Unknown(unknown.missing, unknown.judged + judged)
    if undefined:
        return Unknown((), judged)
    return _fraction(now) - _fraction(before) if node.take == "increase" else _fraction(now) / _fraction(before) - 1


def _undefined_growth(node: FactValue, period: Period) -> str:
    """The text for a person to judge: a growth that known facts leave undefined."""
    return node.quote or f"{node.fact}@{period.key} 的同比增长率：上年同期为零或负数，无法计算"


def _fraction(item: Value) -> Fraction:
    if isinstance(item, Decimal | Fraction):
        return Fraction(item)
    raise TypeMismatch(f"{item!r} 不是数值")
