"""Tests of record tables for all enterprises at once: which rows meet `where`, and what that makes of each enterprise.

A row that may or may not count makes a number a range, as in the interpreter. None where the interpreter must decide; enterprises
with odd values, of which only it knows what to make, are named beside the answer.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal
from fractions import Fraction
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from contracts.rules import (
    TWINS,
    Compared,
    CountTest,
    EarliestTest,
    FactTest,
    FieldTest,
    Judged,
    LatestTest,
    Node,
    NoneOf,
    Some,
    SumTest,
)
from services.policy_match.domain.column_tests import Asking
from services.policy_match.domain.columns import Bits, Column, Columns, Table, pack, padded, unpack
from services.policy_match.domain.distinct import constant, limbs_of
from services.policy_match.domain.interpreter import Scope, bounds, value
from services.policy_match.domain.language import kind_of
from services.policy_match.domain.sheet import COMPARE, Sheet, Truth, truth_of
from services.policy_match.domain.values import NOTHING, OPEN_END, TypeMismatch, Unknown, day_of

RecordTest = Some | NoneOf | CountTest | SumTest | EarliestTest | LatestTest
_INT64 = 2**63 - 1
_NEVER = OPEN_END.toordinal()


class Found(NamedTuple):
    """The answer of each enterprise, and those that the interpreter must decide."""

    truth: Truth
    odd: frozenset[int]


class Records:
    """The record tables of a city on a day. `of_enterprise` decides a test of the enterprise that stands inside `where`."""

    def __init__(self, columns: Columns, every: Bits, scope: Scope, of_enterprise: Callable[[FactTest], Found | None]) -> None:
        self.columns, self.every, self.scope, self._of_enterprise = columns, every, scope, of_enterprise
        self._sheets: dict[str, _RowSheet] = {}

    def found(self, test: RecordTest) -> Found | None:
        """What a record test finds of each enterprise; None where the interpreter must decide it."""
        table = self.columns.tables.get(str(kind_of(test)))
        if table is None:
            return Found(np.stack([np.zeros_like(self.every), self.every]), frozenset())
        if table.kind not in self._sheets:
            self._sheets[table.kind] = _RowSheet(
                table, self.every, self.scope, self._of_enterprise, judged="judgement" in self.columns.tables
            )
        try:
            return self._sheets[table.kind].found(test)
        except TypeMismatch:
            return None


class _RowSheet:
    def __init__(self, table: Table, city: Bits, scope: Scope, of_enterprise: Callable[[FactTest], Found | None], *, judged: bool) -> None:
        self.table, self.city, self.scope, self._of_enterprise, self._judged = table, city, scope, of_enterprise, judged
        known = scope.registry.kinds.get(table.kind)
        self.open_ended = frozenset(("", name) for name, entry in (known.fields if known else {}).items() if entry.type == "end")
        rows, length = table.rows, padded(table.rows)
        every = np.zeros(length, dtype=np.bool_)
        every[:rows] = True
        self.sheet = Sheet(table.columns, pack(every))
        self.enterprises = len(table.starts) - 1
        self.owners = np.repeat(np.arange(self.enterprises), np.diff(table.starts))
        self.present = unpack(table.present, self.enterprises)

    def found(self, test: RecordTest) -> Found | None:
        asking = Asking(self.table.columns, self.scope, of_rows=True, open_ended=self.open_ended)
        odd: set[int] = set()
        met = self._rows_met(test.where, asking, odd)
        existing = self._existing(asking)
        if met is None or existing is None:
            return None
        rows = self.table.rows
        sure, doubtful = unpack(met[0] & existing, rows), unpack((met[0] ^ met[1]) & existing, rows)
        if isinstance(test, SumTest | EarliestTest | LatestTest):
            asking.asked.add(("", test.field))
        answer = self._reduced(test, sure, doubtful)
        if answer is None:
            return None
        for key in asking.asked:
            column = self.table.columns.get(key)
            odd.update(int(self.owners[row]) for row in (column.odd if column is not None else ()))
        true, false = (self._bits(holds & self.present) for holds in answer)
        return Found(truth_of(true, false, self.city), frozenset(odd))

    def _bits(self, holds: NDArray[np.bool_]) -> Bits:
        whole = np.zeros(padded(self.enterprises), dtype=np.bool_)
        whole[: self.enterprises] = holds
        return pack(whole)

    # which rows ------------------------------------------------------------------------------------------------------------

    def _existing(self, asking: Asking) -> Bits | None:
        """The rows there are on that day."""
        begins = self.scope.registry.begins(self.table.kind)
        if begins is None:
            return self.sheet.every
        asking.asked.add(("", begins))
        column = self.table.columns.get(("", begins))
        if column is None:
            return self.sheet.every
        if not isinstance(column, Column) or column.sort != "date":
            return None
        later = int(np.searchsorted(column.values, self.scope.as_of.toordinal(), "right")) + 1
        return self.sheet.every ^ self.sheet.from_code(("", begins), later)

    def _rows_met(self, where: Sequence[Node], asking: Asking, odd: set[int]) -> Truth | None:
        parts = [self._condition(node, asking, odd) for node in where]
        known = [part for part in parts if part is not None]
        return None if len(known) < len(parts) else self.sheet.gate("all", 0, known)

    def _condition(self, node: Node, asking: Asking, odd: set[int]) -> Truth | None:
        if isinstance(node, FieldTest):
            question = asking.question(node)
            return None if question is None else self.sheet.truth(question)
        if isinstance(node, FactTest):
            return self._fact(node, odd)
        if isinstance(node, Judged):
            return None if self._judged else np.stack([self.sheet.none, self.sheet.every])
        limbs = limbs_of(node)
        kind = next((key for key in ("all", "any", "not_", "at_least") if key in node.__dict__), None)
        parts = [self._condition(limb, asking, odd) for limb in limbs]
        if kind is None or any(part is None for part in parts):
            return None
        return self.sheet.gate(kind.rstrip("_"), getattr(node, "at_least", 0), [part for part in parts if part is not None])

    def _fact(self, node: FactTest, odd: set[int]) -> Truth | None:
        """A test of the enterprise, for each of its rows."""
        found = self._of_enterprise(node)
        if found is None:
            return None
        odd |= found.odd
        return np.stack([self._of_owner(bits) for bits in found.truth])

    def _of_owner(self, bits: Bits) -> Bits:
        holds = np.zeros(padded(self.table.rows), dtype=np.bool_)
        holds[: self.table.rows] = unpack(bits, self.enterprises)[self.owners]
        return pack(holds)

    # what that makes of an enterprise --------------------------------------------------------------------------------------

    def _number_of(self, holds: NDArray[np.bool_]) -> NDArray[np.int64]:
        return np.bincount(self.owners[holds], minlength=self.enterprises)

    def _reduced(self, test: RecordTest, sure: NDArray[np.bool_], doubtful: NDArray[np.bool_]) -> _Holds | None:
        if isinstance(test, Some | NoneOf):
            some, none = self._number_of(sure) > 0, (self._number_of(sure) == 0) & (self._number_of(doubtful) == 0)
            return (some, none) if isinstance(test, Some) else (none, some)
        if isinstance(test, CountTest):
            low = self._number_of(sure)
            ranges: _Ranges | None = _Ranges(low, low + self._number_of(doubtful), None, None, 0)
        elif isinstance(test, SumTest):
            ranges = self._sums(test, sure, doubtful)
        else:
            return self._extremes(test, sure, doubtful)
        return None if ranges is None or not constant(test.value) else _compared(test, self.scope, ranges.related)

    def _sums(self, test: SumTest, sure: NDArray[np.bool_], doubtful: NDArray[np.bool_]) -> _Ranges | None:
        """The least and the greatest the sum may be; a missing summand is 0 or more, or anything where it may be negative."""
        key = ("", test.field)
        column = self.table.columns.get(key)
        if key in self.open_ended or (column is not None and (not isinstance(column, Column) or column.sort != "number")):
            return None
        rows = self.table.rows
        stated = np.zeros(rows, dtype=np.bool_) if column is None else column.codes[:rows] != 0
        numbers = np.zeros(rows, dtype=np.int64) if column is None else column.numbers[:rows]
        longest = int(np.max(np.diff(self.table.starts), initial=0))
        if column is not None and column.magnitude * longest > _INT64:
            return None
        open_ = self._number_of((sure | doubtful) & ~stated) > 0
        low = self._added(np.where(sure, numbers, np.where(doubtful, np.minimum(numbers, 0), 0)))
        high = self._added(np.where(sure, numbers, np.where(doubtful, np.maximum(numbers, 0), 0)))
        entry = self.scope.registry.field(self.table.kind, test.field)
        below = open_ if entry is not None and entry.signed else None
        return _Ranges(low, high, below, open_, column.scale if isinstance(column, Column) else 0)

    def _added(self, numbers: NDArray[np.int64]) -> NDArray[np.int64]:
        """The sum over the rows of each enterprise."""
        upto = np.concatenate(([0], np.cumsum(numbers)))
        return upto[self.table.starts[1:]] - upto[self.table.starts[:-1]]

    def _extremes(self, test: EarliestTest | LatestTest, sure: NDArray[np.bool_], doubtful: NDArray[np.bool_]) -> _Holds | None:
        """The first or last day of the rows that count; nothing where none does, unknown while one is in doubt or undated."""
        key = ("", test.field)
        column = self.table.columns.get(key)
        if not constant(test.value) or (column is not None and column.sort != "date"):
            return None
        rows = self.table.rows
        days = np.full(rows, _NEVER, dtype=np.int64)
        stated = np.zeros(rows, dtype=np.bool_)
        if isinstance(column, Column):
            stated = column.codes[:rows] != 0
            days = np.where(stated, column.numbers[:rows], _NEVER)
        if key in self.open_ended:
            stated = np.ones(rows, dtype=np.bool_)
        earliest = isinstance(test, EarliestTest)
        found = np.full(self.enterprises, _NEVER if earliest else 0, dtype=np.int64)
        (np.minimum if earliest else np.maximum).at(found, self.owners[sure], days[sure])
        unknown = (self._number_of(doubtful) > 0) | (self._number_of(sure & ~stated) > 0)
        nothing = ~unknown & (self._number_of(sure) == 0)

        def related(op: str, right: Any) -> _Holds | None:
            if isinstance(right, Unknown):
                return np.zeros_like(unknown), np.zeros_like(unknown)
            if right is NOTHING:
                return np.zeros_like(unknown), ~unknown
            holds = COMPARE[op](found, day_of(right, "value").toordinal()) & ~nothing & ~unknown
            return holds, ~unknown & ~holds

        return _compared(test, self.scope, related)


_Holds = tuple[NDArray[np.bool_], NDArray[np.bool_]]
"""For which enterprises it is true, and for which false."""


class _Ranges(NamedTuple):
    """A number of each enterprise between two bounds, in units of so many decimals; where `below` or `above`, without that bound."""

    low: NDArray[np.int64]
    high: NDArray[np.int64]
    below: NDArray[np.bool_] | None
    above: NDArray[np.bool_] | None
    scale: int

    def related(self, op: str, right: Any) -> _Holds | None:
        """Where the relation holds for the whole range, and where for none of it."""
        none = np.zeros(len(self.low), dtype=np.bool_)
        if isinstance(right, Unknown):
            return none, none
        if right is NOTHING:
            return none, ~none
        if not isinstance(right, Decimal | Fraction):
            return None
        exact = Fraction(right) * 10**self.scale
        p, q = exact.numerator, exact.denominator
        most = max((int(np.max(np.abs(ends), initial=0)) for ends in (self.low, self.high)), default=0)
        if most * q > _INT64 or abs(p) > _INT64:
            return None
        low, high = self.low * q, self.high * q
        bounded_low = ~none if self.below is None else ~self.below
        bounded_high = ~none if self.above is None else ~self.above
        if op in (">=", ">"):
            return bounded_low & COMPARE[op](low, p), bounded_high & COMPARE["<" if op == ">=" else "<="](high, p)
        if op in ("<=", "<"):
            return bounded_high & COMPARE[op](high, p), bounded_low & COMPARE[">" if op == "<=" else ">="](low, p)
        exactly = bounded_low & bounded_high & (low == p) & (high == p)
        return exactly, (bounded_high & (high < p)) | (bounded_low & (low > p))


def _compared(test: Compared, scope: Scope, related: Callable[[str, Any], _Holds | None]) -> _Holds | None:
    """A relation that is known for each enterprise, as the test asks it."""
    twin = TWINS.get(test.is_)
    op = twin or test.is_
    if op in ("between", "during"):
        found = [related(bound, end) for bound, end in bounds(test, scope)]
        if found[0] is None or found[1] is None:
            return None
        return found[0][0] & found[1][0], found[0][1] | found[1][1]
    one = related(op, value(test.value, scope)) if op in COMPARE else None
    return one if one is None or twin is None else (one[1], one[0])
