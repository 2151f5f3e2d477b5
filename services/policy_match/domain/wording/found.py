"""What each test found for one enterprise, beside what it asks: one sentence a test, with how much is missing where it fails."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Any, NamedTuple

from contracts.rules import (
    Ago,
    Compared,
    CountOf,
    EarliestOf,
    EarliestTest,
    Entry,
    FactTest,
    FactValue,
    Judged,
    LatestOf,
    LatestTest,
    Node,
    NoneOf,
    Percentile,
    PopulationTest,
    Some,
    SumOf,
    Times,
)
from contracts.rules.words import day, stretch
from services.policy_match.domain.interpreter import (
    Scope,
    answer,
    compared,
    judgement_of,
    place_of,
    ranked_figure,
    ranking_of,
    stated,
    value,
    window,
)
from services.policy_match.domain.language import kind_of
from services.policy_match.domain.periods import key_of, resolve
from services.policy_match.domain.truth import Answer, negated
from services.policy_match.domain.values import NOTHING, OPPOSITES, Exact, Range, Unknown, as_date, as_range
from services.policy_match.domain.wording.asked import Asked
from services.policy_match.domain.wording.distances import age, backwards, gap, turns
from services.policy_match.domain.wording.rows import counted
from services.policy_match.domain.wording.terms import RATIO

VERDICTS = {True: "符合", False: "不符合", None: "还不能判断"}


class Sentence(NamedTuple):
    """How one test came out for the enterprise, and in which words."""

    outcome: bool | None
    words: str


class Found(NamedTuple):
    """Puts the tests of one decision into sentences."""

    scope: Scope
    asked: Asked

    def sentence(self, node: Node, *, wanted: bool) -> Sentence:
        """One test; with `wanted` false it must not hold, and all is said the other way round."""
        result = answer(node, self.scope)
        outcome = (result if wanted else negated(result)).value
        if isinstance(node, Judged):
            return Sentence(outcome, self._judged(node, outcome, wanted))
        asked = self.asked.test(node, wanted=wanted)
        if outcome is None:
            return Sentence(None, f"要求{asked}；{self._doubtful(node)}{self.lacking(result)}，还不能判断。")
        later = self._turning(node, wanted) if outcome is False else None
        then = f"；{day(later)}起符合" if later else ""
        return Sentence(outcome, f"{self._compared(node, wanted, outcome)}，{VERDICTS[outcome]}{then}。")

    def _judged(self, node: Judged, outcome: bool | None, wanted: bool) -> str:
        if outcome is None:
            return f"“{node.judged}”{'' if wanted else '（属于的不能享受）'}：要由主管部门认定，还不能判断。"
        on = (judgement_of(node.judged, self.scope) or {}).get("decided_on")
        when = f"于{day(as_date(on))}" if isinstance(on, str) else ""
        is_so = "属于" if outcome is wanted else "不属于"
        return f"主管部门已{when}认定{is_so}“{node.judged}”，{VERDICTS[outcome]}。"

    def lacking(self, result: Answer) -> str:
        """What keeps an answer unknown, and who would state it."""
        terms, parts = self.asked.terms, []
        by_office: dict[str | None, list[str]] = {}
        for label in dict.fromkeys(result.missing):
            by_office.setdefault(terms.office(label), []).append(terms.wanting(label))
        for office, names in by_office.items():
            parts.append(f"缺少{'、'.join(names)}" + (f"（由{office}提供）" if office else ""))
        if result.judged:
            parts.append(f"“{'”“'.join(dict.fromkeys(map(terms.judged, result.judged)))}”要由主管部门认定")
        return "，".join(parts) or "有的数据尚不能确定"

    # what was found, and what was asked ---------------------------------------------------------------------------------

    def _compared(self, node: Node, wanted: bool, outcome: bool) -> str:
        if isinstance(node, Some | NoneOf | CountOf | SumOf | EarliestOf | LatestOf):
            return self._rows(node, wanted)
        if isinstance(node, PopulationTest):
            return self._place(node, wanted)
        assert isinstance(node, FactTest)
        if node.take == "every":
            return self._every(node, wanted)
        left, entry = value(node, self.scope), self.asked.entry(node)
        name = self.asked.value(node)
        if left is NOTHING:
            return f"{self.asked.span(node)}没有可以计入的期间，要求{self.asked.test(node, wanted=wanted)}"
        if isinstance(left, bool) and isinstance(node.value, bool):
            return f"经核对{self.asked.whether(node, yes=left)}，要求{'属于' if left is outcome else '不属于'}"
        if isinstance(left, date):
            return self._day(node, left, entry, wanted)
        if isinstance(left, str | frozenset | bool):
            return self._text(node, left, entry, name, wanted)
        assert isinstance(left, Decimal | Fraction)
        return self._share(node, left, wanted) or self._figure(node, left, entry, self._described(node, left), wanted)

    def _described(self, node: FactTest, left: Exact) -> Callable[[str], str]:
        """How the figure on the left is said, given its words."""
        name = self.asked.value(node)
        if node.take not in ("growth", "increase") or node.period is None or (node.over or 1) > 1:
            return lambda found: f"{name}{found}"
        now, before = resolve(node.period, self.scope.as_of), resolve(node.period, self.scope.as_of).year_before()
        fact = self.asked.terms.registry.facts.get(node.fact)
        shown = [self.asked.terms.value(stated(node.fact, period, self.scope), fact) for period in (now, before)]
        base = stated(node.fact, before, self.scope)
        replaced = f"（按{self.asked.terms.value(node.base_if_zero, fact)}计）" if node.base_if_zero is not None and base == 0 else ""
        compared_to = f"{self.asked.terms.name(f'{node.fact}@{key_of(now)}')}{shown[0]}，上年同期{shown[1]}{replaced}，同比"
        sign = ("增长" if left >= 0 else "下降") if node.take == "growth" else ("增加" if left >= 0 else "减少")
        return lambda found: f"{compared_to}{sign}{found.replace('-', '')}"

    def _figure(self, test: Compared, left: Exact, entry: Entry | None, describe: Callable[[str], str], wanted: bool) -> str:
        """A number beside its bounds: the figure, what is asked, and the gap."""
        bounds = self._bounds(test)
        found = describe(self.asked.terms.value(left, entry, beside=_ends(bounds)))
        asked = f"{self.asked.asked(test, entry, None, wanted)}{self._worth(test, bounds, entry)}"
        return f"{found}，要求{asked}{gap(test, left, bounds, entry, wanted, self.asked.terms)}"

    def _worth(self, test: Compared, bounds: list[Range], entry: Entry | None) -> str:
        """What a right side that is reckoned comes to."""
        literal = test.value if isinstance(test.value, tuple) else (test.value,)
        if len(bounds) < len(literal) or all(isinstance(item, Decimal) for item in literal):
            return ""
        return f"（即{'至'.join(self.asked.terms.range(bound, entry) for bound in bounds)}）"

    def _bounds(self, test: Compared) -> list[Range]:
        found = [value(item, self.scope) for item in (test.value if isinstance(test.value, tuple) else (test.value,))]
        return [as_range(item) for item in found if isinstance(item, Decimal | Fraction | Range)]

    def _share(self, node: FactTest, left: Exact, wanted: bool) -> str | None:
        """A figure asked to be so many hundredths of another: the share itself, in percentage points."""
        asked = node.value
        if not isinstance(asked, Times) or len(asked.times) != 2 or node.take in ("growth", "increase"):
            return None
        factor = next((item for item in asked.times if isinstance(item, Decimal)), None)
        whole = next((item for item in asked.times if isinstance(item, FactValue)), None)
        if factor is None or whole is None or factor > 1 or factor <= 0:
            return None
        of, mine, theirs = value(whole, self.scope), self.asked.entry(node), self.asked.entry(whole)
        if not isinstance(of, Decimal | Fraction) or of <= 0 or mine is None or theirs is None or mine.type != theirs.type:
            return None
        share = Fraction(left) / Fraction(of)
        name, base = self.asked.value(node), self.asked.value(whole)
        if self.asked.span(node) == self.asked.span(whole):
            base = base.removeprefix(self.asked.span(whole))  # of the same year, which is said once
        figures = f"（{self.asked.terms.value(left, mine)}÷{self.asked.terms.value(of, theirs)}）"
        test = Compared.model_construct(is_=node.is_, value=factor, open=None)
        return self._figure(test, share, RATIO, lambda found: f"{name}占{base}的{found}{figures}", wanted)

    def _day(self, node: FactTest, left: date, entry: Entry | None, wanted: bool) -> str:
        found = f"{self.asked.value(node)}为{self.asked.terms.value(left, entry)}"
        op = node.is_ if wanted else OPPOSITES.get(node.is_)
        today = self.scope.as_of
        if isinstance(node.value, Ago) and op in ("<=", "<", ">", ">=") and left <= today and not backwards(node.value.ago):
            reached = {"<=": "满{}", "<": "超过{}", ">": "不满{}", ">=": "不超过{}"}[op].format(stretch(node.value.ago))
            return f"{found}，至今{age(left, today)}，要求{reached}"
        bounds = [value(item, self.scope) for item in (node.value if isinstance(node.value, tuple) else (node.value,))]
        written = any(not isinstance(item, str | Ago) for item in (node.value if isinstance(node.value, tuple) else (node.value,)))
        ends = "至".join(self.asked.terms.value(bound) for bound in bounds if isinstance(bound, date))
        worth = f"（即{ends}）" if written and ends else ""
        return f"{found}，要求{self.asked.asked(node, entry, None, wanted)}{worth}"

    def _turning(self, node: Node, wanted: bool) -> date | None:
        """The day on which a date will lie far enough back."""
        op = (node.is_ if wanted else OPPOSITES.get(node.is_)) if isinstance(node, FactTest) else None
        if not isinstance(node, FactTest) or not isinstance(node.value, Ago) or op not in ("<=", "<") or backwards(node.value.ago):
            return None
        since = value(node, self.scope)
        turning = turns(since, node.value.ago, strictly=op == "<") if isinstance(since, date) else None
        return turning if turning is not None and turning > self.scope.as_of else None

    def _doubtful(self, node: Node) -> str:
        """Of a test of records that are known: which rows are in doubt."""
        kind = kind_of(node)
        if kind is None or not self.scope.enterprise.records.get(kind):
            return ""
        return f"{counted(node, kind, self.scope, self.asked)}，"

    def _text(self, node: FactTest, left: Any, entry: Entry | None, name: str, wanted: bool) -> str:
        if not isinstance(left, frozenset):
            return f"{name}为{self.asked.terms.value(left, entry)}，要求{self.asked.asked(node, entry, None, wanted)}"
        held = f"现有{name}：{self.asked.terms.value(left, entry)}" if left else f"没有登记{name}"
        listed = value(node.value, self.scope)
        members = set(listed) if isinstance(listed, tuple) else set()
        short = sorted(members - left) if node.is_ == "has_all" and wanted else []
        lacking = f"，还缺{self.asked.terms.value(tuple(short), entry)}" if short and len(short) < len(members) else ""
        return f"{held}，要求{self.asked.asked(node, entry, None, wanted)}{lacking}"

    def _every(self, node: FactTest, wanted: bool) -> str:
        assert node.period is not None
        periods, entry = window(node, self.scope), self.asked.entry(node)
        if isinstance(periods, Unknown) or not periods:
            return f"{self.asked.span(node)}没有可以计入的期间，要求{self.asked.test(node, wanted=wanted)}"
        here, terms = resolve(node.period, self.scope.as_of), self.asked.terms
        parts = []
        for period in periods:
            inside, found = self.scope.moving(node.period, period.number - here.number), stated(node.fact, period, self.scope)
            met = compared(node, found, inside).value
            bounds = Found(inside, self.asked)._bounds(node)
            known = _ends(bounds)
            bare = isinstance(node.value, Decimal | tuple)
            asked = "" if bare or not known else f"（对应{'至'.join(terms.range(bound, entry) for bound in bounds)}）"
            mark = {True: "达到", False: "未达到", None: "暂缺"}[met]
            figure = "" if isinstance(found, Unknown) else terms.value(found, entry, beside=known)
            parts.append(f"{terms.name(f'{node.fact}@{key_of(period)}')}{figure}{asked}{mark}")
        return f"{'，'.join(parts)}，要求{self.asked.test(node, wanted=wanted)}"

    def _place(self, node: PopulationTest, wanted: bool) -> str:
        asked = self.asked.test(node, wanted=wanted)
        if answer(node.among, self.scope).value is False:
            return f"不在参加排名的企业（{self.asked.test(node.among)}）之列，要求{asked}"
        figure = ranked_figure(node)
        own = value(figure, self.scope)
        name = self.asked.value(figure)
        if own is NOTHING:
            return f"{name}没有可以计入的期间，要求{asked}"
        place, standing = place_of(node, own, self.scope), ranking_of(node, self.scope)
        assert place is not None
        assert standing is not None
        assert isinstance(own, Decimal | Fraction)
        left_out = f"，另有{standing.unranked}家因缺数据未参加排名" if standing.unranked else ""
        rank = standing.place(own)
        part = self.asked.terms.value(place, RATIO)
        share = "" if not isinstance(node, Percentile) else f"（约前{part[1:]}）" if part.startswith("约") else f"（前{part}）"
        shown = self.asked.terms.value(own, self.asked.entry(figure))
        return f"{name}{shown}，在{standing.ranked}家企业中排第{rank}名{share}{left_out}，要求{asked}"

    def _rows(self, node: Any, wanted: bool) -> str:
        kind = kind_of(node)
        assert kind is not None
        rows, terms, asked = counted(node, kind, self.scope, self.asked), self.asked.terms, self.asked.test(node, wanted=wanted)
        if isinstance(node, Some | NoneOf):
            return f"要求{asked}；{rows}"
        entry, total = self.asked.entry(node), value(node, self.scope)
        if isinstance(node, EarliestTest | LatestTest):
            which = "最早" if isinstance(node, EarliestTest) else "最近"
            found = "" if total is NOTHING else f"，{which}的{terms.field_name(kind, node.field)}为{terms.value(total, entry)}"
            ends = [value(item, self.scope) for item in (node.value if isinstance(node.value, tuple) else (node.value,))]
            days = "至".join(terms.value(bound) for bound in ends if isinstance(bound, date))
            return f"要求{asked}{f'（即{days}）' if days and not isinstance(node.value, Ago) else ''}；{rows}{found}"
        name = f"{terms.field_name(kind, node.field)}合计" if isinstance(node, SumOf) else "共"
        if isinstance(total, Range):
            return f"要求{asked}；{rows}，{name}{terms.range(total, entry)}"
        assert isinstance(total, Decimal | Fraction)
        bounds = self._bounds(node)
        found = terms.value(total, entry, beside=_ends(bounds))
        far = gap(node, total, bounds, entry, wanted, terms)
        return f"要求{asked}{self._worth(node, bounds, entry)}；{rows}，{name}{found}{far}"


def _ends(bounds: list[Range]) -> list[Exact]:
    return [end for bound in bounds for end in (bound.low, bound.high) if end is not None]
