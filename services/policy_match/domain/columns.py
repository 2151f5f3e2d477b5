"""A city as columns: each fact of each period, and each field of each record kind, as codes into its sorted distinct values.

The dictionary of a column holds its values exactly, so a comparison with a threshold is decided once, exactly, by finding where the
threshold stands among them; the rows are then compared by their codes. Code 0 is unknown. A value that is not of its column's type
(the registry's, or else that of the first value seen) is `odd`: kept as stated, for the interpreter to decide.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from functools import cached_property
from typing import Any, BinaryIO, Final, Literal

import numpy as np
from numpy.typing import NDArray

from contracts.rules import dumps, loads
from services.policy_match.domain.enterprise import Enterprise, Row
from services.policy_match.domain.values import OPEN_END, same_text

Sort = Literal["number", "date", "text", "bool", "set"]
Bits = NDArray[np.uint64]
"""One bit per row, the first row the lowest bit; bits after the last row are 0."""
Key = tuple[str, str]
"""A fact and its period ("" for a fact without one), or "" and a field."""

_WORD: Final = 64


def padded(rows: int) -> int:
    """The rows rounded up to whole words of bits."""
    return -(-rows // _WORD) * _WORD


def pack(holds: NDArray[np.bool_]) -> Bits:
    """The bits of a whole number of words."""
    return np.packbits(holds, bitorder="little").view(np.uint64)


def unpack(bits: Bits, rows: int) -> NDArray[np.bool_]:
    return np.unpackbits(bits.view(np.uint8), count=rows, bitorder="little").view(np.bool_)


def bits_of(rows: NDArray[np.integer[Any]] | Sequence[int], length: int) -> Bits:
    """The bits of these rows among so many (padded)."""
    holds = np.zeros(length, dtype=np.bool_)
    holds[np.asarray(rows, dtype=np.int64)] = True
    return pack(holds)


@dataclass(frozen=True)
class Column:
    """The values of one fact, by row. `values` are sorted: integers at `scale` decimals, days as ordinals, texts as stated (sorted
    by the form in which they are compared), false before true. Code k > 0 is `values[k - 1]`; rows are padded with code 0."""

    sort: Sort
    codes: NDArray[np.unsignedinteger[Any]]
    values: Any  # NDArray of integers for numbers and days, list[str] for texts, [False, True] for bools
    scale: int = 0
    odd: Mapping[int, Any] = field(default_factory=dict)

    @cached_property
    def known(self) -> Bits:
        return pack(self.codes != 0)

    @cached_property
    def compared(self) -> list[str]:
        """The texts in the form in which they are compared."""
        return [same_text(text) for text in self.values]

    @cached_property
    def magnitude(self) -> int:
        """The greatest absolute value, at its scale."""
        return max(abs(int(self.values[0])), abs(int(self.values[-1]))) if len(self.values) else 0

    @cached_property
    def numbers(self) -> NDArray[np.int64]:
        """The value of each row at the column's scale, or the day's ordinal; 0 where unknown."""
        table = np.zeros(len(self.values) + 1, dtype=np.int64)
        table[1:] = self.values
        return np.take(table, self.codes)

    def stated(self, row: int) -> Any:
        """What was stated in this row, None if nothing."""
        if row in self.odd:
            return self.odd[row]
        code = int(self.codes[row])
        if code == 0:
            return None
        value = self.values[code - 1]
        if self.sort == "number":
            return Decimal(int(value)).scaleb(-self.scale) if self.scale else Decimal(int(value))
        if self.sort == "date":
            return None if value == OPEN_END.toordinal() else date.fromordinal(int(value)).isoformat()
        return bool(value) if self.sort == "bool" else value


@dataclass(frozen=True)
class SetColumn:
    """Which rows hold which member, member by member; `known` rows that hold none are known to hold none."""

    members: list[str]  # in the form in which they are compared, sorted
    starts: NDArray[np.int64]
    rows: NDArray[np.uint32]
    known: Bits
    odd: Mapping[int, Any] = field(default_factory=dict)
    sort: Sort = "set"

    @cached_property
    def _held(self) -> dict[str, Bits]:
        return {}

    @cached_property
    def number_of(self) -> Mapping[str, int]:
        return {member: number for number, member in enumerate(self.members)}

    @cached_property
    def _of_row(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """The members' numbers row by row, with the first place of each row."""
        order = np.argsort(self.rows, kind="stable")
        member = np.repeat(np.arange(len(self.members)), np.diff(self.starts))
        return member[order], np.searchsorted(self.rows[order], np.arange(len(self.known) * _WORD + 1))

    def holding(self, member: str) -> Bits:
        """The rows that hold a member, given in the form in which it is compared."""
        found = self._held.get(member)
        if found is None:
            number = self.number_of.get(member)
            rows = self.rows[:0] if number is None else self.rows[self.starts[number] : self.starts[number + 1]]
            found = self._held[member] = bits_of(rows, len(self.known) * _WORD)
        return found

    def stated(self, row: int) -> Any:
        if row in self.odd:
            return self.odd[row]
        if not int(self.known[row // _WORD]) >> (row % _WORD) & 1:
            return None
        members, places = self._of_row
        return tuple(self.members[number] for number in members[places[row] : places[row + 1]])


@dataclass(frozen=True)
class Table:
    """The rows of one record kind, those of one enterprise together: enterprise e has the rows starts[e] to starts[e + 1], if it is
    `present`; an enterprise without the table is unknown."""

    kind: str
    present: Bits
    starts: NDArray[np.int64]
    columns: Mapping[Key, Column | SetColumn]

    @property
    def rows(self) -> int:
        return int(self.starts[-1])

    def stated(self, enterprise: int) -> tuple[Row, ...] | None:
        """The rows of an enterprise, None where the table is absent."""
        if not int(self.present[enterprise // _WORD]) >> (enterprise % _WORD) & 1:
            return None
        return tuple(
            {name: item for (_, name), column in self.columns.items() if (item := column.stated(row)) is not None}
            for row in range(int(self.starts[enterprise]), int(self.starts[enterprise + 1]))
        )


@dataclass(frozen=True)
class Columns:
    """Enterprises by row, with the columns of their facts and the tables of their records."""

    usccs: Sequence[str]
    columns: Mapping[Key, Column | SetColumn]
    tables: Mapping[str, Table]

    @property
    def rows(self) -> int:
        return len(self.usccs)

    @cached_property
    def periods(self) -> Mapping[str, tuple[str, ...]]:
        """The periods in which each fact is stated."""
        found: dict[str, list[str]] = {}
        for fact, period in self.columns:
            found.setdefault(fact, []).append(period)
        return {fact: tuple(periods) for fact, periods in found.items()}

    @cached_property
    def row_of(self) -> Mapping[str, int]:
        """The row of each enterprise."""
        return {uscc: row for row, uscc in enumerate(self.usccs)}

    @cached_property
    def by_period(self) -> frozenset[str]:
        """The facts that some enterprise states by period."""
        return frozenset(fact for fact, period in self.columns if period)

    def enterprise(self, row: int, names: Iterable[str] | None = None) -> Enterprise:
        """The enterprise of a row with the facts and records of these names, or all; without its name and origins."""
        asked = (*self.periods, *self.tables) if names is None else names
        facts: dict[str, Any] = {}
        records: dict[str, Sequence[Row]] = {}
        for name in asked:
            for period in self.periods.get(name, ()):
                item = self.columns[name, period].stated(row)
                if item is not None:
                    if period:
                        facts.setdefault(name, {})[period] = item
                    else:
                        facts[name] = item
            if name in self.tables and (rows := self.tables[name].stated(row)) is not None:
                records[name] = rows
        return Enterprise(self.usccs[row], "", facts, records)

    def save(self, file: BinaryIO) -> None:
        """Write a snapshot that `load` reads: an uncompressed npz."""
        arrays: dict[str, NDArray[Any]] = {"usccs": _texts(self.usccs)}
        about: list[Any] = []
        for table in (None, *self.tables.values()):
            place = len(about)
            if table is not None:
                arrays[f"{place}.present"], arrays[f"{place}.starts"] = table.present, table.starts
            saved = []
            for number, (key, column) in enumerate((self.columns if table is None else table.columns).items()):
                at = f"{place}.{number}"
                if isinstance(column, SetColumn):
                    arrays |= {f"{at}.starts": column.starts, f"{at}.rows": column.rows, f"{at}.known": column.known}
                    arrays[f"{at}.values"] = _texts(column.members)
                else:
                    arrays[f"{at}.codes"] = column.codes
                    arrays[f"{at}.values"] = _texts(column.values) if column.sort == "text" else np.asarray(column.values)
                odd = [[row, dumps(_plain(item))] for row, item in column.odd.items()]
                saved.append([*key, column.sort, column.scale if isinstance(column, Column) else 0, odd])
            about.append([None if table is None else table.kind, saved])
        arrays["about"] = np.frombuffer(json.dumps(about).encode(), dtype=np.uint8)
        np.savez(file, **arrays)  # type: ignore[arg-type]

    @classmethod
    def load(cls, file: BinaryIO) -> Columns:
        """What `save` wrote."""
        arrays = np.load(file, allow_pickle=False)
        city: dict[Key, Column | SetColumn] = {}
        tables: dict[str, Table] = {}
        for place, (kind, saved) in enumerate(json.loads(arrays["about"].tobytes())):
            columns: dict[Key, Column | SetColumn] = {}
            for number, (fact, period, sort, scale, strange) in enumerate(saved):
                at = f"{place}.{number}"
                odd = {int(row): _known_again(loads(item)) for row, item in strange}
                values = arrays[f"{at}.values"]
                if sort == "set":
                    starts, rows, known = arrays[f"{at}.starts"], arrays[f"{at}.rows"], arrays[f"{at}.known"]
                    columns[fact, period] = SetColumn(_strings(values), starts, rows, known, odd)
                else:
                    listed: Any = _strings(values) if sort == "text" else values.tolist() if sort == "bool" else values
                    columns[fact, period] = Column(sort, arrays[f"{at}.codes"], listed, scale, odd)
            if kind is None:
                city = columns
            else:
                tables[kind] = Table(kind, arrays[f"{place}.present"], arrays[f"{place}.starts"], columns)
        return cls(_strings(arrays["usccs"]), city, tables)

    @property
    def nbytes(self) -> int:
        """The bytes of the arrays, dictionaries of texts left out."""
        held = [*self.columns.values(), *(column for table in self.tables.values() for column in table.columns.values())]
        total = sum(table.present.nbytes + table.starts.nbytes for table in self.tables.values())
        for column in held:
            if isinstance(column, SetColumn):
                total += column.starts.nbytes + column.rows.nbytes + column.known.nbytes
            else:
                total += column.codes.nbytes + (column.values.nbytes if isinstance(column.values, np.ndarray) else 0)
        return total


def _plain(item: Any) -> Any:
    return sorted(map(str, item)) if isinstance(item, set | frozenset) else item


def _known_again(item: Any) -> Any:
    return Decimal(item) if isinstance(item, int) and not isinstance(item, bool) else item


def _texts(texts: Sequence[str]) -> NDArray[np.uint8]:
    """Texts as bytes: a JSON array."""
    return np.frombuffer(json.dumps(list(texts), ensure_ascii=False).encode(), dtype=np.uint8)


def _strings(held: NDArray[np.uint8]) -> list[str]:
    return list(json.loads(held.tobytes()))


def rows_of(bits: Bits) -> Iterator[int]:
    """The rows whose bit is set."""
    yield from np.flatnonzero(np.unpackbits(bits.view(np.uint8), bitorder="little")).tolist()
