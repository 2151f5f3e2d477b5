"""Tests as plain integers (cents, ordinals of days, positions in a sorted code list): no engine has to compare texts or decimals."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from contracts.rules import Ago, AnyOf, Benefit, FactTest, Times
from services.policy_match.domain.periods import resolve, step
from services.policy_match.domain.values import stem
from tests.bench.workload import AS_OF, SCALES, City, Fact

Verdicts = NDArray[np.bool_]  # benefits x enterprises


class Plain(NamedTuple):
    """One test in integers. `form` is compare, between, spans, is, has, ratio, growth or any; a negation has `negated`."""

    form: str
    column: str = ""
    op: str = ""
    numbers: tuple[Any, ...] = ()
    other: str = ""
    negated: bool = False


def plain(node: Any, city: City) -> Plain:
    """A test of the workload in integers."""
    if isinstance(node, AnyOf):
        return Plain("any", numbers=tuple(plain(limb, city) for limb in node.any))
    assert isinstance(node, FactTest)
    period = "" if node.period is None else resolve(node.period, AS_OF).key
    name = f"{node.fact}@{period}" if period else node.fact
    fact, value = city.facts[name], node.value
    if node.take == "growth":
        assert isinstance(value, Decimal)
        limit = 1 + Fraction(value)
        return Plain("growth", name, numbers=(limit.numerator, limit.denominator), other=f"{node.fact}@{int(period) - 1}")
    if isinstance(value, Times):
        share = Fraction(value.times[0])
        return Plain("ratio", name, numbers=(share.numerator, share.denominator), other=f"{value.times[1].fact}@{period}")
    if fact.kind == "bool":
        return Plain("is", name, numbers=(value,))
    if fact.kind == "set":
        members = tuple(fact.labels.index(member) for member in value)
        return Plain("has", name, "all" if node.is_ == "has_all" else "any", members, negated=node.is_ == "has_none")
    if fact.kind == "code":
        return Plain("spans", name, numbers=_spans(fact, node), negated=node.is_.startswith("not_"))
    if node.is_ == "between":
        return Plain("between", name, numbers=tuple(_whole(item, fact) for item in value))
    threshold = step(AS_OF, value.ago, -1).toordinal() if isinstance(value, Ago) else _whole(value, fact)
    return Plain("compare", name, node.is_, (threshold,))


def _whole(number: Decimal, fact: Fact) -> int:
    return int(number.scaleb(SCALES[fact.kind]))


def _spans(fact: Fact, node: FactTest) -> tuple[tuple[int, int], ...]:
    """The positions in the sorted code list that are listed or lie under what is listed, from the first to the last of each run."""
    order = sorted(fact.labels)
    wanted = [stem(item) for item in node.value]
    found = [n for n, label in enumerate(order) if (label.startswith(tuple(wanted)) if "under" in node.is_ else label in node.value)]
    runs: list[tuple[int, int]] = []
    for n in found:
        if runs and runs[-1][1] == n - 1:
            runs[-1] = (runs[-1][0], n)
        else:
            runs.append((n, n))
    return tuple(runs)


def positions(fact: Fact) -> NDArray[Any]:
    """The values of a fact, codes as positions in the sorted code list."""
    return np.argsort(np.argsort(fact.labels))[fact.values] if fact.kind == "code" else fact.values


def plain_rules(benefits: Sequence[Benefit], city: City) -> list[list[Plain]]:
    """The tests of each benefit, all of which must hold."""
    return [[plain(test, city) for test in benefit.rule.all] for benefit in benefits]  # type: ignore[union-attr]
