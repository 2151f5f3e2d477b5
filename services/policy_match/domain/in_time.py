"""The day on which time alone brings a benefit: an age reached, a look-back ended, a year turned, a benefit come into force."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta

from contracts.rules import Ago, Benefit, Compared, Node, PublicFigure, Steps, walk
from services.policy_match.domain.interpreter import Scope
from services.policy_match.domain.periods import is_relative, step
from services.policy_match.domain.values import as_date


def eligible_from(benefit: Benefit, scope: Scope, holds: Callable[[Scope], bool], *, in_force: bool) -> date | None:
    """The first day within three years on which the benefit becomes due if no fact changes; None where time changes nothing."""
    by_day, by_month = _depends_on_time(benefit.rule, scope)
    by_day = by_day or not in_force
    if not (by_day or by_month):
        return None
    last = step(scope.as_of, Steps(years=3))
    day = scope.as_of + timedelta(days=1)
    while day <= last:
        if (by_day or day.day == 1) and holds(replace(scope, as_of=day)):
            return day
        day += timedelta(days=1)
    return None


def _depends_on_time(rule: Node, scope: Scope) -> tuple[bool, bool]:
    """Whether the answer may change from one day to the next, and whether at the turn of a month."""
    by_day = by_month = False
    for node in walk(rule):
        by_day = by_day or isinstance(node, Ago) or (isinstance(node, PublicFigure) and node.on is None)
        period = getattr(node, "period", None)
        during = str(node.value) if isinstance(node, Compared) and node.is_ == "during" else None
        by_month = by_month or any(is_relative(name) for name in (period, during) if name)
    by_day = by_day or any(_rows_to_come(kind, scope) for kind in scope.enterprise.records)
    return by_day, by_month


def _rows_to_come(kind: str, scope: Scope) -> bool:
    begins = scope.registry.begins(kind)
    rows = scope.enterprise.records[kind]
    return begins is not None and any(row.get(begins) and as_date(row[begins]) > scope.as_of for row in rows)
