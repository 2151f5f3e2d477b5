"""How columns are made of enterprises, a few thousand at a time."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from contracts.rules import Registry
from services.policy_match.domain.columns import Column, Columns, Key, SetColumn, Sort, Table, bits_of, padded
from services.policy_match.domain.enterprise import Enterprise, Row
from services.policy_match.domain.joining import INT64, compact, joined, order, smallest, usual
from services.policy_match.domain.values import OPEN_END, same_text

TOGETHER: Final = 8192
"""So many enterprises are held as they were given before they become columns."""

_SORT_OF: Final[Mapping[str, Sort]] = {
    "bool": "bool", "set": "set", "date": "date", "end": "date", "text": "text", "code": "text",
    "number": "number", "money": "number", "ratio": "number",
}  # fmt: skip
_PLAIN: Final[Mapping[str, frozenset[type]]] = {
    "number": frozenset({int, Decimal}), "text": frozenset({str}), "date": frozenset({str}), "bool": frozenset({bool}),
}  # fmt: skip


def columns_of(enterprises: Iterable[Enterprise], registry: Registry, *, names: Collection[str] | None = None) -> Columns:
    """The columns of some enterprises, in their order; of `names` (facts and record kinds) or of all that is stated."""
    gathering = Gathering(registry, names=names)
    for enterprise in enterprises:
        gathering.add(enterprise)
    return gathering.columns()


class Gathering:
    """Takes enterprises one by one and makes columns of them; holds few of them as they were given."""

    def __init__(self, registry: Registry, *, names: Collection[str] | None = None) -> None:
        self._registry, self._names = registry, None if names is None else frozenset(names)
        self._parts: list[Columns] = []
        self._begin()

    def _begin(self) -> None:
        self._usccs: list[str] = []
        self._facts: dict[Key, tuple[list[int], list[Any]]] = {}
        self._records: dict[str, _Rows] = {}

    def add(self, enterprise: Enterprise) -> None:
        """The next row."""
        row, facts = len(self._usccs), self._facts
        self._usccs.append(enterprise.uscc)
        for fact, value in enterprise.facts.items():
            if self._names is not None and fact not in self._names:
                continue
            for period, item in value.items() if type(value) is dict or isinstance(value, Mapping) else (("", value),):
                if item is not None:
                    found = facts.get((fact, period))
                    if found is None:
                        found = facts[fact, period] = ([], [])
                    found[0].append(row)
                    found[1].append(item)
        for kind, rows in enterprise.records.items():
            if rows is not None and (self._names is None or kind in self._names):
                self._records.setdefault(kind, _Rows()).add(row, rows)
        if len(self._usccs) == TOGETHER:
            self._parts.append(self._part())
            self._begin()

    def columns(self) -> Columns:
        """The columns of all that was added."""
        return joined([*self._parts, self._part()] if self._usccs else self._parts)

    def _part(self) -> Columns:
        number = len(self._usccs)
        columns = {
            key: _column(rows, values, number, entry.type if (entry := self._registry.facts.get(key[0])) else None)
            for key, (rows, values) in self._facts.items()
        }
        return Columns(self._usccs, columns, {kind: rows.table(kind, number, self._registry) for kind, rows in self._records.items()})


def _put(facts: dict[Key, tuple[list[int], list[Any]]], key: Key, row: int, value: Any) -> None:
    found = facts.get(key)
    if found is None:
        found = facts[key] = ([], [])
    found[0].append(row)
    found[1].append(value)


class _Rows:
    """The rows of one record kind while they are gathered."""

    def __init__(self) -> None:
        self.present: list[int] = []
        self.counts: list[int] = []
        self.number = 0
        self.fields: dict[Key, tuple[list[int], list[Any]]] = {}

    def add(self, enterprise: int, rows: Sequence[Row]) -> None:
        self.present.append(enterprise)
        self.counts.append(len(rows))
        for row in rows:
            for name, item in row.items():
                if item is not None:
                    _put(self.fields, ("", name), self.number, item)
            self.number += 1

    def table(self, kind: str, enterprises: int, registry: Registry) -> Table:
        known = registry.kinds.get(kind)
        per = np.zeros(enterprises, dtype=np.int64)
        per[self.present] = self.counts
        columns: dict[Key, Column | SetColumn] = {}
        for key, (rows, values) in self.fields.items():
            entry = known.fields.get(key[1]) if known else None
            columns[key] = _column(rows, values, self.number, entry.type if entry else None)
        return Table(kind, bits_of(self.present, padded(enterprises)), np.concatenate(([0], np.cumsum(per))), columns)


def _column(rows: list[int], values: list[Any], number: int, kind: str | None) -> Column | SetColumn:
    """The column of the values stated in these rows."""
    sort: Sort = _SORT_OF[kind] if kind else _shape(values[0])
    if sort == "set":
        return _set_column(rows, values, number)
    odd: dict[int, Any] = {}
    if not set(map(type, values)) <= _PLAIN[sort]:
        rows, values = _fitting(rows, values, sort, odd)
    if sort == "number":
        return _number_column(rows, values, number, odd)
    distinct = dict.fromkeys(values)
    known: dict[Any, Any] = {raw: raw for raw in distinct} if sort != "date" else {raw: _day(raw) for raw in distinct}
    for row, raw in zip(rows, values, strict=True) if None in known.values() else ():
        if known[raw] is None:
            odd[row] = raw
    inorder = sorted({value for value in known.values() if value is not None}, key=order)
    code_of = {value: code for code, value in enumerate(inorder, 1)} | {None: 0}
    code_of_raw = {raw: code_of[value] for raw, value in known.items()}
    codes = np.zeros(padded(number), dtype=smallest(len(inorder)))
    codes[rows] = list(map(code_of_raw.__getitem__, values))
    return Column(sort, codes, np.array(inorder, dtype=np.int32) if sort == "date" else inorder, 0, odd)


def _fitting(rows: list[int], values: list[Any], sort: Sort, odd: dict[int, Any]) -> tuple[list[int], list[Any]]:
    """The values that are of the sort of their column, with their rows; the others become odd."""
    fitting: tuple[list[int], list[Any]] = ([], [])
    for row, raw in zip(rows, values, strict=True):
        value = Decimal(repr(raw)) if sort == "number" and isinstance(raw, float) else raw
        if type(value) in _PLAIN[sort] or (sort == "number" and isinstance(value, Decimal)):
            fitting[0].append(row)
            fitting[1].append(value)
        else:
            odd[row] = raw
    return fitting


def _number_column(rows: list[int], values: list[int | Decimal], number: int, odd: dict[int, Any]) -> Column:
    """Numbers as integers with as many decimals as they have; what would need many more, or is too great, is odd."""
    for scale in (0, 2, 4):
        unit = 10**scale
        scaled = [value * unit for value in values] if scale else values
        try:
            integers = list(map(int, scaled))
            if integers == scaled:
                return _codes_of(rows, np.array(integers, dtype=np.int64), number, scale, odd)
        except (OverflowError, ValueError):  # one of them is too great, or no number
            break
    return _uneven_column(rows, list(map(Decimal, values)), number, odd)


def _uneven_column(rows: list[int], values: list[Decimal], number: int, odd: dict[int, Any]) -> Column:
    """Numbers of which some have more decimals, or more digits, than others."""
    finite = [value.is_finite() for value in values]
    exponents = [-min(int(value.as_tuple().exponent), 0) if fits else 0 for value, fits in zip(values, finite, strict=True)]
    scale = usual(exponents, [1] * len(exponents))
    greatest = max((abs(v) for v, e, fits in zip(values, exponents, finite, strict=True) if fits and e <= scale), default=Decimal(0))
    while scale and greatest.scaleb(scale) > INT64:
        scale -= 1
    kept: tuple[list[int], list[int]] = ([], [])
    for row, value, exponent, fits in zip(rows, values, exponents, finite, strict=True):
        integer = int(value.scaleb(scale)) if fits and exponent <= scale and value.adjusted() < 19 else INT64 + 1
        if abs(integer) <= INT64:
            kept[0].append(row)
            kept[1].append(integer)
        else:
            odd[row] = value
    return _codes_of(kept[0], np.array(kept[1], dtype=np.int64), number, scale, odd)


def _codes_of(rows: list[int], integers: NDArray[np.int64], number: int, scale: int, odd: dict[int, Any]) -> Column:
    values, places = np.unique(integers, return_inverse=True)
    codes = np.zeros(padded(number), dtype=smallest(len(values)))
    codes[rows] = places + 1
    return Column("number", codes, compact(values), scale, odd)


def _set_column(rows: list[int], values: list[Any], number: int) -> SetColumn:
    holders: dict[str, list[int]] = {}
    known: list[int] = []
    odd: dict[int, Any] = {}
    for row, raw in zip(rows, values, strict=True):
        if not isinstance(raw, list | tuple | set | frozenset):
            odd[row] = raw
            continue
        known.append(row)
        for member in {same_text(str(item)) for item in raw if item is not None}:
            holders.setdefault(member, []).append(row)
    members = sorted(holders)
    starts = np.cumsum([0, *(len(holders[member]) for member in members)])
    held = np.array([row for member in members for row in holders[member]], dtype=np.uint32)
    return SetColumn(members, starts, held, bits_of(known, padded(number)), odd)


def _shape(raw: Any) -> Sort:
    if isinstance(raw, bool):
        return "bool"
    if isinstance(raw, str):
        return "text"
    return "set" if isinstance(raw, list | tuple | set | frozenset) else "number"


def _day(raw: str) -> int | None:
    """The ordinal of a day stated as 2025-06-30; any other way of writing it is left to the interpreter."""
    try:
        day = date.fromisoformat(raw)
    except ValueError:
        return None
    return day.toordinal() if day.isoformat() == raw and day != OPEN_END else None
