"""Readiness for 免申即享: 范围明确, 标准清晰, 数据齐全, and what is missing of each.

The three tests are those of the provincial plans for direct delivery: what is clear in scope and standard and whose data can be
compared is paid without an application, the rest on application (四川省惠企政策“直达快享”实施方案, 川办函〔2024〕17号, 二（四）).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from contracts.rules import Benefit, Judged, JudgedAmount, Node, open_facts_of, tests_a_fact, walk
from services.catalog.domain.lint import Doubt

SCOPE = {"undefined-list"}
STANDARD = {"no-period", "no-base", "contradictory-words", "overlapping-tiers", "clash", "window-before-validity", "window-reversed"}


@dataclass(frozen=True)
class Criterion:
    """One of the three tests; met when nothing is missing."""

    name: Literal["范围明确", "标准清晰", "数据齐全"]
    missing: tuple[str, ...]

    @property
    def met(self) -> bool:
        return not self.missing


@dataclass(frozen=True)
class Readiness:
    """How far a benefit can go without an application."""

    criteria: tuple[Criterion, ...]

    @property
    def grade(self) -> Literal["免申即享", "补齐后可免申即享", "暂须申报"]:
        """All three met; scope met and only figures or data missing; or people must decide whom it is for."""
        if all(criterion.met for criterion in self.criteria):
            return "免申即享"
        return "补齐后可免申即享" if self.criteria[0].met else "暂须申报"


def readiness(benefit: Benefit, doubts: Sequence[Doubt], unread: Sequence[str] = ()) -> Readiness:
    """The grade of a draft, from its rule and amount, the doubts of `lint`, and the words that could not be read."""
    scope = [f"须由人认定：{text}" for text in _judged(benefit.rule)]
    scope += [f"没有读懂：{words}" for words in unread]
    scope += [doubt.problem for doubt in doubts if doubt.code in SCOPE]
    if not tests_a_fact(benefit.rule) and not open_facts_of(benefit.rule):
        scope.insert(0, "没有可以比对的条件")
    standard = [doubt.problem for doubt in doubts if doubt.code in STANDARD]
    if benefit.amount is None and benefit.mode != "inform":
        standard.insert(0, "没有可以计算的金额")
    standard += [f"金额须由人确定：{node.judged}" for node in walk(benefit.amount) if isinstance(node, JudgedAmount)]
    data = [f"没有提供单位：{name.removeprefix('open.')}" for name in sorted(open_facts_of(benefit))]
    return Readiness(
        (
            Criterion("范围明确", tuple(dict.fromkeys(scope))),
            Criterion("标准清晰", tuple(dict.fromkeys(standard))),
            Criterion("数据齐全", tuple(dict.fromkeys(data))),
        )
    )


def _judged(rule: Node) -> list[str]:
    return [node.judged for node in walk(rule) if isinstance(node, Judged)]
