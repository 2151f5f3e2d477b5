"""How an amount comes about for one enterprise: each step with its figures, and what is still open."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction
from typing import Any, NamedTuple

from contracts.rules import (
    Cap,
    Case,
    Each,
    Fixed,
    Floor,
    Instalments,
    JudgedAmount,
    Least,
    Less,
    Most,
    Multiple,
    Node,
    Per,
    Rate,
    SharedCap,
    Stacking,
    Tiers,
    Total,
)
from contracts.rules.words import percent, plain, yuan
from services.policy_match.domain.amount import cents, worth
from services.policy_match.domain.interpreter import Scope, answer, judgement_of, matching, value
from services.policy_match.domain.values import NOTHING, Range, Unknown, relation
from services.policy_match.domain.wording.amounts import FORMS, in_unit_of
from services.policy_match.domain.wording.asked import Asked

_SHOWN = 4
_ONCE = {"life": "每家企业", "year": "每家企业每年", "quarter": "每家企业每季度", "month": "每家企业每月", "item": "同一对象"}
_SPANS = {"year": "同一年度", "life": "累计", "item": "同一对象"}


class Reckoned(NamedTuple):
    """Puts the steps of an amount into words; `row` is the record kind at hand."""

    scope: Scope
    asked: Asked
    row: str | None = None

    def steps(self, item: Any) -> str:
        """The steps of an amount, or a figure inside one."""
        match item:
            case Fixed():
                return self.steps(item.fixed) if isinstance(item.fixed, FORMS) else f"定额{self._result(item)}"
            case Rate():
                share = percent(item.rate) if isinstance(item.rate, Decimal) else self._figure(item.rate)
                return f"按{self._figure(item.of)}的{share}{self._comes_to(item)}"
            case Per():
                return self._per(item)
            case Tiers():
                return self._slices(item) if item.marginal else self._tiers(item)
            case Case():
                return self._case(item)
            case Each():
                return self._each(item)
            case Total():
                parts = [part for part in item.sum if worth(part, self.scope) != _ZERO] or list(item.sum[:1])
                return self._joined("，加上", parts, "合计", item) if parts else "0元"
            case Least() | Most():
                several = item.min if isinstance(item, Least) else item.max
                return self._joined("，与", several, "取其低者，为" if isinstance(item, Least) else "取其高者，为", item)
            case Cap():
                return f"{self.steps(item.of)}，封顶{self._bound(item.cap)}"
            case Floor():
                return f"{self.steps(item.of)}，保底{self._bound(item.floor)}"
            case Multiple():
                return self._multiple(item)
            case Less():
                return f"{self.steps(item.less)}，减去已付的{self._figure(item.paid)}，余{self._result(item)}"
            case Instalments():
                years = [f"第{number}年{self._result(part)}" for number, part in enumerate(item.instalments, 1)]
                return f"分{len(years)}年发放：{'、'.join(years)}"
            case JudgedAmount():
                return self._judged(item)
        return self._figure(item)

    def _result(self, item: Any) -> str:
        return in_yuan(worth(item, self.scope))

    def _comes_to(self, item: Any) -> str:
        result = self._result(item)
        return "计算" if result == OPEN_SUM else f"计{result}"

    def _figure(self, item: Any) -> str:
        """A figure by name and value: 2025年研发费用120万元."""
        if isinstance(item, Decimal):
            return plain(item)
        if isinstance(item, FORMS):
            return self._result(item)
        entry = self.asked.entry(item, self.row) if isinstance(item, Node) else None
        found = value(item, self.scope)
        if isinstance(found, Unknown):
            return f"{self.asked.value(item, row=self.row)}（暂缺）"
        if found is NOTHING:
            return f"{self.asked.value(item, row=self.row)}（没有，按0计）"
        return f"{self.asked.value(item, row=self.row)}{self.asked.terms.value(found, entry)}"

    def _bound(self, item: Any) -> str:
        return yuan(item) if isinstance(item, Decimal) else self._figure(item)

    def _joined(self, word: str, several: Sequence[Any], end: str, item: Any) -> str:
        return (
            self.steps(several[0]) if len(several) == 1 else f"{word.join(self.steps(part) for part in several)}，{end}{self._result(item)}"
        )

    def _per(self, item: Per) -> str:
        entry = self.asked.entry(item.count, self.row) if isinstance(item.count, Node) else None
        each = (
            f"每满{in_unit_of(item.count, item.step, self.asked, self.row)}"
            if item.step is not None
            else f"每{(entry.unit if entry else None) or '单位'}"
        )
        per = yuan(item.per) if isinstance(item.per, Decimal) else self._figure(item.per)
        return f"按{self._figure(item.count)}，{each}给{per}，{self._comes_to(item)}"

    def _tiers(self, item: Tiers) -> str:
        on, word = worth(item.on, self.scope), "超过" if item.edge == "upto" else "达到"
        reached = [relation(">" if item.edge == "upto" else ">=", on, worth(line, self.scope)).value for line, _ in item.tiers]
        on_words = self._figure(item.on)
        if None in reached and True not in reached[reached.index(None) :]:
            return f"按{on_words}分档，所在档次尚不能确定，{self._comes_to(item)}"
        sure = [position for position, holds in enumerate(reached) if holds is True]
        if not sure:
            return f"{on_words}，未{word}最低一档{in_unit_of(item.on, item.tiers[0][0], self.asked, self.row)}，计0元"
        line, pay = item.tiers[sure[-1]]
        return f"{on_words}，属于{word}{in_unit_of(item.on, line, self.asked, self.row)}的一档：{self._paid(pay)}"

    def _paid(self, pay: Any) -> str:
        return self.steps(pay) if isinstance(pay, FORMS) else self._result(pay)

    def _slices(self, item: Tiers) -> str:
        lines = []
        for line, rate in item.tiers:
            share = percent(rate) if isinstance(rate, Decimal) else self._figure(rate)
            lines.append(f"超过{in_unit_of(item.on, line, self.asked, self.row)}的部分按{share}")
        return f"{self._figure(item.on)}，分段累进（{'，'.join(lines)}），{self._comes_to(item)}"

    def _case(self, item: Case) -> str:
        doubtful: list[str] = []
        for rule, pay in item.case:
            holds = answer(rule, self.scope).value
            if holds is True and not doubtful:
                return f"属于“{self.asked.test(rule)}”的情形：{self._paid(pay)}"
            if holds is not False:
                doubtful.append(self.asked.test(rule))
        if doubtful:
            return f"是否属于“{'”“'.join(doubtful)}”的情形尚不能确定，{self._comes_to(item)}"
        return f"属于其余情形：{'0元' if item.else_ is None else self._paid(item.else_)}"

    def _each(self, item: Each) -> str:
        found = matching(item.where, item.each, self.scope)
        kind = self.asked.terms.kind(item.each)
        if found is None:
            return f"按每条{kind}记录计算（记录暂缺），{self._comes_to(item)}"
        rows = [*found[0], *(row for row, _ in found[1])]
        if not rows:
            return f"没有可以计入的{kind}记录，计0元"
        parts = []
        for position, row in enumerate(rows[:_SHOWN]):
            inside = Reckoned(self.scope.at_row(item.each, row), self.asked, item.each)
            doubt = "（是否计入尚不能确定）" if position >= len(found[0]) else ""
            parts.append(f"{self.asked.terms.row(item.each, row, position)}{inside._paid(item.pay)}{doubt}")
        more = f"等{len(rows)}条" if len(rows) > _SHOWN else ""
        best = f"，取最高的{item.best}条" if item.best and item.best < len(rows) else ""
        return f"{kind}记录{len(rows)}条：{'；'.join(parts)}{more}{best}，合计{self._result(item)}"

    def _multiple(self, item: Multiple) -> str:
        amounts = [part for part in item.times if isinstance(part, FORMS)]
        factors = [part for part in item.times if not isinstance(part, FORMS)]
        if not amounts:
            return f"按{' × '.join(self._figure(part) for part in factors)}{self._comes_to(item)}"
        times = " × ".join(["", *(self._figure(part) for part in factors)])
        return f"{'，乘以'.join(self.steps(part) for part in amounts)}，再{times.strip()}，{self._comes_to(item)}" if factors else (
            f"{'，乘以'.join(self.steps(part) for part in amounts)}，{self._comes_to(item)}"
        )  # fmt: skip

    def _judged(self, item: JudgedAmount) -> str:
        settled = (judgement_of(item.judged, self.scope) or {}).get("amount")
        if isinstance(settled, Decimal):
            return f"主管部门已就“{item.judged}”核定{self._result(item)}"
        return f"“{item.judged}”由主管部门核定（{self._result(item)}）"


OPEN_SUM = "金额不定"
_ZERO = Range(Fraction(0), Fraction(0))


def in_yuan(found: Range) -> str:
    """A sum, or between which bounds it lies; to the cent."""
    low = Decimal("0.00") if found.low is None else cents(max(Fraction(found.low), Fraction(0)))
    if found.high is None:
        return f"{yuan(low)}以上" if low else OPEN_SUM
    high = cents(max(Fraction(found.high), Fraction(0)))
    return yuan(low) if low == high else f"{yuan(low)}至{yuan(high)}"


def stacking_words(stacking: Stacking | None, scope: Scope, asked: Asked) -> list[str]:
    """What else limits the sum: groups, shared caps, how often it may be had."""
    if stacking is None:
        return []
    words = []
    for group in stacking.groups or ():
        name, per = (group, "year") if isinstance(group, str) else (group.name, group.per or "year")
        words.append(f"与同属“{name}”的其他事项不重复享受：{_SPANS[per]}只按其中最高的一项给付，已领取的计算在内。")
    for cap in stacking.caps or ():
        words.append(f"“{cap.name}”的各事项{_SPANS[cap.per or 'year']}合计最高{_cap(cap, scope, asked)}。")
    if stacking.once is not None:
        words.append(f"{_ONCE[stacking.once]}只能享受一次。")
    return words


def _cap(cap: SharedCap, scope: Scope, asked: Asked) -> str:
    return yuan(cap.at) if isinstance(cap.at, Decimal) else Reckoned(scope, asked)._figure(cap.at)
