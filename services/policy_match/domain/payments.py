"""What a benefit pays to each of those eligible: how much, until when it can be claimed, and for which occasion."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import NamedTuple

from contracts.rules import Benefit, Figures, JudgedAmount, Registry, Span, facts_of, walk
from services.policy_match.domain.amount import AmountInterval, interval
from services.policy_match.domain.distinct import constant
from services.policy_match.domain.enterprise import Enterprise
from services.policy_match.domain.interpreter import Scope, value
from services.policy_match.domain.items import by_row, items_of, total
from services.policy_match.domain.periods import resolve
from services.policy_match.domain.population import Population
from services.policy_match.domain.values import OPEN_END, as_date


class Paid(NamedTuple):
    """What an enterprise gets, until when, and how much of it for each occasion where these are rows."""

    amount: AmountInterval
    end: date | None
    by_occasion: Mapping[str, AmountInterval]


class Pays:
    """What a benefit pays to each of those eligible, and until when; found once where it is the same for all."""

    def __init__(self, benefit: Benefit, as_of: date, registry: Registry, figures: Figures, population: Population | None) -> None:
        self._benefit, self._as_of, self._registry, self._figures = benefit, as_of, registry, figures
        self._rankings = population.standings if population else None
        self._upon_review = benefit.amount is None or any(isinstance(node, JudgedAmount) for node in walk(benefit.amount))
        varying = tuple(part for part in (benefit.amount, benefit.window, benefit.valid) if not constant(part))
        self._items = items_of(benefit)
        self.names = facts_of(varying) | {"judgement"} | (self._items.names if self._items else frozenset())
        self._varies = bool(varying) or self._items is not None
        self.same: Paid | None = None  # what all get, once one has got it

    def to(self, enterprise: Enterprise) -> Paid:
        """The amount and the last day for an enterprise. Raises TypeMismatch."""
        scope = Scope(enterprise, self._as_of, self._registry, self._figures, self._benefit.id, self._rankings)
        amount = interval(self._benefit.amount, scope)
        rows = by_row(self._benefit, self._items, scope, amount) if self._items else {}
        if rows and self._items and not self._items.paid:
            amount = total(rows)
        found = Paid(amount, deadline(self._benefit, scope), rows)
        if not self._varies:
            self.same = found
        return found

    def told(self, amount: AmountInterval) -> tuple[Decimal | None, Decimal | None]:
        """The bounds of an amount as they may be told: none where a person settles it (以审核为准)."""
        return (None, None) if self._upon_review and (amount.low != amount.high or not amount.low) else (amount.low, amount.high)


def occasion(benefit: Benefit, as_of: date) -> str:
    """For which time a benefit is had: "" once in a life or as often as it comes, else the year, quarter or month. One that is had
    by row has the ids of the rows for its occasions (`items`)."""
    once = benefit.stacking.once if benefit.stacking else None
    return resolve(f"{once}-0", as_of).key if once in ("year", "quarter", "month") else ""


def deadline(benefit: Benefit, scope: Scope) -> date | None:
    """The last day on which it can be claimed: the window's end, else the validity's; None where that is not known or open."""
    for span in (benefit.window, benefit.valid):
        end = _end(span, scope)
        if end is not None:
            return end
    return None


def _end(span: Span | None, scope: Scope) -> date | None:
    if span is None or span.to is None:
        return None
    end = value(span.to, scope)
    if isinstance(end, str):
        end = as_date(end)
    return end if isinstance(end, date) and end != OPEN_END else None
