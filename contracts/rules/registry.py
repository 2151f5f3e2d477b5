"""What the registry says of every fact, record kind, authority and public figure (chapter 6 of the language)."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Literal

from pydantic import Field, StrictStr, model_validator
from typing_extensions import TypeAliasType

from contracts.rules.exact import Number
from contracts.rules.node import Stated, tagged_by

FactType = Literal["text", "code", "bool", "number", "money", "ratio", "date", "end", "set"]
NUMERIC: frozenset[str] = frozenset({"number", "money", "ratio"})


class Entry(Stated):
    """What is known of every fact and every field: its type and the wordings it goes by."""

    name: str  # 中文名
    type: FactType
    unit: str | None = None
    signed: bool = False  # may be negative
    codes: str | None = None  # the code list its values come from
    vocab: tuple[str, ...] = ()


class Fact(Entry):
    periods: tuple[Literal["year", "quarter", "month"], ...] = ()
    authority: str
    sensitivity: Literal["public", "internal", "confidential"] = "internal"
    freshness: str  # how often the authority states it anew
    fixed: bool = False  # cannot change


class RowField(Entry):
    begins: bool = False  # the date on which a row comes into being


class RecordKind(Stated):
    name: str
    authority: str
    sensitivity: Literal["public", "internal", "confidential"] = "internal"
    freshness: str
    vocab: tuple[str, ...] = ()
    fields: dict[str, RowField]


class Authority(Stated):
    name: str  # the office as an enterprise knows it
    platform: bool = False  # one of the six of the city's platform


class Registry(Stated):
    """Every fact and record kind there is, each with exactly one authority."""

    authorities: dict[str, Authority]
    departments: dict[str, tuple[str, ...]] = Field(default_factory=dict)  # full name -> the other names of a responsible department
    codes: dict[str, dict[str, tuple[str, ...]]] = Field(default_factory=dict)  # list -> code -> its name and its other wordings
    facts: dict[str, Fact]
    kinds: dict[str, RecordKind]

    @model_validator(mode="after")
    def _closed(self) -> Registry:
        stated: dict[str, Fact | RecordKind] = {**self.facts, **self.kinds}
        for what, entry in stated.items():
            if entry.authority not in self.authorities:
                raise ValueError(f"{what}: authority {entry.authority!r} is not listed under authorities; add it there")
        fields = {f"{kind}.{name}": field for kind, rows in self.kinds.items() for name, field in rows.fields.items()}
        entries: dict[str, Entry] = {**self.facts, **fields}
        for what, item in entries.items():
            if item.codes is not None and item.codes not in self.codes:
                raise ValueError(f"{what}: code list {item.codes!r} is not listed under codes; add it there")
        return self

    def field(self, kind: str, name: str) -> RowField | None:
        """A field of a record kind; None where the registry does not know it."""
        known = self.kinds.get(kind)
        return known.fields.get(name) if known else None

    def begins(self, kind: str) -> str | None:
        """The field with the date on which a row of the kind comes into being; None where no field is marked so."""
        known = self.kinds.get(kind)
        return next((name for name, field in known.fields.items() if field.begins), None) if known else None


if TYPE_CHECKING:
    PublishedValue = Decimal | date | str
else:
    PublishedValue = TypeAliasType("PublishedValue", tagged_by({}, plain={"number": Number, "date": date, "text": StrictStr}))


class Published(Stated):
    since: date
    value: PublishedValue
    source: str


class Series(Stated):
    """One public figure through time; unknown before its first value and after `until`."""

    name: str
    unit: str | None = None
    until: date | None = None
    values: tuple[Published, ...]


class Figures(Stated):
    """Dated public figures such as the LPR."""

    figures: dict[str, Series]

    def at(self, name: str, on: date) -> Decimal | date | str | None:
        """The value in force on that day; None where it is not known."""
        series = self.figures.get(name)
        if series is None or (series.until is not None and on > series.until):
            return None
        current = [item for item in series.values if item.since <= on]
        return max(current, key=lambda item: item.since).value if current else None
