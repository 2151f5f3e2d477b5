"""A test of facts, or of the fields of a row, as a question to columns.

Sums are taken in 64-bit integers, and only where they cannot overflow. What cannot be asked this way without a doubt is left to the
interpreter.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Any

from contracts.rules import OPEN, TWINS, Compared, FactTest, FactValue, FieldTest, FieldValue, Plus, Shift, Times
from services.policy_match.domain.columns import Column, Key, SetColumn
from services.policy_match.domain.distinct import constant
from services.policy_match.domain.interpreter import Scope, bounds, ends, value, window
from services.policy_match.domain.periods import Period, key_of, resolve
from services.policy_match.domain.questions import (
    Change,
    Codes,
    Days,
    Members,
    Question,
    Sign,
    apart,
    beginning,
    codes_in,
    joint,
    left_over,
    opposite,
    place_of,
    span_of,
)
from services.policy_match.domain.sums import Sum, integers
from services.policy_match.domain.values import NOTHING, OPEN_END, TypeMismatch, Unknown, day_of, stem

_INT64 = 2**63 - 1


@dataclass
class Asking:
    """Where questions are put: the columns of a city, or of a record table (`of_rows`), on a day. `scope` is that of an enterprise of
    which nothing is known. `by_period` are the facts that some enterprise states by period, `open_ended` the fields whose missing day
    has not come yet. `asked` gathers the columns looked at."""

    columns: Mapping[Key, Column | SetColumn]
    scope: Scope
    by_period: Collection[str] = ()
    of_rows: bool = False
    open_ended: frozenset[Key] = frozenset()
    asked: set[Key] = field(default_factory=set)

    def question(self, test: FactTest | FieldTest) -> Question | None:
        """The question for a test; None where the interpreter must decide it."""
        try:
            return self._question(test)
        except TypeMismatch:
            return None

    def _question(self, test: FactTest | FieldTest) -> Question | None:
        if isinstance(test, FieldTest):
            return self._compared(test, test, ("", test.field), self.scope) if self.of_rows else None
        if test.fact.startswith(OPEN) and test.take != "every":
            return Codes((test.fact, ""), (), ())
        if test.period is None:
            return None if test.fact in self.by_period else self._compared(test, test, (test.fact, ""), self.scope)
        periods = self._periods(test, self.scope)
        if periods is None:
            return None
        keys = [(test.fact, key_of(period)) for period in periods]
        if test.take == "every":
            here = resolve(test.period, self.scope.as_of)
            parts = [
                self._compared(test, None, key, self.scope.moving(test.period, period.number - here.number))
                for key, period in zip(keys, periods, strict=True)
            ]
            return joint(parts)
        if test.take is None:
            return self._compared(test, test, keys[-1], self.scope)
        if test.take == "growth" or (test.take == "increase" and test.base_if_zero is not None):
            return self._change(test, keys[0], (test.fact, key_of(periods[0].year_before()))) if len(keys) == 1 else None
        return self._compared(test, test, None, self.scope)

    def _periods(self, node: FactValue, scope: Scope) -> list[Period] | None:
        """The periods a fact looks at, oldest first; None where they are not the same for every enterprise, or where there is none."""
        periods = window(node, scope) if node.since is None or constant(node.since) else None
        return periods if isinstance(periods, list) and periods else None

    def _compared(self, test: Compared, left: FactValue | FieldValue | None, key: Key | None, scope: Scope) -> Question | None:
        """What the test asks of one column (`key`), or of a figure reckoned from several (`left`)."""
        twin = TWINS.get(test.is_)
        return opposite(self._holds(twin, test, left, key, scope)) if twin else self._holds(test.is_, test, left, key, scope)

    def _holds(self, op: str, test: Compared, left: Any, key: Key | None, scope: Scope) -> Question | None:
        if op == "between":
            return joint([self._related(bound, left, key, end, scope) for bound, end in ends(test)])
        if op == "during":
            return None if key is None else joint([self._placed(bound, key, day) for bound, day in bounds(test, scope)])
        if op in ("in", "under", "has", "has_all"):
            return self._listed(op, key, value(test.value, scope)) if key is not None and constant(test.value) else None
        return self._related(op, left, key, test.value, scope)

    # one column against a constant -----------------------------------------------------------------------------------------

    def _related(self, op: str, left: Any, key: Key | None, right: Any, scope: Scope) -> Question | None:
        if key is not None and constant(right):
            return self._placed(op, key, value(right, scope))
        if key in self.open_ended:
            return None
        if key is not None and (key not in self.columns or self.columns[key].sort == "date"):
            days = self._days(op, key, right, scope)
            if days is not None:
                return days
        here = Sum({key: Fraction(1)}, Fraction(0)) if key is not None else self._sum(left, scope)
        there = self._sum(right, scope)
        return None if here is None or there is None else self._sign(op, here.less(there))

    def _placed(self, op: str, key: Key, right: Any) -> Question | None:
        """A column against a known value."""
        if key in self.open_ended:
            return self._placed_open(op, key, right)
        self.asked.add(key)
        column = self.columns.get(key)
        if column is None or isinstance(right, Unknown):
            return Codes(key, (), ())
        if isinstance(column, SetColumn):
            return None
        if right is NOTHING:
            return Codes(key, (), ((1, len(column.values) + 1),))
        place = place_of(column, right)
        if place is None or (column.sort in ("text", "bool") and op != "="):
            return None
        return codes_in(key, [span_of(op, place, len(column.values))], len(column.values))

    def _placed_open(self, op: str, key: Key, right: Any) -> Question | None:
        """A field whose missing day has not come yet against a known day: every row is known."""
        self.asked.add(key)
        column = self.columns.get(key)
        day = day_of(right, "value")
        if column is not None and column.sort != "date":
            return None
        last = day == OPEN_END
        missing = {"=": last, "<": False, "<=": last, ">": not last, ">=": True}[op]
        count = 0 if column is None else len(column.values)  # type: ignore[union-attr]
        spans: list[tuple[int, int]] = []
        if column is not None:
            place = place_of(column, day)  # type: ignore[arg-type]
            assert place is not None
            spans = [span_of(op, place, count)]
        if missing:
            spans.append((0, 1))
        return Codes(key, apart(spans), left_over(spans, 0, count + 1), whole=True)

    def _listed(self, op: str, key: Key, right: Any) -> Question | None:
        """in, under, has, has_all of known lists."""
        if key in self.open_ended:
            return None
        self.asked.add(key)
        wanted = right if isinstance(right, tuple) else tuple(right) if isinstance(right, frozenset) else (right,)
        column = self.columns.get(key)
        if column is None or any(isinstance(item, Unknown) for item in wanted):
            return Codes(key, (), ())
        if isinstance(column, SetColumn):
            if op not in ("has", "has_all") or NOTHING in wanted or not all(isinstance(item, str) for item in wanted):
                return None
            return Members(key, wanted, op == "has_all")
        if NOTHING in wanted:
            return Codes(key, (), ((1, len(column.values) + 1),))
        count = len(column.values)
        if op == "under" and column.sort == "text":
            return codes_in(key, [beginning(column.compared, stem(str(item))) for item in wanted], count)
        if op != "in":
            return None
        places = [place for item in wanted if (place := place_of(column, item)) is not None]
        return codes_in(key, [span_of("=", place, count) for place in places], count) if len(places) == len(wanted) else None

    # figures reckoned from several columns ---------------------------------------------------------------------------------

    def _sum(self, node: Any, scope: Scope) -> Sum | None:
        """A figure as a sum of factor x column and a constant; None for any other."""
        if constant(node):
            found = value(node, scope)
            return Sum({}, Fraction(found)) if isinstance(found, Decimal | Fraction) else None
        if isinstance(node, FactValue):
            return None if self.of_rows else self._fact_sum(node, scope)
        if isinstance(node, FieldValue) and self.of_rows:
            return None if ("", node.field) in self.open_ended else Sum({("", node.field): Fraction(1)}, Fraction(0))
        if isinstance(node, Plus):
            total: Sum | None = Sum({}, Fraction(0))
            for item in node.plus:
                part = self._sum(item, scope)
                total = None if total is None or part is None else total.less(part.times(Fraction(-1)))
            return total
        if isinstance(node, Times):
            product: Sum | None = Sum({}, Fraction(1))
            for item in node.times:
                factor = self._sum(item, scope)
                product = None if product is None or factor is None else product.by(factor)
            return product
        return None

    def _fact_sum(self, node: FactValue, scope: Scope) -> Sum | None:
        if node.fact.startswith(OPEN):
            return None
        if node.period is None:
            return None if node.fact in self.by_period else Sum({(node.fact, ""): Fraction(1)}, Fraction(0))
        periods = self._periods(node, scope)
        if periods is None:
            return None
        keys = [(node.fact, key_of(period)) for period in periods]
        if node.take is None:
            return Sum({keys[-1]: Fraction(1)}, Fraction(0))
        if node.take == "increase" and node.base_if_zero is None:
            return Sum({keys[-1]: Fraction(1), (node.fact, key_of(periods[-1].year_before())): Fraction(-1)}, Fraction(0))
        if node.take in ("sum", "mean") or (node.take in ("min", "max", "every") and len(keys) == 1):
            share = Fraction(1, len(keys) if node.take == "mean" else 1)
            return Sum(dict.fromkeys(keys, share), Fraction(0))
        return None

    def _numbers(self, keys: list[Key]) -> list[Column] | Codes | None:
        """The columns; a question that stays unknown where one was never stated; None where one holds no numbers."""
        self.asked.update(keys)
        found = {key: self.columns.get(key) for key in keys}
        if any(column is not None and column.sort != "number" for column in found.values()):
            return None
        unstated = [key for key, column in found.items() if column is None]
        return Codes(unstated[0], (), ()) if unstated else [column for column in found.values() if isinstance(column, Column)]

    def _sign(self, op: str, total: Sum) -> Question | None:
        keys = list(total.terms)
        columns = self._numbers(keys)
        if not isinstance(columns, list):
            return columns
        shares = [total.terms[key] / 10**column.scale for key, column in zip(keys, columns, strict=True)]
        factors, constant_ = integers(shares, total.constant)
        bound = sum(abs(factor) * column.magnitude for factor, column in zip(factors, columns, strict=True)) + abs(constant_)
        return Sign(op, tuple(zip(keys, factors, strict=True)), constant_) if bound <= _INT64 else None

    def _change(self, test: FactTest, now: Key, then: Key) -> Question | None:
        """Growth against a constant, without division: x/y - 1 >= c as x - (1 + c)y >= 0; and increase over a base that may be 0."""
        if not constant(test.value):
            return None
        columns = self._numbers([now, then])
        growth, base = test.take == "growth", test.base_if_zero
        if not isinstance(columns, list):
            return columns
        zero = None if base is None else Fraction(base) * 10 ** columns[1].scale
        if zero is not None and zero.denominator != 1:
            return None

        def against(op: str, right: Any) -> Question | None:
            if isinstance(right, Unknown):
                return Codes(now, (), ())
            if not isinstance(right, Decimal | Fraction):
                return None
            limit = Fraction(right)
            shares = [Fraction(1, 10 ** columns[0].scale), (1 + limit if growth else Fraction(1)) / 10 ** columns[1].scale]
            (a, b), c = integers(shares, Fraction(0) if growth else -limit)
            if a * columns[0].magnitude + abs(b) * max(columns[1].magnitude, abs(zero or 0)) + abs(c) > _INT64:
                return None
            return Change(op, (now, a), (then, b), c, None if zero is None else int(zero), growth)

        twin = TWINS.get(test.is_)
        op = twin or test.is_
        if op == "between":
            return joint([against(bound, end) for bound, end in bounds(test, self.scope)])
        if op not in ("=", "<", "<=", ">", ">="):
            return None
        found = against(op, value(test.value, self.scope))
        return opposite(found) if twin else found

    # days ------------------------------------------------------------------------------------------------------------------

    def _days(self, op: str, key: Key, right: Any, scope: Scope) -> Question | None:
        """A day against another day of the same row or enterprise, shifted or not."""
        steps = right if isinstance(right, Shift) else None
        node = steps.of if steps is not None else right
        if isinstance(node, FieldValue) and self.of_rows:
            other: Key = ("", node.field)
        elif (
            isinstance(node, FactValue)
            and not self.of_rows
            and node.period is None
            and not node.fact.startswith(OPEN)
            and node.fact not in self.by_period
        ):
            other = (node.fact, "")
        else:
            return None
        self.asked |= {key, other}
        mine, its = self.columns.get(key), self.columns.get(other)
        if (mine is not None and mine.sort != "date") or (its is not None and its.sort != "date"):
            return None
        if mine is None or (its is None and other not in self.open_ended):
            return Codes(key, (), ()) if mine is None else Codes(other, (), ())
        moved = None
        if steps is not None and isinstance(its, Column):
            moved = {int(day): _moved(steps, int(day), scope) for day in its.values}
        return Days(op, key, other, moved, self.open_ended & {other})


def _moved(node: Shift, day: int, scope: Scope) -> int:
    found = value(Shift(shift=node.shift, of=date.fromordinal(day).isoformat()), scope)
    assert isinstance(found, date)
    return found.toordinal()
