"""Values, periods and tests of the rule language in Chinese, as a shop owner would say them.

Nothing is rounded away: an amount is written in 万元 or 亿元 only where that is exact to two decimals.
"""

import re
from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from contracts.rules import (
    Ago,
    All,
    AnyOf,
    AtLeast,
    Compared,
    CountOf,
    EarliestOf,
    Entry,
    FactValue,
    FieldValue,
    Judged,
    LatestOf,
    NoneOf,
    Not,
    Percentile,
    Plus,
    PublicFigure,
    Rank,
    Registry,
    Shift,
    Some,
    Steps,
    SumOf,
    Times,
)

_ORDER = {">=": "不低于", ">": "高于", "<=": "不高于", "<": "低于", "=": "为", "!=": "不为"}
_DAYS = {">=": "不早于", ">": "晚于", "<=": "不晚于", "<": "早于", "=": "为", "!=": "不为"}
_LISTS = {
    "in": "属于", "not_in": "不属于", "under": "属于", "not_under": "不属于", "has": "有", "has_all": "同时有", "has_none": "没有",
}  # fmt: skip
_RELATIVE = {
    "last_year": "上年度", "this_year": "本年度", "last_quarter": "上季度", "same_quarter_last_year": "上年同期季度",
    "year-1": "上年度", "quarter-1": "上季度", "month-1": "上月",
}  # fmt: skip
_UNITS = {"year": "年", "quarter": "个季度", "month": "个月"}
_TAKES = {"sum": "合计", "mean": "平均", "min": "最低", "max": "最高", "every": "每期", "growth": "同比增长率", "increase": "同比增加额"}
_LITERAL = re.compile(r"(\d{4})(?:Q(\d)|-(\d\d))?\Z")


def yuan(value: Decimal) -> str:
    """An amount of money: 10万元, 1.25亿元, 1,234.50元."""
    for size, unit in ((Decimal(10**8), "亿元"), (Decimal(10**4), "万元")):
        if abs(value) >= size and (value / size * 100) % 1 == 0:
            return f"{_plain(value / size)}{unit}"
    return f"{value:,.2f}元" if value % 1 else f"{value:,.0f}元"


def percent(value: Decimal) -> str:
    """A ratio: 0.03 is 3%; below 1%, per mille where that is shorter (0.003 is 3‰)."""
    if value and abs(value) < Decimal("0.01") and (value * 1000) % 1 == 0:
        return f"{_plain(value * 1000)}‰"
    return f"{_plain(value * 100)}%"


def day(value: date) -> str:
    """A day: 2025年12月31日."""
    return f"{value.year}年{value.month}月{value.day}日"


def _plain(value: Decimal) -> str:
    text = format(value, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def period(name: str) -> str:
    """A period as the language or a decision writes it: last_year is 上年度, 2025Q1 2025年第1季度, 2022..2024 2022年至2024年."""
    first, several, last = name.partition("..")
    if several:
        return f"{period(first)}至{period(last)}"
    literal = _LITERAL.match(name)
    if literal:
        year, quarter, month = literal.groups()
        return f"{year}年" + (f"第{quarter}季度" if quarter else f"{int(month)}月" if month else "")
    if name in _RELATIVE:
        return _RELATIVE[name]
    kind, _, number = name.partition("-")
    return f"{number}{_UNITS[kind]}前"


def _steps(steps: Steps) -> str:
    parts = ((steps.years, "年"), (steps.months, "个月"), (steps.days, "天"))
    return "".join(f"{abs(number)}{unit}" for number, unit in parts if number) or "0天"


class Words:
    """Puts values and tests into words with the registry's names."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry

    def entry(self, fact: str) -> Entry | None:
        """What the registry knows of a fact, with or without its period (`revenue@2024`)."""
        return self._registry.facts.get(fact.partition("@")[0])

    def name(self, fact: str) -> str:
        """A fact, record kind or figure by name: `rd_expense@2024` is 2024年研发费用, `certificate.first` 证书 and the field's name."""
        what, _, when = fact.partition("@")
        kind, _, field = what.partition(".")
        if what.startswith("figure:"):
            return f"公布的{what.removeprefix('figure:')}" + (f"（{when}）" if when else "")
        if kind == "open":
            return field
        if kind in self._registry.kinds:
            rows = self._registry.kinds[kind]
            return rows.name + (f"的{rows.fields[field].name}" if field in rows.fields else "")
        entry = self.entry(what)
        return (period(when) if when else "") + (entry.name if entry else what)

    def authority(self, fact: str) -> str | None:
        """The office that states a fact or record kind, as an enterprise knows it."""
        what = fact.partition("@")[0].partition(".")[0]
        known = self._registry.facts.get(what) or self._registry.kinds.get(what)
        return self._registry.authorities[known.authority].name if known else None

    def office(self, authority: str) -> str:
        """An authority's full name."""
        known = self._registry.authorities.get(authority)
        return known.name if known else authority

    def value(self, value: Any, entry: Entry | None = None, *, ratio: bool = False) -> str:
        """A plain value of a fact of this type; a code gets its name."""
        match value:
            case None:
                return "无数据"
            case bool():
                return "是" if value else "否"
            case int() | Decimal():
                number = Decimal(value)
                if ratio or (entry and entry.type == "ratio"):
                    return percent(number)
                if entry and entry.type == "money":
                    return yuan(number)
                return _plain(number) + (entry.unit or "" if entry else "")
            case date():
                return day(value)
            case str():
                return self._text(value, entry)
            case Mapping():
                return "、".join(f"{period(key)}{self.value(item, entry, ratio=ratio)}" for key, item in value.items())
            case Sequence():
                return "、".join(self.value(item, entry, ratio=ratio) for item in value) or "（空）"
        return str(value)

    def whether(self, name: str, *, yes: bool) -> str:
        """A fact that is yes or no: 属于“台资企业”, 不属于“严重失信”."""
        return f"{'属于' if yes else '不属于'}“{name}”"

    def _text(self, text: str, entry: Entry | None) -> str:
        if entry and entry.type in ("date", "end"):
            try:
                return day(date.fromisoformat(text))
            except ValueError:
                return text
        if entry and entry.codes:
            codes = self._registry.codes[entry.codes]
            if text in codes:
                return codes[text][0]
            shorter = next((text[:size] for size in range(len(text) - 1, 0, -1) if text[:size] in codes), None)
            return f"{text}（{codes[shorter][0]}）" if shorter else text
        return text

    def expression(self, given: Any, entry: Entry | None = None, *, kind: str | None = None, ratio: bool = False) -> str:
        """The right side of a test, where a value may be a fact, a sum over rows, a figure or a calculation."""
        match given:
            case FactValue():
                return self._taken(given)
            case FieldValue():
                field = self._registry.kinds[kind].fields.get(given.field) if kind in self._registry.kinds else None
                return f"该记录的{field.name if field else given.field}"
            case CountOf():
                return f"{self.rows(given.count, given.where)}的数量"
            case SumOf():
                return f"{self.rows(given.sum, given.where)}的{self._field(given.sum, given.field)}合计"
            case EarliestOf():
                return f"{self.rows(given.earliest, given.where)}最早的{self._field(given.earliest, given.field)}"
            case LatestOf():
                return f"{self.rows(given.latest, given.where)}最近的{self._field(given.latest, given.field)}"
            case PublicFigure():
                return f"公布的{given.figure}"
            case Ago():
                return f"{_steps(given.ago)}前"
            case Shift():
                later = (given.shift.years, given.shift.months, given.shift.days) > (0, 0, 0)
                return f"{self.expression(given.of, entry, kind=kind)}之{'后' if later else '前'}{_steps(given.shift)}"
            case Plus():
                return "与".join(self.expression(item, entry, kind=kind) for item in given.plus) + "之和"
            case Times():
                return self._product(given, entry, kind)
            case tuple():
                return "、".join(self.expression(item, entry, kind=kind, ratio=ratio) for item in given)
        return self.value(given, entry, ratio=ratio)

    def _product(self, given: Times, entry: Entry | None, kind: str | None) -> str:
        numbers = [item for item in given.times if isinstance(item, Decimal)]
        others = [self.expression(item, entry, kind=kind) for item in given.times if not isinstance(item, Decimal)]
        factor = Decimal(1)
        for number in numbers:
            factor *= number
        if not others:
            return self.value(factor, entry)
        if not numbers:
            return "与".join(others) + "之积"
        return f"{'与'.join(others)}{'之积' if len(others) > 1 else ''}的{percent(factor) if factor <= 1 else _plain(factor) + '倍'}"

    def _field(self, kind: str, field: str) -> str:
        rows = self._registry.kinds.get(kind)
        return rows.fields[field].name if rows and field in rows.fields else field

    def _taken(self, given: FactValue) -> str:
        entry = self.entry(given.fact)
        name = entry.name if entry else given.fact.removeprefix("open.")
        when = period(given.period) if given.period else ""
        if given.over:
            unit = _UNITS["quarter" if given.period and "uarter" in given.period else "month" if given.period == "month-1" else "year"]
            when = f"截至{when}的近{given.over}{unit}"
        return f"{when}{name}" + (_TAKES[given.take] if given.take else "")

    def rows(self, kind: str, where: Sequence[Any]) -> str:
        """The rows of a record kind that meet `where`."""
        known = self._registry.kinds.get(kind)
        conditions = "，且".join(self.wanted(test, kind=kind) for test in where)
        return f"{known.name if known else kind}记录" + (f"（{conditions}）" if conditions else "")

    def wanted(self, rule: Any, *, kind: str | None = None) -> str:
        """What a rule asks for, in one clause without a full stop."""
        match rule:
            case All():
                return "，且".join(self.wanted(item, kind=kind) for item in rule.all)
            case AnyOf():
                return "，或".join(self.wanted(item, kind=kind) for item in rule.any)
            case Not():
                return f"不是“{self.wanted(rule.not_, kind=kind)}”"
            case AtLeast():
                return f"下列各项至少符合 {rule.at_least} 项：" + "；".join(self.wanted(item, kind=kind) for item in rule.of)
            case Judged():
                return rule.judged
            case Some():
                return f"有{self.rows(rule.some, rule.where)}"
            case NoneOf():
                return f"没有{self.rows(rule.none, rule.where)}"
            case Rank() | Percentile():
                return self._placed(rule)
            case Compared():
                return self._compared_to(rule, kind)
        return "符合文件规定的条件"

    def _placed(self, rule: Rank | Percentile) -> str:
        by = rule.rank if isinstance(rule, Rank) else rule.percentile
        figure = self._taken(FactValue(fact=by, period=rule.period, over=rule.over, take=rule.take))
        ratio = isinstance(rule, Percentile)
        if rule.is_ == "<=":
            last = self.expression(rule.value, ratio=ratio)
            return f"{figure}在符合条件的企业中位列{'后' if rule.order == 'asc' else '前'}{last}{'' if ratio else '名'}"
        return f"{figure}在符合条件的企业中的{'位次比例' if ratio else '名次'}{self._compared(rule, None, ratio=ratio)}"

    def _compared_to(self, rule: Compared, kind: str | None) -> str:
        if isinstance(rule, FactValue) and isinstance(rule.value, bool):
            return self.whether(self._taken(rule), yes=rule.value == (rule.is_ == "="))
        if isinstance(rule, FactValue):
            return self._taken(rule) + self._compared(rule, self.entry(rule.fact), ratio=rule.take == "growth")
        if isinstance(rule, FieldValue):
            rows = self._registry.kinds.get(kind or "")
            entry = rows.fields.get(rule.field) if rows else None
            return (entry.name if entry else rule.field) + self._compared(rule, entry, kind=kind)
        if isinstance(rule, CountOf):
            return self.expression(rule) + self._compared(rule, None)
        name, field = next((getattr(rule, key), rule.field) for key in ("sum", "earliest", "latest") if hasattr(rule, key))  # type: ignore[attr-defined]
        rows = self._registry.kinds.get(name)
        return self.expression(rule) + self._compared(rule, rows.fields.get(field) if rows else None)

    def _compared(self, test: Compared, entry: Entry | None, *, kind: str | None = None, ratio: bool = False) -> str:
        if entry and entry.type == "bool" and isinstance(test.value, bool):
            return "为是" if test.value == (test.is_ == "=") else "为否"
        if test.is_ == "during":
            return f"在{period(str(test.value))}内"
        value = self.expression(test.value, entry, kind=kind, ratio=ratio)
        if test.is_ == "between" and isinstance(test.value, tuple):
            low, high = (self.expression(item, entry, kind=kind, ratio=ratio) for item in test.value)
            ends = {"lo": "（不含下限）", "hi": "（不含上限）", "both": "（不含上下限）"}
            return f"在{low}至{high}之间{ends.get(test.open or '', '')}"
        if test.is_ in _LISTS:
            several = "之一" if test.is_ == "has" and isinstance(test.value, tuple) and len(test.value) > 1 else ""
            return f"{_LISTS[test.is_]}{value}{several}"
        dated = entry is not None and entry.type in ("date", "end")
        return f"{(_DAYS if dated else _ORDER)[test.is_]}{value}"
