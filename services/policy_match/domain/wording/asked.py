"""What tests and values ask, in half a sentence each.

Nothing is rounded, nothing left out: what has no short wording is written with the registry's names. A relative period stays relative,
as the clause says it, unless the terms know the day.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any, NamedTuple

from contracts.rules import (
    OPEN,
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
    Node,
    NoneOf,
    Not,
    Percentile,
    Plus,
    PopulationTest,
    PublicFigure,
    Shift,
    Some,
    Steps,
    SumOf,
    Times,
)
from contracts.rules.words import day, percent, period, plain, stretch
from services.policy_match.domain.interpreter import ranked_figure
from services.policy_match.domain.periods import canonical, resolve, step
from services.policy_match.domain.reasons import limbs
from services.policy_match.domain.values import OPPOSITES
from services.policy_match.domain.wording.terms import RATIO, ROWS, Terms


def group_words(node: All | AnyOf | AtLeast | Not) -> str:
    if isinstance(node, All):
        return "同时符合下列各项：" if node.all else "不设条件，所有企业均符合"
    if isinstance(node, AnyOf):
        return "符合下列任一项：" if node.any else "没有企业符合"
    return f"至少符合下列 {node.at_least} 项：" if isinstance(node, AtLeast) else "不属于下列情形："


_NUMBERS = {">=": "不低于", ">": "高于", "<=": "不高于", "<": "低于", "=": "等于", "!=": "不等于"}
_DATES = {">=": "不早于", ">": "晚于", "<=": "不晚于", "<": "早于", "=": "为", "!=": "不为"}
_TEXTS = {
    "=": "为", "!=": "不为", "in": "为", "not_in": "不为", "under": "属于", "not_under": "不属于",
    "has": "有", "has_all": "同时有", "has_none": "没有",
}  # fmt: skip
_OR = {"in", "under", "has"}
FOLDS = {
    "sum": "合计", "mean": "平均", "min": "最低值", "max": "最高值", "every": "每一期", "growth": "同比增长率", "increase": "同比增加额",
}  # fmt: skip
_OPEN = {"lo": "（不含下限）", "hi": "（不含上限）", "both": "（不含上下限）"}
_UNITS = {"year": "年", "quarter": "个季度", "month": "个月"}


class Asked(NamedTuple):
    """Puts tests and values into words. `moving` is the period that `every` moves along."""

    terms: Terms
    moving: str | None = None

    # tests ------------------------------------------------------------------------------------------------------------

    def test(self, node: Node, row: str | None = None, *, wanted: bool = True) -> str:
        """What a test asks, or with `wanted` false its opposite; `row` is the record kind whose row it looks at."""
        match node:
            case Not():
                return self.test(node.not_, row, wanted=not wanted)
            case All() | AnyOf() | AtLeast():
                return self._several(node, row, wanted)
            case Judged():
                if self.terms.as_of is None and wanted:  # an officer reads it, who may be that person
                    return f"由人认定：{node.judged}"
                return f"由主管部门认定{'' if wanted else '不属于'}“{node.judged}”"
            case Some():
                return f"{'有' if wanted else '没有'}{self.rows(node.some, node.where)}"
            case NoneOf():
                return f"{'没有' if wanted else '有'}{self.rows(node.none, node.where)}"
            case PopulationTest():
                return self._place(node, wanted)
            case Compared():
                return self._comparison(node, row, wanted)
        raise TypeError(f"{type(node).__name__} is no test")

    def _several(self, node: All | AnyOf | AtLeast, row: str | None, wanted: bool) -> str:
        parts = [self.test(limb, row, wanted=wanted) for _, limb in limbs(node)]
        if not parts:
            return "不设条件" if isinstance(node, All) is wanted else "任何情形都不符合"
        needed = parts_needed(node, wanted)
        if needed == len(parts):
            return "，且".join(parts)
        joined = "，或".join(parts)
        return f"（{joined}）" if needed == 1 and len(parts) > 1 else f"至少有{needed}项：" + "；".join(parts) if needed > 1 else joined

    def _place(self, node: PopulationTest, wanted: bool) -> str:
        if not wanted:  # who is not among those ranked is not in that place either
            return f"不是“{self._place(node, True)}”"
        figure = self.value(ranked_figure(node))
        ratio = isinstance(node, Percentile)
        among = self.test(node.among)
        within = "全市企业" if among == "不设条件" else f"符合“{among}”的企业"
        if node.is_ == "<=":
            last = self.value(node.value, RATIO if ratio else None)
            return f"{figure}在{within}中排在{'后' if node.order == 'asc' else '前'}{last}{'' if ratio else '名'}"
        order = "由低到高" if node.order == "asc" else "由高到低"
        asked = self.asked(node, RATIO if ratio else None, None)
        return f"{figure}在{within}中{order}的{'位次比例' if ratio else '名次'}{asked}"

    def _comparison(self, node: Compared, row: str | None, wanted: bool) -> str:
        if isinstance(node, FactValue) and node.take == "every" and node.period is not None and self.moving is None:
            words = self._replace(moving=canonical(node.period))._comparison(node, row, True)
            return words if wanted else f"并非{words}"
        entry = self.entry(node, row)
        if isinstance(node.value, bool) and node.is_ in ("=", "!="):
            yes = node.value == (node.is_ == "=")
            return self.whether(node, row, yes=yes is wanted)
        return f"{self.value(node, row=row)}{self.asked(node, entry, row, wanted)}"

    def whether(self, node: Node, row: str | None = None, *, yes: bool) -> str:
        """What is yes or no: 2025年属于“规上/限上”, 不属于“严重失信”; of a row 是“首次认定”."""
        if not isinstance(node, FactValue):
            return f"{'' if yes else '不'}是“{self.value(node, row=row)}”"
        span = self.span(node)
        return f"{span}{'属于' if yes else '不属于'}“{self.value(node).removeprefix(span)}”"

    def entry(self, node: Node, row: str | None = None) -> Entry | None:
        """Of which type the left side of a test, or a figure, is."""
        if isinstance(node, FactValue):
            return RATIO if node.take == "growth" else self.terms.registry.facts.get(node.fact)
        if isinstance(node, FieldValue):
            return self.terms.field(row, node.field)
        if isinstance(node, SumOf | EarliestOf | LatestOf):
            return self.terms.field(_kind(node), node.field)
        return ROWS if isinstance(node, CountOf) else None

    def asked(self, test: Compared, entry: Entry | None, row: str | None, wanted: bool = True) -> str:
        """The right side with its sign: 不低于2000万元, 不属于“制造业”; of days reached, how long they must lie back."""
        if test.is_ == "during":
            return f"{'' if wanted else '不'}在{self.terms.period(str(test.value))}内"
        if test.is_ == "between" and isinstance(test.value, tuple):
            low, high = (self.value(item, entry, row=row) for item in test.value)
            return f"{'' if wanted else '不'}在{low}至{high}之间{_OPEN.get(test.open or '', '')}"
        op = test.is_ if wanted else OPPOSITES.get(test.is_)
        if op is None:
            return f"不同时有{self.value(test.value, entry, row=row)}"
        number = entry is not None and entry.type in ("number", "money", "ratio")
        if op in _DATES and entry is not None and entry.type in ("date", "end"):
            return f"{_DATES[op]}{self.value(test.value, entry, row=row)}"
        if op in _NUMBERS and (number or op not in _TEXTS or isinstance(test.value, Decimal)):
            return f"{_NUMBERS[op]}{self.value(test.value, entry, row=row)}"
        listed = test.value if isinstance(test.value, tuple) else (test.value,)
        values = ("或" if op in _OR else "、").join(self.value(item, entry, row=row) for item in listed)
        return f"{_TEXTS[op]}{values or '（空）'}" + (
            "中的任何一项" if op in ("not_in", "not_under", "has_none") and len(listed) > 1 else ""
        )

    # values -----------------------------------------------------------------------------------------------------------

    def value(self, item: Any, entry: Entry | None = None, *, row: str | None = None) -> str:
        """A figure, a code, a day, or an expression over facts."""
        match item:
            case bool() | int() | Decimal() | str():
                return self.terms.value(item, entry)
            case tuple():
                return "、".join(self.value(part, entry, row=row) for part in item)
            case FactValue():
                return self._fact(item)
            case FieldValue():
                return self.terms.field_name(row, item.field)
            case CountOf():
                return f"{self.rows(item.count, item.where)}的条数"
            case SumOf() | EarliestOf() | LatestOf():
                kind = _kind(item)
                how = "最早的" if isinstance(item, EarliestOf) else "最近的" if isinstance(item, LatestOf) else "的"
                total = "合计" if isinstance(item, SumOf) else ""
                return f"{self.rows(kind, item.where)}{how}{self.terms.field_name(kind, item.field)}{total}"
            case PublicFigure():
                return f"{'' if item.on is None else self.value(item.on, row=row)}公布的{self.terms.figure(item.figure)}"
            case Ago():
                today = not (item.ago.years or item.ago.months or item.ago.days)
                back = "当日" if today else f"{stretch(item.ago)}前"
                if self.terms.as_of is None:
                    return back
                return day(step(self.terms.as_of, item.ago, -1)) + ("" if today else f"（{back}）")
            case Shift():
                return f"{self.value(item.of, entry, row=row)}{'之前' if _back(item.shift) else '之后'}{stretch(item.shift)}"
            case Plus():
                return "与".join(self.value(part, entry, row=row) for part in item.plus) + ("之和" if len(item.plus) > 1 else "")
            case Times():
                return self._product(item, entry, row)
        raise TypeError(f"{type(item).__name__} is no value")

    def _product(self, given: Times, entry: Entry | None, row: str | None) -> str:
        factor = Decimal(1)
        for number in given.times:
            factor *= number if isinstance(number, Decimal) else 1
        others = [self.value(part, entry, row=row) for part in given.times if not isinstance(part, Decimal)]
        if not others:
            return self.terms.value(factor, entry)
        words = "与".join(others) + ("之积" if len(others) > 1 else "")
        if len(others) == len(given.times):
            return words
        return f"{words}的{percent(factor) if abs(factor) <= 1 else plain(factor) + '倍'}"

    def _fact(self, given: FactValue) -> str:
        fact = self.terms.registry.facts.get(given.fact)
        open_ = given.fact.removeprefix(OPEN)
        name = fact.name if fact else f"{open_}（尚未登记）" if self.terms.as_of is None else f"“{open_}”"
        since = f"（自{self.value(given.since)}起）" if given.since is not None else ""
        base = f"（基数为零时按{self.terms.value(given.base_if_zero, fact)}）" if given.base_if_zero is not None else ""
        span = self.span(given) if given.period is None or given.over or canonical(given.period) != self.moving else "同期"
        take = "" if given.take is None else ("平均" if given.take == "growth" and (given.over or 1) > 1 else "") + FOLDS[given.take]
        return f"{span}{name}{take}{since}{base}"

    def span(self, given: FactValue) -> str:
        """The periods a fact with modifiers looks at: 2025年, 2023年至2025年, 截至上年度的近3年."""
        if given.period is None:
            return ""
        if self.terms.as_of is not None:
            last = resolve(given.period, self.terms.as_of)
            first = last.later(1 - (given.over or 1))
            return period(last.key) if first == last else period(f"{first.key}..{last.key}")
        if not given.over:
            return period(given.period)
        kind = "quarter" if "uarter" in given.period or "Q" in given.period else "month" if "month" in given.period else "year"
        return f"截至{period(given.period)}的近{given.over}{_UNITS[kind]}"

    def rows(self, kind: str, where: Sequence[Node]) -> str:
        """The rows of a record kind that meet `where`."""
        conditions = "，且".join(self.test(test, kind) for test in where)
        return f"{self.terms.kind(kind)}记录" + (f"（{conditions}）" if conditions else "")


def parts_needed(node: All | AnyOf | AtLeast, wanted: bool) -> int:
    """How many of the limbs must come out as wanted, so that the node does (of a node that must not hold: so many must not)."""
    number = len(list(limbs(node)))
    if isinstance(node, AtLeast):
        return node.at_least if wanted else number - node.at_least + 1
    return number if isinstance(node, All) is wanted else min(1, number)


def _kind(node: Node) -> str:
    return next(name for key in ("sum", "earliest", "latest") if isinstance(name := node.__dict__.get(key), str))


def _back(steps: Steps) -> bool:
    return (steps.years, steps.months, steps.days) < (0, 0, 0)
