"""What would settle or change a decision, who can do it, and when the benefit can be claimed."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from typing import NamedTuple

from contracts.rules import Benefit, Decision, NearMiss, SumOf
from contracts.rules.words import day
from services.policy_match.domain.interpreter import Scope, answer, value
from services.policy_match.domain.language import kind_of
from services.policy_match.domain.reasons import Leaf, leaves
from services.policy_match.domain.values import as_date
from services.policy_match.domain.wording.asked import Asked
from services.policy_match.domain.wording.distances import days_of
from services.policy_match.domain.wording.terms import ROWS


class Advice(NamedTuple):
    """Puts what comes next into sentences."""

    benefit: Benefit
    decision: Decision
    scope: Scope
    asked: Asked

    def steps(self) -> Iterator[str]:
        """One sentence for each thing to do, to wait for, or to heed."""
        if self.decision.outcome == "undetermined":
            yield from self._settling()
        if self.decision.near_miss is not None:
            yield self._near_miss(self.decision.near_miss)
        if self.decision.eligible_from is not None:
            yield f"如果其他情况不变，{day(self.decision.eligible_from)}起符合条件。"
        yield from self._window()

    def _settling(self) -> Iterator[str]:
        """Who states what is missing, and who decides what a person must decide."""
        terms, by_office = self.asked.terms, dict[str | None, list[str]]()
        for label in self.decision.missing:
            by_office.setdefault(terms.office(label), []).append(label)
        for office, labels in by_office.items():
            names = "、".join(dict.fromkeys(terms.wanting(label) for label in labels))
            if office is not None:
                yield f"请向{office}核实或补报：{names}。"
            elif all(label.startswith("population:") for label in labels):
                yield f"{names}要在全市计算后才能确定，无需企业办理。"
            elif all(label.startswith("figure:") for label in labels):
                yield f"{names}尚未公布或尚未录入，无需企业办理。"
            else:
                yield f"{names}目前没有部门提供数据，请向{self.benefit.department or '政策主管部门'}说明。"
        for text in self.decision.judged:
            yield f"“{self.asked.terms.judged(text)}”由{self.benefit.department or '政策主管部门'}认定。"

    def _near_miss(self, miss: NearMiss) -> str:
        parts = [self._change(change.fact, change.from_, change.to) for change in miss.change]
        by = f"，最迟{day(miss.until)}" if miss.until is not None else ""
        rest = any(finding.value == "unknown" for finding in self.decision.tests)
        return f"离符合条件还差：{'；'.join(parts)}{by}{'（另有还不能判断的要求）' if rest else ''}。"

    def _change(self, fact: str, old: object, new: object) -> str:
        terms, what = self.asked.terms, fact.partition("@")[0]
        entry = self.scope.registry.facts.get(what)
        if what in self.scope.registry.kinds:
            return self._further_rows(what, old, new)
        if isinstance(old, Decimal) and isinstance(new, Decimal):
            more = f"多{terms.value(new - old, entry)}" if new > old else f"少{terms.value(old - new, entry)}"
            to = "达到" if new > old else "降到"
            return f"{terms.name(fact)}{to}{terms.value(new, entry)}（比现有的{terms.value(old, entry)}{more}）"
        if isinstance(new, bool):
            return f"{'' if new else '不再'}属于“{terms.name(fact)}”"
        if isinstance(old, tuple) and isinstance(new, tuple):
            added, gone = ([item for item in one if item not in other] for one, other in ((new, old), (old, new)))
            both = [f"新增{terms.value(added, entry)}"] * bool(added) + [f"不再有{terms.value(gone, entry)}"] * bool(gone)
            return terms.name(fact) + "，".join(both)
        before = f"由{terms.value(old, entry)}" if old is not None else ""
        return f"{terms.name(fact)}{before}变为{terms.value(new, entry)}"

    def _further_rows(self, kind: str, old: object, new: object) -> str:
        """A record to come: how many more, or by how much the sum must grow, or not before which day."""
        name, terms = self.asked.terms.kind(kind), self.asked.terms
        if not isinstance(new, Decimal) or not isinstance(old, Decimal | None):
            return f"再新增一条符合条件的{name}记录（日期不早于{terms.value(new)}）"
        failing = (leaf.node for leaf in leaves(self.benefit.rule) if kind_of(leaf.node) == kind and not self._holds(leaf))
        test = next(failing, None)
        if isinstance(test, SumOf):
            more = terms.value(new - (old or 0), terms.field(kind, test.field))
            return f"再有符合条件的{name}，{terms.field_name(kind, test.field)}增加{more}"
        return f"再新增{terms.value(new - (old or 0), ROWS)}符合条件的{name}记录"

    def _holds(self, leaf: Leaf) -> bool:
        return answer(leaf.node, self.scope).value is not leaf.negated

    def _window(self) -> Iterator[str]:
        """When it can be claimed, beside today; also where that is no part of the outcome."""
        span = self.benefit.window
        if span is None or self.decision.outcome == "ineligible":
            return
        begin, end = (None if bound is None else value(bound, self.scope) for bound in (span.from_, span.to))
        if isinstance(begin, str):
            begin = as_date(begin)
        if isinstance(end, str):
            end = as_date(end)
        note = ""
        if isinstance(begin, date) and self.scope.as_of < begin:
            note = "，还没有开始"
        elif isinstance(end, date) and self.scope.as_of > end:
            note = "，已经结束"
        yield f"申请时间：{days_of(span, self.scope, self.asked.terms)}{note}。"
