"""A decision in Chinese sentences that a shop owner understands: the outcome, every requirement, the sum, and what to do.

The sentences say nothing that the decision does not: each comes from the interpreter's own answer to the same test.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date, datetime
from typing import Literal, NamedTuple

from contracts.rules import (
    All,
    Amount,
    AnyOf,
    AtLeast,
    Benefit,
    CountOf,
    Decision,
    Each,
    EarliestOf,
    FactValue,
    Figures,
    InWords,
    LatestOf,
    Node,
    NoneOf,
    Not,
    PopulationTest,
    Reason,
    Registry,
    Some,
    SumOf,
    walk,
)
from contracts.rules.words import day
from services.policy_match.domain.amount import interval, worth
from services.policy_match.domain.decision import decide, in_force
from services.policy_match.domain.enterprise import Enterprise
from services.policy_match.domain.interpreter import Scope, answer, ranked_figure, window
from services.policy_match.domain.language import kind_of
from services.policy_match.domain.periods import key_of
from services.policy_match.domain.population import Population
from services.policy_match.domain.profile import Origin
from services.policy_match.domain.reasons import limbs
from services.policy_match.domain.truth import negated
from services.policy_match.domain.values import TypeMismatch, Unknown
from services.policy_match.domain.wording.advice import Advice
from services.policy_match.domain.wording.amounts import amount_words
from services.policy_match.domain.wording.asked import Asked, parts_needed
from services.policy_match.domain.wording.distances import days_of
from services.policy_match.domain.wording.found import VERDICTS, Found
from services.policy_match.domain.wording.reckoned import OPEN_SUM, Reckoned, in_yuan, stacking_words
from services.policy_match.domain.wording.terms import Terms

_OUTCOMES: dict[bool | None, Literal["true", "false", "unknown"]] = {True: "true", False: "false", None: "unknown"}
_PAYS = {"relief": "可减免", "credit": "可获额度"}
_STANDING = {
    "suspended": "该事项目前暂停办理。", "withdrawn": "该事项已撤回，不再办理。", "expired": "该事项已到期，不再办理。",
}  # fmt: skip


def explained(
    benefit: Benefit,
    enterprise: Enterprise,
    *,
    as_of: date,
    registry: Registry,
    figures: Figures,
    population: Population | None = None,
    rule_version: int | None = None,
    facts_as_known_at: datetime | None = None,
    stated: Mapping[str, Origin] | None = None,
    standing: str | None = None,
) -> Decision:
    """The decision with its sentences. `stated` is the origin of each fact, fact@period and record kind, where that is remembered;
    `standing` says how the benefit stands with its office (published, suspended, withdrawn, expired). Raises TypeMismatch."""
    decision = decide(
        benefit,
        enterprise,
        as_of=as_of,
        registry=registry,
        figures=figures,
        population=population,
        rule_version=rule_version,
        facts_as_known_at=facts_as_known_at,
    )
    scope = Scope(enterprise, as_of, registry, figures, benefit.id, population.standings if population else None)
    words = _Explained(benefit, decision, scope, Asked(Terms(registry, figures, as_of)), stated or {}, standing).whole()
    return decision.model_copy(update={"in_words": words})


class _Explained(NamedTuple):
    benefit: Benefit
    decision: Decision
    scope: Scope
    asked: Asked
    stated: Mapping[str, Origin]
    standing: str | None

    def whole(self) -> InWords:
        reasons = (*self._force(), *self._reasons(self.benefit.rule, "", 0, True, (None, None)))
        return InWords.model_construct(
            summary=self._summary(reasons),
            reasons=reasons,
            amount=self._amount(),
            next=tuple(Advice(self.benefit, self.decision, self.scope, self.asked).steps()),
        )

    # reasons ------------------------------------------------------------------------------------------------------------

    def _reasons(self, node: Node, path: str, depth: int, wanted: bool, cited: tuple[str | None, str | None]) -> Iterator[Reason]:
        cited = (node.quote or cited[0], node.article or cited[1])
        if isinstance(node, Not):
            yield from self._reasons(node.not_, _below(path, "not"), depth, not wanted, cited)
        elif isinstance(node, All | AnyOf | AtLeast):
            below, needed = list(limbs(node)), parts_needed(node, wanted)
            together = needed == len(below) and (depth == 0 or len(below) == 1)
            if not below or not together:
                yield self._group(node, path, depth, wanted, needed, cited)
            for step, limb in below:
                yield from self._reasons(limb, _below(path, step), depth + (not together), wanted, cited)
        else:
            outcome, words = Found(self.scope, self.asked).sentence(node, wanted=wanted)
            yield Reason.model_construct(
                path=path,
                depth=depth,
                outcome=_OUTCOMES[outcome],
                sentence=words,
                source=self._stated_by(node),
                quote=cited[0],
                article=cited[1],
            )

    def _group(
        self, node: All | AnyOf | AtLeast, path: str, depth: int, wanted: bool, needed: int, cited: tuple[str | None, str | None]
    ) -> Reason:
        """The line above alternatives: how many of them it takes, and how many there are."""
        own = answer(node, self.scope)
        outcome = (own if wanted else negated(own)).value
        answers = [answer(limb, self.scope) for _, limb in limbs(node)]
        met = sum((a if wanted else negated(a)).value is True for a in answers)
        if not answers:
            words = f"不设条件，{VERDICTS[True]}。" if outcome else f"没有企业能够满足这一项，{VERDICTS[False]}。"
        elif needed == len(answers):
            words = f"以下{len(answers)}项要同时符合：已符合{met}项，{VERDICTS[outcome]}。"
        else:
            words = f"以下{len(answers)}项符合其中{'一' if needed == 1 else needed}项即可：已符合{met}项，{VERDICTS[outcome]}。"
        return Reason.model_construct(
            path=path, depth=depth, outcome=_OUTCOMES[outcome], sentence=words, source=None, quote=cited[0], article=cited[1]
        )

    def _force(self) -> Iterator[Reason]:
        """The days on which the benefit holds, where this is not one of them."""
        force = in_force(self.benefit, self.scope).value
        if force is True:
            return
        spans = [span for span in (self.benefit.valid, self.benefit.window) if span is not None]
        held = "，或".join(days_of(span, self.scope, self.asked.terms) for span in spans)
        today = day(self.scope.as_of)
        words = f"有效期为{held}，{today}不在其内，{VERDICTS[False]}。" if force is False else f"有效期为{held}，{VERDICTS[None]}。"
        quote, article = next(((span.quote, span.article) for span in spans if span.quote), (None, None))
        yield Reason.model_construct(
            path="valid", depth=0, outcome=_OUTCOMES[force], sentence=words, source=None, quote=quote, article=article
        )

    def _stated_by(self, node: Node) -> str | None:
        """Which authorities stated what the test looks at, true on which days."""
        days: dict[str, set[date]] = {}
        for label in self._labels(node):
            what = label.partition("@")[0]
            entry = self.scope.registry.facts.get(what) or self.scope.registry.kinds.get(what)
            if entry is None:
                continue
            origin = self.stated.get(label)
            authority = origin.authority if origin else entry.authority
            known = self.scope.registry.authorities.get(authority)
            days.setdefault(known.name if known else authority, set()).update([origin.true_on] if origin else [])
        if not days:
            return None
        dated = {
            office: "" if not on else day(min(on)) if len(on) == 1 else f"{day(min(on))}至{day(max(on))}" for office, on in days.items()
        }
        if len(set(dated.values())) == 1:
            return f"数据来自{'、'.join(dated)}" + (f"，{on}" if (on := next(iter(dated.values()))) else "")
        return "数据来自" + "、".join(f"{office}（{on}）" if on else office for office, on in dated.items())

    def _labels(self, node: Node) -> Iterator[str]:
        """The facts (by period) and record tables under a test of which something is known."""
        for part in walk(node):
            if isinstance(part, PopulationTest):
                part = ranked_figure(part)
            kind = kind_of(part) if isinstance(part, Some | NoneOf | CountOf | SumOf | EarliestOf | LatestOf | Each) else None
            if kind is not None and kind in self.scope.enterprise.records:
                yield kind
            if not isinstance(part, FactValue) or part.fact not in self.scope.enterprise.facts:
                continue
            known = self.scope.enterprise.facts[part.fact]
            if part.period is None:
                yield part.fact
                continue
            try:
                periods = window(part, self.scope)
            except TypeMismatch:  # a limb that was never asked
                continue
            if isinstance(periods, Unknown) or not isinstance(known, Mapping):
                continue
            asked = [*periods, *(period.year_before() for period in periods if part.take in ("growth", "increase"))]
            yield from (f"{part.fact}@{key_of(period)}" for period in asked if key_of(period) in known)

    # outcome, amount, what next -----------------------------------------------------------------------------------------

    def _summary(self, reasons: tuple[Reason, ...]) -> str:
        title = f"“{self.benefit.title}”" if self.benefit.title else "该事项"
        stands = _STANDING.get(self.standing or "", "")
        first = f"{stands}按{day(self.scope.as_of)}已知的情况，"
        top = [reason for reason in reasons if reason.depth == 0]
        if self.decision.outcome == "eligible":
            return f"{first}贵企业符合{title}的条件。"
        if self.decision.outcome == "ineligible":
            if any(reason.path == "valid" and reason.outcome == "false" for reason in top):
                return f"{first}{title}不在有效期内，不能享受。"
            failed = sum(reason.outcome == "false" for reason in top)
            several = f"{len(top)}项要求中有{failed}项" if failed < len(top) else f"{failed}项要求" + ("都" if failed > 1 else "")
            unknown = sum(reason.outcome == "unknown" for reason in top)
            rest = f"，另有{unknown}项还缺数据或有待认定" if unknown else ""
            return f"{first}贵企业不符合{title}的条件：{several}没有达到{rest}。"
        waits = []
        if self.decision.missing:
            waits.append(f"还缺{len(self.decision.missing)}项数据")
        if self.decision.judged:
            waits.append(f"还有{len(self.decision.judged)}项要由主管部门认定")
        return f"{first}还不能判断贵企业是否符合{title}的条件：{'，'.join(waits) or '有的数据尚不能确定'}。"

    def _amount(self) -> str:
        amount = self.benefit.amount
        if amount is None:
            return "没有可以计算的金额，以主管部门审核为准。"
        try:
            return self._reckoned(amount) + "".join(stacking_words(self.benefit.stacking, self.scope, self.asked))
        except TypeMismatch:  # of somebody who is not eligible: the decision stands without it
            return "按现有数据算不出金额，以主管部门审核为准。"

    def _reckoned(self, amount: Amount) -> str:
        found = worth(amount, self.scope)
        range_ = interval(amount, self.scope)
        gets = _PAYS.get(self.benefit.pays or "", "可得")
        if self.decision.outcome != "eligible" and range_.high == 0:  # what it comes to now is not what it will
            return f"如果符合条件，{gets}：{amount_words(amount, self.asked)}。"
        prefix = "" if self.decision.outcome == "eligible" else "如果符合条件，"
        steps, total = Reckoned(self.scope, self.asked).steps(amount), in_yuan(found)
        if range_.low == range_.high:
            short = total if steps in (f"定额{total}", total) else f"{steps}，{gets}{total}"
            words = f"{prefix}{gets}{total}。" if short == total else f"{prefix}{short}。"
        else:
            lacking = "、".join(dict.fromkeys(self.asked.terms.name(label) for label in range_.missing))
            why = f"；还缺{lacking}，金额不能完全确定" if lacking else ""
            known = "" if total == OPEN_SUM or total in steps else f"，{gets}{total}"
            words = f"{prefix}{steps}{known}{why}，以审核为准。"
        return words


def _below(path: str, step: str) -> str:
    return f"{path}/{step}" if path else step
