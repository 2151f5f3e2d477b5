"""A rule and an amount in Chinese sentences, line by line, so that an officer can hold them against the clause.

Each line has the path of its node and the clause's own words for it. Nothing is rounded, nothing left out: what has no short wording
is written with the registry's names. A relative period stays relative, as the clause says it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Any, NamedTuple

from contracts.rules import (
    Ago,
    All,
    AnyOf,
    AtLeast,
    Cap,
    Case,
    Compared,
    CountOf,
    Each,
    EarliestOf,
    Entry,
    FactValue,
    FieldValue,
    Fixed,
    Floor,
    Instalments,
    Judged,
    JudgedAmount,
    LatestOf,
    Least,
    Less,
    Most,
    Multiple,
    Node,
    NoneOf,
    Not,
    Per,
    Percentile,
    Plus,
    PublicFigure,
    Rank,
    Rate,
    Registry,
    Shift,
    Some,
    Steps,
    SumOf,
    Tiers,
    Times,
    Total,
)
from services.policy_match.domain.reasons import limbs


class Line(NamedTuple):
    """One line of a rule or an amount: its path, how deep it stands, its words, and the clause's words behind it."""

    path: str
    depth: int
    words: str
    quote: str | None
    article: str | None


def rule_lines(rule: Node, registry: Registry) -> list[Line]:
    """The rule, a line for every group and every test."""
    return list(_lines(rule, "rule", 0, Wording(registry)))


def amount_lines(amount: Node | None, registry: Registry) -> list[Line]:
    """The amount in one line, after it each amount and each condition inside it; none where nothing can be computed."""
    return [] if amount is None else list(_parts(amount, "amount", 0, Wording(registry), None))


_SEVERAL = ("sum", "min", "max", "times", "instalments", "tiers")
_INNER = ("of", "less", "else_", "pay")


def _parts(amount: Node, path: str, depth: int, wording: Wording, row: str | None) -> Iterator[Line]:
    yield Line(path, depth, wording.amount(amount, row), amount.quote, amount.article)
    below = amount.each if isinstance(amount, Each) else row
    inside: list[tuple[str, Any]] = [(name.rstrip("_"), amount.__dict__[name]) for name in _INNER if name in amount.__dict__]
    for name in _SEVERAL:
        items = amount.__dict__.get(name)
        if isinstance(items, tuple):
            inside += [(f"{name}/{n}/1", item[1]) if name == "tiers" else (f"{name}/{n}", item) for n, item in enumerate(items)]
    if isinstance(amount, Case):
        for n, (rule, pay) in enumerate(amount.case):
            yield Line(f"{path}/case/{n}/0", depth + 1, wording.test(rule, row), rule.quote, rule.article)
            inside.append((f"case/{n}/1", pay))
    for step, part in inside:
        if isinstance(part, _AMOUNTS):
            yield from _parts(part, f"{path}/{step}", depth + 1, wording, below)


_AMOUNTS = (Fixed, Rate, Per, Tiers, Case, Each, Total, Least, Most, Cap, Floor, Multiple, Less, Instalments, JudgedAmount)


def _lines(node: Node, path: str, depth: int, wording: Wording) -> Iterator[Line]:
    below = list(limbs(node))
    words = _group(node) if isinstance(node, All | AnyOf | AtLeast | Not) else wording.test(node)
    yield Line(path, depth, words, node.quote, node.article)
    for step, limb in below:
        yield from _lines(limb, f"{path}/{step}", depth + 1, wording)


def _group(node: All | AnyOf | AtLeast | Not) -> str:
    if isinstance(node, All):
        return "同时符合下列各项：" if node.all else "不设条件，所有企业均符合"
    if isinstance(node, AnyOf):
        return "符合下列任一项：" if node.any else "没有企业符合"
    return f"至少符合下列 {node.at_least} 项：" if isinstance(node, AtLeast) else "不属于下列情形："


_NUMBERS = {">=": "不低于", ">": "高于", "<=": "不高于", "<": "低于", "=": "等于", "!=": "不等于"}
_DATES = {">=": "不早于", ">": "晚于", "<=": "不晚于", "<": "早于", "=": "在", "!=": "不在"}
_TEXTS = {
    "=": "为", "!=": "不为", "in": "为下列之一：", "not_in": "不为下列任何一个：", "under": "属于", "not_under": "不属于",
    "has": "包括", "has_all": "同时包括", "has_none": "不包括",
}  # fmt: skip
_PERIODS = {"last_year": "上年度", "this_year": "本年度", "last_quarter": "上季度", "same_quarter_last_year": "上年同期季度"}
_BACK = {"year": ("上年度", "{}年前的年度"), "quarter": ("上季度", "{}个季度前的季度"), "month": ("上月", "{}个月前的月份")}
_FOLDS = {
    "sum": "合计",
    "mean": "平均",
    "min": "最低值",
    "max": "最高值",
    "every": "每一期",
    "growth": "同比增长率",
    "increase": "同比增加额",
}
_OPEN = {"lo": "（不含下限）", "hi": "（不含上限）", "both": "（不含上下限）"}


class Wording:
    """Puts nodes into words with the registry's names."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry

    # tests ------------------------------------------------------------------------------------------------------------

    def test(self, node: Node, row: str | None = None) -> str:
        """What a test asks; `row` is the record kind whose row it looks at."""
        match node:
            case All() | AnyOf() | AtLeast() | Not():
                joined = ("；或" if isinstance(node, AnyOf) else "；").join(self.test(limb, row) for _, limb in limbs(node))
                return joined if isinstance(node, All) else f"{_group(node)}{joined}"
            case Judged():
                return f"由人认定：{node.judged}"
            case Some():
                return f"有{self._rows(node.some, node.where)}"
            case NoneOf():
                return f"没有{self._rows(node.none, node.where)}"
            case Rank() | Percentile():
                return self._place(node)
            case Compared():
                return self._comparison(node, row)
        raise TypeError(f"{type(node).__name__} is no test")

    def _place(self, node: Rank | Percentile) -> str:
        by = node.rank if isinstance(node, Rank) else node.percentile
        figure = self.value(FactValue(fact=by, period=node.period, over=node.over, take=node.take))
        order = "由低到高" if node.order == "asc" else "由高到低"
        unit = Entry(name="", type="ratio" if isinstance(node, Percentile) else "number")
        words = "名次百分比" if isinstance(node, Percentile) else "名次"
        return f"{figure}{order}排列，{words}{self._asked(node, unit, None)}（在符合“{self.test(node.among)}”的企业中）"

    def _comparison(self, node: Compared, row: str | None) -> str:
        entry: Entry | None = None
        if isinstance(node, FactValue):
            entry = Entry(name="", type="ratio") if node.take == "growth" else self._registry.facts.get(node.fact)
        elif isinstance(node, FieldValue):
            entry = self._field(row, node.field)
        elif isinstance(node, SumOf | EarliestOf | LatestOf):
            entry = self._field(self._kind(node), node.field)
        if isinstance(node.value, bool) and node.is_ in ("=", "!="):
            return f"{self._left(node, row)}：{'是' if node.value == (node.is_ == '=') else '否'}"
        return f"{self._left(node, row)}{self._asked(node, entry, row)}"

    def _left(self, node: Compared, row: str | None) -> str:
        return self.value(node, row=row)

    def _asked(self, test: Compared, entry: Entry | None, row: str | None) -> str:
        if test.is_ == "during":
            return f"在{_period(str(test.value))}内"
        if test.is_ == "between" and isinstance(test.value, tuple):
            low, high = (self.value(item, entry, row=row) for item in test.value)
            return f"在{low}与{high}之间{_OPEN.get(test.open or '', '（含本数）')}"
        ordered = entry is not None and (entry.type in ("number", "money", "ratio") or isinstance(test.value, Decimal))
        dated = entry is not None and entry.type in ("date", "end")
        if dated and test.is_ in _DATES:
            return f"{_DATES[test.is_]}{self.value(test.value, entry, row=row)}"
        if test.is_ in _NUMBERS and (ordered or test.is_ not in _TEXTS or isinstance(test.value, Decimal)):
            return f"{_NUMBERS[test.is_]}{self.value(test.value, entry, row=row)}"
        some = "之一" if test.is_ == "has" and isinstance(test.value, tuple) and len(test.value) > 1 else ""
        return f"{_TEXTS[test.is_]}{self.value(test.value, entry, row=row)}{some}"

    # values -----------------------------------------------------------------------------------------------------------

    def value(self, item: Any, entry: Entry | None = None, *, row: str | None = None) -> str:
        """A figure, a code, a day, or an expression over facts."""
        match item:
            case bool():
                return "是" if item else "否"
            case int() | Decimal():
                return _number(Decimal(item), entry)
            case str():
                return self._text(item, entry)
            case tuple():
                return "、".join(self.value(part, entry, row=row) for part in item)
            case FactValue():
                return self._fact(item)
            case FieldValue():
                field = self._field(row, item.field)
                return field.name if field else item.field
            case CountOf():
                return f"{self._rows(item.count, item.where)}的条数"
            case SumOf() | EarliestOf() | LatestOf():
                kind = self._kind(item)
                field = self._field(kind, item.field)
                how = "合计" if isinstance(item, SumOf) else ""
                when = "最早的" if isinstance(item, EarliestOf) else "最近的" if isinstance(item, LatestOf) else "的"
                return f"{self._rows(kind, item.where)}{when}{field.name if field else item.field}{how}"
            case PublicFigure():
                return f"{'' if item.on is None else self.value(item.on, row=row)}公布的{item.figure}"
            case Ago():
                return f"{_steps(item.ago)}前"
            case Shift():
                return f"{self.value(item.of, entry, row=row)}{'前' if _back(item.shift) else '后'}{_steps(item.shift)}"
            case Plus():
                return "（" + " + ".join(self.value(part, entry, row=row) for part in item.plus) + "）"
            case Times():
                return " × ".join(_factor(part) if isinstance(part, Decimal) else self.value(part, entry, row=row) for part in item.times)
        return self.amount(item)

    def _fact(self, given: FactValue) -> str:
        fact = self._registry.facts.get(given.fact)
        name = fact.name if fact else f"{given.fact.removeprefix('open.')}（尚未登记）"
        when = _period(given.period) if given.period else ""
        if given.over:
            when = f"截至{when}连续{given.over}期"
        since = f"（自{self.value(given.since)}起）" if given.since is not None else ""
        base = f"（基数为零时按{_number(given.base_if_zero, fact)}）" if given.base_if_zero is not None else ""
        return f"{when}{name}{_FOLDS[given.take] if given.take else ''}{since}{base}"

    def _text(self, text: str, entry: Entry | None) -> str:
        if entry is not None and entry.type in ("date", "end") and re.fullmatch(r"\d{4}-\d\d-\d\d", text):
            return f"{int(text[:4])}年{int(text[5:7])}月{int(text[8:])}日"
        codes = self._registry.codes.get(entry.codes, {}) if entry is not None and entry.codes else {}
        return codes[text][0] if text in codes else f"“{text}”" if entry is None or entry.type == "set" else text

    def _rows(self, kind: str, where: Sequence[Node]) -> str:
        known = self._registry.kinds.get(kind)
        asked = "；".join(self.test(test, kind) for test in where)
        return f"{known.name if known else kind.removeprefix('open.')}记录" + (f"（{asked}）" if asked else "")

    def _field(self, kind: str | None, field: str) -> Entry | None:
        rows = self._registry.kinds.get(kind or "")
        return rows.fields.get(field) if rows else None

    def _kind(self, node: Node) -> str:
        return next(name for key in ("sum", "earliest", "latest") if isinstance(name := node.__dict__.get(key), str))

    # amounts ----------------------------------------------------------------------------------------------------------

    def amount(self, item: Any, row: str | None = None) -> str:
        """An amount, or a figure inside one, in yuan."""
        match item:
            case Decimal():
                return _yuan(item)
            case Fixed():
                return self.amount(item.fixed, row)
            case Rate():
                share = _factor(item.rate) if isinstance(item.rate, Decimal) else self._figure(item.rate, row)
                return f"{self._figure(item.of, row)}的{share}"
            case Per():
                each = (
                    f"每满{_plain(item.step) if isinstance(item.step, Decimal) else self._figure(item.step, row)}"
                    if item.step is not None
                    else "每单位"
                )
                return f"按{self._figure(item.count, row)}，{each}{self.amount(item.per, row)}"
            case Tiers():
                return self._tiers(item, row)
            case Case():
                ways = [f"{self.test(rule)}的，{self.amount(pay, row)}" for rule, pay in item.case]
                return "；".join([*ways, *([f"其余{self.amount(item.else_, row)}"] if item.else_ is not None else [])])
            case Each():
                best = f"，取最高的 {item.best} 项" if item.best else ""
                return f"对每一条{self._rows(item.each, item.where)}：{self.amount(item.pay, item.each)}{best}"
            case Total():
                return "以下各项之和：" + "；".join(self.amount(part, row) for part in item.sum)
            case Least() | Most():
                several = item.min if isinstance(item, Least) else item.max
                return f"以下各项中{'最低' if isinstance(item, Least) else '最高'}的：" + "；".join(
                    self.amount(part, row) for part in several
                )
            case Cap():
                return f"{self.amount(item.of, row)}，最高不超过{self.amount(item.cap, row)}"
            case Floor():
                return f"{self.amount(item.of, row)}，最低{self.amount(item.floor, row)}"
            case Multiple():
                return " × ".join(_plain(part) if isinstance(part, Decimal) else self.amount(part, row) for part in item.times)
            case Less():
                return f"{self.amount(item.less, row)}，减去已付的{self._figure(item.paid, row)}"
            case Instalments():
                return "逐年分期：" + "、".join(self.amount(part, row) for part in item.instalments)
            case JudgedAmount():
                low, high = item.between
                return f"由人在{self.amount(low, row)}至{self.amount(high, row)}之间确定（{item.judged}）"
        return self.value(item, row=row)

    def _figure(self, item: Any, row: str | None) -> str:
        return _plain(item) if isinstance(item, Decimal) else self.amount(item, row)

    def _tiers(self, item: Tiers, row: str | None) -> str:
        belongs = "恰为分界数的归下一档" if item.edge == "upto" else "恰为分界数的归上一档"
        on = f"按{self._figure(item.on, row)}"
        steps = []
        for line, pay in item.tiers:
            paid = f"超过部分按{_factor(pay)}" if item.marginal and isinstance(pay, Decimal) else self.amount(pay, row)
            steps.append(f"{self._line(item.on, line, row)}起{paid}")
        return f"{on}分档{'累进' if item.marginal else ''}：" + "；".join(steps) + f"（{belongs}）"

    def _line(self, on: Any, line: Any, row: str | None) -> str:
        entry = self._registry.facts.get(on.fact) if isinstance(on, FactValue) else None
        return _number(line, entry) if isinstance(line, Decimal) else self._figure(line, row)


# ---------------------------------------------------------------------------------------------------------------- figures


def _number(value: Decimal, entry: Entry | None) -> str:
    if entry is not None and entry.type == "money":
        return _yuan(value)
    if entry is not None and entry.type == "ratio":
        return _factor(value)
    return _plain(value) + (entry.unit or "" if entry else "")


def _yuan(value: Decimal) -> str:
    """Exact: 万元 and 亿元 only where two decimals say it all."""
    for size, unit in ((Decimal(10**8), "亿元"), (Decimal(10**4), "万元")):
        if abs(value) >= size and (value / size * 100) % 1 == 0:
            return f"{_plain(value / size)}{unit}"
    return f"{_plain(value)}元"


def _factor(value: Any) -> str:
    return f"{_plain(value * 100)}%" if isinstance(value, Decimal) else str(value)


def _plain(value: Decimal) -> str:
    text = format(value, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def _period(name: str) -> str:
    if name in _PERIODS:
        return _PERIODS[name]
    kind, back, number = name.partition("-")
    if back and kind in _BACK:
        last, earlier = _BACK[kind]
        return last if int(number) == 1 else earlier.format(int(number))
    year, quarter = name[:4], name[5:]
    return f"{year}年" + (f"第{quarter}季度" if name[4:5] == "Q" else f"{int(quarter)}月" if quarter else "")


def _steps(steps: Steps) -> str:
    parts = ((steps.years, "年"), (steps.months, "个月"), (steps.days, "天"))
    return "".join(f"{abs(number)}{unit}" for number, unit in parts if number) or "0天"


def _back(steps: Steps) -> bool:
    return (steps.years, steps.months, steps.days) < (0, 0, 0)
