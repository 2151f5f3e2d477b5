"""Facts, record kinds, rows, values and authorities by the registry's names, as an enterprise knows them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Any, NamedTuple

from contracts.rules import OPEN, Entry, Figures, Registry, RowField
from contracts.rules.words import day, percent, period, plain, yuan
from services.policy_match.domain.enterprise import Row
from services.policy_match.domain.periods import resolve
from services.policy_match.domain.values import OPEN_END, Exact, Nothing, Range, Unknown, same_text

_ISO_DAY = re.compile(r"\d{4}-\d\d-\d\d\Z")
_AREA = re.compile(r"\d{6}\Z")
RATIO = Entry(name="", type="ratio")
ROWS = Entry(name="", type="number", unit="条")
_LONGEST = 6  # digits after the point beyond which a figure is rounded


class Terms(NamedTuple):
    """The registry's names. Relative periods are resolved where a day is given, and stay relative where none is."""

    registry: Registry
    figures: Figures | None = None
    as_of: date | None = None

    # names ------------------------------------------------------------------------------------------------------------

    def name(self, label: str) -> str:
        """What a decision names: `rd_expense@2024` is 2024年研发费用, `certificate.first` 资质证书的“首次认定”."""
        what, _, when = label.partition("@")
        if what.startswith("figure:"):
            return f"{day(date.fromisoformat(when)) if _ISO_DAY.match(when) else ''}公布的{self.figure(what.removeprefix('figure:'))}"
        if what.startswith("population:"):
            return f"{self.name(what.removeprefix('population:'))}在全市的排名"
        if what.startswith(OPEN):
            return f"“{what.removeprefix(OPEN)}”"
        kind, _, field = what.partition(".")
        if kind in self.registry.kinds:
            rows = self.registry.kinds[kind]
            return f"{rows.name}的“{rows.fields[field].name}”" if field in rows.fields else f"{rows.name}记录"
        fact = self.registry.facts.get(what)
        return (period(when) if when else "") + (fact.name if fact else f"“{what}”")

    def wanting(self, label: str) -> str:
        """What a decision names as missing; of what is yes or no, that it is not known which: “经营异常”的情况."""
        what, _, when = label.partition("@")
        fact = self.registry.facts.get(what)
        return f"{period(when) if when else ''}“{fact.name}”的情况" if fact is not None and fact.type == "bool" else self.name(label)

    def judged(self, text: str) -> str:
        """A text for a person to judge; what the interpreter says of a growth it cannot compute names the fact by its id."""
        label, _, rest = text.partition(" ")
        return f"{self.name(label)}{rest}" if label.partition("@")[0] in self.registry.facts else text

    def figure(self, name: str) -> str:
        """A public figure by its published name."""
        series = self.figures.figures.get(name) if self.figures is not None else None
        return series.name if series else name

    def kind(self, kind: str) -> str:
        known = self.registry.kinds.get(kind)
        return known.name if known else f"“{kind.removeprefix(OPEN)}”"

    def field(self, kind: str | None, name: str) -> RowField | None:
        return self.registry.field(kind or "", name)

    def field_name(self, kind: str | None, name: str) -> str:
        known = self.field(kind, name)
        return known.name if known else f"“{name}”"

    def office(self, label: str) -> str | None:
        """The office that states a fact or record kind, by its full name; None where there is none yet."""
        what = label.partition("@")[0]
        known = self.registry.facts.get(what) or self.registry.kinds.get(what.partition(".")[0])
        return self.registry.authorities[known.authority].name if known else None

    def period(self, name: str) -> str:
        return period(name if self.as_of is None else resolve(name, self.as_of).key)

    # values -----------------------------------------------------------------------------------------------------------

    def value(self, value: Any, entry: Entry | None = None, *, beside: Iterable[Exact] = ()) -> str:
        """A value of a fact of this type; a code gets its name. Rounded figures stay on their side of those they stand `beside`."""
        match value:
            case bool():
                return "是" if value else "否"
            case int() | Decimal() | Fraction():
                return self.number(value, entry, beside=beside)
            case date():
                return "至今有效" if value == OPEN_END else day(value)
            case str():
                return self._text(value, entry)
            case Range():
                return self.range(value, entry)
            case Unknown():
                return "暂缺"
            case Nothing():
                return "无"
            case frozenset():
                return "、".join(self.value(item, entry) for item in sorted(value)) or "无"
            case tuple() | list():
                return "、".join(self.value(item, entry) for item in value) or "无"
        return str(value)

    def number(self, value: Exact | int, entry: Entry | None = None, *, beside: Iterable[Exact] = ()) -> str:
        """A figure in its unit; 约 before what had to be rounded."""
        money, ratio = entry is not None and entry.type == "money", entry is not None and entry.type == "ratio"
        shown, exact = rounded(value, 4 if ratio else 2, beside)
        words = yuan(shown) if money else _share(shown, beside) if ratio else plain(shown) + ((entry.unit or "") if entry else "")
        if money and entry is not None and (entry.unit or "元") != "元":  # 元/亩
            words = f"{plain(shown)}{entry.unit}"
        return words if exact else f"约{words}"

    def range(self, found: Range, entry: Entry | None = None) -> str:
        """A figure known only to lie between two bounds."""
        if found.low is not None and found.low == found.high:
            return self.number(found.low, entry)
        if found.low is not None and found.high is not None:
            return f"{self.number(found.low, entry)}至{self.number(found.high, entry)}"
        if found.low is not None and found.low > 0:
            return f"{self.number(found.low, entry)}以上"
        return "尚不能确定" if found.high is None else f"至多{self.number(found.high, entry)}"

    def _text(self, text: str, entry: Entry | None) -> str:
        if _ISO_DAY.match(text) and (entry is None or entry.type in ("date", "end")):
            try:
                return day(date.fromisoformat(text))
            except ValueError:
                return text
        if entry is None or not entry.codes:
            return f"“{text}”"
        codes = self.registry.codes[entry.codes]
        named = next((names[0] for code, names in codes.items() if same_text(code) == same_text(text)), None)
        if named is not None:
            return named
        shorter = next((text[:size] for size in range(len(text) - 1, 0, -1) if text[:size] in codes), None)
        return f"{codes[shorter][0]}（{text}）" if shorter else f"代码{text}的地区" if _AREA.match(text) else f"“{text}”"

    # rows -------------------------------------------------------------------------------------------------------------

    def row(self, kind: str, row: Row, position: int) -> str:
        """One row by its first text and the day on which it began: “高新技术企业”（2025年3月1日）; else by its place in the table."""
        known = self.registry.kinds.get(kind)
        if known is None:
            return f"第{position + 1}条"
        texts = (row[name] for name, field in known.fields.items() if field.type in ("text", "code") and isinstance(row.get(name), str))
        text = next(texts, None)
        begins = row.get(self.registry.begins(kind) or "")
        when = day(date.fromisoformat(begins)) if isinstance(begins, str) and _ISO_DAY.match(begins) else None
        if text is None:
            return f"{when}的一条" if when else f"第{position + 1}条"
        return f"“{text}”" + (f"（{when}）" if when else "")


def rounded(value: Exact | int, places: int, beside: Iterable[Exact] = ()) -> tuple[Decimal, bool]:
    """The figure as it is read, and whether that is exact: so few places that it stays on its side of each figure beside it."""
    exact = Fraction(value)
    millionths = exact * 10**_LONGEST
    if millionths.denominator == 1 and len(str(millionths.numerator)) < 28:  # the digits a decimal keeps by itself
        return Decimal(millionths.numerator).scaleb(-_LONGEST).normalize(), True
    shown = Decimal(0)
    bounds = [Fraction(bound) for bound in beside]
    for digits in range(places, 60):
        shown = Decimal(_half_up(exact * 10**digits)).scaleb(-digits)
        if all(_sign(Fraction(shown) - bound) == _sign(exact - bound) for bound in bounds):
            break
    return shown, Fraction(shown) == exact


def _half_up(value: Fraction) -> int:
    return int((value + Fraction(1, 2)) // 1)


def _sign(value: Fraction) -> int:
    return (value > 0) - (value < 0)


def _share(value: Decimal, beside: Iterable[Exact]) -> str:
    """In per mille only where everything it stands beside is said so too."""
    if all(abs(Fraction(bound)) < Fraction(1, 100) for bound in beside):
        return percent(value)
    return f"{plain(value * 100)}%"
