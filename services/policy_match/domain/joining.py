"""The columns of several stretches of enterprises made one: values that are alike get one code."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from services.policy_match.domain.columns import Column, Columns, SetColumn, Table, bits_of, padded, unpack
from services.policy_match.domain.values import same_text

INT64: Final = 2**63 - 1
_MOST_DECIMALS: Final = 12
_RARE: Final = 1000  # one value in so many may have more decimals than its column


def joined(parts: Sequence[Columns]) -> Columns:
    """The columns of several stretches of enterprises, one after another; of none, those of an empty city."""
    if len(parts) == 1:
        return parts[0]
    counts = [part.rows for part in parts]
    keys = dict.fromkeys(key for part in parts for key in part.columns)
    kinds = dict.fromkeys(kind for part in parts for kind in part.tables)
    columns = {key: _joined([part.columns.get(key) for part in parts], counts) for key in keys}
    tables = {kind: _joined_table(kind, [part.tables.get(kind) for part in parts], counts) for kind in kinds}
    return Columns([uscc for part in parts for uscc in part.usccs], columns, tables)


def _joined_table(kind: str, parts: Sequence[Table | None], counts: Sequence[int]) -> Table:
    rows = [0 if part is None else part.rows for part in parts]
    keys = dict.fromkeys(key for part in parts if part is not None for key in part.columns)
    columns = {key: _joined([None if part is None else part.columns.get(key) for part in parts], rows) for key in keys}
    per = [np.zeros(count, np.int64) if part is None else np.diff(part.starts) for part, count in zip(parts, counts, strict=True)]
    held = [np.zeros(count, np.bool_) if part is None else unpack(part.present, count) for part, count in zip(parts, counts, strict=True)]
    present = bits_of(np.flatnonzero(np.concatenate(held)), padded(sum(counts)))
    return Table(kind, present, np.concatenate(([0], np.cumsum(np.concatenate(per)))), columns)


def _joined(parts: Sequence[Column | SetColumn | None], counts: Sequence[int]) -> Column | SetColumn:
    """One column of the columns of several stretches of so many rows; None where nothing was stated."""
    offsets = np.concatenate(([0], np.cumsum(counts)))
    sort = next(part.sort for part in parts if part is not None)
    odd: dict[int, Any] = {}
    fitting: list[Column | SetColumn | None] = []
    for part, offset, count in zip(parts, offsets[:-1].tolist(), counts, strict=True):
        if part is not None and part.sort != sort:  # of a fact the registry does not know: left to the interpreter
            odd |= {offset + row: item for row in range(count) if (item := part.stated(row)) is not None}
            fitting.append(None)
            continue
        fitting.append(part)
        odd |= {offset + row: item for row, item in part.odd.items()} if part is not None else {}
    if sort == "set":
        return _joined_sets([part if isinstance(part, SetColumn) else None for part in fitting], offsets, odd)
    columns = [part if isinstance(part, Column) else None for part in fitting]
    given = [column for column in columns if column is not None]
    scale = usual([column.scale for column in given], [len(column.values) for column in given])
    tables: list[NDArray[Any] | None] = []
    values: Any
    if sort in ("number", "date"):
        scaled = [None if column is None else _rescaled(column, scale) for column in columns]
        values = np.unique(np.concatenate([each[0][each[1]] for each in scaled if each is not None]))
        for each in scaled:
            tables.append(None if each is None else np.where(each[1], np.searchsorted(values, each[0]) + 1, 0))
    else:
        values = sorted({value for column in given for value in column.values}, key=order)
        number_of = {value: number for number, value in enumerate(values, 1)}
        tables = [None if column is None else np.array([number_of[value] for value in column.values]) for column in columns]
    codes = np.zeros(padded(int(offsets[-1])), dtype=smallest(len(values)))
    for column, table, offset, count in zip(columns, tables, offsets[:-1].tolist(), counts, strict=True):
        if column is not None and table is not None:
            there = column.codes[:count]
            codes[offset : offset + count] = np.concatenate(([0], table)).astype(codes.dtype)[there]
            for row in np.flatnonzero((there != 0) & (codes[offset : offset + count] == 0)).tolist():
                odd[offset + row] = column.stated(row)
    return Column(sort, codes, compact(values) if sort in ("number", "date") else values, scale, odd)


def order(value: Any) -> Any:
    return (same_text(value), value) if isinstance(value, str) else value


def usual(decimals: Sequence[int], weights: Sequence[int]) -> int:
    """The number of decimals with which nearly all of the values are whole; none has so many that it is not worth it."""
    left = sum(weights) // _RARE
    for scale, weight in sorted(zip(decimals, weights, strict=True), reverse=True):
        if scale <= _MOST_DECIMALS and left < weight:
            return scale
        left -= weight if scale <= _MOST_DECIMALS else 0
    return 0


def _rescaled(column: Column, scale: int) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """The values in units of other decimals, and which of them can be said in them."""
    values: NDArray[np.int64] = np.asarray(column.values, dtype=np.int64)
    if column.scale > scale:
        unit = 10 ** (column.scale - scale)
        return values // unit, values % unit == 0
    unit = 10 ** (scale - column.scale)
    fits = np.abs(values) <= INT64 // unit
    return np.where(fits, values, 0) * unit, fits


def _joined_sets(parts: Sequence[SetColumn | None], offsets: NDArray[np.int64], odd: dict[int, Any]) -> SetColumn:
    held: dict[str, list[NDArray[np.integer[Any]]]] = {}
    known: list[NDArray[np.integer[Any]]] = []
    for part, offset, end in zip(parts, offsets[:-1].tolist(), offsets[1:].tolist(), strict=True):
        if part is not None:
            known.append(np.flatnonzero(unpack(part.known, end - offset)) + offset)
            for number, member in enumerate(part.members):
                held.setdefault(member, []).append(part.rows[part.starts[number] : part.starts[number + 1]] + np.uint32(offset))
    members = sorted(held)
    rows = [np.concatenate(held[member]) for member in members]
    starts = np.cumsum([0, *map(len, rows)])
    every = np.concatenate(rows).astype(np.uint32) if rows else np.zeros(0, dtype=np.uint32)
    return SetColumn(members, starts, every, bits_of(np.concatenate(known), padded(int(offsets[-1]))), odd)


def smallest(distinct: int) -> np.dtype[np.unsignedinteger[Any]]:
    """The type that holds the codes of so many values."""
    return np.dtype(np.uint8 if distinct < 2**8 else np.uint16 if distinct < 2**16 else np.uint32)


def compact(values: NDArray[np.int64]) -> NDArray[np.signedinteger[Any]]:
    """The same integers in half the space, where they fit."""
    small = len(values) > 0 and values[0] >= -(2**31) and values[-1] < 2**31
    return values.astype(np.int32) if small else values
