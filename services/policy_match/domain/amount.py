"""How much: every form of an amount as an interval in yuan that holds the exact sum, whatever is still unknown.

An unknown figure is nothing or more (anything, where the registry marks it signed), a condition in doubt spans its branches,
a row in doubt pays from nothing. No form is ever below nothing. Rounding comes once, at the end.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal
from fractions import Fraction
from functools import reduce
from math import floor
from typing import Any, NamedTuple

from contracts.rules import (
    Amount,
    Cap,
    Case,
    CountOf,
    Each,
    FactValue,
    FieldValue,
    Fixed,
    Floor,
    Instalments,
    JudgedAmount,
    Least,
    Less,
    Most,
    Multiple,
    Node,
    Per,
    Plus,
    PublicFigure,
    Rate,
    SumOf,
    Tiers,
    Times,
    Total,
)
from services.policy_match.domain.interpreter import Scope, answer, judgement_of, matching, stated, value, window
from services.policy_match.domain.periods import Period
from services.policy_match.domain.ranges import added, highest, hull, lowest, minus, multiplied
from services.policy_match.domain.truth import Answer
from services.policy_match.domain.values import NOTHING, Range, Unknown, as_range, relation

_ZERO = Range(Fraction(0), Fraction(0))


class AmountInterval(NamedTuple):
    """Yuan, rounded half up to 0.01; `high` is None where nothing limits the sum. `missing` facts would narrow it."""

    low: Decimal
    high: Decimal | None
    missing: tuple[str, ...] = ()


NO_AMOUNT = AmountInterval(Decimal("0.00"), Decimal("0.00"))


def interval(amount: Amount | None, scope: Scope) -> AmountInterval:
    """What the amount is worth for one enterprise, in yuan; nothing where a benefit states none (rules.md 3, Amount).

    Raises TypeMismatch for an amount that `check` refuses.
    """
    if amount is None:
        return NO_AMOUNT
    found = _settled(highest([worth(amount, scope), _ZERO]))
    assert found.low is not None
    return AmountInterval(cents(found.low), None if found.high is None else cents(found.high), found.missing)


def cents(exact: Decimal | Fraction) -> Decimal:
    """Yuan rounded half up to 0.01."""
    return Decimal(floor(Fraction(exact) * 100 + Fraction(1, 2))).scaleb(-2) if exact else Decimal("0.00")


def worth(figure: Any, scope: Scope) -> Range:
    """An amount or a figure as a range, in yuan or in the figure's own unit, not rounded (rules.md 3, Amount).

    An amount form is never below nothing; a range of one point waits for nothing. Raises TypeMismatch for a figure that is no number.
    """
    kind = type(figure)
    form = _FORMS.get(kind)
    if form is None:
        return _settled(_figure(figure, scope))
    found = form(figure, scope)
    if kind is not Multiple or _has_amount(figure):
        found = highest([found, _ZERO])
    return _settled(found)


def _settled(found: Range) -> Range:
    return Range(found.low, found.high) if found.exact else found


def _has_amount(node: Multiple) -> bool:
    return any((_has_amount(f) if isinstance(f, Multiple) else type(f) in _FORMS) for f in node.times)


# -------------------------------------------------------------------------------------------------------------- figures


def _figure(figure: Any, scope: Scope) -> Range:
    """A number, a fact, a field, a count, a sum or a public figure; what does not exist pays nothing."""
    if isinstance(figure, Plus):
        return added(worth(item, scope) for item in figure.plus)
    if isinstance(figure, Times):
        return _product(figure.times, scope)
    found = value(figure, scope)
    if found is NOTHING:
        return _ZERO
    if not isinstance(found, Unknown):
        return as_range(found)
    if isinstance(figure, FactValue):
        return _unknown_fact(figure, found, scope)
    if isinstance(figure, FieldValue) and scope.row is not None:
        entry = scope.registry.field(scope.row[0], figure.field)
    elif isinstance(figure, SumOf):
        entry = scope.registry.field(figure.sum, figure.field)
    else:
        assert isinstance(figure, CountOf | PublicFigure)
        entry = None
    return _at_least_nothing(found, signed=entry is not None and entry.signed)


def _product(factors: Sequence[Any], scope: Scope) -> Range:
    return reduce(multiplied, (worth(factor, scope) for factor in factors), Range(Fraction(1), Fraction(1)))


def _at_least_nothing(unknown: Unknown, *, signed: bool) -> Range:
    """What is unknown is nothing or more; anything, where it may be negative."""
    return Range(None if signed else Fraction(0), None, unknown.missing, unknown.judged)


def _unknown_fact(node: FactValue, unknown: Unknown, scope: Scope) -> Range:
    """What is known of a fact over several periods, period by period; a growth may be anything while one of its two is unknown."""
    entry = scope.registry.facts.get(node.fact)
    signed = entry is not None and entry.signed
    if node.take is None:
        return _at_least_nothing(unknown, signed=signed)
    periods = window(node, scope)
    if isinstance(periods, Unknown) or node.take == "growth":
        return _at_least_nothing(unknown, signed=signed or node.take in ("growth", "increase"))

    def at(period: Period) -> Range:
        found = stated(node.fact, period, scope)
        return _at_least_nothing(found, signed=signed) if isinstance(found, Unknown) else as_range(found)

    if node.take == "increase":
        before = at(periods[-1].year_before())
        if node.base_if_zero is not None and not before.exact:  # a base that turns out to be nothing is replaced
            before = hull([before, as_range(node.base_if_zero)])
        elif node.base_if_zero is not None and before.low == 0:
            before = as_range(node.base_if_zero)
        return added([at(periods[-1]), minus(before)])
    parts = [at(period) for period in periods]
    if node.take == "min":
        return lowest(parts)
    if node.take == "max":
        return highest(parts)
    total = added(parts)
    share = Fraction(1, len(parts)) if node.take == "mean" else Fraction(1)
    return multiplied(total, Range(share, share))


# ---------------------------------------------------------------------------------------------------------------- forms


def _fixed(node: Fixed, scope: Scope) -> Range:
    return worth(node.fixed, scope)


def _rate(node: Rate, scope: Scope) -> Range:
    return multiplied(worth(node.rate, scope), worth(node.of, scope))


def _per(node: Per, scope: Scope) -> Range:
    count = worth(node.count, scope)
    if node.step is not None:
        count = _full_steps(count, worth(node.step, scope))
    return multiplied(worth(node.per, scope), count)


def _full_steps(count: Range, size: Range) -> Range:
    """The number of full steps, rounded down; a step that may be nothing sets no limit."""
    missing, judged = count.missing + size.missing, count.judged + size.judged
    if size.low is None or size.low <= 0:
        return Range(Fraction(0), None, missing, judged)
    low = Fraction(0) if count.low is None or size.high is None else _steps(count.low, size.high if count.low > 0 else size.low)
    high = None if count.high is None else _steps(count.high, size.low if count.high > 0 or size.high is None else size.high)
    return Range(min(low, high) if high is not None else low, high, missing, judged)


def _steps(count: Decimal | Fraction, size: Decimal | Fraction) -> Fraction:
    return Fraction(Fraction(count) // Fraction(size))


def _tiers(node: Tiers, scope: Scope) -> Range:
    on = worth(node.on, scope)
    lines = [worth(line, scope) for line, _ in node.tiers]
    if node.marginal:
        return _slices(node, on, lines, scope)
    reached = (relation(">" if node.edge == "upto" else ">=", on, line) for line in reversed(lines))
    return _first(zip(reached, (pay for _, pay in reversed(node.tiers)), strict=True), Decimal(0), scope)  # the highest line reached counts


def _slices(node: Tiers, on: Range, lines: list[Range], scope: Scope) -> Range:
    slices = []
    for position, (_, rate) in enumerate(node.tiers):
        top = lowest([on, lines[position + 1]]) if position + 1 < len(lines) else on
        slices.append(multiplied(worth(rate, scope), highest([added([top, minus(lines[position])]), _ZERO])))
    return added(slices)


def _case(node: Case, scope: Scope) -> Range:
    return _first(((answer(rule, scope), pay) for rule, pay in node.case), Decimal(0) if node.else_ is None else node.else_, scope)


def _first(ways: Iterable[tuple[Answer, Any]], otherwise: Any, scope: Scope) -> Range:
    """What the first way that holds pays; those in doubt before it are spanned, and their doubts say what would tell which it is."""
    branches: list[Range] = []
    doubts: list[Answer] = []
    for holds, pay in ways:
        if holds.value is False:
            continue
        branches.append(worth(pay, scope))
        if holds.value is True:
            break
        doubts.append(holds)
    else:
        branches.append(worth(otherwise, scope))
    found = hull(branches)
    missing, judged = (m for d in doubts for m in d.missing), (j for d in doubts for j in d.judged)
    return Range(found.low, found.high, (*missing, *found.missing), (*judged, *found.judged))


def _each(node: Each, scope: Scope) -> Range:
    found = matching(node.where, node.each, scope)
    if found is None:
        return Range(Fraction(0), None, (node.each,))
    sure, doubtful = found
    parts = [worth(node.pay, scope.at_row(node.each, row)) for row in sure]
    for row, doubt in doubtful:
        pay = worth(node.pay, scope.at_row(node.each, row))
        parts.append(Range(Fraction(0), pay.high, doubt.missing + pay.missing, doubt.judged + pay.judged))
    if node.best is None or node.best >= len(parts):
        return added(parts)
    lows = sorted((Fraction(p.low or 0) for p in parts), reverse=True)[: node.best]
    highs = sorted((Fraction(p.high) for p in parts if p.high is not None), reverse=True)[: node.best]
    unlimited = any(p.high is None for p in parts)
    waiting = added(parts)
    return Range(sum(lows, Fraction(0)), None if unlimited else sum(highs, Fraction(0)), waiting.missing, waiting.judged)


def _less(node: Less, scope: Scope) -> Range:
    return added([worth(node.less, scope), minus(worth(node.paid, scope))])


def _judged_amount(node: JudgedAmount, scope: Scope) -> Range:
    """The range of the clause, or what a person has settled within it."""
    low, high = (worth(end, scope) for end in node.between)
    settled = (judgement_of(node.judged, scope) or {}).get("amount")
    if isinstance(settled, Decimal):
        return lowest([highest([as_range(settled), low]), high])
    return Range(low.low, high.high, low.missing + high.missing, (*low.judged, *high.judged, node.judged))


_FORMS: dict[type[Node], Callable[[Any, Scope], Range]] = {
    Fixed: _fixed,
    Rate: _rate,
    Per: _per,
    Tiers: _tiers,
    Case: _case,
    Each: _each,
    Total: lambda node, scope: added(worth(item, scope) for item in node.sum),
    Least: lambda node, scope: lowest([worth(item, scope) for item in node.min]),
    Most: lambda node, scope: highest([worth(item, scope) for item in node.max]),
    Cap: lambda node, scope: lowest([worth(node.cap, scope), worth(node.of, scope)]),
    Floor: lambda node, scope: highest([worth(node.floor, scope), worth(node.of, scope)]),
    Multiple: lambda node, scope: _product(node.times, scope),
    Less: _less,
    Instalments: lambda node, scope: added(worth(item, scope) for item in node.instalments),
    JudgedAmount: _judged_amount,
}
